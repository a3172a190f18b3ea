"""How the versions of one run came from one another, and what they were made from outside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lineal.model.records import Confidence, Edge, EdgeKind, Node, NodeKind
from lineal.registries.checkpoints import contents
from lineal.registries.checkpoints.history import History

if TYPE_CHECKING:
    from lineal.registries.checkpoints.versions import Item

_DIGITS = re.compile(r"\d+")
_RELATIONS = {
    "finetune": EdgeKind.FINETUNED,
    "adapter": EdgeKind.ADAPTER,
    "merge": EdgeKind.MERGED,
    "quantized": EdgeKind.QUANTIZED,
}


def edges(registry: str, model: str, items: Sequence[Item], history: History) -> Iterator[Edge]:
    """Yield the edges within a run and to models outside it, each pair and kind once."""
    seen: set[tuple[Node, Node, EdgeKind]] = set()
    for edge in _all(registry, model, items, history):
        if (edge.child, edge.parent, edge.kind) not in seen:
            seen.add((edge.child, edge.parent, edge.kind))
            yield edge


def best(items: Sequence[Item], history: History) -> Item | None:
    """Return the version that the training itself called the best."""
    named = history.newest.get("best_model_checkpoint")
    ordered = sorted(items, key=lambda item: item.step or 0)
    paths = (
        [named]
        if isinstance(named, str)
        else [p for i in ordered for c in i.contents.values() if (p := contents.best_path(c))]
    )
    name = paths[-1].rstrip("/").rpartition("/")[2] if paths else ""
    return next((item for item in items if name and item.found.path.rpartition("/")[2] == name), None)


def best_step(state: dict[str, Any]) -> int | None:
    """Return the step in the name of a trainer's best checkpoint."""
    path = state.get("best_model_checkpoint")
    match = re.search(r"-(\d{1,15})/?$", path) if isinstance(path, str) else None
    return int(match[1]) if match else None


def _all(registry: str, model: str, items: Sequence[Item], history: History) -> Iterator[Edge]:
    def node(item: Item) -> Node:
        return Node(NodeKind.VERSION, registry, model, item.key)

    for parent, child in _steps(items):
        kind, confidence, detail = _how(parent, child, history)
        yield Edge(child=node(child), parent=node(parent), kind=kind, confidence=confidence, detail=detail)
    yield from _final(node, items, history)
    for item in items:
        for name, kind, detail in _outside(item):
            base = Node(NodeKind.MODEL, "", name, "")
            yield Edge(child=node(item), parent=base, kind=kind, confidence=Confidence.DECLARED, detail=detail)
    if (first := _first(items)) and (path := _resumed(first)) and not any(i.found.name == _last(path) for i in items):
        base, detail = Node(NodeKind.MODEL, "", path, ""), "resume_from_checkpoint"
        yield Edge(child=node(first), parent=base, kind=EdgeKind.RESUMED, confidence=Confidence.DECLARED, detail=detail)


def _steps(items: Sequence[Item]) -> Iterator[tuple[Item, Item]]:
    """Yield pairs of a version and the next of its run: names alike but for numbers, and a later step or epoch."""
    rows: dict[str, list[tuple[int, int, Item]]] = {}
    for item in items:
        at = item.step if item.step is not None else item.found.epoch
        if at is not None and not item.found.final:
            rows.setdefault(_DIGITS.sub("0", item.found.path), []).append((at, item.found.epoch or 0, item))
    for row in rows.values():
        row.sort(key=lambda entry: (entry[0], entry[1], entry[2].key))
        for before, after in pairwise(row):
            if before[:2] < after[:2]:
                yield before[2], after[2]


def _how(parent: Item, child: Item, history: History) -> tuple[EdgeKind, Confidence, str]:
    """Say how a checkpoint follows the one before it: a log that begins with the earlier one's whole log states it."""
    if _last(_resumed(child)) == parent.found.name:
        return EdgeKind.RESUMED, Confidence.DECLARED, "resume_from_checkpoint"
    before, after = (_log(history, item.found.path) for item in (parent, child))
    if before and after[: len(before)] == before:
        return EdgeKind.TRAINED_FROM, Confidence.DECLARED, "trainer_state.json"
    return EdgeKind.TRAINED_FROM, Confidence.INFERRED, "the next of the same run"


def _final(node: Any, items: Sequence[Item], history: History) -> Iterator[Edge]:
    """Yield the edge from the final model to the checkpoint that it is, or that it was trained on from."""
    final = next((item for item in items if item.found.final), None)
    if final is None:
        return
    if final.params.get("load_best_model_at_end") is True:
        if chosen := best([item for item in items if item is not final], history):
            yield Edge(
                child=node(final),
                parent=node(chosen),
                kind=EdgeKind.COPIED,
                confidence=Confidence.DECLARED,
                detail="load_best_model_at_end",
            )
        return
    others = [item for item in items if item is not final and item.step is not None]
    if others:
        kind, confidence, detail = EdgeKind.TRAINED_FROM, Confidence.INFERRED, "the last checkpoint of the same run"
        last = max(others, key=lambda item: item.step or 0)
        yield Edge(child=node(final), parent=node(last), kind=kind, confidence=confidence, detail=detail)


def _outside(item: Item) -> Iterator[tuple[str, EdgeKind, str]]:
    """Yield the models that a version's files say it was made from: name, how, and the file that says so."""
    adapter = item.raw_config.get("base_model_name_or_path")
    if isinstance(adapter, str) and adapter:
        yield adapter, EdgeKind.ADAPTER, "adapter_config.json"
    named = item.raw_config.get("_name_or_path")
    if isinstance(named, str) and named and not adapter:
        yield named, EdgeKind.FINETUNED, "config.json"
    for name in item.card.base:
        kind = _RELATIONS.get(item.card.relation, EdgeKind.ADAPTER if adapter else EdgeKind.FINETUNED)
        yield name, kind, "README.md"
    for content in item.contents.values():
        for name in content.base:
            yield name, EdgeKind.QUANTIZED, "general.base_model"


def _log(history: History, path: str) -> list[Any]:
    log = history.states.get(path, {}).get("log_history")
    return log if isinstance(log, list) else []


def _first(items: Sequence[Item]) -> Item | None:
    return min((item for item in items if not item.found.final), key=lambda item: item.step or 0, default=None)


def _resumed(item: Item) -> str:
    path = item.params.get("resume_from_checkpoint")
    return path if isinstance(path, str) else ""


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
