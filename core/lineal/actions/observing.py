"""Aliases of other registries that were seen to have moved: the history that they do not keep themselves.

After a sync what the index holds is compared with what the ledger last knew. Only a workspace that has a ledger keeps
it; a registry whose own history is whole (git tags, a native store) needs none.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import msgspec

from lineal.actions.recording import Recorder
from lineal.ledger import events
from lineal.ledger.events import Move
from lineal.ledger.folding import State
from lineal.model.records import AliasKind

if TYPE_CHECKING:
    from lineal.ledger.ledger import Ledger
    from lineal.workspace import Workspace

_OWN = frozenset({"dvc", "native"})  # kinds of registry that keep a history themselves
_MOST = 5_000  # moves in one event


def watch(work: Workspace, names: Collection[str]) -> int:
    """Observe registries that were just synced, where the workspace has a ledger and may be written to.

    Raises:
        StoreError, RegistryError: the ledger; the index is up to date all the same.
    """
    if work.config.read_only or all(spec.kind in _OWN for spec in work.specs):
        return 0
    from lineal.actions.desk import Desk

    desk = Desk(work)
    try:
        shelf = desk.chronicle()
        return observe(work, shelf.ledger, desk.recorder(), names) if shelf else 0
    finally:
        desk.close()


class Seen(msgspec.Struct, frozen=True):
    """What one registry's aliases point at: by model and alias, the key."""

    registry: str
    aliases: dict[tuple[str, str], str]


def observe(work: Workspace, ledger: Ledger, recorder: Recorder, changed: Collection[str]) -> int:
    """Write down which aliases moved since they were last seen; return how many.

    Args:
        work: its index was just synced.
        ledger: where it is written.
        recorder: writes it.
        changed: names of registries that may say something new; others are looked at only the first time.
    """
    ledger.refresh()
    rows = [row for row in work.index.registries() if row.synced_at is not None and not row.error]
    count = 0
    for row in rows:
        if row.kind not in _OWN and (row.name in changed or row.name not in ledger.state.watched):
            count += _registry(Seen(row.name, _aliases(work, row.name)), ledger, recorder)
    return count


def _aliases(work: Workspace, registry: str) -> dict[tuple[str, str], str]:
    kinds = (AliasKind.BRANCH, AliasKind.TAG)
    return {(one.model, one.name): one.key for one in work.index.aliases(registry) if one.kind not in kinds}


def _registry(seen: Seen, ledger: Ledger, recorder: Recorder) -> int:
    """Write the moves of one registry; each event once, whoever else syncs at the same time."""
    if seen.registry not in ledger.state.watched:
        watched = recorder.event(events.WATCHED, registry=seen.registry)
        recorder.write(watched, lambda state: seen.registry in state.watched)
    total = 0
    while moves := _moves(seen, ledger.state)[:_MOST]:
        event = recorder.event(events.OBSERVED, registry=seen.registry, moves=tuple(moves))
        recorder.write(event, lambda state, moves=moves: _moves(seen, state)[:_MOST] != moves)  # type: ignore[misc]
        total += len(moves)
    return total


def _moves(seen: Seen, state: State) -> list[Move]:
    """Return how the aliases differ from what the ledger knows."""
    known = {about[1:]: state.alias(*about) for about in state.moved(seen.registry)}
    found = [
        Move(model, alias, known.get((model, alias), ""), key)
        for (model, alias), key in sorted(seen.aliases.items())
        if known.get((model, alias), "") != key
    ]
    gone = sorted(about for about, key in known.items() if key and about not in seen.aliases)
    return found + [Move(model, alias, known[model, alias], "") for model, alias in gone]
