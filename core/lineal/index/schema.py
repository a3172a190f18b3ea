"""The tables of the index, for SQLite and PostgreSQL alike, and the DDL that makes them.

A change here is a new `SCHEMA` number and so a new file or PostgreSQL schema: there are no migrations. Integer ids are
private to one index; rows are told apart by their natural keys (names and version keys). Only writers that make a new
index and PostgreSQL import this module: it costs SQLAlchemy.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import TypeEngine

from lineal.index.identity import APPLICATION, SCHEMA

# Byte order on both engines, so that both sort and compare alike.
TEXT: TypeEngine[str] = Text().with_variant(Text(collation="C"), "postgresql")
BIG: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")
FTS_ONLY_ON_SQLITE = (
    "CREATE VIRTUAL TABLE fts USING fts5(words, aliases, content='fulltext', content_rowid='version_id', "
    "tokenize='ascii', detail='none', columnsize=0)"
)

metadata = MetaData()

registry = Table(
    "registry",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", TEXT, nullable=False, unique=True),
    Column("kind", TEXT, nullable=False),
    Column("url", TEXT, nullable=False),
    Column("origin", TEXT, nullable=False),
    Column("synced_at", Double),  # end of the last scan that reached its end, Unix seconds
    Column("error", TEXT, nullable=False, server_default=""),
    Column("hint", TEXT, nullable=False, server_default=""),
    Column("fingerprint", TEXT),
)
scope = Table(
    "scope",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("registry_id", Integer, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("cursor", TEXT, nullable=False, server_default=""),
    UniqueConstraint("registry_id", "name"),
)
model = Table(
    "model",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("registry_id", Integer, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("scope_id", Integer),  # which scope said the model itself; NULL where only its versions are known
    Column("description", TEXT, nullable=False, server_default=""),
    Column("tags", TEXT, nullable=False, server_default="{}"),  # JSON object
    Column("versions", Integer, nullable=False, server_default="0"),  # kept up by the writer, as is newest_at
    Column("newest_at", Double),
    UniqueConstraint("registry_id", "name"),
    Index("model_name", "name"),
)
version = Table(
    "version",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=False),
    Column("model_id", Integer, nullable=False),
    Column("scope_id", Integer, nullable=False),
    Column("key", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("number", BigInteger),
    Column("created_at", Double),
    Column("author", TEXT, nullable=False),
    Column("message", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("environment_id", Integer),
    Column("params", TEXT, nullable=False),  # JSON object of values; see document.py
    Column("metrics", TEXT, nullable=False),  # JSON object of numbers, "NaN", "Infinity", "-Infinity"
    Column("tags", TEXT, nullable=False),  # JSON object of texts
    Column("detail", TEXT, nullable=False),  # JSON: the rest of the Version, but for its environment and files
    Column("digest", LargeBinary, nullable=False),  # of the Version as it was said: unchanged ones are skipped
    UniqueConstraint("model_id", "key"),
    Index("version_created", "created_at", "id"),
    Index("version_model_created", "model_id", "created_at", "id"),
    Index("version_model_number", "model_id", "number"),
    Index("version_model_name", "model_id", "name"),
    Index("version_scope", "scope_id"),
    Index("version_environment", "environment_id", "created_at", "id"),
    Index("version_number", "number", "id"),
    Index("version_key", "key", "id"),  # id prefixes
    Index("version_kind", "kind", "id"),
    # Nearly all are ready; queries that want this index must say `state <> 'ready'` literally.
    Index(
        "version_state", "state", "id", sqlite_where=text("state <> 'ready'"), postgresql_where=text("state <> 'ready'")
    ),
)
key = Table(
    "key",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", TEXT, nullable=False),  # folding.FactKind
    Column("name", TEXT, nullable=False),
    UniqueConstraint("kind", "name"),
)
fact_num = Table(
    "fact_num",
    metadata,
    Column("key_id", Integer, nullable=False),
    Column("value", Double, nullable=False),
    Column("version_id", BIG, nullable=False),
    PrimaryKeyConstraint("key_id", "value", "version_id"),
    # Asks one version for its value: for ranges and sorts that are not driven from here. Equality asks the key above.
    Index("fact_num_version", "version_id", "key_id", "value"),
    sqlite_with_rowid=False,
)
fact_txt = Table(
    "fact_txt",
    metadata,
    Column("key_id", Integer, nullable=False),
    Column("value", TEXT, nullable=False),  # folding.fold()
    Column("version_id", BIG, nullable=False),
    PrimaryKeyConstraint("key_id", "value", "version_id"),
    Index("fact_txt_version", "version_id", "key_id", "value"),  # as above
    sqlite_with_rowid=False,
)
environment = Table(
    "environment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("document", TEXT, nullable=False),  # JSON of model.version.Environment
)
env_fact = Table(
    "env_fact",
    metadata,
    Column("key_id", Integer, nullable=False),
    Column("value", TEXT, nullable=False),  # folded; a package without a version has ""
    Column("environment_id", Integer, nullable=False),
    PrimaryKeyConstraint("key_id", "value", "environment_id"),
    sqlite_with_rowid=False,
)
# An alias holds the key of its version, not its id: scopes are said in any order, so the version may come later.
# What points at no version is not to be shown; join version on (model_id, key).
alias = Table(
    "alias",
    metadata,
    Column("model_id", Integer, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("key", TEXT, nullable=False),
    Column("set_at", Double),
    Column("set_by", TEXT, nullable=False),
    Column("scope_id", Integer, nullable=False),
    PrimaryKeyConstraint("model_id", "name", "kind"),
    Index("alias_name", "name"),
    Index("alias_target", "model_id", "key"),
    Index("alias_scope", "scope_id"),
)
alias_move = Table(
    "alias_move",
    metadata,
    Column("model_id", Integer, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("at", Double, nullable=False),
    Column("before", TEXT, nullable=False),
    Column("after", TEXT, nullable=False),
    Column("by", TEXT, nullable=False),
    Column("scope_id", Integer, nullable=False),
    PrimaryKeyConstraint("model_id", "name", "at", "before", "after", "scope_id"),
    Index("alias_move_scope", "scope_id"),
)
# The id of a node is a hash of it (identity.node_id), so that edges are written without looking anything up.
node = Table(
    "node",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=False),
    Column("kind", TEXT, nullable=False),
    Column("registry", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("key", TEXT, nullable=False),
    # Versions are found through `version`; queries that want these indexes must say `kind <> 'version'` literally.
    Index(
        "node_name", "kind", "name", sqlite_where=text("kind <> 'version'"), postgresql_where=text("kind <> 'version'")
    ),
    Index(
        "node_key", "kind", "key", sqlite_where=text("kind <> 'version'"), postgresql_where=text("kind <> 'version'")
    ),
)
edge = Table(
    "edge",
    metadata,
    Column("child", BIG, nullable=False),
    Column("parent", BIG, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("scope_id", Integer, nullable=False),
    Column("confidence", TEXT, nullable=False),
    Column("detail", TEXT, nullable=False),
    PrimaryKeyConstraint("child", "parent", "kind", "scope_id"),
    Index("edge_parent", "parent", "child"),
    Index("edge_scope", "scope_id"),
    sqlite_with_rowid=False,
)
file = Table(
    "file",
    metadata,
    Column("version_id", BIG, nullable=False),
    Column("position", Integer, nullable=False),
    Column("path", TEXT, nullable=False),
    Column("size", BigInteger),
    Column("stored", BigInteger),  # bytes in a store that compresses
    Column("algorithm", TEXT, nullable=False),  # "" where no digest is known
    Column("hex", TEXT, nullable=False),
    Column("computed", Integer, nullable=False),  # 1: the registry named no digest; this is the SHA-256 we computed
    Column("place", TEXT, nullable=False),
    Column("location", TEXT, nullable=False),
    Column("local", TEXT, nullable=False),
    Column("content_id", Integer),  # the bytes at `local`, once fingerprinted
    PrimaryKeyConstraint("version_id", "position"),
    Index("file_hex", "hex", sqlite_where=text("hex <> ''"), postgresql_where=text("hex <> ''")),
    Index("file_content", "content_id"),
    sqlite_with_rowid=False,
)
# One row for each distinct content of a local file: what a file named by MD5 and one named by SHA-256 have in common.
content = Table(
    "content",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("md5", TEXT, nullable=False),
    Column("sha256", TEXT, nullable=False, unique=True),
    Column("git_sha1", TEXT, nullable=False),
    Column("blake3", TEXT, nullable=False),
    Index("content_md5", "md5"),
    Index("content_git_sha1", "git_sha1"),
    Index("content_blake3", "blake3"),
)
problem = Table(
    "problem",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("registry_id", Integer, nullable=False),
    Column("scope_id", Integer),  # NULL: met outside any scope that was completed
    Column("place", TEXT, nullable=False),  # Problem.where
    Column("message", TEXT, nullable=False),
    Column("hint", TEXT, nullable=False),
    Index("problem_registry", "registry_id"),
    Index("problem_scope", "scope_id"),
)
# words.py makes the words. SQLite matches them in `fts` (external content: this table), PostgreSQL in `vector`.
fulltext = Table(
    "fulltext",
    metadata,
    Column("version_id", BIG, primary_key=True, autoincrement=False),
    Column("words", TEXT, nullable=False),
    Column("aliases", TEXT, nullable=False),
)
_VECTOR = "array_to_tsvector(array_remove(string_to_array(words || ' ' || aliases, ' '), ''))"


def _statements(tables: list[Table], dialect: Dialect) -> list[str]:
    out = []
    for table in tables:
        out.append(str(CreateTable(table).compile(dialect=dialect)))
        out += [
            str(CreateIndex(index).compile(dialect=dialect))
            for index in sorted(table.indexes, key=lambda i: i.name or "")
        ]
    return out


def sqlite_ddl() -> list[str]:
    """Return the statements that make an empty index in a new SQLite file."""
    marks = [f"PRAGMA user_version={SCHEMA}", f"PRAGMA application_id={APPLICATION}"]
    dialect: Dialect = sqlite.dialect()
    return [*_statements(metadata.sorted_tables, dialect), FTS_ONLY_ON_SQLITE, *marks]


def postgres_ddl() -> list[str]:
    """Return the statements that make an empty index in the current schema of PostgreSQL."""
    copy = MetaData()
    tables = [table.to_metadata(copy) for table in metadata.sorted_tables]
    copy.tables["fulltext"].append_column(Column("vector", TSVECTOR, Computed(_VECTOR, persisted=True)))
    vectors = "CREATE INDEX fulltext_vector ON fulltext USING gin (vector)"
    mark = f"COMMENT ON TABLE registry IS 'lineal index, schema {SCHEMA}'"
    dialect: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return [*_statements(tables, dialect), vectors, mark]
