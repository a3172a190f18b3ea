"""One version in full, as lines of a label and a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lineal.model.listing import Neighbour, VersionRow
from lineal.model.records import Confidence, NodeKind
from lineal.model.values import Goal, Metric, Param
from lineal.model.version import Code, Dataset, Environment, File, Place, Version
from lineal_tui.holders import live
from lineal_tui.present import text
from lineal_tui.present.ink import BLANK, Line, Span, Tone, fit, fit_right, wrap
from lineal_tui.present.telling import BESIDES, telling

_LABEL = 8
_WIDE = 60  # cells from which a line holds a curve and whom it is compared with
_SHORT = 5
"""Lines of one kind that the pane shows; the full details show all."""
_STACK = ("torch", "tensorflow", "jax", "transformers", "lightning", "numpy", "scikit-learn", "xgboost", "onnxruntime")
_PLACES = {Place.LOCAL: "here", Place.CACHE: "in a cache", Place.REMOTE: "remote", Place.NOWHERE: "nowhere"}


def _line(label: str, *spans: Span) -> Line:
    return (Span(fit(label, _LABEL) + " ", Tone.HEAD), *spans)


def lines(
    version: Version,
    row: VersionRow,
    parents: Sequence[Neighbour],
    holder: VersionRow | None,
    goals: Mapping[str, Goal],
    curves: Mapping[str, Sequence[float]],
    cells: int,
    now: float,
    *,
    full: bool = False,
) -> list[Line]:
    """Return the details of a version; with `full`, all of every list and the whole card."""
    most = 100_000 if full else _SHORT
    beside = holder if holder and holder.key != row.key else None
    out = list(_head(version, row, beside, cells, now, full=full))
    out += metric_lines(version.metrics, beside, goals, curves, most, cells)
    out += _origin(version, parents[:most], row)
    out += _params(version.params, most)
    out += _data(version.datasets, most)
    if version.environment:
        out += _environment(version.environment, full=full)
    if version.code:
        out += _code(version.code)
    out += file_lines(version.files, most)
    out += _tags(version, most)
    if version.card:
        out += _card(version.card, cells, full=full)
    return out


def _head(
    version: Version, row: VersionRow, beside: VersionRow | None, cells: int, now: float, *, full: bool
) -> Iterator[Line]:
    aliases = (Span("  " + text.safe(" ".join(row.aliases), 80), Tone.ALIAS),) if row.aliases else ()
    state = (Span(f"  {version.state}", Tone.WARN),) if version.state != "ready" else ()
    yield (
        Span(text.safe(version.model, 60), Tone.STRONG),
        Span(" "),
        Span(text.safe(version.name, 60), Tone.STRONG),
        *aliases,
        *state,
        Span(f"  beside {text.safe(live(beside), 20)} {text.safe(beside.name, 30)}" if beside else "", Tone.DIM),
    )
    facts = [text.safe(version.registry), str(version.kind), text.safe(version.author, 40)]
    if version.created_at is not None:
        facts.append(f"{text.age(version.created_at, now)} ago" if version.created_at <= now else "")
        facts.append(text.moment(version.created_at))
    yield (Span(" · ".join(fact for fact in facts if fact), Tone.DIM),)
    if full:
        yield _line("key", Span(text.safe(version.key, 0)))
    if version.message:
        said = text.safe_lines(version.message) if full else text.safe(version.message.split("\n", 1)[0], 300)
        for i, part in enumerate(wrap(said, max(20, cells - _LABEL - 1)) if full else [said]):
            yield _line("" if i else "message", Span(part))


def _origin(version: Version, parents: Sequence[Neighbour], row: VersionRow) -> Iterator[Line]:
    """Return the run and the versions that this one came from."""
    yield from _parents(parents, row)
    if version.run and (version.run.name or version.run.experiment):
        yield _line("run", Span(text.safe(f"{version.run.experiment} / {version.run.name}", 160)))


def _parents(parents: Sequence[Neighbour], row: VersionRow) -> Iterator[Line]:
    shown = [n for n in parents if n.node.kind in (NodeKind.VERSION, NodeKind.MODEL)]
    for i, parent in enumerate(shown):
        name = parent.version.name if parent.version else parent.node.key[:12]
        model = "" if (parent.node.registry, parent.node.name) == (row.registry, row.model) else parent.node.name + " "
        sure = Tone.DIM if parent.confidence is not Confidence.INFERRED else Tone.WARN
        yield _line(
            "" if i else "from",
            Span(parent.kind.value.replace("_", " ") + "  ", Tone.DIM),
            Span(text.safe(f"{model}{name}", 100)),
            Span(f"  {parent.confidence}", sure),
        )


def metric_lines(
    metrics: Sequence[Metric],
    holder: VersionRow | None,
    goals: Mapping[str, Goal],
    curves: Mapping[str, Sequence[float]],
    most: int,
    cells: int,
) -> Iterator[Line]:
    """Return the metrics by what they tell; first those that are worse than the live version's."""
    metrics = sorted(metrics, key=lambda metric: _worth(metric, holder, goals))
    wide = cells >= _WIDE
    longest = min(24 if wide else 17, max((len(m.name) for m in metrics), default=0))
    for i, metric in enumerate(metrics[:most]):
        goal = metric.goal or goals.get(metric.name)
        bars = text.spark(list(curves.get(metric.name, ())), 32 if wide else 8)
        over = f"  on {text.safe(metric.dataset, 40)}" if metric.dataset else ""
        yield _line(
            "" if i else "metrics",
            Span(fit(text.safe(metric.name, 60), longest) + " "),
            Span({Goal.MAX: "▲", Goal.MIN: "▼", None: " "}[goal], Tone.DIM),
            Span(fit_right(text.number(float(metric.value)), 9)),
            _against(metric, holder, goal, wide=wide),
            Span("  " + bars, Tone.ACCENT),
            Span(over, Tone.DIM),
        )
    yield from _more(len(metrics), most)


