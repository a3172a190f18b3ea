"""What `.dvc`, `dvc.lock` and `dvc.yaml` say: outs with their hashes, what they depend on, params, metrics, artifacts.

(Formats: DVC 3.67 as seen by running it; an out without `hash:` is of DVC 2, whose MD5 of texts ignores line ends.)
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from lineal.errors import BadFormat
from lineal.formats import yaml12
from lineal.formats.git import anonymous
from lineal.model.version import Algorithm, Digest

_SEARCHED = 200  # names of one question that are no path as they stand
_TEMPLATE = re.compile(r"\$\{[^}]*\}")
_MD5 = re.compile(r"[0-9a-f]{32}(?:\.dir)?", re.ASCII)
_MOST = 20_000  # outs, stages or entries of one file


class Dep(msgspec.Struct, frozen=True, kw_only=True):
    """What an out was made from. `url` and `rev` are those of `dvc import`."""

    path: str
    hex: str = ""
    size: int | None = None
    nfiles: int | None = None
    url: str = ""
    rev: str = ""


class Out(msgspec.Struct, frozen=True, kw_only=True):
    """A file or directory under DVC. `path` is from the repository's root; a directory's hash ends in `.dir`."""

    path: str
    hex: str = ""
    algorithm: Algorithm = Algorithm.MD5
    size: int | None = None
    nfiles: int | None = None
    stage: str = ""
    cmd: str = ""
    deps: tuple[Dep, ...] = ()
    params: tuple[tuple[str, str], ...] = ()  # file and the JSON of its values, as the stage ran with them
    desc: str = ""
    cached: bool = True

    @property
    def directory(self) -> bool:
        """Whether it is a directory."""
        return self.hex.endswith(".dir")

    @property
    def digest(self) -> Digest | None:
        """Return its hash; None where it was never made."""
        if not self.hex:
            return None
        return Digest(Algorithm.MD5_DIR if self.directory else self.algorithm, self.hex.removesuffix(".dir"))


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of `artifacts:`; `name` is as GTO has it, `dir:name` below the root."""

    name: str
    path: str
    type: str = ""
    desc: str = ""
    labels: tuple[str, ...] = ()
    meta: tuple[tuple[str, str], ...] = ()


class Pipeline(msgspec.Struct, frozen=True, kw_only=True):
    """What one `dvc.yaml` names: files of params (with the keys that count, () for all), metrics and plots."""

    artifacts: tuple[Artifact, ...] = ()
    params: tuple[tuple[str, tuple[str, ...]], ...] = ()
    metrics: tuple[str, ...] = ()
    plots: tuple[str, ...] = ()


def joined(folder: str, *parts: str) -> str:
    """Return a path from the repository's root; "" where it leads out of the repository or is a template."""
    path = posixpath.normpath(posixpath.join(folder, *parts))
    return "" if f"{path}/".startswith(("/", "../")) or "${" in path else path


def pattern(folder: str, name: str) -> str:
    """Return `joined`, but with NUL for each template `${...}`: its value is not in the file, yet its files are."""
    return joined(folder, _TEMPLATE.sub("\0", name))


def named(names: Iterable[str], paths: Collection[str]) -> dict[str, str]:
    """Return the paths, each with its name, that patterns mean: a file, all files of a directory, or a template's."""
    found: dict[str, str] = {}
    searched = 0
    for name in names:
        if name in paths:
            found[name] = name
        elif name and (searched := searched + 1) <= _SEARCHED:
            found |= {path: name for path in paths if _fits(name, path)}
    return found


def _fits(name: str, path: str) -> bool:
    """Say whether a path is what a pattern means, or below it. No regular expression: a stranger wrote the pattern."""
    wanted, said = name.split("/"), path.split("/")
    return len(wanted) <= len(said) and all(map(_part_fits, wanted, said))


def _part_fits(wanted: str, said: str) -> bool:
    first, *rest = wanted.split("\0")
    if not rest:
        return wanted == said
    *middle, last = rest
    at, end = len(first), len(said) - len(last)
    if at > end or not (said.startswith(first) and said.endswith(last)):
        return False
    for piece in middle:
        at = said.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > _MOST:
        raise BadFormat(f"{what} is no mapping of at most {_MOST} entries")
    return value


def _list(value: object) -> list[Any]:
    return value[:_MOST] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def tracked(path: str, data: bytes) -> list[Out]:
    """Read a `.dvc` file at `path`. Raises BadFormat."""
    document = _mapping(yaml12.load(data), path)
    folder = posixpath.join(posixpath.dirname(path), _text(document.get("wdir")))
    deps = tuple(_dep(dep, folder) for dep in _list(document.get("deps")) if isinstance(dep, dict))
    found = [_out(out, folder, deps) for out in _list(document.get("outs")) if isinstance(out, dict)]
    return [out for out in found if out.path]


def locked(path: str, data: bytes) -> list[Out]:
    """Read a `dvc.lock` at `path`, which has the outs of stages as they ran. Raises BadFormat."""
    document = _mapping(yaml12.load(data), path)
    stages = document.get("stages") if "stages" in document or "schema" in document else document  # DVC 1 had no schema
    return staged(_mapping(stages, path), posixpath.dirname(path))


def staged(stages: Mapping[str, Any], folder: str) -> list[Out]:
    """Return the outs of stages of a `dvc.lock` in `folder`, by the name of each. Raises BadFormat."""
    found = [
        out for name, stage in stages.items() if isinstance(stage, dict) for out in _stage(str(name), stage, folder)
    ]
    return [out for out in found if out.path]


