r"""A policy as it is written: the tables of `lineal.toml`, checked for keys and types only.

[policy]
owner = "owner"                       # the tag that names an owner

[policy.names]                        # patterns for whole names: lineal/policy/patterns.py
model = "[a-z][a-z0-9-]*"
version = 'v\d+|\d+\.\d+\.\d+'
tag = "[a-z][a-z0-9_.-]*"
alias = "staging|prod|archived"

[[gate]]                              # any number of these; all that apply must let a version through
alias = "prod"                        # a glob, or several
models = ["churn", "fraud-*"]         # default: all
registries = ["mlflow"]               # default: all
require = ["environment", "data", "code", "parent", "owner", "card"]
clean = true                          # its code is committed, and in a branch of a remote
branches = ["main"]                   # and in one of these
after = "staging"                     # it must have, or have had, this alias
at_least = "24h"                      # for so long
approvals = 1
approvers = ["mira", "*@example.com"] # default: anybody but the author
signers = "allowed_signers"           # a file beside this one: only signed approvals count
archive = "archived"                  # the alias that the version it replaces gets
counterparts = ["gto:churn"]          # models of other registries that are moved in the same plan

[gate.files]
safe = true                           # no pickle, or a scan without findings
verified = true                       # the bytes were compared with what is recorded
largest = "5 GB"                      # all files together

[gate.environment]                    # ranges as in PEP 440; packages, python, cuda, cudnn, driver
python = ">=3.11,<3.13"

[[gate.metric]]
name = "auc"
goal = "max"                          # default: as the registry, [metrics] or the name say
min = 0.93
max = 1.0
no_worse = true                       # than the version that holds the alias
noise = 0.002                         # by how much worse still counts as equal; also "1%"
dataset = "holdout"                   # the data that both must have been measured on

[[gate.command]]
name = "smoke"
run = ["python", "tests/smoke.py", "{files}"]
timeout = "5m"

[[on]]
name = "slack"
event = ["promoted", "rolled_back"]   # globs
models = ["*"]
aliases = ["prod"]
url = "https://hooks.example.com/x"   # or run = [...]
secret_env = "LINEAL_HOOK_SECRET"
timeout = "10s"
tries = 3
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec

from lineal.errors import ConfigError

Texts = str | tuple[str, ...]
Table = TypeVar("Table", bound=msgspec.Struct)


class NamesTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[policy.names]`."""

    model: str = ""
    version: str = ""
    tag: str = ""
    alias: str = ""


class PolicyTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[policy]`."""

    owner: str = "owner"
    names: NamesTable = NamesTable()


class FilesTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[gate.files]`."""

    safe: bool = False
    verified: bool = False
    largest: str = ""


class MetricTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[[gate.metric]]`."""

    name: str
    goal: str = ""
    min: float | None = None
    max: float | None = None
    no_worse: bool = False
    noise: float | str | None = None
    dataset: str = ""


class CommandTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[[gate.command]]`."""

    name: str
    run: tuple[str, ...]
    timeout: str = "5m"


class GateTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[[gate]]`."""

    alias: Texts
    models: Texts = ("*",)
    registries: Texts = ("*",)
    require: tuple[str, ...] = ()
    clean: bool = False
    branches: Texts = ()
    after: str = ""
    at_least: str = ""
    approvals: int = 0
    approvers: Texts = ()
    signers: str = ""
    archive: str = ""
    counterparts: Texts = ()
    files: FilesTable = FilesTable()
    environment: dict[str, str] = {}
    metric: tuple[MetricTable, ...] = ()
    command: tuple[CommandTable, ...] = ()


class HookTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[[on]]`."""

    event: Texts
    name: str = ""
    models: Texts = ("*",)
    aliases: Texts = ("*",)
    run: tuple[str, ...] = ()
    url: str = ""
    secret_env: str = ""
    timeout: str = "10s"
    tries: int = 3


class Written(msgspec.Struct, frozen=True):
    """The three parts of a policy; other keys of the document are not looked at."""

    policy: PolicyTable = PolicyTable()
    gate: tuple[GateTable, ...] = ()
    on: tuple[HookTable, ...] = ()


_TABLES: dict[str, type[msgspec.Struct]] = {
    "policy": PolicyTable,
    "policy.names": NamesTable,
    "gate": GateTable,
    "gate.files": FilesTable,
    "gate.metric": MetricTable,
    "gate.command": CommandTable,
    "on": HookTable,
}
_TYPES = {
    "object": "a table",
    "array": "a list",
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
}
_MISMATCH = re.compile(r"Expected `(.+)`, got `(.+)`")
_NUMBERED = re.compile(r"\[(\d+|\.\.\.)\]")


def converted(document: Mapping[str, Any], where: str) -> Written:
    """Check keys and types. Raises ConfigError, with what was probably meant."""
    for key in ("gate", "on"):
        if isinstance(document.get(key), Mapping):
            raise ConfigError(f"{where}: {key} must be a list", hint=f"write it with two brackets: [[{key}]]")
    known = {key: document[key] for key in ("policy", "gate", "on") if key in document}
    return checked(known, Written, _TABLES, where, "`lineal policy init --show` shows every key with its meaning")


def checked(
    document: Mapping[str, Any], kind: type[Table], tables: Mapping[str, type[msgspec.Struct]], where: str, hint: str
) -> Table:
    """Read plain values as a struct.

    Args:
        document: the values.
        kind: the struct; none of its tables takes unknown keys.
        tables: the structs within it by their places, such as `gate.metric`, for suggestions.
        where: the file's name, for messages.
        hint: what to say where nothing better is known.

    Raises:
        ConfigError: a key is unknown or missing, or a value of the wrong type.
    """
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        what, _, place = str(error).removesuffix("`").partition(" - at `$.")
        table = _NUMBERED.sub("", place)
        if "unknown field `" in what and table in tables:
            hint = meant(what.split("`")[1], [field.encode_name for field in msgspec.structs.fields(tables[table])])
        raise ConfigError(f"{where}: {_words(what, place)}", hint=hint) from error
    except RecursionError as error:
        raise ConfigError(f"{where} is nested too deeply", hint=hint) from error


def _words(what: str, place: str) -> str:
    """Return msgspec's message in the words of TOML: `gate 1, metric 2: unknown key `mn``."""
    spot = _NUMBERED.sub(lambda found: f" {int(found[1]) + 1}" if found[1].isdigit() else "", place).replace(".", ", ")
    if found := _MISMATCH.match(what):
        wanted = " or ".join(_TYPES.get(one, one) for one in found[1].split(" | ") if one != "null")
        return f"{spot} must be {wanted}, not {_TYPES.get(found[2], found[2])}"
    text = what.replace("Object contains unknown field", "unknown key")
    return f"{spot}{': ' if spot else ''}{text.replace('Object missing required field', 'there is no')}"


def meant(wrong: str, known: Sequence[str]) -> str:
    """Return the hint for a word that is none of those that are known."""
    close = get_close_matches(wrong.lower().replace("-", "_"), known, 1) or get_close_matches(wrong, known, 1)
    return f"did you mean `{close[0]}`?" if close else f"known here: {', '.join(known)}"
