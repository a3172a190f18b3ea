"""How hard a writer tries."""

from __future__ import annotations

from enum import StrEnum


class Effort(StrEnum):
    """How hard a writer tries; a reader does not see the difference."""

    FAST = "fast"
    DEFAULT = "default"
    MAX = "max"

    @property
    def depth(self) -> int:
        """The most blocks that must be read before one."""
        return {Effort.FAST: 1, Effort.DEFAULT: 2, Effort.MAX: 8}[self]
