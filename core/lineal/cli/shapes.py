"""The JSON that the command line promises, one function for each shape. README and tests show each by example."""

from __future__ import annotations

from typing import Any

import msgspec

from lineal.cli.output import moment
from lineal.model.lineage import Common, Impact, Member, Path, Tree
from lineal.model.listing import RegistryRow, VersionRow
from lineal.model.reference import Selector, SelectorKind, canonical
from lineal.model.version import Version


def reference(row: VersionRow) -> str:
    """Return the canonical reference of a version: by name, or by id where it has no name of its own."""
    if row.name and row.name != row.key:
        return canonical(row.registry, row.model, row.name)
    return canonical(row.registry, row.model, Selector(SelectorKind.ID, row.key))


def version_item(row: VersionRow) -> dict[str, Any]:
    """Return one version of a list.

    {"reference": "mlflow:fraud@v3", "registry": "mlflow", "model": "fraud", "version": "v3", "id": "3",
     "kind": "registered", "state": "ready", "created": "2026-09-01T10:00:00Z", "author": "mira", "message": "",
     "aliases": ["champion"], "params": {"lr": 0.001}, "metrics": {"auc": 0.94}, "tags": {"team": "risk"}}
    """
    return {
        "reference": reference(row),
        "registry": row.registry,
        "model": row.model,
        "version": row.name,
        "id": row.key,
        "kind": row.kind,
        "state": row.state,
        "created": moment(row.created_at) or None,
        "author": row.author,
        "message": row.message,
        "aliases": list(row.aliases),
        "params": row.params,
        "metrics": row.metrics,
        "tags": row.tags,
    }


def whole_version(row: VersionRow, version: Version) -> dict[str, Any]:
    """Return everything known of one version: the item of a list, and in full what a list leaves out."""
    item = version_item(row)
    full: dict[str, Any] = msgspec.to_builtins(version)
    for name in ("metrics", "environment", "datasets", "code", "run", "files", "card"):
        item[name] = full[name]
    return item


def registry_item(row: RegistryRow) -> dict[str, Any]:
    """Return one registry and how fresh the index is about it."""
    return {
        "name": row.name,
        "kind": row.kind,
        "url": row.url,
        "origin": row.origin,
        "models": row.models,
        "versions": row.versions,
        "problems": row.problems,
        "synced": moment(row.synced_at) or None,
        "error": row.error,
        "hint": row.hint,
    }


def related(answer: Tree | Path | Common | Impact) -> dict[str, Any]:
    """Return an answer about lineage as `model.lineage` has it, with versions as the items of a list.

    The rows themselves hold numbers that are private to one index: after a rebuild, JSON must be the same.
    """
    shape: dict[str, Any] = msgspec.to_builtins(answer)
    if isinstance(answer, Common):
        for name, shared in (("ancestors", answer.ancestors), ("inputs", answer.inputs)):
            shape[name] = [msgspec.to_builtins(one) | {"member": _member(one.member)} for one in shared]
    elif isinstance(answer, Impact):
        shape["tree"] = related(answer.tree)
    else:
        shape["members"] = [_member(member) for member in answer.members]
    return shape


def _member(member: Member) -> dict[str, Any]:
    shape: dict[str, Any] = msgspec.to_builtins(member)
    return shape | {"version": version_item(member.version) if member.version else None}
