"""The desk of the application: the one of `lineal.actions`, with a workspace of its own.

What takes minutes at the desk, such as a test of the policy, then keeps no screen from reading.
"""

from __future__ import annotations

from pathlib import Path

from lineal.actions.desk import Desk
from lineal.model.listing import VersionRow
from lineal.workspace import Workspace


class Office(Desk):
    """A desk that closes its workspace, and writes evidence."""

    def report(self, row: VersionRow, alias: str, folder: Path, *, picture: str = "") -> list[Path]:
        """Write the evidence about a version and an alias; no command is run for it. Raises ConfigError."""
        from lineal.cli.report import bundle

        return bundle(self, row, self.check(row, alias, run=False), folder, picture)

    def close(self) -> None:
        """Let go of the store and of the workspace."""
        super().close()
        self.work.close()


def office(work: Workspace) -> Office:
    """Open a desk at the workspace that `work` is, with the same configuration and index."""
    return Office(Workspace(work.config, work.around, work.index_url, as_is=True))
