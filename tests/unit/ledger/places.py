"""A store's place in memory, which counts what is asked of it; and ledgers written into it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from lineal.errors import NotFound
from lineal.ledger import events
from lineal.ledger.events import Event
from lineal.ledger.folding import State
from lineal.ledger.ledger import Ledger
from lineal.store.backend import Backend, Object

STORE = "5" * 32


class Place:
    """Objects in a dictionary. `asked` counts reads, creations and listed keys; `before_read` may wait or fail."""

    def __init__(self, before_read: Callable[[str], None] = lambda _: None) -> None:
        self.url = "memory"
        self.objects: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self.before_read = before_read
        self._lock = threading.Lock()

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        with self._lock:
            self.asked["read"] += 1
        self.before_read(key)
        try:
            return self.objects[key][start : None if length is None else start + length]
        except KeyError:
            raise NotFound(f"{key} is not there") from None

    def size(self, key: str) -> int | None:
        return len(self.objects[key]) if key in self.objects else None

    def create(self, key: str, source: bytes | Path) -> bool:
        data = source if isinstance(source, bytes) else source.read_bytes()
        with self._lock:
            self.asked["create"] += 1
            return self.objects.setdefault(key, data) is data

    def list(self, prefix: str) -> Iterator[Object]:
        with self._lock:
            found = sorted(key for key in self.objects if key.startswith(prefix))
            self.asked["listed"] += len(found)
        return iter([Object(key, len(self.objects[key]), 0.0) for key in found])

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def scratch(self) -> Path:
        raise NotImplementedError

    def reap(self, now: float) -> int:
        return 0

    def close(self) -> None:
        pass


def event(mark: int, kind: str = events.COMMITTED, **said: object) -> Event:
    fields = {"id": f"{mark:032x}", "kind": kind, "at": 1.0, "model": "m", "version": f"{mark:064x}"} | said
    return Event(**fields)  # type: ignore[arg-type]


def numbered(mark: int) -> Callable[[State], Event | None]:
    """Commit the version `mark` once, under the next number."""
    version = f"{mark:064x}"

    def decide(state: State) -> Event | None:
        known = version in state.models.get("m", {})
        return None if known else event(mark, number=state.next_number("m"))

    return decide


def written(place: Backend, count: int, memory: Path | None = None) -> Ledger:
    """Write a ledger of `count` versions."""
    ledger = Ledger(place, STORE, memory)
    for mark in range(count):
        ledger.append(numbered(mark))
    return ledger


def filled(place: Place, count: int) -> None:
    """Write a long ledger, without the ledger's own code for writing."""
    before = STORE
    for number in range(1, count + 1):
        data = events.encode(events.Entry(number=number, before=before, event=event(number, number=number)))
        place.objects[events.key(number)] = data
        before = events.digest(data)
