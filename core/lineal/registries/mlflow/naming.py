"""What MLflow takes for a name, a tag or a stage: looked at before anything is sent.

Source: mlflow/utils/validation.py of 2.22 and 3.17, and entities/model_registry/model_version_stages.py. Where releases
differ the wider limit is kept to here, and the server has the last word.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from lineal.errors import ConfigError, NotFound
from lineal.model.changes import Change, Register, SetAlias, SetTags
from lineal.model.records import AliasKind
from lineal.model.values import Tag
from lineal.registries.mlflow.assembly import RUNS
from lineal.registries.mlflow.values import may_be_shown

NONE = "None"  # the stage of what has none
STAGES = ("Staging", "Production", "Archived")
_ALIAS = re.compile(r"[\w-]{1,255}")
_VERSION = re.compile(r"[vV][0-9]+")
_KEY = re.compile(r"[/\w.\- :]{1,250}")
_VALUE = 100_000  # characters; 5,000 before MLflow 3
_NAME = 256  # characters, as its databases have it
_UNSAYABLE = re.compile("[\0\ud800-\udfff]")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_IDENTITY = re.compile(r"[A-Za-z0-9][\w-]{0,255}", re.ASCII)
_OWN = "mlflow."


def check(change: Change) -> None:
    """Look whether MLflow could take a change at all.

    Raises:
        ConfigError: it could not: a reserved alias, an unknown stage, a tag that is too long ...
        NotFound: no registered model can be called so.
    """
    match change:
        case SetAlias():
            _check_model(change.model)
            if change.kind is AliasKind.STAGE:
                _check_stage(change.alias)
            else:
                _check_alias(change.alias)
        case SetTags():
            _check_model(change.model)
            _check_tags(change.before)
            _check_tags(change.after)
        case Register():
            _check_new_model(change.model)


def is_number(text: str) -> bool:
    """Say whether `text` can be the number of a version."""
    return _NUMBER.fullmatch(text) is not None


def is_identity(text: str) -> bool:
    """Say whether `text` can be the id of a run or a LoggedModel."""
    return _IDENTITY.fullmatch(text) is not None


def is_name(model: str) -> bool:
    """Say whether MLflow 3 can have a model called `model`; before, any text would do."""
    path = re.search("[/:]", model) or posixpath.normpath(model) != model or model.startswith("..") or model == "."
    return bool(model.strip()) and not path and not _UNSAYABLE.search(model)


def _check_model(model: str) -> None:
    if model.startswith(RUNS):
        hint = "`lineal register` makes a version of a registered model of it"
        raise NotFound(f"{_cut(model)!r} is no registered model of MLflow's: it stands for runs", hint=hint)
    if not model or _UNSAYABLE.search(model):
        raise NotFound(f"no model of MLflow's can be called {_cut(model)!r}", hint="`lineal ls` lists what there is")


def _check_new_model(model: str) -> None:
    if not is_name(model) or len(model) > _NAME:
        hint = "choose a name of at most 256 characters without `/` and `:`, not empty, not `.` and not `..`"
        raise ConfigError(f"MLflow takes no model called {_cut(model)!r}", hint=hint)


def _check_alias(alias: str) -> None:
    if alias.lower() == "latest":
        raise ConfigError(
            f"MLflow keeps the alias {alias!r} for the newest version", hint="choose another, such as `prod`"
        )
    if _VERSION.fullmatch(alias):
        raise ConfigError(f"MLflow keeps {alias!r} for a version's number", hint="choose a word, such as `prod`")
    if not _ALIAS.fullmatch(alias):
        hint = "choose at most 255 letters, digits, `-` and `_`"
        raise ConfigError(f"MLflow takes no alias called {_cut(alias)!r}", hint=hint)


def _check_stage(stage: str) -> None:
    if stage not in STAGES:
        hint = f"choose {', '.join(STAGES[:-1])} or {STAGES[-1]}; what has none of them is in stage {NONE}"
        raise ConfigError(f"MLflow has no stage {_cut(stage)!r} to be given", hint=hint)


def _check_tags(tags: Sequence[Tag]) -> None:
    if len({tag.key for tag in tags}) != len(tags):
        raise ConfigError("the same tag twice", hint="give each tag one value")
    for tag in tags:
        _check_key(tag.key)
        if len(tag.value) > _VALUE:
            hint = f"at most {_VALUE:,} characters; 5,000 before MLflow 3"
            raise ConfigError(f"the value of tag {tag.key!r} is too long for MLflow", hint=hint)
        if _UNSAYABLE.search(tag.value):
            raise ConfigError(f"the value of tag {tag.key!r} is no text", hint="leave out what UTF-8 cannot say")
        if not may_be_shown(tag.key, tag.value):
            hint = "set it with MLflow's own client: what is set here is shown and kept in a ledger"
            raise ConfigError(f"tag {tag.key!r} may hold a secret", hint=hint)


def _check_key(key: str) -> None:
    if not _KEY.fullmatch(key) or posixpath.normpath(key) != key or key.startswith(("..", "/")) or key == ".":
        hint = "at most 250 letters, digits, `_`, `-`, `.`, `:`, spaces, and `/` in between"
        raise ConfigError(f"MLflow takes no tag called {_cut(key)!r}", hint=hint)
    if key.startswith(_OWN):
        raise ConfigError(f"tag {key!r} is one of MLflow's own", hint=f"choose a key that does not begin with {_OWN}")


def _cut(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
