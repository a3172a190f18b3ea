"""The contract that every registry passes that can be changed."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from lineal.errors import Conflict, NotFound, RegistryError, Unsupported
from lineal.model.changes import Change, Restore, SetAlias, SetTags, Stamp
from lineal.model.records import Alias, AliasKind
from lineal.model.values import Tag
from lineal.model.version import Version
from lineal.registries import connect
from lineal.registries.base import Registry
from lineal.testing.reading import Source, snapshot


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A registry that may be changed: a model in it, two versions of that model, and an alias that points nowhere."""

    source: Source
    model: str
    keys: tuple[str, str]
    alias: str = "proving"
    tagged: bool = True  # whether its versions take tags


def stamped(mark: int) -> Stamp:
    """Return the stamp of an action."""
    return Stamp(action=f"{mark:032x}", at=1_790_000_100.0 + mark, by="mira", mail="mira@example.com", reason="proved")


class WriteContract:
    """What every registry that can be changed promises. Subclass it and give a `target` fixture."""

    @pytest.fixture
    def target(self) -> Target:
        """Give the registry under test; every subclass overrides this."""
        raise NotImplementedError

    @pytest.fixture
    def changed(self, target: Target) -> Iterator[Registry]:
        """Connect to the registry under test."""
        registry = connect(target.source.spec, target.source.around)
        yield registry
        registry.close()

    def move(self, target: Target, before: int | None, after: int | None) -> SetAlias:
        """Return a move of the alias between versions by their place, None for none."""
        named = [target.keys[one] if one is not None else "" for one in (before, after)]
        registry = target.source.spec.name
        return SetAlias(
            registry=registry, model=target.model, alias=target.alias, before=named[0], after=named[1], kind=self.kind()
        )

    def kind(self) -> AliasKind:
        """Return the kind of alias that this registry has."""
        return AliasKind.ALIAS

    def held(self, target: Target, registry: Registry) -> str:
        """Return the key that a scan says the alias points at, "" for none."""
        aliases = [record for record in registry.scan({}) if isinstance(record, Alias)]
        return next((one.key for one in aliases if (one.model, one.name) == (target.model, target.alias)), "")

    def test_what_is_applied_is_scanned(self, target: Target, changed: Registry) -> None:
        """An alias that is made, moved and taken away is found so by the next scan, and by `current` at once."""
        for mark, (before, after) in enumerate(((None, 0), (0, 1), (1, None))):
            change = self.move(target, before, after)
            assert changed.current(change) == change
            assert changed.calls(change, stamped(mark))
            receipt = changed.apply(change, stamped(mark))
            assert receipt.calls
            assert self.held(target, changed) == change.after

    def test_twice_is_a_conflict(self, target: Target, changed: Registry) -> None:
        """The same change by another action finds that its `before` does not hold."""
        changed.apply(self.move(target, None, 0), stamped(1))
        with pytest.raises(Conflict):
            changed.apply(self.move(target, None, 0), stamped(2))
        with pytest.raises(Conflict):
            changed.apply(self.move(target, 1, 0), stamped(3))
        assert self.held(target, changed) == target.keys[0]

    def test_a_second_try_of_the_same_action_counts_as_applied(self, target: Target, changed: Registry) -> None:
        """A lost answer is settled by asking again."""
        change = self.move(target, None, 0)
        changed.apply(change, stamped(1))
        changed.apply(change, stamped(1))
        assert self.held(target, changed) == target.keys[0]

    def test_the_inverse_restores(self, target: Target, changed: Registry) -> None:
        """What was done is undone by the same path."""
        changed.apply(self.move(target, None, 0), stamped(1))
        change = self.move(target, 0, 1)
        changed.apply(change, stamped(2))
        changed.apply(change.inverse(), stamped(3))
        assert self.held(target, changed) == target.keys[0]

    def test_tags_are_set_changed_and_taken_away(self, target: Target, changed: Registry) -> None:
        """A version's tags are compared, set, and restored by the inverse."""
        if not target.tagged:
            assert SetTags not in changed.writes
            return
        first = SetTags(
            registry=target.source.spec.name, model=target.model, key=target.keys[0], after=(Tag("risk", "low"),)
        )
        second = msgspec.structs.replace(first, before=first.after, after=(Tag("risk", "high"), Tag("seen", "yes")))
        changed.apply(first, stamped(1))
        with pytest.raises(Conflict):
            changed.apply(first, stamped(2))
        changed.apply(second, stamped(3))
        assert self._tags(target, changed).items() >= {"risk": "high", "seen": "yes"}.items()
        changed.apply(second.inverse(), stamped(4))
        assert self._tags(target, changed).get("risk") == "low"
        assert "seen" not in self._tags(target, changed)

    def _tags(self, target: Target, registry: Registry) -> dict[str, str]:
        versions = [record for record in registry.scan({}) if isinstance(record, Version)]
        found = next(one for one in versions if (one.model, one.key) == (target.model, target.keys[0]))
        return {tag.key: tag.value for tag in found.tags}

    def test_what_is_not_there_is_not_found(self, target: Target, changed: Registry) -> None:
        """A version or model that is not there is refused before anything is written."""
        change = msgspec.structs.replace(self.move(target, None, 0), after="0" * 40)
        for missing in (change, msgspec.structs.replace(self.move(target, None, 0), model="no-such-model")):
            with pytest.raises(NotFound):
                changed.current(missing)
            with pytest.raises(NotFound):
                changed.apply(missing, stamped(1))

    def test_a_change_it_cannot_make_touches_nothing(self, target: Target, changed: Registry) -> None:
        """What is outside `writes` is refused, by a sentence, and nothing is written."""
        odd: Change = Restore(registry=target.source.spec.name, model=target.model, path="x", branch="y")
        if Restore in changed.writes:
            return
        before = [snapshot(tree) for tree in target.source.trees]
        with pytest.raises(Unsupported):
            changed.apply(odd, stamped(1))
        assert [snapshot(tree) for tree in target.source.trees] == before
        assert changed.refusal

    def test_nobody_there_is_a_typed_error(self, target: Target) -> None:
        """An unreachable registry says so, and nothing is half done."""
        there = target.source.spec.url
        nowhere = "http://127.0.0.1:9/" if there.startswith("http") else f"{there.rstrip('/')}-that-is-not-there"
        registry = connect(
            target.source.gone or msgspec.structs.replace(target.source.spec, url=nowhere), target.source.around
        )
        with pytest.raises(RegistryError):
            registry.apply(self.move(target, None, 0), stamped(1))
        registry.close()
