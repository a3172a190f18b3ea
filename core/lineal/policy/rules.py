"""What a policy asks, as values: its gates, its rules for names and its hooks. `parse` reads them from `lineal.toml`.

A gate stands before an alias. Its patterns are globs (`fraud-*`) over the whole name, upper and lower case apart. All
gates that apply to a model and an alias must let a version through; where none applies, nothing is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from lineal.model.values import Goal

EVENTS = (
    "promoted",
    "rolled_back",
    "alias",
    "tagged",
    "approved",
    "rejected",
    "requested",
    "registered",
    "noted",
    "deployed",
    "undone",
    "checked",
)
"""What a hook may wait for."""


class Required(StrEnum):
    """What must be recorded of a version."""

    ENVIRONMENT = "environment"  # packages, or a Python version, or a container image
    DATA = "data"  # a data set with a version
    CODE = "code"  # a commit
    PARENT = "parent"  # at least one version that it came from
    OWNER = "owner"  # the tag that `[policy] owner` names
    CARD = "card"


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """Regular expressions that must match a whole name (see `lineal.policy.patterns`); "" asks for nothing."""

    model: str = ""
    version: str = ""
    tag: str = ""  # the key of a tag
    alias: str = ""


class MetricGate(msgspec.Struct, frozen=True, kw_only=True):
    """What one metric must reach, and how it must stand against the version that holds the alias.

    `noise` is how much worse still counts as equal, in the metric's own unit, or with `percent` in hundredths of the
    incumbent's value; where neither is given, `[metrics]` of the configuration says.
    """

    name: str
    goal: Goal | None = None  # None: as the registry, the configuration or the name say
    min: float | None = None  # at least
    max: float | None = None  # at most
    no_worse: bool = False
    noise: float | None = None
    percent: float | None = None
    dataset: str = ""  # a glob; "": whatever it was measured on


class FileRules(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold for a version's files."""

    safe: bool = False  # no pickle, or a scan of all of them without findings
    verified: bool = False  # their bytes were compared with what is recorded
    largest: int | None = None  # bytes of all of them together


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """A range, as PEP 440 writes them, for `python`, `cuda`, `cudnn`, `driver` or a package by its normalised name."""

    name: str
    specifier: str


class CommandCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A program that must end with 0. `{files}` in a word is the folder with the version's files."""

    name: str
    run: tuple[str, ...]
    timeout: float = 300.0  # seconds


class Counterpart(msgspec.Struct, frozen=True, kw_only=True):
    """A model of another registry that is moved in the same plan."""

    registry: str
    model: str


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """What a version must meet to get an alias."""

    alias: tuple[str, ...]
    models: tuple[str, ...] = ("*",)
    registries: tuple[str, ...] = ("*",)
    require: tuple[Required, ...] = ()
    clean: bool = False  # its code is committed, and reachable from a branch of a remote
    branches: tuple[str, ...] = ()  # globs; the branches from which it must be reachable
    after: str = ""  # the alias that it must have, or have had
    at_least: float = 0.0  # seconds that it had it
    approvals: int = 0
    approvers: tuple[str, ...] = ()  # globs over `Name <mail>`, the name or the mail; empty: anybody but the author
    signers: str = ""  # a file of allowed signers, relative to lineal.toml: only signed approvals count
    archive: str = ""  # the alias that the version it replaces gets
    counterparts: tuple[Counterpart, ...] = ()
    files: FileRules = FileRules()
    environment: tuple[Bound, ...] = ()  # sorted by name
    metrics: tuple[MetricGate, ...] = ()
    commands: tuple[CommandCheck, ...] = ()

    @property
    def name(self) -> str:
        """What the gate is called in results: the aliases that it stands before."""
        return ", ".join(self.alias)


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """What is run, or told of it at a URL, after an event. It never holds the event up."""

    name: str
    event: tuple[str, ...]  # globs over EVENTS
    models: tuple[str, ...] = ("*",)
    aliases: tuple[str, ...] = ("*",)
    run: tuple[str, ...] = ()
    url: str = ""  # either this or `run`
    secret_env: str = ""  # the environment variable with the key that signs what is posted
    timeout: float = 10.0  # seconds
    tries: int = 3

    def wants(self, event: str, model: str, alias: str = "") -> bool:
        """Say whether it waits for this. An event without an alias is only for those that take any."""
        return matches(self.event, event) and matches(self.models, model) and matches(self.aliases, alias)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """All that a project asks. One that asks for nothing is empty, and is false."""

    owner: str = "owner"  # the tag that names an owner
    names: Names = Names()
    gates: tuple[Gate, ...] = ()
    hooks: tuple[Hook, ...] = ()
    digest: str = ""  # SHA-256 of its canonical form, hexadecimal; "" where nothing is written
    commands_digest: str = ""  # of what it would run or post; "" where that is nothing

    def __bool__(self) -> bool:
        return bool(self.digest)

    @property
    def commands(self) -> tuple[CommandCheck, ...]:
        """The programs that its gates run, each once."""
        return tuple(dict.fromkeys(one for gate in self.gates for one in gate.commands))


def parse(document: Mapping[str, Any], where: str = "lineal.toml") -> Policy:
    """Read a policy from the tables `policy`, `gate` and `on` of a document; other keys are not looked at.

    Args:
        document: plain values, as TOML gives them.
        where: the file's name, for messages.

    Raises:
        ConfigError: a key, a type or a value means nothing, or gates contradict one another.
    """
    if not any(key in document for key in ("policy", "gate", "on")):
        return Policy()
    from lineal.policy.reading import read  # it knows these values; most projects have no policy to read

    return read(document, where)


def applies(policy: Policy, registry: str, model: str, alias: str) -> tuple[Gate, ...]:
    """Return the gates that stand before `alias` of a model, as they are written."""
    return tuple(
        gate
        for gate in policy.gates
        if matches(gate.alias, alias) and matches(gate.models, model) and matches(gate.registries, registry)
    )


def matches(patterns: Iterable[str], text: str) -> bool:
    """Say whether one of some globs matches all of `text`; upper and lower case differ."""
    return any(pattern in ("*", text) or fnmatchcase(text, pattern) for pattern in patterns)
