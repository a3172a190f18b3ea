"""A workspace opened although its configuration cannot be read: the application stays up and says what is wrong."""

from __future__ import annotations

from pathlib import Path

from msgspec import structs

from lineal.config import Config, Surroundings, load
from lineal.errors import ConfigError
from lineal.workspace import Workspace, around_folder

ANYWAY = "LINEAL_ANYWAY"
"""Set for the children of the application where it was opened with defaults for a configuration that cannot be read."""


def open_anyway(
    path: str | Path | None = None, *, index: str = "", around: Surroundings | None = None, as_is: bool = False
) -> Workspace:
    """Like `open_workspace`, with defaults for a configuration file that cannot be used.

    Then nothing may be changed, for what a policy would say is unknown, and `config.wrong` says why.
    """
    around = around_folder(path, around)
    try:
        config = load(around)
    except ConfigError as error:
        config = _with_defaults(around, error)
    return Workspace(config, around, index, as_is=as_is)


def _with_defaults(around: Surroundings, error: ConfigError) -> Config:
    """Read the configuration without the files that cannot be used."""
    for without in (("user",), ("project",)):
        try:
            config = load(around, without=without)
            break
        except ConfigError:
            continue
    else:
        config = load(around, without=("user", "project"))
    wrong = f"{error.message}{f' ({error.hint})' if error.hint else ''}"
    return structs.replace(config, wrong=wrong, read_only=f"the configuration cannot be read: {wrong}")
