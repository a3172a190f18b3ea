"""What every screen does beside what it is for: choose, mark, copy, details, sync, help, palette, theme."""

from __future__ import annotations

from collections.abc import Sequence

from lineal.model.listing import VersionRow
from lineal_tui import keys
from lineal_tui.commands import Outcome, Previews, Runs
from lineal_tui.keys import Where
from lineal_tui.messages import Copy, RunWanted, SyncWanted
from lineal_tui.places import Scope
from lineal_tui.present import bars, text
from lineal_tui.present.ink import Span, Tone
from lineal_tui.recent import VisitedReady, VisitedRequest
from lineal_tui.recent import line as recently
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
        """Offer what can be copied here: about the version under the cursor, and the screen as a command."""
        from lineal_tui.screens.copying import copies

        row = self.subject()
        spoken = [("command", one) for one in self.spoken()]
        self.offer_copies(copies(row, spoken) if row else spoken, row)

    def offer_copies(self, offered: Sequence[tuple[str, str]], row: VersionRow | None = None) -> None:
        """Let one of some texts be copied, or where a version lies."""
        from lineal_tui.screens.copying import CopyChooser

        chooser = CopyChooser(offered, row)

        def take(index: int | None) -> None:
            if index is not None:
                self.post_message(Copy(chooser.offered[index][1]))

        self.app.push_screen(chooser, take)

    def do_export(self) -> None:
        """Offer what can be written of this screen."""
        from lineal_tui.exporting import ExportWanted
        from lineal_tui.screens.dialog import Chooser
        from lineal_tui.screens.exporting import exports, line_of

        picture = self.app.export_screenshot(title=f"lineal {self.WHERE.value}")
        offered = exports(self.exports(), self.WHERE.value, picture)

        def take(index: int | None) -> None:
            if index is not None:
                self.post_message(ExportWanted(offered[index]))

        self.app.push_screen(Chooser("export", [line_of(one) for one in offered]), take)

    def do_details(self) -> None:
        """Show everything about the version under the cursor."""
        from lineal_tui.screens.details import Details

        if row := self.subject():
            self.session.visit(row)
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
        recent = list(self.session.recent)
        lines += [recently(one) for one in recent]
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
                at -= len(table) + len(offered)
                if at < len(recent):
                    self.ask(VisitedRequest(recent[at]))
                else:
                    elsewhere.take(self, at - len(recent))

        self.app.push_screen(Chooser("do", lines), take)

    def on_visited_ready(self, message: VisitedReady) -> None:
        """Jump to a version that was visited, if it is still there."""
        if row := message.row:
            self.go(Where.MODELS, (row,), Scope(row.registry, row.model))
            return
        was = message.request.visited
        named = f"{text.safe(was.model, 60)} {text.safe(was.name, 60)}"
        self.say(
            (Span(f"{named} is no longer in the index; {keys.shown('sync')} reads its registry again.", Tone.WARN),)
        )

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

    def do_command(self) -> None:
        """Open the command line."""
        from lineal_tui.screens.commanding import CommandLine

        self.app.push_screen(CommandLine(self.session, self.subject()), self._commanded)

    def _commanded(self, outcome: Outcome | None) -> None:
        """Do what a line of the command line means."""
        if isinstance(outcome, Runs):
            from lineal_tui.screens.output import Output

            self.app.push_screen(Output(outcome))
        elif isinstance(outcome, Previews):
            from lineal_tui.screens.preview import Preview

            self.app.push_screen(Preview(outcome.request, self.session, outcome.override), self._done)
        elif outcome is not None:
            self.action_key("leave")

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
