"""What the application does for its screens at the world outside: it runs commands and reaches the clipboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.events import Event, Key
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input

from lineal.errors import Error
from lineal_tui import clipboard, commands, keys
from lineal_tui import messages as m
from lineal_tui.exporting import Export, ExportWanted, free, write
from lineal_tui.present import text
from lineal_tui.present.ink import Span, Tone
from lineal_tui.running import Running
from lineal_tui.screens.room import Room
from lineal_tui.terminal import AtTerminal

_PATIENCE = 2.0  # seconds that keys wait for the command line at most


class Errands(AtTerminal):
    """An application that runs commands and copies."""

    _command: Running
    _writer: Running

    _held: list[Event] | None = None  # keys that wait for the command line to open
    _patience: Timer | None = None

    async def on_event(self, event: Event) -> None:
        """Keep what is typed behind `:` for the line that it opens: a burst would reach the screen below."""
        if isinstance(event, Key) and not event.is_forwarded:
            if self._held is not None:
                self._held.append(event)
                return
            opens = event.key in keys.pressed("command") and isinstance(self.screen, Room)
            if opens and not isinstance(self.focused, Input):
                self._held = []
                self._patience = self.set_timer(_PATIENCE, lambda: self.post_message(commands.Listening()))
        await super().on_event(event)

    async def on_listening(self) -> None:
        """Hand on what was kept."""
        held, self._held = self._held or [], None
        if self._patience:
            self._patience.stop()
        for event in held:
            await super().on_event(event)

    def changed(self) -> None:
        """See what is otherwise now: a command may have changed something."""

    def _room(self) -> Room | None:
        rooms = [screen for screen in self.screen_stack if isinstance(screen, Room)]
        return rooms[-1] if rooms else None

    # --- the command line ---

    def on_command_wanted(self, message: commands.CommandWanted) -> None:
        """Run a command beside everything else."""
        self.run_worker(self._run(message), group="command", exclusive=True)

    async def _run(self, message: commands.CommandWanted) -> None:
        code = await self._command.run(message.runs.words, message.cells, message.output.feed)
        message.output.end()
        message.asker.post_message(commands.CommandEnded(code))
        if message.runs.changes:
            self.changed()

    def on_stop_command(self) -> None:
        """Stop it."""
        self._command.cancel()

    # --- files ---

    def on_export_wanted(self, message: ExportWanted) -> None:
        """Ask where to write it."""
        self._ask_where(message.export, str(free(Path(self.session.cwd), message.export.name, message.export.form)))

    def _ask_where(self, export: Export, begun: str, complaint: str = "") -> None:
        from lineal_tui.screens.prompt import Prompt, something

        said = complaint or f"the {export.what} as {export.form}; nothing is ever written over"

        def take(path: str | None) -> None:
            if path:
                self.run_worker(self._write(export, path.strip()), group="export", exclusive=True)

        self.push_screen(Prompt("write into", said, begun=begun, wrong=something), take)

    async def _write(self, export: Export, path: str) -> None:
        from lineal_tui.screens.exporting import Writing

        file = Path(self.session.cwd, Path(path).expanduser())
        waiting = Writing(str(file))
        self.push_screen(waiting, lambda _: self._writer.cancel())
        try:
            size = await write(export, file, self._writer)
        except Error as error:
            self._away(waiting)
            if not self._writer.stopped:
                self._ask_where(export, path, f"{error.message}{f'; {error.hint}' if error.hint else ''}")
                return
            said: tuple[Span, ...] = (Span(error.message, Tone.WARN),)
        else:
            self._away(waiting)
            said = (Span("✔ ", Tone.BETTER), Span(f"{text.size(size)} in {text.safe(str(file), 300)}"))
        if room := self._room():
            room.say(said)

    def _away(self, waiting: Screen[None]) -> None:
        """Take a dialog away, if it is still there."""
        if self.screen is waiting:
            waiting.dismiss(None)

    # --- clipboard ---

    def on_copy(self, message: m.Copy) -> None:
        """Copy, and say so; where that is impossible show the text, to be selected by hand."""
        why = clipboard.impossible(message.text, self.environ)
        if why or self._driver is None:
            self._by_hand(message.text, why or "there is no terminal")
            return
        self._driver.write(clipboard.sequence(message.text, self.environ))
        shown, through = text.safe(message.text, 400), clipboard.through(self.environ)
        if (hear := getattr(self.screen, "hear", None)) is not None:
            hear(f"copied {text.size(len(message.text.encode()))}{through}")
        elif room := self._room():
            room.say((Span("copied  ", Tone.DIM), Span(shown, Tone.ACCENT), Span(through, Tone.DIM)))

    def _by_hand(self, said: str, why: str) -> None:
        """Show a text, and leave the mouse to the terminal as long as it is shown."""
        from lineal_tui.screens.copying import ByHand

        lend: Callable[[bool], None] = getattr(self._driver, "lend_mouse", lambda _: None)
        lend(True)
        self.push_screen(ByHand(said, why), lambda _: lend(False))
