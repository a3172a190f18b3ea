"""What can be sorted by, and which columns can be shown: lists that are narrowed by typing and keep what was chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec.structs import replace

from lineal.model.listing import Sort, VersionRow
from lineal_tui.messages import Ask
from lineal_tui.present import text, versions
from lineal_tui.present.ink import Line, Span, Tone
from lineal_tui.present.versions import Column, Source
from lineal_tui.screens.dialog import Chooser
from lineal_tui.session import Session
from lineal_tui.tabs import NamesReady, NamesRequest
from lineal_tui.widgets.lines import PickList

_MACHINE = ("python", "cuda", "gpu", "driver", "os")  # offered before the index has said which there are
_PLAIN = ("created", "version", "number", "model", "registry", "author", "state", "kind")
_FALLING = ("created", "number")


def columns_of(rows: Sequence[VersionRow], names: dict[str, list[str]]) -> list[Column]:
    """Return the columns that these rows could fill, then the others that any version could."""
    others = (Column(Source(kind), name) for kind, known in names.items() for name in known)
    machine = (Column(Source.ENV, name) for name in _MACHINE)
    return list(dict.fromkeys([*versions.every(rows), *machine, *others]))


def sorts_of(rows: Sequence[VersionRow], now: Sort) -> list[tuple[Line, Sort]]:
    """Return the orders that make sense for these rows; the present one is turned round."""
    return [(sort_line(field, now), turned(field, now)) for field in fields_of(versions.every(rows))]


def fields_of(columns: Iterable[Column]) -> list[str]:
    """Return the fields that versions can be sorted by, where these columns can be shown."""
    return list(dict.fromkeys([*_PLAIN, *(column.order for column in columns if column.key)]))


def turned(field: str, now: Sort) -> Sort:
    """Return the order by a field: the present one turned round, others with the best or newest first."""
    if field == now.field:
        return Sort(field, not now.descending)
    return Sort(field, field.startswith("metric.") or field in _FALLING)


def sort_line(field: str, now: Sort) -> Line:
    """Return the line that offers an order."""
    first = ("newest", "oldest") if field == "created" else ("highest", "lowest")
    down = turned(field, now).descending
    return (
        Span("● " if field == now.field else "  ", Tone.ACCENT),
        Span(text.safe(field, 60)),
        Span(f"  ↓ {first[0]} first" if down else f"  ↑ {first[1]} first", Tone.DIM),
    )


def column_line(column: Column, chosen: bool) -> Line:
    """Return the line that offers a column."""
    said = f"{column.source}  {column.key}" if column.key else versions.head(column) or column.source.value
    return (Span("✱ " if chosen else "  ", Tone.MARK), Span(text.safe(said, 80)))


class _Offers(Chooser):
    """A choice among what the rows at hand have, and, once the index has said so, among what there is at all."""

    def __init__(self, title: str, session: Session, rows: Sequence[VersionRow]) -> None:
        super().__init__(title, [])
        self.session = session
        self._rows = rows
        self._names: dict[str, list[str]] = {}

    def on_mount(self) -> None:
        """Ask the index for names."""
        self.offer()
        self.post_message(Ask(NamesRequest(), self))

    def on_names_ready(self, message: NamesReady) -> None:
        """Offer those too, with the cursor where it is."""
        self._names = message.names
        self.offer()

    def offered(self) -> Iterator[Line]:
        """Yield the lines that can be chosen."""
        raise NotImplementedError

    def offer(self) -> None:
        """Show what can be chosen, narrowed by what was typed, with the cursor where it is."""
        cursor = self.query_one(PickList).cursor
        self.relist(list(self.offered()))
        self.query_one(PickList).cursor = cursor


class SortChooser(_Offers):
    """Orders; the answer is only that one was chosen: the session holds it."""

    def __init__(self, session: Session, rows: Sequence[VersionRow]) -> None:
        super().__init__("sort by", session, rows)

    def _fields(self) -> list[str]:
        now = self.session.sort.field
        fields = fields_of(columns_of(self._rows, self._names))
        return fields if now in fields else [now, *fields]

    def offered(self) -> Iterator[Line]:
        """Yield a line for each order."""
        return (sort_line(field, self.session.sort) for field in self._fields())

    def take(self, index: int) -> None:
        """Note the order, and close."""
        sort = turned(self._fields()[index], self.session.sort)
        self.session.sort = sort
        self.dismiss(index)


class ColumnChooser(_Offers):
    """Columns: each choice adds or takes away one, and the list stays, with what was typed, until it is closed.

    What is added stands first, so that it is seen however narrow the window is.
    """

    def __init__(
        self, session: Session, rows: Sequence[VersionRow], shown: Sequence[Column], taken: Callable[[], None]
    ) -> None:
        super().__init__("columns", session, rows)
        self._present = tuple(shown)
        self._automatic = not session.columns
        self._tell = taken
        self._first = self._present  # what was shown at first stays at the top, so that nothing moves under the cursor

    def _columns(self) -> list[Column]:
        return list(dict.fromkeys([*self._first, *columns_of(self._rows, self._names)]))

    def offered(self) -> Iterator[Line]:
        """Yield what tells the versions apart, then a line for each column."""
        yield (
            Span("● " if self._automatic else "  ", Tone.ACCENT),
            Span("automatic", Tone.ACCENT),
            Span("  the columns that tell these versions apart", Tone.DIM),
        )
        yield from (column_line(column, column in self._present) for column in self._columns())

    def take(self, index: int) -> None:
        """Add a column or take it away; the first line leaves the choice to the rows."""
        sort = self.session.sort
        self._automatic = index == 0
        if self._automatic:
            self._present = tuple(versions.choose(self._rows, sort))
        else:
            column = self._columns()[index - 1]
            kept = tuple(each for each in self._present if each != column)
            self._present = kept if column in self._present else (column, *kept)
        ids = () if self._automatic else tuple(column.id for column in self._present)
        self.session.look = replace(self.session.look, columns=ids)
        self._tell()
        self.offer()
