"""What the screens of one run share: marks, the order, columns, places and what is known of the registries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from lineal.model.listing import RegistryRow, Sort, VersionRow
from lineal.model.plan import Plan
from lineal_tui.acts import KINDS, Deed, Standing
from lineal_tui.elsewhere import Elsewhere
from lineal_tui.keys import Where
from lineal_tui.looks import Look, Looks
from lineal_tui.messages import SyncStep
from lineal_tui.places import Identity, Place, Places, Scope, identity
from lineal_tui.present.versions import Column
from lineal_tui.recent import Visited, visited

_HURRY = 0.25  # seconds that a key must wait after others that came too fast


class Session:
    """State that outlives a screen. Only the application's own thread touches it."""

    def __init__(self, workspace: str, clock: Callable[[], float] = time.time) -> None:
        self.workspace = workspace
        self.clock = clock
        self.marks: dict[Identity, VersionRow] = {}
        self.places = Places(Place(Where.MODELS))
        self.looks: Looks = {}  # columns and order that a person chose, by registry and model
        self.filters: list[str] = []  # that were used, the newest last
        self.commands: list[str] = []  # lines of the command line that were used, the newest last
        self.recent: list[Visited] = []  # versions visited, the newest first
        self.page = False  # this is a page in a browser, whose reader need not be at home on this machine
        self.unwritable = ""  # why nothing may be changed, where that is known before anything was asked
        self.theme = ""  # that a person chose; "" where the configuration or the terminal decides
        self.tab = ""  # of the details; "" for the first
        self.registries: Sequence[RegistryRow] = ()
        self.sync: SyncStep | None = None  # the last word of a sync that runs
        self.reading: dict[str, SyncStep] = {}  # registries that it reads, and the last word about each
        self.sync_began = 0.0
        self.colour = True
        self.verbs = False  # the command line can be run, for the verbs of the store
        self.standing: Standing | None = None  # who is here and what may be changed, once that is known
        self.told = False  # why nothing can be changed was said once
        self.cwd = ""
        self.misled: tuple[str, ...] = ()  # what is wrong with the keys that a person chose
        self.elsewhere: Sequence[Elsewhere] = ()  # other workspaces, the newest first
        self.bound = "A page shows one workspace; `lineal` in a terminal opens others."  # why no other can be opened
        self.folder_wrong: Callable[[str], str] = lambda _: self.bound
        self.wrong = ""  # why defaults stand for a configuration that cannot be read
        self.hurried_at = -_HURRY  # when keys last came faster than a person presses them
        self.first_rows: Callable[[], None] = lambda: None  # called when a screen has something to show

    @property
    def hurried(self) -> bool:
        """Whether keys come faster than a person presses them: then none of them changes the world."""
        return time.monotonic() - self.hurried_at < _HURRY

    @property
    def writes(self) -> bool:
        """Whether anything may be changed, as far as is known."""
        return not self.standing.read_only if self.standing else self.verbs

    @property
    def begun(self) -> Sequence[Plan]:
        """Actions that were started and not ended."""
        return self.standing.begun if self.standing else ()

    def cannot(self, deed: Deed, row: VersionRow | None) -> str:
        """Say why a deed cannot be done to a version; "" where it can, as far as is known."""
        if self.standing is None:
            return ""
        if self.standing.read_only:
            return f"read-only: {self.standing.read_only}"
        return self.standing.cannot.get((row.registry, KINDS[deed]), "") if row and deed in KINDS else ""

    @property
    def text(self) -> str:
        """The filter at the present place."""
        return self.places.here.text

    @property
    def scope(self) -> Scope:
        """The part of the index at the present place."""
        return self.places.here.scope

    @property
    def look(self) -> Look:
        """How the table of the present scope looks."""
        return self.looks.get(self.scope.registry, {}).get(self.scope.model, Look())

    @look.setter
    def look(self, look: Look) -> None:
        self.looks.setdefault(self.scope.registry, {})[self.scope.model] = look

    @property
    def sort(self) -> Sort:
        """The order of the versions here."""
        return self.look.sort

    @sort.setter
    def sort(self, sort: Sort) -> None:
        self.look = replace(self.look, sort=sort)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that were chosen here; none: by what tells the rows apart."""
        return tuple(column for said in self.look.columns if (column := Column.of(said)))

    def begin_sync(self, names: Sequence[str]) -> None:
        """Note that these registries are being read; without names all of them."""
        self.sync, self.sync_began = SyncStep(), self.clock()
        self.reading = {name: SyncStep(registry=name) for name in names or [row.name for row in self.registries]}

    def hear_sync(self, step: SyncStep) -> None:
        """Note how far a sync is; a registry that was read, or could not be, is no longer waited for."""
        self.sync = step if step.running else None
        if not step.running:
            self.reading = {}
        elif step.changed:
            self.reading.pop(step.registry, None)
        elif step.registry:
            self.reading[step.registry] = step

    def toggle(self, row: VersionRow) -> bool:
        """Mark a version or take its mark; return whether it is marked now."""
        if self.marks.pop(identity(row), None) is not None:
            return False
        self.marks[identity(row)] = row
        return True

    def mark(self, rows: Iterable[VersionRow]) -> None:
        """Mark versions, in their order; those that are marked stay so."""
        self.marks |= {identity(row): row for row in rows if identity(row) not in self.marks}

    def visit(self, *rows: VersionRow) -> None:
        """Note that versions were visited; the last of them is the newest."""
        self.recent = visited(self.recent, *rows)

    def subjects(self, row: VersionRow | None) -> tuple[VersionRow, ...]:
        """Return the marked versions in the order of marking, else the one under the cursor."""
        return tuple(self.marks.values()) or ((row,) if row else ())
