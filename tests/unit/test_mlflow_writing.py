"""What a change to a tracking server sends, without one; and how a change over HTTP may end."""

from __future__ import annotations

import json
import socket

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import AuthRequired, BadFormat, ConfigError, Conflict, Error, NotFound, Unavailable, Unsupported
from lineal.formats.http import Http, Limits
from lineal.formats.http_errors import Unanswered
from lineal.model.changes import Change, Register, Restore, Say, SetAlias, SetTags
from lineal.model.records import AliasKind
from lineal.model.values import Tag
from lineal.registries import connect
from lineal.registries.base import Registry
from lineal.registries.mlflow import naming
from lineal.testing import stamped
from tests.sources.tracking import RUN, Answers, canned, tracking
from tests.sources.web import Asked, always, in_turn, reply, web

QUICK = Limits(connect=1.0, silence=1.0, deadline=1.5, size=1000, tries=3, redirects=3)
SECRET = {"Authorization": "Bearer s3cret"}


def changing(url: str) -> Http:
    """Return a client that must never wait for another try."""

    def sleep(seconds: float) -> None:
        raise AssertionError(f"a change waited {seconds} s for another try")

    return Http(url, headers=SECRET, limits=QUICK, sleep=sleep)


def test_a_change_is_sent_once_with_all_that_belongs_to_it() -> None:
    """Method, path, credentials and JSON; the reply comes back whole."""
    with web(always(reply(b'{"done": true}'))) as server:
        http = changing(server.url + "/prefix/")
        assert http.change("DELETE", "api/x", b'{"a": 1}').body == b'{"done": true}'
        http.close()
    (asked,) = server.asked
    assert (asked.method, asked.target, asked.body) == ("DELETE", "/prefix/api/x", b'{"a": 1}')
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["authorization"] == "Bearer s3cret"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Unsupported),
        (401, AuthRequired),
        (403, AuthRequired),
        (404, NotFound),
        (408, Unanswered),
        (409, Conflict),
        (413, Unsupported),
        (429, Unavailable),
        (500, Unanswered),
        (502, Unanswered),
        (503, Unanswered),
        (507, Unanswered),
        (301, BadFormat),
        (302, BadFormat),
        (303, BadFormat),
        (307, BadFormat),
        (308, BadFormat),
    ],
)
def test_no_status_makes_a_change_go_out_twice(status: int, kind: type[Error]) -> None:
    """It ends with the error of its kind, and no redirect is followed."""
    with web(in_turn(reply(b'{"message": "because"}', status, Location="/else"), reply(b"{}"))) as server:
        http = changing(server.url)
        with pytest.raises(kind) as caught:
            http.change("POST", "x", b"{}")
        http.close()
    assert type(caught.value) is kind
    assert caught.value.hint
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
        reply(b" " * 2000),
        reply(b"{}", Content_Encoding="gzip"),
        b"nonsense\r\n\r\n",
    ],
    ids=["nothing", "cut status", "cut body", "too long", "compressed", "nonsense"],
)
def test_a_change_without_a_whole_answer_may_have_been_made(data: bytes) -> None:
    """Whatever is wrong with the answer, the request went out: once."""

    def answer(asked: Asked, connection: socket.socket) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    with web(answer) as server:
        http = changing(server.url)
        with pytest.raises(Unanswered):
            http.change("POST", "x", b"{}")
        http.close()
    assert len(server.asked) == 1


def test_a_change_that_could_not_be_sent_was_not_made() -> None:
    """Nobody listens: not a lost answer."""
    http = changing("http://127.0.0.1:9")
    with pytest.raises(Unavailable) as caught:
        http.change("POST", "x", b"{}")
    assert not isinstance(caught.value, Unanswered)


def answers() -> Answers:
    """Return a server's answers to what writing asks, too."""
    found = canned()
    version = found["model-versions/search"]["model_versions"][0]
    found["registered-models/get"] = {
        "registered_model": {"name": "churn", "aliases": [{"alias": "a", "version": "1"}]}
    }
    found["model-versions/get"] = {"model_version": version | {"tags": [{"key": "risk", "value": "low"}]}}
    found["runs/get"] = {"run": found["runs/search"]["runs"][0]}
    return found


def connected(url: str, around: Surroundings) -> Registry:
    """Return a server as a registry."""
    return connect(RegistrySpec(name="flow", kind="mlflow", url=url), around)


CALLS: list[tuple[Change, list[tuple[str, str, dict[str, object]]]]] = [
    (
        SetAlias(registry="flow", model="churn", alias="prod", after="41"),
        [("POST", "registered-models/alias", {"name": "churn", "alias": "prod", "version": "41"})],
    ),
    (
        SetAlias(registry="flow", model="churn", alias="prod", before="41"),
        [("DELETE", "registered-models/alias", {"name": "churn", "alias": "prod"})],
    ),
    (
        SetAlias(registry="flow", model="churn", alias="Staging", before="1", after="2", kind=AliasKind.STAGE),
        [
            ("POST", "model-versions/transition-stage", {"name": "churn", "version": "2", "stage": "Staging"}),
            ("POST", "model-versions/transition-stage", {"name": "churn", "version": "1", "stage": "None"}),
        ],
    ),
    (
        SetTags(
            registry="flow",
            model="churn",
            key="1",
            before=(Tag("same", "x"), Tag("old", "x"), Tag("risk", "low")),
            after=(Tag("same", "x"), Tag("risk", "é"), Tag("new", "")),
        ),
        [
            ("DELETE", "model-versions/delete-tag", {"name": "churn", "version": "1", "key": "old"}),
            ("POST", "model-versions/set-tag", {"name": "churn", "version": "1", "key": "risk", "value": "é"}),
            ("POST", "model-versions/set-tag", {"name": "churn", "version": "1", "key": "new", "value": ""}),
        ],
    ),
    (
        Register(registry="flow", model="churn", source=RUN, after="3", gone=True),
        [("DELETE", "model-versions/delete", {"name": "churn", "version": "3"})],
    ),
]


