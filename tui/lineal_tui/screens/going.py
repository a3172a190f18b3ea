"""Going from screen to screen: by number, back and forward, by name, and with the marked versions."""

from __future__ import annotations

from lineal.model.listing import VersionRow
from lineal_tui import keys
from lineal_tui.keys import Where
from lineal_tui.messages import Go, RivalReady, RivalRequest
from lineal_tui.places import Place, Scope, identity
from lineal_tui.present.ink import Span, Tone
from lineal_tui.screens.frame import Frame


class Going(Frame):
    """A screen from which one gets to the others."""

    def off(self, key: str) -> str:
        """Say why a key does nothing now; "" where it works."""
        if key in ("lineage", "details", "mark") and self.subject() is None:
            return "no version under the cursor"
        if key == "copy" and self.subject() is None and not any(self.spoken()):
            return "no version under the cursor"
        if key == "export" and (self.session.page or not self.session.verbs):
            return "a page writes no files on its host" if self.session.page else "the command line cannot be run here"
        if key == "charts" and self.subject() is None and not self.session.marks:
            return "no version under the cursor"
        if key == "compare" and not self._compared():
            return "no version under the cursor"
        if key == "compare_screen" and len(self.session.marks) < 2 and self.WHERE is not Where.COMPARE:
            return f"mark two versions first, with {keys.shown('mark')}"
        if key == self.WHERE.value or (key == "compare_screen" and self.WHERE is Where.COMPARE):
            return "you are here"
        if key == "place_back" and not self.session.places.can(-1):
            return "no place before this one"
        if key == "back" and not (self.session.places.out or self.has_class("-zoom")):
            return "this is the root; q quits"
        if key == "place_forward" and not self.session.places.can(1):
            return "no place after this one"
        if key in ("sync", "sync_all") and self.session.sync is not None:
            return "a sync runs; esc on Sources cancels it"
        return ""

    def go(self, where: Where, rows: tuple[VersionRow, ...] = (), scope: Scope | None = None, text: str = "") -> None:
        """Go to a screen."""
        self.post_message(Go(Place(where, scope or Scope(), text, rows)))

    def do_models(self) -> None:
        """Go to Models, at the version that this screen is about."""
        row = self.subject()
        self.go(Where.MODELS, (row,) if row else (), scope=Scope(row.registry, row.model) if row else None)

    def do_lineage(self) -> None:
        """Go to the lineage of the version under the cursor."""
        if row := self.subject():
            self.go(Where.LINEAGE, (row,))

    def do_compare_screen(self) -> None:
        """Go to the comparison of the marked versions."""
        self.go(Where.COMPARE, tuple(self.session.marks.values()))

    def do_compare(self) -> None:
        """Compare the marked versions; a single one with the version under the cursor, else with the live one."""
        rows = self._compared()
        if len(rows) == 1:
            self.ask(RivalRequest(rows[0]))
        else:
            self.go(Where.COMPARE, rows)

    def on_rival_ready(self, message: RivalReady) -> None:
        """Compare with the live version, or the one before it."""
        row = message.request.row
        if message.rival is None:
            self.say(
                (
                    Span(
                        f"There is no other version of this model: mark one elsewhere, with {keys.shown('mark')}.",
                        Tone.WARN,
                    ),
                )
            )
        else:
            self.go(Where.COMPARE, (message.rival, row))

    def _compared(self) -> tuple[VersionRow, ...]:
        marks, row = self.session.marks, self.subject()
        if not marks:
            return (row,) if row else ()
        if len(marks) == 1 and row is not None and identity(row) not in marks:
            return (*marks.values(), row)
        return tuple(marks.values())

    def do_charts(self) -> None:
        """Go to the charts of the marked versions, or of the one under the cursor."""
        rows = self.session.subjects(self.subject())
        subject = self.subject() or rows[0]
        self.go(Where.CHARTS, rows, Scope(subject.registry, subject.model))

    def do_review(self) -> None:
        """Go to the review of the version under the cursor, or to what waits for one."""
        row = self.subject()
        self.go(Where.REVIEW, (row,) if row else ())

    def do_history(self) -> None:
        """Go to the history of the model under the cursor, or of all."""
        row = self.subject()
        scope = Scope(row.registry, row.model) if row else self.session.scope
        self.go(Where.HISTORY, (row,) if row else (), scope)

    def do_sources(self) -> None:
        """Go to the registries."""
        self.go(Where.SOURCES)

    def do_place_back(self) -> None:
        """Go to the place before, or take the last change of the view back."""
        self._step(-1)

    def do_place_forward(self) -> None:
        """Go to the place after, or make the change of the view again."""
        self._step(1)

    def _step(self, by: int) -> None:
        self.settle()
        self.post_message(Go(self.session.places.step(by), remember=False))

    def do_back(self) -> None:
        """Undo what is zoomed, else go back."""
        if self.has_class("-zoom"):
            self.do_zoom()
        elif out := self.session.places.out:
            self._step(out)

    def do_leave(self) -> None:
        """Go back, or ask whether to quit where there is no way back."""
        if self.session.places.out or self.has_class("-zoom"):
            self.do_back()
        else:
            self.ask_to_quit()

    def ask_to_quit(self) -> None:
        """Ask whether to quit."""
        from lineal_tui.screens.dialog import Quit

        self.app.push_screen(Quit(syncing=self.session.sync is not None))

    def do_jump(self) -> None:
        """Ask for a name to jump to."""
        from lineal_tui.screens.finding import Jump

        jump = Jump(self.session)
        self.app.push_screen(jump, lambda index: self._go_to(jump.found[index]) if index is not None else None)

    def _go_to(self, place: Place) -> None:
        self.post_message(Go(place))
