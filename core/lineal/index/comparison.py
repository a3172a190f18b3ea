"""All rows of an index by their natural keys, to tell whether two indexes say the same."""

from __future__ import annotations

from lineal.index.database import Database, Row

_MODEL = "JOIN model m ON m.id = {0}.model_id JOIN registry r ON r.id = m.registry_id"
_OF_VERSION = "JOIN version v ON v.id = {0} " + _MODEL.format("v")
_QUERIES = {
    "registry": "SELECT name, kind, url, origin, error, hint, fingerprint FROM registry",
    "scope": "SELECT r.name, s.name, s.cursor FROM scope s JOIN registry r ON r.id = s.registry_id",
    "model": "SELECT r.name, m.name, s.name, m.description, m.tags, m.versions, m.newest_at FROM model m "
    "JOIN registry r ON r.id = m.registry_id LEFT JOIN scope s ON s.id = m.scope_id",
    "version": "SELECT r.name, m.name, s.name, v.key, v.name, v.number, v.created_at, v.author, v.message, v.kind, "
    "v.state, e.document, v.params, v.metrics, v.tags, v.detail FROM version v " + _MODEL.format("v") + " "
    "JOIN scope s ON s.id = v.scope_id LEFT JOIN environment e ON e.id = v.environment_id",
    "fact_num": "SELECT r.name, m.name, v.key, k.kind, k.name, f.value FROM fact_num f JOIN key k ON k.id = f.key_id "
    + _OF_VERSION.format("f.version_id"),
    "fact_txt": "SELECT r.name, m.name, v.key, k.kind, k.name, f.value FROM fact_txt f JOIN key k ON k.id = f.key_id "
    + _OF_VERSION.format("f.version_id"),
    "env_fact": "SELECT e.document, k.kind, k.name, f.value FROM env_fact f JOIN key k ON k.id = f.key_id "
    "JOIN environment e ON e.id = f.environment_id",
    "key": "SELECT kind, name FROM key",
    "environment": "SELECT document FROM environment",
    "fulltext": "SELECT r.name, m.name, v.key, t.words, t.aliases FROM fulltext t "
    + _OF_VERSION.format("t.version_id"),
    "alias": "SELECT r.name, m.name, a.name, a.kind, a.key, a.set_at, a.set_by, s.name FROM alias a "
    + _MODEL.format("a")
    + " JOIN scope s ON s.id = a.scope_id",
    "alias_move": "SELECT r.name, m.name, a.name, a.before, a.after, a.at, a.by, s.name FROM alias_move a "
    + _MODEL.format("a")
    + " JOIN scope s ON s.id = a.scope_id",
    "node": "SELECT kind, registry, name, key FROM node",
    "edge": "SELECT c.kind, c.registry, c.name, c.key, p.kind, p.registry, p.name, p.key, e.kind, e.confidence, "
    "e.detail, r.name, s.name FROM edge e JOIN node c ON c.id = e.child JOIN node p ON p.id = e.parent "
    "JOIN scope s ON s.id = e.scope_id JOIN registry r ON r.id = s.registry_id",
    "file": "SELECT r.name, m.name, v.key, f.position, f.path, f.size, f.algorithm, f.hex, f.computed, f.place, "
    "f.location, f.local, c.sha256 FROM file f "
    + _OF_VERSION.format("f.version_id")
    + " LEFT JOIN content c ON c.id = f.content_id",
    "content": "SELECT size, md5, sha256, git_sha1, blake3 FROM content",
    "problem": "SELECT r.name, s.name, p.place, p.message, p.hint FROM problem p "
    "JOIN registry r ON r.id = p.registry_id LEFT JOIN scope s ON s.id = p.scope_id",
}


def rows_for_comparison(database: Database) -> dict[str, list[Row]]:
    """Return the rows of every table, sorted, with names for ids and without the time of the sync.

    A row whose ids lead nowhere is missing from the joined tables; `counts` finds that out.
    """
    return {table: sorted(database.run(sql), key=repr) for table, sql in _QUERIES.items()}


def counts(database: Database) -> dict[str, int]:
    """Return how many rows each table has, to be compared with `rows_for_comparison`: more would be orphans."""
    return {table: int(database.run(f"SELECT count(*) FROM {table}")[0][0]) for table in _QUERIES}
