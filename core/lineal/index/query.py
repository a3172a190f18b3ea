"""The query language as data: what `lineal ls QUERY` and the filter box say, parsed, and printed back.

    query  = terms { "|" terms }              `|` binds last; the terms beside each other must all hold
    terms  = { [ "-" ] ( "(" query ")" | term | word ) }
    term   = field op value                   model:churn  metric.acc>=0.9  created:<7d  metric.acc:0.8..0.9
    op     = ":" | "=" | "!=" | ">" | ">=" | "<" | "<="      (`=` is `:`; `!=` wants the field to be there)
    word   = what no operator follows         churn  "learning rate"

- Texts match whole, whatever the case; `*` and `?` are wildcards unless the text is quoted. `id:` matches the start.
- Words are looked for in names, authors, messages, tags, text parameters, data sets and aliases, from their start;
  quoted ones whole. `message:` takes words as well. `file:` is a path or its last part.
- `tag:debug` is a version that has the tag, `tag:stage=prod` one with that value; `has:env.torch` is any field.
- Numbers: `0.9`, `1e-3`, `inf`; where compared, `10k`, `2M` too. A parameter is equal as a number if the value is one,
  unless it is quoted.
- Dates: `2026`, `2026-01`, `2026-01-31`, `2026-01-31T12:00` (UTC), `today`, `yesterday`, and ages: `<7d` is within the
  last 7 days, `>30d` older than 30; units s m h d w mo y.
- `env.torch>=2.1` compares releases, `env.torch:2.1` is `2.1.0` and `2.1.0+cu118` as well.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from lineal.index.fields import NAMED, Field, Pattern


class Op(StrEnum):
    """How a value is compared; NOT_EQUAL wants the field to be there, unlike a negated EQUAL."""

    EQUAL = ":"
    NOT_EQUAL = "!="
    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="


class Word(msgspec.Struct, frozen=True):
    """Words anywhere in what a version says of itself; `whole` ones do not match longer words."""

    text: str
    whole: bool = False


class Has(msgspec.Struct, frozen=True):
    """The version has the field at all; with `key`, the metric, parameter, tag or package of that name."""

    field: Field
    key: Pattern | None = None


class Compare(msgspec.Struct, frozen=True):
    """A field compared with a value; `key` names the metric, parameter, tag or package."""

    field: Field
    op: Op
    value: Pattern
    key: Pattern | None = None


class Between(msgspec.Struct, frozen=True):
    """A field from `low` to `high`, both included; "" is open."""

    field: Field
    low: str
    high: str
    key: Pattern | None = None


class Not(msgspec.Struct, frozen=True):
    """What `part` does not match."""

    part: Query


class All(msgspec.Struct, frozen=True):
    """What every part matches; without parts, everything."""

    parts: tuple[Query, ...] = ()


class Either(msgspec.Struct, frozen=True):
    """What at least one part matches."""

    parts: tuple[Query, ...]


Leaf = Word | Has | Compare | Between
Query = Leaf | Not | All | Either
EVERYTHING = All()

_BARE_KEY = re.compile(r"[^\s()|\":=!<>]+")
_BARE_TAG = re.compile(r"[^\s()|\"=]+(?<!!)")
_BARE_VALUE = re.compile(r"(?![<>=]|!=)[^\s()|\"]+")


def format(query: Query) -> str:  # noqa: A001 - the counterpart of `parse`
    """Print a query so that `parse` reads the same back."""
    match query:
        case Either(parts):
            return " | ".join(_terms(part) for part in parts)
        case _:
            return _terms(query)


def _terms(query: Query) -> str:
    if isinstance(query, All):
        return " ".join(_inner(part) for part in query.parts)
    return _inner(query)


def _inner(query: Query) -> str:
    match query:
        case Not(part):
            return f"-{_inner(part)}"
        case All() | Either():
            return f"({format(query)})"
        case Word(text, whole):
            return quoted(text) if whole else text
        case Has(field, key):
            return f"tag:{_tag(key)}" if field is Field.TAG and key else f"has:{field}{_dotted(key)}"
        case Compare(field, op, value, key):
            return f"{_left(field, op, key)}{_value(value)}"
        case Between(field, low, high, key):
            return f"{field}{_dotted(key)}:{low}..{high}"


def _left(field: Field, op: Op, key: Pattern | None) -> str:
    if field is Field.TAG and key:
        return f"tag:{_tag(key)}{'=' if op is Op.EQUAL else op}"
    return f"{field}{_dotted(key)}{op}"


def _dotted(key: Pattern | None) -> str:
    return f".{_key(key)}" if key else ""


def _key(key: Pattern) -> str:
    bare = not key.literal and _BARE_KEY.fullmatch(key.text)
    return key.text if bare else quoted(key.text)


def _tag(key: Pattern) -> str:
    bare = not key.literal and _BARE_TAG.fullmatch(key.text)
    return key.text if bare else quoted(key.text)


def _value(value: Pattern) -> str:
    bare = not value.literal and _BARE_VALUE.fullmatch(value.text)
    return value.text if bare else quoted(value.text)


def quoted(text: str) -> str:
    """Return `text` in quotes as the language wants them."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def term(field: Field, value: str, key: str = "") -> Compare:
    """Return the term that matches exactly `value`, such as a filter on what is under the cursor."""
    named = Pattern(key, literal=True) if field in NAMED else None
    return Compare(field, Op.EQUAL, Pattern(value, literal=True), named)
