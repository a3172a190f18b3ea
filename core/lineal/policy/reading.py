"""From a policy as it is written to what it means: every value is checked, and what contradicts itself refused."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from lineal.errors import ConfigError
from lineal.model.reference import REGISTRY
from lineal.model.values import Goal
from lineal.policy import patterns, units
from lineal.policy.canonical import canonical, commands_of
from lineal.policy.document import CommandTable, GateTable, HookTable, MetricTable, PolicyTable, converted, meant
from lineal.policy.order import refuse_cycles
from lineal.policy.rules import (
    EVENTS,
    Bound,
    CommandCheck,
    Counterpart,
    FileRules,
    Gate,
    Hook,
    MetricGate,
    Names,
    Policy,
    Required,
    matches,
)

_GLOB = 200  # characters
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_NORMAL = re.compile(r"[-_.]+")
_LONGEST_WAIT = 3600.0  # seconds of a command or a hook
_MOST = 100  # approvals, tries


def read(document: Mapping[str, Any], where: str) -> Policy:
    """Read the policy of a document. Raises ConfigError; `where` is the file's name in its messages."""
    try:
        return _meant(document, where)
    except UnicodeEncodeError as error:  # never from TOML, which is UTF-8
        raise ConfigError(f"{where}: half a character stands in the policy", hint="write it as UTF-8") from error


def _meant(document: Mapping[str, Any], where: str) -> Policy:
    written = converted(document, where)
    gates = tuple(_gate(one, f"{where}: gate {at}") for at, one in enumerate(written.gate, 1))
    hooks = tuple(_hook(one, f"{where}: on {at}", at) for at, one in enumerate(written.on, 1))
    _one_meaning([one for gate in gates for one in gate.commands], where)
    _distinct([hook.name for hook in hooks], f"{where}: hooks called")
    refuse_cycles(gates, where)
    names = _names(written.policy, where)
    policy = Policy(owner=_tag(written.policy.owner, where), names=names, gates=gates, hooks=hooks)
    return msgspec.structs.replace(
        policy, digest=_digest(canonical(policy)), commands_digest=_digest(commands_of(policy))
    )


