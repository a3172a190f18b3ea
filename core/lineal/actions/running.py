"""The commands that a gate asks for: each is run with the version's files in a temporary folder, and its output kept.

A command comes from the policy of a repository: it is run only where it was allowed (see `trust`), in a process group
of its own that does not outlive it, without what looks like a secret in its environment.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

from lineal.errors import BadFormat, Error, NotFound
from lineal.model.version import Place, Version
from lineal.policy.facts import CommandResult, Ran
from lineal.policy.rules import CommandCheck
from lineal.registries.base import Registry

_KEPT = 64 << 10  # bytes of output: the last of it
_CHUNK = 1 << 20
_GRACE = 2.0  # seconds between the polite and the final end
_SECRET = re.compile(r"token|secret|passw|credential|private|api_?key|access_?key|auth(?!or)|cookie|session_id", re.I)
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
    kept = {name: value for name, value in environ.items() if not _SECRET.search(name)}
    return kept | {
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
    tail = _Tail(process)
    while process.poll() is None and time.monotonic() - began < timeout and not stop.is_set():
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    late = process.poll() is None
    _end(process)
    output = tail.text()
    seconds = time.monotonic() - began
    if late:
        why = "stopped" if stop.is_set() else f"ended after {timeout:g} s"
        return CommandResult(name=name, outcome=Ran.TIMEOUT, seconds=seconds, output=f"{output}\n({why})")
    return CommandResult(name=name, outcome=Ran.RAN, exit=process.returncode, seconds=seconds, output=output)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole group: what a command left running goes with it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            continue
        if number is signal.SIGTERM:
            time.sleep(0.05)
    process.wait()


class _Tail:
    """The last bytes of a process's output, read by a thread so that it never waits for us."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._kept = bytearray()
        self._left_out = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        try:
            while piece := os.read(stream.fileno(), 1 << 16):
                self._kept += piece
                over = len(self._kept) - _KEPT
                if over > 0:
                    self._left_out += over
                    del self._kept[:over]
        except (OSError, ValueError):
            return

    def text(self) -> str:
        """Return what was said, after a moment for what is still in the pipe."""
        self._thread.join(1.0)
        assert self._process.stdout is not None
        if not self._thread.is_alive():
            self._process.stdout.close()
        text = bytes(self._kept).decode("utf-8", "backslashreplace")
        return f"({self._left_out:,} bytes before this are left out)\n{text}" if self._left_out else text


def explained(error: Error) -> CommandResult:
    """Return what to say of commands that could not be run because the files could not be laid out."""
    return CommandResult(name="", outcome=Ran.MISSING, output=error.message)
