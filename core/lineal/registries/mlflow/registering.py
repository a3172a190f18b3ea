"""Registration: a run's model, or a LoggedModel, becomes the next version of a registered model; and back again.

MLflow numbers versions itself and gives no number twice, so the inverse of a registration need not name one: it takes
back the only version that was made of its source. Taking a registration back deletes the version with its tags
and description; a registered model that was made for it stays, with nothing in it.
"""

from __future__ import annotations

import msgspec

from lineal.errors import BadFormat, ConfigError, Conflict, Error, NotFound, RegistryError, Unavailable, Unsupported
from lineal.formats.http_errors import Unanswered
from lineal.model.changes import Receipt, Register
from lineal.registries.mlflow import values
from lineal.registries.mlflow.assembly import RUNS
from lineal.registries.mlflow.naming import is_identity
from lineal.registries.mlflow.rest import Call
from lineal.registries.mlflow.rows import LoggedRow, RunRow, VersionRow
from lineal.registries.mlflow.sending import Sender, named, unsettled

_CREATE = "model-versions/create"
_LOGGED = "m-"  # what the ids of LoggedModels begin with


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What a version is made of, as MLflow is told of it."""

    source: str
    run_id: str = ""
    model_id: str = ""

    def made(self, row: VersionRow) -> bool:
        """Say whether a version was made of this."""
        return row.source == self.source and row.run_id == self.run_id


class Registrations:
    """Makes versions of registered models, and deletes them."""

    def __init__(self, sender: Sender) -> None:
        self._sender, self._rest = sender, sender.rest

    def current(self, change: Register) -> Register:
        """Return the change; a registration has no `before`. Raises NotFound."""
        if change.gone:
            self._sender.version(change.model, self._number(change))
        else:
            self._origin(change)
        return change

    def calls(self, change: Register) -> list[Call]:
        """Return the calls, that which makes a missing registered model among them. Asks the server."""
        if change.gone:
            return [_deletion(change.model, self._number(change))]
        create = [] if self._sender.find(change.model) else [_model("POST", "create", change.model)]
        return [*create, _creation(change.model, self._origin(change))]

    def holds(self, change: Register) -> str | None:
        """Return the number of the newest version that was made of the source; "" for one that is gone; else None."""
        if change.gone:
            return "" if self._is_gone(change, change.after) else None
        return max(self._made(change, self._origin(change)), key=int, default=None)

    def apply(self, change: Register) -> Receipt:
        """Register what is not registered under this model yet, or take a registration back.

        Raises:
            Conflict: it is registered there, or what is to be taken back is of something else or has aliases.
            ConfigError: a number is asked for.
            NotFound, RegistryError: as for any call; nothing is half done, or the error says what is.
        """
        return self._deleted(change) if change.gone else self._registered(change)

    def _registered(self, change: Register) -> Receipt:
        if change.after:
            hint = "register it without a number: MLflow gives the next one, and none twice"
            raise ConfigError(f"MLflow numbers the versions of {change.model!r} itself", hint=hint)
        origin = self._origin(change)
        if there := self._made(change, origin):
            said = " and ".join(map(named, sorted(there, key=int)))
            raise Conflict(f"{change.model} {said} is that already", hint="there is nothing to do")
        calls = self.calls(change)
        lines: list[str] = []
        made = len(calls) > 1 and self._make_model(change, calls[0], lines)
        lines.append(self._rest.line(calls[-1]))
        try:
            number, detail = self._create(change, calls[-1], origin)
        except Error as error:
            raise self._without_model(change, made, error) from error
        return Receipt(after=number, calls=tuple(lines), detail=detail)

    def _make_model(self, change: Register, call: Call, lines: list[str]) -> bool:
        """Make the registered model, and say whether it is surely ours; somebody may do so at the same moment."""
        lines.append(self._rest.line(call))
        try:
            lost = self._sender.send(call)
        except Unsupported:
            if self._sender.find(change.model) is None:
                raise
            return False
        if lost is not None and self._sender.find(change.model) is None:
            raise Unavailable(lost.message, hint=f"{change.model} may be made yet: look before you try again") from lost
        return lost is None

    def _create(self, change: Register, call: Call, origin: Origin) -> tuple[str, str]:
        """Make the version; return its number, and how that is known."""
        try:
            number = self._rest.created(self._rest.change(call)).version
        except (Unanswered, BadFormat) as error:
            self._sender.sent = True
            return self._settled(change, origin, error)
        self._sender.sent = True
        try:
            row = self._sender.version(change.model, number)
        except NotFound as error:
            raise Conflict(f"{change.model} v{number} was made and is gone: somebody deleted it") from error
        except RegistryError as error:
            return number, f"the server said yes; it could not be read back: {error.message}"
        if not origin.made(row):
            raise Conflict(f"{change.model} v{number} was made of {values.shown(row.source)[:200]}, not of this")
        return number, "read back"

    def _settled(self, change: Register, origin: Origin, lost: RegistryError) -> tuple[str, str]:
        """Look for the version whose making got no answer."""
        try:
            there = self._made(change, origin)
        except Error as error:
            raise unsettled(lost, f"the versions of {change.model}") from error
        if not there:
            hint = f"look before you try again: a version of {change.model} may be made yet"
            raise Unavailable(f"{lost.message}; nothing was registered", hint=hint) from lost
        return max(there, key=int), "the answer was lost; found by what it was made of"

    def _without_model(self, change: Register, made: bool, error: Error) -> Error:
        """Take back the registered model that was made for a version that was not; return the error with that."""
        if not made:
            return error
        try:
            if self._rest.versions_of(change.model):
                return error
            lost = self._sender.send(_model("DELETE", "delete", change.model))
            if lost is not None and self._sender.find(change.model) is not None:
                raise lost
        except Error as failed:
            said = f"{error.message}; an empty model {change.model} was made and stays ({failed.message})"
            return type(error)(said, hint=error.hint)
        return type(error)(f"{error.message}; the model that was made for it is taken back", hint=error.hint)

    def _deleted(self, change: Register) -> Receipt:
        number = self._number(change)
        row = self._sender.version(change.model, number)
        model = self._sender.model(change.model)
        what = f"{change.model} {named(number)}"
        if not self._is_of(row, _key(change)):
            raise Conflict(f"{what} was not made of {change.source[:80]}", hint="look at it again")
        aliases = [alias.alias for alias in model.aliases if alias.version == number]
        if aliases:
            hint = "move its aliases first: MLflow deletes them with it"
            raise Conflict(f"{', '.join(sorted(aliases)[:5])} stands for {what}", hint=hint)
        call = _deletion(change.model, number)
        state = ("there", "gone")
        detail = self._sender.settle(call, lambda: state[self._is_gone(change, number)], state, what)
        return Receipt(calls=(self._rest.line(call),), detail=detail)

    def _number(self, change: Register) -> str:
        """Return the number of the version to be taken back: the one named, else the only one made of the source."""
        if change.after:
            return change.after
        model, key = self._sender.model(change.model), _key(change)
        there = [row.version for row in self._rest.versions_of(model.name) if self._is_of(row, key)]
        if not there:
            raise NotFound(f"no version of {change.model} was made of {key[:80]}", hint="it may be gone already")
        if len(there) > 1:
            said = ", ".join(map(named, sorted(there, key=int)[:10]))
            raise Conflict(f"{said} of {change.model} were made of {key[:80]}", hint="say which of them")
        return there[0]

    def _is_gone(self, change: Register, number: str) -> bool:
        try:
            self._sender.version(change.model, number or self._number(change))
        except NotFound:
            return True
        return False

    def _is_of(self, row: VersionRow, key: str) -> bool:
        return key == row.run_id or row.source == f"models:/{key}"

    def _made(self, change: Register, origin: Origin) -> list[str]:
        """Return the numbers of the model's versions that were made of this."""
        return [row.version for row in self._rest.versions_of(change.model) if origin.made(row)]

    def _origin(self, change: Register) -> Origin:
        """Return what a version's key stands for. Raises NotFound, Conflict, Unsupported."""
        key = _key(change)
        if change.of and not change.of.startswith(RUNS):
            hint = "name a run, or a LoggedModel that no run made"
            raise Unsupported(f"{key[:80]!r} is a version of {change.of!r} already", hint=hint)
        if not is_identity(key):
            raise NotFound(f"{self._sender.registry} has no run {key[:80]!r}", hint="give a run's id")
        if key.startswith(_LOGGED):
            return self._logged(key)
        run = self._rest.run(key)
        if run is None or run.info.lifecycle_stage != "active":
            raise NotFound(f"{self._sender.registry} has no run {key[:80]!r}", hint="`lineal sync` asks it again")
        return self._of_run(run)

    def _logged(self, key: str) -> Origin:
        try:
            return _of_logged(self._rest.logged_model(key))
        except NotFound as error:
            missing = f"{self._sender.registry} has no LoggedModel {key[:80]!r}"
            raise NotFound(missing, hint="`lineal sync` asks it again") from error

    def _of_run(self, run: RunRow) -> Origin:
        key = run.info.run_id
        logged = self._rest.logged_from(run.info.experiment_id, key)
        paths = values.logged_paths(run)
        if len(logged) == 1:
            return _of_logged(logged[0])
        if logged:
            said = ", ".join(f"{row.info.model_id} ({row.info.name})" for row in logged[:10])
            raise Conflict(f"run {key} logged {len(logged)} models: {said}", hint="register one of them by its id")
        if len(paths) == 1:
            return Origin(source=f"{run.info.artifact_uri.rstrip('/')}/{paths[0]}", run_id=key)
        if paths:
            hint = "register one of them with MLflow's own client: it takes a path within the run"
            raise Conflict(f"run {key} logged {len(paths)} models: {', '.join(paths[:10])}", hint=hint)
        raise NotFound(f"run {key} logged no model", hint="log one before it is registered")


def _key(change: Register) -> str:
    return change.source.removeprefix("run:")


def _of_logged(row: LoggedRow) -> Origin:
    about = row.info
    return Origin(source=f"models:/{about.model_id}", run_id=about.source_run_id, model_id=about.model_id)


def _model(method: str, verb: str, model: str) -> Call:
    return Call(method=method, path=f"registered-models/{verb}", body={"name": model})


def _creation(model: str, origin: Origin) -> Call:
    body: dict[str, str | bool] = {"name": model, "source": origin.source}
    body |= {key: text for key, text in (("run_id", origin.run_id), ("model_id", origin.model_id)) if text}
    return Call(method="POST", path=_CREATE, body=body)


def _deletion(model: str, version: str) -> Call:
    return Call(method="DELETE", path="model-versions/delete", body={"name": model, "version": version})
