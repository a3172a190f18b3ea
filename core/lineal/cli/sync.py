"""`lineal sync`: bring the index up to date, with progress that a person or a program reads."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum

import click

from lineal.cli import output
from lineal.cli.context import Context, narrate, pass_context
from lineal.errors import Error
from lineal.model.text import visible
from lineal.sync.events import Event, Failed, Fingerprinting, Finished, Met, Progress, Summary
from lineal.workspace import Workspace

CANCELLED = 130
UNREACHED = 6
_WAIT = 60.0  # seconds that `sync` waits for another sync of the same index
_READ_WAIT = 5.0  # and that a verb waits which can read what is there


class Events(StrEnum):
    """How progress is told."""

    TEXT = "text"
    JSONL = "jsonl"
    NONE = "none"


@click.command("sync")
@click.argument("names", metavar="[REGISTRY]...", nargs=-1)
@click.option("--local", is_flag=True, help="Leave out registries that are reached over a network.")
@click.option("--no-fingerprint", is_flag=True, help="Do not hash local files (which joins equal bytes).")
@click.option("--rebuild", is_flag=True, help="Make the index anew, aside, and then put it in place of the old one.")
@click.option(
    "--events",
    type=click.Choice([one.value for one in Events]),
    default=Events.TEXT.value,
    help="jsonl: one JSON object a line.",
)
@pass_context
def command(
    context: Context, names: Sequence[str], local: bool, no_fingerprint: bool, rebuild: bool, events: Events
) -> int:
    """Bring the index up to date with every REGISTRY, or only with those named.

    Only what changed is read. Ctrl+C stops it: what was completed stays, nothing is half-written. Exits with 6 if a
    registry could not be read; the others are up to date all the same.

    \b
    Examples:
      lineal sync                 all registries, in parallel
      lineal sync prod hf         these two
      lineal sync --events jsonl  for programs
    """
    with context.open() as work:
        tell = _teller(Events(events))
        with _cancelled_by_signals() as cancel:
            if rebuild:
                summary = _rebuild(work, tell, cancel, fingerprint=not no_fingerprint)
            else:
                summary = _sync(work, names or None, tell, cancel, local=local, fingerprint=not no_fingerprint)
        for row in work.index.registries() if events == Events.TEXT else ():
            if row.problems:
                entries = "entry" if row.problems == 1 else "entries"
                narrate(f"{row.name}: {row.problems} unreadable {entries}; screen 7 of the application lists them")
        _watch(work, summary)
    if summary.cancelled:
        return CANCELLED
    return UNREACHED if summary.failed else 0


def _sync(
    work: Workspace,
    only: Sequence[str] | None,
    tell: Callable[[Event], None],
    cancel: threading.Event,
    *,
    local: bool,
    fingerprint: bool,
    wait: float | None = None,
) -> Summary:
    from lineal.sync import sync

    return sync(
        work.specs,
        work.around,
        work.index_url,
        on_event=tell,
        cancel=cancel,
        only=only,
        local_only=local,
        fingerprint=fingerprint and work.config.fingerprint,
        bytes_per_second=work.config.fingerprint_rate,
        wait=_WAIT if wait is None else wait,
    )


def _rebuild(work: Workspace, tell: Callable[[Event], None], cancel: threading.Event, *, fingerprint: bool) -> Summary:
    from lineal.sync import rebuild

    return rebuild(
        work.specs,
        work.around,
        work.index_url,
        on_event=tell,
        cancel=cancel,
        fingerprint=fingerprint and work.config.fingerprint,
        bytes_per_second=work.config.fingerprint_rate,
    )


def freshen(work: Workspace, names: Sequence[str], *, fingerprint: bool = False) -> None:
    """Sync some registries before a verb reads, saying on stderr what went wrong, and on a terminal how it goes.

    Raises:
        IndexBusy: another sync has been running for some seconds; what the index holds can be read all the same.
    """
    tell = _Line(quiet=True) if sys.stderr.isatty() else _failures
    with _cancelled_by_signals() as cancel:
        summary = _sync(work, names, tell, cancel, local=False, fingerprint=fingerprint, wait=_READ_WAIT)
    if summary.cancelled:
        raise KeyboardInterrupt
    _watch(work, summary)


def _watch(work: Workspace, summary: Summary) -> None:
    """Write down which aliases of other registries moved, where the workspace has a ledger."""
    changed = [one.registry for one in summary.finished if not one.skipped]
    from lineal.actions.observing import watch

    try:
        watch(work, changed)
    except Error as error:
        narrate(f"note: moved aliases could not be written down: {error.message}")


@contextmanager
def _cancelled_by_signals() -> Iterator[threading.Event]:
    """Give an event that SIGINT and SIGTERM set, so that a sync ends between two scopes."""
    cancel = threading.Event()
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    for number, _ in before:
        signal.signal(number, lambda *_: cancel.set())
    try:
        yield cancel
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _teller(events: Events) -> Callable[[Event], None]:
    match events:
        case Events.JSONL:
            return _json_line
        case Events.NONE:
            return _failures
        case Events.TEXT:
            return _Line() if sys.stderr.isatty() else _words


def _json_line(event: Event) -> None:
    output.write(output.json_text(event))
    sys.stdout.flush()


def _failures(event: Event) -> None:
    if isinstance(event, Failed):
        narrate(f"{event.registry}: {event.message}" + (f" ({event.hint})" if event.hint else ""))


def _words(event: Event) -> None:
    """Say what ended, one line each: for logs."""
    match event:
        case Finished():
            narrate(_finished(event))
        case Met(problem=problem):
            narrate(f"{problem.registry}: {problem.where}: {problem.message}")
        case Summary():
            narrate(_ended(event))
        case _:
            _failures(event)


def _finished(event: Finished) -> str:
    if event.skipped:
        return f"{event.registry}: nothing new"
    counts = ((event.added, "new"), (event.changed, "changed"), (event.removed, "gone"), (event.unchanged, "as before"))
    said = ", ".join(f"{count} {word}" for count, word in counts if count) or "nothing there"
    return f"{event.registry}: {said} in {event.seconds:.1f} s"


def _ended(event: Summary) -> str:
    hashed = f", {event.hashed} files hashed" if event.hashed else ""
    state = "stopped; what was completed stays" if event.cancelled else "up to date"
    failed = f", {len(event.failed)} could not be read" if event.failed else ""
    return f"{state} after {event.seconds:.1f} s{hashed}{failed}"


class _Line:
    """One line on a terminal that is painted over as the sync goes on; what ended stays above it."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._doing: dict[str, str] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case Progress():
                self._doing[event.registry] = self._progress(event)
            case Fingerprinting():
                self._doing["hashing"] = self._hashing(event)
            case Finished() | Failed():
                self._doing.pop(event.registry, None)
                self._above(event)
            case Summary():
                self._doing.clear()
                self._above(event)
            case _:
                self._above(event)
        self._paint()

    def _above(self, event: Event) -> None:
        sys.stderr.write("\r\x1b[K")
        (_failures if self._quiet else _words)(event)

    def _paint(self) -> None:
        import shutil

        text = visible("  ".join(self._doing.values()))[: shutil.get_terminal_size().columns - 1]
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()

    def _progress(self, event: Progress) -> str:
        of = f" of about {event.expected}" if event.expected else ""
        return f"{event.registry}: {event.done}{of} versions, {event.rate:.0f}/s{_left(event.left)}"

    def _hashing(self, event: Fingerprinting) -> str:
        rate = output.size(int(event.rate))
        return f"hashing {event.files} of {event.of_files} files, {rate}/s{_left(event.left)}"


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f", {seconds:.0f} s left" if seconds < 90 else f", {seconds / 60:.0f} min left"
