"""What hooks are told, and what became of it: values that go to commands, servers and the ledger."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from lineal.model.plain import finite, spelt
from lineal.model.plan import CheckResult
from lineal.policy.rules import Hook

MAX_OUTPUT = 64 << 10  # bytes that are kept of what a command printed or a server answered


class Happening(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event as hooks are told of it. `before` and `after` are names or keys of versions, "" for none."""

    event: str  # promoted, rolled_back ... : `lineal.policy.rules.EVENTS`
    id: str = ""  # of the ledger's event
    registry: str = ""
    model: str = ""
    version: str = ""
    alias: str = ""
    before: str = ""
    after: str = ""
    by: str = ""
    at: float = 0.0  # Unix seconds
    reason: str = ""
    action: str = ""  # the id of the action that it is part of
    command: str = ""  # the same on the command line
    checks: tuple[CheckResult, ...] = ()


class Outcome(StrEnum):
    """What became of a delivery."""

    DELIVERED = "delivered"
    FAILED = "failed"
    LATE = "too slow"  # it did not end in time, and was stopped
    UNTRUSTED = "not trusted"  # nobody allowed here what the repository brings


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one delivery. `status` is an exit status (negative: a signal) or that of an HTTP answer."""

    outcome: Outcome
    reason: str = ""
    status: int | None = None
    output: str = ""  # foreign text, at most `MAX_OUTPUT` bytes of it
    tries: int = 1


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One hook that was told, or not. Where an address may hold a secret in its path, `target` names the host only."""

    id: str  # 32 hexadecimal digits
    hook: str
    event: str
    of: str = ""  # the id of the ledger's event
    target: str = ""
    outcome: Outcome
    reason: str = ""
    status: int | None = None
    output: str = ""
    tries: int = 0
    at: float = 0.0  # when it began, in Unix seconds
    seconds: float = 0.0

    @property
    def summary(self) -> str:
        """One line about it."""
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.hook} ({self.target}) {self.outcome}{reason}"


def body(happening: Happening, hook: Hook, delivery: str) -> bytes:
    """Return the JSON that a hook is given. The evidence of checks stays in the ledger."""
    checks = tuple(msgspec.structs.replace(one, evidence="") for one in happening.checks)
    said = msgspec.to_builtins(msgspec.structs.replace(happening, checks=checks))
    named = {field: getattr(happening, field) for field in _ALWAYS} | said
    return msgspec.json.encode(spelt(finite(named | {"delivery": delivery, "hook": hook.name})), order="sorted")


_ALWAYS = ("event", "id", "registry", "model", "version", "alias", "before", "after", "by", "at", "reason", "action")


def text(data: bytes) -> str:
    """Return foreign bytes as text, at most `MAX_OUTPUT` bytes of them."""
    return data[:MAX_OUTPUT].decode("utf-8", "backslashreplace")[:MAX_OUTPUT]
