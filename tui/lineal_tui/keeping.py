"""Where a session is kept: one small file for each workspace, read at the start, written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from msgspec import DecodeError

from lineal_tui import resuming
from lineal_tui.keys import Where
from lineal_tui.places import Place, Scope
from lineal_tui.present import text
from lineal_tui.recall import RecallReady, RecallRequest
from lineal_tui.resuming import Kept, Ref, Spot
from lineal_tui.session import Session

if TYPE_CHECKING:
    from lineal_tui.workspaces import Workspaces


def file_of(state: Path, root: Path, index: str) -> Path:
    """Return the file of a workspace's session: its name says nothing of either."""
    name = hashlib.sha256(os.fsencode(root) + b"\0" + index.encode(errors="surrogateescape")).hexdigest()[:16]
    return state / "sessions" / f"{name}.json"


class Keeper:
    """Keeps the session of one run in a file. Nothing that happens to the file stops anybody."""

    def __init__(self, file: Path, *, fresh: bool = False) -> None:
        self._file = file
        self._fresh = fresh
        self._kept: Kept | None = None
        self._lost: tuple[Ref, ...] = ()  # marks in an index that is empty: they come back once it is filled
        self._written = b""
        self._turn, self._done = 0, 0  # of the writes: an older one never replaces a newer
        self._lock = Lock()
        self.waiting = False  # for the versions of the earlier session
        self.said = ""  # why nothing came back
        self.workspaces: Workspaces | None = None  # others that can be opened from here
        self.next = ""  # the folder of the workspace to open after this one
        self.trouble = ""  # why nothing could be kept

    # --- the earlier session ---

    def begin(self, session: Session) -> None:
        """Take what an earlier session left, as far as it needs no index."""
        try:
            kept = None if self._fresh else self._read()
        except (OSError, ValueError, DecodeError) as error:
            self.said = f"This session begins anew; the last cannot be read: {text.safe(str(error), 120)}"
            return
        if kept is not None:
            self._kept = kept
            resuming.take(kept, session)
            self.waiting = True

    def _read(self) -> Kept | None:
        try:
            handle = os.open(self._file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with open(handle, "rb") as stream:  # noqa: PTH123 - opened so that no pipe there holds the start up
            return resuming.decode(stream.read(resuming.LARGEST + 1) or b"")

    @property
    def elsewhere(self) -> bool:
        """Whether the earlier session was left on another screen than Models."""
        return self._kept is not None and resuming.sound(self._kept.here) is not None

    @property
    def request(self) -> RecallRequest:
        """What must be found again."""
        return RecallRequest(resuming.wanted(self._kept) if self._kept else ())

    def recalled(self, session: Session, found: RecallReady) -> Place | None:
        """Take the versions that were found; return where to go, None to stay. What is gone is said in `said`."""
        kept, self._kept, self.waiting = self._kept, None, False
        if kept is None:
            return None
        rows = found.found
        session.mark(rows[ref.identity] for ref in kept.marks if ref.identity in rows)
        missing = [ref for ref in kept.marks if ref.identity not in rows]
        if not found.models:
            self._lost = tuple(missing)
            return resuming.place(kept.models, ()) if self._elsewhere(kept) else None
        gone = len({one for one in found.request.wanted if one not in rows})
        home, moved = self._home(kept.models, found)
        here = self._there(resuming.sound(kept.here), found)
        if gone or moved:
            lost = [f"{text.plural(gone, 'version')} of the last session"] if gone else []
            lost += ["its model"] if moved else []
            self.said = f"No longer here: {' and '.join(lost)}. This is the nearest place."
        session.places.amend(home)
        if here is not None:
            session.places.visit(here)
            return here
        marked = bool(session.marks) and home.view is not None
        return home if moved or marked or self._elsewhere(kept) else None

    def _elsewhere(self, kept: Kept) -> bool:
        return resuming.sound(kept.here) is not None

    def _home(self, spot: Spot, found: RecallReady) -> tuple[Place, bool]:
        """Return the place on Models, and whether it had to be another."""
        rows = tuple(found.found[ref.identity] for ref in spot.rows[:1] if ref.identity in found.found)
        made = resuming.place(spot, rows)
        if not spot.registry or (spot.registry, spot.model) in found.models:
            return made, False
        known = any(registry == spot.registry for registry, _ in found.models)
        if known and not spot.model:
            return made, False
        return Place(Where.MODELS, Scope(spot.registry) if known else Scope(), made.text), True

    def _there(self, spot: Spot | None, found: RecallReady) -> Place | None:
        if spot is None:
            return None
        rows = tuple(found.found[ref.identity] for ref in spot.rows if ref.identity in found.found)
        fewest = {Where.COMPARE: 2, Where.LINEAGE: 1, Where.CHARTS: 1}.get(spot.where, 0)
        if len(rows) < fewest:
            return None
        made = resuming.place(spot, rows)
        return made if len(rows) == len(spot.rows) or spot.where is not Where.COMPARE else _plain(made)

    # --- this session ---

    def changed(self, kept: Kept) -> bytes:
        """Return the file of a session where it is another than was written last; else nothing."""
        try:
            said = resuming.encode(kept)
        except ValueError:  # a text that is none, which no registry should send
            return b""
        return said if said != self._written and len(said) <= resuming.LARGEST else b""

    @property
    def lost(self) -> tuple[Ref, ...]:
        """Marks that wait for an index."""
        return self._lost

    def turn(self) -> int:
        """Return the number of a write: ask for it where the session is looked at."""
        self._turn += 1
        return self._turn

    def write(self, said: bytes, turn: int) -> None:
        """Write the file, whole or not at all. Any thread may call it."""
        with self._lock:
            if turn < self._done:
                return
            try:
                replace_file(self._file, said)
            except OSError as error:
                self.trouble = f"the session could not be kept: {error.strerror or error}"
                return
            self._done, self._written, self.trouble = turn, said, ""


def _plain(place: Place) -> Place:
    """Return a comparison without its view: what its baseline counted is another now."""
    return Place(place.where, place.scope, place.text, place.rows)


def replace_file(file: Path, said: bytes) -> None:
    """Write a file that nobody else may read, whole or not at all. Raises OSError."""
    import tempfile  # not for the first paint

    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{file.stem}-", suffix=".tmp", dir=file.parent)  # 0600
    try:
        with open(handle, "wb") as stream:  # noqa: PTH123
            stream.write(said)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, file)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise
