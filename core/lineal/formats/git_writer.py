"""git in one repository, for writing objects and refs and pushing them; nothing is started that it configures.

Objects are made in a scratch repository of our own that shares the object folder of the real one. There the user's own
configuration counts, so that tags and commits are signed as the user has them signed, and the repository's does not:
it could name a program to sign with, an editor, a hook, a transport. Refs are set in the real repository by the
reader's git, for which no configuration names a program. Nothing is asked: there is no terminal and no prompt.
"""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from lineal.errors import ConfigError, Unavailable
from lineal.formats.git import Git, anonymous, awaited, reached

SECONDS = 60.0  # for one command; a signature may wait for a key
_TURN = 120.0  # for the others that write here
_PAUSE = 0.02
_PLAIN = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.fsync=loose-object,reference"),
    *("-c", "i18n.commitEncoding=UTF-8", "-c", "core.filesRefLockTimeout=2000", "-c", "gc.auto=0"),
)
# What would lead git to another repository (git rev-parse --local-env-vars), or to a program of somebody's choice.
_STRAY = frozenset({
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
    *("GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE", "GIT_IMPLICIT_WORK_TREE"),
    *("GIT_INTERNAL_SUPER_PREFIX", "GIT_REPLACE_REF_BASE", "GIT_TEMPLATE_DIR", "GIT_QUARANTINE_PATH", "GIT_EDITOR"),
})  # fmt: skip


class Person(msgspec.Struct, frozen=True):
    """Who tags or commits."""

    name: str
    mail: str


