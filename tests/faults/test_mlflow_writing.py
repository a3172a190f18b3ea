"""A tracking server that fails while it is changed: nothing half done, or the error says what is so."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import AuthRequired, Conflict, Error, Unavailable, Unsupported
from lineal.formats.http import Http, Limits
from lineal.model.changes import Change, SetAlias, SetTags
from lineal.model.records import AliasKind
from lineal.model.values import Tag
from lineal.registries import connect
from lineal.registries.base import Registry
from lineal.registries.mlflow import server
from lineal.testing import stamped
from tests.sources.mlflow import serving
from tests.sources.mlflow_writing import Decide, Fault, ask, register, relay
from tests.sources.web import Asked, reply

Oracle = Callable[[str], Path]
_NUMBERS = itertools.count(1)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing for long."""
    limits = Limits(connect=1, silence=1.0, deadline=1.5, size=1 << 20, tries=2)
    monkeypatch.setattr(server, "Http", lambda url, **more: Http(url, limits=limits, sleep=lambda _: None, **more))


@pytest.fixture(scope="module")
def real(oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A tracking server that does what it should."""
    with serving(oracle("mlflow"), tmp_path_factory.mktemp("mlflow")) as url:
        yield url


@pytest.fixture
def model(real: str) -> str:
    """A new model of two versions."""
    name = f"churn{next(_NUMBERS)}"
    register(real, name)
    return name


@pytest.fixture
def straight(real: str, around: Surroundings) -> Iterator[Registry]:
    """The server without a relay before it."""
    registry = connect(RegistrySpec(name="flow", kind="mlflow", url=real), around)
    yield registry
    registry.close()


def writes(asked: Asked) -> bool:
    """Say whether a request changes something."""
    return asked.method == "DELETE" or not asked.target.partition("?")[0].endswith(("/search", "/get"))


def nth(number: int, fault: Fault, after: Fault | None = None) -> Decide:
    """Let the write of this number, from 1, fail; and all that is asked later, if `after` says how."""
    count = itertools.count(1)
    state = {"over": False}

    def decide(asked: Asked) -> Fault | None:
        if state["over"]:
            return after
        if writes(asked) and next(count) == number:
            state["over"] = after is not None
            return fault
        return None

    return decide


def tried(real: str, around: Surroundings, decide: Decide, change: Change) -> tuple[Error | None, list[Asked], str]:
    """Apply a change through a relay; return the error, what was asked of it, and the receipt's detail."""
    with relay(real, decide) as before:
        registry = connect(RegistrySpec(name="flow", kind="mlflow", url=before.url), around)
        try:
            return None, before.asked, registry.apply(change, stamped(1)).detail
        except Error as error:
            return error, before.asked, ""
        finally:
            registry.close()


def changes(model: str) -> dict[str, Change]:
    """Return a change of each kind that needs one call."""
    return {
        "alias": SetAlias(registry="flow", model=model, alias="prod", after="1"),
        "stage": SetAlias(registry="flow", model=model, alias="Production", after="1", kind=AliasKind.STAGE),
        "tag": SetTags(registry="flow", model=model, key="1", after=(Tag("risk", "low"),)),
    }


def is_made(registry: Registry, change: Change) -> bool:
    """Say whether what a change leads to is so, asked without a relay."""
    now = registry.current(change)
    assert isinstance(now, SetAlias | SetTags)
    return now.before == now.after


@pytest.mark.parametrize("kind", ["alias", "stage", "tag"])
@pytest.mark.parametrize("fault", [Fault.CUT, Fault.FAIL_AFTER, Fault.HANG_AFTER, Fault.GARBLE])
def test_a_lost_answer_is_settled_by_reading(
    real: str, around: Surroundings, model: str, straight: Registry, kind: str, fault: Fault
) -> None:
    """What was made counts as made, and is sent once."""
    change = changes(model)[kind]
    error, asked, detail = tried(real, around, nth(1, fault), change)
    assert error is None
    assert ("was lost" in detail) == (fault is not Fault.GARBLE)
    assert sum(map(writes, asked)) == 1
    assert is_made(straight, change)


@pytest.mark.parametrize("kind", ["alias", "stage", "tag"])
@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.FAIL, Fault.HANG, Fault.REFUSE])
def test_what_was_not_made_is_said_so(
    real: str, around: Surroundings, model: str, straight: Registry, kind: str, fault: Fault
) -> None:
    """A typed error with a hint, one request, and nothing there."""
    change = changes(model)[kind]
    error, asked, _ = tried(real, around, nth(1, fault), change)
    assert isinstance(error, AuthRequired if fault is Fault.REFUSE else Unavailable)
    assert error.hint
    assert sum(map(writes, asked)) == 1
    assert straight.current(change) == change


