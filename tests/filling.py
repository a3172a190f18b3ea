"""Little indexes for tests: what some registries say, written through the real writer."""

from __future__ import annotations

from collections.abc import Iterable

from lineal.config import RegistrySpec
from lineal.index.clean import Said
from lineal.index.opening import open_writer
from lineal.index.spool import Spool
from lineal.model.records import Complete, Edge
from lineal.model.version import Kind, Version


def made(key: str, model: str = "m", registry: str = "toy", **more: object) -> Version:
    """Return a version with little in it but what is given."""
    known = {"registry": registry, "model": model, "key": key, "name": f"v{key}", "kind": Kind.RUN}
    return Version(**(known | more))  # type: ignore[arg-type]


def filled(url: str, records: Iterable[Said]) -> str:
    """Write what registries say, each in one scope, and return `url`."""
    by_registry: dict[str, list[Said]] = {}
    for record in records:
        of = record.child.registry if isinstance(record, Edge) else record.registry
        by_registry.setdefault(of, []).append(record)
    with open_writer(url) as writer:
        for name, said in by_registry.items():
            writer.enter(RegistrySpec(name=name, kind="scripted", url=f"/{name}"))
            with Spool(name) as spool:
                for record in said:
                    spool.add(record)
                writer.apply(spool, Complete(registry=name, scope="all"))
            writer.succeed(name, "mark", 1.7e9)
    return url
