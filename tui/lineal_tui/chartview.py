"""How a chart is looked at, and what a cursor can read from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

Form = Literal["lines", "points", "parallel"]
Clock = Literal["step", "time", "relative"]

FORMS: tuple[Form, ...] = ("lines", "points", "parallel")
CLOCKS: tuple[Clock, ...] = ("step", "time", "relative")
SMOOTHINGS = (0.0, 0.6, 0.9, 0.97, 0.99)
WHOLE = (0.0, 1.0)
IN_ORDER = ("version", "created")
"""What can run along x so that a line from version to version means something."""


class View(Struct, frozen=True):
    """What a person chose. `window` is the part of the x axis that is shown, as fractions of it."""

    pinned: tuple[str, ...] = ()  # metrics beside the one under the cursor
    form: Form = "lines"
    x: str = "version"  # or "created", "param.NAME", "metric.NAME"; "" for the parameter that tells most
    clock: Clock = "step"
    smoothing: float = 0.0
    log_x: bool = False
    log_y: bool = False
    window: tuple[float, float] = WHOLE

    @property
    def zoom(self) -> float:
        """How many times larger than everything."""
        return 1 / (self.window[1] - self.window[0])


def zoomed(window: tuple[float, float], by: float, around: float = 1.0) -> tuple[float, float]:
    """Return a window so many times as wide; `around`, a fraction of it, stays where it is."""
    low, high = window
    wide = min(1.0, (high - low) * by)
    return panned((low + (high - low - wide) * around, low + (high - low - wide) * around + wide), 0.0)


def panned(window: tuple[float, float], by: float) -> tuple[float, float]:
    """Return the window moved by so many of its widths, as far as there is something."""
    low, high = window
    wide = high - low
    start = min(max(0.0, low + wide * by), 1.0 - wide)
    return (start, start + wide)


class Read(Struct, frozen=True):
    """A curve as a cursor reads it, in its own units."""

    label: str
    shape: str
    steps: Sequence[float]
    values: Sequence[float]
    raw: Sequence[float] = ()  # before smoothing
    tips: Sequence[str] = ()  # what each point is


class Readable(Struct, frozen=True):
    """Where the columns of a chart lie, and the curves behind it."""

    left: int
    cells: int
    low: float
    high: float
    axis: str
    curves: tuple[Read, ...]
    log_x: bool = False
    names: Sequence[str] = ()
    levels: Sequence[tuple[str, float]] = ()  # the live version's value and the policy's limits

    def at(self, cell: int) -> float:
        """Return the x that a column shows."""
        part = cell / max(1, self.cells - 1)
        if self.log_x:
            return float(self.low * (self.high / self.low) ** part)
        return self.low + (self.high - self.low) * part
