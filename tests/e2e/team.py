"""A team with one model: a bare remote, a DVC remote that is a folder, a developer's clone, and a policy."""

from __future__ import annotations

import json
from pathlib import Path

from tests.sources.dvc import md5, tool

TRAIN = """\
import json, pathlib
quality = json.loads(pathlib.Path("quality.json").read_text())
pathlib.Path("models").mkdir(exist_ok=True)
pathlib.Path("models/churn.json").write_text(json.dumps({"weights": [quality] * 4}))
pathlib.Path("metrics.json").write_text(json.dumps({"auc": quality}))
"""
TESTS = """\
import json, pathlib
weights = json.loads(pathlib.Path("models/churn.json").read_text())["weights"]
assert len(weights) == 4 and all(0 <= weight <= 1 for weight in weights), weights
"""
SMOKE = """\
import json, pathlib, sys
found = [path for path in pathlib.Path(sys.argv[1]).rglob("*.json")]
assert found, "no files"
print("smoke:", json.loads(found[0].read_text())["weights"][0])
"""
STAGES = """\
stages:
  train:
    cmd: python3 train.py
    deps: [train.py, quality.json]
    outs: [models/churn.json]
    metrics: [{metrics.json: {cache: false}}]
artifacts:
  churn: {path: models/churn.json, type: model}
"""
POLICY = """\
[metrics]
auc = "max"

[[gate]]
alias = "staging"

[[gate.metric]]
name = "auc"
goal = "max"
min = 0.8
no_worse = true

[[gate.command]]
name = "smoke"
run = ["python3", "tests/smoke.py", "{files}"]
timeout = "1m"

[[gate]]
alias = "prod"
after = "staging"
clean = true
"""


class Project:
    """A team's repository: a bare remote, a DVC remote that is a folder, and a developer's clone."""

    def __init__(self, python: Path, place: Path) -> None:
        self.python, self.place, self.at = python, place, 1_780_000_000
        self.origin, self.store, self.clone = place / "origin.git", place / "store", place / "dev"
        self.home = place / "dev-home"

    def tool(self, name: str, *words: str, cwd: Path | None = None) -> str:
        self.at += 60
        return tool(self.python, name, *words, cwd=cwd or self.clone, home=self.home, at=self.at).strip()

    def git(self, *words: str) -> str:
        return self.tool("git", *words)

    def write(self, path: str, text: str) -> None:
        (self.clone / path).parent.mkdir(parents=True, exist_ok=True)
        (self.clone / path).write_text(text)

    def commit(self, message: str) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def quality(self, value: float, *, trained: bool) -> str:
        """Commit another model; untrained, its stage is left to the pipeline."""
        self.write("quality.json", f"{value}")
        if trained:
            self.tool("dvc", "repro")
            self.tool("dvc", "push")
        return self.commit(f"Quality {value}")

    def push(self, branch: str = "main") -> str:
        self.git("push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")

    def tip(self, branch: str = "main") -> str:
        return self.tool("git", "rev-parse", f"refs/heads/{branch}", cwd=self.origin)

    def tags(self) -> list[str]:
        return self.tool("git", "tag", "--list", cwd=self.origin).splitlines()

    def holds(self, quality: float) -> bool:
        """Say whether the DVC remote has the bytes of the model of a quality."""
        name = md5(json.dumps({"weights": [quality] * 4}).encode())
        return (self.store / "files" / "md5" / name[:2] / name[2:]).exists()

    def fresh(self, place: Path) -> dict[str, list[float]]:
        """Return the model as a fresh clone pulls it."""
        self.tool("git", "clone", "-q", str(self.origin), str(place), cwd=self.place)
        self.tool("dvc", "pull", cwd=place)
        model: dict[str, list[float]] = json.loads((place / "models/churn.json").read_text())
        return model