@pytest.mark.parametrize(("change", "wanted"), CALLS, ids=["set", "drop", "stage", "tags", "gone"])
def test_calls_are_method_address_and_json(
    around: Surroundings, change: Change, wanted: list[tuple[str, str, dict[str, object]]]
) -> None:
    """Nothing is asked for that, and no stage archives others by itself."""
    registry = connected("http://user:pass@127.0.0.1:9/prefix", around)
    lines = registry.calls(change, stamped(1))
    assert len(lines) == len(wanted)
    for line, (method, path, body) in zip(lines, wanted, strict=True):
        said, address, text = line.split(" ", 2)
        assert (said, address) == (method, f"http://127.0.0.1:9/prefix/api/2.0/mlflow/{path}")
        more = {"archive_existing_versions": False} if path.endswith("stage") else {}
        assert json.loads(text) == body | more
    registry.close()


def test_a_registration_names_what_it_is_made_of_without_passwords(around: Surroundings) -> None:
    """The artifact's address may hold a user and a password: they are sent and not shown."""
    found = answers()
    run = found["runs/get"]["run"]
    run["info"]["artifact_uri"] = "https://me:hunter2@store.test/1/r"
    run["data"]["tags"] = [{"key": "mlflow.log-model.history", "value": '[{"artifact_path": "model"}]'}]
    with tracking(found) as server:
        registry = connected(server.url, around)
        (line,) = registry.calls(Register(registry="flow", model="churn", source=RUN), stamped(1))
        registry.close()
    assert json.loads(line.split(" ", 2)[2])["source"] == "https://store.test/1/r/model"


@pytest.mark.parametrize(
    "change",
    [
        Restore(registry="flow", model="churn", path="x", branch="y"),
        Say(registry="flow", model="churn", key="1", what="note", text="x"),
    ],
)
def test_what_mlflow_has_no_place_for_is_refused(around: Surroundings, change: Change) -> None:
    """By one sentence, everywhere, and nothing is sent."""
    with tracking(answers()) as server:
        registry = connected(server.url, around)
        for tried in (
            registry.current,
            lambda it: registry.calls(it, stamped(1)),
            lambda it: registry.apply(it, stamped(1)),
        ):
            with pytest.raises(Unsupported, match="ledger"):
                tried(change)
        registry.close()
    assert not server.asked


@pytest.mark.parametrize("endpoint", ["registered-models/get", "model-versions/get"])
@pytest.mark.parametrize("data", [b"[]", b'{"registered_model": 3}', b"{", bytes(range(256)), b"[" * 100_000])
def test_a_bent_answer_changes_nothing(around: Surroundings, endpoint: str, data: bytes) -> None:
    """What cannot be read is not written over."""
    with tracking(answers() | {endpoint: reply(data)}) as server:
        registry = connected(server.url, around)
        for change in (
            SetAlias(registry="flow", model="churn", alias="a", before="1"),
            SetTags(registry="flow", model="churn", key="1", before=(Tag("risk", "low"),)),
        ):
            if endpoint == "registered-models/get" or isinstance(change, SetTags):
                with pytest.raises(BadFormat):
                    registry.apply(change, stamped(1))
        registry.close()
    assert {asked.method for asked in server.asked} == {"GET"}


def test_a_change_has_a_budget_of_its_own(around: Surroundings) -> None:
    """However long ago, and however much, the last scan read."""
    with tracking(answers()) as server:
        registry = connected(server.url, around)
        list(registry.scan({}))
        registry._rest.http.budget.replies = 0  # type: ignore[attr-defined]
        change = SetAlias(registry="flow", model="churn", alias="a", before="1")
        assert registry.current(change) == change
        registry.close()


TEXT = st.text(st.characters(exclude_categories=()), max_size=300)


@given(TEXT, TEXT, TEXT)
def test_whatever_passes_can_be_sent(model: str, name: str, value: str) -> None:
    """Any text is refused with a hint, or is JSON and a query as it stands."""
    for change in (
        SetAlias(registry="flow", model=model, alias=name, after="1"),
        SetTags(registry="flow", model=model, key="1", after=(Tag(name, value),)),
        Register(registry="flow", model=model, source="r"),
    ):
        try:
            naming.check(change)
        except (ConfigError, NotFound) as error:
            assert error.hint
        else:
            assert json.loads(msgspec.json.encode(change))["model"] == model
            assert "\0" not in model
