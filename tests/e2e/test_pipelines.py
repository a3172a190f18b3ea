"""The pipelines that `lineal ci init` writes, run step by step: a good model gets through, a worse one is stopped.

git, DVC, GTO and their remotes are real; the runners are stood in for (see `runners`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lineal.pipelines.templates import Settings, System, pipeline
from tests.e2e.runners import Ended, GitHub, GitLab, Jenkins, Machine
from tests.sources.dvc import md5, tool

pytestmark = pytest.mark.oracle("dvc")
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

    def stages(self, place: Path) -> dict[str, str]:
        """Return the commits of the stages, as GTO itself reads the remote's tags."""
        self.tool("git", "clone", "-q", str(self.origin), str(place), cwd=self.place)
        rows = json.loads(self.tool("gto", "show", "churn", "--json", cwd=place))
        return {stage["stage"]: str(stage["ref"]) for row in rows for stage in row.get("stages", [])} if rows else {}


@pytest.fixture(scope="module")
def seed(oracle: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A repository with all three pipelines, a first model, and that one in staging by GTO's own hand."""
    made = Project(oracle("dvc"), tmp_path_factory.mktemp("team"))
    made.clone.mkdir()
    made.tool("git", "init", "-q", "--bare", "-b", "main", str(made.origin), cwd=made.place)
    made.git("init", "-q", "-b", "main", ".")
    made.git("remote", "add", "origin", str(made.origin))
    made.tool("dvc", "init")
    made.tool("dvc", "remote", "add", "-d", "store", str(made.store))
    for path, text in (("train.py", TRAIN), ("tests/model.py", TESTS), ("tests/smoke.py", SMOKE), ("dvc.yaml", STAGES)):
        made.write(path, text)
    made.write("lineal.toml", POLICY)
    settings = Settings(model="churn", test="python3 tests/model.py", build="dvc repro")
    for system in System:
        for path, text in pipeline(system, settings).items():
            made.write(path, text)
    made.quality(0.9, trained=True)
    made.push()
    made.tool("gto", "register", "churn", "HEAD", "--version", "v1.0.0")
    made.tool("gto", "assign", "churn", "--version", "v1.0.0", "--stage", "staging")
    made.git("push", "-q", "origin", "--tags")
    return made


@pytest.fixture
def project(seed: Project, tmp_path: Path) -> Project:
    """A copy of the seed with a remote of its own; the DVC remote is shared, by content."""
    made = Project(seed.python, tmp_path / "team")
    shutil.copytree(seed.origin, made.origin)
    made.store = seed.store
    made.tool("git", "clone", "-q", str(made.origin), str(made.clone), cwd=tmp_path)
    return made


Runs = Callable[[Project, str], Ended]


def machine(project: Project) -> Machine:
    place = project.place / f"machine-{len(list(project.place.glob('machine-*')))}"
    place.mkdir()
    made = Machine(place, project.python.parent)
    assert not list(made.home.iterdir())
    return made


def github(project: Project, event: dict[str, object]) -> GitHub:
    text = (project.clone / ".github/workflows/model.yml").read_text()
    return GitHub(machine(project), text, project.origin, event)


def pushed(sha: str) -> dict[str, object]:
    return {"event_name": "push", "ref": "refs/heads/main", "ref_name": "main", "sha": sha}


def proposed(sha: str, base: str, fork: bool = False) -> dict[str, object]:
    head = {"sha": sha, "repo": {"full_name": "stranger/churn" if fork else "team/churn"}}
    pull = {"number": "7", "head": head, "base": {"sha": base}}
    return {
        "event_name": "pull_request",
        "ref": "refs/pull/7/merge",
        "base_ref": "main",
        "pull_request": pull,
        "sha": "",
    }


def _gitlab(project: Project, **variables: str) -> GitLab:
    text = (project.clone / ".gitlab-ci.yml").read_text()
    url = {
        "CI_PROJECT_URL": f"file://{str(project.origin).removesuffix('.git')}",
        "CI_JOB_URL": "https://lab.example/1",
    }
    return GitLab(machine(project), text, project.origin, {**url, **variables})


def _jenkins(project: Project, **variables: str) -> Jenkins:
    return Jenkins(machine(project), (project.clone / "Jenkinsfile").read_text(), project.origin, variables)


def release(system: str, project: Project, sha: str) -> Ended:
    """Run what a push to main starts."""
    match system:
        case "github":
            return github(project, pushed(sha)).job("release")
        case "gitlab":
            branch = {"CI_COMMIT_BRANCH": "main", "CI_COMMIT_REF_NAME": "main", "CI_PIPELINE_SOURCE": "push"}
            return _gitlab(project, CI_COMMIT_SHA=sha, **branch).job("release")
        case _:
            return _jenkins(project, BRANCH_NAME="main").stage("Release", sha)


def propose(system: str, project: Project, sha: str, branch: str = "feature") -> tuple[Ended, Path]:
    """Run what a proposal to main starts; return also the folder with its reports."""
    match system:
        case "github":
            runs = github(project, proposed(sha, project.tip()))
            ended, place = runs.job("check"), runs.machine.place
            assert (runs.artifacts / "verdict").exists() == (place / "clone-check" / "ci-reports").exists()
            return ended, place / "clone-check" / "ci-reports"
        case "gitlab":
            asked = {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
            lab = _gitlab(project, CI_COMMIT_SHA=sha, CI_COMMIT_REF_NAME=branch, **asked)
            return lab.job("check"), lab.machine.place / "clone-check" / "ci-reports"
        case _:
            job = _jenkins(project, CHANGE_TARGET="main", CHANGE_BRANCH=branch, BRANCH_NAME="PR-7")
            return job.stage("Check", sha), job.machine.place / "clone-Check" / "ci-reports"


systems = pytest.mark.parametrize("system", [one.value for one in System])


@systems
def test_a_better_model_is_built_published_and_promoted(system: str, project: Project, tmp_path: Path) -> None:
    quality = {"github": 0.91, "gitlab": 0.92, "jenkins": 0.93}[system]
    sha = project.quality(quality, trained=False)
    project.push()
    ended = release(system, project, sha)
    assert ended.code == 0, ended.log
    assert project.tip() != sha, "the trained model is a commit of its own"
    assert project.fresh(tmp_path / "fresh") == {"weights": [quality] * 4}
    assert set(project.tags()) == {"churn@v1.0.0", "churn#staging#1", "churn#staging#2"}
    where = project.tool("git", "rev-parse", "churn#staging#2^{commit}", cwd=project.origin)
    assert where == project.tip()
    message = project.tool("git", "tag", "-l", "--format=%(contents)", "churn#staging#2", cwd=project.origin)
    assert "CI: https://" in message
