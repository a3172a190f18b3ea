"""What a scope says beside versions and models: aliases, their moves, edges, problems; written when it is complete."""

from __future__ import annotations

from collections.abc import Iterable

from lineal.index.database import Database, Row, chunks, marks
from lineal.index.identity import node_id
from lineal.index.ids import Ids
from lineal.index.versions import Identity, Tables, moment
from lineal.index.words import joined
from lineal.model.records import Alias, AliasMove, Edge, Problem

_MOVE = ["model_id", "name", "at", "before", "after", "by", "scope_id"]
_OWN = "kind NOT IN ('trained_on','built_from')"  # those belong to their version


class Statements:
    """Collects the statements of one scope, then brings the index to say the same.

    `write(delta=...)` sweeps what a full scope no longer says. `models` holds the models that were touched, `renamed`
    the versions whose aliases may have changed, `again` the nodes of versions that a delta said again or took away.
    """

    def __init__(self, database: Database, ids: Ids, tables: Tables, registry_id: int, scope_id: int) -> None:
        self._database = database
        self._ids = ids
        self._tables = tables
        self._registry_id = registry_id
        self._scope_id = scope_id
        self._aliases: dict[tuple[int, str, str], Alias] = {}
        self._moves: set[Row] = set()
        self._edges: dict[tuple[int, int, str], Edge] = {}
        self._problems: dict[tuple[str, str], Problem] = {}
        self.models: set[int] = set()
        self.renamed: set[Identity] = set()
        self.again: set[int] = set()

    def alias(self, alias: Alias) -> None:
        """Take an alias; the last of a name and kind counts."""
        self._aliases[self._model(alias.model), alias.name, alias.kind.value] = alias

    def move(self, move: AliasMove) -> None:
        """Take a move of an alias."""
        row = (self._model(move.model), move.name, moment(move.at) or 0.0, move.before, move.after, move.by)
        self._moves.add((*row, self._scope_id))

    def edge(self, edge: Edge) -> None:
        """Take an edge."""
        self._edges[node_id(edge.child), node_id(edge.parent), edge.kind.value] = edge

    def problem(self, problem: Problem) -> None:
        """Take a problem."""
        self._problems[problem.where, problem.message] = problem

    def _model(self, name: str) -> int:
        model_id = self._ids.model(self._registry_id, name)
        self.models.add(model_id)
        return model_id

    def write(self, *, delta: bool) -> None:
        """Write everything; without `delta`, remove what the scope said before and does not say now."""
        self._write_aliases(sweep=not delta)
        self._write_moves(sweep=not delta)
        self._write_edges(sweep=not delta)
        self._write_problems(sweep=not delta)
        self._refresh_words()

    # Aliases

    def _write_aliases(self, *, sweep: bool) -> None:
        before = self._aliases_before(sweep=sweep)
        rows = {(*name, a.key, moment(a.set_at), a.set_by, self._scope_id) for name, a in self._aliases.items()}
        lost, new = before - rows, rows - before
        self.renamed.update((row[0], row[3]) for row in lost | new)
        self.models.update(row[0] for row in lost)
        self._database.many("DELETE FROM alias WHERE model_id=? AND name=? AND kind=?", [row[:3] for row in lost])
        columns = ("model_id", "name", "kind", "key", "set_at", "set_by", "scope_id")
        self._database.load("alias", columns, sorted(new, key=lambda row: row[:3]))

    def _aliases_before(self, *, sweep: bool) -> set[Row]:
        """Return the stored aliases that go or are said again: those of these names and, to sweep, all of the scope."""
        select = "SELECT model_id, name, kind, key, set_at, set_by, scope_id FROM alias WHERE"
        found = set(self._database.run(f"{select} scope_id=?", (self._scope_id,))) if sweep else set()
        for some in chunks({name[0] for name in self._aliases}, 500):
            for row in self._database.run(f"{select} model_id IN ({marks(len(some))})", some):
                if row[:3] in self._aliases:
                    found.add(row)
        return found

    def _refresh_words(self) -> None:
        """Bring the alias words of versions up to date, so that plain words find a version by its aliases."""
        for some in chunks(self.renamed, 400):
            numbers = {value[0]: identity for identity, value in self._tables.stored(some).items()}
            names = self._names(numbers.values())
            self._reword({number: joined(sorted(names.get(identity, ()))) for number, identity in numbers.items()})

    def _names(self, identities: Iterable[Identity]) -> dict[Identity, list[str]]:
        names: dict[Identity, list[str]] = {}
        parts = [part for identity in identities for part in identity]
        if parts:
            want = ",".join(["(?,?)"] * (len(parts) // 2))
            sql = (
                f"WITH want (model_id, key) AS (VALUES {want}) SELECT a.model_id, a.key, a.name "
                "FROM want JOIN alias a ON a.model_id = want.model_id AND a.key = want.key"
            )
            for model_id, key, name in self._database.run(sql, parts):
                names.setdefault((model_id, key), []).append(name)
        return names

    def _reword(self, wanted: dict[int, str]) -> None:
        if not wanted:
            return
        sql = f"SELECT version_id, words, aliases FROM fulltext WHERE version_id IN ({marks(len(wanted))})"
        rows = self._database.run(sql, list(wanted))
        changed = [(number, words, wanted[number]) for number, words, old in rows if old != wanted[number]]
        self._database.drop_words([row[0] for row in changed])
        self._database.load_words(sorted(changed))

    # Moves, edges, problems

    def _write_moves(self, *, sweep: bool) -> None:
        sql = "SELECT model_id, name, at, before, after, by, scope_id FROM alias_move WHERE scope_id=?"
        before = set(self._database.run(sql, (self._scope_id,))) if sweep or self._moves else set()
        lost = before - self._moves if sweep else set()
        self.models.update(row[0] for row in lost)
        at = " AND ".join(f"{column}=?" for column in _MOVE)
        self._database.many(f"DELETE FROM alias_move WHERE {at}", lost)
        self._database.load("alias_move", _MOVE, sorted(self._moves - before))

    def _write_edges(self, *, sweep: bool) -> None:
        lost = [row for row in self._edges_before(sweep=sweep) if row not in self._edges]
        at = "child=? AND parent=? AND kind=? AND scope_id=?"
        self._database.many(f"DELETE FROM edge WHERE {at}", [(*row, self._scope_id) for row in lost])
        self._tables.loose.update(node for row in lost for node in row[:2])
        nodes = {node_id(node): node for edge in self._edges.values() for node in (edge.child, edge.parent)}
        rows = [(*ends, self._scope_id, e.confidence.value, e.detail) for ends, e in sorted(self._edges.items())]
        self._tables.insert_edges(nodes, rows)

    def _edges_before(self, *, sweep: bool) -> list[Row]:
        select = f"SELECT child, parent, kind FROM edge WHERE scope_id=? AND {_OWN}"
        if sweep:
            return self._database.run(select, (self._scope_id,))
        found: list[Row] = []
        for some in chunks(self.again, 500):
            found += self._database.run(f"{select} AND child IN ({marks(len(some))})", (self._scope_id, *some))
        return found

    def _write_problems(self, *, sweep: bool) -> None:
        if sweep:
            self._database.run("DELETE FROM problem WHERE scope_id=?", (self._scope_id,))
        else:
            said = {place for place, _ in self._problems}
            sql = "DELETE FROM problem WHERE scope_id=? AND place=?"
            self._database.many(sql, [(self._scope_id, place) for place in sorted(said)])
        write_problems(self._database, self._ids, self._problems.values(), self._registry_id, self._scope_id)


def write_problems(
    database: Database, ids: Ids, problems: Iterable[Problem], registry_id: int, scope_id: int | None
) -> None:
    """Write problems of a scope, or of none."""
    columns = ("id", "registry_id", "scope_id", "place", "message", "hint")
    said = [(ids.fresh("problem"), registry_id, scope_id, p.where, p.message, p.hint) for p in problems]
    database.load("problem", columns, said)
