"""`lineal diff`: versions side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from lineal.cli import output
from lineal.cli.context import Context, complete_version, format_option, narrate, pass_context
from lineal.cli.output import Cell, Format
from lineal.errors import ConfigError
from lineal.model import diff as model
from lineal.model.diff import Diff, Facet, Section, Severity, Verdict
from lineal.model.reference import canonical, parse
from lineal.model.text import visible, visible_lines
from lineal.model.values import Value

GLYPHS = {
    Verdict.BETTER: "▲",
    Verdict.WORSE: "▼",
    Verdict.SAME: "=",
    Verdict.NOISE: "~",
    Verdict.ADDED: "+",
    Verdict.REMOVED: "-",
}
_SEVERITY = {Severity.HIGH: "‼", Severity.MEDIUM: "!", Severity.LOW: "·", Severity.NONE: ""}

EPILOG = """\b
Signs: ▲ better  ▼ worse  = same  ~ within noise  + added  - removed; environment: ‼ likely to change
  behaviour, ! may, · cannot matter here.
\b
Examples:
  lineal diff churn@prod churn@v41
  lineal diff churn@v39 churn@v40 churn@v41 --baseline 1 --all
  lineal diff churn@prod churn@v41 --facet metrics --exit-code   # in CI
  lineal diff --text config.json churn@v1 churn@v2
  lineal diff --tensors churn@v1 churn@v2                         # values of stored versions
"""


@click.command("diff", epilog=EPILOG)
@click.argument("versions", nargs=-1, required=True, shell_complete=complete_version)
@click.option("--baseline", type=click.IntRange(1), default=1, help="Which version the others are compared with.")
@click.option("--all", "everything", is_flag=True, help="Show what is equal too.")
@click.option(
    "--facet",
    "facets",
    multiple=True,
    type=click.Choice([one.value for one in Facet]),
    help="Only this facet; repeatable.",
)
@click.option("-p", "--patch", is_flag=True, help="Show the difference of the code itself, where it is at hand.")
@click.option("--tensors", is_flag=True, help="Compare the values of two stored versions' tensors.")
@click.option("--text", "path", metavar="PATH", help="Compare this text file of two versions; `card` their cards.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if anything differs.")
@format_option
@pass_context
def command(
    context: Context,
    versions: Sequence[str],
    baseline: int,
    everything: bool,
    facets: Sequence[Facet],
    patch: bool,
    tensors: bool,
    path: str | None,
    exit_code: bool,
    form: Format,
) -> int:
    """Compare two or more VERSIONS over parameters, metrics, environment, data, code, files, tensors and tags."""
    if len(versions) < 2:
        raise ConfigError("a comparison needs two versions", hint="as in `lineal diff churn@prod churn@v41`")
    if baseline > len(versions):
        raise ConfigError(f"--baseline {baseline}: only {len(versions)} versions are named")
    if tensors:
        return _compare_values(context, versions, form, exit_code=exit_code)
    if path is not None:
        return _compare_text(context, versions, path, form, exit_code=exit_code)
    with context.reading() as work:
        rows = [work.version(text) for text in versions]
        found = work.diff(
            rows, baseline=baseline - 1, changed_only=not everything, facets=[Facet(facet) for facet in facets] or None
        )
    _write(found, form, patch=patch)
    return int(exit_code and any(section.changed for section in found.sections))


def _compare_text(context: Context, versions: Sequence[str], path: str, form: Format, *, exit_code: bool) -> int:
    """Write the difference of one text file, or of the model cards."""
    if len(versions) != 2:
        raise ConfigError("--text compares two versions", hint="lineal diff --text config.json churn@v1 churn@v2")
    with context.reading() as work:
        base, other = (work.version(text) for text in versions)
        found = work.text_diff(base, other, "" if path == "card" else path)
    if form == Format.JSON:
        output.document(found)
    elif found.text:
        output.write(visible_lines(found.text))
    if said := found.note or ("" if found.text else "the texts are the same"):
        narrate(said)
    return int(exit_code and bool(found.text))


def _compare_values(context: Context, versions: Sequence[str], form: Format, *, exit_code: bool) -> int:
    """Write how far tensors are apart; those of the same blocks are not read."""
    from lineal.cli import storing
    from lineal.registries.native.comparing import distances

    if len(versions) != 2:
        raise ConfigError("--tensors compares two versions", hint="lineal diff --tensors churn@v1 churn@v2")
    with storing.opened(context, None) as (_, shelf):
        before, after = (shelf.document(shelf.resolve(_plain(text))) for text in versions)
        found = [one for one in distances(shelf, before, after) if one.state != "same"]
    if form == Format.JSON:
        output.documents(found)
    else:
        heads = ["tensor", "type", "shape", "state", "relative", "cosine", "largest", "changed"]
        output.table(
            form,
            heads,
            (
                [
                    one.name,
                    one.dtype,
                    "x".join(map(str, one.shape)),
                    one.state,
                    one.relative,
                    one.cosine,
                    one.largest,
                    None if one.changed is None else f"{one.changed:.1%}",
                ]
                for one in found
            ),
        )
    narrate(f"{len(found):,} tensors differ" if found else "all tensors hold the same values")
    return int(exit_code and bool(found))


def _plain(reference: str) -> str:
    """Return a reference without the registry's name: all are in the store."""
    said = parse(reference)
    return canonical("", said.model, said.selector)


