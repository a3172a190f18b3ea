"""Tracking servers that tests may change, with and without users; and a relay before one that fails as it is told."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path
from typing import Any

from lineal.formats.http import basic
from tests.sources.mlflow import run, serving
from tests.sources.web import Asked, Web, reply, web

ADMIN, READER = ("admin", "Adm1n-of-tests"), ("reader", "reader-pass-1234")
API = "/api/2.0/mlflow/"


def environ(user: tuple[str, str]) -> dict[str, str]:
    """Return the variables by which MLflow knows a user."""
    return {"MLFLOW_TRACKING_USERNAME": user[0], "MLFLOW_TRACKING_PASSWORD": user[1]}


def ask(url: str, method: str, path: str, body: object = None, user: tuple[str, str] | None = None) -> Any:
    """Send a request as it stands, and return what comes back."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": basic(*user)} if user else {})
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url + API + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def register(url: str, model: str, versions: int = 2, user: tuple[str, str] | None = None) -> None:
    """Make a registered model with versions that no run stands behind."""
    ask(url, "POST", "registered-models/create", {"name": model}, user)
    for _ in range(versions):
        ask(url, "POST", "model-versions/create", {"name": model, "source": "s3://bucket/model"}, user)


@contextmanager
def guarding(python: Path, folder: Path) -> Iterator[str]:
    """Run a tracking server with basic authentication: ADMIN may do all, READER only read."""
    ini = folder / "auth.ini"
    ini.write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{folder}/auth.db\nadmin_username = {ADMIN[0]}\n"
        f"admin_password = {ADMIN[1]}\nauthorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    more = {"MLFLOW_AUTH_CONFIG_PATH": str(ini), "MLFLOW_FLASK_SERVER_SECRET_KEY": "of no account"}
    with serving(python, folder, "--app-name", "basic-auth", **more) as url:
        run(python, "mlflow_user.py", url, *READER, home=folder / "home", **environ(ADMIN))
        yield url


class Fault(Enum):
    """What a relay does to a request instead of handing it on and its answer back."""

    CUT = auto()  # hands it on, and cuts the connection instead of answering
    CUT_BEFORE = auto()  # cuts the connection at once
    FAIL = auto()  # answers 500 without handing it on
    FAIL_AFTER = auto()  # hands it on, and answers 500
    HANG = auto()  # neither hands it on nor answers
    HANG_AFTER = auto()  # hands it on, and never answers
    GARBLE = auto()  # hands it on, and answers with what is no JSON
    REFUSE = auto()  # answers 403 without handing it on


Decide = Callable[[Asked], Fault | bytes | None]


@contextmanager
def relay(url: str, decide: Decide) -> Iterator[Web]:
    """Stand before a server, and do to each request what `decide` says, or answer with the bytes that it gives."""

    def answer(asked: Asked, connection: socket.socket) -> None:
        fault = decide(asked)
        if isinstance(fault, bytes):
            connection.sendall(fault)
            return
        if fault is Fault.FAIL:
            connection.sendall(reply(b'{"message": "out of order"}', 500))
        elif fault is Fault.REFUSE:
            connection.sendall(reply(b'{"message": "not yours"}', 403))
        elif fault is Fault.HANG:
            time.sleep(3)
        elif fault is Fault.CUT_BEFORE:
            connection.shutdown(socket.SHUT_RDWR)
        else:
            _spoil(fault, _handed_on(url, asked), connection)

    with web(answer) as server:
        yield server


def _spoil(fault: Fault | None, data: bytes, connection: socket.socket) -> None:
    if fault is Fault.CUT:
        connection.shutdown(socket.SHUT_RDWR)
    elif fault is Fault.FAIL_AFTER:
        connection.sendall(reply(b"", 500))
    elif fault is Fault.HANG_AFTER:
        time.sleep(3)
    else:
        connection.sendall(reply(b"<html>") if fault is Fault.GARBLE else data)


def _handed_on(url: str, asked: Asked) -> bytes:
    headers = {name: asked.headers[name] for name in ("authorization", "content-type") if name in asked.headers}
    request = urllib.request.Request(url + asked.target, asked.body or None, headers, method=asked.method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return reply(answer.read(), answer.status)
    except urllib.error.HTTPError as error:
        return reply(error.read(), error.code)
