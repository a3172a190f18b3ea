"""The way between two versions as lines: each step with what changed at it, below what both come from."""

from __future__ import annotations

from typing import NamedTuple

from lineal.model.diff import Cell, Diff, Facet, Row, Verdict
from lineal.model.lineage import Common, Link, Member, Path
from lineal.model.listing import VersionRow
from lineal.model.records import Confidence, NodeKind
from lineal_tui.kinship import PathReady, Step
from lineal_tui.present import text
from lineal_tui.present.ink import BLANK, Line, Span, Tone, cut, fit
from lineal_tui.present.telling import telling

_SHOWN = (Facet.METRICS, Facet.PARAMS, Facet.DATA, Facet.CODE)
_SURE = {
    Confidence.PROVED: ("proved", Tone.BETTER),
    Confidence.DECLARED: ("declared", Tone.DIM),
    Confidence.INFERRED: ("inferred?", Tone.WARN),
}
_TONES = {Verdict.BETTER: ("▲ ", Tone.BETTER), Verdict.WORSE: ("▼ ", Tone.WORSE)}
_NAMED = 3  # changes of one facet that are named


class Stop(NamedTuple):
    """One line, and what it leads to: a version, or the two ends of a step."""

    line: Line
    row: VersionRow | None = None
    pair: tuple[VersionRow, VersionRow] | None = None


def stops(found: PathReady) -> list[Stop]:
    """Return the lines of a way: both ends, what they have in common, then step by step."""
    out = [Stop(line) for line in _head(found.path, found.common)]
    common = {one.member.node for one in found.common.ancestors}
    for at, member in enumerate(found.path.members):
        shared = Span("  ◂ common ancestor", Tone.ACCENT)
        out.append(Stop((*_named(member), *((shared,) if member.node in common else ())), member.version))
        if at < len(found.path.links):
            out += _step(found.path, at, found.steps[at])
    return out


def _head(path: Path, common: Common) -> list[Line]:
    said: list[Line] = []
    for one in common.ancestors[:3]:
        ways = f"  {one.left} up from the first, {one.right} from the second"
        said.append((Span("common ancestor ", Tone.HEAD), _named(one.member)[1], Span(ways, Tone.DIM)))
    said += [(Span("both used       ", Tone.HEAD), *_named(one.member)[1:]) for one in common.inputs[:3]]
    if not common.ancestors:
        said.insert(0, (Span("no common ancestor among models", Tone.DIM),))
    return [*said, (Span(f"the way: {text.plural(len(path.links), 'step')}", Tone.HEAD),), BLANK]


def _named(member: Member) -> Line:
    node, version = member.node, member.version
    glyph = {NodeKind.DATASET: "◇ ", NodeKind.CODE: "□ "}.get(node.kind, "● " if version else "○ ")
    name = f"{node.name} {version.name}" if version else f"{node.name} {node.key[:12]}"
    where = node.registry or {NodeKind.DATASET: "data", NodeKind.CODE: "code"}.get(node.kind, "not here")
    held = text.safe(" ".join(version.aliases), 40) if version else ""
    return (
        Span(glyph, Tone.DIM),
        Span(text.safe(name, 80), Tone.STRONG if version else Tone.DIM),
        *((Span("  " + held, Tone.ALIAS),) if held else ()),
        Span(("  in " if node.registry else "  ") + text.safe(where, 20), Tone.DIM),
    )


def _step(path: Path, at: int, step: Step) -> list[Stop]:
    link = path.links[at]
    parent, child = path.members[link.parent].version, path.members[link.child].version
    pair = (parent, child) if parent and child else None
    lines = [_arrow(link, at, openable=pair is not None)]
    if step.diff is not None:
        lines += _changes(step.diff)
    elif step.why:
        lines.append((Span("│    ", Tone.DIM), Span(text.safe(step.why, 120), Tone.WARN)))
    return [Stop(line, pair=pair) for line in lines]


def _arrow(link: Link, at: int, *, openable: bool) -> Line:
    kind, (sure, tone) = link.kind.value.replace("_", " "), _SURE[link.confidence]
    said = f"│ ↑ came from below: {kind}" if link.child == at else f"│ ↓ became what is below: {kind}"
    used = Span("   enter compares", Tone.DIM) if openable else Span("")
    return (Span(said + "  ", Tone.DIM), Span(sure, tone), used)


def _changes(diff: Diff) -> list[Line]:
    """Return one line for each facet that has changed, from the parent to the child."""
    out: list[Line] = []
    for section in diff.sections:
        if section.facet not in _SHOWN or not section.changed:
            continue
        rows = [row for row in section.rows if row.changed]
        if section.facet is Facet.METRICS:
            rows.sort(key=lambda row: (telling(row.name), row.name))
        rows.sort(key=_one_sided)  # what both recorded says more than what one of them left out
        spans = [span for row in rows[:_NAMED] for span in _change(row, 1 - diff.baseline)]
        rest = section.changed - len(rows[:_NAMED])
        more = (Span(f"and {rest} more", Tone.DIM),) if rest > 0 else ()
        out.append((Span(f"│    {fit(section.facet.value, 8)}", Tone.DIM), *spans, *more))
    return out or [(Span("│    no change of metrics, parameters, data or code", Tone.DIM),)]


def _one_sided(row: Row) -> bool:
    return any(cell.value is None for cell in row.cells)


def _change(row: Row, at: int) -> Line:
    cell, before = row.cells[at], row.cells[1 - at]
    glyph, tone = _TONES.get(cell.verdict, ("", Tone.CHANGED))
    name = text.safe(row.name.rpartition("." if "/" not in row.name else "/")[2] or row.name, 24)
    return (*cut((Span(f"{glyph}{name} {_moved(before, cell)}", tone),), 48), Span("  "))


def _moved(before: Cell, cell: Cell) -> str:
    if cell.delta is not None:
        return f"{text.value(cell.value, 12)} ({text.signed(cell.delta)})"
    if cell.verdict is Verdict.SAME and cell.note:
        return text.safe(cell.note, 24)
    old = "—" if before.value is None else text.value(before.value, 12)
    new = "—" if cell.value is None else text.value(cell.value, 12)
    return f"{old} → {new}"
