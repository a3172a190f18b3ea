"""Lines of a unified difference: the sign in the colour of what was added or taken away, the code in its syntax's.

Each line is read by itself, when it is looked at. What a language's reader could spin on is kept from it: only some
languages, only the beginning of a line.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from lineal_tui.present import text
from lineal_tui.present.ink import Line, Span, Tone

if TYPE_CHECKING:
    from pygments.lexer import Lexer

_LEXED = 400  # characters of a line that get colours
_SHOWN = 1000
_LANGUAGES = {
    **dict.fromkeys(("py", "pyi"), ("pygments.lexers.python", "PythonLexer")),
    **dict.fromkeys(("yaml", "yml", "dvc", "lock"), ("pygments.lexers.data", "YamlLexer")),
    **dict.fromkeys(("json", "ipynb", "jsonl"), ("pygments.lexers.data", "JsonLexer")),
    "toml": ("pygments.lexers.configs", "TOMLLexer"),
    **dict.fromkeys(("ini", "cfg"), ("pygments.lexers.configs", "IniLexer")),
    **dict.fromkeys(("sh", "bash"), ("pygments.lexers.shell", "BashLexer")),
}
_SIGNS = {"+": Tone.BETTER, "-": Tone.WORSE}
_TONES = (  # the first whose name begins the token's
    ("Comment", Tone.DIM),
    ("Literal.String", Tone.ALIAS),
    ("Literal.Number", Tone.CHANGED),
    ("Name.Function", Tone.STRONG),
    ("Name.Class", Tone.STRONG),
    ("Name.Tag", Tone.STRONG),
    ("Keyword", Tone.ACCENT),
)


def languages(lines: list[str]) -> Iterator[str]:
    """Yield for each line of a difference the suffix of the file that it belongs to; "" for lines between files."""
    suffix, left = "", (0, 0)
    for line in lines:
        if left == (0, 0):
            suffix = _suffix(line) if line.startswith("+++ ") else suffix
            left = _hunk(line) if line.startswith("@@ ") else left
            yield ""
            continue
        yield suffix
        left = (left[0] - (line[:1] != "+"), left[1] - (line[:1] != "-")) if line[:1] != "\\" else left
        left = (0, 0) if min(left) < 0 else left


def _suffix(line: str) -> str:
    return line.rstrip('"\t ').rpartition("/")[2].rpartition(".")[2].lower()


def _hunk(line: str) -> tuple[int, int]:
    """Return how many lines of either side `@@ -1,3 +1,4 @@` announces: a line in them may look like a file's head."""
    counts = [part.partition(",")[2] or "1" for part in line.split()[1:3]]
    return (int(counts[0]), int(counts[1])) if len(counts) == 2 and all(map(str.isdecimal, counts)) else (0, 0)


def of_file(patch: str, path: str) -> str:
    """Return the part of a difference of many files that is about one of them; "" where it has none."""
    lines = patch.splitlines()
    starts = [at for at, line in enumerate(lines) if line.startswith("diff --git ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        if lines[start].endswith(f" b/{path}"):
            return "\n".join(lines[start:end])
    return ""


def line(said: str, language: str) -> Line:
    """Return one line of a difference."""
    said = said.replace("\t", "    ")[:_SHOWN]
    if language and said[:1] in ("+", "-", " "):
        sign = Span(said[:1], _SIGNS.get(said[:1], Tone.DIM))
        return (Span("   "), sign, *_coloured(said[1:], language))
    tone = Tone.ACCENT if said.startswith("@") else Tone.STRONG if said.startswith("diff ") else _SIGNS.get(said[:1])
    return (Span("   "), Span(text.safe(said), tone or Tone.DIM))


def _coloured(said: str, language: str) -> Iterator[Span]:
    lexer = _lexer(language)
    if lexer is None:
        yield Span(text.safe(said), Tone.PLAIN)
        return
    for _, kind, part in lexer.get_tokens_unprocessed(said[:_LEXED]):
        yield Span(text.safe(part), _tone(str(kind)))
    yield Span(text.safe(said[_LEXED:]), Tone.PLAIN)


@cache
def _tone(kind: str) -> Tone:
    name = kind.removeprefix("Token.")
    return next((tone for start, tone in _TONES if name.startswith(start)), Tone.PLAIN)


@cache
def _lexer(language: str) -> Lexer | None:
    """Return what reads a language, which is loaded when a line of it is first shown."""
    if language not in _LANGUAGES:
        return None
    from importlib import import_module

    module, name = _LANGUAGES[language]
    lexer: Lexer = getattr(import_module(module), name)()
    return lexer


def known(suffixes: set[str]) -> None:
    """Load what reads these languages, off the screen's own thread."""
    for suffix in suffixes:
        _lexer(suffix)
