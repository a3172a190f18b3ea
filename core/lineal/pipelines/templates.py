"""The files of a pipeline, filled in for one repository: a script with all that is done, and what wires it to a system.

Each place `@NAME@` of a template takes one setting, quoted for the language that it stands in.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from enum import StrEnum
from importlib.resources import files

import msgspec

from lineal import __version__
from lineal.errors import ConfigError

SCRIPT = "ci/lineal.sh"
REQUIREMENTS = "ci/requirements.txt"
_BRANCH = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9_-])?")
_ALIAS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?")
_PLACE = re.compile(r"@([A-Z_]+)@")


class System(StrEnum):
    """What runs a pipeline."""

    GITHUB = "github"
    GITLAB = "gitlab"
    JENKINS = "jenkins"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a pipeline must know of a repository."""

    model: str  # a reference without a selector: "churn", "registry:churn"
    test: str = "python -m pytest -q"  # a command line; its exit code is the verdict of the model's own tests
    build: str = ""  # a command line that makes what is out of date; "" where models are not made by the pipeline
    add: str = ""  # a path for `dvc add` after that; "" where dvc.yaml has the stage
    branch: str = "main"
    staging: str = "staging"
    prod: str = "prod"
    dvc: str = "dvc"  # the requirement, with the extra of the remote: "dvc[s3]"


_PLACES = {System.GITHUB: ".github/workflows/model.yml", System.GITLAB: ".gitlab-ci.yml", System.JENKINS: "Jenkinsfile"}
_TEMPLATES = {System.GITHUB: "github.yml", System.GITLAB: "gitlab.yml", System.JENKINS: "Jenkinsfile"}


def pipeline(system: System, settings: Settings) -> dict[str, str]:
    """Return the text of each file of a pipeline by its path below the top of the repository.

    Raises:
        ConfigError: a setting cannot stand in such a file.
    """
    _refuse_odd(settings)
    wiring = _fill(_TEMPLATES[system], settings, _groovy if system is System.JENKINS else _yaml)
    return {
        _PLACES[system]: wiring,
        SCRIPT: _fill("lineal.sh", settings, shlex.quote),
        REQUIREMENTS: _requirements(settings),
    }


def _refuse_odd(settings: Settings) -> None:
    """Branches and aliases stand in several languages at once, so only names that are plain in all of them do."""
    if not _BRANCH.fullmatch(settings.branch) or ".." in settings.branch or "//" in settings.branch:
        raise ConfigError(f"{settings.branch!r} is no branch for a pipeline", hint="letters, digits and `._/-`")
    for alias in (settings.staging, settings.prod):
        if not _ALIAS.fullmatch(alias):
            raise ConfigError(f"{alias!r} is no alias for a pipeline", hint="letters, digits and `._/-`")
    if settings.staging == settings.prod:
        raise ConfigError("--staging and --prod are the same alias", hint="a version is promoted from one to the other")
    for name in ("model", "test", "build", "add"):
        value: str = getattr(settings, name)
        if not value.isprintable():
            raise ConfigError(f"--{name} holds characters that do not belong on a line", hint="one line of text")


def _fill(template: str, settings: Settings, quote: Callable[[str], str]) -> str:
    text = (files("lineal.pipelines") / "files" / template).read_text(encoding="utf-8")
    return _PLACE.sub(lambda found: _value(found[1], settings, quote), text)


def _value(name: str, settings: Settings, quote: Callable[[str], str]) -> str:
    field, _, how = name.lower().partition("_")
    value: str = getattr(settings, field)
    match how:
        case "text":  # within a comment, or a text that is quoted already
            return value
        case "expression":  # within an expression of GitHub's
            return f"'{value}'"
        case _:
            return quote(value)


def _yaml(text: str) -> str:
    return json.dumps(text)


def _groovy(text: str) -> str:
    return f"'{text}'"


def _requirements(settings: Settings) -> str:
    return (
        "# What the pipeline installs, and what the model's own tests and stages need beside it.\n"
        f"lineal=={__version__}\n{settings.dvc}>=3.50,<4\n"
    )


_EXTRAS = {"s3": "s3", "gs": "gs", "azure": "azure", "ssh": "ssh", "gdrive": "gdrive", "oss": "oss", "hdfs": "hdfs"}


def dvc_for(remote: str) -> str:
    """Return what to install for a DVC remote at that URL; a folder and HTTP need no more than DVC itself."""
    scheme, found, _ = remote.partition("://")
    return f"dvc[{_EXTRAS[scheme]}]" if found and scheme in _EXTRAS else "dvc"


def advice(system: System, settings: Settings) -> list[str]:
    """Return what is still to be set by hand in the system, one sentence each."""
    shared = f"gates for {settings.staging} and {settings.prod} in lineal.toml: `lineal policy init`"
    approvals = "approvals are kept in the store: give `[store]` a url that the pipeline reaches, such as s3://"
    return [shared, approvals, *_ADVICE[system](settings)]


def _github(settings: Settings) -> list[str]:
    return [
        "secrets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or those of your DVC remote, renamed in the workflow: "
        f"keys that only read in the repository, keys that write in the environment {settings.staging}",
        f"environment {settings.prod}: required reviewers",
        f"branch {settings.branch}: protected, with `Check the proposal` required; where the pipeline makes models, "
        "it must be let push",
    ]


def _gitlab(settings: Settings) -> list[str]:
    return [
        "variable LINEAL_PUSH_TOKEN (protected, masked): a project access token with write_repository",
        "variables of your DVC remote, such as AWS_ACCESS_KEY_ID: protected those that write",
        f"branch {settings.branch}: protected; its merge requests need a pipeline that succeeds",
        f"environment {settings.prod}: protected, so that only those who may can start the job",
    ]


def _jenkins(settings: Settings) -> list[str]:
    return [
        "credentials `git` (may push), `dvc-read` and `dvc` (user name and password: the keys of your DVC remote)",
        "the group `release-managers`, or whoever may answer the question before production (`submitter`)",
        f"branch {settings.branch}: protected; changes from forks: trust nobody's Jenkinsfile but your own",
    ]


_ADVICE = {System.GITHUB: _github, System.GITLAB: _gitlab, System.JENKINS: _jenkins}
