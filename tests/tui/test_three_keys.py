"""The five questions: each is answered in at most three keys in a cold session, going back in four.

The cursor stands on another version than the live one. Keys that select count; what is typed into a line counts as one
key together with its enter.
"""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from lineal_tui.present.days import spelt
from lineal_tui.screens.lineage import Lineage
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource
from tests.tui.fake_desk import DAY, NOW
from tests.tui.seeing import screen_text, until, until_seen
from tests.tui.test_screens import opened

SIZES = [(80, 24), (160, 45)]
both = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


class Hands:
    """Presses keys and counts them."""

    def __init__(self, pilot: Pilot[int]) -> None:
        self._pilot = pilot
        self.keys = 0

    async def press(self, name: str) -> None:
        """Press one key."""
        await self._pilot.press(name)
        await self._pilot.pause()
        self.keys += 1

    async def enter(self, said: str) -> None:
        """Type into a line and end it."""
        await until(self._pilot, lambda: isinstance(self._pilot.app.focused, Input), "a line to type in")
        for character in said:
            await self._pilot.press("minus" if character == "-" else character)
        await self._pilot.press("enter")
        self.keys += 1


async def elsewhere(pilot: Pilot[int]) -> Hands:
    """Wait for the first list, and put the cursor on v18, which no alias names."""
    await opened(pilot)
    await pilot.press("j")
    await until_seen(pilot, "fraud-scorer v18")
    return Hands(pilot)


@both
async def test_what_changed_since_prod(source: FakeSource, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        hands = await elsewhere(pilot)
        await hands.press("c")
        await until_seen(pilot, "v17 ◂", "v18", "metrics", "params")
        assert hands.keys <= 3


@both
async def test_is_it_better(source: FakeSource, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        hands = await elsewhere(pilot)
        await hands.press("5")
        await until_seen(pilot, "fraud-scorer v18 → prod", "replaces v17", "▼ 1 worse  ▲ 1 better", "checks")
        worse, better = (next(line for line in screen_text(app) if mark in line) for mark in ("▼ metrics", "▲ metrics"))
        assert "0.206 → 0.2095" in worse  # both values, with the sign of what is worse and of what is better
        assert "0.94 → 0.905" in better
        assert hands.keys <= 3


@both
async def test_where_does_it_come_from(source: FakeSource, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        hands = await elsewhere(pilot)
        await hands.press("2")
        await until_seen(pilot, "lineage", "v18 ◂", "bert-base-uncased", "finetuned", "proved")
        screen = app.screen
        assert isinstance(screen, Lineage)
        assert screen.subject() == app.session.places.here.rows[0]
        assert app.session.places.here.rows[0].name == "v18"
        assert hands.keys <= 3


@both
async def test_who_approved_what_is_in_prod(source: FakeSource, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        hands = await elsewhere(pilot)
        await hands.press("6")
        await until_seen(pilot, "v17 since", "✔ approved by sven")
        assert hands.keys <= 3


@both
async def test_what_was_prod_on_a_given_day(source: FakeSource, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(source)
    day = spelt(NOW - 20 * DAY)
    async with app.run_test(size=size) as pilot:
        hands = await elsewhere(pilot)
        await hands.press("6")
        await until_seen(pilot, "▏v17")
        await hands.press("t")
        await hands.enter(day)
        await until_seen(pilot, f"on {day} UTC", "prod     v14 since")
        assert hands.keys <= 3


@both
async def test_go_back_with_its_confirmation(source: FakeSource, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        hands = await elsewhere(pilot)
        await hands.press("R")
        await hands.enter("errors since noon")
        await until_seen(pilot, "v14 → prod", "replaces v17", "R again confirms")
        assert source.desk.did == []
        await hands.press("R")
        await until_seen(pilot, "✔ done: prod v17 → v14", "U undoes it")
        assert hands.keys <= 4
        assert [plan.reason for plan, _ in source.desk.did] == ["errors since noon"]
