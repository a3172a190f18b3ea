"""Tracking servers keep the write contract, of every kind and release, and MLflow's own client sees the same."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import AuthRequired, ConfigError, Conflict, Error, NotFound, Unavailable, Unsupported
from lineal.model.changes import Change, Receipt, Register, SetAlias, SetTags
from lineal.model.records import Alias, AliasKind, Record
from lineal.model.values import Tag
from lineal.registries import connect
from lineal.registries.base import Registry
from lineal.testing import Source, Target, WriteContract, stamped
from tests.sources.mlflow import run, serving
from tests.sources.mlflow_writing import ADMIN, READER, ask, environ, register

Oracle = Callable[[str], Path]
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def plain(oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A tracking server of MLflow 3.17."""
    with serving(oracle("mlflow"), tmp_path_factory.mktemp("mlflow")) as url:
        yield url


@pytest.fixture(params=["plain", "old"])
def either(request: pytest.FixtureRequest) -> str:
    """A server of 3.17, and of 2.22."""
    url: str = request.getfixturevalue(request.param)
    return url


def made(url: str, around: Surroundings, user: tuple[str, str] | None = None, versions: int = 2) -> Target:
    """Return a new model of two versions to be changed."""
    model = f"churn {next(_NUMBERS)}"
    register(url, model, versions, user)
    known = msgspec.structs.replace(around, environ=environ(user)) if user else around
    spec = RegistrySpec(name="flow", kind="mlflow", url=url)
    return Target(source=Source(spec=spec, around=known), model=model, keys=("1", "2"))


class TestPlain(WriteContract):
    """Aliases and tags on 3.17."""

    @pytest.fixture
    def target(self, plain: str, around: Surroundings) -> Target:
        return made(plain, around)


def test_a_user_who_may_changes_what_others_may_not(guarded: str, around: Surroundings) -> None:
    """The server takes a second for each password, so this is not the whole contract."""
    target = made(guarded, around, ADMIN)
    registry = connect(target.source.spec, target.source.around)
    change = SetAlias(registry="flow", model=target.model, alias="proving", after="1")
    assert registry.current(change) == change
    registry.apply(change, stamped(1))
    with pytest.raises(Conflict):
        registry.apply(change, stamped(2))
    now = registry.current(msgspec.structs.replace(change, after="2"))
    assert isinstance(now, SetAlias)
    assert now.before == "1"
    tags = SetTags(registry="flow", model=target.model, key="1", after=(Tag("risk", "low"),))
    registry.apply(tags, stamped(3))
    assert registry.current(tags) == msgspec.structs.replace(tags, before=tags.after)
    registry.close()


class TestOld(WriteContract):
    """The same on 2.22."""

    @pytest.fixture
    def target(self, old: str, around: Surroundings) -> Target:
        return made(old, around)


class TestStages(WriteContract):
    """Stages, on both releases."""

    @pytest.fixture
    def target(self, either: str, around: Surroundings) -> Target:
        return msgspec.structs.replace(made(either, around), alias="Production")

    def kind(self) -> AliasKind:
        return AliasKind.STAGE


@pytest.fixture
def target(either: str, around: Surroundings) -> Target:
    """A model of three versions on either server."""
    return made(either, around, versions=3)


@pytest.fixture
def registry(target: Target) -> Iterator[Registry]:
    """Its registry, connected."""
    registry = connect(target.source.spec, target.source.around)
    yield registry
    registry.close()


def stage(target: Target, before: str, after: str, name: str = "Production") -> SetAlias:
    """Return a move of a stage."""
    return SetAlias(registry="flow", model=target.model, alias=name, before=before, after=after, kind=AliasKind.STAGE)


def stages(target: Target) -> list[str]:
    """Return the stages of the versions, by number."""
    path = "model-versions/get?name={}&version={}"
    model = target.model.replace(" ", "+")
    found = [ask(target.source.spec.url, "GET", path.format(model, number)) for number in (1, 2, 3)]
    return [row["model_version"]["current_stage"] for row in found]


def test_a_server_says_what_it_can(registry: Registry) -> None:
    """It compares nothing, and says what it does not change."""
    assert registry.writes == {SetAlias, SetTags, Register}
    assert not registry.compares
    assert "ledger" in registry.refusal


