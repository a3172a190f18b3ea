"""Charts told: a metric across the versions of a model, or along the training of some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lineal.model.values import Goal
from lineal_tui import messages as m
from lineal_tui.chartview import Read, Readable
from lineal_tui.keys import Where
from lineal_tui.places import Place
from lineal_tui.plain import rows, trends, words
from lineal_tui.plain.listing import Item
from lineal_tui.plain.room import Room
from lineal_tui.present import text
from lineal_tui.present.telling import telling

if TYPE_CHECKING:
    from lineal_tui.plain.conversation import Conversation

_SIZE = (80, 20)  # cells of the drawing, which nobody sees: what stands behind it is told
_VALUES = 20_000


class Charts(Room):
    """How a metric went."""

    WHERE = Where.CHARTS

    def __init__(self, talk: Conversation, place: Place) -> None:
        super().__init__(talk, place)
        self._steps = False
        self._metric = ""
        self._goals: dict[str, Goal] = {}

    def enter(self) -> None:
        """Say which metrics there are; tell the one that was chosen."""
        found = self.talk.ask(m.RowsRequest(scope=self.place.scope), m.RowsReady)
        self._goals = found.goals
        about = self.place.rows if self._steps else found.first
        names = {name for row in about for name in row.metrics}
        ordered = sorted(names, key=lambda name: (telling(name), name))
        if not ordered:
            self.talk.say("No metric is recorded here")
            return
        self.talk.say(f"{words.counted(len(ordered), 'metric')} {self._along()}; choose one by number")
        self.offer([Item(self._named(name), self._tells(name)) for name in ordered], "metric")

    def _along(self) -> str:
        if self._steps:
            return f"along the training of {words.listed(rows.name(row) for row in self.place.rows)}"
        return f"across the versions of {text.safe(self.place.scope.model, 80)}"

    def _named(self, name: str) -> str:
        goal = words.GOALS[self._goals.get(name)]
        return ", ".join(part for part in (text.safe(name, 80), goal) if part)

    def _tells(self, name: str) -> words.Do:
        return lambda: self._tell(name)

    def _tell(self, name: str) -> None:
        self._metric = name
        request = m.ChartRequest(name, self.place.scope, self.place.rows, *_SIZE, steps=self._steps, colour=False)
        found = self.talk.ask(request, m.ChartReady)
        self.talk.say(f"{text.safe(name, 80)} {self._along()}")
        self.talk.say(f"Behind it: {words.spoken(text.safe(found.note, 600))}")
        if (shown := found.readable) is None:
            self.talk.say("There is nothing to tell")
            return
        goal = self._goals.get(name)
        for curve in shown.curves:
            called = text.safe(curve.label, 80) if self._steps else text.safe(name, 80)
            self.talk.say(*trends.curve(curve, shown, goal, called))
        items = [item for curve in shown.curves for item in self._values(curve, shown)]
        self.talk.say("Every value follows; type charts for the other metrics")
        self.offer(items, "value")

    def _values(self, curve: Read, shown: Readable) -> list[Item]:
        label = f"{text.safe(curve.label, 80)}, " if len(shown.curves) > 1 else ""
        return [Item(f"{label}{trends.where(curve, shown, at)}: {rows.number(value)}")
                for at, value in enumerate(curve.values[:_VALUES])]  # fmt: skip

    def off(self, key: str) -> str:
        """Say why a word is off here; charts tells the metrics again."""
        return "" if key == "charts" else super().off(key)

    def do_charts(self, rest: str) -> None:
        """Tell the metrics again."""
        self.again()

    def do_axis(self, rest: str) -> None:
        """Tell along training, or across versions."""
        self._steps = not self._steps
        self.talk.say(f"Now {self._along()}")
        if self._metric:
            self._tell(self._metric)
        else:
            self.again()
