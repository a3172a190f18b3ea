"""Lineage as a graph, with siblings, and the way between two versions: what a person does there."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from lineal.model.records import Confidence, EdgeKind
from lineal_tui.keys import Where
from lineal_tui.screens.compare import Compare
from lineal_tui.screens.lineage import Lineage
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource, _edge, node
from tests.tui.seeing import screen_text, seen, until, until_seen
from tests.tui.test_screens import both, opened, press


def room(pilot: Pilot[int]) -> Lineage:
    """Return the screen, which must be Lineage."""
    assert isinstance(pilot.app.screen, Lineage)
    return pilot.app.screen


@both
async def test_t_draws_a_graph_and_keeps_the_cursor(
    source: FakeSource, make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await press(pilot, "2")
        await until_seen(pilot, "v19 ◂")
        before = room(pilot).subject()
        await press(pilot, "t")
        await until_seen(pilot, "◉─╮ finetuned ─ v19 ◂", "│ ◇ trained on transactions", "┊ … 16 versions folded")
        await until_seen(pilot, "proved", "inferred?")
        assert room(pilot).branches.lanes
        assert room(pilot).subject() == before
        assert all(len(line) <= size[0] for line in screen_text(app))
        rows = [i for i, line in enumerate(screen_text(app)) if "churn v1" in line or "bert-base" in line]
        assert "churn" in screen_text(app)[rows[0]]  # the newest first
        await press(pilot, "G", "k", "enter")
        assert "folded" not in seen(app)
        await press(pilot, "h", "t")
        await until_seen(pilot, "├─ trained on transactions")
        assert not room(pilot).branches.lanes


async def test_f_shows_siblings_and_who_else_used_the_data(source: FakeSource, make_app: MakeApp) -> None:
    held = source.index.held
    versions = [v for v in held if v.model == "fraud-scorer"]
    other = next(v for v in held if v.model == "merchant-embed")
    source.index.edges.append(_edge(other, node(versions[-2]), EdgeKind.DISTILLED, Confidence.DECLARED))
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "2")
        await until_seen(pilot, "trained on transactions")
        await press(pilot, "j", "enter")
        await until_seen(pilot, "f shows what else was made from the same")
        assert app.session.places.here.where is Where.LINEAGE
        await press(pilot, "f")
        await until_seen(pilot, "with siblings", "distilled ─ merchant-embed")
        await press(pilot, "f")
        await until(pilot, lambda: "with siblings" not in seen(app), "without siblings")
        assert room(pilot).branches.graph is not None


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_p_tells_how_two_marked_versions_are_related_step_by_step(
    source: FakeSource, make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await press(pilot, "2")
        await until_seen(pilot, "v19 ◂")
        await press(pilot, "p")
        await until_seen(pilot, "Mark two versions first, with space.")
        await press(pilot, "space", "k", "k", "space", "p")
        await until_seen(pilot, "v19 → v17", "common ancestor fraud-scorer v17", "the way: 2 steps")
        assert "2 up from the first, 0 from the second" in seen(app)
        assert "v17  " in seen(app)
        assert "inferred?" in seen(app)
        assert "metrics" in seen(app)
        assert "◂ common ancestor" in seen(app)
        assert all(len(line) <= size[0] for line in screen_text(app))
        assert [row.name for row in app.session.marks.values()] == ["v19", "v17"]
        await press(pilot, "t")
        await until_seen(pilot, "Esc leaves the path first.")
        await press(pilot, "j", "enter")
        await until(pilot, lambda: isinstance(app.screen, Compare), "the comparison of a step")
        assert [row.name for row in app.session.places.here.rows] == ["v18", "v19"]
        await press(pilot, "escape")
        await until_seen(pilot, "v19 ◂")
        await press(pilot, "p")
        await until_seen(pilot, "the way: 2 steps")
        await press(pilot, "escape")
        await until_seen(pilot, "v19 ◂")
        assert app.session.places.here.where is Where.LINEAGE
        assert not room(pilot).way.display


async def test_two_that_nothing_connects_are_said_to_be_so(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    stranger = next(i for i, v in enumerate(source.index.held) if v.model == "merchant-embed")
    row = source.index.row(stranger)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "2")
        await until_seen(pilot, "v19 ◂")
        app.session.toggle(row)
        await press(pilot, "p")
        await until_seen(pilot, "nothing connects", "they share no model, data or code")
        assert room(pilot).branches.display
