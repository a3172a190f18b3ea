"""What a session leaves to the next: plain data, written from a `Session` and taken into one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from lineal.model.listing import VersionRow
from lineal.model.text import UNSAFE
from lineal_tui.chartview import SMOOTHINGS
from lineal_tui.keys import Where
from lineal_tui.looks import Look
from lineal_tui.places import Identity, Place, Places, Scope, identity
from lineal_tui.present.versions import Column
from lineal_tui.recent import KEPT as VISITS
from lineal_tui.recent import Visited
from lineal_tui.session import Session
from lineal_tui.views import AnyView, ChartsView, CompareView, ModelsView

SCHEMA = 1
LARGEST = 256 * 1024
"""Bytes of a file; a larger one is none of ours."""
LISTS = ("filters", "commands")
"""Lists of texts of `Session` that come back, the newest last: another one is one word here."""
_MARKS = 500
_LISTED = 200
_LOOKS = 200
_SCREENS = frozenset(set(Where) - {Where.PREVIEW, Where.OUTPUT, Where.DIALOG})
_PLAIN_SORTS = frozenset(("created", "version", "number", "author", "model", "registry", "state", "kind"))
_NAMED_SORTS = frozenset(("metric", "param", "tag", "env"))

Text = Annotated[str, Meta(max_length=4096)]


class Ref(Struct, frozen=True, array_like=True):
    """A version, by what names it for ever, and by what a person calls it."""

    registry: Text
    model: Text
    key: Text
    name: Text = ""

    @property
    def identity(self) -> Identity:
        """What it is called across syncs."""
        return self.registry, self.model, self.key


class Spot(Struct, frozen=True, omit_defaults=True):
    """A place, with references for its versions."""

    where: Where
    registry: Text = ""
    model: Text = ""
    text: Text = ""
    rows: Annotated[tuple[Ref, ...], Meta(max_length=_MARKS)] = ()
    view: AnyView | None = None


class Kept(Struct, frozen=True, omit_defaults=True):
    """One session."""

    schema: int
    models: Spot = Spot(Where.MODELS)
    here: Spot | None = None  # where it was left, if not on Models
    marks: Annotated[tuple[Ref, ...], Meta(max_length=_MARKS)] = ()
    recent: Annotated[tuple[Ref, ...], Meta(max_length=_MARKS)] = ()  # versions visited, the newest first
    looks: dict[Text, dict[Text, Look]] = {}
    lists: dict[Text, list[Text]] = {}
    tab: Text = ""
    theme: Text = ""


def encode(kept: Kept) -> bytes:
    """Return the file."""
    return msgspec.json.encode(kept)


def decode(said: bytes) -> Kept:
    """Read a file. Raises ValueError where it is none of ours."""
    if len(said) > LARGEST:
        raise ValueError("it is too large")
    kept = msgspec.json.decode(said, type=Kept)
    if kept.schema != SCHEMA:
        raise ValueError(f"it is of version {kept.schema}, not {SCHEMA}")
    return kept


# --- from a session -------------------------------------------------------------------------------------------------


def keep(session: Session, row: VersionRow | None, lost: Iterable[Ref] = ()) -> Kept:
    """Write a session down. `row` is under the cursor of Models; `lost` are marks that were not found this time."""
    here, home = session.places.here, session.places.last(Where.MODELS)
    at = (_ref(row),) if row and here.where is Where.MODELS else tuple(map(_ref, home.rows[:1]))
    return Kept(
        SCHEMA,
        Spot(Where.MODELS, home.scope.registry, home.scope.model, home.text, at, home.view),
        _spot(here) if here.where is not Where.MODELS else None,
        (*map(_ref, session.marks.values()), *lost)[:_MARKS],
        tuple(Ref(*one) for one in session.recent),
        {registry: dict(list(looks.items())[-_LOOKS:]) for registry, looks in list(session.looks.items())[-_LOOKS:]},
        {name: getattr(session, name)[-_LISTED:] for name in LISTS},
        session.tab,
        session.theme,
    )


def _spot(place: Place) -> Spot:
    rows = tuple(map(_ref, place.rows[:_MARKS]))
    return Spot(place.where, place.scope.registry, place.scope.model, place.text, rows, place.view)


def _ref(row: VersionRow) -> Ref:
    return Ref(*identity(row), row.name)


# --- into a session -------------------------------------------------------------------------------------------------


def take(kept: Kept, session: Session) -> None:
    """Take what needs no index; the place is Models until the versions of another are found."""
    for name in LISTS:
        setattr(session, name, [one for one in kept.lists.get(name, ())[-_LISTED:] if _clean(one)])
    session.looks = {
        registry: {model: _look(look) for model, look in list(looks.items())[:_LOOKS]}
        for registry, looks in list(kept.looks.items())[:_LOOKS]
    }
    session.recent = [Visited(*ref.identity, ref.name) for ref in kept.recent[:VISITS]]
    session.tab = kept.tab
    session.theme = kept.theme
    session.places = Places(place(kept.models, tuple(map(_stub, kept.models.rows[:1]))))


def place(spot: Spot, rows: tuple[VersionRow, ...]) -> Place:
    """Return a place that was left, with the versions that were found of it."""
    text = spot.text if _clean(spot.text) else ""
    return Place(spot.where, Scope(spot.registry, spot.model), text, rows, _view(spot.view))


def wanted(kept: Kept) -> tuple[Identity, ...]:
    """Return the versions that must be found again, each once."""
    refs = (*kept.models.rows, *(kept.here.rows if kept.here else ()), *kept.marks)
    return tuple(dict.fromkeys(ref.identity for ref in refs))


def sound(spot: Spot | None) -> Spot | None:
    """Return a place where a person can be; None for any other."""
    return spot if spot is not None and spot.where in _SCREENS and spot.where is not Where.MODELS else None


def _stub(ref: Ref) -> VersionRow:
    """Return what is enough of a version to look for it."""
    return VersionRow(id=0, registry=ref.registry, model=ref.model, key=ref.key, name=ref.name, kind="", state="")


def _clean(text: str) -> bool:
    return UNSAFE.search(text) is None


def _look(look: Look) -> Look:
    """Return a look that every table can take: what is no column or order is left out."""
    head, dot, name = look.sort.field.partition(".")
    sorts = head in _NAMED_SORTS and bool(name) if dot else head in _PLAIN_SORTS
    columns = tuple(one for one in look.columns[:_LOOKS] if Column.of(one))
    return Look(columns, look.sort) if sorts else Look(columns)


def _view(view: AnyView | None) -> AnyView | None:
    """Return a view that its screen can take; None for any other."""
    match view:
        case ModelsView():
            return msgspec.structs.replace(view, look=_look(view.look))
        case CompareView():
            return view if _clean(view.words) else msgspec.structs.replace(view, words="")
        case ChartsView():
            low, high = view.view.window
            good = 0 <= low < high <= 1 and high - low > 1e-6 and view.view.smoothing in SMOOTHINGS
            return view if good else ChartsView(view.metric, view.steps)
        case _:
            return view
