"""Registries and problems as lines."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lineal.model.listing import ProblemRow, RegistryRow
from lineal_tui.acts import Standing
from lineal_tui.messages import StatisticsReady, SyncStep
from lineal_tui.present import bars, text
from lineal_tui.present.ink import BLANK, Line, Span, Tone, fit, fit_right, wrap


def registry_lines(
    rows: Sequence[RegistryRow], stale: Collection[str], step: SyncStep | None, now: float
) -> list[Line]:
    """Return a line for each registry: name, kind, counts, freshness, where it is."""
    name = _name_cells(rows)
    return [_registry(row, name, row.name in stale, step, now) for row in rows]


def head_line(rows: Sequence[RegistryRow]) -> Line:
    """Return the names of the columns."""
    if not rows:
        return BLANK
    names = (fit("registry", _name_cells(rows)), fit("kind", 12), fit_right("versions", 8), fit_right("problems", 10))
    return (Span("".join(names) + "  " + fit("synced", 22) + "where", Tone.HEAD),)


def _name_cells(rows: Sequence[RegistryRow]) -> int:
    return max(8, min(28, max((len(row.name) for row in rows), default=4))) + 2


def _registry(row: RegistryRow, name: int, stale: bool, step: SyncStep | None, now: float) -> Line:
    state, tone = _state(row, stale, step, now)
    problems = f"{row.problems} !" if row.problems else ""
    return (
        Span(fit(text.safe(row.name, 60), name), Tone.STRONG),
        Span(fit(text.safe(row.kind, 20), 12), Tone.DIM),
        Span(fit_right(text.count(row.versions), 8)),
        Span(fit_right(problems, 10) + "  ", Tone.WARN),
        Span(fit(state, 22), tone),
        Span(text.safe(row.url, 300), Tone.DIM),
    )


def _state(row: RegistryRow, stale: bool, step: SyncStep | None, now: float) -> tuple[str, Tone]:
    if step is not None and step.registry == row.name:
        return bars.progress(step, named=False), Tone.ACCENT
    if row.error:
        return "✘ unreadable", Tone.ERROR
    if row.synced_at is None:
        return "never synced", Tone.WARN
    return (f"{text.age(row.synced_at, now)} ago" + (", changed" if stale else ""), Tone.WARN if stale else Tone.PLAIN)


def none_lines() -> list[Line]:
    """Return what stands there without registries."""
    return [
        BLANK,
        (Span("No registry was found in or around this folder."),),
        (Span("lineal registry add PATH", Tone.ACCENT),),
    ]


def _head(row: RegistryRow | None, problems: Sequence[ProblemRow], cells: int) -> list[Line]:
    if row is None:
        return []
    out: list[Line] = [
        (
            Span(text.safe(row.name, 60), Tone.STRONG),
            Span(f"  {text.safe(row.kind)} · {_origin(row.origin)}", Tone.DIM),
        ),
        (Span(text.safe(row.url, 500), Tone.DIM),),
    ]
    if row.error:
        said = wrap(text.safe(row.error, 2000), max(20, cells - 3))
        out += [(Span("  " if i else "✘ ", Tone.ERROR), Span(part)) for i, part in enumerate(said)]
    if row.hint:
        out += [(Span("  " + part, Tone.DIM),) for part in wrap(text.safe(row.hint, 1000), max(20, cells - 3))]
    if not problems and not row.error:
        out.append((Span("nothing unreadable was met", Tone.DIM),))
    return [*out, BLANK] if problems else out


def _origin(origin: str) -> str:
    return {"found": "found here", "project": "named in lineal.toml", "user": "named in your config.toml"}.get(
        origin, text.safe(origin, 40)
    )


def _problem(problem: ProblemRow, cells: int) -> list[Line]:
    out: list[Line] = [(Span("! ", Tone.WARN), Span(text.safe(problem.where, 300), Tone.STRONG))]
    out += [(Span("  " + part),) for part in wrap(text.safe(problem.message, 2000), max(20, cells - 3))]
    if problem.hint:
        out += [(Span("  " + part, Tone.DIM),) for part in wrap(text.safe(problem.hint, 1000), max(20, cells - 3))]
    return out


def problem_lines(row: RegistryRow | None, problems: Sequence[ProblemRow], cells: int) -> list[Line]:
    """Return a registry's error and the problems of its last scan, each with its hint."""
    out = _head(row, problems, cells)
    for problem in problems:
        out += _problem(problem, cells)
    return out


_CHANGES = {
    "alias": "move aliases",
    "tag": "set tags",
    "register": "register versions",
    "say": "write notes and approvals",
}


def change_lines(row: RegistryRow, standing: Standing, cells: int) -> list[Line]:
    """Return what a registry can change, and why not the rest."""
    why = {kind: standing.cannot.get((row.name, kind), "") for kind in _CHANGES}
    can = [said for kind, said in _CHANGES.items() if not why[kind]]
    out: list[Line] = [BLANK, (Span("can    ", Tone.HEAD), Span(", ".join(can) or "change nothing"))]
    for reason in dict.fromkeys(reason for reason in why.values() if reason):
        kinds = ", ".join(said for kind, said in _CHANGES.items() if why[kind] == reason)
        parts = wrap(f"{kinds}: {text.safe(reason, 600)}", max(20, cells - 8))
        out += [(Span("       " if i else "cannot ", Tone.HEAD), Span(part, Tone.DIM)) for i, part in enumerate(parts)]
    return out


def store_lines(found: StatisticsReady) -> list[Line]:
    """Return what a native store holds, and for each model what its versions would take and what they take."""
    out: list[Line] = [
        BLANK,
        (
            Span("store  ", Tone.HEAD),
            Span(f"{text.size(found.bytes)} in {text.plural(found.packs, 'pack')}, {text.count(found.blocks)} blocks"),
        ),
    ]
    for model, versions, whole, stored in found.models:
        share = f"{stored / whole:.0%}" if whole else ""
        out.append(
            (
                Span(fit(text.safe(model, 60), 30)),
                Span(fit_right(text.plural(versions, "version"), 14), Tone.DIM),
                Span(fit_right(text.size(whole), 12)),
                Span(f" → {text.size(stored)}  ", Tone.BETTER),
                Span(share, Tone.DIM),
            )
        )
    return out


def problem_starts(row: RegistryRow | None, problems: Sequence[ProblemRow], cells: int) -> list[int]:
    """Return the lines of `problem_lines` at which a problem begins; the head if there is none."""
    at = len(_head(row, problems, cells))
    starts: list[int] = []
    for problem in problems:
        starts.append(at)
        at += len(_problem(problem, cells))
    return starts or [0]
