"""What a person types before a plan is made: a reason, a note, an alias or tags, on the screen or in text mode."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from msgspec.structs import replace

from lineal_tui.acts import Deed, PlanRequest

Wrong = Callable[[str], str]
"""Given what was typed, what is wrong with it; "" where it will do."""
ASKED = {
    Deed.ROLLBACK: ("roll back because", "why it goes back; enter alone gives no reason"),
    Deed.REJECT: ("reject because", "why it must not go there; it is recorded"),
    Deed.NOTE: ("note", "what others should know about this version"),
    Deed.ALIAS: ("alias", "the name of the alias, -name takes it away; tab offers those that are known"),
    Deed.TAG: ("tags", "key=value sets a tag, -key takes it away"),
}
"""What is asked for before the plan: the title of the line, and what it is for."""


def anything(_: str) -> str:
    """Take whatever was typed."""
    return ""


def something(value: str) -> str:
    """Take all but nothing."""
    return "" if value.strip() else "type something first; esc leaves it"


def tags_of(value: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return the tags that `key=value -other` sets and takes away. Raises ValueError."""
    sets: dict[str, str] = {}
    removes: list[str] = []
    for word in shlex.split(value):
        key, is_set, item = word.partition("=")
        if is_set and key:
            sets[key] = item
        elif not is_set and word.startswith("-") and word[1:]:
            removes.append(word[1:])
        else:
            raise ValueError(f"{word!r} is neither key=value nor -key")
    if both := set(sets) & set(removes):
        raise ValueError(f"{min(both)!r} is set and taken away")
    return tuple(sets.items()), tuple(removes)


def tags(value: str) -> str:
    """Take tags to set and to take away."""
    try:
        return "" if any(tags_of(value)) else "key=value sets a tag, -key takes it away"
    except ValueError as error:
        return str(error)


WRONG: dict[Deed, Wrong] = {Deed.ROLLBACK: anything, Deed.TAG: tags}
"""What is taken for a deed; for the others anything but nothing."""


def told(wish: PlanRequest, typed: str) -> PlanRequest:
    """Return the wish with what was typed for it."""
    if wish.deed is Deed.ALIAS:
        name = typed.removeprefix("-").strip()
        return replace(wish, alias=name, removes=(name,) if typed.startswith("-") else ())
    if wish.deed is Deed.TAG:
        sets, removes = tags_of(typed)
        return replace(wish, sets=sets, removes=removes)
    return replace(wish, text=typed)
