"""What DVC keeps in git, as DVC 3 writes it: pointers, pipelines, locks, configuration; and where it keeps bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from lineal.demo.place import to_yaml


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One stage of a pipeline; paths are relative to the repository, params are dotted keys of params.yaml."""

    cmd: str
    deps: tuple[str, ...]
    params: tuple[str, ...] = ()
    outs: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    plots: tuple[str, ...] = ()


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the `artifacts` section, by which GTO knows a model."""

    path: str
    desc: str
    labels: tuple[str, ...] = ()
    meta: Mapping[str, str] = {}


CONFIG = "[core]\n    remote = store\n    autostage = false\n['remote \"store\"']\n    url = ../../dvc-remote\n"
FIXED = {
    ".dvc/config": CONFIG,
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    ".dvcignore": "# Patterns of files that DVC should ignore.\n",
    "data/.gitignore": "/transactions.npy\n/holdout.npy\n/customers.npy\n",
    "models/.gitignore": "/fraud.safetensors\n/fraud-q8.gguf\n/churn.safetensors\n",
}


def md5(data: bytes) -> str:
    """Return the hash by which DVC names bytes."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def store_path(digest: str) -> str:
    """Return where a cache or remote keeps bytes."""
    return f"files/md5/{digest[:2]}/{digest[2:]}"


def pointer(data: bytes, name: str) -> str:
    """Return the `.dvc` file of a file called `name` beside it."""
    return to_yaml({"outs": [{"md5": md5(data), "size": len(data), "hash": "md5", "path": name}]})


def pipeline(stages: Mapping[str, Stage], artifacts: Mapping[str, Artifact]) -> str:
    """Return a dvc.yaml."""
    listed = {name: _stage(stage) for name, stage in stages.items()}
    models = {name: _artifact(artifact) for name, artifact in artifacts.items()}
    return to_yaml({"stages": listed, "artifacts": models})


def _stage(stage: Stage) -> dict[str, Any]:
    uncached = {"cache": False}
    found: dict[str, Any] = {"cmd": stage.cmd, "deps": list(stage.deps)}
    if stage.params:
        found["params"] = list(stage.params)
    if stage.outs:
        found["outs"] = list(stage.outs)
    if stage.metrics:
        found["metrics"] = [{path: uncached} for path in stage.metrics]
    if stage.plots:
        found["plots"] = [{path: {**uncached, "x": "step", "y": "train_loss"}} for path in stage.plots]
    return found


def _artifact(artifact: Artifact) -> dict[str, Any]:
    found: dict[str, Any] = {"path": artifact.path, "type": "model", "desc": artifact.desc}
    if artifact.labels:
        found["labels"] = list(artifact.labels)
    if artifact.meta:
        found["meta"] = dict(artifact.meta)
    return found


def lock(stages: Mapping[str, Stage], files: Mapping[str, bytes], params: Mapping[str, Any]) -> str:
    """Return the dvc.lock after `stages` have run and left `files`; `params` are dotted keys and their values."""
    entries = {}
    for name, stage in stages.items():
        entry: dict[str, Any] = {"cmd": stage.cmd, "deps": [_entry(path, files) for path in sorted(stage.deps)]}
        if stage.params:
            entry["params"] = {"params.yaml": {key: params[key] for key in sorted(stage.params)}}
        outs = sorted((*stage.outs, *stage.metrics, *stage.plots))
        entries[name] = {**entry, "outs": [_entry(path, files) for path in outs]}
    return to_yaml({"schema": "2.0", "stages": entries})


def _entry(path: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    return {"path": path, "hash": "md5", "md5": md5(files[path]), "size": len(files[path])}
