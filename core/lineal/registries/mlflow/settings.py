"""MLflow's own settings: who may read a tracking server, and how its certificate is checked.

Source: mlflow/environment_variables.py, utils/rest_utils.py and utils/credentials.py. User and password win over the
token; a variable wins over `~/.mlflow/credentials`.
"""

from __future__ import annotations

import configparser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lineal.config import Surroundings
from lineal.errors import ConfigError
from lineal.formats.http import Tls, basic

TOKEN, USER, PASSWORD = "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
_TRUE = frozenset({"true", "1"})
_LIMIT = 1 << 16


def headers(url: str, around: Surroundings) -> dict[str, str]:
    """Return what proves who asks, for the server at `url`; nothing where no credentials are set.

    Raises:
        ConfigError: a setting cannot be used.
    """
    user, password = _pair(url, around)
    if user and password:
        return {"Authorization": basic(user, password)}
    token = around.environ.get(TOKEN, "")
    if token:
        if not token.isascii() or not token.isprintable():
            raise ConfigError(f"{TOKEN} holds characters that no header may", hint="set it again, without line ends")
        return {"Authorization": f"Bearer {token}"}
    return {}


def tls(around: Surroundings) -> Tls:
    """Return how certificates are checked. Raises ConfigError where a named file is not there."""
    environ = around.environ
    insecure = environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in _TRUE
    authorities = _file("MLFLOW_TRACKING_SERVER_CERT_PATH", around)
    if insecure and authorities:
        hint = "unset one of MLFLOW_TRACKING_INSECURE_TLS and MLFLOW_TRACKING_SERVER_CERT_PATH"
        raise ConfigError("certificates cannot be both ignored and checked", hint=hint)
    certificate = _file("MLFLOW_TRACKING_CLIENT_CERT_PATH", around)
    return Tls(verify=not insecure, authorities=authorities, certificate=certificate)


def _pair(url: str, around: Surroundings) -> tuple[str, str]:
    parts = urlsplit(url)
    if parts.username and parts.password:
        return unquote(parts.username), unquote(parts.password)
    user, password = around.environ.get(USER, ""), around.environ.get(PASSWORD, "")
    if user and password:
        return user, password
    held = _held(around.home / ".mlflow" / "credentials")
    return user or held.get(USER.lower(), ""), password or held.get(PASSWORD.lower(), "")


def _held(path: Path) -> dict[str, str]:
    """Return the credentials file's `[mlflow]` section; a file that cannot be read holds nothing, as for MLflow."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_LIMIT)
    except OSError:
        return {}
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ConfigError(f"{path} is unreadable", hint="it should hold [mlflow] and lines `key = value`") from error
    return dict(parser["mlflow"]) if parser.has_section("mlflow") else {}


def _file(name: str, around: Surroundings) -> str:
    value = around.environ.get(name, "")
    if not value:
        return ""
    path = Path(around.cwd, value)
    if not path.exists():
        raise ConfigError(f"{name} names {value}, which is not there", hint="correct or unset it")
    return str(path)