def _write(found: Diff, form: Format, *, patch: bool) -> None:
    if form == Format.JSON:
        output.document(found)
    elif form == Format.TABLE:
        for line in _page(found, patch=patch):
            output.write(line)
    else:
        heads = ["facet", "name", *found.names, "note"]
        output.table(form, heads, (_line(section, row) for section in found.sections for row in section.rows))


def _line(section: Section, row: model.Row) -> list[Cell]:
    return [section.facet.value, row.name, *(cell_text(cell) for cell in row.cells), row.note]


def _page(found: Diff, *, patch: bool) -> Iterator[str]:
    names = [f"{name} ◂" if i == found.baseline else name for i, name in enumerate(found.names)]
    lines = [(section, [_texts(row) for row in section.rows]) for section in found.sections]
    grid = [["", *map(visible, names), ""], *(texts for _, block in lines for texts in block)]
    widths = [min(output.WIDEST, max(_width(line[i]) for line in grid)) for i in range(len(names) + 1)]
    yield _aligned(grid[0], widths)
    for section, block in lines:
        if not block and not section.changed and not section.note:
            continue
        note = f"  {visible(section.note)}" if section.note else ""
        yield f"\n{section.facet}  {section.changed} of {section.total}{note}"
        for texts in block:
            yield _aligned(texts, widths)
        if section.text and patch:
            yield visible_lines(section.text)
    if not any(section.changed for section in found.sections):
        yield "\nno differences"


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _aligned(texts: list[str], widths: list[int]) -> str:
    cells = (text + " " * (width - _width(text)) for text, width in zip(texts[:-1], widths, strict=True))
    return f"  {'  '.join(cells)}  {texts[-1]}".rstrip()


def _texts(row: model.Row) -> list[str]:
    name = " ".join(filter(None, (_SEVERITY[row.severity], row.name)))
    goal = f"{row.goal} ({row.goal_source})" if row.goal else ""
    note = "  ".join(filter(None, (goal, row.note)))
    return [visible(name), *(visible(cell_text(cell)) for cell in row.cells), visible(note)]


def cell_text(cell: model.Cell) -> str:
    """Return a cell as text: the value, its sign, and the change in absolute and relative terms."""
    if cell.verdict in (Verdict.ABSENT, Verdict.REMOVED):
        return "–"
    parts = [_value(cell.value), GLYPHS.get(cell.verdict, "") if cell.verdict is not Verdict.SAME else ""]
    if cell.delta:
        parts.append(f"{cell.delta:+.4g}" + (f" ({cell.relative:+.1%})" if cell.relative is not None else ""))
    parts.append(cell.note)
    return " ".join(filter(None, parts))


def _value(value: Value) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, float):
        return output.short(value)
    return value if isinstance(value, str) else output.json_text(value)
