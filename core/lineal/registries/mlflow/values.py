"""MLflow's texts as values: parameters, tags, data sets, sources of code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from lineal.errors import BadFormat
from lineal.formats import jsons
from lineal.model.values import Metric, Param, Tag, Value
from lineal.model.version import Code, Dataset
from lineal.registries.mlflow.rows import DatasetInput, KeyValue, MetricRow, RunRow

_INTEGER = r"-?(?:0|[1-9][0-9]{0,40})"
_DECIMAL = r"-?(?:[0-9]{1,40}\.[0-9]{0,40}|\.[0-9]{1,40}|[0-9]{1,40}(?=[eE]))(?:[eE][-+]?[0-9]{1,4})?"
_NUMBER = re.compile(rf"({_INTEGER})|{_DECIMAL}")
_FIRST = frozenset("-.0123456789")
_SECRET = re.compile(r"(?:^|[._/-])(?:token|secret|password|passwd|credentials?|(?:api|access|secret)[_-]?key)$", re.I)
_USERINFO = re.compile(r"(://)[^/@\s]*@")
_SYSTEM = "mlflow."
HISTORY = "mlflow.log-model.history"
_HIDDEN = "(hidden)"
_LARGE_PROFILE = 1 << 20  # bytes


def value(text: str) -> Value:
    """Return what a parameter was before MLflow made text of it: a number, True or False; else the text."""
    if text[:1] not in _FIRST:
        return text == "True" if text in {"True", "False"} else text
    found = _NUMBER.fullmatch(text)
    if found is None:
        return text
    return int(text) if found[1] else float(text)


def params(rows: Sequence[KeyValue]) -> tuple[Param, ...]:
    """Return parameters by name; the first of a name wins."""
    texts = {row.key: row.value for row in reversed(rows)}
    return tuple([Param(key, value(text)) for key, text in sorted(texts.items())])


def metrics(rows: Iterable[MetricRow]) -> tuple[Metric, ...]:
    """Return last values by name."""
    found = [Metric(row.key, row.number, row.step, None, row.dataset_name) for row in rows]
    found.sort(key=lambda metric: metric.name)
    return tuple(found)


def tags(*layers: Iterable[KeyValue]) -> tuple[Tag, ...]:
    """Return tags by key, an earlier layer winning; MLflow's own of all but the first are left out."""
    found: dict[str, Tag] = {}
    for number, layer in enumerate(layers):
        for row in layer:
            if row.key not in found and not (number and row.key.startswith(_SYSTEM)):
                found[row.key] = Tag(row.key, _HIDDEN if _SECRET.search(row.key) else shown(row.value))
    return tuple(found[key] for key in sorted(found))


def may_be_shown(key: str, text: str) -> bool:
    """Say whether a tag is shown as it is: its key names no secret, and its value holds no user and password."""
    return not _SECRET.search(key) and shown(text) == text


def shown(text: str) -> str:
    """Return a text without the user and password of URLs in it."""
    return _USERINFO.sub(r"\1", text) if "@" in text and "://" in text else text


def code(run: RunRow) -> Code | None:
    """Return the source that a run's tags name."""
    found = {tag.key.removeprefix("mlflow.source."): tag.value for tag in run.data.tags if tag.key.startswith(_SYSTEM)}
    dirty = {"true": True, "false": False}.get(found.get("mlflow.git.dirty", "").lower())
    made = Code(
        repository=shown(found.get("git.repoURL", "") or found.get("mlflow.gitRepoURL", "")),
        commit=found.get("git.commit", ""),
        branch=found.get("git.branch", ""),
        entry=shown(found.get("name", "")),
        dirty=dirty,
    )
    return made if made != Code() else None


def datasets(inputs: Iterable[DatasetInput]) -> tuple[Dataset, ...]:
    """Return the data that a run read, in the order of their names."""
    found = {_dataset(entry) for entry in inputs if entry.dataset.name}
    return tuple(sorted(found, key=lambda data: (data.name, data.digest, data.role)))


def _dataset(entry: DatasetInput) -> Dataset:
    row = entry.dataset
    profile = _mapping(row.profile)
    return Dataset(
        name=row.name,
        digest=row.digest,
        role=next((tag.value for tag in entry.tags if tag.key == "mlflow.data.context"), ""),
        source=shown(_source(row.source_type, row.source))[:2000],
        rows=_rows(profile),
        profile=", ".join(f"{key}={_plain(profile[key])}" for key in sorted(profile))[:500],
    )


def _source(kind: str, text: str) -> str:
    found = _mapping(text)
    for key in ("uri", "url", "path", "table_name", "delta_table_name", "dataset_name"):
        if isinstance(found.get(key), str):
            return str(found[key])
    made_by = found.get("tags")
    if isinstance(made_by, dict) and isinstance(made_by.get("mlflow.source.name"), str):
        return str(made_by["mlflow.source.name"])
    return kind


def _rows(profile: dict[str, object]) -> int | None:
    for key in ("num_rows", "features_shape"):
        found = profile.get(key)
        first = found[0] if isinstance(found, list) and found else found
        if isinstance(first, int) and not isinstance(first, bool):
            return first
    return None


def _plain(found: object) -> str:
    return "x".join(str(part) for part in found) if isinstance(found, list) else str(found)


def _mapping(text: str) -> dict[str, object]:
    if not text.startswith("{"):
        return {}
    try:
        found = jsons.load(text, _LARGE_PROFILE)
    except BadFormat:
        return {}
    return found if isinstance(found, dict) else {}


def logged_classically(run: RunRow) -> bool:
    """Say whether a run logged a model in the manner of 1.x and 2.x."""
    return any(tag.key == HISTORY for tag in run.data.tags)


class Classic(msgspec.Struct, frozen=True):
    """A model as its run's history (1.x and 2.x) tells of it."""

    artifact_path: str = ""
    flavors: dict[str, Any] = {}


_HISTORY = msgspec.json.Decoder(list[Classic])


def history(run: RunRow) -> list[Classic]:
    """Return what `mlflow.log-model.history` says of each model that a run logged; nothing if it is cut short."""
    text = run.tag(HISTORY)
    if not text or len(text) > _LARGE_PROFILE:
        return []
    try:
        return [entry for entry in _HISTORY.decode(text) if entry.artifact_path]
    except (msgspec.MsgspecError, RecursionError):
        return []


def logged_paths(run: RunRow) -> tuple[str, ...]:
    """Return the artifact paths, within the run, of the models it logged in the manner of 1.x and 2.x."""
    return tuple(dict.fromkeys(entry.artifact_path.strip("/") for entry in history(run)))
