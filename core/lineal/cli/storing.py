"""What the verbs of the store share: which store is meant, which version, and how far a long job is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import structs

from lineal.cli import output
from lineal.cli.context import Context
from lineal.config import StoreSpec, place
from lineal.errors import ConfigError, Conflict

if TYPE_CHECKING:
    from lineal.registries.native.shelf import Shelf
    from lineal.workspace import Workspace

Command = TypeVar("Command", bound=Callable[..., Any])
_EVERY = 0.1  # seconds between two lines of progress
_RATE_OVER = 1.0  # seconds before a rate means something


def store_option(command: Command) -> Command:
    """Add `--store` to a verb."""
    option = click.option(
        "--store", metavar="PLACE", help="Use this store (a folder, s3://bucket/prefix or a remote's name)."
    )
    return option(command)


@contextmanager
def opened(
    context: Context, store: str | None, *, create: bool = False, writes: bool = False
) -> Iterator[tuple[Workspace, Shelf]]:
    """Open the workspace and the store that is meant. Raises Blocked where it is written to in read-only mode."""
    with context.open() as work:
        if writes:
            work.guard()
        if store is not None:
            work.config = structs.replace(work.config, store=_spec(work, store))
        with work.shelf(create=create) as shelf:
            yield work, shelf


def _spec(work: Workspace, store: str) -> StoreSpec:
    if store in work.config.remotes:
        return work.config.remotes[store]
    return StoreSpec(url=place(store, work.around.cwd, work.around.home), origin="given")


def pairs(option: str, words: tuple[str, ...]) -> dict[str, str]:
    """Read `key=value` options, each key once. Raises ConfigError."""
    found: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise ConfigError(f"--{option} {word!r} is not key=value", hint=f"as in --{option} name=value")
        if key in found:
            raise Conflict(f"--{option} {key!r} is given twice")
        found[key] = value
    return found


def _told_in_events() -> bool:
    context = click.get_current_context(silent=True)
    around = context.find_object(Context) if context else None
    return around is not None and around.around.environ.get("LINEAL_EVENTS") == "jsonl"


class Bar:
    """One line on a terminal that says how much of a job is done, how fast, and how long it will take.

    With LINEAL_EVENTS=jsonl it is JSON lines on stdout instead, as `lineal sync --events jsonl` writes them.
    """

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total = what, total
        self._done = 0
        self._began = self._told = time.monotonic()
        self._events = _told_in_events()
        self._shown = sys.stderr.isatty() and not self._events

    def __call__(self, count: int) -> None:
        """Note that so many more bytes are done."""
        self._done += count
        now = time.monotonic()
        if now - self._told < _EVERY:
            return
        self._told = now
        if self._events:
            output.write(output.json_text(self._event(now - self._began)))
            sys.stdout.flush()
        elif self._shown:
            sys.stderr.write(f"\r\x1b[K{self._line(now - self._began)}")
            sys.stderr.flush()

    def _event(self, seconds: float) -> dict[str, object]:
        rate = self._done / max(seconds, 1e-3)
        left = max(0, self._total - self._done) / rate if self._total and rate else None
        said = {"event": "progress", "registry": self._what, "done": self._done, "expected": self._total or None}
        return {**said, "rate": rate, "left": left, "in_bytes": True}

    def _line(self, seconds: float) -> str:
        share = f"{self._done / self._total:4.0%}" if self._total else ""
        line = f"{self._what} {share} {output.size(self._done)}"
        if seconds < _RATE_OVER or not self._done:
            return line
        rate = self._done / seconds
        left = max(0.0, self._total - self._done) / rate
        return f"{line}  {output.size(int(rate))}/s  {left:.0f} s left"

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def destination(context: Context, given: str | None, default: str) -> Path:
    """Return where something is written: what was given, else a name of its own in the working folder."""
    return Path(place(given or default, Path(context.folder or context.around.cwd), context.around.home))
