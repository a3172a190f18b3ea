"""Stand-ins for GitHub's, GitLab's and Jenkins' runners: they take the steps from a pipeline's file and run them.

What a runner brings is stood in for and nothing else: the checkout is a `git clone`, artifacts are copied, the setting
up of Python and caches do nothing, and `pip install` is noted down and not done (a folder stands first on PATH). Every
`run:`, `script:` and `sh` is taken from the file and run as the runner would, with an empty HOME.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

LIMIT = 300.0  # seconds after which a step is taken for hung
_PIP = """\
#!/bin/sh
case "$*" in "-m pip install"*) echo "$*" >>"{log}"; exit 0 ;; esac
exec "{python}" "$@"
"""
_LINEAL = '#!/bin/sh\nexec "{python}" -W error -m lineal "$@"\n'


class Ended(NamedTuple):
    """How a job ended: the exit code of the first step that failed, the steps that ran, and all that was written."""

    code: int
    ran: list[str]
    log: str


class Machine:
    """A machine with git, DVC and Lineal on it, and an empty HOME."""

    def __init__(self, place: Path, tools: Path, extra: Mapping[str, str] | None = None) -> None:
        self.place, self.home, self.bin = place, place / "home", place / "bin"
        self.home.mkdir(parents=True)
        self.bin.mkdir()
        self.installed = place / "installed"
        for name in ("python", "python3"):
            self.program(name, _PIP.format(log=self.installed, python=tools / "python"))
        self.program("lineal", _LINEAL.format(python=sys.executable))
        for name in ("dvc", "gto"):
            (self.bin / name).symlink_to(tools / name)
        self.environ = {
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "PYTHONPATH": "",
            **(extra or {}),
        }

    def program(self, name: str, text: str) -> None:
        """Put a program on PATH."""
        file = self.bin / name
        file.write_text(text)
        file.chmod(0o755)

    def run(self, shell: tuple[str, ...], text: str, cwd: Path, environ: Mapping[str, str]) -> tuple[int, str]:
        """Run a step in its shell and return its exit code and what it wrote."""
        script = self.place / "step.sh"
        script.write_text(text)
        done = subprocess.run(
            [*shell, str(script)],
            cwd=cwd,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        return done.returncode, done.stdout

    def git(self, cwd: Path, *words: str) -> str:
        """Run git as a runner does before the first step."""
        done = subprocess.run(["git", *words], cwd=cwd, env=self.environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


class GitHub:
    """Runs a job of a workflow. `event` is what `github` holds in expressions."""

    SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail")

    def __init__(self, machine: Machine, workflow: str, origin: Path, event: Mapping[str, Any]) -> None:
        self.machine, self.origin = machine, origin
        self.file: dict[str, Any] = yaml.load(workflow, yaml.BaseLoader)
        self.context = {"token": "t0ken", "repository": "team/churn", "workflow": "model", **event}
        self.artifacts = machine.place / "artifacts"

    def jobs(self) -> list[str]:
        """Return the jobs that the event starts, by their conditions."""
        return [name for name, job in self.file["jobs"].items() if self._true(job.get("if", "true"))]

    def _true(self, condition: str) -> bool:
        """Evaluate the few words of GitHub's expressions that the workflow uses."""
        text = condition.removeprefix("${{").removesuffix("}}").strip()
        text = re.sub(r"github(\.[\w.]+)", lambda found: repr(self._look(found[1][1:])), text)
        text = text.replace("&&", " and ").replace("||", " or ").replace("!cancelled()", "True").replace("true", "True")
        text = re.sub(r"format\('refs/heads/\{0\}', ('[^']*')\)", r"'refs/heads/' + \1", text)
        return bool(eval(" ".join(text.split()), {"__builtins__": {}}))  # noqa: S307 - text of ours

    def _look(self, path: str) -> Any:
        found: Any = self.context
        for part in path.split("."):
            found = found.get(part, "") if isinstance(found, dict) else ""
        return found

    def _filled(self, text: str) -> str:
        """Fill in `${{ }}`; secrets are not set, as on a fork."""

        def value(found: re.Match[str]) -> str:
            word = found[1].strip()
            if word.startswith("secrets."):
                return ""
            assert word.startswith("github."), word
            return str(self._look(word.removeprefix("github.")))

        return re.sub(r"\$\{\{(.*?)\}\}", value, text)

    def job(self, name: str) -> Ended:
        """Run the steps of a job in a clone of its own."""
        job, clone, summary = (
            self.file["jobs"][name],
            self.machine.place / f"clone-{name}",
            self.machine.place / "summary",
        )
        shutil.rmtree(clone, ignore_errors=True)
        code, log = 0, ""
        ran: list[str] = []
        given = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "team/churn", "GITHUB_STEP_SUMMARY": str(summary),
                 "GITHUB_SERVER_URL": "https://forge.example", "GITHUB_RUN_ID": "42"}  # fmt: skip
        shared = {key: self._filled(value) for key, value in {**self.file["env"], **job.get("env", {})}.items()}
        for step in job["steps"]:
            if code and step.get("if") != "always()":
                continue
            if "uses" in step:
                self._use(step, clone)
                continue
            assert step.get("if", "") in ("", "hashFiles('ci/lineal.sh') != ''")
            environ = {**given, **shared, **{key: self._filled(value) for key, value in step.get("env", {}).items()}}
            assert "${{" not in step["run"], "foreign text comes by variables, never into a script"
            status, said = self.machine.run(self.SHELL, step["run"], clone, environ)
            ran, log, code = [*ran, step["name"]], log + said, code or status
        return Ended(code, ran, log)

    def _use(self, step: Mapping[str, Any], clone: Path) -> None:
        name, version = step["uses"].split("@")
        assert re.fullmatch("[0-9a-f]{40}", version), "pinned by commit"
        given = {key: self._filled(value) for key, value in step.get("with", {}).items() if "hashFiles" not in value}
        match name:
            case "actions/checkout":
                self.machine.git(self.machine.place, "clone", "--quiet", str(self.origin), str(clone))
                self.machine.git(clone, "checkout", "--quiet", "--detach", given.get("ref") or self.context["sha"])
            case "actions/upload-artifact":
                if (clone / given["path"]).exists():
                    shutil.copytree(clone / given["path"], self.artifacts / given["name"], dirs_exist_ok=True)
            case "actions/download-artifact":
                if (self.artifacts / given["name"]).exists():
                    shutil.copytree(self.artifacts / given["name"], clone / given["path"], dirs_exist_ok=True)
            case _:
                assert name in ("actions/setup-python", "actions/cache")


