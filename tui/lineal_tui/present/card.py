"""A model card as lines: its Markdown drawn by rich, its text made safe before and after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lineal_tui.present import text
from lineal_tui.present.ink import BLANK, Line, Span, Tone, wrap

if TYPE_CHECKING:
    from rich.markdown import Markdown
    from rich.segment import Segment

_LONGEST = 40_000  # characters of a card that are drawn: the parser is written in Python
_WIDEST = 100  # cells beyond which a line of prose is hard to read
_CELLS = 400  # cells of a table across: more than a window shows, and rich takes long to share out thousands
_TONES = {
    "h1": Tone.STRONG, "h2": Tone.STRONG, "h3": Tone.STRONG, "h4": Tone.HEAD, "h5": Tone.HEAD, "h6": Tone.HEAD,
    "strong": Tone.STRONG, "code": Tone.ACCENT, "code_block": Tone.ACCENT, "block_quote": Tone.DIM, "hr": Tone.DIM,
    "link": Tone.ALIAS, "link_url": Tone.DIM, "item.bullet": Tone.DIM, "item.number": Tone.DIM,
    "table.header": Tone.HEAD, "table.border": Tone.DIM, "s": Tone.DIM,
}  # fmt: skip
"""What rich calls the parts of a text, and how each is meant."""
_PLACES = {
    "mlflow": "the description of the version, or the note of its run, where it has more than one line",
    "huggingface": "README.md of the repository",
    "checkpoints": "README.md beside the files",
}


def lines(card: str, cells: int) -> list[Line]:
    """Return a card in so many cells. It brings rich's Markdown and takes some milliseconds: for a thread of its own.

    A text that rich cannot draw, or of which nothing is left, is shown as it is.
    """
    said = "\n".join(_narrow(line) for line in text.safe_lines(card[:_LONGEST]).split("\n"))
    try:
        out = list(_trimmed(_drawn(said, max(20, min(cells - 1, _WIDEST)))))
    except Exception:  # a foreign parser on a foreign text: whatever it trips over, the text itself can be read
        out = []
    out = out or [(Span(part),) for part in wrap(said, max(20, cells - 1))]
    more = len(card) - _LONGEST
    return [*out, BLANK, (Span(f"… {text.count(more)} more characters", Tone.DIM),)] if more > 0 else out


def _narrow(line: str) -> str:
    """Return a line without the cells of a table that nobody could see."""
    return line if line.count("|") <= _CELLS // 4 else "|".join(line.split("|", _CELLS // 4)[:-1])


def _drawn(card: str, cells: int) -> Iterator[Line]:
    from io import StringIO

    from rich.console import Console
    from rich.style import Style
    from rich.theme import Theme

    styles = {f"markdown.{name}": Style(meta={"tone": tone.value}) for name, tone in _TONES.items()}
    console = Console(
        file=StringIO(), width=cells, height=25, color_system=None, legacy_windows=False, theme=Theme(styles),
        force_terminal=False, _environ={},
    )  # fmt: skip
    for row in console.render_lines(_markdown(card), pad=False):
        yield tuple(_spans(row))


def _markdown(card: str) -> Markdown:
    """Return rich's drawing of a text, with headings at the left and code that no lexer looks at."""
    from rich import markdown
    from rich.text import Text

    class Plain(markdown.CodeBlock):
        def __rich_console__(self, console: object, options: object) -> Iterator[Text]:
            said = str(self.text).rstrip().split("\n")
            yield Text("\n".join(f"  {line}" for line in said), style="markdown.code_block")

    class Left(markdown.Heading):
        LEVEL_ALIGN = {**markdown.Heading.LEVEL_ALIGN, "h1": "left"}  # noqa: RUF012 - as rich declares it

    class Card(markdown.Markdown):
        elements = {  # noqa: RUF012 - as rich declares it
            **markdown.Markdown.elements, "fence": Plain, "code_block": Plain, "heading_open": Left,
        }  # fmt: skip

    return Card(card, hyperlinks=False)


def _spans(row: Iterable[Segment]) -> Iterator[Span]:
    """Return what rich drew; entities such as `&#27;` have become characters only now, so it is made safe again."""
    for said, style, control in row:
        if said and not control:
            tone = style.meta.get("tone", Tone.PLAIN) if style is not None else Tone.PLAIN
            yield Span(text.safe(said.replace("\n", " ")), Tone(tone))


def _trimmed(drawn: Iterable[Line]) -> Iterator[Line]:
    """Leave out blank lines at the start, at the end, and all but one between."""
    blank = False
    begun = False
    for line in drawn:
        if not "".join(span.text for span in line).strip():
            blank = begun
            continue
        if blank:
            yield BLANK
        blank, begun = False, True
        yield line


def nowhere(kind: str, cells: int) -> list[Line]:
    """Return what stands there where a version has no card: where one would be looked for."""
    place = _PLACES.get(kind, "")
    said = f"One would be read from {place}." if place else "Registries of this kind keep none."
    return [(Span("No model card."),), *((Span(part, Tone.DIM),) for part in wrap(said, max(20, cells - 1)))]
