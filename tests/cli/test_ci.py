"""`lineal ci`: what it writes is valid where it goes, and never in the place of something else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from lineal.cli import checks_formats
from lineal.pipelines.templates import Settings, System, dvc_for, pipeline
from tests.cli.conftest import Lab
from tests.e2e.runners import stage_of, steps_of
from tests.sources import dvc
from tests.unit.test_checks_formats import CHECKS, plan

FILES = {"github": ".github/workflows/model.yml", "gitlab": ".gitlab-ci.yml", "jenkins": "Jenkinsfile"}
systems = pytest.mark.parametrize("system", list(FILES))


@pytest.fixture
def team(tmp_path: Path) -> Lab:
    """A repository with one model that a stage makes."""
    made = Lab(tmp_path / "team", tmp_path / "home")
    made.home.mkdir()
    repo, weights = dvc.Repo(made.folder), dvc.out("models/net.pt", b"net")
    stages = {"train": {"cmd": "python train.py", "outs": ["models/net.pt"]}}
    artifacts = {"net": {"path": "models/net.pt", "type": "model"}}
    lock = dvc.dvc_lock(train={"cmd": "python train.py", "outs": [weights]})
    repo.commit({".dvc/config": "", "dvc.yaml": dvc.dvc_yaml(stages=stages, artifacts=artifacts), "dvc.lock": lock})
    repo.check_out()
    return made


class TestInit:
    """`lineal ci init`."""

    @systems
    def test_it_writes_wiring_script_and_requirements_and_says_what_to_set(self, team: Lab, system: str) -> None:
        said = team.run("ci", "init", system)
        assert said.code == 0, said.err
        assert said.out.split() == [FILES[system], "ci/lineal.sh", "ci/requirements.txt"]
        assert all((team.folder / path).stat().st_mode & 0o777 == 0o644 for path in said.out.split())
        assert "protected" in said.err
        script = (team.folder / "ci/lineal.sh").read_text()
        assert "\nmodel=net\n" in script
        assert "\nbuild='dvc repro'\n" in script
        assert '"main"' in (text := (team.folder / FILES[system]).read_text()) or "'main'" in text

    @systems
    def test_nothing_is_written_over_without_force(self, team: Lab, system: str) -> None:
        place = team.folder / FILES[system]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("mine")
        said = team.run("ci", "init", system)
        assert said.code == 5
        assert FILES[system] in said.err
        assert "--force" in said.err
        assert place.read_text() == "mine"
        assert not (team.folder / "ci").exists(), "all or nothing"
        assert team.run("ci", "init", system, "--force").code == 0
        assert place.read_text() != "mine"

    def test_it_may_be_run_again_and_for_another_system(self, team: Lab) -> None:
        for system in ("github", "github", "gitlab", "jenkins"):
            assert team.run("ci", "init", system).code == 0

    def test_settings_reach_every_file_quoted(self, team: Lab) -> None:
        words = ("--test", "sh -c \"echo '$x'\"", "--build", "", "--add", "a b.pkl", "--branch", "release/1.x")
        assert team.run("ci", "init", "github", "--model", "it's", *words).code == 0
        script = (team.folder / "ci/lineal.sh").read_text()
        shown = subprocess.run(
            ["sh", "-c", re.sub(r"(?s)\nset -eu\n", "\n", script.partition("\nremote=")[0]) + '\nprintf "%s|" "$model" '
             '"$tests" "$build" "$add"'], capture_output=True, text=True, check=True, env={})  # fmt: skip
        assert shown.stdout == "it's|sh -c \"echo '$x'\"||a b.pkl|"
        workflow = yaml.load((team.folder / FILES["github"]).read_text(), yaml.BaseLoader)
        assert workflow["on"]["push"]["branches"] == ["release/1.x"]

    @pytest.mark.parametrize(
        ("words", "code", "why"),
        [
            (("gitea",), 2, "gitea"),
            (("github", "--branch", "a b"), 2, "branch"),
            (("github", "--branch", "x'; rm -rf ~; '"), 2, "branch"),
            (("jenkins", "--staging", "it's"), 2, "alias"),
            (("jenkins", "--prod", "${env.X}"), 2, "alias"),
            (("gitlab", "--staging", "prod"), 2, "the same alias"),
            (("github", "--model", "a\nb"), 2, "--model"),
            (("github", "--test", "x\ny"), 2, "--test"),
        ],
    )
    def test_what_cannot_stand_in_a_pipeline_is_refused(
        self, team: Lab, words: tuple[str, ...], code: int, why: str
    ) -> None:
        said = team.run("ci", "init", *words)
        assert said.code == code
        assert why in said.err
        assert not (team.folder / "ci").exists()

    def test_outside_a_repository_it_says_so(self, small: Lab) -> None:
        said = small.run("ci", "init", "github", "--model", "bert")
        assert said.code == 2
        assert "git init" in said.err

    def test_without_one_model_it_asks_which(self, tmp_path: Path) -> None:
        lab = Lab(tmp_path / "two", tmp_path / "home")
        lab.home.mkdir()
        repo = dvc.Repo(lab.folder)
        assert lab.run("ci", "init", "github").code == 4
        files = {f"{name}.bin.dvc": dvc.dvc_file(dvc.out(f"{name}.bin", name.encode())) for name in "ab"}
        repo.commit({**files, ".dvc/config": "", "dvc.yaml": dvc.dvc_yaml(artifacts={
            name: {"path": f"{name}.bin", "type": "model"} for name in "ab"})})  # fmt: skip
        repo.check_out()
        said = lab.run("ci", "init", "github")
        assert said.code == 2
        assert "(a, b)" in said.err

    def test_a_link_out_of_the_repository_is_not_followed(self, team: Lab, tmp_path: Path) -> None:
        (tmp_path / "else").mkdir()
        (team.folder / "ci").symlink_to(tmp_path / "else")
        said = team.run("ci", "init", "github")
        assert said.code == 2
        assert "out of the repository" in said.err
        assert not list((tmp_path / "else").iterdir())

    @pytest.mark.parametrize(("url", "wanted"), [("s3://b/p", "dvc[s3]"), ("/mnt/x", "dvc"), ("https://h/x", "dvc")])
    def test_dvc_is_asked_for_with_what_its_remote_needs(self, team: Lab, url: str, wanted: str) -> None:
        (team.folder / ".dvc" / "config").write_text(f"[core]\n    remote = far\n['remote \"far\"']\n    url = {url}\n")
        assert team.run("ci", "init", "github").code == 0
        assert f"\n{wanted}>=" in (team.folder / "ci/requirements.txt").read_text()
        assert dvc_for(url) == wanted


@pytest.mark.oracle("pipelines")
@pytest.mark.parametrize(("system", "schema"), [("github", "github-workflows"), ("gitlab", "gitlab-ci")])
def test_the_file_is_valid_by_the_published_schema(
    system: str, schema: str, oracle: Callable[[str], Path], tmp_path: Path
) -> None:
    """The schemas are those of SchemaStore, which check-jsonschema brings along."""
    file = tmp_path / "pipeline.yml"
    text = pipeline(System(system), Settings(model="churn"))[FILES[system]]
    for wrong, code in ((text, 0), (text.replace("steps:", "stepz:").replace("script:", "scripz:"), 1)):
        file.write_text(wrong)
        words = [str(oracle("pipelines")), "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(file)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, env={"PATH": ""}, cwd=tmp_path)
        assert done.returncode == code, done.stdout + done.stderr


@pytest.mark.oracle("pipelines")
def test_an_auditor_of_workflows_finds_nothing(oracle: Callable[[str], Path], tmp_path: Path) -> None:
    """zizmor knows what goes wrong in workflows: injections, rights, leaked credentials, unpinned actions."""
    file = tmp_path / ".github" / "workflows" / "model.yml"
    file.parent.mkdir(parents=True)
    text = pipeline(System.GITHUB, Settings(model="churn"))[FILES["github"]]
    for wrong, clean in ((text, True), (text.replace('"$BASE"', '"${{ github.head_ref }}"'), False)):
        file.write_text(wrong)
        words = [
            str(oracle("pipelines").parent / "zizmor"),
            "--offline",
            "--no-progress",
            "--persona=pedantic",
            str(file),
        ]
        environ = {"PATH": "", "HOME": str(tmp_path)}
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=environ, cwd=tmp_path)
        assert (done.returncode == 0) == clean, done.stdout + done.stderr


@pytest.mark.oracle("pipelines")
def test_the_jenkinsfile_is_groovy(oracle: Callable[[str], Path], tmp_path: Path) -> None:
    text = pipeline(System.JENKINS, Settings(model="churn"))["Jenkinsfile"]
    assert json.loads(dvc.run(oracle("pipelines"), "groovy_errors.py", home=tmp_path, feed=text)) == []
    broken = text.replace("stage('Check') {", "stage('Check' {")
    assert json.loads(dvc.run(oracle("pipelines"), "groovy_errors.py", home=tmp_path, feed=broken))


class TestWiring:
    """What every pipeline promises, read from its file."""

    def test_githubs_jobs_may_do_no_more_than_they_must(self) -> None:
        text = pipeline(System.GITHUB, Settings(model="churn"))[FILES["github"]]
        workflow = yaml.load(text, yaml.BaseLoader)
        assert workflow["permissions"] == {}
        may = {name: job["permissions"] for name, job in workflow["jobs"].items()}
        assert may["check"] == {"contents": "read"}
        assert may["comment"]["pull-requests"] == "write"
        assert "pull_request_target" not in text
        for job in workflow["jobs"].values():
            for step in job["steps"]:
                assert "${{" not in step.get("run", "")
                if "uses" in step:
                    assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"])
                if step.get("run", "").endswith(("build", "test")) or " check " in step.get("run", ""):
                    assert "secrets" not in json.dumps(step), "code of the repository sees no secret"
                    assert "token" not in json.dumps(step)
                if "checkout" in step.get("uses", ""):
                    assert step["with"]["persist-credentials"] == "false"
        assert len(re.findall(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", text, re.M)) == text.count("uses:")
        assert workflow["jobs"]["production"]["environment"] == "prod"
        checkouts = [step for step in workflow["jobs"]["check"]["steps"] if "checkout" in step.get("uses", "")]
        assert [(one["with"]["fetch-depth"], one["with"]["persist-credentials"]) for one in checkouts] == [
            ("0", "false")
        ]

    def test_jenkins_has_its_stages_reports_and_question(self) -> None:
        """There is no schema of a Jenkinsfile, and its linter is part of a running Jenkins: its structure is read."""
        text = pipeline(System.JENKINS, Settings(model="churn"))["Jenkinsfile"]
        for opening, closing in ("{}", "()", "[]"):
            assert text.count(opening) == text.count(closing)
        assert re.findall(r"stage\('(\w+)'\)", text) == ["Check", "Release", "Production"]
        for name in ("Check", "Release"):
            assert "junit testResults: 'ci-reports/check.xml'" in stage_of(text, name)
        assert "changeRequest()" in stage_of(text, "Check")
        assert "input {" in (production := stage_of(text, "Production"))
        assert "beforeInput true" in production
        order = [line.split()[2] for line in steps_of(text, "Release") if line.startswith("sh ci/lineal.sh")]
        assert order == ["pull", "build", "test", "check", "publish", "promote"]

    @systems
    def test_each_step_of_the_script_is_called_and_no_other(self, system: str) -> None:
        files = pipeline(System(system), Settings(model="churn"))
        called = set(re.findall(r"sh ci/lineal\.sh (\w+)", files[FILES[system]]))
        known = set(re.findall(r"^#   sh ci/lineal\.sh (\w+)", files["ci/lineal.sh"], re.M))
        assert called | {"comment"} == known
        done = subprocess.run(["sh", "-n"], input=files["ci/lineal.sh"], text=True, check=False)
        assert done.returncode == 0

    def test_a_step_that_is_none_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "x.sh").write_text(pipeline(System.GITHUB, Settings(model="churn"))["ci/lineal.sh"])
        done = subprocess.run(["sh", "x.sh", "deploy"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "pull, build, test, check" in done.stderr


def test_the_token_to_push_with_stands_in_no_file_and_no_url(tmp_path: Path) -> None:
    """git asks the script's own helper for it, and no other."""
    head = pipeline(System.GITLAB, Settings(model="churn"))["ci/lineal.sh"].partition("\nsay()")[0]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LINEAL_PUSH_TOKEN": "s3cret $x '\"", "LC_ALL": "C"}
    done = subprocess.run(
        ["sh", "-c", f"{head}\ngit credential fill"],
        input="protocol=https\nhost=forge.example\n\n",
        env=environ, cwd=tmp_path, capture_output=True, text=True, check=True)  # fmt: skip
    assert "username=oauth2\npassword=s3cret $x '\"\n" in done.stdout
    assert not list(tmp_path.iterdir())


