"""A call that changes something on a tracking server, and what is known of it afterwards.

MLflow compares nothing, so every change is read, compared, written once and read again. A write whose answer was lost
is never sent again: what is read then says whether it was made.
"""

from __future__ import annotations

from collections.abc import Callable

from lineal.errors import BadFormat, Conflict, NotFound, RegistryError, Unavailable, Unsupported
from lineal.formats.http_errors import Unanswered
from lineal.registries.mlflow.naming import is_name, is_number
from lineal.registries.mlflow.rest import Call, Rest
from lineal.registries.mlflow.rows import DELETED_STAGE, RegisteredRow, VersionRow

_PROMPT = "mlflow.prompt.is_prompt"
LOOK = "look at it again: MLflow keeps no record of who moved it"


class Sender:
    """One server that may be changed. `sent` says whether anything was sent since it was last set to False."""

    def __init__(self, registry: str, rest: Rest) -> None:
        self.registry, self.rest = registry, rest
        self.sent = False

    def find(self, name: str) -> RegisteredRow | None:
        """Return a registered model, or None where there is none. Raises NotFound for a prompt."""
        try:
            row = self.rest.registered(name)
        except NotFound:
            return None
        except BadFormat:
            if is_name(name):
                raise
            return None
        if any(tag.key == _PROMPT and tag.value.lower() == "true" for tag in row.tags):
            raise NotFound(f"{name!r} is a prompt, not a model", hint="prompts are changed with MLflow's own client")
        return row

    def model(self, name: str) -> RegisteredRow:
        """Return a registered model. Raises NotFound."""
        row = self.find(name)
        if row is None:
            hint = "`lineal ls` lists what there is; `lineal sync` asks the server again"
            raise NotFound(f"{self.registry} has no registered model {name!r}", hint=hint)
        return row

    def version(self, model: str, key: str) -> VersionRow:
        """Return a version. Raises NotFound, for one that was deleted too."""
        missing = NotFound(
            f"{model!r} in {self.registry} has no version {key[:80]!r}", hint="`lineal sync` asks the server again"
        )
        if not is_number(key):
            raise missing
        try:
            row = self.rest.version(model, key)
        except NotFound as error:
            raise missing from error
        if row.current_stage == DELETED_STAGE:
            raise missing
        return row

    def send(self, call: Call) -> Unanswered | None:
        """Make a call; return the error where the answer was lost. Raises as `Http.change` does: nothing was done."""
        try:
            self.rest.change(call)
        except Unanswered as error:
            self.sent = True
            return error
        self.sent = True
        return None

    def settle(self, call: Call, read: Callable[[], str], change: tuple[str, str], what: str) -> str:
        """Make a call that takes `what` from one value to another, read it again, and return how it is known to be so.

        Raises:
            Conflict: it was made, and is something else now; or somebody was quicker.
            Unavailable: the answer was lost, and it is not known to be made.
        """
        before, after = change
        try:
            lost = self.send(call)
        except Unsupported as refused:
            # Of two who set what was not there, MLflow tells one of a constraint of its database, as of a bad request.
            if (now := read()) != before:
                raise Conflict(f"{what} is {named(now)} now: somebody was quicker", hint=LOOK) from refused
            raise
        try:
            now = read()
        except RegistryError as error:
            if lost is None:
                return f"the server said yes; it could not be read back: {error.message}"
            raise unsettled(lost, what) from error
        if now == after:
            return "the answer was lost; read back" if lost else "read back"
        if lost is not None and now == before:
            hint = f"look at it again before you try again: {what} may change yet"
            raise Unavailable(f"{lost.message}; {what} is {named(now)} as before", hint=hint) from lost
        tried = "was to be" if lost else "was"
        raise Conflict(f"{what} {tried} {named(after)} and is {named(now)} now: somebody came in between", hint=LOOK)


def unsettled(lost: RegistryError, what: str) -> Unavailable:
    """Return the error for a change of which nobody can say whether it was made."""
    hint = "look at it when the server answers again, before you try again"
    return Unavailable(f"{lost.message}; nobody can say whether {what} was changed", hint=hint)


def named(key: str) -> str:
    """Return what people call a version, or the absence of one."""
    return f"v{key}" if is_number(key) else key or "nothing"
