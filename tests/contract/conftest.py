"""Stores that MLflow and DVC themselves filled, once per session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from tests.postgres import Server
from tests.sources import dvc_tools
from tests.sources.mlflow import Filled, fill, serving
from tests.sources.mlflow_writing import guarding

Oracle = Callable[[str], Path]


def _files(oracle: Oracle, name: str, folder: Path) -> Filled:
    return fill(oracle(name), str(folder / "mlruns"), folder)


@pytest.fixture(scope="session")
def mlflow1_files(oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """An `mlruns/` that MLflow 1.30 wrote; its file store had no registry."""
    return _files(oracle, "mlflow1", tmp_path_factory.mktemp("mlflow1"))


@pytest.fixture(scope="session")
def mlflow2_files(oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """An `mlruns/` that MLflow 2.22 wrote."""
    return _files(oracle, "mlflow2", tmp_path_factory.mktemp("mlflow2"))


@pytest.fixture(scope="session")
def mlflow3_files(oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """An `mlruns/` that MLflow 3.17 wrote."""
    return _files(oracle, "mlflow", tmp_path_factory.mktemp("mlflow3"))


@pytest.fixture(scope="session")
def mlflow_sqlite(oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """An SQLite database that MLflow 3.17 wrote."""
    folder = tmp_path_factory.mktemp("mlflow-sqlite")
    return fill(oracle("mlflow"), f"sqlite:///{folder}/mlflow.db", folder)


@pytest.fixture(scope="session")
def mlflow_postgres(
    oracle: Oracle, postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    """A PostgreSQL database that MLflow 3.17 wrote."""
    folder = tmp_path_factory.mktemp("mlflow-postgres")
    url = postgres_server.database()
    filled = fill(oracle("mlflow"), url.replace("postgresql:", "postgresql+psycopg2:"), folder)
    yield msgspec.structs.replace(filled, uri=url)
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def mlflow_server(oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """A tracking server of MLflow 3.17, filled through its own client."""
    folder = tmp_path_factory.mktemp("mlflow-server")
    with serving(oracle("mlflow"), folder) as url:
        yield fill(oracle("mlflow"), url, folder)


@pytest.fixture(scope="session")
def dvc_made(oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> dvc_tools.Made:
    """A repository that DVC 3.67 and GTO 1.10 made."""
    return dvc_tools.make(oracle("dvc"), tmp_path_factory.mktemp("dvc"))


@pytest.fixture(scope="session")
def old(oracle: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A tracking server of MLflow 2.22, which knows no LoggedModels."""
    with serving(oracle("mlflow2_server"), tmp_path_factory.mktemp("mlflow2")) as url:
        yield url


@pytest.fixture(scope="session")
def guarded(oracle: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A tracking server of MLflow 3.17 that knows its users."""
    with guarding(oracle("mlflow"), tmp_path_factory.mktemp("mlflow-auth")) as url:
        yield url
