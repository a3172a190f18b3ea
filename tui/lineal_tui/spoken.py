"""What is on a screen as a line of the command line: what `y` offers to copy, to be pasted into a shell or a script."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from lineal.model.listing import Sort, VersionRow
from lineal.model.reference import canonical
from lineal_tui.chartview import View
from lineal_tui.places import Scope
from lineal_tui.present.text import safe
from lineal_tui.seeking import scoped


def said(*words: str) -> str:
    """Return a command, safe to paste: no character in it acts on a terminal or a shell."""
    return shlex.join(("lineal", *(safe(word) for word in words)))


def reference(row: VersionRow) -> str:
    """Return what names a version."""
    return canonical(row.registry, row.model, row.name)


def listing(text: str, scope: Scope, sort: Sort) -> str:
    """Return the command for a list of versions."""
    query = scoped(text, scope)
    order = () if sort == Sort() else ("--sort", sort.field if sort.descending else f"-{sort.field}")
    return said("ls", *order, *((("--", query) if query.startswith("-") else (query,)) if query else ()))


def comparison(rows: Sequence[VersionRow], baseline: int, *, everything: bool) -> str:
    """Return the command for a comparison."""
    first = ("--baseline", str(baseline + 1)) if baseline else ()
    return said("diff", *map(reference, rows), *first, *(("--all",) if everything else ()))


def lineage(row: VersionRow, *, graph: bool) -> str:
    """Return the command for a lineage."""
    return said("lineage", reference(row), *(("--graph",) if graph else ()))


def way(left: VersionRow, right: VersionRow) -> str:
    """Return the command for the path between two versions."""
    return said("lineage", reference(left), "--to", reference(right))


def chart(metric: str, scope: Scope, rows: Sequence[VersionRow], view: View, *, steps: bool) -> str:
    """Return the command for a chart: along training of some versions, or across those of a model."""
    if steps:
        of = [word for row in rows for word in ("-v", reference(row))]
    else:
        of = [scoped("", scope)] if scope != Scope() else []
    metrics = [word for name in dict.fromkeys((metric, *view.pinned)) for word in ("--metric", name)]
    return said("metrics", *of, *metrics, *(("--steps",) if steps else ()), "--chart", *_looked(view, steps=steps))


def _looked(view: View, *, steps: bool) -> list[str]:
    if view.form == "parallel" and not steps:
        return ["--parallel"]
    x = (view.clock if view.clock != "step" else "") if steps else "time" if view.x == "created" else view.x
    logs = ("x" if view.log_x else "") + ("y" if view.log_y else "")
    out = ["--x", x.removeprefix("param.").removeprefix("metric.")] if x and x != "version" else []
    out += ["--smooth", str(view.smoothing)] if view.smoothing else []
    return out + (["--log", logs] if logs else [])


def holder(registry: str, model: str, alias: str, day: str = "") -> str:
    """Return the command for what an alias holds, or held on a day."""
    return said("who", f"{canonical(registry, model)}@{alias}", *(("--at", day) if day else ()))


def log(scope: Scope) -> str:
    """Return the command for what was written down."""
    return said("log", *((canonical(scope.registry, scope.model),) if scope.model else ()))


def check(row: VersionRow, alias: str) -> str:
    """Return the command that judges a version for an alias."""
    return said("check", reference(row), "--for", alias)
