"""Events that travel between stores: who, when and their ids stay, and only what is lacking is read."""

from __future__ import annotations

from pathlib import Path

from msgspec import structs

from lineal.ledger import events
from lineal.registries.native import exchange
from tests import shelves


def test_an_event_keeps_its_time_in_another_store(tmp_path: Path) -> None:
    with (
        shelves.shelf(tmp_path, "source") as source,
        shelves.shelf(tmp_path, "target", clock=shelves.NOW + 300) as target,
    ):
        shelves.commit(target, {"w": b"1"}, tmp_path)
        for mark in range(3):
            shelves.commit(source, {"w": bytes([mark])}, tmp_path)
        exchange.carry(source, target, exchange.plan(source, target, exchange.everything(source, target)))
        times = [entry.event.at for entry in target.ledger.walk()]
        assert times == [shelves.NOW + 300, *[shelves.NOW] * 3]


def test_what_was_said_since_travels_alone(tmp_path: Path) -> None:
    with shelves.shelf(tmp_path, "source") as source, shelves.shelf(tmp_path, "target") as target:
        for mark in range(6):
            shelves.commit(source, {"w": bytes([mark])}, tmp_path)
        for _ in range(2):
            exchange.carry(source, target, exchange.plan(source, target, exchange.everything(source, target)))
        assert target.ledger.head.number == 6
        source.retire(source.find("m", "v2"), "worse")
        assert source.state().seen.lacking(target.state().seen) == [7]
        exchange.carry(source, target, exchange.plan(source, target, exchange.everything(source, target)))
        assert next(entry.event.kind for entry in target.ledger.back()) == events.RETIRED
        assert target.ledger.head.number == 7
        assert not target.ledger.verify().problems


def test_aliases_and_reviews_stay_where_they_were_made(tmp_path: Path) -> None:
    """Pushing a version must not move prod there, nor bring an approval along."""
    with shelves.shelf(tmp_path, "source") as source, shelves.shelf(tmp_path, "target") as target:
        shelves.commit(source, {"w": b"1"}, tmp_path)
        version = source.find("m").id
        for kind, said in ((events.ALIAS, "prod"), (events.APPROVED, "prod"), (events.NOTE, "")):
            event = source.event(kind, "m", version)
            source.ledger.append(lambda _, event=event, said=said: structs.replace(event, alias=said))  # type: ignore[misc]
        exchange.carry(source, target, exchange.plan(source, target, exchange.everything(source, target)))
        assert [entry.event.kind for entry in target.ledger.walk()] == [events.COMMITTED, events.NOTE]
        assert target.state().aliases("", "m") == {}