class GitLab:
    """Runs a job of a `.gitlab-ci.yml` in the clone that GitLab's runner makes: one commit, checked out by its id."""

    SHELL = ("bash", "-eo", "pipefail")

    def __init__(self, machine: Machine, text: str, origin: Path, variables: Mapping[str, str]) -> None:
        self.machine, self.origin, self.variables = machine, origin, variables
        self.file: dict[str, Any] = yaml.load(text, yaml.BaseLoader)

    def jobs(self) -> dict[str, str]:
        """Return the jobs that the variables start, and when: on_success, or manual."""
        fixed = {"workflow", "stages", "variables", "default"}
        jobs = {name: job for name, job in self.file.items() if name not in fixed and not name.startswith(".")}
        if not self._rule(self.file["workflow"]["rules"]):
            return {}
        started = {name: self._rule(job["rules"]) for name, job in jobs.items()}
        return {name: rule.get("when", "on_success") for name, rule in started.items() if rule}

    def _rule(self, rules: list[dict[str, str]]) -> dict[str, str]:
        for rule in rules:
            name, value = re.fullmatch(r'\$(\w+) == "(.*)"', rule["if"]).groups()  # type: ignore[union-attr]
            if self.variables.get(name) == value:
                return rule
        return {}

    def job(self, name: str) -> Ended:
        """Run a job: `before_script` and `script` in one shell."""
        job: dict[str, Any] = self.file[name]
        job = {**self.file[job["extends"]], **job}
        clone, sha, branch = self.machine.place / f"clone-{name}", self.variables["CI_COMMIT_SHA"], "CI_COMMIT_REF_NAME"
        shutil.rmtree(clone, ignore_errors=True)
        self.machine.git(self.machine.place, "init", "--quiet", str(clone))
        self.machine.git(clone, "remote", "add", "origin", str(self.origin))
        refs = f"+refs/heads/{self.variables[branch]}:refs/remotes/origin/{self.variables[branch]}"
        self.machine.git(clone, "fetch", "--quiet", "origin", refs, "+refs/tags/*:refs/tags/*")
        self.machine.git(clone, "checkout", "--quiet", "--detach", sha)
        given = {**self.file["variables"], **job.get("variables", {}), "CI_PROJECT_DIR": str(clone), **self.variables}
        filled = {key: value.replace("$CI_PROJECT_DIR", str(clone)) for key, value in given.items()}
        lines = [*job["before_script"], *job["script"]]
        code, log = self.machine.run(
            self.SHELL, "\n".join(f"echo '$ {at}'\n{x}" for at, x in enumerate(lines)), clone, filled
        )
        return Ended(code, [lines[int(at)] for at in re.findall(r"^\$ (\d+)$", log, re.MULTILINE)], log)


