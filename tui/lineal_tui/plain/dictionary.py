"""Which words a screen of text mode understands: ids, labels and keys of the one key table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lineal_tui import keys
from lineal_tui.keys import Group, Key
from lineal_tui.plain import words

if TYPE_CHECKING:
    from lineal_tui.plain.room import Room

_MORE = {"more": "page_down", "less": "page_up", "again": "top", "?": "help", "resume": "resume"}
"""Words of text mode's own, and the ids that they stand for."""
_TOLD = {
    "with that under the cursor": "with this one",
    "what is under the cursor": "what is chosen",
    "the one under the cursor": "the one that is chosen",
    " under the cursor": " that is chosen",
    "a dimmed one": "a word",
    "The keys": "The words",
}
"""What the key table says of the drawn screen, and what is said of it here."""
_LED = {"/": "filter", "'": "jump"}
"""Keys behind which a text may follow without a space."""
_NEAR = 0.65  # how like a word another must be to be suggested
_OWN = frozenset({"help", "resume"})


def understood(room: Room) -> dict[str, str]:
    """Return every word, with the id of what it does; ids come before labels, labels before keys."""
    found: dict[str, str] = {}
    mine = [key for key in keys.of(room.WHERE) if key.id in _OWN or hasattr(room, f"do_{key.id}")]
    for key in mine:
        found.setdefault(key.id, key.id)
        found.setdefault(key.id.replace("_", " "), key.id)
    for key in mine:
        if key.id != "leave":  # quit leaves Lineal; leave, and q, the place
            found.setdefault(key.label, key.id)
    for key in mine:
        for shown in key.shown.split():
            if not shown.isdecimal():  # a number chooses
                found.setdefault(shown, key.id)
    return {**found, **_MORE}


def screen_only(room: Room) -> dict[str, str]:
    """Return the words that only the drawn screen has, with what they do there."""
    theirs = [key for key in keys.of(room.WHERE) if key.id not in _OWN and not hasattr(room, f"do_{key.id}")]
    called = ((key, (key.id, key.id.replace("_", " "), key.label, *key.shown.split())) for key in theirs)
    return {word: key.help for key, names in called for word in names}


def parse(typed: str, known: dict[str, str]) -> tuple[str, str]:
    """Return the id of what was typed, and what follows it; "" where no word is known."""
    if typed[:1] in _LED and _LED[typed[0]] in known.values():
        return _LED[typed[0]], typed[1:].strip()
    parts = typed.split()
    for length in range(min(3, len(parts)), 0, -1):
        said = " ".join(parts[:length])
        found = known.get(said) or (known.get(said.lower()) if len(said) > 1 else None)
        if found:
            return found, " ".join(parts[length:])
    return "", typed


def helps(room: Room) -> Iterator[str]:
    """Yield what can be done here: what acts first, with why something is off."""
    known = understood(room)
    yield "A number chooses from the list, more reads on, quit leaves, colon and words run the command line"
    for group in Group:
        for key in keys.of(room.WHERE):
            if key.group is group and key.id in known.values() and group is not Group.MOVE:
                yield _help(key, known, room.off(key.id))
    if room.talk.session.begun:
        yield "resume: end an action that was begun and not ended"


def _help(key: Key, known: dict[str, str], why: str) -> str:
    letters = [words.key(shown) for shown in key.shown.split() if known.get(shown) == key.id]
    short = f", or {letters[0]}" if letters else ""
    off = f" Off now: {why}" if why else ""
    said = key.help
    for drawn, told in _TOLD.items():
        said = said.replace(drawn, told)
    return f"{key.id.replace('_', ' ')}{short}: {said}{off}"


def suggestion(word: str, known: dict[str, str]) -> str:
    """Return the word that was probably meant; "" where none is near."""
    from difflib import get_close_matches

    mine = [one for one in known if len(one) > 2] + ["quit"]
    every = [key.id for key in keys.TABLE if len(key.id) > 2]
    near = get_close_matches(word.lower()[:40], [*mine, *every], 1, _NEAR)
    return near[0].replace("_", " ") if near else ""


def elsewhere(typed: str) -> list[str]:
    """Return the screens that have a word; none where no screen has it."""
    found = [key for key in keys.TABLE if typed in (key.id, key.id.replace("_", " "), key.label)]
    return [str(where) for where in keys.SCREENS if any(where in key.where for key in found)]
