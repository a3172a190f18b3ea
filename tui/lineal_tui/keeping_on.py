"""The session of a running application: brought back at its start, kept at rest and at its end."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING

from textual.css.query import NoMatches

from lineal_tui import resuming
from lineal_tui.keeping import Keeper
from lineal_tui.present.ink import Span, Tone
from lineal_tui.recall import RecallReady

if TYPE_CHECKING:
    from lineal_tui.app import LinealApp

_REST = 5.0  # seconds between two looks at whether something is to be kept
_AFTER = 0.2  # seconds until a word is said: the screen may just be made


class Keeping:
    """Stands between an application and its keeper. The application's own thread alone uses it."""

    def __init__(self, app: LinealApp, keeper: Keeper) -> None:
        self._app, self._keeper = app, keeper
        if (known := keeper.workspaces) is not None:
            app.session.bound, app.session.folder_wrong = "", known.wrong
        self._held: ExitStack | None = None
        keeper.begin(app.session)

    def open(self, waiting: ExitStack) -> bool:
        """Ask for the versions of the earlier session; return whether the first screen waits for them."""
        waiting.callback(self._begin)
        if self._keeper.said:
            waiting.callback(self._say)
        if not self._keeper.elsewhere:
            return False
        self._held = waiting
        self._recall()
        return True

    def _begin(self) -> None:
        self._app.set_interval(_REST, self._rest)
        self._app.run_worker(self._look_around(), group="workspaces")
        if self._keeper.waiting and self._held is None:
            self._recall()

    async def _look_around(self) -> None:
        if self._keeper.workspaces is not None:
            self._app.session.elsewhere = await asyncio.to_thread(self._keeper.workspaces.note)

    def leave_for(self, typed: str) -> None:
        """End here, so that `main` opens another workspace."""
        known = self._keeper.workspaces
        if known is not None and not known.wrong(typed):
            self._keeper.next = str(known.path(typed))
            self._app.exit()

    def _recall(self) -> None:
        from lineal_tui.messages import Ask

        self._app.post_message(Ask(self._keeper.request, self._app))

    def recalled(self, message: RecallReady) -> None:
        """Go where the earlier session was left, or to the nearest place."""
        if not self._keeper.waiting:
            return
        place = self._keeper.recalled(self._app.session, message)
        if place is not None:
            self._app.show(place)
        elif room := self._app.room:
            room.resumed()
            room.frame()
        if self._held is not None:
            self._held.close()
            self._held = None
        if self._keeper.said:
            self._say()

    def _say(self) -> None:
        def say() -> None:
            if (room := self._app.room) and room.is_mounted and room.query("#say"):
                room.say((Span(self._keeper.said, Tone.WARN),))

        self._app.set_timer(_AFTER, say)

    # --- kept ---

    def _changed(self) -> bytes:
        """Return what is to be written; nothing before the earlier session has come back, or where nothing changed."""
        if self._keeper.waiting:
            return b""
        try:
            room = self._app.room
            if room:
                room.settle()
            row = room.subject() if room else None
        except NoMatches:  # a screen that is not quite there, or no longer
            row = None
        return self._keeper.changed(resuming.keep(self._app.session, row, self._keeper.lost))

    async def _rest(self) -> None:
        """Keep what has changed; the disk may be slow, so a thread waits for it."""
        if said := self._changed():
            await asyncio.to_thread(self._keeper.write, said, self._keeper.turn())

    def close(self) -> None:
        """Keep the session, at the end."""
        if said := self._changed():
            self._keeper.write(said, self._keeper.turn())
