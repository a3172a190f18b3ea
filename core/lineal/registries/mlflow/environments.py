"""What a model was trained with, from the files that MLflow puts beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from lineal.errors import BadFormat
from lineal.formats import requirements, yaml12
from lineal.model.version import Environment
from lineal.registries.mlflow import values
from lineal.registries.mlflow.rows import Trouble

FILES = ("conda.yaml", "python_env.yaml", "requirements.txt", "MLmodel")
LIMIT = 1 << 20  # bytes of one such file
_MAX_FLAVORS = 50


class Surrounds:
    """The environment of one version, and the flavours in which its model can be loaded."""

    def __init__(self) -> None:
        self.environment: Environment | None = None
        self.flavors: tuple[str, ...] = ()
        self.troubles: list[Trouble] = []


def read(files: Mapping[str, bytes], where: str) -> Surrounds:
    """Read the files named in `FILES`; what is unreadable becomes a trouble, and the others still count."""
    found = Surrounds()
    for name in FILES:
        if name not in files:
            continue
        try:
            found.environment = _with(found.environment, _parsed(name, files[name]), name)
            if name == "MLmodel":
                found.flavors = _flavors(files[name])
        except BadFormat as error:
            message = f"{name}: {error.message}"
            found.troubles.append(Trouble(scope="", where=where, message=message, hint=error.hint))
    return found


def of_history(entries: Iterable[values.Classic]) -> Surrounds:
    """Return what a run's own account of its models says: flavours and the version of Python."""
    found = Surrounds()
    flavors: list[str] = []
    for entry in entries:
        flavors += entry.flavors
        if python := _python(entry.flavors):
            found.environment = Environment(python=python, sources=("mlflow.log-model.history",))
    found.flavors = tuple(sorted(set(flavors))[:_MAX_FLAVORS])
    return found


def _with(first: Environment | None, second: Environment, name: str) -> Environment:
    sources = (*(first.sources if first else ()), name)
    if first is None or name == "MLmodel":  # MLmodel only adds what the others leave open
        first, second = second, first or Environment()
    merged = requirements.merge(first, second)
    return _sourced(merged, sources)


def _sourced(environment: Environment, sources: tuple[str, ...]) -> Environment:
    import msgspec

    return msgspec.structs.replace(environment, sources=sources)


@lru_cache(maxsize=512)  # hundreds of versions share the same file
def _parsed(name: str, data: bytes) -> Environment:
    if name == "MLmodel":
        return Environment(python=_python(_mlmodel_flavors(data)))
    if name == "requirements.txt":
        return requirements.environment(requirements.parse_requirements(data.decode("utf-8", "backslashreplace")))
    parse: Callable[[bytes], Environment] = (
        requirements.parse_conda if name == "conda.yaml" else requirements.parse_python_env
    )
    return parse(data)


def _mlmodel_flavors(data: bytes) -> dict[str, Any]:
    found = yaml12.load_texts(data, limit=LIMIT)
    flavors = found.get("flavors") if isinstance(found, dict) else None
    return flavors if isinstance(flavors, dict) else {}


def _flavors(data: bytes) -> tuple[str, ...]:
    return tuple(sorted(str(name) for name in _mlmodel_flavors(data))[:_MAX_FLAVORS])


def _python(flavors: Mapping[str, Any]) -> str:
    pyfunc = flavors.get("python_function")
    version = pyfunc.get("python_version") if isinstance(pyfunc, dict) else None
    return version if isinstance(version, str) else ""