class Writer:
    """Writes into the repository that `git` reads; `folder` holds its refs (`git rev-parse --git-common-dir`)."""

    def __init__(self, git: Git, folder: Path, environ: Mapping[str, str], seconds: float = SECONDS) -> None:
        self.git, self.folder, self.seconds = git, folder, seconds
        self._environ = {key: said for key, said in environ.items() if key not in _STRAY}
        self._environ = {"PATH": git.environ["PATH"], **self._environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
        self._environ |= {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_EDITOR": "false"}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other writers of this kind out while something is looked at and then changed.

        The lock is the folder itself: nothing is left there, whatever dies. Where a file system has no such locks, what
        git compares when it sets a ref has to do.

        Raises:
            Unavailable: somebody else writes there for longer than two minutes.
        """
        try:
            held = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as e:
            raise Unavailable(f"{self.folder} cannot be opened: {e.strerror}", hint="who may read it?") from e
        try:
            _wait(held, self.folder)
            yield
        finally:
            os.close(held)

    @contextmanager
    def scratch(self) -> Iterator[Scratch]:
        """Give a place to make objects in. Raises Unavailable if there is none."""
        objects = self._said("rev-parse", "--git-path", "objects")
        kind = self._said("rev-parse", "--show-object-format")
        shared = self.git.tried("config", "--get", "core.sharedRepository") or ""
        with _folder() as name:
            environ = {**self._environ, "GIT_DIR": name}
            init = ["init", "--quiet", "--bare", "--template=", f"--object-format={kind}"]
            _run([self.git.program, *_PLAIN, *init], environ, self.seconds, b"", self.git.repository)
            environ["GIT_OBJECT_DIRECTORY"] = os.path.normpath(Path(self.git.repository) / objects)
            if (self.folder / "shallow").exists():
                environ["GIT_SHALLOW_FILE"] = str(self.folder / "shallow")
            command = [self.git.program, *_PLAIN]
            command += ["-c", f"core.sharedRepository={shared}"] if shared else []
            yield Scratch(self, Path(name), command, environ)

    def person(self, name: str, mail: str) -> Person:
        """Return who writes: as said, else as git is configured for this user or this repository.

        Raises:
            ConfigError: nobody said.
        """
        name = _clean(name) or _clean(self._environ.get("GIT_COMMITTER_NAME", "")) or self._configured("user.name")
        mail = _clean(mail) or _clean(self._environ.get("GIT_COMMITTER_EMAIL", "")) or self._configured("user.email")
        if not name:
            raise ConfigError("git does not know who you are", hint="git config --global user.name 'Your Name'")
        return Person(name, mail)

    def _configured(self, key: str) -> str:
        """Return a value of the repository's or else the user's configuration; neither runs anything."""
        command = [self.git.program, "-C", self.git.repository, "-c", "safe.directory=*", "config", "--get", key]
        status, out, _ = _awaited(command, self._environ, self.seconds, b"", self.git.repository)
        return "" if status else _clean(out.decode("utf-8", "replace"))

    def move(self, refs: Iterable[tuple[str, str, str]], absent: Iterable[str], person: Person, why: str) -> str:
        """Set all those refs or none: (name, object, object before). Return "" or why git would not.

        An object of "" deletes, one before of "" is that there is none; `absent` must not be there either.
        """
        moves = list(refs)
        none = "0" * max(len(name) for _, *names in moves for name in names)
        lines = [f"update {ref} {after or none} {before or none}" for ref, after, before in moves]
        lines += [f"verify {ref} {none}" for ref in absent]
        said = "\n".join(["start", *lines, "prepare", "commit", ""]).encode()
        command = [*self.git.command, *_PLAIN, "update-ref", "-m", " ".join(why.split()), "--stdin"]
        environ = {**self.git.environ, **_signature(person, time.time())}
        status, _, errors = _awaited(command, environ, self.seconds, said, self.git.repository)
        return _reason(errors) if status else ""

    def remote(self, name: str) -> str:
        """Return the URL that a remote is pushed to.

        Raises:
            ConfigError: there is no such remote, or it is inside the repository, where it could be anything's trap.
        """
        keys = (f"remote.{name}.pushurl", f"remote.{name}.url")
        url = next((said for key in keys if (said := self.git.tried("config", "--get", key))), "")
        if not url or "\n" in url or url.startswith("-"):
            raise ConfigError(f"{self.git.repository} has no remote {name!r}", hint="`git remote -v` lists them")
        there = Path(os.path.normpath(Path(self.git.repository) / url.removeprefix("file://")))
        if there.is_dir() and there.resolve().is_relative_to(Path(self.git.repository).resolve()):
            hint = "a remote that came with the repository is not pushed to: its hooks would run here"
            raise ConfigError(f"the remote {name!r} is inside the repository itself", hint=hint)
        return url

    def _said(self, *arguments: str) -> str:
        return self.git.ask(*arguments).text().removesuffix("\n")


class Scratch:
    """A repository of our own whose objects are those of the real one."""

    def __init__(self, writer: Writer, folder: Path, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self.folder = folder
        self._writer, self._command, self._environ = writer, command, environ

    def run(self, *arguments: str, said: str = "", more: Mapping[str, str] | None = None) -> str:
        """Return what git says without the line's end. Raises Unavailable with git's reason."""
        command, environ = [*self._command, *arguments], {**self._environ, **(more or {})}
        return _run(command, environ, self._writer.seconds, said.encode(), self._writer.git.repository)

    def tag(self, name: str, commit: str, message: str, person: Person, at: float) -> str:
        """Make an annotated tag, signed where the user signs tags, and return its object; no ref is set."""
        self.run(
            *("tag", "--annotate", "--cleanup=verbatim", "--file=-", "--", name, commit),
            said=message,
            more=_signature(person, at),
        )
        made = self.run("rev-parse", "--verify", f"refs/tags/{name}")
        signs = self._set("tag.gpgSign") or self._set("tag.forceSignAnnotated")
        return self._signed(made, "\n-----BEGIN ") if signs else made

    def commit(self, tree: str, parent: str, message: str, person: Person, at: float) -> str:
        """Make a commit, signed where the user signs commits, and return it; no ref is set."""
        signs = self._set("commit.gpgSign")  # commit-tree does not look
        more, sign = _signature(person, at), ["-S"] if signs else []
        made = self.run("commit-tree", *sign, "-p", parent, "-F", "-", tree, said=message, more=more)
        return self._signed(made, "\ngpgsig") if signs else made

    def _set(self, key: str) -> bool:
        """Say whether a switch of the user's configuration is on."""
        try:
            return self.run("config", "--type=bool", "--get", key) == "true"
        except Unavailable:
            return False

    def _signed(self, name: str, mark: str) -> str:
        """Return an object that is signed: git goes on without a signature where ssh-keygen finds no key."""
        if mark not in self.run("cat-file", "-p", name):
            hint = "see `git config user.signingKey`; does `git tag -s` work for you?"
            raise Unavailable(f"git could not sign in {self._writer.git.repository}", hint=hint)
        return name

    def listed(self, url: str) -> dict[str, str]:
        """Return the tags that a remote has, as refs, and their objects. Raises Unavailable."""
        status, out, reason = self._reach(("ls-remote", "--refs", "--tags"), url, ())
        if status:
            hint = "check the network and your credentials with `git ls-remote`; nothing was written"
            raise Unavailable(f"{anonymous(url)} cannot be reached: {reason}", hint=hint)
        lines = (line.partition("\t") for line in out.decode("utf-8", "replace").split("\n"))
        return {ref: name for name, _, ref in lines if ref}

    def push(self, url: str, refs: Mapping[str, str]) -> str:
        """Push objects to exactly those refs of a remote, without force: all or none. Return "" or why not."""
        atomic = ["--atomic"] if len(refs) > 1 else []
        specs = [f"{name}:{ref}" for ref, name in refs.items()]
        try:
            status, _, reason = self._reach(("push", "--quiet", "--no-verify", *atomic), url, specs)
            if not status:
                return ""
            there = self.listed(url)
        except Unavailable as e:
            return e.message
        return "" if all(there.get(ref) == name for ref, name in refs.items()) else reason

    def _reach(self, command: Sequence[str], url: str, more: Sequence[str]) -> tuple[int, bytes, str]:
        whole = [*self._command, *command, "--", anonymous(url), *more]
        return reached(whole, self._environ, url, self._writer.seconds, cwd=Path(self._writer.git.repository))


def _signature(person: Person, at: float) -> dict[str, str]:
    said = {"NAME": person.name, "EMAIL": person.mail, "DATE": f"@{int(at)} +0000"}
    return {f"GIT_{role}_{what}": text for role in ("AUTHOR", "COMMITTER") for what, text in said.items()}


def _clean(text: str) -> str:
    """Return a name without what git would not keep of it."""
    kept = "".join(letter for letter in text if letter.isprintable() and letter not in "<>")
    return kept.strip(" .,:;\"\\'")


def _folder() -> TemporaryDirectory[str]:
    try:
        return TemporaryDirectory(prefix="lineal-git-", ignore_cleanup_errors=True)
    except OSError as e:
        raise Unavailable(f"there is no room to work in: {e.strerror}", hint="look at $TMPDIR") from e


def _wait(held: int, folder: Path) -> None:
    until = time.monotonic() + _TURN
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as e:
            if e.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                return
        if time.monotonic() > until:
            raise Unavailable(f"somebody else writes to {folder}", hint="try again later")
        time.sleep(_PAUSE)


def _run(command: Sequence[str], environ: Mapping[str, str], seconds: float, said: bytes, cwd: str) -> str:
    status, out, errors = _awaited(command, environ, seconds, said, cwd)
    if status:
        raise Unavailable(
            f"git cannot write in {cwd}: {_reason(errors)}", hint="is there room, and may you write there?"
        )
    return out.decode("utf-8", "backslashreplace").removesuffix("\n")


def _awaited(
    command: Sequence[str], environ: Mapping[str, str], seconds: float, said: bytes, cwd: str
) -> tuple[int, bytes, bytes]:
    try:
        return awaited(command, environ, seconds, said, Path(cwd))
    except subprocess.TimeoutExpired as e:
        raise Unavailable(f"git took too long in {cwd}", hint="does a signature wait for its key?") from e


def _reason(errors: bytes) -> str:
    """Return the line in which git says what is wrong; there may be advice round it."""
    lines = [line.strip() for line in errors.decode("utf-8", "backslashreplace").splitlines() if line.strip()]
    found = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[0] if lines else "no reason")
    return found.removeprefix("fatal: ").removeprefix("error: ")
