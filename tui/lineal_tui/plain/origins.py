"""Sources told: registries, how fresh they are, what they can and cannot change, problems and how to mend them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lineal.model.listing import ProblemRow, RegistryRow, VersionRow
from lineal_tui import messages as m
from lineal_tui.keys import Where
from lineal_tui.places import Place
from lineal_tui.plain import rows, words
from lineal_tui.plain.listing import Item
from lineal_tui.plain.room import Room
from lineal_tui.present import text

if TYPE_CHECKING:
    from lineal_tui.plain.conversation import Conversation

_CHANGES = {
    "alias": "move aliases",
    "tag": "set tags",
    "register": "register versions",
    "say": "write notes and reviews",
}


class Sources(Room):
    """The registries of the workspace."""

    WHERE = Where.SOURCES

    def __init__(self, talk: Conversation, place: Place) -> None:
        super().__init__(talk, place)
        self._chosen = ""
        self._problems: list[ProblemRow] = []

    def subject(self) -> VersionRow | None:
        """Return no version: registries are no versions."""
        return None

    def enter(self) -> None:
        """Say how each registry is."""
        found = self.talk.ask(m.FreshRequest(), m.FreshReady)
        self._problems = self.talk.ask(m.SourcesRequest(), m.SourcesReady).problems
        self.talk.session.registries = found.registries
        if not found.registries:
            self.talk.say("No registry was found in or around this folder")
            self.talk.say("To name one: lineal registry add, then its path")
            return
        broken = sum(bool(row.error) for row in found.registries)
        said = [words.counted(len(found.registries), "registry", "registries")]
        said += [f"{broken} cannot be read"] if broken else []
        said += [words.counted(len(self._problems), "problem")]
        self.talk.say(", ".join(said))
        ordered = sorted(found.registries, key=lambda row: (not row.error, row.name))
        self.offer([Item(rows.registry(row, self.now, changed=row.name in found.stale), self._tells(row))
                    for row in ordered], "registry")  # fmt: skip

    def _tells(self, row: RegistryRow) -> words.Do:
        return lambda: self._tell(row)

    def _tell(self, row: RegistryRow) -> None:
        self._chosen = row.name
        self.talk.say(f"Registry {rows.registry(row, self.now)}")
        if row.error:
            kept = f"; what was read before stays, {words.counted(row.versions, 'version')}" if row.versions else ""
            self.talk.say(f"Error: {text.safe(row.error, 1500)}{kept}")
            self.talk.say(f"What to do: {text.safe(row.hint, 1000)}" if row.hint else "")
        self.talk.say(*self._changes(row))
        mine = [one for one in self._problems if one.registry == row.name]
        self.talk.say(words.counted(len(mine), "problem").capitalize())
        self.talk.say(f"Type sync to read {text.safe(row.name, 60)} again")
        self.offer([Item(_problem(one)) for one in mine], "problem")

    def _changes(self, row: RegistryRow) -> list[str]:
        standing = self.talk.session.standing
        if standing is None:
            return []
        why = {kind: standing.cannot.get((row.name, kind), "") for kind in _CHANGES}
        can = [said for kind, said in _CHANGES.items() if not why[kind]]
        out = [f"Here one can {words.listed(can)}" if can else "Nothing can be changed here"]
        for reason in dict.fromkeys(one for one in why.values() if one):
            kinds = words.listed(said for kind, said in _CHANGES.items() if why[kind] == reason)
            out.append(f"One cannot {kinds}: {text.safe(reason, 600)}")
        return out

    def do_sync(self, rest: str) -> None:
        """Read the registry that was chosen or named again, else all."""
        name = rest or self._chosen
        self.talk.sync((name,) if name else ())
        self.again()

    def do_sync_all(self, rest: str) -> None:
        """Read every registry again."""
        self.talk.sync(())
        self.again()

    def do_next(self, rest: str) -> None:
        """Read out every problem of every registry."""
        self.talk.say(words.counted(len(self._problems), "problem").capitalize())
        self.offer([Item(f"{text.safe(one.registry, 40)}: {_problem(one)}") for one in self._problems], "problem")


def _problem(one: ProblemRow) -> str:
    hint = f"; what to do: {text.safe(one.hint, 600)}" if one.hint else ""
    return f"Problem at {text.safe(one.where, 300)}: {text.safe(one.message, 1000)}{hint}"
