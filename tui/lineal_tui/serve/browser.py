"""The driver of a page's process: Textual's own, and besides it ends when its server is gone."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from textual.app import App
from textual.drivers.web_driver import WebDriver


class Browser(WebDriver):
    """Speaks with the server through its input and output."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._write = self._send  # type: ignore[assignment]

    def _send(self, data: bytes) -> int:
        """Write all of it; a server that is gone takes everything."""
        sent = 0
        with contextlib.suppress(OSError):
            while sent < len(data):
                sent += os.write(self.fileno, data[sent:])
        return len(data)

    def run_input_thread(self) -> None:
        """Hand on what comes; when nothing can come any more, end."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._app.exit)