@pytest.mark.parametrize("kind", ["alias", "stage", "tag"])
def test_a_server_that_is_gone_after_the_write_is_no_yes(
    real: str, around: Surroundings, model: str, straight: Registry, kind: str
) -> None:
    """Where neither an answer nor a look at it is to be had, nobody claims anything."""
    change = changes(model)[kind]
    error, _, _ = tried(real, around, nth(1, Fault.CUT, Fault.CUT_BEFORE), change)
    assert isinstance(error, Unavailable)
    assert "nobody can say" in error.message or "may have" in error.message
    assert is_made(straight, change)


def test_a_second_try_finds_what_the_first_made(
    real: str, around: Surroundings, model: str, straight: Registry
) -> None:
    """The same action asks again once the server is back, and it counts as applied; another action's is a Conflict."""
    state: dict[str, Fault | None] = {"write": Fault.CUT, "read": None}

    def decide(asked: Asked) -> Fault | None:
        if writes(asked):
            state["read"] = Fault.CUT_BEFORE
            return state["write"]
        return state["read"]

    change = changes(model)["alias"]
    with relay(real, decide) as before:
        registry = connect(RegistrySpec(name="flow", kind="mlflow", url=before.url), around)
        with pytest.raises(Unavailable, match="nobody can say"):
            registry.apply(change, stamped(1))
        state["read"] = None
        assert "earlier try" in registry.apply(change, stamped(1)).detail
        with pytest.raises(Conflict):
            registry.apply(change, stamped(2))
        assert sum(map(writes, before.asked)) == 1
        registry.close()


def three_tags(model: str) -> SetTags:
    """Return a change that sets one tag, changes one and deletes one."""
    return SetTags(
        registry="flow",
        model=model,
        key="1",
        before=(Tag("b", "old"), Tag("c", "old")),
        after=(Tag("a", "new"), Tag("b", "new")),
    )


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("fault", [Fault.FAIL, Fault.CUT_BEFORE, Fault.REFUSE])
def test_what_fails_between_two_tags_is_taken_back(
    real: str, around: Surroundings, model: str, straight: Registry, number: int, fault: Fault
) -> None:
    """The tags are as they were, and the error says so."""
    change = three_tags(model)
    for tag in change.before:
        ask(real, "POST", "model-versions/set-tag", {"name": model, "version": "1", "key": tag.key, "value": tag.value})
    error, _, _ = tried(real, around, nth(number, fault), change)
    assert isinstance(error, AuthRequired if fault is Fault.REFUSE else Unavailable)
    assert ("taken back" in error.message) == (number > 1)
    now = straight.current(change)
    assert isinstance(now, SetTags)
    assert set(now.before) == set(change.before)


def test_what_cannot_be_taken_back_is_listed(real: str, around: Surroundings, model: str, straight: Registry) -> None:
    """A server that goes down between two tags: the error names what is set, the server agrees."""
    change = SetTags(registry="flow", model=model, key="1", after=(Tag("a", "new"), Tag("b", "new"), Tag("c", "new")))
    error, _, _ = tried(real, around, nth(2, Fault.CUT_BEFORE, Fault.CUT_BEFORE), change)
    assert isinstance(error, Unavailable)
    assert "could not be taken back" in error.message
    assert "a=new" in error.message
    assert "c=new" not in error.message
    now = straight.current(change)
    assert isinstance(now, SetTags)
    assert now.before == (Tag("a", "new"),)


def test_a_refusal_to_take_back_is_listed_too(real: str, around: Surroundings, model: str, straight: Registry) -> None:
    """The server answers, but lets nothing be changed any more."""
    refused = itertools.count(1)

    def decide(asked: Asked) -> Fault | None:
        return Fault.REFUSE if writes(asked) and next(refused) > 1 else None

    change = SetTags(registry="flow", model=model, key="1", after=(Tag("a", "new"), Tag("b", "new")))
    error, _, _ = tried(real, around, decide, change)
    assert isinstance(error, Unavailable)
    assert "a=new" in error.message
    assert "b=new" not in error.message
    now = straight.current(change)
    assert isinstance(now, SetTags)
    assert now.before == (Tag("a", "new"),)


