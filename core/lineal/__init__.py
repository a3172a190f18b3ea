"""Every model version you have, in one place: the library behind the `lineal` command."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineal.actions.desk import Desk as Desk
    from lineal.workspace import Workspace as Workspace
    from lineal.workspace import open_workspace as open

__version__ = "0.1.0"

_LAZY = {
    "open": "lineal.workspace:open_workspace",
    "Workspace": "lineal.workspace:Workspace",
    "Desk": "lineal.actions.desk:Desk",
}
__all__ = ["Desk", "Workspace", "__version__", "open"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'lineal' has no attribute {name!r}")
    module, _, attribute = _LAZY[name].partition(":")
    return getattr(import_module(module), attribute)