def _change(metric: Metric, holder: VersionRow | None) -> float | None:
    """Return how much a metric is above that of the live version."""
    return float(metric.value) - holder.metrics[metric.name] if holder and metric.name in holder.metrics else None


def _worth(metric: Metric, holder: VersionRow | None, goals: Mapping[str, Goal]) -> tuple[bool, int]:
    """Return what to order metrics by."""
    delta, goal = _change(metric, holder), metric.goal or goals.get(metric.name)
    rank = telling(metric.name)
    worse = bool(delta and goal and (delta > 0) is (goal is Goal.MIN))
    return not (worse and rank < BESIDES), rank


def _against(metric: Metric, holder: VersionRow | None, goal: Goal | None, *, wide: bool) -> Span:
    """Return how a metric stands beside that of the live version; its head says which one that is."""
    delta = _change(metric, holder)
    if delta is None or holder is None:
        return Span("")
    on = f" on {text.safe(live(holder), 20)}" if wide else ""
    if not delta:
        return Span(f"  ={on}", Tone.DIM)
    if goal is None:
        return Span(f"    {text.signed(delta)}{on}", Tone.CHANGED)
    better = (delta > 0) is (goal is Goal.MAX)
    glyph, tone = ("▲", Tone.BETTER) if better else ("▼", Tone.WORSE)
    return Span(f"  {glyph} {text.signed(delta)}{on}", tone)


def _params(params: Sequence[Param], most: int) -> Iterator[Line]:
    longest = min(32, max((len(p.name) for p in params[:most]), default=0))
    for i, param in enumerate(params[:most]):
        yield _line(
            "" if i else "params",
            Span(fit(text.safe(param.name, 60), longest) + "  "),
            Span(text.value(param.value, 200)),
        )
    yield from _more(len(params), most)


def _data(datasets: Sequence[Dataset], most: int) -> Iterator[Line]:
    for i, data in enumerate(datasets[:most]):
        facts = [text.safe(data.digest, 16), text.safe(data.role, 20)]
        facts += [text.plural(data.rows, "row")] if data.rows is not None else []
        facts += [text.size(data.size)] if data.size is not None else []
        yield _line(
            "" if i else "data",
            Span(text.safe(data.name, 80)),
            Span("  " + " · ".join(fact for fact in facts if fact), Tone.DIM),
        )
    yield from _more(len(datasets), most)


def _environment(env: Environment, *, full: bool) -> Iterator[Line]:
    known = {package.name: package.version for package in env.packages}
    named = [f"{name} {known[name]}" for name in _STACK if known.get(name)][: 9 if full else 3]
    facts = [
        f"python {env.python}" if env.python else "",
        *named,
        f"cuda {env.cuda}" if env.cuda else "",
        f"driver {env.driver}" if env.driver else "",
        ", ".join(env.gpus),
        env.os if full else "",
    ]
    facts.append(text.plural(len(env.packages), "package") if env.packages else "")
    yield _line("env", Span(text.safe(" · ".join(fact for fact in facts if fact), 300)))
    if full:
        rest = [f"image {env.image}" if env.image else "", f"cpu {env.cpu}" if env.cpu else ""]
        rest += [f"{tag.key}={tag.value}" for tag in env.variables]
        yield from (_line("", Span(text.safe(fact, 300))) for fact in rest if fact)
        yield from (_line("", Span(text.safe(f"{p.name} {p.version}".rstrip(), 200), Tone.DIM)) for p in env.packages)


def _code(code: Code) -> Iterator[Line]:
    state = "" if code.dirty is None else "uncommitted changes" if code.dirty else "clean"
    facts = [code.commit[:10], code.branch, code.entry, code.repository]
    yield _line(
        "code",
        Span(text.safe(" · ".join(fact for fact in facts if fact), 300)),
        Span(f"  {state}" if state else "", Tone.WARN if code.dirty else Tone.DIM),
    )


def file_lines(files: Sequence[File], most: int) -> Iterator[Line]:
    """Return the files with their sizes, digests and where their bytes are."""
    for i, file in enumerate(files[:most]):
        digest = f"{file.digest.algorithm} {file.digest.hex[:12]}" if file.digest else ""
        place = Tone.WARN if file.place is Place.NOWHERE else Tone.DIM
        yield _line(
            "" if i else "files",
            Span(text.safe(file.path, 120) + "  "),
            Span(text.size(file.size), Tone.PLAIN),
            Span(f" → {text.size(file.stored)}" if file.stored is not None else "", Tone.BETTER),
            Span(f"  {text.safe(digest)}" if digest else "", Tone.DIM),
            Span(f"  {_PLACES[file.place]}", place),
        )
    yield from _more(len(files), most)


def _tags(version: Version, most: int) -> Iterator[Line]:
    for i, tag in enumerate(version.tags[:most]):
        shown = f"{tag.key}={tag.value}" if tag.value else tag.key
        yield _line("" if i else "tags", Span(text.safe(shown, 300), Tone.DIM))
    yield from _more(len(version.tags), most)


def _card(card: str, cells: int, *, full: bool) -> Iterator[Line]:
    paragraphs = wrap(text.safe_lines(card[: 200_000 if full else 600]), max(20, cells - 1))
    yield BLANK
    for part in paragraphs if full else paragraphs[:6]:
        yield (Span(part, Tone.STRONG if part.startswith("#") else Tone.PLAIN),)


def _more(total: int, most: int) -> Iterator[Line]:
    if total > most:
        yield _line("", Span(f"… {total - most} more", Tone.DIM))
