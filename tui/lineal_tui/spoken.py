"""What is on a screen in words of the command line: what `y` offers to copy, and what `e` writes into a file."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from lineal.model.listing import Sort, VersionRow
from lineal.model.reference import canonical
from lineal_tui.chartview import View
from lineal_tui.places import Scope
from lineal_tui.present.text import safe
from lineal_tui.present.versions import Column, Source
from lineal_tui.seeking import scoped

Words = tuple[str, ...]
"""What is typed behind `lineal`, word by word and as it is: foreign names included."""


class Offer(NamedTuple):
    """What can be written into a file: what it is, the command that shows it, and what its name speaks of."""

    what: str
    words: Words
    about: tuple[str, ...] = ()


ALWAYS = frozenset({Source.NAME, Source.REGISTRY, Source.MODEL, Source.ALIASES, Source.AUTHOR, Source.AGE})
"""Columns that `lineal ls` shows whatever is asked for."""


def said(words: Words) -> str:
    """Return a command, safe to paste: no character in it acts on a terminal or a shell."""
    return shlex.join(("lineal", *(safe(word) for word in words)))


def reference(row: VersionRow) -> str:
    """Return what names a version."""
    return canonical(row.registry, row.model, row.name)


def listing(text: str, scope: Scope, sort: Sort) -> Words:
    """Return the command for a list of versions."""
    query = scoped(text, scope)
    order = () if sort == Sort() else ("--sort", sort.field if sort.descending else f"-{sort.field}")
    return ("ls", *order, *((("--", query) if query.startswith("-") else (query,)) if query else ()))


def comparison(rows: Sequence[VersionRow], baseline: int, *, everything: bool) -> Words:
    """Return the command for a comparison."""
    first = ("--baseline", str(baseline + 1)) if baseline else ()
    return ("diff", *map(reference, rows), *first, *(("--all",) if everything else ()))


def version(row: VersionRow) -> Words:
    """Return the command for all about a version."""
    return ("show", reference(row))


def lineage(row: VersionRow, *, graph: bool) -> Words:
    """Return the command for a lineage."""
    return ("lineage", reference(row), *(("--graph",) if graph else ()))


def way(left: VersionRow, right: VersionRow) -> Words:
    """Return the command for the path between two versions."""
    return ("lineage", reference(left), "--to", reference(right))


def chart(metric: str, scope: Scope, rows: Sequence[VersionRow], view: View, *, steps: bool) -> Words:
    """Return the command for a chart: along training of some versions, or across those of a model."""
    if steps:
        of = [word for row in rows for word in ("-v", reference(row))]
    else:
        of = [scoped("", scope)] if scope != Scope() else []
    metrics = [word for name in dict.fromkeys((metric, *view.pinned)) for word in ("--metric", name)]
    return ("metrics", *of, *metrics, *(("--steps",) if steps else ()), "--chart", *_looked(view, steps=steps))


def points(metric: str, scope: Scope, rows: Sequence[VersionRow], view: View, *, steps: bool) -> Words:
    """Return the command for the numbers behind a chart."""
    drawn = chart(metric, scope, rows, view, steps=steps)
    return drawn[: drawn.index("--chart")]


def table(text: str, scope: Scope, sort: Sort, columns: Sequence[Column]) -> Words:
    """Return the command for a list of versions with the columns that were chosen."""
    chosen = [one.id for one in columns if one.source not in ALWAYS and "," not in one.key]
    verb, *rest = listing(text, scope, sort)
    return (verb, *(("--columns", ",".join(chosen)) if chosen else ()), *rest)


def _looked(view: View, *, steps: bool) -> list[str]:
    if view.form == "parallel" and not steps:
        return ["--parallel"]
    x = (view.clock if view.clock != "step" else "") if steps else "time" if view.x == "created" else view.x
    logs = ("x" if view.log_x else "") + ("y" if view.log_y else "")
    out = ["--x", x.removeprefix("param.").removeprefix("metric.")] if x and x != "version" else []
    out += ["--smooth", str(view.smoothing)] if view.smoothing else []
    return out + (["--log", logs] if logs else [])


def holder(registry: str, model: str, alias: str, day: str = "") -> Words:
    """Return the command for what an alias holds, or held on a day."""
    return ("who", f"{canonical(registry, model)}@{alias}", *(("--at", day) if day else ()))


def log(scope: Scope) -> Words:
    """Return the command for what was written down."""
    return ("log", *((canonical(scope.registry, scope.model),) if scope.model else ()))


def check(row: VersionRow, alias: str) -> Words:
    """Return the command that judges a version for an alias."""
    return ("check", reference(row), "--for", alias)
