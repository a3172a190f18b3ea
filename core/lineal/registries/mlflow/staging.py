"""Stages of registered versions, where a server still has them: what came before aliases.

A version has one stage, and a stage may have many versions; as for MLflow's client, and as a scan has it, a stage
stands for the highest version in it. Moving a stage puts `after` into it, whatever stage that had, and then `before`
into None. Other versions in the stage stay where they are, unless the stage would still stand for one of them: that is
a Conflict. So the inverse brings back what the stage stood for; a version that left another stage for this one is not
put back there.
"""

from __future__ import annotations

from msgspec import structs

from lineal.errors import Conflict, Error, NotFound, RegistryError, Unavailable, Unsupported
from lineal.model.changes import Receipt, SetAlias
from lineal.registries.mlflow.naming import NONE
from lineal.registries.mlflow.rest import Call
from lineal.registries.mlflow.sending import Sender, named

_LOOK = "look at it again: somebody else moved it"


class Stages:
    """Moves stages."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def current(self, change: SetAlias) -> SetAlias:
        """Return the move from the version that the stage stands for now. Raises NotFound."""
        before = _top(self._held(change))
        if change.after:
            self._sender.version(change.model, change.after)
        return structs.replace(change, before=before)

    def calls(self, change: SetAlias) -> list[Call]:
        """Return the calls of a move: into the stage, and out of it."""
        into = [_call(change, change.after, change.alias)] if change.after else []
        return into + ([_call(change, change.before, NONE)] if change.before else [])

    def holds(self, change: SetAlias) -> str | None:
        """Return "" if the stage stands for what the move makes it stand for, else None."""
        return "" if _top(self._held(change)) == change.after else None

    def apply(self, change: SetAlias) -> Receipt:
        """Move a stage that stands for what the change takes it to stand for; wholly, or not.

        Raises:
            Conflict: it stands for another version, or would stand for another afterwards.
            Unsupported: the server has no stages any more.
            NotFound, RegistryError: as for any call; what was done is taken back, or the error says what is so.
        """
        left = self._stage(change, change.after) if change.after else NONE
        held = self._held(change)
        self._compare(change, held)
        calls = self.calls(change)
        into, *out = calls[1:] if change.after in held else calls
        details = [self._moved(change, into)]
        for call in out:
            try:
                details.append(self._moved(change, call))
            except Error as error:
                raise self._taken_back(change, left, error) from error
        self._look(change)
        details += [f"v{change.after} left {left}"] if left not in {NONE, change.alias} else []
        rest = sorted(held - {change.before, change.after}, key=int)
        details += [f"{', '.join(map(named, rest))} stay in {change.alias} too"] if rest else []
        made = tuple(self._sender.rest.line(call) for call in (into, *out))
        return Receipt(calls=made, detail="; ".join(dict.fromkeys(details)))

    def _compare(self, change: SetAlias, held: set[str]) -> None:
        what, top = _what(change), _top(held)
        if top != change.before:
            raise Conflict(f"{what} is {named(top)} now, not {named(change.before)}", hint=_LOOK)
        if top == change.after:
            raise Conflict(f"{what} is {named(top)} already", hint="there is nothing to do")
        others, least = held - {change.before, change.after}, int(change.after or 0)
        above = [key for key in others if int(key) > least]
        if above:
            said = ", ".join(map(named, sorted(above, key=int)))
            hint = "take them out of it with MLflow's own client: a stage stands for the highest version in it"
            raise Conflict(f"{what} would stand for {named(_top(set(above)))}: {said} are in it too", hint=hint)

    def _moved(self, change: SetAlias, call: Call) -> str:
        """Put one version into a stage and look; return how that is known."""
        key, stage = str(call.body["version"]), str(call.body["stage"])
        now = self._stage(change, key)
        what = f"the stage of {change.model} {named(key)}"
        try:
            return self._sender.settle(call, lambda: self._stage(change, key), (now, stage), what)
        except NotFound as error:
            self._sender.version(change.model, key)
            hint = "use an alias: newer servers have no stages any more"
            raise Unsupported(f"{self._sender.registry} cannot set a stage: {error.message}", hint=hint) from error

    def _look(self, change: SetAlias) -> None:
        try:
            top = _top(self._held(change))
        except RegistryError:
            return
        if top != change.after:
            said = f"{_what(change)} was {named(change.after)} and is {named(top)} now: somebody came in between"
            raise Conflict(said, hint=_LOOK)

    def _taken_back(self, change: SetAlias, left: str, error: Error) -> Error:
        """Put `after` back into the stage that it had; return the error with what became of it."""
        what = f"{change.model} {named(change.after)}"
        if not change.after or left == change.alias:
            return error
        try:
            if self._stage(change, change.after) == change.alias:
                self._moved(change, _call(change, change.after, left))
        except Error as failed:
            said = f"{error.message}; it could not be taken back ({failed.message}): {what} is in {change.alias}"
            return Unavailable(said, hint=f"put it back into {left} when the server answers again")
        return type(error)(f"{error.message}; {what} is back in {left}", hint=error.hint)

    def _stage(self, change: SetAlias, key: str) -> str:
        return self._sender.version(change.model, key).current_stage or NONE

    def _held(self, change: SetAlias) -> set[str]:
        """Return the numbers of all versions in the stage."""
        self._sender.model(change.model)
        rows = self._sender.rest.versions_of(change.model)
        return {row.version for row in rows if row.current_stage == change.alias and row.version.isdecimal()}


def _call(change: SetAlias, key: str, stage: str) -> Call:
    body: dict[str, str | bool] = {"name": change.model, "version": key, "stage": stage}
    path = "model-versions/transition-stage"
    return Call(method="POST", path=path, body=body | {"archive_existing_versions": False})


def _top(held: set[str]) -> str:
    return max(held, key=int, default="")


def _what(change: SetAlias) -> str:
    return f"stage {change.alias} of {change.model}"
