"""The commits of a repository, each with the files that it changed, parents before children."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

import msgspec

from lineal.errors import Unavailable
from lineal.formats.git import WALK, Git

_MOST = 512 << 20  # bytes of a history; 20,000 commits take some 10 MiB
MODELS = (
    *(".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".gguf", ".onnx", ".h5", ".keras", ".pkl", ".pickle", ".joblib"),
    *(".pb", ".tflite", ".mlmodel", ".skops", ".cbm", ".ubj", ".msgpack", ".model", ".weights"),
)
_READ = ("*.dvc", "*dvc.lock", "*.yaml", "*.yml", "*.json", "*.toml", "*requirements.txt", "*.dvc/config")
# Below two digits are experiments; DVC's own scratch refs (stash, celery, exec, apply, temp) are not.
_REFS = ("--branches", "--tags", "--remotes", "--glob=refs/exps/[0-9a-f][0-9a-f]/*")


class Change(msgspec.Struct, frozen=True):
    """One file that differs from the first parent; "" stands for no blob."""

    path: str
    old: str
    new: str


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """One commit. `at` is the author's time in Unix seconds."""

    id: str
    parents: tuple[str, ...]
    author: str
    at: float
    message: str
    changes: tuple[Change, ...]


def walk(git: Git, more: Sequence[str] = ()) -> Iterator[Commit]:
    """Yield the commits that branches, tags, remotes, experiments and `more` reach.

    Raises:
        Unavailable: git fails, takes too long, or has more to say than can be read: half a history would make the
            versions of the other half look deleted.
    """
    mark = secrets.token_hex(8)  # no message can hold what nobody could know
    fields = f"{mark}%x00".join(["", "%H", "%P", "%an", "%at", "%B", ""])
    paths = [*_READ, *(f"*{ending}" for ending in MODELS)]
    # --sparse keeps commits that change none of the paths: they are links of the chains of first parents.
    options = ["--topo-order", "--reverse", "--full-history", "--sparse", "--diff-merges=first-parent", "--root"]
    raw = ["--raw", "--no-abbrev", "--no-renames", "--no-relative", "-z", f"--format={fields}"]
    answer = git.ask("log", *options, *raw, *_REFS, *more, "--", *paths, most=_MOST, seconds=WALK)
    if answer.cut:
        raise Unavailable(f"the history of {git.repository} is too large", hint=f"at most {_MOST >> 20} MiB are read")
    yield from _commits(answer.out.decode("utf-8", "backslashreplace"), mark)


def _commits(text: str, mark: str) -> Iterator[Commit]:
    parts = text.split(f"{mark}\0")
    for start in range(1, len(parts) - 5, 6):
        name, parents, author, at, message, rest = parts[start : start + 6]
        yield Commit(
            id=name,
            parents=tuple(parents.split()),
            author=author,
            at=float(at or 0),
            message=message.strip(),
            changes=tuple(_changes(rest)),
        )


def _changes(text: str) -> Iterator[Change]:
    """Read `:modes old new status NUL path NUL`, over and over."""
    parts = text.lstrip("\0\n").split("\0")
    for head, path in zip(parts[::2], parts[1::2], strict=False):
        fields = head.lstrip("\n").split()
        if len(fields) == 5 and fields[0].startswith(":"):
            old, new = (_blob(mode, blob) for mode, blob in ((fields[0][1:], fields[2]), (fields[1], fields[3])))
            yield Change(path, old, new)


def _blob(mode: str, blob: str) -> str:
    """Return the id of a plain file; links and submodules hold nothing that is read."""
    return blob if mode.startswith("100") else ""