def _stage(name: str, stage: Mapping[str, Any], folder: str) -> Iterator[Out]:
    deps = tuple(_dep(dep, folder) for dep in _list(stage.get("deps")) if isinstance(dep, dict))
    params = tuple(
        (file, msgspec.json.encode(values).decode())
        for file, values in sorted(_mapping(stage.get("params"), name).items())
        if isinstance(values, dict)
    )
    for out in _list(stage.get("outs")):
        if isinstance(out, dict):
            made = _out(out, folder, deps)
            yield msgspec.structs.replace(made, stage=name, cmd=_command(stage.get("cmd")), params=params)


def _command(value: object) -> str:
    return " && ".join(map(str, value)) if isinstance(value, list) else _text(value)


def _hash(entry: Mapping[str, Any]) -> tuple[str, Algorithm]:
    """Return the MD5 of an entry, if it is one: it becomes part of a path in the cache."""
    legacy = Algorithm.MD5 if entry.get("hash") == "md5" else Algorithm.MD5_DOS2UNIX
    digest = _text(entry.get("md5")).lower()
    return (digest if _MD5.fullmatch(digest) else ""), legacy


def _out(entry: Mapping[str, Any], folder: str, deps: tuple[Dep, ...]) -> Out:
    digest, algorithm = _hash(entry)
    return Out(
        path=joined(folder, _text(entry.get("path"))),
        hex=digest,
        algorithm=algorithm,
        size=_count(entry.get("size")),
        nfiles=_count(entry.get("nfiles")),
        deps=deps,
        desc=_text(entry.get("desc")),
        cached=entry.get("cache") is not False,
    )


def _dep(entry: Mapping[str, Any], folder: str) -> Dep:
    repo = entry.get("repo")
    repo = repo if isinstance(repo, dict) else {}
    path = anonymous(_text(entry.get("path")))
    outside = bool(repo) or "://" in path
    return Dep(
        path=path if outside else joined(folder, path),
        hex=_hash(entry)[0],
        size=_count(entry.get("size")),
        nfiles=_count(entry.get("nfiles")),
        url=anonymous(_text(repo.get("url"))) if repo else path if outside else "",
        rev=_text(repo.get("rev_lock")) or _text(repo.get("rev")),
    )


def pipeline(path: str, data: bytes) -> Pipeline:
    """Read a `dvc.yaml` at `path`. Raises BadFormat."""
    document = _mapping(yaml12.load(data), path)
    folder = posixpath.dirname(path)
    params: list[tuple[str, tuple[str, ...]]] = [
        (pattern(folder, _text(file)), ()) for file in _list(document.get("params"))
    ]
    metrics = [pattern(folder, _text(file)) for file in _list(document.get("metrics"))]
    plots = [pattern(folder, file) for file in _plots(document.get("plots"))]
    for stage in _mapping(document.get("stages"), path).values():
        if isinstance(stage, dict):
            inner: Mapping[str, Any] = stage["do"] if isinstance(stage.get("do"), dict) else stage
            where = posixpath.join(folder, _text(inner.get("wdir")))
            params += _stage_params(inner.get("params"), where)
            metrics += [pattern(where, name) for name in _names(inner.get("metrics"))]
            plots += [pattern(where, name) for name in _names(inner.get("plots"))]
    return Pipeline(
        artifacts=tuple(_artifacts(document.get("artifacts"), folder, path)),
        params=tuple((file, keys) for file, keys in params if file),
        metrics=tuple(dict.fromkeys(filter(None, metrics))),
        plots=tuple(dict.fromkeys(filter(None, plots))),
    )


def _names(entries: object) -> Iterator[str]:
    """Yield names from a list whose items are names, or mappings of one name to its options."""
    for entry in _list(entries):
        if isinstance(entry, str):
            yield entry
        elif isinstance(entry, dict):
            yield from (name for name in entry if isinstance(name, str))


def _plots(entries: object) -> Iterator[str]:
    """Yield the files of top-level plots, which may be under an id as `{x: file, y: {file: key}}`."""
    for entry in [entries] if isinstance(entries, dict) else _list(entries):
        if isinstance(entry, str):
            yield entry
        elif isinstance(entry, dict):
            for name, options in entry.items():
                inner = options.get("y") if isinstance(options, dict) else None
                yield from (
                    (file for file in inner if isinstance(file, str)) if isinstance(inner, dict) else (str(name),)
                )


def _stage_params(entries: object, folder: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    own = tuple(entry for entry in _list(entries) if isinstance(entry, str))
    if own:
        yield pattern(folder, "params.yaml"), own
    for entry in _list(entries):
        for file, keys in entry.items() if isinstance(entry, dict) else ():
            yield pattern(folder, str(file)), tuple(key for key in _list(keys) if isinstance(key, str))


def _artifacts(entries: object, folder: str, path: str) -> Iterator[Artifact]:
    for name, entry in _mapping(entries, f"artifacts of {path}").items():
        if isinstance(entry, dict) and (place := joined(folder, _text(entry.get("path")))):
            meta = entry.get("meta")
            yield Artifact(
                name=f"{folder}:{name}" if folder else str(name),
                path=place,
                type=_text(entry.get("type")),
                desc=_text(entry.get("desc")),
                labels=tuple(label for label in _list(entry.get("labels")) if isinstance(label, str)),
                meta=tuple((str(k), str(v)) for k, v in meta.items()) if isinstance(meta, dict) else (),
            )