def test_a_stage_moves_and_goes_back(target: Target, registry: Registry) -> None:
    """Each version that leaves a stage is in None; other stages stay as they are."""
    ask(
        target.source.spec.url,
        "POST",
        "model-versions/transition-stage",
        {"name": target.model, "version": "1", "stage": "Archived"},
    )
    registry.apply(stage(target, "", "3"), stamped(1))
    assert stages(target) == ["Archived", "None", "Production"]
    down = stage(target, "3", "2")
    receipt = registry.apply(down, stamped(2))
    assert stages(target) == ["Archived", "Production", "None"]
    assert receipt.calls == registry.calls(down, stamped(2))
    registry.apply(down.inverse(), stamped(3))
    assert stages(target) == ["Archived", "None", "Production"]
    receipt = registry.apply(stage(target, "3", "1"), stamped(4))
    assert "v1 left Archived" in receipt.detail
    assert stages(target) == ["Production", "None", "None"]


def test_a_stage_that_several_versions_hold_is_not_misread(target: Target, registry: Registry) -> None:
    """It stands for the highest; a move after which it would stand for another version is refused."""
    body = {"name": target.model, "stage": "Production", "archive_existing_versions": False}
    for version in ("1", "2"):
        ask(target.source.spec.url, "POST", "model-versions/transition-stage", body | {"version": version})
    with pytest.raises(Conflict, match="is v2 now"):
        registry.apply(stage(target, "1", "3"), stamped(1))
    with pytest.raises(Conflict, match="v1 are in it too"):
        registry.apply(stage(target, "2", ""), stamped(1))
    assert stages(target) == ["Production", "Production", "None"]
    receipt = registry.apply(stage(target, "2", "3"), stamped(1))
    assert "v1 stay in Production too" in receipt.detail
    assert stages(target) == ["Production", "None", "Production"]
    registry.apply(stage(target, "3", "1"), stamped(2))
    assert stages(target) == ["Production", "None", "None"]


@pytest.mark.parametrize(
    "change",
    [
        SetAlias(registry="flow", model="?", alias="latest", after="1"),
        SetAlias(registry="flow", model="?", alias="Latest", after="1"),
        SetAlias(registry="flow", model="?", alias="v7", after="1"),
        SetAlias(registry="flow", model="?", alias="a.b", after="1"),
        SetAlias(registry="flow", model="?", alias="prod\n", after="1"),
        SetAlias(registry="flow", model="?", alias="", after="1"),
        SetAlias(registry="flow", model="?", alias="x" * 256, after="1"),
        SetAlias(registry="flow", model="?", alias="None", after="1", kind=AliasKind.STAGE),
        SetAlias(registry="flow", model="?", alias="production", after="1", kind=AliasKind.STAGE),
        SetTags(registry="flow", model="?", key="1", after=(Tag("a,b", "x"),)),
        SetTags(registry="flow", model="?", key="1", after=(Tag("../a", "x"),)),
        SetTags(registry="flow", model="?", key="1", after=(Tag("k" * 251, "x"),)),
        SetTags(registry="flow", model="?", key="1", after=(Tag("k", "x" * 100_001),)),
        SetTags(registry="flow", model="?", key="1", after=(Tag("k", "\ud800"),)),
        SetTags(registry="flow", model="?", key="1", after=(Tag("mlflow.user", "x"),)),
        SetTags(registry="flow", model="?", key="1", after=(Tag("api_key", "x"),)),
        SetTags(registry="flow", model="?", key="1", after=(Tag("url", "https://a:b@host/"),)),
        SetTags(registry="flow", model="?", key="1", after=(Tag("a", "x"), Tag("a", "y"))),
        Register(registry="flow", model="a/b", source="r" * 32),
        Register(registry="flow", model="..", source="r" * 32),
        Register(registry="flow", model="x" * 257, source="r" * 32),
    ],
    ids=lambda change: repr(change)[:60].encode("ascii", "replace").decode(),
)
def test_what_mlflow_never_takes_is_not_sent(around: Surroundings, change: Change) -> None:
    """It is refused with a hint, though no server is there to ask."""
    model = change.model.replace("?", "churn")
    registry = connect(RegistrySpec(name="flow", kind="mlflow", url="http://127.0.0.1:9"), around)
    for tried in (
        registry.current,
        lambda it: registry.apply(it, stamped(1)),
        lambda it: registry.calls(it, stamped(1)),
    ):
        with pytest.raises(ConfigError) as caught:
            tried(msgspec.structs.replace(change, model=model))
        assert caught.value.hint
    registry.close()


@pytest.mark.parametrize("key", ["a b:c/d.e-f", "ü", "k" * 250, "stage", "日本"])
def test_odd_tags_are_set_as_they_are(target: Target, registry: Registry, key: str) -> None:
    """Keys of every letter and empty, long and odd values, as the server gives them back; and gone again."""
    for mark, value in enumerate(("", "x" * 5000, "a=b\n\"c\" 'd' \\ \t é ☃ </script>")):
        change = SetTags(registry="flow", model=target.model, key="2", after=(Tag(key, value),))
        registry.apply(change, stamped(mark))
        found = ask(
            target.source.spec.url, "GET", f"model-versions/get?name={target.model.replace(' ', '+')}&version=2"
        )
        (tag,) = found["model_version"]["tags"]
        assert (tag["key"], tag.get("value", "")) == (key, value)
        registry.apply(change.inverse(), stamped(mark + 10))
        assert registry.current(change.inverse()).before == ()  # type: ignore[union-attr]


