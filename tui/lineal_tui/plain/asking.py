"""Asks the worker and waits for its answer: text mode does one thing at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

from textual.message import Message

from lineal_tui import messages as m
from lineal_tui.acts import ExecuteRequest, StepSaid
from lineal_tui.desking import Desk
from lineal_tui.source import Source
from lineal_tui.worker import Worker

Answer = TypeVar("Answer", bound=Message)
_STILL = 5.0  # seconds after which it is said that something is waited for
_LOOK = 0.2  # seconds between two looks at whether a bug ended what is waited for


class Cancelled(Exception):
    """The person no longer waits for an answer."""


class _Ear:
    """Whoever waits for one answer; a late one is heard by nobody."""

    def __init__(self) -> None:
        self.heard: SimpleQueue[Message] = SimpleQueue()

    def post_message(self, message: Message) -> bool:
        """Take a message from the worker's thread."""
        self.heard.put(message)
        return True


class Asking:
    """The worker, asked one thing at a time. Errors are raised where the question was put."""

    def __init__(self, source: Source, desk: Callable[[], Desk], say: Callable[[str], None]) -> None:
        self._say = say
        self._bugs: SimpleQueue[m.Crashed] = SimpleQueue()
        self._worker = Worker(source, self._bugs.put, desk)

    def close(self) -> None:
        """Let go of the workspace."""
        self._worker.close()

    def ask(self, request: m.Request, answer: type[Answer]) -> Answer:
        """Ask, and wait. Raises Error as the worker does, and Cancelled at ctrl+c; an action is told to stop first."""
        ear, began, told = _Ear(), time.monotonic(), False
        self._worker.ask(request, ear)
        while True:
            try:
                message = self._next(ear)
            except KeyboardInterrupt:
                self._stop(request)
                continue
            if isinstance(message, answer):
                return message
            if isinstance(message, m.Failed):
                raise message.error
            if isinstance(message, StepSaid):
                self._say(message.said)
            if not told and time.monotonic() - began > _STILL:
                told = True
                self._say("Still waiting for an answer; ctrl+c cancels")

    def _next(self, ear: _Ear) -> Message | None:
        try:
            return ear.heard.get(timeout=_LOOK)
        except Empty:
            if not self._bugs.empty():
                raise self._bugs.get().error from None
            return None

    def _stop(self, request: m.Request) -> None:
        """Stop what runs: an action ends by itself, before its next step; for anything else nobody waits any more."""
        if not isinstance(request, ExecuteRequest):
            raise Cancelled
        if request.stop.is_set():
            raise KeyboardInterrupt
        request.stop.set()
        self._say("Stopping before the next step; ctrl+c again leaves at once")
