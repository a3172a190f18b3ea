"""What GTO says of many repositories: paths as a JSON list in, a JSON list of its artifacts out."""

from __future__ import annotations

import json
import sys
from typing import Any

from gto.api import show


def artifact(path: str, name: str, state: dict[str, Any]) -> dict[str, Any]:
    versions = show(path, name=name, deprecated=True)
    held = {one["version"]: one["commit_hexsha"] for one in versions if one["registrations"] and one["is_active"]}
    stages = {stage: version for stage, version in state["stage"].items() if version}
    return {"active": state["active"], "stages": stages, "versions": held, "latest": state["version"]}


def registry(path: str) -> dict[str, Any]:
    return {name: artifact(path, name, state) for name, state in show(path, deprecated=True).items()}


print(json.dumps([registry(path) for path in json.load(sys.stdin)], default=str))
