"""The commands that a gate asks for: each is run with the version's files in a temporary folder, and its output kept.

A command comes from the policy of a repository: it is run only where it was allowed (see `trust`), in a process group
of its own that does not outlive it, without what looks like a secret in its environment.
"""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

from lineal.actions.processes import followed, without_secrets
from lineal.errors import BadFormat, Error, NotFound
from lineal.model.version import Place, Version
from lineal.policy.facts import CommandResult, Ran
from lineal.policy.rules import CommandCheck
from lineal.registries.base import Registry

_KEPT = 64 << 10  # bytes of output: the last of it
_CHUNK = 1 << 20
FILES = "{files}"


def pending(checks: Iterable[CommandCheck], trusted: bool) -> dict[str, CommandResult]:
    """Return what is known of commands that have not been run."""
    outcome = Ran.PENDING if trusted else Ran.UNTRUSTED
    return {one.name: CommandResult(name=one.name, outcome=outcome) for one in checks}


def run(
    checks: Iterable[CommandCheck],
    version: Version,
    registry: Registry,
    root: Path,
    environ: Mapping[str, str],
    on_line: Callable[[str], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> dict[str, CommandResult]:
    """Run commands one after the other in the workspace's root.

    Args:
        checks: what to run; `{files}` in a word is the folder with the files.
        version: whose files are laid out.
        registry: gives them.
        root: the working folder.
        environ: of this process; what looks like a secret is left out.
        on_line: told what runs.
        stop: set to end what runs.

    Raises:
        NotFound: a file's bytes cannot be had. RegistryError: they cannot be read.
    """
    wanted = list(checks)
    if not wanted:
        return {}
    with tempfile.TemporaryDirectory(prefix="lineal-check-") as folder:
        if any(FILES in word for one in wanted for word in one.run):
            lay_out(version, registry, Path(folder))
        around = _environ(environ, version, folder)
        found = {}
        for one in wanted:
            on_line(f"running {one.name}: {' '.join(one.run)}")
            words = [word.replace(FILES, folder) for word in one.run]
            found[one.name] = _one(one.name, words, root, around, one.timeout, stop or threading.Event())
        return found


def lay_out(version: Version, registry: Registry, folder: Path) -> None:
    """Write a version's files into a folder, under their own names and never beside it."""
    for file in version.files:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts or "\0" in file.path or "\\" in file.path:
            raise BadFormat(f"{file.path!r} is no path within a version", hint="its registry is damaged or hostile")
        if file.path.endswith("/") or file.place is Place.NOWHERE:
            raise NotFound(f"the bytes of {file.path} cannot be had", hint="fetch them, as with `dvc fetch -A`")
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with registry.open(file) as stream, target.open("wb") as out:
            while piece := stream.read(_CHUNK):
                out.write(piece)


def _environ(environ: Mapping[str, str], version: Version, folder: str) -> dict[str, str]:
    return without_secrets(environ) | {
        "LINEAL_FILES": folder,
        "LINEAL_REGISTRY": version.registry,
        "LINEAL_MODEL": version.model,
        "LINEAL_VERSION": version.name,
        "LINEAL_KEY": version.key,
    }


def _one(
    name: str, words: list[str], root: Path, environ: Mapping[str, str], timeout: float, stop: threading.Event
) -> CommandResult:
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            words,
            cwd=root,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return CommandResult(name=name, outcome=Ran.MISSING, output=f"{words[0]}: {error}")
    said, ended = followed(process, began + timeout, _KEPT, last=True, stop=stop)
    output, seconds = said.decode("utf-8", "backslashreplace"), time.monotonic() - began
    if not ended:
        why = "stopped" if stop.is_set() else f"ended after {timeout:g} s"
        return CommandResult(name=name, outcome=Ran.TIMEOUT, seconds=seconds, output=f"{output}\n({why})")
    return CommandResult(name=name, outcome=Ran.RAN, exit=process.returncode, seconds=seconds, output=output)


def explained(error: Error) -> CommandResult:
    """Return what to say of commands that could not be run because the files could not be laid out."""
    return CommandResult(name="", outcome=Ran.MISSING, output=error.message)
