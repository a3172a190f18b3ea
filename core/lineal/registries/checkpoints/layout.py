"""Which files make a version, and which versions make a run, told from names alone.

| what lies there                                   | run (= model)      | version                     |
| `checkpoint-500/` with weights or a trainer state | the folder above   | `checkpoint-500`            |
| weights named as Hugging Face does, `config.json` | that folder        | `final`, or the file's name |
| any other model file                              | its folder         | the file's name             |

`final` stands beside checkpoints only. A folder called `checkpoints`, `ckpts` or `weights` lends its versions to the
folder above it, which holds the run's other files: so Lightning's `version_0/checkpoints/epoch=3-step=400.ckpt` is the
version `epoch=3-step=400` of `version_0`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from lineal.registries.checkpoints.walk import Folder, Tree, join

PARSED = (".safetensors", ".gguf", ".onnx", ".pt", ".pth", ".ckpt", ".bin")
PLAIN = (
    *(".pkl", ".pickle", ".joblib", ".skops", ".h5", ".hdf5", ".keras", ".tflite", ".mlmodel", ".pmml", ".cbm", ".ubj"),
    *(".engine", ".plan", ".nemo", ".xgb"),
)
_LIFTED = frozenset({"checkpoints", "checkpoint", "ckpts", "ckpt", "weights", "saved_models"})
_STEP_FOLDER = re.compile(r"(?:checkpoint|ckpt|global_step|step|epoch|iter|iteration)[-_=]?(\d{1,15})", re.IGNORECASE)
_STEP_NAME = re.compile(r"(?:step|iter|iteration|checkpoint|ckpt)[-_=]?(\d{1,15})", re.IGNORECASE)
_EPOCH_NAME = re.compile(r"epoch[-_=]?(\d{1,9})", re.IGNORECASE)
_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})(\.[a-z]+)")
_HUB = re.compile(
    r"(?:model|pytorch_model|adapter_model|diffusion_pytorch_model|consolidated)[.\w-]*\.(?:safetensors|bin)"
)
_AUXILIARY = re.compile(
    r"(?:optimizer|scheduler|scaler|sampler|rng_state|random_states|training_args|dataloader)[.\w-]*|.*_optim_states\.pt|\..*"
)
_UNFINISHED = (".tmp", ".part", ".partial", ".incomplete", ".crdownload", ".lock")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A version to be: `path` names it from the root; `weights` and `files` are paths from the root, sorted."""

    path: str
    name: str
    folder: str  # that holds its files
    weights: tuple[str, ...]
    files: tuple[str, ...]
    missing: tuple[str, ...] = ()
    step: int | None = None
    epoch: int | None = None
    final: bool = False


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One training output: a folder and the versions in it, oldest step first. `links` are other names of files."""

    folder: str
    found: tuple[Found, ...]
    links: dict[str, str]


def is_model_file(name: str) -> bool:
    """Say whether a file of this name is a model by itself."""
    lower = name.lower()
    if _AUXILIARY.fullmatch(lower) or lower.endswith(_UNFINISHED):
        return False
    if lower.endswith(".bin"):
        return bool(_HUB.fullmatch(lower)) or lower in {"model.bin", "weights.bin"}
    return lower.endswith(PARSED + PLAIN)


def is_checkpoint_folder(name: str) -> bool:
    """Say whether a folder of this name is one checkpoint among others."""
    return bool(_STEP_FOLDER.fullmatch(name))


def runs(tree: Tree) -> list[Run]:
    """Return the runs in a tree, by folder."""
    found: dict[str, list[Found]] = {}
    links: dict[str, dict[str, str]] = {}
    inside: set[str] = set()  # of folders that are versions whole
    for path in sorted(tree.folders):
        folder = tree.folders[path]
        above = path.rpartition("/")[0]
        if above in inside and path:
            inside.add(path)
        elif path and is_checkpoint_folder(path.rpartition("/")[2]) and _holds_checkpoint(tree, folder):
            inside.add(path)
            found.setdefault(_lift(above), []).append(_checkpoint(tree, folder))
        else:
            home = _lift(path)
            if versions := list(_in_folder(tree, folder)):
                found.setdefault(home, []).extend(versions)
            names = {name.rpartition(".")[0]: join(path, e.beside) for name, e in folder.files.items() if e.beside}
            links.setdefault(home, {}).update(names)
    return [
        Run(folder=home, found=tuple(sorted(_named_apart(versions, home), key=_age)), links=links.get(home, {}))
        for home, versions in sorted(found.items())
    ]


def _named_apart(versions: list[Found], home: str) -> list[Found]:
    """Name versions by their path within the run where their plain names are the same."""
    times = Counter(version.name for version in versions)
    return [
        version
        if times[version.name] == 1
        else msgspec.structs.replace(version, name=version.path.removeprefix(f"{home}/"))
        for version in versions
    ]


def _age(found: Found) -> tuple[bool, int, int, str]:
    return (found.final, found.step or 0, found.epoch or 0, found.path)


def _lift(path: str) -> str:
    above, _, name = path.rpartition("/")
    return above if path and name.lower() in _LIFTED else path


def _holds_checkpoint(tree: Tree, folder: Folder) -> bool:
    if "trainer_state.json" in folder.files or any(is_model_file(name) for name in folder.files):
        return True
    return any(is_model_file(name) for inner in _below(tree, folder.path) for name in inner.files)


def _below(tree: Tree, path: str) -> Iterator[Folder]:
    """Yield the folders inside a folder, one level down: DeepSpeed and adapters keep their files there."""
    for name in tree.folders[path].folders:
        if inner := tree.folders.get(join(path, name)):
            yield inner


def _checkpoint(tree: Tree, folder: Folder) -> Found:
    name = folder.path.rpartition("/")[2]
    held = [folder, *_below(tree, folder.path)]
    weights = [join(at.path, name) for at in held for name in at.files if is_model_file(name)]
    files = [join(at.path, name) for at in held for name, entry in at.files.items() if not entry.beside]
    number = _STEP_FOLDER.fullmatch(name)
    step = int(number[1]) if number else None
    epoch = name.lower().startswith("epoch")
    return Found(
        path=folder.path,
        name=name,
        folder=folder.path,
        weights=tuple(sorted(weights)),
        files=tuple(sorted(files)),
        missing=_missing_shards(weights),
        step=None if epoch else step,
        epoch=step if epoch else None,
    )


def _in_folder(tree: Tree, folder: Folder) -> Iterator[Found]:
    names = [name for name, entry in folder.files.items() if is_model_file(name) and not entry.beside]
    names = [name for name in names if f"{name}.dvc" not in folder.files]  # DVC's, and shown as such
    whole = [name for name in names if _HUB.fullmatch(name.lower())]
    if whole and {"config.json", "adapter_config.json", "model_index.json"} & set(folder.files):
        rest = [name for name in names if name not in whole and not name.lower().endswith(".gguf")]
        yield _whole(tree, folder, sorted(whole + rest))
        names = [name for name in names if name not in whole and name not in rest]
    for shards in _grouped(names):
        yield _loose(folder, shards)


def _whole(tree: Tree, folder: Folder, names: list[str]) -> Found:
    final = any(
        is_checkpoint_folder(inner.path.rpartition("/")[2]) and _holds_checkpoint(tree, inner)
        for inner in _below(tree, folder.path)
    )
    weights = [join(folder.path, name) for name in names]
    skipped = ("events.out.tfevents", "events.", ".")
    files = [join(folder.path, name) for name in folder.files if not name.startswith(skipped)]
    first = _base(names[0])
    return Found(
        path=folder.path or ".",
        name="final" if final else first,
        folder=folder.path,
        weights=tuple(weights),
        files=tuple(sorted(files)),
        missing=_missing_shards(weights),
        final=final,
    )


def _loose(folder: Folder, names: list[str]) -> Found:
    name = _base(names[0])
    weights = tuple(join(folder.path, name) for name in names)
    step, epoch = _STEP_NAME.search(name), _EPOCH_NAME.search(name)
    return Found(
        path=join(folder.path, name),
        name=name.removesuffix(".ckpt"),
        folder=folder.path,
        weights=weights,
        files=weights,
        missing=_missing_shards(weights),
        step=int(step[1]) if step else None,
        epoch=int(epoch[1]) if epoch else None,
    )


def _base(name: str) -> str:
    """Return the name of a sharded file without the number of the shard."""
    shard = _SHARD.fullmatch(name)
    return shard[1] + shard[4] if shard else name


def _grouped(names: Iterable[str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        shard = _SHARD.fullmatch(name)
        groups.setdefault(f"{shard[1]}/{shard[3]}{shard[4]}" if shard else name, []).append(name)
    return [sorted(group) for _, group in sorted(groups.items())]


def _missing_shards(weights: Iterable[str]) -> tuple[str, ...]:
    """Return the shards that the names of the others promise."""
    there = set(weights)
    missing: set[str] = set()
    for path in there:
        folder, _, name = path.rpartition("/")
        if (shard := _SHARD.fullmatch(name)) and int(shard[3]) <= 10_000:
            every = (f"{shard[1]}-{n:05d}-of-{shard[3]}{shard[4]}" for n in range(1, int(shard[3]) + 1))
            missing |= {join(folder, name) for name in every} - there
    return tuple(sorted(missing))
