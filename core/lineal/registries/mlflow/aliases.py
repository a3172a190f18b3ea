"""Aliases of registered models: one pointer each, moved by one call."""

from __future__ import annotations

from msgspec import structs

from lineal.errors import Conflict
from lineal.model.changes import Receipt, SetAlias
from lineal.registries.mlflow.rest import Call
from lineal.registries.mlflow.sending import LOOK, Sender, named


class Aliases:
    """Moves aliases."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def current(self, change: SetAlias) -> SetAlias:
        """Return the move from where the alias is now. Raises NotFound."""
        before = self._held(change)
        if change.after:
            self._sender.version(change.model, change.after)
        return structs.replace(change, before=before)

    def calls(self, change: SetAlias) -> list[Call]:
        """Return the one call of a move."""
        about: dict[str, str | bool] = {"name": change.model, "alias": change.alias}
        if not change.after:
            return [Call(method="DELETE", path="registered-models/alias", body=about)]
        return [Call(method="POST", path="registered-models/alias", body=about | {"version": change.after})]

    def holds(self, change: SetAlias) -> str | None:
        """Return "" if the alias is where the move takes it, else None."""
        return "" if self._held(change) == change.after else None

    def apply(self, change: SetAlias) -> Receipt:
        """Move an alias that is where the change takes it to be. Raises Conflict, NotFound."""
        what = f"{change.model}@{change.alias}"
        if change.after:
            self._sender.version(change.model, change.after)
        now = self._held(change)
        if now != change.before:
            raise Conflict(f"{what} is {named(now)} now, not {named(change.before)}", hint=LOOK)
        if now == change.after:
            raise Conflict(f"{what} is {named(now)} already", hint="there is nothing to do")
        (call,) = self.calls(change)
        detail = self._sender.settle(call, lambda: self._held(change), (change.before, change.after), what)
        return Receipt(calls=(self._sender.rest.line(call),), detail=detail)

    def _held(self, change: SetAlias) -> str:
        row = self._sender.model(change.model)
        return next((alias.version for alias in row.aliases if alias.alias == change.alias), "")
