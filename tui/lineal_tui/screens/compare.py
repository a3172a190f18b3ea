"""Compare: two or more versions side by side."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from lineal.errors import Error
from lineal.model.diff import Facet, Row, Section, Verdict
from lineal.model.listing import VersionRow
from lineal_tui import keys, spoken
from lineal_tui.holders import holder
from lineal_tui.keys import Where
from lineal_tui.messages import FIRST, Chosen, DiffReady, DiffRequest, Request
from lineal_tui.places import Place, identity
from lineal_tui.present import bars, code, text
from lineal_tui.present.ink import BLANK, Span, Tone
from lineal_tui.screens.room import Room
from lineal_tui.session import Session
from lineal_tui.spoken import Offer
from lineal_tui.texting import TextRequest
from lineal_tui.views import CompareView
from lineal_tui.widgets.grid import DiffGrid

_UPRIGHT = ("next", "previous", "fold", "facet_next", "facet_before")
_FEW = 4
"""Versions that are compared in full at once."""


def _cut(section: Section, request: DiffRequest) -> bool:
    """Say whether a facet has rows that the answer only counts."""
    return len(section.rows) < (section.changed if request.changed_only else section.total)


class Compare(Room):
    """What differs, and whether it is better."""

    WHERE = Where.COMPARE

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._rows: tuple[VersionRow, ...] = ()
        self._baseline = 0
        self._changed_only = True
        self._sent: DiffRequest | None = None

    @property
    def _words(self) -> str:
        return self.grid.words.strip() if self.is_mounted else ""

    def panes(self) -> Iterable[Widget]:
        """There is one pane."""
        grid = DiffGrid(id="grid")
        grid.add_class("pane")
        yield grid

    @property
    def grid(self) -> DiffGrid:
        """The grid."""
        return self.query_one(DiffGrid)

    def shown(self) -> str:
        """Return how many versions, whether equal rows are shown, and the filter."""
        if not self._rows:
            return ""
        every = "changed only" if self._changed_only else "everything"
        words = f"  /{text.safe(self._words, 40)}" if self._words else ""
        return f"{text.plural(len(self._rows), 'version')}  {every}{words}"

    def subject(self) -> VersionRow | None:
        """Return the version of the line when transposed, else the first beside the baseline."""
        if not self._rows:
            return None
        if self.grid.transposed and self.grid.cursor < len(self._rows):
            return self._rows[self.grid.cursor]
        return next((row for i, row in enumerate(self._rows) if i != self._baseline), self._rows[0])

    def off(self, key: str) -> str:
        """Say why a key is off here."""
        if key in _UPRIGHT and self.grid.transposed:
            return "transposed; x swaps back"
        if key in ("sift", "text") and self.grid.diff is None:
            return "nothing is compared"
        if key == "back" and self._words:
            return ""
        return super().off(key)

    def enter(self, place: Place) -> None:
        """Compare the versions of the place, the oldest first. The live one, else the oldest, is the first baseline."""
        rows = tuple(sorted(place.rows, key=lambda row: (row.created_at is None, row.created_at or 0.0)))
        if tuple(map(identity, rows)) != tuple(map(identity, self._rows)):
            held = holder(rows)
            self._baseline = rows.index(held) if held else 0
        self._rows = rows
        if isinstance(view := place.view, CompareView):
            self._take(view)
        if len(self._rows) < 2:
            how = f"Mark two or more versions with {keys.shown('mark')}, then press {keys.shown('compare')}."
            self.grid.show(None, [BLANK, (Span(how, Tone.DIM),)])
            return
        self._compare()
        self.grid.focus()

    def view(self) -> CompareView:
        """Return the baseline, what is shown, and how it is laid out."""
        grid = self.grid
        folded = tuple(facet.value for facet in Facet if facet in grid.folded)
        return CompareView(self._baseline, self._changed_only, grid.transposed, folded, grid.words)

    def _take(self, view: CompareView) -> None:
        """Look at the versions in the way of a place."""
        self._baseline = view.baseline if 0 <= view.baseline < len(self._rows) else self._baseline
        self._changed_only = view.changed_only
        grid = self.grid
        grid.folded = {facet for facet in Facet if facet.value in view.folded}
        if grid.transposed != view.transposed:
            grid.transpose()
        grid.sift(view.words)

    def _compare(self, most: int = FIRST) -> None:
        """Ask for the comparison: of many versions the first rows at once, and all of them when those are there."""
        most = most if len(self._rows) > _FEW else 0
        self._sent = DiffRequest(self._rows, self._baseline, self._changed_only, most)
        self.ask(self._sent)

    def on_diff_ready(self, message: DiffReady) -> None:
        """Show the comparison, unless another was asked for since."""
        if message.request != self._sent:
            return
        same = message.request.changed_only and not any(section.changed for section in message.diff.sections)
        self.grid.show(message.diff)
        if message.request.most and any(_cut(section, message.request) for section in message.diff.sections):
            self._compare(most=0)
        if same:
            self.say((Span("Nothing differs; . shows everything.", Tone.DIM),))
        self.frame()

    def fail(self, request: Request, error: Error) -> None:
        """Show why there is no comparison."""
        self.grid.show(None, [BLANK, *bars.problem(error)])

    def spoken(self) -> Iterable[str]:
        """Return the comparison as a command."""
        if len(self._rows) > 1:
            yield spoken.said(spoken.comparison(self._rows, self._baseline, everything=not self._changed_only))

    def exports(self) -> Iterable[Offer]:
        """Return the comparison; folds and the filter of rows leave nothing out."""
        if len(self._rows) > 1:
            compared = spoken.comparison(self._rows, self._baseline, everything=not self._changed_only)
            yield Offer("compare", compared, (self._rows[0].model, *(row.name for row in self._rows[:4])))

    def on_chosen(self, message: Chosen) -> None:
        """Open a row in full on enter; fold on a facet's head."""
        message.stop()
        if not self._open_row():
            self.grid.fold()
            self.note("fold")

    def do_details(self) -> None:
        """Show all that a row says; elsewhere everything about the version beside the baseline."""
        if not self._open_row():
            super().do_details()

    def _open_row(self) -> bool:
        said, diff = self.grid.said, self.grid.diff
        if said is None or said.row is None or diff is None:
            return False
        from lineal_tui.screens.abreast import Abreast

        self.app.push_screen(Abreast(diff, said.section.facet, said.row))
        return True

    def do_sift(self) -> None:
        """Filter the rows of all facets, live; esc takes the filter that is being typed back."""
        from lineal_tui.screens.abreast import Filter

        before = self.grid.words

        def end(words: str | None) -> None:
            self._sift(before if words is None else words)
            self.note("sift")
            if words and not self.grid.whole:
                self.say((Span("Only names are searched: there are too many values.", Tone.DIM),))

        self.app.push_screen(Filter(before, self._sift), end)

    def _sift(self, words: str) -> None:
        if words != self.grid.words:
            self.grid.sift(words)
            self.grid.cursor = 0
        self.frame()

    def do_back(self) -> None:
        """Take the filter away, else go back."""
        if self._words:
            self._sift("")
        else:
            super().do_back()

    def do_text(self) -> None:
        """Open the difference of the text under the cursor: a file, or the code; elsewhere of the model cards."""
        from lineal_tui.screens.abreast import Patch

        said = self.grid.said
        facet, row = (said.section.facet, said.row) if said else (None, None)
        if facet is Facet.CODE and self.grid.code:
            patch = code.of_file(self.grid.code, row.name) if row else ""
            self.app.push_screen(Patch(text.safe(row.name, 200) if patch and row else "code", patch or self.grid.code))
            return
        path = row.name if row and facet is Facet.FILES else ""
        wanted = TextRequest(self._rows[self._baseline], self._rows[self._beside(row)], path)
        self.app.push_screen(Patch(text.safe(path or "model card", 200), wanted))

    def _beside(self, row: Row | None) -> int:
        """Return the first version beside the baseline whose cell differs; the first at all where none does."""
        others = [i for i in range(len(self._rows)) if i != self._baseline]
        same = (Verdict.SAME, Verdict.ABSENT)
        return next((i for i in others if row and row.cells[i].verdict not in same), others[0])

    def do_facet_next(self) -> None:
        """Go to the next facet."""
        self._hop_facet(1)

    def do_facet_before(self) -> None:
        """Go to the head of this facet, then to the one before."""
        self._hop_facet(-1)

    def _hop_facet(self, by: int) -> None:
        if not self.grid.hop_facet(by):
            self.say((Span("No further facet." if by > 0 else "No facet before this one.", Tone.DIM),))

    def do_everything(self) -> None:
        """Show equal rows too, or only what changed."""
        self._changed_only = not self._changed_only
        self._compare()

    def do_next(self) -> None:
        """Go to the next change."""
        self._hop(1)

    def do_previous(self) -> None:
        """Go to the change before."""
        self._hop(-1)

    def _hop(self, by: int) -> None:
        if not self.grid.hop(by):
            self.say((Span("No further change." if by > 0 else "No change before this one.", Tone.DIM),))

    def do_fold(self) -> None:
        """Fold or unfold the facet."""
        self.grid.fold()

    def do_transpose(self) -> None:
        """Swap rows and columns."""
        self.grid.transpose()

    def do_baseline(self) -> None:
        """Make the next version the baseline; transposed, the one under the cursor."""
        count = len(self._rows)
        if count:
            self._baseline = self.grid.cursor if self.grid.transposed else (self._baseline + 1) % count
            self._compare()
