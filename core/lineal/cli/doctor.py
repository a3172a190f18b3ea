"""`lineal doctor`: what works here, what does not, and what to do about it."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from enum import StrEnum

import click
import msgspec

from lineal import __version__
from lineal.cli import CheckKeys, output
from lineal.cli.context import Context, format_option, pass_context
from lineal.cli.output import Format
from lineal.config import PROJECT_FILE, RegistrySpec
from lineal.errors import Error
from lineal.registries.base import Registry
from lineal.workspace import Workspace


class Health(StrEnum):
    """How one thing is."""

    OK = "ok"
    NOTE = "note"
    BAD = "bad"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    what: str
    health: Health
    says: str
    hint: str = ""


@click.command("doctor")
@format_option
@pass_context
def command(context: Context, form: Format) -> int:
    """Check this machine, the configuration, the index and every registry.

    Exits with 1 if anything is bad. Credentials are never shown.
    """
    findings = list(_look(context))
    if form == Format.JSON:
        output.documents(findings)
    else:
        heads = ["", "what", "says", "hint"]
        signs = {Health.OK: "✔", Health.NOTE: "·", Health.BAD: "✘"}
        output.table(form, heads, ([signs[found.health], found.what, found.says, found.hint] for found in findings))
    return int(any(found.health is Health.BAD for found in findings))


def _look(context: Context) -> Iterator[Finding]:
    yield Finding(what="lineal", health=Health.OK, says=f"{__version__} on Python {sys.version.split()[0]}")
    yield _git()
    yield _sqlite()
    yield _terminal(context)
    try:
        work = context.open()
    except Error as e:
        yield _bad("configuration", e)
        return
    with work:
        yield from _workspace(work)
        yield from _keys(work, context.check_keys)


def _keys(work: Workspace, check: CheckKeys | None) -> Iterator[Finding]:
    """Say which of the keys that a person chose for the application stay as they were, and why."""
    wrong = check(work.config.keys) if check and work.config.keys else []
    for said in wrong:
        yield Finding(what="keys", health=Health.BAD, says=said, hint="`?` in the application has the keys of a screen")
    if work.config.keys and not wrong:
        yield Finding(what="keys", health=Health.OK, says=f"{len(work.config.keys)} of your own")


def _bad(what: str, error: Error) -> Finding:
    return Finding(what=what, health=Health.BAD, says=error.message, hint=error.hint)


def _git() -> Finding:
    program = shutil.which("git")
    if program is None:
        hint = "install git to read DVC and GTO repositories"
        return Finding(what="git", health=Health.NOTE, says="not installed", hint=hint)
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    return Finding(what="git", health=Health.OK, says=done.stdout.strip().removeprefix("git version "))


def _sqlite() -> Finding:
    version, wanted = sqlite3.sqlite_version_info, (3, 35)
    health = Health.OK if version >= wanted else Health.BAD
    hint = "" if health is Health.OK else "use a Python built with SQLite 3.35 or later"
    return Finding(what="sqlite", health=health, says=sqlite3.sqlite_version, hint=hint)


def _terminal(context: Context) -> Finding:
    environ = context.around.environ
    if not sys.stdout.isatty():
        return Finding(what="terminal", health=Health.NOTE, says="stdout is no terminal")
    columns, lines = shutil.get_terminal_size()
    says = f"{columns}x{lines}, TERM={environ.get('TERM', '')}" + (" over SSH" if "SSH_CONNECTION" in environ else "")
    if columns < 60 or lines < 16:
        return Finding(what="terminal", health=Health.BAD, says=says, hint="make it at least 60x16")
    return Finding(what="terminal", health=Health.OK, says=says)


def _workspace(work: Workspace) -> Iterator[Finding]:
    file = work.root / PROJECT_FILE
    says = f"{work.root}, {PROJECT_FILE} {'read' if file.exists() else 'not there: everything is found by itself'}"
    yield Finding(what="workspace", health=Health.OK, says=says)
    yield _policy(work)
    yield _guarded("index", lambda: _index(work))
    try:
        specs = work.specs
    except Error as e:
        yield _bad("registries", e)
        return
    if not specs:
        hint = "`lineal demo` builds an example; `lineal registry add URL|PATH` names one"
        yield Finding(what="registries", health=Health.NOTE, says="none found here", hint=hint)
    for spec in specs:
        yield _guarded(spec.name, lambda spec=spec: _registry(work, spec))  # type: ignore[misc]


def _policy(work: Workspace) -> Finding:
    """Say whether anything may be changed here, and by how many gates."""
    config = work.config
    if config.policy_error:
        hint = f"mend {PROJECT_FILE}: until then nothing can be changed"
        return Finding(what="policy", health=Health.BAD, says=config.policy_error, hint=hint)
    if config.read_only:
        return Finding(what="policy", health=Health.NOTE, says=f"read-only: {config.read_only}")
    if not config.policy:
        return Finding(what="policy", health=Health.NOTE, says="none", hint="`lineal policy init` writes one")
    gates = len(config.policy.gates)
    hint = "`lineal policy explain` says what it asks"
    return Finding(what="policy", health=Health.OK, says=f"{gates} gate{'s' if gates != 1 else ''}", hint=hint)


def _guarded(what: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except Error as e:
        return _bad(what, e)


def _index(work: Workspace) -> Finding:
    rows = work.index.registries()
    versions = sum(row.versions for row in rows)
    where = work.index_url.rpartition("@")[2] if "://" in work.index_url else work.index_url
    return Finding(what="index", health=Health.OK, says=f"{versions} versions of {len(rows)} registries in {where}")


def _registry(work: Workspace, spec: RegistrySpec) -> Finding:
    _touch(work.registry(spec.name))
    row = next((row for row in work.index.registries() if row.name == spec.name), None)
    place = f"{spec.kind} at {spec.url} ({spec.origin})"
    if row is None or row.synced_at is None:
        return Finding(what=spec.name, health=Health.NOTE, says=place, hint=f"`lineal sync {spec.name}` reads it")
    if row.problems:
        says, hint = f"{place}: {row.problems} unreadable entries", "screen 7 of the application lists them"
        return Finding(what=spec.name, health=Health.NOTE, says=says, hint=hint)
    return Finding(what=spec.name, health=Health.OK, says=f"{place}: {row.versions} versions")


def _touch(registry: Registry) -> None:
    """Read as far as the first record: enough to know that a place is there and lets us in."""
    scan = registry.scan({})
    next(scan, None)
    if isinstance(scan, Generator):
        scan.close()