def _digest(plain: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest() if plain else ""


def _tag(text: str, where: str) -> str:
    if not text.strip():
        raise ConfigError(f"{where}: policy, owner is empty", hint='name the tag that says who owns a version: "owner"')
    return text


def _names(table: PolicyTable, where: str) -> Names:
    names = msgspec.convert(msgspec.to_builtins(table.names), Names)
    for field in names.__struct_fields__:
        try:
            patterns.compiled(getattr(names, field))
        except ConfigError as error:
            raise ConfigError(f"{where}: policy, names, {field}: {error.message}", hint=error.hint) from error
    return names


def _gate(table: GateTable, where: str) -> Gate:
    aliases = _globs(table.alias, f"{where}, alias")
    if not aliases:
        raise ConfigError(f"{where}, alias names none", hint='alias = "prod"')
    where = f"{where} ({', '.join(aliases)})"
    gate = Gate(
        alias=aliases,
        models=_globs(table.models, f"{where}, models") or ("*",),
        registries=_globs(table.registries, f"{where}, registries") or ("*",),
        require=tuple(dict.fromkeys(_required(one, f"{where}, require") for one in table.require)),
        clean=table.clean,
        branches=_globs(table.branches, f"{where}, branches"),
        after=_alias(table.after, f"{where}, after"),
        at_least=units.seconds(table.at_least, f"{where}, at_least") if table.at_least else 0.0,
        approvals=table.approvals,
        approvers=_globs(table.approvers, f"{where}, approvers"),
        signers=_inside(table.signers, f"{where}, signers"),
        archive=_alias(table.archive, f"{where}, archive"),
        counterparts=tuple(_counterpart(one, f"{where}, counterparts") for one in _texts(table.counterparts)),
        files=FileRules(
            safe=table.files.safe,
            verified=table.files.verified,
            largest=units.size(table.files.largest, f"{where}, files, largest") if table.files.largest else None,
        ),
        environment=_bounds(table.environment, f"{where}, environment"),
        metrics=tuple(_metric(one, f"{where}, metric {at}") for at, one in enumerate(table.metric, 1)),
        commands=tuple(_command(one, f"{where}, command {at}") for at, one in enumerate(table.command, 1)),
    )
    _distinct(
        [f"{one.name} on {one.dataset}" if one.dataset else one.name for one in gate.metrics], f"{where}: metrics"
    )
    _distinct([one.name for one in gate.commands], f"{where}: commands")
    _agreeing(gate, where)
    return gate


def _agreeing(gate: Gate, where: str) -> None:
    """Refuse rules that say nothing, or what no version can meet."""
    for wrong, message, hint in (
        (gate.branches and not gate.clean, "branches are asked for, but not clean", "add clean = true"),
        (gate.at_least and not gate.after, "at_least is a time in which alias?", 'add after = "staging"'),
        (not 0 <= gate.approvals <= _MOST, f"{gate.approvals} approvals", f"a number from 0 to {_MOST}"),
        (gate.approvers and not gate.approvals, "approvers, but no approvals", "add approvals = 1"),
        (gate.signers and not gate.approvals, "signers, but no approvals", "add approvals = 1"),
        (
            gate.archive and matches(gate.alias, gate.archive),
            f"archive {gate.archive!r} is an alias of this very gate",
            "the version that is replaced needs another one",
        ),
    ):
        if wrong:
            raise ConfigError(f"{where}: {message}", hint=hint)


def _required(name: str, where: str) -> Required:
    try:
        return Required(name)
    except ValueError:
        raise ConfigError(f"{where}: {name[:60]!r} cannot be required", hint=meant(name, list(Required))) from None


def _bounds(table: Mapping[str, str], where: str) -> tuple[Bound, ...]:
    found = {}
    for name, text in table.items():
        normal = _NORMAL.sub("-", name.strip()).lower()
        if not normal or normal in found:
            raise ConfigError(f"{where}: {name!r} is there twice, or is no name", hint="name each package once")
        found[normal] = Bound(name=normal, specifier=_specifier(text, f"{where}, {name}"))
    return tuple(found[name] for name in sorted(found))


def _specifier(text: str, where: str) -> str:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # takes longer to import than all of the policy

    try:
        if not text.strip() or len(text) > _GLOB:
            raise InvalidSpecifier(text)
        SpecifierSet(text)
        return ",".join(part for one in text.split(",") if (part := "".join(one.split())))
    except InvalidSpecifier:
        raise ConfigError(
            f"{where}: {text[:60]!r} is no range of versions", hint='as in PEP 440: ">=3.11,<3.13", "==2.1.*", "~=4.40"'
        ) from None


def _metric(table: MetricTable, where: str) -> MetricGate:
    if not table.name:
        raise ConfigError(f"{where} has no name", hint='name = "auc"')
    where = f"{where} ({table.name})"
    if table.goal and table.goal not in list(Goal):
        raise ConfigError(f"{where}: goal is {table.goal[:40]!r}", hint='"max": more is better, "min": less is')
    noise, percent = _tolerance(table.noise, where)
    gate = MetricGate(
        name=table.name,
        goal=Goal(table.goal) if table.goal else None,
        min=_finite(table.min, f"{where}, min"),
        max=_finite(table.max, f"{where}, max"),
        no_worse=table.no_worse,
        noise=noise,
        percent=percent,
        dataset=next(iter(_globs(table.dataset or (), f"{where}, dataset")), ""),
    )
    if gate.min is None and gate.max is None and not gate.no_worse:
        raise ConfigError(f"{where} asks for nothing", hint="give it min, max or no_worse = true")
    if gate.min is not None and gate.max is not None and gate.min > gate.max:
        raise ConfigError(f"{where}: min is larger than max", hint="no value lies between them")
    if table.noise is not None and not gate.no_worse:
        raise ConfigError(f"{where}: noise, but not no_worse", hint="noise only softens no_worse = true")
    return gate


def _tolerance(noise: float | str | None, where: str) -> tuple[float | None, float | None]:
    """Return a tolerance in the metric's own unit, or in percent."""
    if isinstance(noise, str):
        return None, units.percent(noise, f"{where}, noise")
    found = _finite(noise, f"{where}, noise")
    if found is not None and found < 0:
        raise ConfigError(f"{where}: noise is negative", hint="by how much worse still counts as equal: 0 or more")
    return found, None


def _finite(value: float | None, where: str) -> float | None:
    if value is not None and not math.isfinite(value):
        raise ConfigError(f"{where} is {value}, no finite number", hint="leave it out where there is no bound")
    return value


def _command(table: CommandTable, where: str) -> CommandCheck:
    timeout = units.seconds(table.timeout, f"{where}, timeout")
    name, run = _name(table.name, where), _words(table.run, where)
    return CommandCheck(name=name, run=run, timeout=_wait(timeout, f"{where}, timeout"))


def _hook(table: HookTable, where: str, number: int) -> Hook:
    events = _globs(table.event, f"{where}, event")
    for event in events or ("",):
        if not any(matches((event,), known) for known in EVENTS):
            raise ConfigError(f"{where}: there is no event {event[:60]!r}", hint=meant(event, EVENTS))
    if bool(table.run) == bool(table.url):
        raise ConfigError(f"{where} needs either run or url", hint='run = ["notify"] or url = "https://..."')
    if table.url and not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", table.url[:2000]):
        raise ConfigError(
            f"{where}: {table.url[:60]!r} is no URL to post to", hint="https://host/path, without a password"
        )
    if table.secret_env and not (table.url and _VARIABLE.fullmatch(table.secret_env)):
        raise ConfigError(
            f"{where}: secret_env is {table.secret_env[:60]!r}",
            hint="the name of an environment variable, never the secret; it signs what goes to a url",
        )
    if not 1 <= table.tries <= _MOST:
        raise ConfigError(f"{where}: {table.tries} tries", hint=f"a number from 1 to {_MOST}")
    return Hook(
        name=_name(table.name, where) if table.name else f"on-{number}",
        event=events,
        models=_globs(table.models, f"{where}, models") or ("*",),
        aliases=_globs(table.aliases, f"{where}, aliases") or ("*",),
        run=_words(table.run, where) if table.run else (),
        url=table.url,
        secret_env=table.secret_env,
        timeout=_wait(units.seconds(table.timeout, f"{where}, timeout"), f"{where}, timeout"),
        tries=table.tries,
    )


def _wait(timeout: float, where: str) -> float:
    if not 0 < timeout <= _LONGEST_WAIT:
        raise ConfigError(f"{where} is {units.lasting(timeout)}", hint="more than nothing, and an hour at most")
    return timeout


def _words(words: Sequence[str], where: str) -> tuple[str, ...]:
    if not words or not words[0].strip() or any("\0" in word for word in words):
        raise ConfigError(f"{where}: run names no program", hint='a list of words: ["python", "tests/smoke.py"]')
    return tuple(words)


def _name(text: str, where: str) -> str:
    if not _NAME.fullmatch(text):
        raise ConfigError(f"{where}: {text[:60]!r} is no name", hint="letters, digits, blanks and . _ - , 64 at most")
    return text


def _texts(given: str | tuple[str, ...]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else given


def _globs(given: str | tuple[str, ...], where: str) -> tuple[str, ...]:
    found = _texts(given)
    for text in found:
        if not text.strip() or len(text) > _GLOB:
            raise ConfigError(f"{where}: {text[:60]!r} is no pattern of names", hint='"churn", "fraud-*" or "*"')
    return tuple(dict.fromkeys(found))


def _alias(text: str, where: str) -> str:
    if text and any(sign in text for sign in "*?[@~"):
        raise ConfigError(f"{where}: {text[:60]!r} is no single alias", hint='name one: "staging"')
    return text


def _inside(text: str, where: str) -> str:
    if text and (text.startswith(("/", "~", "\\")) or ".." in re.split(r"[/\\]", text) or "\0" in text):
        raise ConfigError(f"{where}: {text[:60]!r} is not below lineal.toml", hint="keep it beside the policy")
    return text


def _counterpart(text: str, where: str) -> Counterpart:
    registry, _, model = text.partition(":")
    if not model or not REGISTRY.fullmatch(registry) or any(sign in text for sign in "*?[@"):
        raise ConfigError(f"{where}: {text[:60]!r} names no model of a registry", hint='"gto:churn", without globs')
    return Counterpart(registry=registry, model=model)


def _distinct(names: Sequence[str], where: str) -> None:
    for twice in _repeated(names):
        raise ConfigError(f"{where}: {twice!r} is there twice", hint="give one of them another name, or take it out")


def _repeated(names: Sequence[str]) -> Iterator[str]:
    return (name for at, name in enumerate(names) if name in names[:at])


def _one_meaning(commands: Sequence[CommandCheck], where: str) -> None:
    """Results are known by name: what several gates call the same must be the same."""
    known: dict[str, CommandCheck] = {}
    for one in commands:
        if known.setdefault(one.name, one) != one:
            raise ConfigError(f"{where}: two commands are called {one.name!r}", hint="give one of them another name")