class TestShow:
    """`lineal ci show`."""

    @pytest.fixture
    def verdict(self, small: Lab) -> Lab:
        (small.folder / "verdict.json").write_text(checks_formats.document(plan(*CHECKS)))
        return small

    def test_a_verdict_is_shown_in_every_form(self, verdict: Lab) -> None:
        assert "0.91 against 0.9371" in verdict.ok("ci", "show", "verdict.json")
        assert ET.fromstring(verdict.ok("ci", "show", "verdict.json", "--format", "junit")).get("tests") == "6"
        assert verdict.ok("ci", "show", "verdict.json", "--format", "md").startswith("<!-- lineal-check:")
        assert checks_formats.decode(verdict.ok("ci", "show", "verdict.json", "--format", "json").encode()) == plan(
            *CHECKS
        )

    def test_github_gets_annotations_and_a_summary(self, verdict: Lab, tmp_path: Path) -> None:
        summary = tmp_path / "summary"
        words = ("ci", "show", "verdict.json", "--format", "github")
        said = verdict.run(*words, env={"GITHUB_STEP_SUMMARY": str(summary)})
        assert said.code == 0, said.err
        assert said.out.startswith("::error title=churn for prod%3A auc")
        assert "4 of 6 checks stand in the way" in summary.read_text()
        said = verdict.run(*words, env={"GITHUB_STEP_SUMMARY": str(tmp_path / "none" / "x")})
        assert said.code == 6
        assert "cannot be written" in said.err

    def test_what_is_no_verdict_is_refused(self, verdict: Lab) -> None:
        (verdict.folder / "other.json").write_text('{"a": 1}')
        assert verdict.run("ci", "show", "other.json").code == 7
        assert verdict.run("ci", "show", "nowhere.json").code == 4
