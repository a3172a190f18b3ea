"""What screens, widgets and the application tell one another; `messages` hands these on with its own."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from lineal_tui.places import Place
from lineal_tui.saying import Said


class Go(Said):
    """Go to a place; `remember` puts it among the places visited."""

    place: Place
    remember: bool = True


class Entered(Said, bubble=False):
    """The screen is at this place now."""

    place: Place


class Refresh(Said, bubble=False):
    """The index has changed: ask again for what is on screen."""


class SyncWanted(Said):
    """Read registries again; no names means all."""

    names: tuple[str, ...] = ()


class CancelSync(Said):
    """Stop the sync that runs."""


@dataclass(repr=False)
class SyncStep(Message, bubble=False):
    """What a running sync says; `running` is False with the last one."""

    registry: str = ""
    done: int = 0
    total: int | None = None
    rate: float = 0.0  # versions a second; bytes, where files are hashed
    left: float | None = None  # seconds
    hashing: bool = False
    bytes: bool = False  # a job of the store: everything counts in bytes
    failed: bool = False  # the registry could not be read
    running: bool = True
    changed: bool = False  # the index holds something new
    error: str = ""
    said: str = ""  # the last line that was said, once it has ended well


class RunWanted(Said):
    """Run a verb of the store, as it would be typed behind `lineal`."""

    words: tuple[str, ...]


class Acted(Said):
    """An action came to its end, and what it changed lies in these registries."""

    registries: tuple[str, ...]


class Copy(Said):
    """Put a text on the clipboard of the person's own terminal."""

    text: str


class Moved(Said):
    """The cursor of a list stands on another line."""

    index: int


class Chosen(Said):
    """Enter was pressed on a line."""

    index: int


class FilterChanged(Said):
    """The filter's text, a moment after it was typed; `final` when enter closed the box."""

    text: str
    final: bool = False


class FilterClosed(Said):
    """The filter box went away; `cleared` when by escape."""

    cleared: bool
