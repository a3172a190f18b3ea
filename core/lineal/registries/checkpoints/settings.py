"""Hyperparameters and environments that lie beside weights.

| file                                   | parameters                                                      |
| training_args.bin (Trainer)            | as they are: `learning_rate`, `seed`, ...                       |
| hparams.yaml, a .ckpt's own (Lightning)| as they are, dotted                                             |
| .hydra/config.yaml                     | as they are, dotted; overrides become the tag `hydra.overrides` |
| params.yaml, params.json, args.yaml    | as they are, dotted                                             |
| adapter_config.json (PEFT)             | as they are: `r`, `lora_alpha`, ...                             |
| config.json                            | under `config.`; generation_config.json under `generation.`     |
| the weights' own metadata              | as they are                                                     |

Empty values, private names and what may be a secret are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from lineal.formats import requirements, torchfile, yaml12
from lineal.model.values import Value
from lineal.model.version import Environment
from lineal.registries.checkpoints.layout import Found, Run
from lineal.registries.checkpoints.probe import Probe
from lineal.registries.checkpoints.walk import Tree, join

MAX_PARAMS = 2_000
MAX_TEXT = 2_000  # characters
MAX_ITEMS = 64
MAX_DEPTH = 8
ARGUMENTS, ADAPTER, CONFIG = "training_args.bin", "adapter_config.json", "config.json"
SETTINGS = ("hparams.yaml", "params.yaml", "params.json", "args.yaml")
ENVIRONMENTS = {
    "requirements.txt": "requirements",
    "pip-freeze.txt": "requirements",
    "pip_freeze.txt": "requirements",
    "requirements-freeze.txt": "requirements",
    "conda.yaml": "conda",
    "conda.yml": "conda",
    "environment.yml": "conda",
    "environment.yaml": "conda",
    "python_env.yaml": "python",
}
_PREFIXES = {ADAPTER: "", CONFIG: "config.", "generation_config.json": "generation."}
_UNORDERED = frozenset({"target_modules", "modules_to_save"})
_NOISE = frozenset(
    {"_name_or_path", "transformers_version", "auto_mapping", "base_model_name_or_path", "id2label"}
    | {"distributed_state", "deepspeed_plugin", "auto_map"}
)
_SECRET = re.compile(
    r"(?:^|[_.-])(?:secret|password|passwd|credentials?|private_key|(?:api|access|auth|hub|hf|wandb|bearer)_?(?:key|token))"
    r"(?:$|[_.-])|^token$",
    re.IGNORECASE,
)


def of_run(probe: Probe, tree: Tree, run: Run) -> dict[str, Value]:
    """Return the parameters that hold for a whole run: Hydra's, then Lightning's and other files of settings."""
    found: dict[str, Value] = {}
    hydra = hydra_folder(tree, run.folder)
    if hydra and "config.yaml" in tree.folders[hydra].files:
        found |= flat(probe.yaml(join(hydra, "config.yaml")))
    for name in SETTINGS:
        if name in tree.folders[run.folder].files:
            path = join(run.folder, name)
            found |= flat(probe.json(path) if name.endswith(".json") else probe.yaml(path))
    return found


def of_folder(probe: Probe, tree: Tree, run: Run, found: Found) -> dict[str, Value]:
    """Return the parameters in a version's folder, and the Trainer's arguments there or in the run's."""
    params: dict[str, Value] = {}
    files = tree.folders[found.folder].files
    for path in _arguments(tree, run, found):
        params |= flat(probe.attempt(path, lambda at: _read_arguments(probe, at)) or {})
    for name, prefix in _PREFIXES.items():
        if name in files:
            params |= flat(probe.json(join(found.folder, name)), prefix)
    return params


def _read_arguments(probe: Probe, path: str) -> dict[str, Any]:
    return torchfile.read_arguments(probe.window(path))


def _arguments(tree: Tree, run: Run, found: Found) -> Iterator[str]:
    for folder in (found.folder, run.folder):
        if ARGUMENTS in tree.folders[folder].files:
            yield join(folder, ARGUMENTS)
            return


