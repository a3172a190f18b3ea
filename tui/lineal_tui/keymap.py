"""The key table as a person wants it: `[keys]` of the configuration, put into it before any screen exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from msgspec.structs import replace

from lineal.model.text import visible
from lineal_tui import keys
from lineal_tui.keying import Group, Key, Where

Wanted = Mapping[str, Sequence[str]]
"""The id of a key, and the names of what is to be pressed for it; none: it is off."""

_KEPT = frozenset({"escape", "enter"})
"""What every dialog is left and answered by: it stays where it is."""
_TAKEN = {"ctrl+c": "copies a selection", "ctrl+q": "always ends Lineal"}
_CARELESS = frozenset({"space", "tab", "shift+tab", "backspace", "delete"})
"""What is pressed without a thought: never what changes a registry."""
_SHOWN = {
    "up": "↑", "down": "↓", "left": "←", "right": "→", "pageup": "pgup", "pagedown": "pgdn", "escape": "esc",
    "delete": "del", "insert": "ins",
}  # fmt: skip
_MODIFIERS = (("ctrl+", "^"), ("shift+", "⇧"), ("alt+", "⌥"))
_MOST = 8  # keys for one id
_FREE = frozenset(set("abcdefghijklmnopqrstuvwxyz0123456789"))


def use(wanted: Wanted) -> list[str]:
    """Put the keys that are wanted into the table; return what is wrong with the others, whose keys stay as they were.

    For before the screens are imported: they bind what the table says.
    """
    table, said = applied(keys.TABLE, wanted)
    keys.TABLE = table
    return said


def applied(table: tuple[Key, ...], wanted: Wanted) -> tuple[tuple[Key, ...], list[str]]:
    """Return the table with what is wanted, as far as no key then means two things on a screen, and what is wrong."""
    said: list[str] = []
    given: dict[str, tuple[str, ...]] = {}
    known = {key.id: key for key in table}
    for id_, names in wanted.items():
        if id_ not in known:
            close = get_close_matches(id_, known, 1)
            said.append(f"{_quoted(id_)} is no key's id" + (f"; did you mean `{close[0]}`?" if close else ""))
        elif why := _forbidden(known[id_], names):
            said.append(f"{id_}: {why}")
        else:
            given[id_] = tuple(dict.fromkeys(_name(name) for name in names))
    while clash := next(_clashes(_with(table, given), given), None):
        refused, reason = clash
        del given[refused]
        said.append(reason)
    return _with(table, given), said


def _with(table: tuple[Key, ...], given: Mapping[str, tuple[str, ...]]) -> tuple[Key, ...]:
    return tuple(_moved(key, given[key.id]) if key.id in given else key for key in table)


def _moved(key: Key, names: tuple[str, ...]) -> Key:
    kept = tuple(name for name in key.keys if name in _KEPT)
    now = tuple(dict.fromkeys((*kept, *names)))
    return replace(key, keys=now, shown=" ".join(shown(name) for name in now[:2]))


def _clashes(table: tuple[Key, ...], given: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """Yield the id whose key is wanted and means something else on a screen, and that said as a sentence."""
    for where in Where:
        holders: dict[str, Key] = {}
        for key in sorted((key for key in table if where in key.where), key=lambda key: key.id in given):
            for name in key.keys:
                if (other := holders.setdefault(name, key)) is not key:
                    yield key.id if key.id in given else other.id, _clash(key, other, name, where)


def _clash(key: Key, other: Key, name: str, where: Where) -> str:
    return f"{key.id}: {shown(name)} is {other.id} on {where.value}"


def _forbidden(key: Key, names: Sequence[str]) -> str:
    """Say why a key cannot be pressed by these; "" where it can."""
    if len(names) > _MOST:
        return f"{len(names)} keys are too many; {_MOST} are the most"
    for name in names:
        if not (found := _name(name)):
            return f"{_quoted(name)} is no key; write a character, or a name such as f5, ctrl+x or shift+tab"
        if found in _KEPT and found not in key.keys:
            return f"{shown(found)} keeps its meaning: dialogs are left and answered by it"
        if found in _TAKEN:
            return f"{shown(found)} {_TAKEN[found]}"
        if key.group is Group.CHANGE and found in _CARELESS:
            return f"{shown(found)} is pressed too easily for what changes something"
    return ""


def _name(written: str) -> str:
    """Return Textual's name of a key as a person writes it; "" where there is none."""
    from textual.keys import KEY_NAME_REPLACEMENTS, Keys, _character_to_key

    if len(written) == 1:
        return _character_to_key(written) if written.isprintable() and written != " " else ""
    begun, plus, last = written.rpartition("+")
    if not plus:
        named = {one.value for one in Keys if "+" not in one.value and "<" not in one.value}
        signs = {_character_to_key(chr(code)) for code in range(0x21, 0x7F)} | set(KEY_NAME_REPLACEMENTS.values())
        return written if written in named | signs else ""
    modifiers = begun.split("+")
    if len(set(modifiers)) < len(modifiers) or not {f"{one}+" for one in modifiers} <= {one for one, _ in _MODIFIERS}:
        return ""
    inner = _name(last)
    return f"{begun}+{inner}" if inner and (len(last) > 1 or last in _FREE) else ""


def shown(name: str) -> str:
    """Return how a key is written on the screen: ^x, ⇧tab, ?, pgup."""
    for modifier, sign in _MODIFIERS:
        if name.startswith(modifier):
            return sign + shown(name.removeprefix(modifier))
    return _SHOWN.get(name) or _signs().get(name, name)


def _signs() -> dict[str, str]:
    from textual.keys import _character_to_key

    return {_character_to_key(chr(code)): chr(code) for code in range(0x21, 0x7F)}


def _quoted(name: str) -> str:
    return f"`{visible(name, 40)}`"
