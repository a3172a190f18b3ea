"""Which version an alias held when, put together from what a registry keeps itself and what the ledger holds.

A registry that keeps a history of its own (git tags) is believed. Of others the ledger knows what Lineal moved and what
syncs saw; before the first look nothing is known, and that is said. A version that is no longer in the index keeps its
key as its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from lineal.ledger import events
from lineal.ledger.folding import State
from lineal.model.plan import Approval, Holding, Subject
from lineal.model.records import AliasMove
from lineal.model.reference import Selector, SelectorKind, canonical

if TYPE_CHECKING:
    from lineal.workspace import Workspace

ACTION, OBSERVED, REGISTRY, NOW, UNKNOWN = "action", "observed", "registry", "now", "unknown"
_SAME = 5.0  # seconds between an action and the time that a registry writes down for it
_OWN_HISTORY = frozenset({"dvc"})  # kinds of registry whose index rows of moves come from a history of their own


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """One move of an alias, whoever knows of it. `number` is that of the ledger's entry, 0 for none."""

    at: float
    before: str
    after: str
    by: str = ""
    source: str = ACTION
    number: int = 0


class Book:
    """The history of the aliases of one workspace, at one state of the ledger."""

    def __init__(self, work: Workspace, state: State, ledger_name: str, kind: str) -> None:
        """Open it for one registry: what the ledger calls it, and its kind."""
        self._work, self._state, self._named, self._kind = work, state, ledger_name, kind

    def moves(self, registry: str, model: str, alias: str) -> list[Moved]:
        """Return all known moves of an alias, oldest first."""
        own = [
            Moved(
                at=move.at,
                before=move.before,
                after=move.after,
                by=move.by,
                source=OBSERVED if move.observed else ACTION,
                number=move.number,
            )
            for move in self._state.moves(self._named, model, alias)
        ]
        if self._kind not in _OWN_HISTORY:
            return own
        theirs = [move for move in self._work.index.history(registry, model).moves if move.name == alias]
        return [self._joined(move, own) for move in theirs]

    def _joined(self, move: AliasMove, own: Sequence[Moved]) -> Moved:
        """Return a registry's move with the number of the action that made it, where one did."""
        made = (one for one in own if one.after == move.after and one.before == move.before)
        near = min(made, key=lambda one: abs(one.at - move.at), default=None)
        number = near.number if near and abs(near.at - move.at) <= _SAME else 0
        source = ACTION if number else REGISTRY
        return Moved(at=move.at, before=move.before, after=move.after, by=move.by, source=source, number=number)

    def aliases(self, registry: str, model: str) -> list[str]:
        """Return every alias that the model has or ever had, as far as it is known."""
        history = self._work.index.history(registry, model)
        names = [alias.name for alias in history.aliases if alias.kind not in ("branch", "tag")]
        names += [move.name for move in history.moves]
        names += [about[2] for about in self._state.moved(self._named) if about[1] == model]
        return list(dict.fromkeys(names))

    def holdings(self, registry: str, model: str, alias: str) -> list[Holding]:
        """Return what an alias held, newest first; the first says since when that is known at all."""
        moves = self.moves(registry, model, alias)
        found: list[Holding] = []
        for place, move in enumerate(moves):
            after = moves[place + 1] if place + 1 < len(moves) else None
            found.append(self._holding(registry, model, alias, move, after.at if after else None))
        if not moves or moves[0].before or moves[0].source == OBSERVED:
            found.insert(0, self._before(registry, model, alias, moves))
        elif self._named == "" or self._kind in _OWN_HISTORY:  # the whole history is known: before that it was nothing
            nothing = Holding(registry=registry, model=model, alias=alias, until=moves[0].at, source=REGISTRY)
            found.insert(0, nothing)
        return found[::-1]

    def _holding(self, registry: str, model: str, alias: str, move: Moved, until: float | None) -> Holding:
        return Holding(
            registry=registry,
            model=model,
            alias=alias,
            subject=self.subject(registry, model, move.after),
            since=move.at,
            until=until,
            by=move.by,
            source=move.source,
            action=str(move.number) if move.number else "",
            approvals=self.approvals(model, move.after, alias),
        )

    def _before(self, registry: str, model: str, alias: str, moves: Sequence[Moved]) -> Holding:
        """Return what held before the first known move: that move may name it, but nobody knows since when."""
        first = moves[0] if moves else None
        subject = self.subject(registry, model, first.before) if first else Subject()
        until = first.at if first else None
        return Holding(registry=registry, model=model, alias=alias, subject=subject, until=until, source=UNKNOWN)

    def held(self, registry: str, model: str, alias: str, at: float | None) -> Holding:
        """Return what an alias held at a time, now where none is given."""
        known = self.holdings(registry, model, alias)
        if at is None:
            return self._now(registry, model, alias, known)
        for holding in known:
            if holding.since is not None and holding.since <= at:
                return holding
        watched = self._state.watched.get(self._named)
        first = known[-1] if known else None
        if first is not None and first.since is None and first.until is not None:
            return first
        if watched is not None and watched <= at:  # it was looked at by then, and there was no such alias
            until = first.since if first else None
            return Holding(registry=registry, model=model, alias=alias, since=watched, until=until, source=OBSERVED)
        if self._named == "" or self._kind in _OWN_HISTORY:  # the whole history is known, and this was before it
            until = first.since if first else None
            return Holding(registry=registry, model=model, alias=alias, until=until, source=REGISTRY)
        return Holding(
            registry=registry, model=model, alias=alias, until=first.since if first else None, source=UNKNOWN
        )

    def _now(self, registry: str, model: str, alias: str, known: Sequence[Holding]) -> Holding:
        """Return what an alias holds by the index, which is newer than what was written down where it differs."""
        aliases = self._work.index.history(registry, model).aliases
        now = next((one for one in aliases if one.name == alias and one.kind not in ("branch", "tag")), None)
        last = known[0] if known else None
        if last is not None and last.source != UNKNOWN and self._newer(registry, last):
            return last
        if last is not None and last.source != UNKNOWN and (now is None or last.subject.key == now.key):
            return last
        if now is None:
            return self.held(registry, model, alias, self._work.around.clock())
        return Holding(
            registry=registry,
            model=model,
            alias=alias,
            subject=self.subject(registry, model, now.key),
            since=now.set_at,
            by=now.set_by,
            source=REGISTRY if now.set_at is not None else NOW,
            approvals=self.approvals(model, now.key, alias),
        )

    def _newer(self, registry: str, last: Holding) -> bool:
        """Say whether what was written down is newer than what the index holds."""
        synced = next((row.synced_at for row in self._work.index.registries() if row.name == registry), None)
        return self._named == "" or synced is None or (last.since is not None and last.since > synced)

    def subject(self, registry: str, model: str, key: str) -> Subject:
        """Return a version by its key; by its key alone where the index does not hold it any more."""
        if not key:
            return Subject()
        row = self._work.index.find(registry, model, key)
        if row is None:
            reference = canonical(registry, model, Selector(SelectorKind.ID, key))
            return Subject(registry=registry, model=model, key=key, name=key[:12], reference=reference)
        return Subject(
            registry=registry,
            model=model,
            key=key,
            name=row.name,
            reference=canonical(registry, model, row.name),
            author=row.author,
            created_at=row.created_at,
        )

    def approvals(self, model: str, key: str, alias: str) -> tuple[Approval, ...]:
        """Return what was said about a version and an alias, oldest first; nothing of it is judged here."""
        if not key:
            return ()
        said = self._state.said(self._named, model, key)
        return tuple(spoken(said, alias))


def spoken(said: Iterable[events.Event], alias: str) -> list[Approval]:
    """Return the requests, approvals and rejections for an alias among events."""
    kinds = (events.REQUESTED, events.APPROVED, events.REJECTED)
    return [
        Approval(by=one.by, at=one.at, what=one.kind, text=one.message, event=one.id)
        for one in said
        if one.kind in kinds and one.alias == alias
    ]
