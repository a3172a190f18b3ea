"""`lineal policy init|explain|test`: a first policy, what it asks in sentences, and its own tests."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click

from lineal.cli import output
from lineal.cli.context import Context, format_option, narrate, pass_context
from lineal.cli.output import Cell, Format
from lineal.config import PROJECT_FILE, read
from lineal.config_file import add_policy
from lineal.errors import ConfigError, Conflict
from lineal.model.plan import CheckResult
from lineal.model.records import AliasKind
from lineal.model.reference import parse as parse_reference
from lineal.model.text import visible
from lineal.model.values import Goal
from lineal.policy import cases
from lineal.policy.canonical import canonical
from lineal.policy.explain import explain as explained
from lineal.policy.rules import Policy
from lineal.policy.starting import live, starter
from lineal.workspace import Workspace

_LIMIT = 1 << 20  # bytes of a file of cases
_LOOK = 500  # versions with an alias that are looked at

_KEYS = "\n".join(f"  {line}".rstrip() for line in (cases.__doc__ or "").split("\n\n", 1)[1].rstrip().split("\n"))
EPILOG = f"\b\nA file of cases:\n{_KEYS}"


@click.group("policy")
def command() -> None:
    """Say what must hold before an alias moves: gates, names and hooks in lineal.toml."""


@command.command("init")
@click.option("--show", is_flag=True, help="Print every key with its meaning, and write nothing.")
@pass_context
def init(context: Context, show: bool) -> None:
    """Write a first policy into lineal.toml, made of the aliases and metrics that are there.

    What is written there already stays as it is; where a gate stands, nothing is written.
    """
    if show:
        output.write(starter().rstrip())
        return
    with context.reading() as work:
        file = work.root / PROJECT_FILE
        rules = read(file).rules
        if rules.get("gate"):
            raise Conflict(f"{file} has gates already", hint="`lineal policy explain` says what they ask")
        _readable(work)
        text = _starter(work, policy="policy" not in rules)
        add_policy(file, text)
    narrate(f"wrote a policy into {file}:")
    for line in explained(_policy_of(file)):
        narrate(f"  {line}")
    narrate("edit it as you like; `lineal policy explain` says what it asks")


def _starter(work: Workspace, *, policy: bool) -> str:
    models = list(dict.fromkeys(row.model for row in work.index.models()))
    movable = (AliasKind.ALIAS, AliasKind.STAGE)
    found = [one for row in work.index.registries() for one in work.index.aliases(row.name) if one.kind in movable]
    aliases = [name for name, _ in Counter(one.name for one in found).most_common()]
    return starter(models, aliases, _metrics(work, live(aliases)), policy=policy)


def _metrics(work: Workspace, alias: str) -> dict[str, dict[str, Goal]]:
    """Return the metrics whose goal is known and that all of a model's versions with the alias have, losses last."""
    common: dict[str, set[str]] = {}
    for row in islice(work.versions(f"alias:{json.dumps(alias, ensure_ascii=False)}"), _LOOK):
        if alias in row.aliases:
            common.setdefault(row.model, set(row.metrics)).intersection_update(row.metrics)
    return {model: _goals(work, common[model]) for model in sorted(common)}


def _goals(work: Workspace, metrics: Collection[str]) -> dict[str, Goal]:
    found = (
        (name, work.goals.of(name)[0]) for name in sorted(metrics, key=lambda name: ("loss" in name.lower(), name))
    )
    return {name: goal for name, goal in found if goal is not None}


@command.command("explain")
@click.argument("model", required=False, default="", metavar="[[REGISTRY:]MODEL]")
@click.option("--alias", default="", help="Only what stands before this alias.")
@format_option
@pass_context
def explain(context: Context, model: str, alias: str, form: Format) -> None:
    """Say in sentences what is asked of a MODEL that is to get an alias; without one, of every model.

    \b
    Examples:
      lineal policy explain
      lineal policy explain mlflow:churn --alias prod
    """
    reference = parse_reference(model) if model else None
    if reference is not None and reference.selector.value:
        raise ConfigError(f"{model!r} names a version", hint="`lineal check VERSION --for ALIAS` judges one")
    with context.open() as work:
        policy = _readable(work)
        name, registry = (reference.model, reference.registry) if reference else ("", "")
        lines = explained(policy, name, alias, registry, lambda metric: work.goals.of(metric)[0])
    if form == Format.JSON:
        digests = {"digest": policy.digest, "commands_digest": policy.commands_digest}
        output.document(digests | {"lines": lines, "policy": canonical(policy)})
    elif form == Format.TABLE:
        for line in lines:
            output.write(visible(line))
    else:
        output.table(form, ["rule"], ([line] for line in lines))


@command.command("test", epilog=EPILOG)
@click.argument("file", type=click.Path(path_type=Path))
@format_option
@pass_context
def test(context: Context, file: Path, form: Format) -> int:
    """Try the policy on the made-up versions of a FILE; exit 1 if it says of one what was not expected."""
    with context.open() as work:
        policy = _readable(work)
        if not policy.gates:
            narrate("note: the policy has no gate, so every version passes")
        found = cases.read_cases(_document(work.around.cwd / file), str(file))
        tried = [cases.try_case(policy, one, lambda metric: work.goals.of(metric)[0]) for one in found]
    wrong = [one for one in tried if not one.as_expected]
    if form == Format.JSON:
        output.documents(tried)
    else:
        output.table(form, ["case", "expected", "got", "why"], [_line(one) for one in tried])
    for one in wrong:
        narrate(f"{one.name}: expected {one.expect}, but {one.why}")
        _say_checks(one.checks)
    narrate(f"{len(tried) - len(wrong)} of {len(tried)} cases as expected")
    return 1 if wrong else 0


def _line(one: cases.Tried) -> Sequence[Cell]:
    return [one.name, one.expect, one.got if one.as_expected else f"{one.got} (!)", one.why]


def _say_checks(checks: Sequence[CheckResult]) -> None:
    for check in checks:
        narrate(f"  {check.outcome.value:<9} {check.id}: {check.title} [{check.reason}]")


def _document(file: Path) -> Mapping[str, Any]:
    try:
        with file.open("rb") as stream:
            data = stream.read(_LIMIT + 1)
        if len(data) > _LIMIT:
            raise ConfigError(f"{file} is larger than {_LIMIT >> 20} MiB", hint="is it the right file?")
        return tomllib.loads(data.decode())
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}", hint="name a TOML file of cases") from error
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, or a number of thousands of digits
        raise ConfigError(
            f"{file} is not TOML: {error}", hint="`lineal policy test --help` shows an example"
        ) from error


def _readable(work: Workspace) -> Policy:
    """Return the policy. Raises ConfigError where it cannot be read."""
    if work.config.policy_error:
        raise ConfigError(work.config.policy_error, hint="until the policy is mended, nothing can be changed")
    return work.config.policy


def _policy_of(file: Path) -> Policy:
    from lineal.policy.rules import parse

    return parse(read(file).rules, str(file))
