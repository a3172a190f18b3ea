"""The fields of the query language: what they are called, what they hold and how a text is matched."""

from __future__ import annotations

import fnmatch
import re
from enum import StrEnum
from functools import lru_cache

import msgspec

from lineal.index.folding import fold


class Field(StrEnum):
    """What a term of a query, or a sort, is about."""

    REGISTRY = "registry"
    MODEL = "model"
    NAME = "version"
    ALIAS = "alias"
    TAG = "tag"
    METRIC = "metric"
    PARAM = "param"
    ENV = "env"
    AUTHOR = "author"
    CREATED = "created"
    NUMBER = "number"
    MESSAGE = "message"
    ID = "id"
    KIND = "kind"
    STATE = "state"
    DATA = "data"
    CODE = "code"
    FILE = "file"


class Holds(StrEnum):
    """What kind of value a field holds, hence how it is compared."""

    TEXT = "text"
    NUMBER = "number"
    MOMENT = "date"
    EITHER = "number or text"
    RELEASE = "version"


FIELDS: dict[str, Field] = {
    **{field.value: field for field in Field},
    "name": Field.NAME,
    "by": Field.AUTHOR,
    "dataset": Field.DATA,
    "commit": Field.CODE,
    "path": Field.FILE,
}
"""Every name that a person may write for a field."""

NAMED = frozenset({Field.TAG, Field.METRIC, Field.PARAM, Field.ENV})
"""Fields that are written with a name of their own: `metric.acc`."""

_HOLDS = {
    Field.METRIC: Holds.NUMBER,
    Field.NUMBER: Holds.NUMBER,
    Field.CREATED: Holds.MOMENT,
    Field.PARAM: Holds.EITHER,
    Field.ENV: Holds.RELEASE,
}


def holds(field: Field) -> Holds:
    """Return what kind of value `field` holds."""
    return _HOLDS.get(field, Holds.TEXT)


class Pattern(msgspec.Struct, frozen=True):
    """A text to match: `*` stands for any characters and `?` for one, unless it is `literal` (was quoted)."""

    text: str
    literal: bool = False

    @property
    def wild(self) -> bool:
        """Whether it holds wildcards."""
        return not self.literal and ("*" in self.text or "?" in self.text)

    @property
    def prefix(self) -> str:
        """Return the folded text before the first wildcard."""
        return fold(re.split(r"[*?]", self.text, maxsplit=1)[0] if self.wild else self.text)

    def matches(self, text: str) -> bool:
        """Say whether the whole of `text` matches, whatever the case."""
        if not self.wild:
            return fold(self.text) == fold(text)
        return _expression(self.text).fullmatch(fold(text)) is not None


@lru_cache(maxsize=256)
def _expression(text: str) -> re.Pattern[str]:
    """The standard library's translation never backtracks from one star into another; it must not see `[` as a set."""
    return re.compile(fnmatch.translate(fold(text).replace("[", "[[]")))


def _pieces(text: str) -> list[str]:
    return re.findall(r"\*+|\?|[^*?]+", text)


def like(pattern: Pattern) -> str:
    """Return the pattern for SQL's `LIKE ... ESCAPE '!'` over folded text."""
    if not pattern.wild:
        return _escaped(fold(pattern.text))
    return "".join(
        "%" if part[0] == "*" else "_" if part == "?" else _escaped(fold(part)) for part in _pieces(pattern.text)
    )


def _escaped(text: str) -> str:
    return re.sub(r"([!%_])", r"!\1", text)
