"""What every screen does beside what it is for: choose, mark, copy, details, sync, help, palette, theme."""

from __future__ import annotations

from lineal_tui import keys
from lineal_tui.messages import Copy, RunWanted, SyncWanted
from lineal_tui.present import bars
from lineal_tui.present.ink import Span, Tone
from lineal_tui.screens.acting import Acting


class Room(Acting):
    """A screen with all that they share."""

    def do_open(self) -> None:
        """Choose what is under the cursor."""
        if pane := self.pane():
            pane.enter()

    def do_mark(self) -> None:
        """Mark the version under the cursor."""
        if row := self.subject():
            self.session.toggle(row)

    def do_copy(self) -> None:
        """Offer what can be copied about the version under the cursor."""
        from lineal_tui.screens.copying import copies
        from lineal_tui.screens.dialog import Chooser

        if row := self.subject():
            offered = copies(row)

            def take(index: int | None) -> None:
                if index is not None:
                    self.post_message(Copy(offered[index][1]))

            self.app.push_screen(Chooser("copy", [line for line, _ in offered]), take)

    def do_details(self) -> None:
        """Show everything about the version under the cursor."""
        from lineal_tui.screens.details import Details

        if row := self.subject():
            self.app.push_screen(Details(row, self.session))

    def do_sync(self) -> None:
        """Read every registry again."""
        self.post_message(SyncWanted())

    def do_help(self) -> None:
        """Show the keys of this screen."""
        from lineal_tui.screens.dialog import Help

        self.app.push_screen(Help(keys.of(self.WHERE), self.off))

    def do_palette(self) -> None:
        """Offer everything that can be done here, by name."""
        from lineal_tui.screens import elsewhere
        from lineal_tui.screens.dialog import Chooser
        from lineal_tui.screens.storing import offer_line, offers

        table = [key for key in keys.of(self.WHERE) if key.group is not keys.Group.MOVE and key.id != "palette"]
        table.sort(key=lambda key: -key.rank)
        offered = offers(self.subject(), self._kind()) if self.session.verbs and self.session.writes else []
        begun = self.session.begun
        lines = [bars.resume_line(plan) for plan in begun]
        lines += [bars.palette_line(key, self.off(key.id)) for key in table]
        lines += [offer_line(offer) for offer in offered]
        lines += elsewhere.lines(self)

        def take(index: int | None) -> None:
            if index is None:
                return
            at = index - len(begun)
            if at < 0:
                self.resume(begun[index].id)
            elif at < len(table):
                self.action_key(table[at].id)
            elif at < len(table) + len(offered):
                self._command(offered[at - len(table)][0])
            else:
                elsewhere.take(self, at - len(table) - len(offered))

        self.app.push_screen(Chooser("do", lines), take)

    def _kind(self) -> str:
        """Return the kind of the registry of the version under the cursor."""
        row = self.subject()
        return next((one.kind for one in self.session.registries if row and one.name == row.registry), "")

    def _command(self, begun: str) -> None:
        """Let a verb of the store be finished by hand, and run it."""
        from lineal_tui.screens.storing import Command

        def run(words: list[str] | None) -> None:
            if words:
                self.post_message(RunWanted(tuple(words)))

        self.app.push_screen(Command(begun), run)

    def do_theme(self) -> None:
        """Change to the next theme."""
        from lineal_tui.themes import NAMES

        now = NAMES.index(self.app.theme) if self.app.theme in NAMES else 0
        self.app.theme = NAMES[(now + 1) % len(NAMES)]
        self.session.theme = self.app.theme
        why = "" if self.session.colour else "; NO_COLOR is set, so it shows no colours"
        self.say((Span(f"theme: {self.app.theme.removeprefix('lineal-')}{why}", Tone.DIM),))

    def do_suspend(self) -> None:
        """Let the shell have the terminal until `fg`."""
        if self.app.is_web:
            self.say((Span("A browser has no shell to go back to.", Tone.WARN),))
        self.app.action_suspend_process()
