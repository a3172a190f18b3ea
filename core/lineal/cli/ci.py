"""`lineal ci init|show`: a pipeline for a repository, and a verdict in the forms that CI systems read."""

from __future__ import annotations

import os
import tempfile
from configparser import ConfigParser
from configparser import Error as ParserError
from pathlib import Path

import click

from lineal.cli import checks_formats, output
from lineal.cli.checks_formats import Form
from lineal.cli.context import Context, narrate, pass_context
from lineal.config import place
from lineal.errors import ConfigError, Conflict, NotFound
from lineal.formats.git import Git
from lineal.formats.window import read_small
from lineal.model.reference import canonical
from lineal.pipelines import templates
from lineal.pipelines.templates import Settings, System
from lineal.workspace import Workspace

_LARGEST = 64 << 20  # bytes of a verdict; each check's evidence has at most 64 KiB
_SMALL = 1 << 20  # bytes of dvc.yaml and .dvc/config


@click.group("ci")
def command() -> None:
    """Write a pipeline that pulls, tests, checks and promotes a model, and show verdicts as CI systems read them."""


@command.command("init")
@click.argument("system", type=click.Choice([one.value for one in System]))
@click.option("--model", metavar="NAME", help="The model; by default the only one of this repository.")
@click.option("--test", default="python -m pytest -q", show_default=True, metavar="COMMAND", help="The model's tests.")
@click.option("--build", metavar="COMMAND", help="What makes it; by default `dvc repro` where dvc.yaml has stages.")
@click.option("--add", default="", metavar="PATH", help="What `dvc add` keeps after that, where no stage does.")
@click.option("--branch", metavar="NAME", help="The branch to release from; by default the remote's own.")
@click.option("--staging", default="staging", show_default=True, metavar="ALIAS", help="The alias of what was merged.")
@click.option("--prod", default="prod", show_default=True, metavar="ALIAS", help="The alias given by hand.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@pass_context
def init(
    context: Context,
    system: str,
    model: str | None,
    test: str,
    build: str | None,
    add: str,
    branch: str | None,
    staging: str,
    prod: str,
    force: bool,
) -> None:
    """Write a pipeline for SYSTEM into this git repository: what it does in ci/lineal.sh, and the file that wires it.

    \b
    Examples:
      lineal ci init github
      lineal ci init gitlab --model churn --test "python -m pytest tests/model"
      lineal ci init jenkins --build "python train.py" --add models/churn.pkl
    """
    with context.open() as work:
        top, git = _repository(work)
    settings = Settings(
        model=model or _only_model(context, top),
        test=test,
        build=_build(top) if build is None else build,
        add=add,
        branch=branch or _branch(git),
        staging=staging,
        prod=prod,
        dvc=templates.dvc_for(_dvc_remote(top)),
    )
    files = templates.pipeline(System(system), settings)
    _write(top, files, force=force)
    for path in files:
        output.write(path)
    narrate(f"wrote a pipeline for {settings.model}: {settings.branch} → {staging} → {prod}")
    narrate("next, commit these files, and set:")
    for line in templates.advice(System(system), settings):
        narrate(f"  - {line}")


def _repository(work: Workspace) -> tuple[Path, Git]:
    git = Git(str(work.root))
    top = git.tried("rev-parse", "--show-toplevel")
    if not top:
        raise ConfigError(f"{work.root} is in no git repository", hint="a pipeline starts from one: `git init`")
    return Path(top), git


def _only_model(context: Context, top: Path) -> str:
    """Return the model of the repository where it has only one."""
    with context.reading() as work:
        names = {spec.name for spec in work.specs if spec.kind == "dvc" and Path(spec.url) == top}
        found = [row.model for row in work.index.models("") if row.registry in names]
        if len(found) == 1:
            return canonical("", found[0])
        known = ", ".join(sorted(found)[:10])
    if not found:
        raise NotFound("this repository has no model yet", hint="say which one it will have: --model NAME")
    raise ConfigError(f"this repository has {len(found)} models", hint=f"say which one: --model NAME ({known})")


def _build(top: Path) -> str:
    """Return `dvc repro` where the repository has stages."""
    file = top / "dvc.yaml"
    stages = file.is_file() and any(line.rstrip() == b"stages:" for line in read_small(file, _SMALL).splitlines())
    return "dvc repro" if stages else ""


def _branch(git: Git) -> str:
    head = git.tried("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    return (head or "").removeprefix("origin/") or git.tried("symbolic-ref", "--quiet", "--short", "HEAD") or "main"


def _dvc_remote(top: Path) -> str:
    """Return the URL of DVC's default remote, "" where there is none."""
    file, parser = top / ".dvc" / "config", ConfigParser(interpolation=None, strict=False)
    if not file.is_file():
        return ""
    try:
        parser.read_string(read_small(file, _SMALL).decode("utf-8", "replace"))
    except ParserError as e:
        raise ConfigError(f"{file} cannot be read", hint="`dvc remote list` says what is wrong") from e
    name = parser.get("core", "remote", fallback="")
    return parser.get(f"'remote \"{name}\"'", "url", fallback="")


def _write(top: Path, files: dict[str, str], *, force: bool) -> None:
    """Write all files or none: nothing that is there and reads otherwise is written over without `force`.

    Raises:
        Conflict: such a file is there.
        ConfigError: a file would land outside the repository, through a link.
    """
    targets = {top / path: text.encode() for path, text in files.items()}
    for target in targets:
        if not target.resolve().is_relative_to(top.resolve()):
            raise ConfigError(f"{target} leads out of the repository", hint="there is a link on the way; remove it")
    taken = [path for path, text in targets.items() if path.exists() and (path.is_dir() or path.read_bytes() != text)]
    if taken and (not force or any(path.is_dir() for path in taken)):
        names = ", ".join(str(path.relative_to(top)) for path in taken)
        raise Conflict(f"{names} already there; nothing was written", hint="--force writes over them")
    for target, text in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=target.parent, prefix=".lineal-")
        with os.fdopen(handle, "wb") as to:
            to.write(text)
        Path(aside).chmod(0o644)
        Path(aside).replace(target)


@command.command("show")
@click.argument("file", metavar="FILE")
@click.option("--format", "form", type=click.Choice([one.value for one in Form]), default=Form.TABLE.value)
@pass_context
def show(context: Context, file: str, form: str) -> None:
    """Write the verdict in FILE, which `lineal check --format json` wrote, in another form; nothing is judged again.

    `github` also appends it to the summary of the job, where GITHUB_STEP_SUMMARY names one.

    \b
    Examples:
      lineal check churn --for prod --format json > verdict.json
      lineal ci show verdict.json --format junit > verdict.xml
    """
    path = Path(place(file, context.around.cwd, context.around.home))
    if not path.is_file():
        raise NotFound(f"there is no file {file}", hint="`lineal check --format json` writes one")
    plan = checks_formats.decode(read_small(path, _LARGEST))
    checks_formats.write(plan, form, context.around.environ)
