"""`lineal registry ls|add|remove`: which registries this workspace reads."""

from __future__ import annotations

from pathlib import Path

import click

from lineal import registries
from lineal.cli import output
from lineal.cli.context import Context, format_option, narrate, pass_context
from lineal.cli.output import Cell, Format
from lineal.cli.shapes import registry_item
from lineal.config import PROJECT_FILE, RegistrySpec, place
from lineal.errors import ConfigError, Conflict, NotFound
from lineal.model.listing import RegistryRow
from lineal.model.reference import REGISTRY
from lineal.workspace import Workspace


@click.group("registry")
def command() -> None:
    """List, add and remove the registries of this workspace.

    Most need no adding: git repositories with DVC files or GTO tags, mlruns/, mlflow.db, MLFLOW_TRACKING_URI, the
    Hugging Face cache and folders of checkpoints are found in and around the working folder by themselves.
    """


@command.command("ls")
@format_option
@pass_context
def ls(context: Context, form: Format) -> None:
    """List the registries, how fresh the index is about each, what can be changed in it, and what went wrong."""
    with context.open() as work:
        rows = _rows(work)
        if form == Format.JSON:
            output.documents(registry_item(row) | _changes(work, row) for row in rows)
            return
        heads = ["name", "kind", "origin", "models", "versions", "problems", "synced", "changes", "url", "error"]
        output.table(form, heads, (_line(row, _changes(work, row)) for row in rows))


def _line(row: RegistryRow, can: dict[str, object]) -> list[Cell]:
    counts: list[Cell] = [row.models, row.versions, row.problems]
    changes = can["changes"]
    said = ", ".join(changes) if isinstance(changes, list) and changes else "none"
    return [row.name, row.kind, row.origin, *counts, output.moment(row.synced_at) or "never", said, row.url, row.error]


def _changes(work: Workspace, row: RegistryRow) -> dict[str, object]:
    """Return what can be changed in a registry, and why the rest cannot."""
    from lineal.model.changes import Register, Restore, SetAlias, SetTags

    if work.config.read_only:
        return {"changes": [], "refusal": f"read-only: {work.config.read_only}"}
    names = {SetAlias: "aliases", SetTags: "tags", Register: "registrations", Restore: "files"}
    registry = work.registry(row.name)
    return {"changes": [name for kind, name in names.items() if kind in registry.writes], "refusal": registry.refusal}


def _rows(work: Workspace) -> list[RegistryRow]:
    known = {row.name: row for row in work.index.registries()}
    return [known.get(spec.name) or _unseen(spec) for spec in work.specs]


def _unseen(spec: RegistrySpec) -> RegistryRow:
    return RegistryRow(name=spec.name, kind=spec.kind, url=spec.url, origin=spec.origin)


@command.command("add")
@click.argument("url", metavar="URL|PATH")
@click.option("--name", help="What to call it (a-z, 0-9, `.`, `_`, `-`); by default after its place.")
@click.option("--kind", help="dvc, mlflow, huggingface or checkpoints; by default what the place looks like.")
@click.option("--user", is_flag=True, help="Write to your own config.toml instead of the project's lineal.toml.")
@pass_context
def add(context: Context, url: str, name: str | None, kind: str | None, user: bool) -> None:
    """Add the registry at URL or PATH to lineal.toml.

    \b
    Examples:
      lineal registry add https://mlflow.example.com --name prod
      lineal registry add ../old-project/mlruns
      lineal registry add git@example.com:team/models.git
    """
    from lineal.config_file import add_registry

    with context.open() as work:
        where = place(url, context.around.cwd, context.around.home)
        kind = kind or registries.recognise(where, context.around)
        registries.adapter(kind)
        name = name or _name(where, kind)
        spec = RegistrySpec(name=name, kind=kind, url=where)
        _refuse_clash(work, spec)
        file = _file(context, work, user)
        add_registry(file, spec)
    narrate(f"added {name} ({kind}) to {file}")
    narrate(f"next: lineal sync {name}")


def _name(url: str, kind: str) -> str:
    """Make a name of the last part of a path or the host of a URL."""
    rest = url.partition("://")[2] or url
    rest = rest.rpartition("@")[2]
    word = rest.split("/")[0].split(":")[0] if "://" in url and kind == "mlflow" else rest.rstrip("/").split("/")[-1]
    made = "".join(c if c.isascii() and c.isalnum() else "-" for c in word.removesuffix(".git").lower()).strip("-")
    return made or kind


def _refuse_clash(work: Workspace, spec: RegistrySpec) -> None:
    if not REGISTRY.fullmatch(spec.name):
        raise ConfigError(f"{spec.name!r} is no name of a registry", hint="use a-z, 0-9, `.`, `_` and `-`")
    for other in work.config.registries:
        if other.name == spec.name:
            raise Conflict(f"{spec.name!r} is already {other.url}", hint="give another --name, or remove it first")
        if other.url == spec.url:
            raise Conflict(f"{spec.url} is already here as {other.name!r}")


def _file(context: Context, work: Workspace, user: bool) -> Path:
    return context.around.config_folder() / "config.toml" if user else work.root / PROJECT_FILE


@command.command("remove")
@click.argument("name")
@pass_context
def remove(context: Context, name: str) -> None:
    """Forget the registry NAME. Nothing in the registry itself is touched.

    One that was found by itself is added to `[discovery] ignore` in lineal.toml.
    """
    from lineal.config_file import ignore_place, remove_registry

    with context.open() as work:
        spec = next((spec for spec in work.specs if spec.name == name), None)
        if spec is None:
            raise NotFound(f"no registry is called {name!r}", hint="`lineal registry ls` lists them")
        file = _file(context, work, spec.origin == "user")
        if spec.origin == "found":
            ignore_place(file, spec.url)
        else:
            remove_registry(file, name)
    narrate(f"removed {name} ({'ignored' if spec.origin == 'found' else 'no longer configured'} in {file})")
