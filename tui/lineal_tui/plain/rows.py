"""Versions, models and registries as one statement each, for lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lineal.model.listing import ModelRow, RegistryRow, VersionRow
from lineal.model.plan import Subject
from lineal.model.values import Goal
from lineal_tui.plain import words
from lineal_tui.present import text
from lineal_tui.present.telling import telling

_METRICS = 3


def name(row: VersionRow | Subject) -> str:
    """Return what people call a version, with its model."""
    return f"{text.safe(row.model, 80)} {text.safe(row.name or row.key[:12], 60)}" if row.key else "nothing"


def version(row: VersionRow, goals: Mapping[str, Goal], now: float, *, marked: bool, several: bool) -> str:
    """Return a version for a list: name, aliases, the metrics that tell most, age and author."""
    facts = [name(row) if several else text.safe(row.name, 60)]
    facts += [words.aliases(row.aliases)] if row.aliases else []
    facts += ["marked"] if marked else []
    facts += [row.state] if row.state != "ready" else []
    facts += metrics(row, goals)
    facts += [f"made {words.ago(row.created_at, now)}"] if row.created_at is not None else []
    facts += [f"by {text.safe(row.author, 40)}"] if row.author else []
    facts += [f"in {text.safe(row.registry, 40)}"] if several else []
    return ", ".join(facts)


def metrics(row: VersionRow, goals: Mapping[str, Goal]) -> list[str]:
    """Return the metrics that tell most, those with a known goal first."""
    names = sorted(row.metrics, key=lambda one: (telling(one), one not in goals, one))[:_METRICS]
    return [f"{text.safe(one, 40)} {number(row.metrics[one])}" for one in names]


def number(value: float) -> str:
    """Return a number without signs that are not read aloud."""
    return text.number(float(value)).replace("−", "minus ").replace("∞", "infinity").replace("NaN", "not a number")


def model(row: ModelRow) -> str:
    """Return a model for a list."""
    return f"{text.safe(row.model, 80)} in {text.safe(row.registry, 40)}, {words.counted(row.versions, 'version')}"


def registry(row: RegistryRow, now: float, *, changed: bool = False) -> str:
    """Return a registry for a list: whether it can be read, how much it holds, how fresh, where it is."""
    facts = [f"{text.safe(row.name, 60)}"]
    if row.error:
        facts.append("cannot be read")
    elif row.synced_at is None:
        facts.append("never read")
    facts += [f"kind {text.safe(row.kind, 20)}", words.counted(row.versions, "version")]
    facts += [words.counted(row.problems, "problem")] if row.problems else []
    if row.synced_at is not None:
        facts.append(f"read {words.ago(row.synced_at, now)}")
    facts += ["it has changed since"] if changed else []
    return ", ".join([*facts, f"at {text.safe(row.url, 200)}"])


def broken(registries: Sequence[RegistryRow]) -> list[str]:
    """Return which registries cannot be read, in one statement."""
    names = [text.safe(row.name, 40) for row in registries if row.error]
    if not names:
        return []
    return [f"{words.counted(len(names), 'registry', 'registries')} cannot be read: {words.listed(names)}; "
            "type sources for why"]  # fmt: skip
