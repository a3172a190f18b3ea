"""The words of the full-text search, made here so that SQLite and PostgreSQL match exactly the same.

A word is a run of letters and digits, casefolded, of at most 64 characters. Readers split what is searched for with the
same function, and match whole words or prefixes: `"word"` or `"word" *` in FTS5, `'word'` or `'word':*` in a tsquery.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 64
MOST = 2_000  # distinct words of one version
_RUN = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Return the words of `text` in order, repetitions included."""
    return [run[:LONGEST] for run in _RUN.findall(text.casefold())]


def joined(texts: Iterable[str]) -> str:
    """Return the distinct words of all `texts`, at most `MOST`, in order of appearance with spaces between."""
    return " ".join(list(dict.fromkeys(words("\n".join(texts))))[:MOST])
