"""A tracking server that is slow, broken, hostile or closed: a typed error in time, and what was read before stays."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import AuthRequired, BadFormat, Error, NotFound, RegistryError, Unavailable, Unsupported
from lineal.formats.http import Budget, Http, Limits
from lineal.model.records import Problem, Record
from lineal.model.version import Version
from lineal.registries import connect
from lineal.registries.mlflow import rest, server
from lineal.registries.mlflow.server import Server
from lineal.testing import Fold
from tests.sources.mlflow import run, serving
from tests.sources.tracking import Answers, canned, tracking
from tests.sources.web import Asked, reply, web

Oracle = Callable[[str], Path]


@pytest.fixture(autouse=True)
def quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing for long, but for the real server, which may be slow to check a password."""
    seconds = 60.0 if "guarded" in request.fixturenames else 1.5
    limits = Limits(connect=1, silence=30.0 if seconds > 2 else 1.0, deadline=seconds, size=1 << 20, tries=2)
    monkeypatch.setattr(server, "Http", lambda url, **more: Http(url, limits=limits, sleep=lambda _: None, **more))


def scan(url: str, around: Surroundings, since: dict[str, str] | None = None) -> list[Record]:
    """Scan a server."""
    registry = connect(RegistrySpec(name="flow", kind="mlflow", url=url), around)
    try:
        return list(registry.scan(since or {}))
    finally:
        registry.close()


def test_the_canned_server_is_healthy(around: Surroundings) -> None:
    """What the other tests bend is straight: a version, and a second scan that says nothing new."""
    with tracking(canned()) as web:
        fold = Fold().apply(scan(web.url, around))
        (version,) = fold.of(Version)
        rows = fold.rows()
        assert version.params[0].value == 0.1
        assert version.files[0].location == "s3://elsewhere/model"
        assert fold.apply(scan(web.url, around, fold.cursors)).rows() == rows


