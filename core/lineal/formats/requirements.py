"""Files that say what a model was trained with: requirements.txt, pip freeze, conda.yaml, MLflow's python_env.yaml.

Sources: pip's documentation of the requirements file format, PEP 508 (names), PEP 503 (normalisation), conda's
match specifications, MLflow's `python_env.yaml` (python, build_dependencies, dependencies).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from lineal.errors import BadFormat
from lineal.formats import yaml12
from lineal.model.version import Environment, Package

LIMIT = 4 << 20  # bytes
MAX_PACKAGES = 20_000

_NAME = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(.*)", re.DOTALL)
_EGG = re.compile(r"#(?:.*&)?egg=([A-Za-z0-9._-]+)")
_USERINFO = re.compile(r"(://)[^/@\s]*@")
_EXACT = re.compile(r"={2,3}\s*([^,;\s*]+)\s*")
_OPTION = re.compile(r"\s--[a-z][a-z-]*(?:[ =]\S+)?")
_CUDA_BUILD = re.compile(r"\+cu(\d{2,3})(\d)$")
_CONDA = re.compile(r"(?:[^\s:]+::)?([A-Za-z0-9._-]+)\s*(.*)", re.DOTALL)


def normal(name: str) -> str:
    """Return a distribution's name as PEP 503 normalises it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse_requirements(text: str) -> tuple[Package, ...]:
    """Read a requirements file or the output of `pip freeze`, sorted by name, the last mention of a name winning.

    `version` is the bare version where it is pinned with `==`, else the specifier (`>=1,<2`), else the URL without
    user and password, else "". Options (`-r`, `--index-url`, hashes), comments, extras and markers are left out.

    Raises:
        BadFormat: the text is longer than `LIMIT`, or names more than `MAX_PACKAGES`.
    """
    if len(text) > LIMIT:
        raise BadFormat(f"a requirements file of more than {LIMIT:,} bytes", hint="a file this long is not read")
    joined = re.sub(r"\\\r?\n", " ", text.removeprefix("\ufeff"))
    return _sorted(package for line in joined.splitlines() if (package := _requirement(line)))


def parse_conda(data: bytes | str) -> Environment:
    """Read a conda environment file: Python, conda's packages and those under `pip:`; CUDA where it is pinned.

    Raises:
        BadFormat: it is no YAML mapping.
    """
    found = _mapping(data)
    packages = list(_conda(_list(found.get("dependencies"))))
    python = "".join(package.version for package in packages if package.name == "python")
    return environment(_sorted(package for package in packages if package.name != "python"), python)


def parse_python_env(data: bytes | str) -> Environment:
    """Read MLflow's python_env.yaml; a `-r requirements.txt` in it is for the caller to follow.

    Raises:
        BadFormat: it is no YAML mapping.
    """
    found = _mapping(data)
    lines = _list(found.get("build_dependencies")) + _list(found.get("dependencies"))
    python = found.get("python")
    packages = parse_requirements("\n".join(line for line in lines if isinstance(line, str)))
    return environment(packages, python if isinstance(python, str) else "")


def environment(packages: tuple[Package, ...], python: str = "", sources: tuple[str, ...] = ()) -> Environment:
    """Return the environment of `packages`, with CUDA and cuDNN where their versions say it (`torch 2.5+cu124`)."""
    return Environment(python=python, packages=packages, cuda=_cuda(packages), cudnn=_cudnn(packages), sources=sources)


def merge(first: Environment, second: Environment) -> Environment:
    """Return both as one; where both name a package or a field, `second` wins."""
    packages = _sorted([*first.packages, *second.packages])
    fields = {name: getattr(second, name) or getattr(first, name) for name in ("python", "cuda", "cudnn")}
    sources = (*first.sources, *(source for source in second.sources if source not in first.sources))
    return msgspec.structs.replace(first, packages=packages, sources=sources, **fields)


def _sorted(packages: Iterable[Package]) -> tuple[Package, ...]:
    by_name = {package.name: package for package in packages}
    if len(by_name) > MAX_PACKAGES:
        raise BadFormat(f"more than {MAX_PACKAGES:,} packages in one file", hint="a file this long is not read")
    return tuple(by_name[name] for name in sorted(by_name))


def _requirement(line: str) -> Package | None:
    line = line.partition(" #")[0].strip()
    if line.startswith(("-e ", "--editable ", "--editable=")):
        line = re.sub(r"^(?:-e|--editable)[ =]\s*", "", line)
    if not line or line.startswith(("#", "-")):
        return None
    if "://" in line.partition("@")[0] or line.startswith((".", "/")):
        return _bare_url(line)
    match = _NAME.match(line)
    return Package(normal(match[1]), _wanted(match[2])) if match else None


def _bare_url(line: str) -> Package | None:
    """Read `git+https://host/x.git@rev#egg=name`; a URL or path that names no distribution says nothing."""
    name = _EGG.search(line)
    return Package(normal(name[1]), _USERINFO.sub(r"\1", line.partition("#")[0])) if name else None


def _wanted(rest: str) -> str:
    rest = rest.strip()
    if rest.startswith("@"):
        return _USERINFO.sub(r"\1", rest[1:].partition(" ;")[0].strip())
    specifier = _OPTION.sub("", " " + rest.partition(";")[0]).strip().strip("()")
    exact = _EXACT.fullmatch(specifier)
    return exact[1] if exact else re.sub(r"\s+", "", specifier)


def _conda(dependencies: list[Any]) -> Iterable[Package]:
    for item in dependencies:
        if isinstance(item, str) and (match := _CONDA.fullmatch(item.strip())):
            yield Package(normal(match[1]), _conda_version(match[2]))
        elif isinstance(item, dict):
            yield from parse_requirements("\n".join(text for text in _list(item.get("pip")) if isinstance(text, str)))


def _conda_version(rest: str) -> str:
    """Return the version of `=1.2=py39_0`, `==1.2`, `1.2.*` or `>=1,<2`, without the build."""
    rest = rest.strip()
    if match := re.fullmatch(r"={1,2}\s*([^=,\s|<>]+)(?:=\S*)?", rest):
        return match[1]
    return re.sub(r"\s+", "", rest)


def _mapping(data: bytes | str) -> dict[Any, Any]:
    found = yaml12.load_texts(data, limit=LIMIT)
    if not isinstance(found, dict):
        raise BadFormat("an environment file that is no mapping", hint="it should have a line `dependencies:`")
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _cuda(packages: tuple[Package, ...]) -> str:
    versions = {package.name: package.version for package in packages}
    for name in ("torch", "torchvision", "torchaudio"):
        if match := _CUDA_BUILD.search(versions.get(name, "")):
            return f"{match[1]}.{match[2]}"
    for name in ("cuda", "cuda-toolkit", "cudatoolkit", "pytorch-cuda", "cuda-version"):
        if versions.get(name):
            return versions[name]
    return _first(versions, "nvidia-cuda-runtime")


def _cudnn(packages: tuple[Package, ...]) -> str:
    versions = {package.name: package.version for package in packages}
    return versions.get("cudnn", "") or _first(versions, "nvidia-cudnn")


def _first(versions: dict[str, str], name: str) -> str:
    """Return the version of `name` or of `name-cu12`, `name-cu13`, ..."""
    pattern = re.compile(rf"{name}(?:-cu\d+)?")
    return next((version for found, version in versions.items() if pattern.fullmatch(found)), "")
