"""MLflow's own settings are honoured as MLflow honours them, and stores are found where MLflow puts them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import ConfigError, Error, Unsupported
from lineal.registries.mlflow import connect, discover, recognise, settings
from lineal.registries.mlflow.places import Backend, locate
from lineal.registries.mlflow.server import Server

URL = "https://flow.example"
PAIR = {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "pw"}
BASIC = {"Authorization": "Basic YWRhOnB3"}


def with_environ(around: Surroundings, environ: Mapping[str, str]) -> Surroundings:
    """Return surroundings with other variables."""
    return msgspec.structs.replace(around, environ=environ)


def credentials(around: Surroundings, text: str) -> None:
    """Write `~/.mlflow/credentials`."""
    path = around.home / ".mlflow" / "credentials"
    path.parent.mkdir()
    path.write_text(text)


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, {}),
        ({"MLFLOW_TRACKING_TOKEN": "t0ken"}, {"Authorization": "Bearer t0ken"}),
        (PAIR, BASIC),
        (PAIR | {"MLFLOW_TRACKING_TOKEN": "t0ken"}, BASIC),
        ({"MLFLOW_TRACKING_USERNAME": "ada"}, {}),
    ],
)
def test_credentials_of_the_environment(around: Surroundings, environ: dict[str, str], wanted: dict[str, str]) -> None:
    """User and password win over the token, and count only together."""
    assert settings.headers(URL, with_environ(around, environ)) == wanted


def test_credentials_of_the_home_folder(around: Surroundings) -> None:
    """The file is read where the environment says nothing; a variable wins over it."""
    credentials(around, "[mlflow]\nmlflow_tracking_username = ada\nmlflow_tracking_password = p%w\n")
    assert settings.headers(URL, around)["Authorization"] == "Basic YWRhOnAldw=="
    other = with_environ(around, {"MLFLOW_TRACKING_PASSWORD": "pw"})
    assert settings.headers(URL, other) == BASIC


def test_credentials_in_a_url_are_used_and_not_kept(around: Surroundings) -> None:
    """They go into a header; the registry shows an address without them."""
    url = "https://ada:pw@flow.example/x"
    assert settings.headers(url, around) == BASIC
    registry = connect(RegistrySpec(name="f", kind="mlflow", url=url), around)
    assert isinstance(registry, Server)
    assert registry.spec.url == "https://flow.example/x"


@pytest.mark.parametrize("text", ["[mlflow\n", "x = 1\n", "[mlflow]\na\n b c\n"])
def test_a_broken_credentials_file_is_an_error_with_a_hint(around: Surroundings, text: str) -> None:
    """Not silence, and not a crash."""
    credentials(around, text)
    with pytest.raises(ConfigError, match="unreadable") as caught:
        settings.headers(URL, around)
    assert caught.value.hint


def test_a_token_that_no_header_may_hold_is_an_error(around: Surroundings) -> None:
    """A line end in a header would be an injection."""
    with pytest.raises(ConfigError):
        settings.headers(URL, with_environ(around, {"MLFLOW_TRACKING_TOKEN": "a\r\nX: y"}))


def test_certificates_follow_the_environment(around: Surroundings) -> None:
    """Authorities, the client's certificate, or no check at all; never both of the last and the first."""
    ours = around.cwd / "ca.pem"
    ours.write_text("x")
    assert settings.tls(around).verify
    assert not settings.tls(with_environ(around, {"MLFLOW_TRACKING_INSECURE_TLS": "true"})).verify
    found = settings.tls(with_environ(around, {"MLFLOW_TRACKING_SERVER_CERT_PATH": "ca.pem"}))
    assert found.authorities == str(ours)
    found = settings.tls(with_environ(around, {"MLFLOW_TRACKING_CLIENT_CERT_PATH": str(ours)}))
    assert found.certificate == str(ours)
    both = {"MLFLOW_TRACKING_INSECURE_TLS": "1", "MLFLOW_TRACKING_SERVER_CERT_PATH": str(ours)}
    for environ in (both, {"MLFLOW_TRACKING_SERVER_CERT_PATH": "nowhere.pem"}):
        with pytest.raises(ConfigError) as caught:
            settings.tls(with_environ(around, environ))
        assert caught.value.hint


