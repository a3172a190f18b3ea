"""Lanes: one thread each, in which requests wait for their turn and newer ones replace older ones."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

Job = Callable[[], None]


class Lane:
    """A daemon thread that runs jobs one at a time. It starts with the first job.

    A job put under a key that still waits takes that one's place: only the newest answer is wanted. The thread is a
    daemon because a job may hang on a network, and quitting must not.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: OrderedDict[Hashable, Job] = OrderedDict()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def put(self, key: Hashable, job: Job) -> None:
        """Queue a job; one that waits under the same key is dropped."""
        with self._wake:
            if self._closed:
                return
            self._jobs[key] = job
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._wake.notify()

    def close(self, wait: float = 0.2) -> None:
        """Forget what waits, and give the running job a moment to end."""
        with self._wake:
            self._closed = True
            self._jobs.clear()
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(wait)

    def _run(self) -> None:
        while (job := self._next()) is not None:
            job()

    def _next(self) -> Job | None:
        with self._wake:
            while not self._jobs and not self._closed:
                self._wake.wait()
            return None if self._closed else self._jobs.popitem(last=False)[1]
