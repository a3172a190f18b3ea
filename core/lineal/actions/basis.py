"""By whose policy CI judges: that of the branch that a change is to go into, not the one that it brings along."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from lineal.actions.gathering import in_workspace
from lineal.actions.trust import digest, named
from lineal.config import PROJECT_FILE
from lineal.errors import ConfigError, Error
from lineal.policy.rules import Policy, parse

if TYPE_CHECKING:
    from lineal.formats.git import Git
    from lineal.workspace import Workspace

_VARIABLES = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CHANGE_TARGET")
_LARGEST = 1 << 20  # bytes of a lineal.toml


class Basis(msgspec.Struct, frozen=True):
    """Where the policy came from, and what may be run because it came from there."""

    read: Callable[[str], bytes | None]  # gives a file of the workspace as it is there
    ref: str = ""
    vouched: Callable[[str], bool] = lambda _: False


def based(work: Workspace, ref: str) -> Basis:
    """Let a workspace be judged by the policy of a git ref, or of the base branch that CI names; else by its own.

    What that policy brings to be run may be run where the files that it names are, in the work tree, as they are there.

    Raises:
        ConfigError: there is no such ref, or its policy cannot be read.
    """
    wanted = ref or _base(work.around.environ)
    if not wanted:
        return Basis(read=in_workspace(work.root))
    from lineal.formats.git import Git

    git = Git(str(work.root))
    if git.tried("rev-parse", "--verify", "--quiet", f"{wanted}^{{commit}}") is None:
        hint = "fetch it: `git fetch origin BRANCH`, or check out with the whole history"
        raise ConfigError(f"there is no {wanted} in {work.root}", hint=hint)
    policy = _policy(git, wanted)
    work.config = msgspec.structs.replace(work.config, policy=policy, policy_error="")
    commands = [one.run for one in policy.commands] + [hook.run for hook in policy.hooks if hook.run]
    same = all(_same(git, wanted, name, work) for name in named(commands, work.root))
    token = digest(commands, work.root)
    return Basis(lambda name: _file(git, wanted, name), wanted, lambda asked: same and asked == token)


def _base(environ: Mapping[str, str]) -> str:
    """Return the branch that CI says a change is to go into, as a clone of it has it."""
    branch = next((environ[name] for name in _VARIABLES if environ.get(name)), "")
    return f"origin/{branch}" if branch else ""


def _policy(git: Git, ref: str) -> Policy:
    said = _file(git, ref, PROJECT_FILE)
    if said is None:
        return Policy()
    try:
        return parse(tomllib.loads(said.decode()), f"{PROJECT_FILE} of {ref}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{PROJECT_FILE} of {ref} is not TOML: {error}") from error


def _file(git: Git, ref: str, name: str) -> bytes | None:
    """Return a file as it is at the ref, or None where there is none."""
    prefix = git.tried("rev-parse", "--show-prefix") or ""
    try:
        said = git.ask("cat-file", "blob", f"{ref}:{prefix}{name.removeprefix('./')}", most=_LARGEST)
    except Error:
        return None
    return None if said.cut else said.out


def _same(git: Git, ref: str, name: str, work: Workspace) -> bool:
    """Say whether a file of the work tree is as it is at the ref."""
    prefix = git.tried("rev-parse", "--show-prefix") or ""
    there = git.tried("rev-parse", "--verify", "--quiet", f"{ref}:{prefix}{name.removeprefix('./')}")
    here = git.tried("hash-object", "--no-filters", "--", str(work.root / name))
    return there is not None and there == here
