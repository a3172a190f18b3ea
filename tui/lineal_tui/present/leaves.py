"""What each tab of the details shows, below its name: a version's one side, in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from math import prod

from lineal.model.listing import Neighbour, VersionRow
from lineal.model.records import Confidence, NodeKind
from lineal.model.values import Goal
from lineal.model.version import Tensor, Version
from lineal_tui.acts import RecordReady
from lineal_tui.holders import live
from lineal_tui.places import identity
from lineal_tui.present import detail, history, text
from lineal_tui.present.ink import BLANK, Line, Span, Tone, fit, fit_right, width

MOST = 5_000
"""Lines of one tab: more would be nobody's to read, and a file may name a million tensors."""
_NAME = 48
_FAR = 10**18  # elements: more are a mistake in a header, whose digits need not be written out
_LIVE = 20
WAITING: list[Line] = [(Span("…", Tone.DIM),)]


def params(version: Version, row: VersionRow, holder: VersionRow | None, cells: int) -> list[Line]:
    """Return every parameter, and where the live version has another value."""
    if not version.params:
        return _none("No parameters are recorded.")
    beside = holder if holder and holder.key != row.key else None
    name = _longest((param.name for param in version.params), cells // 2)
    out: list[Line] = []
    for param in version.params[:MOST]:
        said = [Span(fit(text.safe(param.name, 200), name) + "  "), Span(text.value(param.value, 400))]
        if beside and param.name in beside.params and beside.params[param.name] != param.value:
            theirs = text.value(beside.params[param.name], 60)
            said.append(Span(f"  ≠ {theirs} on {text.safe(live(beside), _LIVE)}", Tone.CHANGED))
        elif beside and param.name not in beside.params:
            said.append(Span(f"  ≠ none on {text.safe(live(beside), _LIVE)}", Tone.CHANGED))
        out.append(tuple(said))
    return [*out, *_cut(len(version.params))]


def metrics(
    version: Version,
    row: VersionRow,
    holder: VersionRow | None,
    goals: Mapping[str, Goal],
    curves: Mapping[str, Sequence[float]],
    cells: int,
) -> list[Line]:
    """Return every metric with its curve, the most telling first, and how it stands beside the live version's."""
    if not version.metrics:
        return _none("No metrics are recorded.")
    beside = holder if holder and holder.key != row.key else None
    return [*_bare(detail.metric_lines(version.metrics, beside, goals, curves, MOST, cells))]


def environment(version: Version) -> list[Line]:
    """Return all that is recorded of the machine and its packages."""
    env = version.environment
    if env is None:
        return _none("No environment is recorded.")
    machine = [
        ("python", env.python), ("cuda", env.cuda), ("cudnn", env.cudnn), ("driver", env.driver),
        ("gpu", ", ".join(env.gpus)), ("cpu", env.cpu), ("memory", text.size(env.memory) if env.memory else ""),
        ("os", env.os), ("image", env.image), ("read from", ", ".join(env.sources)),
    ]  # fmt: skip
    out = [_fact(label, said) for label, said in machine if said]
    out += [_fact("variable", f"{tag.key}={tag.value}") for tag in env.variables[:MOST]]
    if env.packages:
        out += [BLANK, (Span(text.plural(len(env.packages), "package"), Tone.HEAD),)]
    name = _longest((package.name for package in env.packages), 40)
    out += [
        (Span(fit(text.safe(package.name, 200), name) + "  "), Span(text.safe(package.version, 200), Tone.DIM))
        for package in env.packages[:MOST]
    ]
    return [*out, *_cut(len(env.packages))]


def data(version: Version) -> list[Line]:
    """Return the data sets, then the code and the run."""
    out: list[Line] = []
    for one in version.datasets[:MOST]:
        out.append((Span(text.safe(one.name, 200), Tone.STRONG), Span(f"  {text.safe(one.role, 40)}", Tone.DIM)))
        facts = [
            ("digest", one.digest), ("rows", text.count(one.rows) if one.rows is not None else ""),
            ("size", text.size(one.size) if one.size is not None else ""),
            ("source", one.source), ("profile", one.profile),
        ]  # fmt: skip
        out += [_fact(label, said) for label, said in facts if said]
    out += _cut(len(version.datasets))
    made = [*_made(version)]
    if made:
        out += [*([BLANK] if out else []), (Span("code and run", Tone.HEAD),), *made]
    return out or _none("No data and no code are recorded.")


def _made(version: Version) -> Iterator[Line]:
    code, run = version.code, version.run
    facts = []
    if code:
        state = "" if code.dirty is None else "  uncommitted changes" if code.dirty else "  clean"
        facts += [("commit", code.commit + state if code.commit else ""), ("branch", code.branch)]
        facts += [("entry", code.entry), ("in", code.repository), ("here", code.local)]
    if run:
        facts += [("run", f"{run.experiment} / {run.name or run.id}"), ("status", run.status)]
        facts += [("from", text.moment(run.started_at)), ("until", text.moment(run.ended_at))]
    yield from (_fact(label, said) for label, said in facts if said)


def files(version: Version) -> list[Line]:
    """Return how many files there are and how large, and each of them."""
    if not version.files:
        return _none("No files are recorded.")
    known = [file.size for file in version.files if file.size is not None]
    head = f"{text.plural(len(version.files), 'file')}  {text.size(sum(known)) if known else ''}"
    return [(Span(head, Tone.HEAD),), *_bare(detail.file_lines(version.files, MOST))]


def tensors(found: Sequence[Tensor], cells: int) -> list[Line]:
    """Return how many tensors and parameters there are, and each tensor with its type and shape."""
    if not found:
        return _none("No file holds tensors that can be read.")
    elements = min(_FAR, sum(prod(one.shape) for one in found))
    kinds = " ".join(dict.fromkeys(text.safe(one.dtype, 16) for one in found[:MOST]))
    head = f"{text.plural(len(found), 'tensor')}  {text.plural(elements, 'element')}  {kinds[:80]}"
    shapes = [text.safe("×".join(str(min(_FAR, n)) for n in one.shape[:8]) or "scalar", 40) for one in found[:MOST]]
    shape = max(map(len, shapes))
    dtype = _longest((one.dtype for one in found), 10)
    name = _longest((one.name for one in found), max(12, cells - shape - dtype - 4))
    several = len({one.file for one in found}) > 1
    out: list[Line] = [(Span(head, Tone.HEAD),)]
    for one, said in zip(found, shapes, strict=False):
        file = f"  {text.safe(one.file, 120)}" if several else ""
        out.append(
            (
                Span(fit(text.safe(one.name, 200), name) + "  "),
                Span(fit_right(said, shape) + "  ", Tone.PLAIN),
                Span(fit(text.safe(one.dtype, 16), dtype) + file, Tone.DIM),
            )
        )
    return [*out, *_cut(len(found))]


def kin(parents: Sequence[Neighbour], children: Sequence[Neighbour], row: VersionRow) -> list[Line]:
    """Return what a version came from and what came from it, each with its kind and how well that is known."""
    out: list[Line] = []
    for title, found in (("came from", parents), ("led to", children)):
        if found:
            count = text.plural(len(found), "edge") + (", the newest" if len(found) >= 200 else "")
            out += [*([BLANK] if out else []), (Span(title, Tone.HEAD), Span(f"  {count}", Tone.DIM))]
            out += [_neighbour(one, row) for one in found]
    return out or _none("Neither parents nor children are known.")


def _neighbour(one: Neighbour, row: VersionRow) -> Line:
    node = one.node
    name = one.version.name if one.version else node.key[:12]
    where = "" if (node.registry, node.name) == (row.registry, row.model) else f"{node.name} "
    of = node.registry if node.kind is NodeKind.VERSION and node.registry != row.registry else ""
    of = of or ("" if node.kind in (NodeKind.VERSION, NodeKind.MODEL) else str(node.kind))
    sure = Tone.WARN if one.confidence is Confidence.INFERRED else Tone.DIM
    return (
        Span(fit(one.kind.value.replace("_", " "), 13) + " ", Tone.DIM),
        Span(text.safe(f"{where}{name}", 100)),
        Span(f"  {text.safe(of, 40)}" if of else "", Tone.DIM),
        Span(f"  {one.confidence}" + ("?" if one.confidence is Confidence.INFERRED else ""), sure),
    )


def past(record: RecordReady, row: VersionRow) -> list[Line]:
    """Return what is on record about one version: the aliases that it held or holds, and what was done and said."""
    found = history.items(record.holdings, record.entries)
    mine = [item for item in found if _holds(item, row) or _speaks(item, row)]
    if not mine:
        return _none("Nothing is on record about it; 6 tells of its model.")
    return history.item_lines(mine[:MOST], several=False)


def _holds(item: history.Item, row: VersionRow) -> bool:
    held = item.holding
    return held is not None and (held.registry, held.model, held.subject.key) == identity(row)


def _speaks(item: history.Item, row: VersionRow) -> bool:
    said = item.entry
    same = said is not None and (said.registry in ("", row.registry)) and said.model == row.model
    return same and said is not None and row.name in (said.before, said.after)


def _none(said: str) -> list[Line]:
    return [(Span(said, Tone.DIM),)]


def _fact(label: str, said: str) -> Line:
    return (Span(fit(label, 10) + " ", Tone.HEAD), Span(text.safe(said, 400)))


def _bare(lines: Iterable[Line]) -> Iterator[Line]:
    """Leave the labels out: the tab says what these are."""
    return (line[1:] for line in lines)


def _longest(names: Iterable[str], most: int) -> int:
    return min(most, _NAME, max((width((Span(text.safe(name, 60)),)) for name in islice(names, MOST)), default=1))


def _cut(total: int) -> list[Line]:
    return [(Span(f"… {text.count(total - MOST)} more", Tone.DIM),)] if total > MOST else []