def hydra_folder(tree: Tree, path: str) -> str:
    """Return the nearest `.hydra` folder, of the run or up to four folders above it; "" if there is none."""
    for _ in range(5):
        if (hydra := join(path, ".hydra")) in tree.folders:
            return hydra
        if not path:
            break
        path = path.rpartition("/")[0]
    return ""


def overrides(probe: Probe, tree: Tree, run: Run) -> str:
    """Return Hydra's overrides of a run as they were typed."""
    hydra = hydra_folder(tree, run.folder)
    if not hydra or "overrides.yaml" not in tree.folders[hydra].files:
        return ""
    path = join(hydra, "overrides.yaml")
    typed = probe.attempt(path, lambda at: yaml12.load_texts(probe.bytes(at)))
    texts = [item for item in typed if isinstance(item, str)] if isinstance(typed, list) else []
    return " ".join(text for text in texts if not _SECRET.search(text.partition("=")[0]))[:MAX_TEXT]


def flat(mapping: dict[str, Any], prefix: str = "") -> dict[str, Value]:
    """Return nested mappings as dotted names, within the caps; without empty values, private names and secrets."""
    found: dict[str, Value] = {}
    for name, value in _leaves(mapping, prefix, MAX_DEPTH):
        if len(found) >= MAX_PARAMS:
            break
        found[name] = value
    return found


def _leaves(mapping: dict[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Value]]:
    for key, value in mapping.items():
        name = f"{prefix}{key}"
        if str(key).startswith("_") or key in _NOISE or _SECRET.search(str(key)):
            continue
        if isinstance(value, dict) and value and depth > 1:
            yield from _leaves(value, f"{name}.", depth - 1)
        elif (leaf := _leaf(value, sort=key in _UNORDERED)) not in (None, "", [], {}):
            yield name, leaf


def _leaf(value: Any, *, sort: bool) -> Value:
    if isinstance(value, str):
        return None if value.startswith("<") and value.endswith(">") else value[:MAX_TEXT]
    if isinstance(value, list):
        kept = [item for item in value if item is None or isinstance(item, bool | int | float | str)]
        return sorted(kept, key=str) if sort else value[:MAX_ITEMS] if len(kept) == len(value) else kept[:MAX_ITEMS]
    return value if isinstance(value, bool | int | float) else None


def environment(probe: Probe, tree: Tree, folders: list[str]) -> Environment | None:
    """Return what the environment files in these folders say, the later folder winning; None if there are none."""
    whole: Environment | None = None
    for folder in dict.fromkeys(folders):
        for name in sorted(ENVIRONMENTS.keys() & tree.folders[folder].files.keys()):
            path = join(folder, name)
            read = probe.attempt(path, lambda at: _environment(probe, at))
            if read is not None:
                whole = requirements.merge(whole, read) if whole else read
    return whole


def _environment(probe: Probe, path: str) -> Environment:
    data = probe.bytes(path)
    match ENVIRONMENTS[path.rpartition("/")[2]]:
        case "conda":
            read = requirements.parse_conda(data)
        case "python":
            read = requirements.parse_python_env(data)
        case _:
            text = data.decode("utf-8", "backslashreplace")
            read = requirements.environment(requirements.parse_requirements(text))
    return msgspec.structs.replace(read, sources=(path,))


def used(tree: Tree, run: Run) -> list[str]:
    """Return the files of settings and environments of a run, for its cursor."""
    hydra = hydra_folder(tree, run.folder)
    beside = [join(hydra, name) for name in tree.folders[hydra].files] if hydra else []
    names = (*SETTINGS, *ENVIRONMENTS, *_PREFIXES, ARGUMENTS, "README.md")
    folders = sorted({run.folder, *(found.folder for found in run.found)})
    return beside + [join(folder, name) for folder in folders for name in names if name in tree.folders[folder].files]
