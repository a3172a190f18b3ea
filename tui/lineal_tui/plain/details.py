"""One version in full as statements: who it is, how good it is beside the live one, where it came from, the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lineal.model.listing import VersionRow
from lineal.model.records import NodeKind
from lineal.model.values import Goal, Metric
from lineal.model.version import Environment, File, Place, Version
from lineal_tui.holders import live
from lineal_tui.messages import DetailReady
from lineal_tui.plain import words
from lineal_tui.plain.rows import number
from lineal_tui.present import text
from lineal_tui.present.telling import telling

SHORT = 5
"""Things of one kind that are read out at first."""
_PLACES = {Place.LOCAL: "here", Place.CACHE: "in a cache", Place.REMOTE: "remote", Place.NOWHERE: "nowhere"}
_CARD = 200_000


def statements(found: DetailReady, now: float, most: int = SHORT) -> Iterator[str]:
    """Yield what is known of a version; of each kind at most so many."""
    row, one = found.request.row, found.version
    beside = found.holder if found.holder and found.holder.key != row.key else None
    yield from _head(one, row, now)
    yield from _some(_metrics(found, beside), "metric", most)
    yield from _parents(found)
    yield from _some([f"Parameter {text.safe(p.name, 80)}: {text.value(p.value, 200)}" for p in one.params],
                     "parameter", most)  # fmt: skip
    yield from _some(_data(one), "data set", most)
    yield from _environment(one.environment, most)
    yield from _code(one)
    yield from _some([_file(file) for file in one.files], "file", most)
    yield from _some([_tag(tag.key, tag.value) for tag in one.tags], "tag", most)
    yield from _card(one.card, most)


def _some(said: Sequence[str], noun: str, most: int) -> list[str]:
    if len(said) <= most:
        return list(said)
    return [*said[:most], f"{words.counted(len(said) - most, f'more {noun}')}; type details for everything"]


def _head(one: Version, row: VersionRow, now: float) -> Iterator[str]:
    facts = [f"Version {text.safe(one.name, 60)} of {text.safe(one.model, 80)}"]
    facts += [words.aliases(row.aliases)] if row.aliases else []
    facts += [one.state] if one.state != "ready" else []
    yield ", ".join([*facts, f"in {text.safe(one.registry, 60)}"])
    by = f" by {text.safe(one.author, 80)}" if one.author else ""
    when = f" {words.ago(one.created_at, now)}, {text.moment(one.created_at)}" if one.created_at is not None else ""
    if by or when:
        yield f"Made{by}{when}"
    if one.message:
        yield f"Message: {text.safe(one.message, 600)}"
    if one.run and (one.run.name or one.run.experiment):
        yield f"Run: {text.safe(one.run.name, 80)} of experiment {text.safe(one.run.experiment, 80) or 'unknown'}"


def _metrics(found: DetailReady, beside: VersionRow | None) -> list[str]:
    """Return the metrics, those first that are worse than the live version's."""
    told = []
    for metric in found.version.metrics:
        goal = metric.goal or found.goals.get(metric.name)
        how = standing(float(metric.value), goal, beside, metric.name)
        told.append((not how.startswith("worse"), telling(metric.name), metric.name, _metric(metric, goal, how)))
    return [said for *_, said in sorted(told)]


def _metric(metric: Metric, goal: Goal | None, how: str) -> str:
    parts = [f"Metric {text.safe(metric.name, 80)}: {number(float(metric.value))}"]
    parts += [how] if how else []
    parts += [words.GOALS[goal]] if goal else []
    parts += [f"on {text.safe(metric.dataset, 60)}"] if metric.dataset else []
    return ", ".join(parts)


def standing(value: float, goal: Goal | None, beside: VersionRow | None, name: str) -> str:
    """Return how a value stands to that of the live version: `worse than prod v17 by 0.02`; "" where it has none."""
    if beside is None or name not in beside.metrics:
        return ""
    delta = value - beside.metrics[name]
    other = f"{text.safe(live(beside), 40)} {text.safe(beside.name, 60)}"
    if not delta:
        return f"same as {other}"
    if goal is None or delta != delta:
        return f"{words.signed(delta)} beside {other}"
    better = (delta > 0) is (goal is Goal.MAX)
    return f"{'better' if better else 'worse'} than {other} by {number(abs(delta))}"


def _parents(found: DetailReady) -> Iterator[str]:
    for near in found.parents:
        if near.node.kind in (NodeKind.VERSION, NodeKind.MODEL):
            named = near.version.name if near.version else near.node.key[:12]
            sure = words.CONFIDENCES[near.confidence]
            yield f"It {words.EDGES[near.kind]} {text.safe(f'{near.node.name} {named}', 120)} ({sure})"


def _data(one: Version) -> list[str]:
    said = []
    for data in one.datasets:
        facts = [f"Data: {text.safe(data.name, 80)}"]
        facts += [f"digest {text.safe(data.digest[:12])}"] if data.digest else []
        facts += [text.safe(data.role, 20)] if data.role else []
        facts += [words.counted(data.rows, "row")] if data.rows is not None else []
        said.append(", ".join(facts))
    return said


def _environment(env: Environment | None, most: int) -> Iterator[str]:
    if env is None:
        return
    facts = [f"python {env.python}" if env.python else "", f"cuda {env.cuda}" if env.cuda else ""]
    facts += [f"driver {env.driver}" if env.driver else "", ", ".join(env.gpus), env.os, env.image]
    if said := ", ".join(fact for fact in facts if fact):
        yield f"Environment: {text.safe(said, 400)}"
    if most == SHORT:
        yield f"{words.counted(len(env.packages), 'package')}; type details to hear them" if env.packages else ""
    else:
        yield from (f"Package {text.safe(f'{one.name} {one.version}', 200)}" for one in env.packages)


def _code(one: Version) -> Iterator[str]:
    if (code := one.code) is None:
        return
    facts = [f"commit {code.commit[:10]}" if code.commit else "", f"branch {code.branch}" if code.branch else ""]
    facts += [code.entry, code.repository, {True: "with uncommitted changes", False: "clean", None: ""}[code.dirty]]
    yield f"Code: {text.safe(', '.join(fact for fact in facts if fact), 400)}"


def _file(file: File) -> str:
    digest = f", {file.digest.algorithm} {file.digest.hex[:12]}" if file.digest else ""
    return f"File {text.safe(file.path, 160)}, {words.size(file.size)}{text.safe(digest)}, {_PLACES[file.place]}"


def _tag(key: str, value: str) -> str:
    return f"Tag {text.safe(key, 100)}: {text.safe(value, 300)}" if value else f"Tag {text.safe(key, 100)}"


def _card(card: str, most: int) -> Iterator[str]:
    lines = [line.strip() for line in text.safe_lines(card[:_CARD]).splitlines() if line.strip()]
    if lines:
        yield f"Model card, {words.counted(len(lines), 'line')}:"
        yield from _some([_card_line(line) for line in lines], "line of the card", most)


def _card_line(line: str) -> str:
    return f"Heading: {line.lstrip('# ')}" if line.startswith("#") else line
