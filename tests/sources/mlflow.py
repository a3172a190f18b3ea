"""MLflow stores for tests: filled by MLflow itself, read back by its own client."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE
from typing import Any

import msgspec

SCRIPTS = Path(__file__).parent.parent / "oracles" / "scripts"
_READY = 180.0  # seconds: a server may take more than a minute
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """A store that MLflow filled."""

    uri: str  # as MLflow and Lineal take it
    folder: Path
    python: Path
    report: dict[str, Any] = {}
    environ: dict[str, str] = {}


def _command(python: Path, script: str, home: Path, environ: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    home.mkdir(parents=True, exist_ok=True)
    path = f"{python.parent}:/usr/bin:/bin"
    return [str(python), str(SCRIPTS / script)], {"HOME": str(home), "PATH": path, **_QUIET, **environ}


def run(python: Path, script: str, *arguments: str, home: Path, **environ: str) -> str:
    """Run one of the scripts with a foreign interpreter and return what it prints."""
    command, env = _command(python, script, home, environ)
    command += arguments
    done = subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def fill(python: Path, uri: str, folder: Path, **environ: str) -> Filled:
    """Fill the store at `uri` and return it with its client's report."""
    run(python, "mlflow_seed.py", uri, home=folder / "home", **environ)
    report = json.loads(run(python, "mlflow_report.py", uri, home=folder / "home", **environ))
    return Filled(uri=uri, folder=folder, python=python, report=report, environ=environ)


@contextmanager
def changing(store: Filled) -> Iterator[Callable[[str], None]]:
    """Give a function that changes one thing in a store; one process makes them all: MLflow's import takes seconds."""
    home = store.folder / "home"
    command, env = _command(store.python, "mlflow_change.py", home, store.environ)
    with (
        (store.folder / "changes.err").open("w+") as complaints,
        subprocess.Popen(
            [*command, store.uri], env=env, cwd=home, stdin=PIPE, stdout=PIPE, stderr=complaints, text=True
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        asked, said = process.stdin, process.stdout

        def change(what: str) -> None:
            print(what, file=asked, flush=True)
            if f"{what}\n" not in iter(said.readline, ""):
                raise AssertionError((store.folder / "changes.err").read_text()[-3000:])

        yield change


def copied(store: Filled, place: Path) -> Filled:
    """Copy a store of files or an SQLite database, to be changed."""
    shutil.copytree(store.folder, place)
    uri = store.uri.replace(str(store.folder), str(place))
    for meta in place.rglob("meta.yaml"):
        meta.write_text(meta.read_text().replace(str(store.folder), str(place)))
    return Filled(uri=uri, folder=place, python=store.python, report=store.report, environ=store.environ)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(python: Path, folder: Path, *more: str, **environ: str) -> Iterator[str]:
    """Run a tracking server over a new database in `folder`; give its URL; stop it and all its workers."""
    port = free_port()
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    command = [str(python.parent / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination",
        f"{folder}/artifacts",
    ]
    path = f"{python.parent}:/usr/bin:/bin"
    env = {"HOME": str(home), "PATH": path, **_QUIET, **environ}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *more], env=env, cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait(f"http://127.0.0.1:{port}/health", process, folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a server and the workers of its session."""
    for signal in (15, 9):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
            return


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _READY
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"no server after {_READY} s: {log.read_text()[-3000:]}")


def lay_out(root: Path, run_id: str = "a" * 32, experiment: str = "1") -> Path:
    """Write a run that logged a model, by hand and in the manner of 2.x, and return its folder."""
    place = root / experiment / run_id
    for name in ("params", "metrics", "tags", "artifacts/model"):
        (place / name).mkdir(parents=True)
    (root / experiment / "meta.yaml").write_text(f"name: e{experiment}\nlifecycle_stage: active\n")
    (place / "meta.yaml").write_text(
        f"run_id: {run_id}\nrun_name: first\nstatus: 3\nstart_time: 1000\nend_time: 2000\nlifecycle_stage: active\n"
        f"artifact_uri: file:///moved/from/mlruns/{experiment}/{run_id}/artifacts\nuser_id: ada\n"
    )
    (place / "params" / "lr").write_text("0.1")
    (place / "metrics" / "acc").write_text("1000 0.5 0\n1001 0.75 1\n")
    (place / "tags" / "mlflow.log-model.history").write_text('[{"artifact_path": "model", "flavors": {"sklearn": {}}}]')
    (place / "artifacts" / "model" / "MLmodel").write_text("flavors:\n  sklearn: {}\n")
    return place


def register(root: Path, model: str, version: int, run_id: str) -> Path:
    """Write a version of a registered model by hand, and return its folder."""
    folder = root / "models" / model
    place = folder / f"version-{version}"
    place.mkdir(parents=True)
    (folder / "meta.yaml").write_text(f"name: {model}\ndescription: null\n")
    (place / "meta.yaml").write_text(
        f"name: {model}\nversion: {version}\nrun_id: {run_id}\nsource: runs:/{run_id}/model\nstatus: READY\n"
        "current_stage: None\ncreation_timestamp: 3000\n"
    )
    return place