def test_half_a_stage_is_taken_back(real: str, around: Surroundings, model: str, straight: Registry) -> None:
    """What was put into it goes back to where it was; where that fails too, the error says where it is."""
    first = changes(model)["stage"]
    straight.apply(first, stamped(9))
    move = SetAlias(registry="flow", model=model, alias="Production", before="1", after="2", kind=AliasKind.STAGE)
    body = {"name": model, "version": "2", "stage": "Staging"}
    ask(real, "POST", "model-versions/transition-stage", body)
    error, _, _ = tried(real, around, nth(2, Fault.FAIL), move)
    assert isinstance(error, Unavailable)
    assert "v2 is back in Staging" in error.message
    assert straight.current(move) == move
    error, _, _ = tried(real, around, nth(2, Fault.FAIL, Fault.CUT_BEFORE), move)
    assert isinstance(error, Unavailable)
    assert "could not be taken back" in error.message
    assert f"{model} v2 is in Production" in error.message
    now = straight.current(move)
    assert isinstance(now, SetAlias)
    assert now.before == "2"


def test_a_server_without_stages_says_so(real: str, around: Surroundings, model: str) -> None:
    """The way there is closed: use an alias."""

    def decide(asked: Asked) -> bytes | None:
        return reply(b"<html>", 404) if "transition-stage" in asked.target else None

    with relay(real, decide) as before:
        registry = connect(RegistrySpec(name="flow", kind="mlflow", url=before.url), around)
        with pytest.raises(Unsupported, match="cannot set a stage") as caught:
            registry.apply(changes(model)["stage"], stamped(1))
        assert "alias" in caught.value.hint
        registry.close()


def in_between(act: Callable[[], object], *, early: bool) -> Decide:
    """Let somebody else act once: right before the first write is handed on, or before what is asked after it."""
    state = {"written": False, "acted": False}

    def decide(asked: Asked) -> Fault | None:
        due = writes(asked) if early else state["written"]
        state["written"] = state["written"] or writes(asked)
        if due and not state["acted"]:
            state["acted"] = True
            act()
        return None

    return decide


def test_who_came_in_between_is_found_afterwards(
    real: str, around: Surroundings, model: str, straight: Registry
) -> None:
    """Their move or tag stands, ours is told so; our other tags go."""
    alias = {"name": model, "alias": "prod", "version": "2"}
    theirs = in_between(lambda: ask(real, "POST", "registered-models/alias", alias), early=False)
    error, _, _ = tried(real, around, theirs, changes(model)["alias"])
    assert isinstance(error, Conflict)
    assert "was v1 and is v2 now: somebody came in between" in error.message
    tag = {"name": model, "version": "1", "key": "a", "value": "theirs"}
    change = SetTags(registry="flow", model=model, key="1", after=(Tag("a", "ours"), Tag("b", "ours")))
    error, _, _ = tried(real, around, theirs_last(real, tag), change)
    assert isinstance(error, Conflict)
    assert "got other tags in between: a=theirs" in error.message
    now = straight.current(change)
    assert isinstance(now, SetTags)
    assert now.before == (Tag("a", "theirs"),)


def theirs_last(real: str, tag: dict[str, str]) -> Decide:
    """Let somebody else set a tag when the second write is over."""
    count = itertools.count(1)
    state = {"second": False}

    def decide(asked: Asked) -> Fault | None:
        if writes(asked):
            state["second"] = next(count) == 2
        elif state["second"]:
            state["second"] = False
            ask(real, "POST", "model-versions/set-tag", tag)
        return None

    return decide


@pytest.mark.parametrize("kind", ["alias", "tag"])
def test_who_is_refused_because_somebody_was_quicker_is_told(
    real: str, around: Surroundings, model: str, kind: str
) -> None:
    """Of two inserts of one row, MLflow answers one with its database's constraint, as a bad request."""

    def decide(asked: Asked) -> bytes | None:
        if not writes(asked):
            return None
        ask(real, "POST", "registered-models/alias", {"name": model, "alias": "prod", "version": "2"})
        ask(real, "POST", "model-versions/set-tag", {"name": model, "version": "1", "key": "risk", "value": "high"})
        return reply(b'{"message": "(sqlite3.IntegrityError) UNIQUE constraint failed"}', 400)

    error, _, _ = tried(real, around, decide, changes(model)[kind])
    assert isinstance(error, Conflict)
    assert "somebody was quicker" in error.message


def test_who_writes_within_the_window_is_overwritten(
    real: str, around: Surroundings, model: str, straight: Registry
) -> None:
    """As documented: MLflow compares nothing, and the receipt says so."""
    alias = {"name": model, "alias": "prod", "version": "2"}
    theirs = in_between(lambda: ask(real, "POST", "registered-models/alias", alias), early=True)
    error, _, detail = tried(real, around, theirs, changes(model)["alias"])
    assert error is None
    assert "MLflow compares nothing" in detail
    assert is_made(straight, changes(model)["alias"])