def test_a_value_that_only_an_old_server_refuses_changes_nothing(old: str, around: Surroundings) -> None:
    """More than 5,000 characters: what was set before it is taken back."""
    target = made(old, around)
    registry = connect(target.source.spec, around)
    tags = (Tag("first", "x"), Tag("long", "x" * 5001))
    change = SetTags(registry="flow", model=target.model, key="1", after=tags)
    with pytest.raises(Unsupported, match="5000 characters; what was set is taken back"):
        registry.apply(change, stamped(1))
    assert registry.current(change) == change
    registry.close()


@pytest.mark.parametrize("name", ["o'hara", 'say "x"', "back\\", 'it\'s "x"', "ü 日本 %", "a\nb", "x" * 256, "a&b=c#d"])
def test_odd_names_are_asked_for_as_they_are(either: str, around: Surroundings, name: str) -> None:
    """In paths, filters and bodies; stages need a filter."""
    register(either, name)
    registry = connect(RegistrySpec(name="flow", kind="mlflow", url=either), around)
    move = SetAlias(registry="flow", model=name, alias="prod", after="2")
    for mark, change in enumerate((move, msgspec.structs.replace(move, alias="Staging", kind=AliasKind.STAGE))):
        registry.apply(change, stamped(mark))
        assert registry.current(change).before == "2"  # type: ignore[union-attr]
    ask(either, "DELETE", "registered-models/delete", {"name": name})
    registry.close()


def test_who_may_only_read_changes_nothing(guarded: str, around: Surroundings) -> None:
    """Neither a reader, nor who has no or a wrong password; what a reader asks for is read all the same."""
    target = made(guarded, around, ADMIN)
    move = SetAlias(registry="flow", model=target.model, alias="prod", after="1")
    tags = SetTags(registry="flow", model=target.model, key="1", after=(Tag("a", "x"), Tag("b", "y")))
    put = msgspec.structs.replace(move, alias="Staging", kind=AliasKind.STAGE)
    for user in (READER, None, (ADMIN[0], "wrong-password")):
        registry = connect(target.source.spec, msgspec.structs.replace(around, environ=environ(user) if user else {}))
        for change in (move, tags, put):
            if user == READER:
                assert registry.current(change) == change
            with pytest.raises(AuthRequired) as caught:
                registry.apply(change, stamped(1))
            assert ("right to change" if user == READER else "password") in caught.value.hint
            assert "taken back" not in caught.value.message
        registry.close()
    known = connect(target.source.spec, target.source.around)
    assert [known.current(change) for change in (move, tags, put)] == [move, tags, put]
    known.close()


def test_calls_are_what_is_sent_and_name_no_password(guarded: str, around: Surroundings) -> None:
    """Method, address and JSON, as they could be typed."""
    target = made(guarded, around, ADMIN)
    url = guarded.replace("://", "://{}:{}@".format(*ADMIN))
    registry = connect(RegistrySpec(name="flow", kind="mlflow", url=url), around)
    change = SetAlias(registry="flow", model=target.model, alias="prod", after="2")
    (line,) = registry.calls(change, stamped(1))
    assert registry.apply(change, stamped(1)).calls == (line,)
    method, address, body = line.split(" ", 2)
    assert (method, address) == ("POST", f"{guarded}/api/2.0/mlflow/registered-models/alias")
    assert json.loads(body) == {"name": target.model, "alias": "prod", "version": "2"}
    assert ADMIN[1] not in repr([registry.calls(change.inverse(), stamped(2)), registry.current(change)])
    registry.close()


def test_a_tag_that_may_hold_a_secret_is_neither_shown_nor_changed(target: Target, registry: Registry) -> None:
    """What is shown without its password cannot be put back as it was."""
    body = {"name": target.model, "version": "1", "key": "home", "value": "https://me:hunter2@example.test/"}
    ask(target.source.spec.url, "POST", "model-versions/set-tag", body)
    change = SetTags(registry="flow", model=target.model, key="1", after=(Tag("home", "x"),))
    for tried in (registry.current, lambda it: registry.apply(it, stamped(1))):
        with pytest.raises(Conflict, match="may hold a secret") as caught:
            tried(change)
        assert "hunter2" not in caught.value.message + caught.value.hint