ENDPOINTS = tuple(name for name in canned() if name != "logged-models/search")
BENT: dict[str, tuple[bytes, type[Error]]] = {
    "cut": (reply(b'{"runs": [{"info'), BadFormat),
    "list": (reply(b"[]"), BadFormat),
    "types": (reply(b'{"runs": 3, "registered_models": 3, "model_versions": 3, "experiments": 3}'), BadFormat),
    "deep": (reply(b'{"registered_models":' + b"[" * 100_000), BadFormat),
    "binary": (reply(bytes(range(256))), BadFormat),
    "page": (reply(b"<html>sign in", Content_Type="text/html"), BadFormat),
    "closed": (reply(b"{}", 401), AuthRequired),
    "refused": (reply(b'{"message": "not yours"}', 403), AuthRequired),
    "broken": (reply(b"", 500), Unavailable),
    "large": (reply(b" " * (2 << 20)), BadFormat),
    "redirect": (reply(b"", 302, Location="http://169.254.169.254/latest"), Unavailable),
    "nowhere": (reply(b"", 404), Unsupported),
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("how", BENT)
def test_a_bent_answer_is_a_typed_error(around: Surroundings, endpoint: str, how: str) -> None:
    """At every endpoint, with a hint where there is something to do."""
    data, kind = BENT[how]
    with tracking(canned() | {endpoint: data}) as web, pytest.raises(kind):
        scan(web.url, around)


def test_pages_without_end_are_cut_off(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the token is the same again or always a new one."""
    numbers = itertools.count()
    monkeypatch.setattr(rest, "_MAX_PAGES", 50)
    for token in (lambda: "same", lambda: f"t{next(numbers)}"):
        answers: Answers = canned()
        answers["model-versions/search"] = lambda asked, token=token: {"next_page_token": token()}
        with tracking(answers) as web:
            with pytest.raises(BadFormat, match="pages without end"):
                scan(web.url, around)
            assert len(web.asked) < 60


def test_a_scan_ends_with_its_budget(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    """However politely the server goes on."""
    monkeypatch.setattr(server, "Budget", lambda: Budget(replies=3))
    with tracking(canned()) as web, pytest.raises(Unavailable, match="more than one scan"):
        scan(web.url, around)


def test_a_dripping_server_is_left(around: Surroundings) -> None:
    """The deadline holds for the whole answer."""

    def drip(asked: Asked, connection: object) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")  # type: ignore[attr-defined]
        for _ in range(100):
            connection.sendall(b" ")  # type: ignore[attr-defined]
            time.sleep(0.05)

    with web(drip) as dripping:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            scan(dripping.url, around)
        assert time.monotonic() - began < 5


def test_credentials_stay_with_their_server(around: Surroundings) -> None:
    """A redirect to another port carries no header; an answer cannot make one."""
    with tracking(canned()) as other:

        def away(asked: Asked) -> bytes:
            return reply(b"", 307, Location=other.url + asked.target)

        token = msgspec.structs.replace(around, environ={"MLFLOW_TRACKING_TOKEN": "s3cret"})
        with tracking(dict.fromkeys(canned(), away)) as first:
            assert any(isinstance(record, Version) for record in scan(first.url, token))
    assert {asked.headers.get("authorization") for asked in first.asked} == {"Bearer s3cret"}
    assert {asked.headers.get("authorization") for asked in other.asked} == {None}


def test_what_was_completed_before_a_failure_stays(around: Surroundings) -> None:
    """A server that fails half-way takes nothing away."""
    answers = canned()
    with tracking(answers) as web:
        fold = Fold().apply(scan(web.url, around))
        rows, cursors = fold.rows(), dict(fold.cursors)
        answers["model-versions/search"] = reply(b"", 503)
        registry = connect(RegistrySpec(name="flow", kind="mlflow", url=web.url), around)
        said: list[Record] = []
        with pytest.raises(Unavailable):
            said.extend(registry.scan(cursors))
        registry.close()
        assert fold.apply(said).rows() == rows


def test_artifacts_that_the_server_cannot_reach_are_problems(around: Surroundings) -> None:
    """Versions appear without them, and the server is not asked on and on."""
    answers = canned()
    row = answers["model-versions/search"]["model_versions"][0]
    rows = [row | {"version": str(n), "source": f"mlflow-artifacts:/1/{n}/model"} for n in range(1, 9)]
    answers["model-versions/search"] = {"model_versions": rows}
    answers["mlflow-artifacts/artifacts"] = reply(b"", 500)
    with tracking(answers) as web:
        records = scan(web.url, around)
        asked = [entry for entry in web.asked if "mlflow-artifacts" in entry.target]
    assert len([record for record in records if isinstance(record, Version)]) == 8
    assert len([record for record in records if isinstance(record, Problem)]) == 3
    assert len(asked) == 3


def test_listings_cannot_lead_out_of_their_folder(around: Surroundings) -> None:
    """Names with dots and slashes are reduced or left out; a folder that holds itself ends."""
    answers = canned()
    answers["model-versions/search"]["model_versions"][0]["source"] = "mlflow-artifacts:/1/r/model"
    names = ["../../etc/passwd", "..", ".", "", "a\\b", "good.bin"]
    files = [{"path": name, "is_dir": False, "file_size": 3} for name in names] + [{"path": "loop", "is_dir": True}]
    answers["mlflow-artifacts/artifacts"] = {"files": files}
    with tracking(answers) as web:
        records = scan(web.url, around)
        asked = [entry for entry in web.asked if "mlflow-artifacts" in entry.target]
    (version,) = [record for record in records if isinstance(record, Version)]
    assert all(".." not in file.path.split("/") and "\\" not in file.path for file in version.files)
    assert "good.bin" in {file.path for file in version.files}
    assert len(asked) <= 30


def test_mangled_answers_neither_crash_nor_hang(around: Surroundings) -> None:
    """Bytes changed at random with a fixed seed: records or a typed error."""
    chance = random.Random(20260921)
    for _ in range(150):
        answers = canned()
        name = chance.choice(ENDPOINTS)
        data = bytearray(json.dumps(answers[name]).encode())
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data))
            data[at : at + chance.randint(0, 4)] = chance.choice([b'"', b"{", b"null", b"1e999", b"\xff", b"-1", b"[]"])
        answers[name] = reply(bytes(data))
        with tracking(answers) as web, suppress(RegistryError):
            scan(web.url, around)


def test_files_that_are_gone_say_so(around: Surroundings) -> None:
    """A place without bytes, and a server that no longer has them."""
    with tracking(canned()) as web:
        registry = connect(RegistrySpec(name="flow", kind="mlflow", url=web.url), around)
        (version,) = [record for record in registry.scan({}) if isinstance(record, Version)]
        with pytest.raises(NotFound):
            registry.open(version.files[0])
        with pytest.raises(NotFound):
            registry.open(msgspec.structs.replace(version.files[0], path="x", location="get-artifact?path=x"))
        with pytest.raises(NotFound, match="is gone"):
            registry.series(version, "acc")
        registry.close()


@pytest.fixture(scope="module")
def guarded(oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server with `--app-name basic-auth`, with one version."""
    folder = tmp_path_factory.mktemp("mlflow-auth")
    ini = folder / "auth.ini"
    ini.write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{folder}/auth.db\nadmin_username = admin\n"
        "admin_password = Adm1n-of-tests\nauthorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    more = {"MLFLOW_AUTH_CONFIG_PATH": str(ini), "MLFLOW_FLASK_SERVER_SECRET_KEY": "of no account"}
    with serving(oracle("mlflow"), folder, "--app-name", "basic-auth", **more) as url:
        admin = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": "Adm1n-of-tests"}
        run(oracle("mlflow"), "mlflow_user.py", url, "reader", "reader-pass-1234", home=folder / "home", **admin)
        yield url


def test_a_guarded_server_wants_credentials(guarded: str, around: Surroundings) -> None:
    """None, wrong ones, and a token that it does not know: AuthRequired with a hint."""
    wrong = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": "wrong-password"}
    for environ in ({}, wrong, {"MLFLOW_TRACKING_TOKEN": "nonsense"}):
        with pytest.raises(AuthRequired) as caught:
            scan(guarded, msgspec.structs.replace(around, environ=environ))
        assert caught.value.hint


def test_a_reader_of_a_guarded_server_sees_its_versions(guarded: str, around: Surroundings) -> None:
    """By variables, by the credentials file, and by the URL."""
    environ = {"MLFLOW_TRACKING_USERNAME": "reader", "MLFLOW_TRACKING_PASSWORD": "reader-pass-1234"}
    by_variables = scan(guarded, msgspec.structs.replace(around, environ=environ))
    assert "v1" in {record.name for record in by_variables if isinstance(record, Version)}
    assert not [record for record in by_variables if isinstance(record, Problem)]
    url = guarded.replace("://", "://reader:reader-pass-1234@")
    by_url = scan(url, around)
    assert len(by_url) == len(by_variables)
    assert "reader-pass" not in repr(by_url)
    path = around.home / ".mlflow" / "credentials"
    path.parent.mkdir()
    path.write_text("[mlflow]\nmlflow_tracking_username=reader\nmlflow_tracking_password=reader-pass-1234\n")
    assert len(scan(guarded, around)) == len(by_variables)


def test_a_server_is_connected_to_only_when_it_is_scanned(around: Surroundings) -> None:
    """Building a registry touches nothing."""
    with tracking(canned()) as web:
        registry = connect(RegistrySpec(name="flow", kind="mlflow", url=web.url), around)
        assert isinstance(registry, Server)
        registry.close()
    assert web.asked == []
