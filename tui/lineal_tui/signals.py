"""What screens, widgets and the application tell one another; `messages` hands these on with its own."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from lineal_tui.places import Place


@dataclass(eq=False, repr=False)
class Go(Message):
    """Go to a place; `remember` puts it among the places visited."""

    place: Place
    remember: bool = True


@dataclass(eq=False, repr=False)
class Entered(Message, bubble=False):
    """The screen is at this place now."""

    place: Place


@dataclass(eq=False, repr=False)
class Refresh(Message, bubble=False):
    """The index has changed: ask again for what is on screen."""


@dataclass(eq=False, repr=False)
class SyncWanted(Message):
    """Read registries again; no names means all."""

    names: tuple[str, ...] = ()


@dataclass(eq=False, repr=False)
class CancelSync(Message):
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


@dataclass(eq=False, repr=False)
class RunWanted(Message):
    """Run a verb of the store, as it would be typed behind `lineal`."""

    words: tuple[str, ...]


@dataclass(eq=False, repr=False)
class Acted(Message):
    """An action came to its end, and what it changed lies in these registries."""

    registries: tuple[str, ...]


@dataclass(eq=False, repr=False)
class Copy(Message):
    """Put a text on the clipboard of the person's own terminal."""

    text: str


@dataclass(eq=False, repr=False)
class Moved(Message):
    """The cursor of a list stands on another line."""

    index: int


@dataclass(eq=False, repr=False)
class Chosen(Message):
    """Enter was pressed on a line."""

    index: int


@dataclass(eq=False, repr=False)
class FilterChanged(Message):
    """The filter's text, a moment after it was typed; `final` when enter closed the box."""

    text: str
    final: bool = False


@dataclass(eq=False, repr=False)
class FilterClosed(Message):
    """The filter box went away; `cleared` when by escape."""

    cleared: bool
