"""`lineal demo`: a workspace of real registries, with models trained there and then.

`build` needs NumPy and git, no network, and no tool whose registries it makes. The same folder and the same hour give
the same bytes. The story is in `story`, the models in `lab`; one module writes each registry.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lineal.config import Surroundings

__all__ = ["build"]


def build(path: Path, around: Surroundings, say: Callable[[str], None]) -> None:
    """Build the demo in `path` (relative to the working folder), telling each step to `say`.

    An earlier demo there is replaced, with what was changed in its registries; anything beside them stays.

    Raises:
        ConfigError: `path` holds something that is no demo, it cannot be written, or git is missing.
    """
    from lineal.demo import workspace
    from lineal.demo.hub import Cache
    from lineal.demo.lab import Lab
    from lineal.demo.place import Place
    from lineal.demo.repository import History
    from lineal.demo.runs import Runs
    from lineal.demo.story import Calendar
    from lineal.demo.tracking import Tracking

    place, lab, dates = Place((around.cwd / path).absolute()), Lab(), Calendar(around.clock())
    place.claim()
    say("training the models and writing their history with git, DVC and GTO")
    written = History(place, lab, dates, around).write()
    say("logging them to MLflow")
    Tracking(place, lab, dates, written).write()
    say("filling a Hugging Face cache")
    Cache(place, lab, dates).write()
    say("leaving checkpoints")
    Runs(place, lab, dates).write()
    workspace.write(place, dates.ago(0))
    say(f"the demo is in {place.root}")
