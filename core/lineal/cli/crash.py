"""The report of a bug: a file of the user's with the traceback, in which no secret and no control character is left."""

from __future__ import annotations

import os
import platform
import re
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from lineal import __version__
from lineal.config import Surroundings
from lineal.model.text import visible, visible_lines

_MOST = 200_000  # characters of a report; messages may hold whole files
_HIDDEN = "***"
_NAMES = r"(?:token|secret|passw(?:or)?d|passphrase|credentials?|signature|authorization|(?:api|access)[_-]?key)"
_SECRETIVE = re.compile(_NAMES + "|_KEY$|^KEY$|AUTH|COOKIE|_PASS$|_PW$|_DSN$", re.I)
_PATTERNS = (
    (re.compile(r"([a-z][a-z0-9+.-]{0,30}://)[^/\s@'\"]+@", re.I), rf"\1{_HIDDEN}@"),
    (re.compile(r"([?&][^\s=&'\"]{1,100}=)[^&\s'\"#]+"), rf"\1{_HIDDEN}"),
    (re.compile(r"\b((?:bearer|basic)\s+)[\w.~+/=-]{6,}", re.I), rf"\1{_HIDDEN}"),
    (re.compile(rf"({_NAMES}['\"]?\s{{0,3}}[:=]\s{{0,3}}['\"]?)(?!\*\*\*)[^\s'\",;)]+", re.I), rf"\1{_HIDDEN}"),
    (
        re.compile(
            r"\b(?:hf_|gh[pousr]_|github_pat_|glpat-|xox[abps]-|sk-|AKIA|ASIA)[\w-]{12,}|\beyJ[\w-]{8,}\.[\w.-]{8,}"
        ),
        _HIDDEN,
    ),
)  # user and password of a URL, what its query says, headers, `password=...`, and the shapes of well-known tokens
_SHORTEST = 4  # characters of a secret; what is shorter would be hidden everywhere by chance


def report(error: BaseException) -> None:
    """Write the traceback, without values of variables, to a file of the user's and say where it is."""
    around = Surroundings.of_process()
    name = f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    text = told(error, around)
    try:
        place = f"in {visible(str(_written(around.state_folder() / name, text)))}"
    except OSError:
        sys.stderr.write(text)
        place = "above"
    said = visible(without_secrets(str(error)[:2000], around.environ), 300)
    sys.stderr.write(f"lineal: a bug: {type(error).__name__}: {said}\n")
    sys.stderr.write(f"hint: the traceback is {place}; please report it\n")


def told(error: BaseException, around: Surroundings) -> str:
    """Return what the report of an error says."""
    there = around.environ
    where = (
        f"lineal {__version__}, Python {platform.python_version()}, {platform.system()} {platform.release()}\n"
        f"TERM={there.get('TERM', '')} COLORTERM={there.get('COLORTERM', '')} LANG={there.get('LANG', '')}"
        f" tmux={'TMUX' in there} ssh={'SSH_CONNECTION' in there}"
    )
    text = "".join(traceback.format_exception(error))
    if len(text) > _MOST:
        text = f"{text[: _MOST // 2]}\n…\n{text[-_MOST // 2 :]}"
    return visible_lines(without_secrets(f"{where}\n\n{text}", there, around.home)) + "\n"


def without_secrets(text: str, environ: Mapping[str, str], home: Path | None = None) -> str:
    """Return a text without what may be a secret: in URLs, by its name or shape, or held by the environment."""
    for name, value in _secrets(environ):
        text = text.replace(value, f"${name}")
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text.replace(str(home), "~") if home is not None and len(home.parts) > 1 else text


def _secrets(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the names and the secrets of an environment, the longest first: one may hold another."""
    found = [(name, secret) for name, value in environ.items() for secret in _of(name, value)]
    return sorted(((name, secret) for name, secret in found if len(secret) >= _SHORTEST), key=lambda one: -len(one[1]))


def _of(name: str, value: str) -> Iterator[str]:
    if _SECRETIVE.search(name) and not value.startswith("/"):
        yield value
    if "://" in value:
        try:
            yield urlsplit(value).password or ""
        except ValueError:
            return


def _written(file: Path, text: str) -> Path:
    """Write a file that nobody else may read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:  # noqa: PTH123
        stream.write(text)
    return file
