"""What a ledger amounts to: the same for everybody who reads it, however often and in however many steps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineal.errors import NotFound
from lineal.ledger import events
from lineal.ledger.events import Entry, Event
from lineal.ledger.folding import State
from lineal.ledger.ledger import Ledger
from lineal.model.values import Metric, Tag
from tests.unit.ledger.places import STORE, Place, event

KINDS = [
    events.COMMITTED,
    events.RETIRED,
    events.RESTORED,
    events.METRICS,
    events.TAGS,
    events.NOTE,
    "of another time",
]
SAID = st.tuples(
    st.sampled_from(KINDS),
    st.sampled_from(["a", "b"]),  # models
    st.sampled_from(["1" * 64, "2" * 64, "3" * 64]),  # versions
    st.lists(st.tuples(st.sampled_from("xy"), st.floats(allow_nan=False), st.sampled_from(["", "test"])), max_size=2),
    st.lists(st.tuples(st.sampled_from("pq"), st.sampled_from("01")), max_size=2),
)
SAYINGS = st.lists(SAID, max_size=25)


def tell(ledger: Ledger, mark: int, said: Any) -> None:
    """Append an event as a registry would: a version gets a number when it is new."""
    kind, model, version, metrics, tags = said

    def decide(state: State) -> Event:
        fresh = kind == events.COMMITTED and version not in state.models.get(model, {})
        return event(
            mark,
            kind,
            model=model,
            version=version,
            number=state.next_number(model) if fresh else None,
            metrics=tuple(Metric(name, value, dataset=dataset) for name, value, dataset in metrics),
            tags=tuple(Tag(key, value) for key, value in tags),
        )

    ledger.append(decide)


def plain(state: State) -> dict[str, Any]:
    """Return all that a state says, to be compared."""
    return {
        model: [
            (one.id, one.name, one.event, one.metrics, one.tags, one.notes, one.retired) for one in versions.values()
        ]
        for model, versions in state.models.items()
    }


@settings(deadline=None, max_examples=60)
@given(SAYINGS, st.integers(0, 25))
def test_a_ledger_amounts_to_the_same_for_everybody(sayings: list[Any], middle: int) -> None:
    place = Place()
    writer, early = Ledger(place, STORE), Ledger(place, STORE)
    for mark, said in enumerate(sayings):
        tell(writer, mark, said)
        if mark == middle:
            early.entries()  # a reader that comes back later
    late = Ledger(place, STORE)
    entries = late.entries()
    assert early.entries() == entries == writer.entries()
    assert plain(late.state) == plain(early.state) == plain(writer.state) == plain(State(entries))
    assert plain(State([*entries, *entries])) == plain(late.state)  # an event counts once


@settings(deadline=None, max_examples=60)
@given(SAYINGS)
def test_versions_are_numbered_from_one_in_order_and_the_last_word_counts(sayings: list[Any]) -> None:
    ledger = Ledger(Place(), STORE)
    for mark, said in enumerate(sayings):
        tell(ledger, mark, said)
    for model, versions in ledger.state.models.items():
        assert [one.number for one in versions.values()] == list(range(1, len(versions) + 1))
        for version, standing in versions.items():
            about = [said for said in sayings if said[1:3] == (model, version)]
            began = next(at for at, said in enumerate(about) if said[0] == events.COMMITTED)
            last = [said[0] for said in about[began:] if said[0] in (events.RETIRED, events.RESTORED)][-1:]
            assert (standing.retired is not None) == (last == [events.RETIRED])
            assert standing.tags == {key: value for said in about[began:] for key, value in said[4]}
            assert {key: one.value for key, one in standing.metrics.items()} == {
                (name, dataset): value for said in about[began:] for name, value, dataset in said[3]
            }


def test_what_is_said_of_a_version_that_is_not_there_says_nothing() -> None:
    state = State([Entry(number=1, before=STORE, event=event(1, events.RETIRED))])
    assert not any(state.models.values())
    with pytest.raises(NotFound) as caught:
        state.version("m", f"{1:064x}")
    assert caught.value.hint


def test_the_same_version_under_two_models_is_two() -> None:
    said = [event(1, number=1), event(2, model="n", version=f"{1:064x}", number=1)]
    said.append(event(3, events.RETIRED, model="n", version=f"{1:064x}"))
    state = State(Entry(number=at, before="", event=one) for at, one in enumerate(said, 1))
    assert state.version("m", f"{1:064x}").retired is None
    assert state.version("n", f"{1:064x}").retired is said[2]


def test_a_number_is_never_given_again_after_one_that_was_skipped() -> None:
    state = State([Entry(number=1, before="", event=event(1, number=7))])
    assert state.next_number("m") == 8
    assert state.next_number("n") == 1
