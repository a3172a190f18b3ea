"""What writer and planner must agree on, or a filter misses rows: folded text, words, numbers, kinds of facts."""

from __future__ import annotations

import re
from enum import StrEnum

FACT_TEXT = 256  # characters of a text that are kept in the facts
WORD = 64  # characters of a word that are kept in the full text
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_WORD = re.compile(r"[^\W_]+")


class FactKind(StrEnum):
    """The kinds of keys: what a fact is about. Kinds without a name have one key, named ""."""

    METRIC = "metric"  # fact_num
    PARAM = "param"  # fact_txt of the folded text; fact_num too where `number` reads the text or the value is a number
    TAG = "tag"  # fact_txt of the folded value
    ENV = "env"  # by environment id
    AUTHOR = "author"  # fact_txt, as are the ones below
    NAME = "name"  # of the version
    DATASET = "dataset"  # the name, and the digest, of each data set
    COMMIT = "commit"
    FILE = "file"  # the path and its last part, of each file


def fold(text: str) -> str:
    """Return the form in which texts are compared: case-folded and cut to `FACT_TEXT` characters."""
    return text.casefold()[:FACT_TEXT]


def words(text: str) -> list[str]:
    """Return the words of a text: folded runs of letters and digits, each cut to `WORD` characters."""
    return [word[:WORD] for word in _WORD.findall(text.casefold())]


def number(text: str) -> float | None:
    """Read a plain decimal number (`7`, `-.5`, `1e-3`); None for everything else, such as `nan`, `1_000` and `0x1`.

    SQLite and PostgreSQL can apply the same rule to a document, which is why it is so narrow.
    """
    return float(text) if len(text) <= 64 and _NUMBER.fullmatch(text) else None
