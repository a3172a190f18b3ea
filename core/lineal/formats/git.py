"""git in one repository, for reading: bounded in bytes and time, and starting nothing that a repository configures.

Repositories are made by strangers, so nothing that a configuration can name is started: no external diff or textconv,
no pager, hook, monitor or signature check, no fetch of missing objects. The user's and the system's own configuration
is not read either, so that an answer depends on the repository only.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event, Thread, Timer
from typing import IO

import msgspec

from lineal.errors import Unavailable

SECONDS = 20.0  # for a question that is answered at once
WALK = 600.0  # for a walk through a whole history
_MUCH = 8 << 20  # bytes of an answer
_DEATHS = 200  # damaged objects that one question goes past
_BLOB = 16 << 20  # bytes of one blob that are read
_SAFE = (
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat", "-c", "safe.directory=*"),
    *("-c", "log.showSignature=false", "-c", "protocol.allow=never", "-c", "core.quotePath=false"),
    *("-c", "i18n.logOutputEncoding=UTF-8", "-c", "core.attributesFile=/dev/null", "-c", "diff.orderFile=/dev/null"),
)
_PROTOCOLS = "https:http:ssh:git:file"
_MIRRORED = tuple(f"+refs/{kind}/*:refs/{kind}/*" for kind in ("heads", "tags", "exps"))
_SSH = "ssh -oBatchMode=yes -oConnectTimeout=15"
_USERINFO = re.compile(r"^([a-z][a-z0-9+.-]*://)[^/]*@", re.IGNORECASE)


class Answer(msgspec.Struct, frozen=True):
    """What git said, and whether it had more to say than was wanted."""

    out: bytes
    cut: bool

    def text(self) -> str:
        """Return what git said up to the last whole line or entry, where it was cut."""
        whole = self.out[: max(self.out.rfind(b"\n"), self.out.rfind(b"\0")) + 1] if self.cut else self.out
        return whole.decode("utf-8", "backslashreplace")


class Git:
    """git in the repository at the path `repository`, with a bound on the bytes and the seconds of each answer."""

    def __init__(self, repository: str, seconds: float = SECONDS) -> None:
        self.program = _program()
        self.command = (self.program, "--no-pager", "--no-optional-locks", *_SAFE, "-C", repository)
        self.environ = _environ(self.program)
        self.repository, self.seconds = repository, seconds

    def holds(self, commit: str) -> bool:
        """Say whether the repository has that commit."""
        return self._run(("cat-file", "-e", f"{commit}^{{commit}}"), 0, self.seconds)[0] == 0

    def ask(self, *arguments: str, most: int = _MUCH, seconds: float = 0.0) -> Answer:
        """Return at most `most` bytes of an answer.

        Raises:
            Unavailable: git fails, or takes longer than `seconds` (0: those of this object).
        """
        status, answer = self._run(arguments, most, seconds or self.seconds)
        if status and not answer.cut:
            raise Unavailable(f"git {arguments[0]} failed in {self.repository}", hint="try `git fsck` there")
        return answer

    def tried(self, *arguments: str) -> str | None:
        """Return a short answer without the line's end, or None where git says no. Raises Unavailable if it hangs."""
        status, answer = self._run(arguments, _MUCH, self.seconds)
        return None if status else answer.text().removesuffix("\n")

    def blobs(self, ids: Iterable[str], most: int = _BLOB) -> Iterator[tuple[str, bytes | None]]:
        """Yield (id, content) of objects; None for those that are missing, damaged or larger than `most` bytes.

        Raises:
            Unavailable: too many are damaged, or git hangs.
        """
        wanted = list(dict.fromkeys(ids))
        if wanted:
            sizes = self.sizes(wanted)
            yield from ((one, None) for one in wanted if not 0 <= sizes.get(one, -1) <= most)
            yield from self._contents([one for one in wanted if 0 <= sizes.get(one, -1) <= most])

    def sizes(self, ids: Sequence[str]) -> dict[str, int]:
        """Return the size of each object in bytes, -1 for those that are missing. Raises Unavailable if git hangs."""
        sizes: dict[str, int] = {}
        fed = self._fed(("cat-file", "--batch-check=%(objectname) %(objectsize)"), ids)
        with fed as out:
            for one, line in zip(ids, out, strict=False):
                size = line.split()[-1]
                sizes[one] = int(size) if size.isdigit() else -1
        self._in_time(fed)
        return sizes

    def pieces(self, blob: str, size: int = 1 << 20) -> Iterator[bytes]:
        """Yield the content of one object, however large, in pieces of at most `size` bytes.

        Raises:
            Unavailable: it is missing or damaged, or git hangs.
        """
        fed = self._fed(("cat-file", "--batch"), [blob])
        with fed as out:
            head = out.readline().split()
            left = int(head[2]) if len(head) == 3 and head[2].isdigit() else -1
            while left > 0 and (piece := out.read(min(size, left))):
                left -= len(piece)
                yield piece
        self._in_time(fed)
        if left:
            raise Unavailable(f"git cannot give {blob[:12]} of {self.repository}", hint="try `git fsck`, or fetch it")

    def _contents(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        """Yield contents; where git dies of a damaged object, that one has none and a new git reads on behind it."""
        done = 0
        for _ in range(_DEATHS):
            for one, data in self._until_damaged(ids[done:]):
                done += 1
                yield one, data
            if done == len(ids):
                return
            yield ids[done], None
            done += 1
        raise Unavailable(f"{self.repository} is damaged in many places", hint="try `git fsck` there")

    def _until_damaged(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        if not ids:
            return
        fed = self._fed(("cat-file", "--batch"), ids)
        with fed as out:
            for one in ids:
                head = out.readline().split()
                if not head:
                    break
                if len(head) != 3 or not head[2].isdigit():
                    yield one, None  # missing: git says so in one line
                    continue
                data = out.read(int(head[2]) + 1)
                if len(data) != int(head[2]) + 1:
                    break
                yield one, data[:-1]
        self._in_time(fed)

    def _in_time(self, fed: Fed) -> None:
        if fed.late.is_set():
            raise Unavailable(f"git cat-file took too long in {self.repository}", hint="try again later")

    def _fed(self, arguments: Sequence[str], ids: Sequence[str]) -> Fed:
        return Fed([*self.command, *arguments], self.environ, ids, WALK)

    def _run(self, arguments: Sequence[str], most: int, seconds: float) -> tuple[int, Answer]:
        late = Event()
        with subprocess.Popen(
            [*self.command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self.environ,
        ) as process:
            timer = Timer(seconds, _stop, (process, late))
            timer.start()
            try:
                assert process.stdout is not None
                out = process.stdout.read(most + 1)
                if len(out) > most:
                    process.kill()
                status = process.wait()
            finally:
                timer.cancel()
        if late.is_set():
            raise Unavailable(f"git {arguments[0]} took too long in {self.repository}", hint="try again later")
        return status, Answer(out[:most], len(out) > most)


class Fed:
    """A git process that is fed lines by a thread of its own, so that neither side waits for the other."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], lines: Sequence[str], seconds: float
    ) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(environ)
        )
        self.late = Event()  # set when it took longer than `seconds`
        self._timer = Timer(seconds, _stop, (self._process, self.late))
        self._feeder = Thread(target=self._feed, args=(lines,), daemon=True)

    def _feed(self, lines: Sequence[str]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("\n".join([*lines, ""]).encode())
            self._process.stdin.close()
        except OSError:  # git ended first: what it says is read on the other side
            return

    def __enter__(self) -> IO[bytes]:
        self._timer.start()
        self._feeder.start()
        assert self._process.stdout is not None
        return self._process.stdout

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._feeder.join()


def fetched(url: str, folder: Path, environ: Mapping[str, str], seconds: float = WALK) -> None:
    """Make or refresh a bare clone of `url` without its blobs at `folder`.

    The user's own git configuration and credentials count here, and nothing is asked at a prompt. Branches, tags and
    DVC's experiments are fetched; a host's own refs, such as one for each pull request ever made, are not.

    Raises:
        Unavailable: the remote cannot be reached or refuses.
    """
    program, there = _program(), anonymous(url)
    if not (folder / "HEAD").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        clone = ["clone", "--quiet", "--bare", "--filter=blob:none", "--", there, str(folder)]
        _outside([program, *clone], environ, url, seconds, b"")
    fetch = [program, "-C", str(folder), "fetch", "--quiet", "--prune", "--no-tags", "--filter=blob:none"]
    _outside([*fetch, "--", there, *_MIRRORED], environ, url, seconds, b"")


def prefetched(git: Git, url: str, ids: Iterable[str], environ: Mapping[str, str], seconds: float = WALK) -> None:
    """Fetch those blobs that a blobless clone lacks, all in one request. Raises Unavailable."""
    # Asking for one of them would make git fetch it by itself, one at a time; a listing of what is there does not.
    listing = git.ask("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", most=1 << 30, seconds=WALK)
    missing = set(ids) - set(listing.text().split())
    if missing:
        options = ["-c", "fetch.negotiationAlgorithm=noop", "-C", git.repository]
        fetch = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--filter=blob:none", "--stdin"]
        fetch += ["--", anonymous(url)]
        _outside([git.program, *options, *fetch], environ, url, seconds, "\n".join([*sorted(missing), ""]).encode())


def anonymous(url: str) -> str:
    """Return `url` without user and password, as it may stand in messages, arguments and files."""
    return _USERINFO.sub(r"\1", url)


def _outside(command: Sequence[str], environ: Mapping[str, str], url: str, seconds: float, said: bytes) -> None:
    """Run git against the remote that `command` names by its anonymous URL."""
    status, _, reason = reached(command, environ, url, seconds, said)
    if status:
        hint = "check the URL, the network and your credentials with `git ls-remote`"
        raise Unavailable(f"{anonymous(url)} cannot be read: {reason}", hint=hint)


def reached(
    command: Sequence[str],
    environ: Mapping[str, str],
    url: str,
    seconds: float = WALK,
    said: bytes = b"",
    cwd: Path | None = None,
) -> tuple[int, bytes, str]:
    """Run git against a remote that `command` names by its anonymous URL; nothing is asked at a prompt.

    Returns the exit status, what was said, and why it failed, without user and password.

    Raises:
        Unavailable: it takes longer than `seconds`.
    """
    there = anonymous(url)
    safe = {**environ, **_signed(environ, url, there), "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": _PROTOCOLS}
    # Where a server knows no filter, git would fetch what it misses from within the fetch of it, over and over.
    safe |= {"LC_ALL": "C", "GIT_NO_LAZY_FETCH": "1", "GIT_SSH_COMMAND": environ.get("GIT_SSH_COMMAND", _SSH)}
    try:
        status, out, errors = awaited(command, safe, seconds, said, cwd)
    except subprocess.TimeoutExpired as e:
        raise Unavailable(f"{there} did not answer in {seconds:.0f} s", hint="try again later") from e
    lines = errors.decode("utf-8", "backslashreplace").replace(url, there).strip().splitlines()
    return status, out, _reason(lines)


def awaited(
    command: Sequence[str], environ: Mapping[str, str], seconds: float, said: bytes, cwd: Path | None = None
) -> tuple[int, bytes, bytes]:
    """Return exit status, stdout and stderr; none of the programs that git starts outlives this, or has a terminal.

    Raises:
        subprocess.TimeoutExpired: it took longer than `seconds`, and was killed.
    """
    with subprocess.Popen(
        command,
        env=dict(environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd=cwd,
    ) as process:
        try:
            out, errors = process.communicate(said, timeout=seconds)
        except BaseException:  # an interrupt too: the session is ours to end
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return process.returncode, out, errors


def _reason(lines: Sequence[str]) -> str:
    """Return what git calls fatal; what follows it is advice."""
    return next((line for line in lines if line.startswith(("fatal:", "ERROR:"))), lines[-1] if lines else "no answer")


def _signed(environ: Mapping[str, str], url: str, there: str) -> dict[str, str]:
    """Tell git the user and password of `url` by its environment: arguments and a clone's own files can be read."""
    if url == there:
        return {}
    given = environ.get("GIT_CONFIG_COUNT", "0")
    count = int(given) if given.isdecimal() else 0
    said = {f"GIT_CONFIG_KEY_{count}": f"url.{url}.insteadOf", f"GIT_CONFIG_VALUE_{count}": there}
    return {**said, "GIT_CONFIG_COUNT": str(count + 1)}


def _program() -> str:
    program = shutil.which("git")
    if program is None:
        raise Unavailable("git is not installed", hint="install git to read repositories")
    return program


def _stop(process: subprocess.Popen[bytes], late: Event) -> None:
    late.set()
    process.kill()


def _environ(program: str) -> dict[str, str]:
    return {
        "PATH": os.pathsep.join((str(Path(program).parent), os.defpath)),
        "HOME": os.devnull,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ALLOW_PROTOCOL": "",
    }
