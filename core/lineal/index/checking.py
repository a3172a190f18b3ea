"""Whether a term makes sense: a number where a number belongs, no order among texts. Errors point at the value."""

from __future__ import annotations

from lineal.errors import QueryError
from lineal.index.fields import Field, Holds, Pattern, holds
from lineal.index.folding import words
from lineal.index.quantities import age, exact, interval, release, scaled
from lineal.index.query import Between, Compare, Has, Leaf, Op, Word
from lineal.model.version import Kind, State

_MOST_WILD = 16  # runs of wildcards in one pattern
_EQUALS = (Op.EQUAL, Op.NOT_EQUAL)
_CLOSED: dict[Field, tuple[str, ...]] = {Field.KIND: tuple(Kind), Field.STATE: tuple(State)}
_DATES = "2026-01-31, 2026-01, today, or an age: <7d, >30d (s m h d w mo y)"


def checked(leaf: Leaf, start: int, value_at: int, end: int) -> Leaf:
    """Return `leaf`, which stands from `start` to `end` with its value at `value_at`, if it makes sense.

    Raises:
        QueryError: it does not.
    """
    at = (value_at, max(end, value_at + 1))
    match leaf:
        case Word(said, _):
            _word(said, (start, end))
        case Has(_, key):
            _wildcards(key, at)
        case Between(field, low, high, key):
            _wildcards(key, (start, value_at))
            _between(field, low, high, at)
        case Compare(field, op, value, key):
            _wildcards(key, (start, value_at))
            _wildcards(value, at)
            _compare(field, op, value, at)
    return leaf


def _wildcards(pattern: Pattern | None, at: tuple[int, int]) -> None:
    if pattern and pattern.wild and pattern.text.count("*") + pattern.text.count("?") > _MOST_WILD:
        raise QueryError("there are too many wildcards", *at, hint=f"at most {_MOST_WILD}")


def _word(said: str, at: tuple[int, int]) -> None:
    if not words(said):
        raise QueryError("there is no letter or digit to look for", *at, hint="words are letters and digits")
    bare = said.rstrip("*")
    if "*" in bare or "?" in bare:
        hint = "words match from their start anyway; version:*x* and model:*x* look inside; quotes make * a plain sign"
        raise QueryError("a word takes no wildcards", *at, hint=hint)


def _compare(field: Field, op: Op, value: Pattern, at: tuple[int, int]) -> None:
    kind = holds(field)
    if kind is Holds.TEXT:
        _text(field, op, value, at)
    elif kind is Holds.MOMENT:
        _moment(op, value.text, at)
    elif kind is Holds.NUMBER or (kind is Holds.EITHER and op not in _EQUALS):
        _number(field, op, value.text, at)
    elif kind is Holds.RELEASE and op not in _EQUALS and release(value.text) is None:
        raise QueryError(f"{value.text!r} is no version number", *at, hint="as in env.torch>=2.1")


def _text(field: Field, op: Op, value: Pattern, at: tuple[int, int]) -> None:
    if op not in _EQUALS:
        raise QueryError(f"{field} is a text: it has no {op}", *at, hint=f"write {field}:VALUE or {field}!=VALUE")
    if field is Field.MESSAGE:
        _word(value.text, at)
    if field is Field.ID and not value.literal and ("?" in value.text or "*" in value.text.rstrip("*")):
        raise QueryError("an id takes no wildcards", *at, hint="id: matches from the start anyway")
    closed = _CLOSED.get(field)
    if closed and not any(value.matches(name) for name in closed):
        raise QueryError(f"no {field} is called {value.text!r}", *at, hint=f"one of {', '.join(closed)}")


def _number(field: Field, op: Op, text: str, at: tuple[int, int]) -> None:
    value = exact(text) if op in _EQUALS else scaled(text)
    if value is None:
        raise QueryError(f"{text!r} is no number, and {field} holds numbers", *at, hint="as in 0.9, 1e-3, inf or >=10k")


def _moment(op: Op, text: str, at: tuple[int, int]) -> None:
    if interval(text, 0.0) is not None:
        return
    if age(text) is None:
        raise QueryError(f"{text!r} is no date", *at, hint=f"as in {_DATES}")
    if op in _EQUALS:
        hint = f"write created:<{text} for the last {text}, created:>{text} for older"
        raise QueryError("an age wants < or >", *at, hint=hint)


def _between(field: Field, low: str, high: str, at: tuple[int, int]) -> None:
    kind = holds(field)
    if not low and not high:
        raise QueryError("a range wants an end", *at, hint="as in 0.8..0.9, 0.8.. or ..0.9")
    for text in filter(None, (low, high)):
        if kind is Holds.MOMENT and interval(text, 0.0) is None and age(text) is None:
            raise QueryError(f"{text!r} is no date", *at, hint=f"as in {_DATES}")
        if kind is Holds.RELEASE and release(text) is None:
            raise QueryError(f"{text!r} is no version number", *at, hint="as in env.torch:2.1..2.4")
        if kind in (Holds.NUMBER, Holds.EITHER) and scaled(text) is None:
            raise QueryError(f"{text!r} is no number", *at, hint="as in 0.8..0.9 or 1k..10k")
