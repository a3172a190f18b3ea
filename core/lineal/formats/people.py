"""Who runs this."""

from __future__ import annotations

from lineal.config import Surroundings
from lineal.formats.git import Git

NOBODY = "unknown"
"""Who runs this, where nothing says so."""


def author(around: Surroundings) -> str:
    """Return who runs this: LINEAL_AUTHOR, else as git would say, else the user's name."""
    if given := around.environ.get("LINEAL_AUTHOR"):
        return given
    name, mail = around.environ.get("GIT_AUTHOR_NAME", ""), around.environ.get("GIT_AUTHOR_EMAIL", "")
    if not name:
        git = Git(str(around.cwd))
        name, mail = ((git.tried("config", f"user.{one}") or "").strip() for one in ("name", "email"))
    if name:
        return f"{name} <{mail}>" if mail else name
    return around.environ.get("USER") or around.environ.get("LOGNAME") or NOBODY
