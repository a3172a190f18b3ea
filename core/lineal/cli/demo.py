"""`lineal demo`: a workspace of real registries, built on the spot."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from lineal.cli.context import Context, narrate, pass_context
from lineal.config import place


@click.command("demo")
@click.option("--path", metavar="DIR", help="Build it here; by default in Lineal's cache folder.")
@click.option("--no-open", is_flag=True, help="Build and sync it, and do not open the application.")
@pass_context
def command(context: Context, path: str | None, no_open: bool) -> int:
    """Build a workspace of real registries and open it.

    In some seconds and without a network: models are trained there and then, and kept in a git repository with DVC and
    GTO, an MLflow file store, a Hugging Face cache and folders of checkpoints.
    """
    _one_thread()
    from lineal.cli.sync import freshen
    from lineal.demo import build, reviewing

    around = context.around
    folder = Path(place(path, around.cwd, around.home)) if path else around.cache_folder() / "demo"
    build(folder, around, narrate)
    context.folder = str(folder)
    with context.open() as work:
        freshen(work, [spec.name for spec in work.specs], fingerprint=True)
        narrate("keeping checkpoints in a store, and asking for a review")
        if why := reviewing.act(work):
            narrate(f"note: nobody could be asked for a review: {why}")
    narrate(f"built in {folder}")
    if no_open:
        narrate(f"open it with: lineal -C {shlex.quote(str(folder))}")
        return 0
    return context.open_application()


def _one_thread() -> None:
    """Keep NumPy, which is not loaded yet, to one thread: matrices this small take four times as long on several."""
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ.setdefault(variable, "1")
