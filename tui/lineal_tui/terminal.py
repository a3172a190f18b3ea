"""What the application does at its terminal otherwise than Textual: its driver, its end, keys that come too fast."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from textual import on
from textual.app import App
from textual.css.query import NoMatches
from textual.driver import Driver
from textual.events import Event, Key
from textual.filter import LineFilter

from lineal_tui.present.ascii import wanted
from lineal_tui.session import Session
from lineal_tui.widgets.ascii import AsciiOnly

_HURRY = 0.04  # seconds between two keys that a person did not mean one by one


class AtTerminal(App[int]):
    """An application that is a good guest of its terminal."""

    environ: Mapping[str, str]
    session: Session

    _ascii: tuple[LineFilter, ...] = ()
    _typed = 0.0  # when the last key came

    def only_ascii(self, chosen: bool | None) -> None:
        """Write ASCII alone where that is chosen, or where the terminal has no more and nothing is chosen."""
        self._ascii = (AsciiOnly(),) if wanted(self.environ, chosen) else ()

    def get_driver_class(self) -> type[Driver]:
        """Drive a terminal by our own driver, and a browser by that which the environment names."""
        found = super().get_driver_class()
        if found.__name__ != "LinuxDriver":
            return found
        from lineal_tui.driver import Terminal

        return Terminal

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Write what the terminal has characters for."""
        return (*super().get_line_filters(), *self._ascii)

    async def on_event(self, event: Event) -> None:
        """Note keys that come faster than a person presses them, as those of a paste and of one held down do."""
        if isinstance(event, Key) and not event.is_forwarded and not self.is_headless:
            if event.time - self._typed < _HURRY:
                self.session.hurried_at = time.monotonic()
            self._typed = event.time
        await super().on_event(event)

    def _set_pointer_shape(self, shape: str) -> None:
        """Leave the mouse's pointer alone: few terminals know how, and old ones print the rest of the sequence."""

    def _handle_exception(self, error: Exception) -> None:
        """Let nothing but the end happen at the end: answers still come to screens that are taken down by then."""
        if not (self._exit and isinstance(error, NoMatches)):
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """End at once. Textual would print what the variables held, which may be secrets: `main` reports instead."""
        self._close_messages_no_wait()

    @property
    def error(self) -> Exception | None:
        """The bug that ended it."""
        return self._exception

    @on(Driver.SignalResume)
    def _resumed(self) -> None:
        """Paint everything: after ^Z the terminal shows what others wrote."""
        self.refresh(layout=True)
