"""A git repository written in one go with `git fast-import`, with the dates and names of the story.

Source: git-fast-import(1).
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from lineal.config import Surroundings
from lineal.demo.story import Person
from lineal.errors import ConfigError

_TIMEOUT = 60  # seconds


class Repository:
    """A repository being written at `folder`; commits and tags are queued and written by `flush`."""

    def __init__(self, folder: Path, around: Surroundings) -> None:
        self._folder = folder
        self._environ = {
            "PATH": around.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "LC_ALL": "C",
            "TZ": "UTC",
        }
        self._stream: list[bytes] = []
        self._marks = 0
        self._blobs: dict[bytes, int] = {}
        self._ids: dict[int, str] = {}

    def create(self) -> None:
        """Make an empty repository with a branch `main`. Raises ConfigError if git is missing or fails."""
        self._folder.mkdir(parents=True)
        self._git("init", "-q", "-b", "main", "--template=", "--object-format=sha1", ".")

    def commit(
        self, ref: str, files: Mapping[str, bytes], who: Person, at: int, message: str, parents: tuple[int, ...] = ()
    ) -> int:
        """Queue a commit of exactly `files` on `ref`, and return its mark. Times are Unix seconds."""
        blobs = {path: self._blob(data) for path, data in files.items()}
        mark = self._mark()
        lines = [
            f"commit {ref}",
            f"mark :{mark}",
            _stamp("author", who, at),
            _stamp("committer", who, at),
            _data(message),
        ]
        lines += [f"{'merge' if place else 'from'} {self._name(parent)}" for place, parent in enumerate(parents)]
        lines += ["deleteall", *(f"M 100644 {self._name(blob)} {path}" for path, blob in sorted(blobs.items()))]
        self._stream.append("\n".join([*lines, "", ""]).encode())
        return mark

    def tag(self, name: str, commit: int, who: Person, at: int, message: str) -> None:
        """Queue an annotated tag."""
        lines = [f"tag {name}", f"from {self._name(commit)}", _stamp("tagger", who, at), _data(message), ""]
        self._stream.append("\n".join(lines).encode())

    def flush(self) -> None:
        """Write all that is queued."""
        marks = self._folder / ".git" / "marks"
        setting = ("-c", "fastimport.unpackLimit=0")  # a pack, whatever the count
        self._git(*setting, "fast-import", "--quiet", f"--export-marks={marks}", feed=b"".join(self._stream))
        self._stream = []
        for line in marks.read_text().splitlines():
            mark, _, commit = line.partition(" ")
            self._ids[int(mark[1:])] = commit
        marks.unlink()

    def id_of(self, commit: int) -> str:
        """Return the id of a commit that was flushed."""
        return self._ids[commit]

    def check_out(self) -> None:
        """Fill the working tree from `main`."""
        self._git("reset", "-q", "--hard", "main")

    def _mark(self) -> int:
        self._marks += 1
        return self._marks

    def _name(self, mark: int) -> str:
        """Return how the stream names a blob or commit: marks live for one import only."""
        return self._ids.get(mark, f":{mark}")

    def _blob(self, data: bytes) -> int:
        if data not in self._blobs:
            mark = self._blobs[data] = self._mark()
            self._stream.append(b"blob\nmark :%d\ndata %d\n%s\n" % (mark, len(data), data))
        return self._blobs[data]

    def _git(self, *arguments: str, feed: bytes = b"") -> bytes:
        try:
            done = subprocess.run(
                ["git", "-c", "core.logAllRefUpdates=false", *arguments],  # reflogs would hold today's date
                cwd=self._folder,
                env=self._environ,
                input=feed,
                capture_output=True,
                timeout=_TIMEOUT,
                check=True,
            )
        except FileNotFoundError as error:
            raise ConfigError("the demo needs git", hint="install git (Debian: apt-get install git)") from error
        except subprocess.TimeoutExpired as error:
            raise ConfigError(f"git took longer than {_TIMEOUT} s", hint="try again") from error
        except subprocess.CalledProcessError as error:
            reason = error.stderr.decode("utf-8", "replace").strip()
            raise ConfigError(f"git failed: {reason}", hint="is git 2.28 or newer, and the disk not full?") from error
        return done.stdout


def _stamp(role: str, who: Person, at: int) -> str:
    return f"{role} {who.name} <{who.email}> {at} +0000"


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}"