@pytest.mark.parametrize(
    ("url", "backend", "path"),
    [
        ("http://h:5000", Backend.SERVER, "."),
        ("https://h/prefix", Backend.SERVER, "."),
        ("postgresql://u@h/db", Backend.POSTGRES, "."),
        ("postgresql+psycopg2://u@h/db", Backend.POSTGRES, "."),
        ("sqlite:///mlflow.db", Backend.SQLITE, "{cwd}/mlflow.db"),
        ("sqlite:////abs/mlflow.db", Backend.SQLITE, "/abs/mlflow.db"),
        ("file:///abs/mlruns", Backend.FILES, "/abs/mlruns"),
        ("mlruns", Backend.FILES, "{cwd}/mlruns"),
    ],
)
def test_a_url_says_how_it_is_read(around: Surroundings, url: str, backend: Backend, path: str) -> None:
    """Servers, databases and folders, in MLflow's own spelling."""
    found = locate(url, around)
    assert found.backend is backend
    assert str(found.path) == path.format(cwd=around.cwd)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("databricks://profile", Unsupported),
        ("mysql://u@h/db", Unsupported),
        ("s3://bucket/x", ConfigError),
        ("sqlite://", ConfigError),
        ("postgresql://u:secret@h/db", ConfigError),
    ],
)
def test_what_is_not_read_says_so(around: Surroundings, url: str, kind: type[Error]) -> None:
    """With a hint, and without the password."""
    with pytest.raises(kind) as caught:
        connect(RegistrySpec(name="f", kind="mlflow", url=url), around)
    assert caught.value.hint
    assert "secret" not in caught.value.message


def _store(folder: Path) -> Path:
    (folder / "mlruns" / "0").mkdir(parents=True)
    (folder / "mlruns" / "0" / "meta.yaml").write_text("name: Default\nlifecycle_stage: active\n")
    return folder / "mlruns"


def _database(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "mlflow.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE x (y)")
    connection.commit()
    connection.close()
    return path


def test_stores_are_found_around_the_working_folder(around: Surroundings) -> None:
    """The environment's first, then `mlruns/` and `mlflow.db` in each folder; each once."""
    files, database = _store(around.cwd), _database(around.cwd / "old")
    (around.cwd / "mlflow.db").write_text("no database")
    named = {"MLFLOW_TRACKING_URI": "https://ada:pw@flow.example", "MLFLOW_REGISTRY_URI": "https://models.example"}
    environ = with_environ(around, named)
    found = list(discover(environ, [str(around.cwd), str(around.cwd / "old"), str(files)]))
    assert [spec.url for spec in found] == [
        "https://flow.example",
        "https://models.example",
        str(files),
        str(database),
    ]
    assert [spec.name for spec in found[:2]] == ["mlflow", "mlflow-registry"]
    assert found[2].name == f"{around.cwd.name}-mlflow"


@pytest.mark.parametrize("uri", ["databricks", "", "s3://nowhere", "sqlite:///not-there.db", "mysql://u:p@h/db"])
def test_a_tracking_uri_that_cannot_be_read_is_passed_over(around: Surroundings, uri: str) -> None:
    """Discovery never fails."""
    assert list(discover(with_environ(around, {"MLFLOW_TRACKING_URI": uri}), [])) == []


def test_recognising_looks_before_it_says_yes(around: Surroundings) -> None:
    """Paths are looked at; URLs go by their scheme, and a repository's is left to others."""
    files, database = _store(around.cwd), _database(around.cwd / "old")
    yes = ["https://flow.example", "postgresql://u@h/db", str(files), str(around.cwd), str(database)]
    no = ["https://h/repo.git", str(around.home), str(around.cwd / "nowhere"), "s3://b", "sqlite:///nope.db"]
    assert all(recognise(url, around) for url in yes)
    assert not any(recognise(url, around) for url in no)
