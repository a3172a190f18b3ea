"""Aliases over time: bars, a lane for each holder, months below, and any day by keys."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lineal.model.plan import Entry, Holding, Subject
from lineal_tui.present import days, history, tenures
from lineal_tui.present.ink import Line
from lineal_tui.screens.history import History
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource
from tests.tui.fake_desk import DAY, NOW
from tests.tui.seeing import screen_text, until, until_seen
from tests.tui.test_screens import opened, press

SIZES = [(80, 24), (160, 45)]
both = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


def held(name: str, since: float | None, until_: float | None, **more: object) -> Holding:
    """Return that a version held prod from so many days ago on."""
    fields: dict[str, object] = {
        "registry": "r", "model": "fraud", "alias": "prod", "source": "observed", "by": "mira <m@example.com>",
        "subject": Subject(registry="r", model="fraud", key=name, name=name) if name else Subject(),
        "since": NOW - since * DAY if since is not None else None,
        "until": NOW - until_ * DAY if until_ is not None else None,
    }  # fmt: skip
    return Holding(**{**fields, **more})  # type: ignore[arg-type]


PAST = (
    held("v1", None, 90, source="unknown"), held("v1", 90, 60), held("v2", 60, 59), held("v1", 59, 10),
    held("v3", 10, None),
)  # fmt: skip


def spelt(lines: list[Line]) -> list[str]:
    """Return lines as text."""
    return ["".join(span.text for span in line) for line in lines]


def test_every_holder_has_a_lane_the_latest_first_with_all_its_tenures() -> None:
    lines = spelt(tenures.lane_lines(PAST, days.start(NOW - 30 * DAY), NOW, 78))
    lanes = [line for line in lines if line.startswith("  ") and any(mark in line for mark in "├│▶")]
    assert [line.split()[0] for line in lanes] == ["v3", "v1", "v2"]
    assert lanes[1].count("├") == 2
    assert "▶" in lanes[0]
    assert "▶" not in lanes[1]
    assert "79 d" in lanes[1] or "11 w" in lanes[1]
    assert "mira" in lanes[0]
    assert any("~ unknown before" in line for line in lines)
    assert any("~~" in line and "unknown" in line for line in lines)
    assert all(len(line) <= 78 for line in lines)


def test_the_day_is_a_line_through_the_lanes() -> None:
    lines = spelt(tenures.lane_lines(PAST, days.start(NOW - 30 * DAY), NOW, 100))
    mark = next(line for line in lines if "▲" in line).index("▲")
    through = [line for line in lines if "┊" in line]
    assert through
    assert {line.index("┊") for line in through} == {mark}


def test_the_latest_two_hundred_holders_of_ten_thousand_are_drawn() -> None:
    many = [held(f"v{i}", 10_000 - i, 9_999 - i) for i in range(10_000)]
    lines = tenures.lane_lines(many, days.start(NOW), NOW, 80)
    assert len(lines) < 220
    assert any("v9999" in line for line in spelt(lines))


def test_months_stand_below_and_years_where_there_are_many() -> None:
    year = list(days.months(NOW - 200 * DAY, NOW))
    assert [said for _, said in year] == ["Apr", "May", "Jun", "Jul", "Aug", "Sep"]
    assert all(days.spelt(at).endswith("-01") for at, _ in year)
    assert [said for _, said in days.months(NOW - 1500 * DAY, NOW)] == ["2023", "2024", "2025", "2026"]
    assert list(days.months(-1e30, NOW)) == []
    (first,) = spelt([history.axis(NOW - 200 * DAY, NOW, None, 100)])
    assert first.startswith(days.spelt(NOW - 200 * DAY))
    assert first.endswith(days.spelt(NOW))
    assert "Jun" in first


@pytest.mark.parametrize("day", [NOW, NOW - 199 * DAY, NOW - 5000 * DAY, NOW + DAY])
@pytest.mark.parametrize("room", [8, 20, 200])
def test_the_axis_is_as_long_as_its_room_wherever_the_day_is(day: float, room: int) -> None:
    (line,) = spelt([history.axis(NOW - 200 * DAY, NOW, days.start(day), room)])
    assert len(line) >= room
    assert "▲" in line


def test_an_approval_is_not_taken_for_the_move_that_follows_it() -> None:
    move = held("v3", 10, None)
    said = Entry(number=1, event="1", kind="approve", at=NOW - 10 * DAY - 30, by="sven", registry="r", model="fraud",
                 alias="prod", after="v3")  # fmt: skip
    moved = replace(said, number=2, kind="promote", by="mira")
    items = history.items([move], [said, moved])
    assert [item.entry for item in items if item.holding] == [moved]


def test_a_kind_that_stands_for_the_alias_is_said_once() -> None:
    entry = Entry(number=1, event="1", kind="deployed", at=NOW, by="mira", registry="r", model="fraud", after="v3")
    (line,) = spelt(history.item_lines([history.Item(NOW, entry=entry)], several=False))
    assert line.count("deployed") == 1


@both
async def test_any_day_is_chosen_by_keys_and_holders_have_lanes(
    source: FakeSource, make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await press(pilot, "6")
        await until_seen(pilot, "▏v17", "drift seen")
        screen = app.screen
        assert isinstance(screen, History)
        await press(pilot, "left_square_bracket")
        await until_seen(pilot, f"on {days.spelt(NOW - 2 * DAY)} UTC", "v19 since")
        await press(pilot, "left_square_bracket")
        await until_seen(pilot, f"on {days.spelt(NOW - 12 * DAY)} UTC", "earlier v14 until")
        assert screen._day == days.start(NOW - 12 * DAY)
        assert screen.here() is not None
        assert screen.here().holding.subject.name == "v17"  # type: ignore[union-attr]
        await press(pilot, "left")
        await until_seen(pilot, f"on {days.spelt(NOW - 13 * DAY)} UTC", "v14 since")
        await press(pilot, "left_square_bracket", "left_square_bracket")
        await until_seen(pilot, "No alias moved before that day.")
        await press(pilot, "right_square_bracket")
        await until_seen(pilot, f"on {days.spelt(NOW - 12 * DAY)} UTC")
        await press(pilot, "f")
        await until_seen(pilot, "├", "▶", "~ unknown before")
        assert screen.timeline.can_focus
        assert all(len(line) <= size[0] for line in screen_text(app))
        await press(pilot, "f")
        await until(pilot, lambda: not screen.timeline.can_focus and screen.record.has_focus, "bars again")
        await until_seen(pilot, "▏v17")


async def test_without_any_alias_the_keys_of_days_say_so(source: FakeSource, make_app: MakeApp) -> None:
    source.desk.held_ones = []
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "6")
        await until_seen(pilot, "drift seen")
        for key in ("f", "left_square_bracket", "right_square_bracket"):
            await press(pilot, key)
            await until_seen(pilot, "No alias was seen here yet.")
