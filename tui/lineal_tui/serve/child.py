"""One open page's process: `python -m lineal_tui.serve.child`. It is the application, driven through pipes."""

from __future__ import annotations

import sys

from lineal.cli.errors import guarded
from lineal.config import Surroundings
from lineal.opening import open_anyway
from lineal_tui.main import open_tui


def run() -> int:
    """Open the application on the workspace around the working folder."""
    around = Surroundings.of_process()
    with open_anyway(index=around.environ.get("LINEAL_INDEX", ""), around=around) as work:
        return open_tui(work, alone=True)


if __name__ == "__main__":
    sys.exit(guarded(run))
