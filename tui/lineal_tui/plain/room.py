"""What every screen of text mode has: a list to choose from, ways to the others, and why a word does nothing now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from lineal.errors import Error
from lineal.model.listing import VersionRow
from lineal_tui import messages as m
from lineal_tui.keys import Where
from lineal_tui.places import Place, Scope, identity
from lineal_tui.plain import details, rows, words
from lineal_tui.plain.listing import Item, Listing
from lineal_tui.plain.proposing import Proposing
from lineal_tui.present import text

if TYPE_CHECKING:
    from lineal_tui.plain.conversation import Conversation

_ALL = 100_000
_NO_VERSION = "choose a version first"


class Room(Proposing):
    """One screen, told. `enter` learns what there is and says it; `do_<id>` does what the key of that id does."""

    WHERE: ClassVar[Where]

    def __init__(self, talk: Conversation, place: Place) -> None:
        self.talk, self.place = talk, place
        self.listing = Listing()

    @property
    def now(self) -> float:
        """The time."""
        return self.talk.session.clock()

    def prompt(self) -> str:
        """Return what stands before what is typed: the screen, and what it is about."""
        row = self.subject()
        return f"{self.WHERE} {rows.name(row)}" if row else str(self.WHERE)

    def enter(self) -> None:
        """Learn what there is, and say it."""
        raise NotImplementedError

    def subject(self) -> VersionRow | None:
        """Return the version that this is about."""
        return self.place.rows[0] if self.place.rows else None

    def off(self, key: str) -> str:
        """Say why a word does nothing now; "" where it works."""
        marks, row, session = self.talk.session.marks, self.subject(), self.talk.session
        if key == str(self.WHERE) or (key == "compare_screen" and self.WHERE is Where.COMPARE):
            return "you are here"
        if key == "compare_screen" and len(marks) < 2:
            return "mark two versions first"
        if key in ("charts", "compare") and row is None and not marks:
            return _NO_VERSION
        if key in ("lineage", "details", "copy") and row is None:
            return _NO_VERSION
        if key in ("back", "place_back") and not session.places.can(-1):
            return "this is the first place; quit leaves"
        if key == "place_forward" and not session.places.can(1):
            return "no place after this one"
        if key in ("page_down", "page_up", "top") and not len(self.listing):
            return "there is no list here"
        return self.why_not(key)

    # --- lists ---

    def offer(self, items: Iterable[Item] | Listing, noun: str = "thing") -> None:
        """Read out the first part of a list, whose numbers can be chosen from then on."""
        self.listing = items if isinstance(items, Listing) else Listing(list(items), noun)
        self.talk.say(*self.listing.part())

    def read(self, statements: Iterable[str]) -> None:
        """Read out many statements in parts."""
        self.offer([Item(said) for said in statements], "line")

    def do_page_down(self, rest: str) -> None:
        """Read out the next part."""
        self.talk.say(*self.listing.part())

    def do_page_up(self, rest: str) -> None:
        """Read out the part before again."""
        self.listing.go(-1)
        self.talk.say(*self.listing.part())

    def do_top(self, rest: str) -> None:
        """Read out the first part again."""
        self.listing.go(-len(self.listing))
        self.talk.say(*self.listing.part())

    def do_open(self, rest: str) -> None:
        """Choose by number."""
        if not rest.isdecimal():
            self.talk.say("Type the number of what should be opened")
        else:
            self.choose(int(rest))

    def choose(self, number: int) -> None:
        """Do what a number stands for."""
        choice = self.listing.choice(number)
        if choice is not None:
            choice()
        elif self.listing.numbered:
            self.talk.say(f"There is no {number} to choose here; the list has {len(self.listing)}")
        else:
            self.talk.say("Nothing here has a number; screens are called by their names, such as models")

    # --- ways ---

    def go(self, where: Where, of: tuple[VersionRow, ...] = (), scope: Scope | None = None, said: str = "") -> None:
        """Go to a screen."""
        self.talk.go(Place(where, scope or Scope(), said, of))

    def do_models(self, rest: str) -> None:
        """Go to the list of models."""
        self.go(Where.MODELS)

    def do_lineage(self, rest: str) -> None:
        """Go to the lineage of the version."""
        if row := self.subject():
            self.go(Where.LINEAGE, (row,))

    def do_compare_screen(self, rest: str) -> None:
        """Go to the comparison of the marked versions."""
        self.go(Where.COMPARE, tuple(self.talk.session.marks.values()))

    def do_charts(self, rest: str) -> None:
        """Go to the charts of the marked versions, or of this one."""
        of = self.talk.session.subjects(self.subject())
        about = self.subject() or of[0]
        self.go(Where.CHARTS, of, Scope(about.registry, about.model))

    def do_review(self, rest: str) -> None:
        """Go to the review of the version, or to what waits for one."""
        row = self.subject()
        self.go(Where.REVIEW, (row,) if row else ())

    def do_history(self, rest: str) -> None:
        """Go to the history of the model, or of all."""
        row = self.subject()
        self.go(Where.HISTORY, (row,) if row else (), Scope(row.registry, row.model) if row else self.place.scope)

    def do_sources(self, rest: str) -> None:
        """Go to the registries."""
        self.go(Where.SOURCES)

    def do_back(self, rest: str) -> None:
        """Go to the place before."""
        self.do_place_back(rest)

    def do_place_back(self, rest: str) -> None:
        """Go to the place before."""
        self.talk.enter(self.talk.session.places.step(-1))

    def do_place_forward(self, rest: str) -> None:
        """Go to the place after."""
        self.talk.enter(self.talk.session.places.step(1))

    def do_leave(self, rest: str) -> None:
        """Go to the place before; at the first one say how to leave."""
        if self.talk.session.places.can(-1):
            self.do_place_back(rest)
        else:
            self.talk.say("This is the first place; type quit to leave Lineal")

    def do_jump(self, rest: str) -> None:
        """Find models and versions by name."""
        name = rest or self.talk.line("jump to", "Type the beginning of the name of a model, version or alias")
        found = self.talk.ask(m.FindRequest(name), m.FindReady)
        items = [Item(f"model {rows.model(one)}", self._to(Scope(one.registry, one.model))) for one in found.models]
        items += [Item(f"version {rows.name(one)} in {text.safe(one.registry, 40)}", self._to_version(one))
                  for one in found.rows]  # fmt: skip
        self.talk.say(f"{words.counted(len(items), 'name begins', 'names begin')} with {text.safe(name, 80)}")
        self.offer(items, "name")

    def _to(self, scope: Scope) -> words.Do:
        return lambda: self.go(Where.MODELS, scope=scope)

    def _to_version(self, row: VersionRow) -> words.Do:
        return lambda: self.go(Where.MODELS, (row,), Scope(row.registry, row.model))

    # --- the version ---

    def told(self, row: VersionRow, most: int = details.SHORT) -> Iterator[str]:
        """Return the details of a version."""
        found = self.talk.ask(m.DetailRequest(row), m.DetailReady)
        return details.statements(found, self.now, most)

    def do_details(self, rest: str) -> None:
        """Read out everything about the version."""
        if row := self.subject():
            self.read(self.told(row, _ALL))

    def do_copy(self, rest: str) -> None:
        """Say what would be copied: text mode has no clipboard to write to."""
        from lineal.model.reference import canonical

        if row := self.subject():
            self.talk.say(f"Reference: {canonical(row.registry, row.model, row.name)}")
            self.talk.say(f"Key: {text.safe(row.key, 200)}")

    def do_compare(self, rest: str) -> None:
        """Compare the marked versions; a single one with this one, else with the live one."""
        of = self._compared()
        if len(of) > 1:
            self.go(Where.COMPARE, of)
            return
        rival = self.talk.ask(m.RivalRequest(of[0]), m.RivalReady).rival
        if rival is None:
            self.talk.say("There is no other version of this model; mark one elsewhere, then compare")
        else:
            self.go(Where.COMPARE, (rival, of[0]))

    def _compared(self) -> tuple[VersionRow, ...]:
        marks, row = self.talk.session.marks, self.subject()
        if len(marks) == 1 and row is not None and identity(row) not in marks:
            return (*marks.values(), row)
        return tuple(marks.values()) or ((row,) if row else ())

    def do_sync(self, rest: str) -> None:
        """Read the registries again."""
        self.talk.sync(())
        self.again()

    def acted(self) -> None:
        """Say what is otherwise since an action; most screens learn of it when they are told again."""

    def again(self) -> None:
        """Learn and say again what there is; where that is impossible what was said stays."""
        try:
            self.enter()
        except Error as error:
            self.talk.complain(error)
