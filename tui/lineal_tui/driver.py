"""The terminal: what Textual's driver does, and besides it survives junk, a terminal that is gone, and signals.

SIGTERM and SIGHUP end the application in order: children are stopped, the terminal gets back what it had. Where that
does not come to an end, the process is ended some seconds later.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import sys
import termios
import threading
from codecs import getincrementaldecoder
from types import FrameType
from typing import IO, Any

from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

_GRACE = 5.0  # seconds from a signal until the process ends, whatever it does
_POLL = 0.1  # seconds between two looks at whether the input ends
_CHUNK = 4096
_LEAVE = b"\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[<u\x1b[?1049l\x1b[?7h\x1b[?25h"
_ASKS_NOTHING = ("linux", "vt100", "vt102", "vt220", "ansi", "dumb")
"""Terminals that print the end of a question that they do not know."""


class Outlet:
    """The file that the terminal reads. One that is gone takes everything, so that nothing ever waits for it."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.gone = False

    def write(self, text: str) -> int:
        """Write, unless the terminal is gone."""
        self._unless_gone(lambda: self._file.write(text))
        return len(text)

    def flush(self) -> None:
        """Send what was written."""
        self._unless_gone(self._file.flush)

    def fileno(self) -> int:
        """Return the file's number."""
        return self._file.fileno()

    def _unless_gone(self, act: Any) -> None:
        if not self.gone:
            try:
                act()
            except (OSError, ValueError):
                self.gone = True
                self._forget()

    def _forget(self) -> None:
        """Send what is still buffered nowhere, or Python would complain of it at its end."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._file.fileno())
            os.close(nowhere)


class Terminal(LinuxDriver):
    """A driver for terminals."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._file: Any = Outlet(sys.__stderr__ or sys.stderr)
        self._stopped = False  # by ^Z
        self._ending = False
        self._term = getattr(app, "environ", {}).get("TERM", "")

    def start_application_mode(self) -> None:
        """Take the terminal, and heed the signals that ask for an end."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._end_on)

    def _end_on(self, number: int, frame: FrameType | None) -> None:
        """End in order. A second signal, or some seconds, end it in any case: the loop may wait for a write."""
        if self._ending:
            self._give_up(128 + number)
        self.end(number)

    def end(self, number: int) -> None:
        """End the application as a signal of that number would. Any thread may call it."""
        if self._ending:
            return
        self._ending = True
        late = threading.Timer(_GRACE, self._give_up, (128 + number,))
        late.daemon = True
        late.start()
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(lambda: self._app.exit(return_code=128 + number))

    def _give_up(self, code: int) -> None:
        self.restore()
        os._exit(code)

    def restore(self) -> None:
        """Give the terminal back what it had, past whatever hangs."""
        try:
            os.write(self.fileno, _LEAVE)
            if self.attrs_before is not None:
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
        except (OSError, termios.error):
            return

    def _request_terminal_sync_mode_support(self) -> None:
        if self._term not in _ASKS_NOTHING:
            super()._request_terminal_sync_mode_support()

    def _query_in_band_window_resize(self) -> None:
        if self._term not in _ASKS_NOTHING:
            super()._query_in_band_window_resize()

    def lend_mouse(self, lent: bool) -> None:
        """Leave the mouse to the terminal, which then selects text with it, or take it again."""
        if lent:
            self._disable_mouse_support()
        else:
            self._enable_mouse_support()
        self.flush()

    # --- suspended and resumed ---

    def _sigtstp_application(self, *_: Any) -> None:
        self._stopped = True
        super()._sigtstp_application()

    def _sigcont_application(self, *_: Any) -> None:
        """Take the terminal again. Where we were stopped without being told, it must be let go of first.

        A terminal that goes away sends this too, after SIGHUP.
        """
        if self._ending:
            return
        if not self._stopped and self._auto_restart:
            self.suspend_application_mode()
            self._must_signal_resume = True
        self._stopped = False
        super()._sigcont_application()

    # --- input ---

    def run_input_thread(self) -> None:
        """Read what is typed. What is no UTF-8, and sequences that nobody knows, are passed over."""
        decode = getincrementaldecoder("utf-8")("replace").decode
        parser = XTermParser(self._debug)
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                text = ""
                if selector.select(_POLL):
                    if not (data := self._read()):
                        self.end(signal.SIGHUP)
                        return
                    text = decode(data)
                try:
                    for event in (*(parser.feed(text) if text else ()), *parser.tick()):
                        self.process_message(event)
                except Exception:  # whatever the parser makes of junk: it is begun anew, and the next key counts
                    parser = XTermParser(self._debug)

    def _read(self) -> bytes:
        """Return what was typed; nothing where the terminal is gone."""
        try:
            return os.read(self.fileno, _CHUNK)
        except OSError:
            return b""
