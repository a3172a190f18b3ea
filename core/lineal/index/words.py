"""The words under which a version is found, made here so that SQLite and PostgreSQL match exactly the same.

Readers split what is searched for with the same `folding.words`, and match whole words or prefixes: `"word"` or
`"word" *` in FTS5, `'word'` or `'word':*` in a tsquery.
"""

from __future__ import annotations

from collections.abc import Iterable

from lineal.index.folding import number, words
from lineal.model.version import Version

MOST = 2_000  # distinct words of one version
MESSAGE = "§"  # no word has it; the tokenizer keeps it, as all that is not ASCII
_MARKED = 500  # distinct words of one message that are found as such
_LONGEST_TEXT = 20_000  # characters of one text


def joined(texts: Iterable[str]) -> str:
    """Return the distinct words of all `texts`, at most `MOST`, in order of appearance with spaces between."""
    return " ".join(list(dict.fromkeys(words("\n".join(text[:_LONGEST_TEXT] for text in texts))))[:MOST])


def of_version(version: Version) -> str:
    """Return the words of a version, but for those of its aliases; those of its message once more with `MESSAGE`."""
    texts = [version.model, version.name, version.author, version.message]
    for tag in version.tags:
        texts += (tag.key, tag.value)
    texts += [param.value for param in version.params if type(param.value) is str and number(param.value) is None]
    texts += [data.name for data in version.datasets]
    marked = [MESSAGE + word for word in joined([version.message]).split(" ")[:_MARKED] if word]
    return " ".join([joined(texts), *marked])
