"""The charts of `lineal metrics --chart`: those of the application's screen, printed once."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence

import msgspec

from lineal.charts import Look, drawn
from lineal.config import Surroundings
from lineal.model.listing import VersionRow
from lineal.model.text import visible
from lineal.model.values import Series
from lineal.workspace import Workspace


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """How a chart is asked for. `x` is a field, a name, or "" for the versions in their order."""

    width: int | None = None  # columns; None: the terminal's
    height: int = 20  # lines
    smooth: float = 0.0  # as TensorBoard's, from 0 to below 1
    log: str = ""  # the axes that are logarithmic: "x", "y" or "xy"
    x: str = ""
    parallel: bool = False

    @property
    def columns(self) -> int:
        """Columns across."""
        return self.width or shutil.get_terminal_size((80, 24)).columns

    def look(self) -> Look:
        """Return how curves are drawn; colours go to a terminal only."""
        return Look(colour=_colour(), log_x="x" in self.log, log_y="y" in self.log)


def _colour() -> bool:
    return sys.stdout.isatty() and not Surroundings.of_process().environ.get("NO_COLOR")


def over_versions(work: Workspace, rows: Sequence[VersionRow], metrics: Sequence[str], frame: Frame) -> None:
    """Draw metrics of versions, the oldest first, with the level of the live one and the limits of the policy."""
    from lineal.charts.levels import levels
    from lineal.charts.quantities import named
    from lineal.charts.versions import across

    found = across(rows, metrics, named(rows, frame.x) if frame.x else "version", frame.smooth)
    limits = levels(work.policy, rows, metrics[0], rows) if len(metrics) == 1 and not found.own_scales else []
    look = msgspec.structs.replace(frame.look(), axis=found.x.axis, names=found.x.names, joined=found.in_order)
    _print(drawn(found.curves, frame.columns, frame.height, look, limits).text, found.said)


def in_parallel(work: Workspace, rows: Sequence[VersionRow], metric: str, frame: Frame) -> None:
    """Draw parallel coordinates: the parameters that go most closely with a metric, and the metric."""
    from lineal.charts.parallel import parallel

    goal, _ = work.goals.of(metric)
    found = parallel(rows, metric, goal, frame.columns, frame.height, colour=_colour())
    _print(found.drawing.text, found.said)


def over_training(series: Mapping[str, Series], frame: Frame) -> None:
    """Draw curves along training; `x` of the frame is a clock: step, time or relative."""
    from lineal.charts.training import Clock, along

    found = along(series, Clock(frame.x or "step"), frame.smooth)
    said = [f"no times were kept of {', '.join(found.untimed)}"] if found.untimed else []
    look = msgspec.structs.replace(frame.look(), axis=found.axis)
    _print(drawn(found.curves, frame.columns, frame.height, look).text, said)


def _print(chart: str, said: Sequence[str]) -> None:
    """Print a chart, which holds no foreign text that was not made safe, and what must be said of it."""
    sys.stdout.write("\n".join([chart, *map(visible, said)]) + "\n")
