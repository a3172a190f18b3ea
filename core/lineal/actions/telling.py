"""What the policy's hooks are told of an action that was carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lineal.ledger.events import Event
from lineal.model.changes import SetAlias
from lineal.model.plan import Plan

if TYPE_CHECKING:
    from lineal.actions.desk import Desk

_EVENTS = {
    "promote": "promoted",
    "rollback": "rolled_back",
    "alias": "alias",
    "tag": "tagged",
    "approve": "approved",
    "reject": "rejected",
    "request": "requested",
    "register": "registered",
    "note": "noted",
    "deployed": "deployed",
    "undo": "undone",
}


def tell(desk: Desk, plan: Plan, began: Event) -> tuple[str, ...]:
    """Start the hooks that wait for an action, in the background, and say which those are."""
    policy = desk.work.config.policy
    event = _EVENTS.get(plan.action)
    if event is None or not any(hook.wants(event, plan.subject.model, plan.alias) for hook in policy.hooks):
        return ()
    from lineal.actions.hooks import Happening, in_background

    moved = next((change for change in plan.changes if isinstance(change, SetAlias)), None)
    happening = Happening(
        event=event,
        id=began.id,
        registry=plan.subject.registry,
        model=plan.subject.model,
        version=plan.subject.name,
        alias=plan.alias,
        before=plan.incumbent.name if moved else "",
        after=plan.subject.name if moved and moved.after else "",
        by=plan.by,
        at=began.at,
        reason=plan.reason,
        action=plan.id,
        command=plan.command,
        checks=plan.checks,
    )
    trusted = desk.trusts()
    started = in_background(policy.hooks, happening, desk.work.around, lambda _: trusted, desk.work.root)
    return (started.error,) if started.error else tuple(f"telling {name}" for name in started.hooks)
