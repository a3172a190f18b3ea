"""Registries and problems as lines."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from lineal.errors import Error
from lineal.model.listing import ProblemRow, RegistryRow
from lineal_tui.acts import Standing
from lineal_tui.messages import StatisticsReady, SyncStep
from lineal_tui.present import bars, text
from lineal_tui.present.ink import BLANK, Line, Span, Tone, fit, fit_path, fit_right, width, wrap


class Reading(NamedTuple):
    """A sync that runs: the last word about each registry that it still reads, and since when."""

    steps: Mapping[str, SyncStep]
    began: float = 0.0


IDLE = Reading({})


def registry_lines(rows: Sequence[RegistryRow], stale: Collection[str], reading: Reading, now: float) -> list[Line]:
    """Return a line for each registry: name, kind, counts, freshness, where it is."""
    name = _name_cells(rows)
    return [_registry(row, name, row.name in stale, reading, now) for row in rows]


def shown(rows: Sequence[RegistryRow], reading: Reading, *, syncing: bool) -> str:
    """Return what the line of place says: what is being read and how to stop it, else what is wrong."""
    if syncing:
        many = f"reading {len(reading.steps)} of {len(rows)} · " if reading.steps else ""
        return f"{many}esc cancels"
    broken = sum(bool(row.error) for row in rows)
    met = sum(row.problems for row in rows)
    parts = (f"{broken} unreadable" if broken else "", text.plural(met, "problem") if met else "")
    return "  ".join(part for part in parts if part)


def head_line(rows: Sequence[RegistryRow]) -> Line:
    """Return the names of the columns."""
    if not rows:
        return BLANK
    names = (fit("registry", _name_cells(rows)), fit("kind", 12), fit_right("versions", 8), fit_right("problems", 10))
    return (Span("".join(names) + "  " + fit("synced", 22) + "where", Tone.HEAD),)


def _name_cells(rows: Sequence[RegistryRow]) -> int:
    return max(8, min(28, max((len(row.name) for row in rows), default=4))) + 2


def _registry(row: RegistryRow, name: int, stale: bool, reading: Reading, now: float) -> Line:
    state, tone = _state(row, stale, reading, now)
    problems = f"{row.problems} !" if row.problems else ""
    return (
        Span(fit(text.safe(row.name, 60), name), Tone.STRONG),
        Span(fit(text.safe(row.kind, 20), 12), Tone.DIM),
        Span(fit_right(text.count(row.versions), 8)),
        Span(fit_right(problems, 10) + "  ", Tone.WARN),
        Span(fit(state, max(22, min(width((Span(state),)), 44))), tone),
        Span(text.safe(row.url, 300), Tone.DIM),
    )


def _state(row: RegistryRow, stale: bool, reading: Reading, now: float) -> tuple[str, Tone]:
    if (step := reading.steps.get(row.name)) is not None:
        if step.done:
            return bars.progress(step, named=False) + " ", Tone.ACCENT
        return f"… reading, {text.span(now - reading.began)}", Tone.ACCENT
    if row.error:
        return "✘ unreadable", Tone.ERROR
    if row.synced_at is None:
        return "never synced", Tone.WARN
    return (f"{text.age(row.synced_at, now)} ago" + (", changed" if stale else ""), Tone.WARN if stale else Tone.PLAIN)


def none_lines() -> list[Line]:
    """Return what stands there without registries."""
    return [
        (Span("No registry was found in or around this folder."),),
        BLANK,
        (Span("lineal registry add PATH", Tone.ACCENT),),
        (Span("  a git repository, mlruns, a server or a folder of models", Tone.DIM),),
        (Span("lineal demo", Tone.ACCENT),),
        (Span("  real registries to look around in", Tone.DIM),),
    ]


def wrong_lines(error: Error, cells: int) -> list[Line]:
    """Return why the index cannot be read, and what to do; what is shown below is from before."""
    said = wrap(text.safe(error.message, 1000), max(20, cells - 3))
    out: list[Line] = [(Span("  " if i else "✘ ", Tone.ERROR), Span(part, Tone.ERROR)) for i, part in enumerate(said)]
    return [*out, *_mend(error.hint, cells), (Span("  what is shown is from before", Tone.DIM),), BLANK]


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
    out += _mend(row.hint, cells)
    if row.error and row.versions:
        kept = f"  what was read before stays: {text.plural(row.versions, 'version')}"
        out.append((Span(kept, Tone.DIM),))
    if not problems and not row.error:
        never = "nothing of it was read yet" if row.synced_at is None else "nothing unreadable was met"
        out.append((Span(never, Tone.DIM),))
    if problems:
        met = f"{text.plural(len(problems), 'problem')} met, the rest was read"
        out += [BLANK, (Span("problems", Tone.HEAD), Span(f"  {met}", Tone.DIM))]
    return out


def _mend(hint: str, cells: int) -> list[Line]:
    """Return what to do about something, behind an arrow."""
    parts = wrap(text.safe(hint, 1000), max(20, cells - 5)) if hint else []
    return [(Span("    " if i else "  → ", Tone.ACCENT), Span(part, Tone.ACCENT)) for i, part in enumerate(parts)]


def _origin(origin: str) -> str:
    return {"found": "found here", "project": "named in lineal.toml", "user": "named in your config.toml"}.get(
        origin, text.safe(origin, 40)
    )


def _problem(problem: ProblemRow, cells: int) -> list[Line]:
    out: list[Line] = [(Span("! ", Tone.WARN), Span(text.safe(problem.where, 300), Tone.STRONG))]
    out += [(Span("  " + part),) for part in wrap(text.safe(problem.message, 2000), max(20, cells - 3))]
    return out + _mend(problem.hint, cells)


def problem_lines(row: RegistryRow | None, problems: Sequence[ProblemRow], cells: int) -> list[Line]:
    """Return a registry's error and the problems of its last scan, each with its hint."""
    out = _head(row, problems, cells)
    for problem in problems:
        out += _problem(problem, cells)
    return out


def folded_lines(row: RegistryRow | None, problems: Sequence[ProblemRow], cells: int) -> list[Line]:
    """Return one line for each problem: where it is, and the beginning of what it is."""
    out = _head(row, problems, cells)
    name = min(max(20, cells // 2), max((width((Span(text.safe(one.where, 300)),)) for one in problems), default=0))
    for one in problems:
        where = fit_path(text.safe(one.where, 300), name)
        said = text.safe(one.message, 300)
        out.append((Span("! ", Tone.WARN), Span(where, Tone.STRONG), Span(f"  {said}", Tone.DIM)))
    return out


def folded_starts(row: RegistryRow | None, problems: Sequence[ProblemRow], cells: int) -> list[int]:
    """Return the lines of `folded_lines` at which a problem stands; the head if there is none."""
    at = len(_head(row, problems, cells))
    return list(range(at, at + len(problems))) or [0]


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


def copies(row: RegistryRow, problem: ProblemRow | None) -> list[tuple[str, str]]:
    """Return what it is and the text to copy for each: name, place and sync of a registry, and the problem's path."""
    offered = [
        ("name", text.safe(row.name)),
        ("where", text.safe(row.url)),
        ("sync", f"lineal sync {shlex.quote(text.safe(row.name))}"),
    ]
    offered += [("problem", text.safe(problem.where)), ("message", text.safe(problem.message))] if problem else []
    return offered
