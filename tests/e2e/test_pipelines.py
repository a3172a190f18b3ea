"""The pipelines that `lineal ci init` writes, run step by step: a good model gets through, a worse one is stopped.

git, DVC, GTO and their remotes are real; the runners are stood in for (see `runners`).
"""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from lineal.pipelines.templates import Settings, System, pipeline
from tests.e2e.runners import Ended, GitHub, GitLab, Jenkins, Machine
from tests.e2e.team import POLICY, SMOKE, STAGES, TESTS, TRAIN, Project
from tests.sources.dvc import run

pytestmark = pytest.mark.oracle("dvc")


@pytest.fixture(scope="module")
def seed(oracle: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A repository with all three pipelines, a first model, and that one in staging by GTO's own hand."""
    made = Project(oracle("dvc"), tmp_path_factory.mktemp("team"))
    made.clone.mkdir()
    made.tool("git", "init", "-q", "--bare", "-b", "main", str(made.origin), cwd=made.place)
    made.tool("git", "config", "receive.advertisePushOptions", "true", cwd=made.origin)  # as GitLab does
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


def github(project: Project, event: Mapping[str, object]) -> GitHub:
    text = (project.clone / ".github/workflows/model.yml").read_text()
    return GitHub(machine(project), text, project.origin, event)


def pushed(sha: str) -> dict[str, object]:
    return {"event_name": "push", "ref": "refs/heads/main", "ref_name": "main", "sha": sha}


def proposed(sha: str, base: str, fork: bool = False) -> dict[str, object]:
    head = {"sha": sha, "repo": {"full_name": "stranger/churn" if fork else "team/churn"}}
    event = {"pull_request": {"number": "7", "head": head, "base": {"sha": base}}}
    return {"event_name": "pull_request", "ref": "refs/pull/7/merge", "base_ref": "main", "event": event}


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


def stages(project: Project) -> dict[str, str]:
    """Return the version of each stage, as GTO itself reads the tags of a fresh clone."""
    place = project.place / f"asked-{len(list(project.place.glob('asked-*')))}"
    project.tool("git", "clone", "-q", str(project.origin), str(place), cwd=project.place)
    said = run(project.python, "gto_show.py", home=project.home, feed=json.dumps([str(place)]))
    found: dict[str, str] = json.loads(said)[0]["churn"]["stages"]
    return found


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
    assert set(project.tags()) == {"churn@v1.0.0", "churn#staging#1", "churn@v1.0.1", "churn#staging#2"}
    assert stages(project) == {"staging": "v1.0.1"}
    where = project.tool("git", "rev-parse", "churn@v1.0.1^{commit}", cwd=project.origin)
    assert where == project.tip()
    message = project.tool("git", "tag", "-l", "--format=%(contents)", "churn#staging#2", cwd=project.origin)
    assert "CI: https://" in message


@systems
def test_a_worse_model_is_stopped_and_nothing_of_it_is_sent(system: str, project: Project) -> None:
    quality = {"github": 0.81, "gitlab": 0.82, "jenkins": 0.83}[system]
    sha = project.quality(quality, trained=False)
    project.push()
    tags = project.tags()
    ended = release(system, project, sha)
    assert ended.code == 1, ended.log
    assert "lineal.sh check" in ended.ran[-1] or ended.ran[-1] == "Check"
    assert f"{quality} against 0.9" in ended.log
    assert (project.tip(), project.tags()) == (sha, tags)
    assert not project.holds(quality)
    assert stages(project) == {"staging": "v1.0.0"}


@systems
def test_a_proposal_with_a_worse_model_fails_with_a_report(system: str, project: Project) -> None:
    sha = project.quality(0.7, trained=True)
    project.push("feature")
    ended, reports = propose(system, project, sha)
    assert ended.code == 1, ended.log
    suite = ET.parse(reports / "check.xml").getroot()
    assert (suite.get("failures"), suite.get("tests")) == ("1", "2")
    assert json.loads((reports / "check.json").read_text())["alias"] == "staging"
    assert "❌ fail" in (reports / "check.md").read_text()
    assert project.tip("feature") == sha, "a proposal is judged, never changed"


@systems
def test_a_proposal_that_loosens_the_policy_is_judged_by_that_of_the_base(system: str, project: Project) -> None:
    project.write("lineal.toml", '[metrics]\nauc = "min"\n')
    sha = project.quality(0.71, trained=True)
    project.push("feature")
    ended, reports = propose(system, project, sha)
    assert ended.code == 1, ended.log
    assert ET.parse(reports / "check.xml").getroot().get("tests") == "2"


def test_a_proposal_that_rewrites_a_check_runs_none_of_it(project: Project) -> None:
    project.write("tests/smoke.py", "import pathlib; pathlib.Path('ran').touch(); print('fine')")
    sha = project.quality(0.95, trained=True)
    project.push("feature")
    ended, reports = propose("github", project, sha)
    assert ended.code == 1, ended.log
    assert [case.tag for case in ET.parse(reports / "check.xml").getroot().iter("error")] == ["error"]
    assert not list(project.place.rglob("ran"))


@systems
def test_a_good_proposal_passes_and_sends_nothing(system: str, project: Project) -> None:
    quality = {"github": 0.961, "gitlab": 0.962, "jenkins": 0.963}[system]
    sha = project.quality(quality, trained=False)
    project.push("feature")
    before = project.tip(), project.tags()
    ended, reports = propose(system, project, sha)
    assert ended.code == 0, ended.log
    assert (project.tip(), project.tags(), project.tip("feature")) == (*before, sha)
    assert not project.holds(quality), "what a proposal trains stays on its machine"
    assert "all 2 checks pass" in (reports / "check.md").read_text()


@systems
def test_production_gets_what_staging_has_and_only_that(system: str, project: Project) -> None:
    project.quality(0.97, trained=True)
    later = project.push()
    match system:
        case "github":
            event = {"event_name": "workflow_dispatch", "ref": "refs/heads/main", "sha": later}
            ended = github(project, event).job("production")
        case "gitlab":
            asked = {"CI_COMMIT_SHA": later, "CI_COMMIT_REF_NAME": "main", "CI_COMMIT_BRANCH": "main"}
            ended = _gitlab(project, **asked).job("production")
        case _:
            ended = _jenkins(project, BRANCH_NAME="main").stage("Production", later)
    assert ended.code == 0, ended.log
    assert stages(project) == {"staging": "v1.0.0", "prod": "v1.0.0"}
    assert project.tip() == later


@pytest.fixture
def added(project: Project) -> Project:
    """The project as the walkthrough of DVC has it: no stages, the model kept with `dvc add`."""
    project.tool("dvc", "pull")
    project.tool("dvc", "remove", "train")
    project.write("dvc.yaml", "artifacts:\n  churn: {path: models/churn.json, type: model}\nmetrics: [metrics.json]\n")
    project.tool("dvc", "add", "models/churn.json")
    settings = Settings(model="churn", test="python3 tests/model.py", build="python3 train.py", add="models/churn.json")
    for path, text in pipeline(System.GITHUB, settings).items():
        project.write(path, text)
    project.commit("Keep the model with dvc add")
    return project


def test_a_model_kept_with_dvc_add_goes_the_same_way(added: Project, tmp_path: Path) -> None:
    added.write("quality.json", "0.915")
    sha = added.commit("Quality 0.915")
    added.push()
    ended = release("github", added, sha)
    assert ended.code == 0, ended.log
    changed = added.tool("git", "diff", "--name-only", sha, "main", cwd=added.origin).splitlines()
    assert changed == ["metrics.json", "models/churn.json.dvc"]
    assert added.fresh(tmp_path / "fresh") == {"weights": [0.915] * 4}
    assert stages(added) == {"staging": "v1.0.1"}


def test_a_shallow_clone_is_made_whole_before_anything_is_judged(project: Project) -> None:
    shallow = machine(project)
    clone = shallow.place / "clone"
    shallow.git(shallow.place, "clone", "--quiet", "--depth=1", f"file://{project.origin}", str(clone))
    code, log = shallow.run(("sh",), "sh ci/lineal.sh pull && sh ci/lineal.sh check staging", clone, {})
    assert code == 0, log
    assert shallow.git(clone, "rev-parse", "--is-shallow-repository") == "false"
    assert "all 2 checks pass" in log


GH = """\
#!/usr/bin/env python3
import json, os, pathlib, sys
words, file = sys.argv[2:], pathlib.Path(os.environ["GH_STATE"])
assert sys.argv[1] == "api" and os.environ["GH_TOKEN"]
comments = json.loads(file.read_text()) if file.exists() else []
method = words[words.index("--method") + 1] if "--method" in words else "GET"
body = next((pathlib.Path(word[6:]).read_text() for word in words if word.startswith("body=@")), "")
place = next(word for word in words if word.startswith("repos/"))
if method == "GET":
    assert place == "repos/team/churn/issues/7/comments" and "$ENV.marker" in words[words.index("--jq") + 1]
    for one in comments:
        if one["bot"] and one["body"].startswith(os.environ["marker"]):
            print(one["id"])
elif method == "POST":
    assert place == "repos/team/churn/issues/7/comments"
    comments.append({"id": len(comments) + 10, "bot": True, "body": body})
else:
    (one,) = [one for one in comments if place == f"repos/team/churn/issues/comments/{one['id']}"]
    one["body"] = body
file.write_text(json.dumps(comments))
"""


def test_the_verdict_is_written_under_the_proposal_and_updated_in_place(project: Project) -> None:
    said = project.place / "comments.json"
    said.write_text(json.dumps([{"id": 1, "bot": False, "body": "<!-- lineal-check:0123456789abcdef -->"}]))
    for quality, verdict in ((0.72, "❌ fail"), (0.98, "all 2 checks pass")):
        sha = project.quality(quality, trained=True)
        project.push("feature")
        runs = github(project, proposed(sha, project.tip()))
        runs.machine.program("gh", GH)
        runs.machine.environ["GH_STATE"] = str(said)
        checked = runs.job("check")
        assert checked.code == int(quality < 0.9), checked.log
        assert verdict in (runs.machine.place / "summary").read_text()
        commented = runs.job("comment")
        assert commented.code == 0, commented.log
        comments = json.loads(said.read_text())
        assert [one["id"] for one in comments] == [1, 11], "a person's comment is let be"
        assert verdict in comments[1]["body"]


def test_a_model_that_fails_its_own_tests_is_not_even_judged(project: Project) -> None:
    sha = project.quality(1.5, trained=False)
    project.push()
    tags = project.tags()
    ended = release("github", project, sha)
    assert (ended.code, ended.ran[-1]) == (1, "Test"), ended.log
    assert (project.tip(), project.tags(), project.holds(1.5)) == (sha, tags, False)


def test_a_release_that_is_run_again_changes_nothing(project: Project) -> None:
    sha = project.tip()
    tags = project.tags()
    ended = release("github", project, sha)
    assert ended.code == 0, ended.log
    assert "staging names this version already" in ended.log
    assert (project.tip(), project.tags()) == (sha, tags)


def test_a_release_that_somebody_overtook_promotes_nothing(project: Project) -> None:
    sha = project.quality(0.985, trained=False)
    project.push()
    project.write("later.txt", "later")
    project.commit("Later")
    later, tags = project.push(), project.tags()
    ended = release("github", project, sha)
    assert (ended.code, ended.ran[-1]) == (1, "Publish"), ended.log
    assert (project.tip(), project.tags()) == (later, tags)


def test_a_promotion_whose_tags_are_refused_is_taken_back(project: Project) -> None:
    hook = project.origin / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\ncase $1 in refs/tags/*staging*) echo "no such tags" >&2; exit 1 ;; esac\n')
    hook.chmod(0o755)
    sha = project.quality(0.986, trained=True)
    project.push()
    tags = project.tags()
    runs = github(project, pushed(sha))
    ended = runs.job("release")
    assert (ended.code, ended.ran[-1]) == (5, "Promote"), ended.log
    assert project.tags() == tags, "the registration is not there without the promotion"
    here = project.tool("git", "tag", "--list", cwd=runs.machine.place / "clone-release").splitlines()
    assert set(here) == {*tags, "lineal-candidate"}


def test_production_refuses_what_the_policy_refuses(project: Project) -> None:
    project.write("lineal.toml", POLICY + "approvals = 1\n")
    project.commit("Ask for an approval")
    event = {"event_name": "workflow_dispatch", "ref": "refs/heads/main", "sha": project.push()}
    ended = github(project, event).job("production")
    assert (ended.code, ended.ran[-1]) == (3, "Promote"), ended.log
    assert stages(project) == {"staging": "v1.0.0"}


@pytest.mark.parametrize(
    ("event", "jobs"),
    [
        (proposed("a", "b"), ["check", "comment"]),
        (proposed("a", "b", fork=True), ["check"]),
        (pushed("a"), ["release"]),
        ({"event_name": "workflow_dispatch", "ref": "refs/heads/main"}, ["production"]),
        ({"event_name": "workflow_dispatch", "ref": "refs/heads/else"}, []),
    ],
)
def test_each_event_of_github_starts_its_jobs(project: Project, event: dict[str, object], jobs: list[str]) -> None:
    assert github(project, event).jobs() == jobs


@pytest.mark.parametrize(
    ("variables", "jobs"),
    [
        ({"CI_PIPELINE_SOURCE": "merge_request_event"}, {"check": "on_success"}),
        ({"CI_COMMIT_BRANCH": "main"}, {"release": "on_success", "production": "manual"}),
        ({"CI_COMMIT_BRANCH": "else"}, {}),
    ],
)
def test_each_event_of_gitlab_starts_its_jobs(
    project: Project, variables: dict[str, str], jobs: dict[str, str]
) -> None:
    assert _gitlab(project, **variables).jobs() == jobs
