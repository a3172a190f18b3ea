"""Text mode itself: a line is typed, what it asks for is said; one thing at a time, until the input ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from textual.message import Message

from lineal.errors import Error
from lineal.formats.people import NOBODY
from lineal_tui import messages as m
from lineal_tui.acts import StandingReady, StandingRequest
from lineal_tui.desking import Desk
from lineal_tui.keys import Where
from lineal_tui.places import Place
from lineal_tui.plain import dictionary, plans, words
from lineal_tui.plain.asking import Asking, Cancelled
from lineal_tui.plain.children import Children
from lineal_tui.plain.room import Room
from lineal_tui.plain.voice import Over, Voice
from lineal_tui.present import text
from lineal_tui.session import Session
from lineal_tui.source import Source

Answer = TypeVar("Answer", bound=Message)
_LEAVES = frozenset({"quit", "exit"})


class Conversation:
    """What is said and understood; `say`, `line`, `ask` and `go` are what the screens need of it."""

    def __init__(
        self,
        source: Source,
        voice: Voice,
        *,
        desk: Callable[[], Desk],
        workspace: str,
        cwd: str,
        environ: Mapping[str, str],
        sync: Sequence[str],
        verbs: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
        wrong: str = "",
        misled: Sequence[str] = (),
    ) -> None:
        """Make a conversation; the arguments are those of the application, and `voice` is who reads and writes."""
        self.session = Session(workspace, clock)
        self.session.cwd, self.session.wrong, self.session.misled = cwd, wrong, tuple(misled)
        self._voice = voice
        self._asking = Asking(source, desk, self.say)
        self._children = Children(sync, verbs, cwd, environ, self.say, voice.pass_on)
        self._room: Room | None = None
        self._interrupted = False  # ctrl+c was pressed, and nothing was typed since

    def run(self) -> int:
        """Talk until the input ends or the person leaves; return the exit code."""
        try:
            self._guarded(self._begin)
            while self._hear():
                pass
        except Over:
            self.say("The input has ended")
        finally:
            self._asking.close()
        return 0

    def _hear(self) -> bool:
        """Ask for a line and do what it says; False where it says to leave."""
        room = self._room
        typed = ""

        def listen() -> None:
            nonlocal typed
            typed = self._voice.ask(room.prompt() if room else "lineal")
            self._interrupted = False

        self._guarded(listen)
        if typed.lower() in _LEAVES:
            return False
        if typed:
            self._guarded(lambda: self._do(typed))
        return True

    def _guarded(self, do: Callable[[], None]) -> None:
        """Do something; say what went wrong. A second ctrl+c in a row is let through."""
        try:
            do()
        except Error as error:
            self.complain(error)
        except Cancelled:
            self._interrupted = True
            self.say("Cancelled; ctrl+c again leaves Lineal")
        except KeyboardInterrupt:
            if self._interrupted:
                raise
            self._interrupted = True
            self.say("Nothing was changed; ctrl+c again, or quit, leaves Lineal")

    # --- what screens need ---

    def say(self, *statements: str) -> None:
        """Say statements, one a line."""
        self._voice.say(*statements)

    def line(self, prompt: str, question: str) -> str:
        """Ask a question; return what was typed. Raises Over."""
        self.say(question)
        return self._voice.ask(prompt)

    def ask(self, request: m.Request, answer: type[Answer]) -> Answer:
        """Ask the worker. Raises Error."""
        return self._asking.ask(request, answer)

    def complain(self, error: Error) -> None:
        """Say what went wrong, and what to do."""
        self.say(*plans.error(error))

    def go(self, place: Place) -> None:
        """Go to a place, and say what is there."""
        self.session.places.visit(place)
        self.enter(place)

    def enter(self, place: Place) -> None:
        """Say what is at a place that was gone to."""
        self._room = _room(place)(self, place)
        self._room.enter()

    def sync(self, names: tuple[str, ...]) -> None:
        """Read registries again, and say how far that is; no names means all."""
        self._children.sync(names)
        self._stand()

    def acted(self, registries: tuple[str, ...]) -> None:
        """Read again what an action changed; then who may do what."""
        if registries:
            self._children.sync(registries)
        self._stand()
        if self._room:
            self._room.acted()

    def _stand(self) -> None:
        names = tuple(row.name for row in self.session.registries)
        self.session.standing = self.ask(StandingRequest(names), StandingReady).standing

    # --- the beginning ---

    def _begin(self) -> None:
        """Say where one is and what may be changed, read what is new, and tell the models."""
        self._room = _room(self.session.places.here)(self, self.session.places.here)
        self.say(f"Lineal in text mode, workspace {text.safe(self.session.workspace, 80)}")
        self.say(*(f"A key stays as it was: {text.safe(one, 200)}" for one in self.session.misled))
        self._guarded(self._who)
        self._guarded(self._fresh)
        self._guarded(self._stand)
        self._room.enter()
        self.say("Type a number to choose, a word to act, ? for what can be done here, quit to leave")

    def _who(self) -> None:
        standing = self.ask(StandingRequest(()), StandingReady).standing
        self.session.standing = standing
        if self.session.wrong:
            self.say(f"Defaults stand, and nothing may be changed: {text.safe(self.session.wrong, 600)}")
        elif standing.read_only:
            self.say(f"Read-only, nothing can be changed: {text.safe(standing.read_only, 600)}")
        elif standing.who == NOBODY:
            self.say("Nobody is named as who you are; name yourself in git's user.name or in LINEAL_AUTHOR")
        elif standing.who:
            self.say(f"You are {text.person(standing.who)}; what changes something shows its plan first")
        if standing.begun:
            begun = words.counted(len(standing.begun), "action was", "actions were")
            self.say(f"{begun} begun and not ended; type resume")

    def _fresh(self) -> None:
        found = self.ask(m.FreshRequest(), m.FreshReady)
        self.session.registries = found.registries
        if found.stale:
            self._children.sync(tuple(found.stale))

    # --- what was typed ---

    def _do(self, typed: str) -> None:
        room = self._room
        assert room is not None
        if typed.isdecimal():
            room.choose(int(typed[:9]))
        elif typed.startswith(":"):
            self._children.run(typed[1:], room.subject())
        else:
            self._word(room, typed)

    def _word(self, room: Room, typed: str) -> None:
        known = dictionary.understood(room)
        does, rest = dictionary.parse(typed, known)
        if does == "help":
            room.read(dictionary.helps(room))
        elif not does:
            self.say(*self._unknown(room, typed, known))
        elif why := room.off(does):
            word = typed.removesuffix(rest).strip() if len(typed) > 1 else does.replace("_", " ")
            self.say(f"{text.safe(word, 40)} is off now: {why}")
        else:
            getattr(room, f"do_{does}")(rest)

    def _unknown(self, room: Room, typed: str, known: dict[str, str]) -> list[str]:
        word = typed.split()[0]
        if theirs := dictionary.screen_only(room).get(typed):
            return [f"{text.safe(typed, 40)} is of use on the drawn screen only: {theirs}"]
        if where := dictionary.elsewhere(typed):
            return [f"{text.safe(typed, 40)} is of use on {words.listed(where)} only"]
        near = dictionary.suggestion(word, known)
        meant = f"; did you mean {near}?" if near else ""
        return [f"{text.safe(word, 60)} is no word here{meant}", "" if near else "Type ? for what can be done here"]


def _room(place: Place) -> type[Room]:
    """Return the screen of a place; its module is imported when it is first gone to."""
    if place.where is Where.MODELS:
        from lineal_tui.plain.models import room

        return room(place)
    if place.where in (Where.LINEAGE, Where.COMPARE):
        from lineal_tui.plain import relations

        return relations.Lineage if place.where is Where.LINEAGE else relations.Compare
    if place.where is Where.CHARTS:
        from lineal_tui.plain.charting import Charts

        return Charts
    if place.where is Where.REVIEW:
        from lineal_tui.plain.reviewing import Review

        return Review
    if place.where is Where.HISTORY:
        from lineal_tui.plain.remembering import History

        return History
    from lineal_tui.plain.origins import Sources

    return Sources
