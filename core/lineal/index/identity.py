"""What makes an index this index: the number of its schema, its mark in the file, and how its rows are identified."""

from __future__ import annotations

from hashlib import blake2b

from lineal.model.records import Node

SCHEMA = 4  # a change to the tables, the documents or the facts is a new number
APPLICATION = 0x4C494E45  # "LINE", as SQLite's application_id
LONGEST_NAME = 600  # bytes in UTF-8 of anything that stands in an index of names; PostgreSQL's limit is 2,704


def node_id(node: Node) -> int:
    """Return the id of a node: 63 bits of a hash over its four parts."""
    parts = "\0".join((node.kind, node.registry, node.name, node.key))
    return int.from_bytes(blake2b(parts.encode("utf-8", "backslashreplace"), digest_size=8).digest()) >> 1


def bounded(name: str) -> str:
    """Return `name`, or where it is longer than `LONGEST_NAME` bytes its beginning and a hash of the whole."""
    if len(name) * 4 <= LONGEST_NAME or len(raw := name.encode()) <= LONGEST_NAME:
        return name
    return f"{raw[: LONGEST_NAME - 40].decode(errors='ignore')}…{blake2b(raw, digest_size=16).hexdigest()}"
