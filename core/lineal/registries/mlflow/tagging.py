"""Tags of registered versions: one call each, so that what fails in the middle is taken back."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from lineal.errors import Conflict, Error, RegistryError, Unavailable, Unsupported
from lineal.model.changes import Receipt, SetTags
from lineal.model.values import Tag
from lineal.registries.mlflow.rest import Call
from lineal.registries.mlflow.sending import Sender
from lineal.registries.mlflow.values import may_be_shown

Tags = dict[str, str]


class Tagging:
    """Sets and deletes tags of versions."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def current(self, change: SetTags) -> SetTags:
        """Return the change from the tags that the version itself has now; its run's are others. Raises NotFound."""
        tags = self._read(change)
        return structs.replace(change, before=tuple(Tag(key, tags[key]) for key in _keys(change) if key in tags))

    def calls(self, change: SetTags) -> list[Call]:
        """Return a call for each tag that is to be another."""
        before, after = _texts(change.before), _texts(change.after)
        return [_call(change, key, after) for key in _keys(change) if before.get(key) != after.get(key)]

    def holds(self, change: SetTags) -> str | None:
        """Return "" if the tags are as the change makes them, else None."""
        return "" if self._read(change) == _texts(change.after) else None

    def apply(self, change: SetTags) -> Receipt:
        """Set tags one by one if they are what the change takes them to be; all of them, or none.

        Raises:
            Conflict: they were others, or one was set by somebody else in between: ours are taken back.
            Unavailable, AuthRequired: the server failed in the middle. What was set before is taken back; where that
            fails too, the error says what is set.
        """
        self._compare(change)
        before, after = _texts(change.before), _texts(change.after)
        keys = [key for key in _keys(change) if before.get(key) != after.get(key)]
        done: list[str] = []
        try:
            lost = [self._set(change, key, done) for key in keys]
        except Error as error:
            raise self._taken_back(change, done, error) from error
        calls = tuple(self._sender.rest.line(call) for call in self.calls(change))
        try:
            now = self._read(change)
        except RegistryError as error:
            return Receipt(calls=calls, detail=f"the server said yes; it could not be read back: {error.message}")
        others = [key for key in keys if now.get(key) != after.get(key)]
        if others:
            said = f"{_about(change)} got other tags in between: {_said(now, others)}"
            conflict = Conflict(said, hint="look at it again: MLflow keeps no record of who set them")
            raise self._taken_back(change, [key for key in keys if key not in others], conflict)
        return Receipt(calls=calls, detail="an answer was lost; read back" if any(lost) else "read back")

    def _set(self, change: SetTags, key: str, done: list[str]) -> bool:
        """Set one tag and say whether the answer was lost. `done` gets the key unless it is known not to be set."""
        before, after = _texts(change.before), _texts(change.after)
        try:
            lost = self._sender.send(_call(change, key, after))
        except Unsupported as refused:
            now = self._read(change)
            if now.get(key) != before.get(key):
                said = f"{_about(change)} has {_said(now, [key])} now: somebody was quicker"
                raise Conflict(said, hint="look at it again") from refused
            raise
        done.append(key)
        if lost is not None and self._read(change).get(key) != after.get(key):
            done.remove(key)
            hint = f"look at it again before you try again: {key} may be set yet"
            raise Unavailable(lost.message, hint=hint) from lost
        return lost is not None

    def _compare(self, change: SetTags) -> None:
        now, before = self._read(change), _texts(change.before)
        others = [key for key in _keys(change) if now.get(key) != before.get(key)]
        if others:
            hint = "look at it again; tags that only the run has are the run's, and stay as they are"
            raise Conflict(f"the tags of {_about(change)} are others now: {_said(now, others)}", hint=hint)
        if before == _texts(change.after):
            raise Conflict(f"the tags of {_about(change)} are so already", hint="there is nothing to do")

    def _taken_back(self, change: SetTags, done: list[str], error: Error) -> Error:
        """Undo what was set, as far as it is still ours; return the error with what became of it."""
        if not done:
            return error
        before, after = _texts(change.before), _texts(change.after)
        try:
            now = self._read(change)
            for key in reversed(done):
                if now.get(key) == after.get(key) != before.get(key):
                    self._sender.send(_call(change, key, before))
            now = self._read(change)
        except Error as failed:
            left = _said(after, done)
            hint = "look at its tags when the server answers again, and set them right"
            said = f"{error.message}; it could not be taken back ({failed.message}): {_about(change)} may have {left}"
            return Unavailable(said, hint=hint)
        ours = [key for key in done if now.get(key) == after.get(key) != before.get(key)]
        if ours:
            said = f"{error.message}; it could not be taken back: {_about(change)} has {_said(now, ours)} now"
            return Unavailable(said, hint="set them right by hand")
        return type(error)(f"{error.message}; what was set is taken back", hint=error.hint)

    def _read(self, change: SetTags) -> Tags:
        """Return what the version has of the tags that a change is about. Raises NotFound, Conflict."""
        self._sender.model(change.model)
        row = self._sender.version(change.model, change.key)
        keys = set(_keys(change))
        found = {tag.key: tag.value for tag in row.tags if tag.key in keys}
        secret = next((key for key, text in found.items() if not may_be_shown(key, text)), None)
        if secret is not None:
            hint = "change it with MLflow's own client: what is changed here is shown and kept in a ledger"
            raise Conflict(f"tag {secret!r} of {_about(change)} may hold a secret", hint=hint)
        return found


def _call(change: SetTags, key: str, wanted: Tags) -> Call:
    about: dict[str, str | bool] = {"name": change.model, "version": change.key, "key": key}
    if key not in wanted:
        return Call(method="DELETE", path="model-versions/delete-tag", body=about)
    return Call(method="POST", path="model-versions/set-tag", body=about | {"value": wanted[key]})


def _keys(change: SetTags) -> list[str]:
    return list(dict.fromkeys(tag.key for tag in (*change.before, *change.after)))


def _texts(tags: Iterable[Tag]) -> Tags:
    return {tag.key: tag.value for tag in tags}


def _said(tags: Tags, keys: Iterable[str]) -> str:
    said = [f"{key}={tags[key][:80]}" if key in tags else f"no {key}" for key in keys]
    return ", ".join(said[:10]) + (f" and {len(said) - 10} more" if len(said) > 10 else "")


def _about(change: SetTags) -> str:
    return f"{change.model} v{change.key}"