class Jenkins:
    """Runs the `sh` steps of a stage of a Jenkinsfile, in the clone of a multibranch job: one branch, no tags."""

    def __init__(self, machine: Machine, text: str, origin: Path, variables: Mapping[str, str]) -> None:
        self.machine, self.origin, self.variables, self.text = machine, origin, variables, text
        self.shared = dict(re.findall(r"^ {8}(\w+) = '(.*)'$", text, re.MULTILINE))

    def stage(self, name: str, sha: str) -> Ended:
        """Run a stage: each `sh` in a shell of its own, until one fails."""
        clone = self.machine.place / f"clone-{name}"
        shutil.rmtree(clone, ignore_errors=True)
        branch = self.variables.get("CHANGE_BRANCH") or self.variables["BRANCH_NAME"]
        self.machine.git(self.machine.place, "init", "--quiet", str(clone))
        self.machine.git(clone, "remote", "add", "origin", str(self.origin))
        refs = f"+refs/heads/{branch}:refs/remotes/origin/{branch}"
        self.machine.git(clone, "fetch", "--quiet", "--no-tags", "origin", refs)
        self.machine.git(clone, "checkout", "--quiet", "--detach", sha)
        environ = {
            **self.shared,
            **self.variables,
            "HOME": str(clone / ".ci-home"),
            "BUILD_URL": "https://ci.example/7/",
        }
        ran: list[str] = []
        log = ""
        for step in steps_of(self.text, name):
            code, said = self.machine.run(("sh", "-xe"), step, clone, environ)
            ran, log = [*ran, step], log + said
            if code:
                return Ended(code, ran, log)
        return Ended(0, ran, log)


def stage_of(text: str, name: str) -> str:
    """Return the block of a stage, braces matched."""
    start = text.index("{", text.index(f"stage('{name}')"))
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return text[start : at + 1]
    raise AssertionError(f"stage {name} never ends")


def steps_of(text: str, name: str) -> list[str]:
    """Return the shell lines of a stage, in order; single quotes of Groovy have only backslashes to undo."""
    found = re.findall(r"^\s*sh '((?:[^'\\]|\\.)*)'$", stage_of(text, name), re.MULTILINE)
    return [re.sub(r"\\(.)", r"\1", line) for line in found]