def test_a_prompt_is_no_model(plain: str, around: Surroundings) -> None:
    """Prompts are registered models too, but no scan says so."""
    tags = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    ask(plain, "POST", "registered-models/create", {"name": "greeting", "tags": tags})
    registry = connect(RegistrySpec(name="flow", kind="mlflow", url=plain), around)
    with pytest.raises(NotFound, match="is a prompt"):
        registry.current(SetAlias(registry="flow", model="greeting", alias="prod", after="1"))
    registry.close()


@pytest.fixture(scope="module")
def report(plain: str, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], dict[str, Any]]:
    """Give what MLflow's own client says of the server, at any time."""
    home = tmp_path_factory.mktemp("client")
    return lambda: json.loads(run(oracle("mlflow"), "mlflow_report.py", plain, home=home))


def test_the_client_sees_what_was_set(plain: str, around: Surroundings, report: Callable[[], dict[str, Any]]) -> None:
    """Aliases, tags and stages, by MLflow's own client."""
    target = made(plain, around)
    registry = connect(target.source.spec, around)
    made_of: dict[str, Any] = {"registry": "flow", "model": target.model}
    changes: list[Change] = [
        SetAlias(**made_of, alias="prod", after="1"),
        SetAlias(**made_of, alias="prod", before="1", after="2"),
        SetAlias(**made_of, alias="gone", after="2"),
        SetAlias(**made_of, alias="gone", before="2"),
        SetAlias(**made_of, alias="Staging", after="1", kind=AliasKind.STAGE),
        SetTags(**made_of, key="2", after=(Tag("risk", "low"), Tag("seen", ""), Tag("gone", "x"))),
        SetTags(**made_of, key="2", before=(Tag("risk", "low"), Tag("gone", "x")), after=(Tag("risk", "é\n"),)),
    ]
    for mark, change in enumerate(changes):
        registry.apply(change, stamped(mark))
    registry.close()
    said = report()
    (model,) = [row for row in said["models"] if row["name"] == target.model]
    rows = {row["version"]: row for row in said["versions"] if row["model"] == target.model}
    assert model["aliases"] == {"prod": "2"}
    assert rows["2"]["tags"] == {"risk": "é\n", "seen": ""}
    assert (rows["1"]["stage"], rows["1"]["tags"], rows["2"]["stage"]) == ("Staging", {}, "None")


def test_an_action_is_remembered_only_while_its_result_stands(target: Target, registry: Registry) -> None:
    """A second try after somebody else's move is a Conflict; so is another object's, that sent nothing."""
    change = SetAlias(registry="flow", model=target.model, alias="prod", after="1")
    tags = SetTags(registry="flow", model=target.model, key="1", after=(Tag("a", "x"),))
    for one in (change, tags):
        registry.apply(one, stamped(1))
        assert "earlier try" in registry.apply(one, stamped(1)).detail
    other = connect(target.source.spec, target.source.around)
    with pytest.raises(Conflict):
        other.apply(change, stamped(1))
    other.apply(SetAlias(registry="flow", model=target.model, alias="prod", before="1", after="3"), stamped(2))
    other.close()
    with pytest.raises(Conflict, match="is v3 now"):
        registry.apply(change, stamped(1))


def test_two_hundred_who_move_one_alias_at_a_time(plain: str, around: Surroundings) -> None:
    """Each is told of a Conflict or holds a receipt; the alias is where one of them put it, and nobody crashes.

    MLflow compares nothing, so several may hold receipts for moves that were overtaken later. Who got no answer from a
    server this busy is told so.
    """
    target = made(plain, around, versions=20)
    outcomes: list[tuple[str, Receipt | Error]] = []
    gate = threading.Barrier(200)

    def move(number: int) -> None:
        change = SetAlias(registry="flow", model=target.model, alias="prod", after=str(number % 20 + 1))
        registry = connect(target.source.spec, around)
        gate.wait()
        try:
            outcomes.append((change.after, registry.apply(change, stamped(number))))
        except Error as error:
            outcomes.append((change.after, error))
        finally:
            registry.close()

    threads = [threading.Thread(target=move, args=(number,)) for number in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 200
    registry = connect(target.source.spec, around)
    aliases: list[Record] = [one for one in registry.scan({}) if isinstance(one, Alias) and one.model == target.model]
    registry.close()
    (alias,) = aliases
    assert isinstance(alias, Alias)
    put = {after for after, outcome in outcomes if isinstance(outcome, Receipt | Unavailable)}
    assert alias.key in put
    assert any(isinstance(outcome, Receipt) for _, outcome in outcomes)
    assert any(isinstance(outcome, Conflict) for _, outcome in outcomes)
    assert not [outcome for _, outcome in outcomes if not isinstance(outcome, Receipt | Conflict | Unavailable)]
