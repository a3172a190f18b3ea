"""Models told: the registries and models, the versions of one or of a filter, and one version."""

from __future__ import annotations

from lineal.errors import QueryError
from lineal.model.listing import Sort, VersionRow
from lineal_tui import messages as m
from lineal_tui.keys import Where
from lineal_tui.places import Place, Scope, identity
from lineal_tui.plain import rows, words
from lineal_tui.plain.listing import Item, Listing, Versions
from lineal_tui.plain.room import Room
from lineal_tui.present import text


class Models(Room):
    """The models of every registry."""

    WHERE = Where.MODELS

    def enter(self) -> None:
        """Say which models there are, what cannot be read, and what to do where there is nothing."""
        found = self.talk.ask(m.ModelsRequest(self.place.text), m.ModelsReady)
        self.talk.session.registries = found.registries
        self.talk.say(*rows.broken(found.registries))
        if not found.models:
            self.talk.say(*self._nothing(bool(found.registries)))
            return
        holding = len({one.registry for one in found.models})
        many = words.counted(sum(one.versions for one in found.models), "version")
        self.talk.say(f"{words.counted(len(found.models), 'model')} in "
                      f"{words.counted(holding, 'registry', 'registries')}, {many}")  # fmt: skip
        self.offer((Item(rows.model(one), self._to(Scope(one.registry, one.model))) for one in found.models), "model")

    def _nothing(self, registries: bool) -> list[str]:
        if registries:
            return ["No version was read yet", "Type sync to read the registries again, sources for what was met"]
        return [
            "No registry was found in or around this folder",
            "To name one: lineal registry add, then the path or URL of a repository, server or folder of models",
            "For real registries to look around in: lineal demo",
        ]

    def off(self, key: str) -> str:
        """Say why a word is off here."""
        if key == "models":
            return "you are here" if type(self) is Models else ""
        if key in ("sort", "only_marked") and type(self) is Models:
            return "choose a model first, or filter" if key == "sort" else self._unmarked()
        return super().off(key)

    def _unmarked(self) -> str:
        return "" if self.talk.session.marks else "nothing is marked"

    def do_filter(self, rest: str) -> None:
        """List what matches, within the model where there is one; nothing typed takes the filter away."""
        said = rest or self.talk.line("filter", "Which versions? Such as alias:prod, metric.auc>=0.9, or plain words")
        if not said and not self.place.text:
            self.talk.say("There is no filter to take away")
        else:
            self.go(Where.MODELS, scope=self.place.scope, said=said)

    def do_only_marked(self, rest: str) -> None:
        """List the marked versions."""
        marks = self.talk.session.marks.values()
        if not marks:
            self.talk.say("Nothing is marked")
        self.offer([Item(rows.name(row), self._to_version(row), row) for row in marks], "marked version")

    def do_mark(self, rest: str) -> None:
        """Mark the versions with these numbers, or this one; a mark that is there is taken away."""
        mark(self, rest)


class VersionsOf(Models):
    """The versions of a model, or of a filter."""

    def prompt(self) -> str:
        """Return what stands before what is typed."""
        about = text.safe(self.place.scope.model, 60) or text.safe(self.place.scope.registry, 60)
        return " ".join(part for part in ("models", about, "filtered" if self.place.text else "") if part)

    def enter(self) -> None:
        """Say how many versions there are, and the first of them."""
        session, scope = self.talk.session, self.place.scope
        request = m.RowsRequest(self.place.text, scope, session.sort)
        try:
            found = self.talk.ask(request, m.RowsReady)
        except QueryError as error:
            self.talk.say(*self._wrong(error))
            return
        if not found.rows.exact:
            self.talk.ask(m.MeasureRequest(found.rows), m.MeasureReady)
        several = not scope.model
        self.talk.say(self._head(found.rows.count))

        def said(row: VersionRow) -> str:
            marked = identity(row) in session.marks
            return rows.version(row, found.goals, self.now, marked=marked, several=several)

        def choose(row: VersionRow) -> None:
            self.go(Where.MODELS, (row,), Scope(row.registry, row.model))

        self.offer(Listing(Versions(found.rows, said, choose), "version"))

    def _head(self, count: int) -> str:
        scope, sort = self.place.scope, self.talk.session.sort
        about = f" of {text.safe(scope.model, 80)} in {text.safe(scope.registry, 40)}" if scope.model else ""
        matching = f" matching {text.safe(self.place.text, 200)}" if self.place.text else ""
        order = "newest first" if sort == Sort() else f"by {text.safe(sort.field, 60)}, {_way(sort)}"
        return f"{words.counted(count, 'version')}{about}{matching}{f', {order}' if count else ''}"

    def _wrong(self, error: QueryError) -> list[str]:
        wrong = text.safe(self.place.text[error.start : error.end], 80)
        where = f"; the word that is wrong: {wrong}" if wrong else ""
        said = [f"Error in the filter: {text.safe(error.message, 300)}{where}"]
        return [*said, f"What to do: {text.safe(error.hint, 300)}"] if error.hint else said

    def do_sort(self, rest: str) -> None:
        """Choose the order of the versions."""
        from lineal_tui.screens.choices import sorts_of

        page = self.talk.ask(m.RowsRequest(self.place.text, self.place.scope), m.RowsReady).first
        orders = [sort for _, sort in sorts_of(page, self.talk.session.sort)]
        if rest:
            found = [one for one in orders if rest in (one.field, one.field.partition(".")[2])]
            self._sort(found[0]) if found else self.talk.say(f"There is no {text.safe(rest, 60)} to sort by here")
            return
        self.offer([Item(f"{text.safe(one.field, 60)}, {_way(one)}", self._sorts(one)) for one in orders], "order")

    def _sorts(self, sort: Sort) -> words.Do:
        return lambda: self._sort(sort)

    def _sort(self, sort: Sort) -> None:
        self.talk.session.sort = sort
        self.again()


def _way(sort: Sort) -> str:
    if sort.field == "created":
        return "newest first" if sort.descending else "oldest first"
    return "highest first" if sort.descending else "lowest first"


class OneVersion(Models):
    """One version."""

    def prompt(self) -> str:
        """Return what stands before what is typed."""
        row = self.subject()
        return f"version {rows.name(row)}" if row else "version"

    def enter(self) -> None:
        """Read out the version."""
        if row := self.subject():
            self.listing = Listing()
            self.talk.say(*self.told(row))

    def off(self, key: str) -> str:
        """Say why a word is off here."""
        if key in ("only_marked", "sort"):
            return self._unmarked() if key == "only_marked" else "go back to the list first"
        return super().off(key)


def room(place: Place) -> type[Models]:
    """Return what Models looks like at a place."""
    if place.rows:
        return OneVersion
    return VersionsOf if place.scope.registry or place.text else Models


def mark(here: Room, rest: str) -> None:
    """Mark the versions with these numbers, else the one that the screen is about, or take their marks away."""
    numbers = rest.replace(",", " ").split()
    if any(not one.isdecimal() for one in numbers) or not (numbers or here.subject()):
        here.talk.say("Type mark and the number of a version of the list")
        return
    chosen = [here.listing.row(int(one)) for one in numbers] if numbers else [here.subject()]
    for number, row in zip(numbers or [""], chosen, strict=True):
        if row is None:
            here.talk.say(f"There is no version {number} to mark here")
        else:
            did = "Marked" if here.talk.session.toggle(row) else "No longer marked:"
            here.talk.say(f"{did} {rows.name(row)}; {words.counted(len(here.talk.session.marks), 'version')} marked")
