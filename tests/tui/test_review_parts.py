"""The parts of a plan: counts at their heads, what stands in the way first, folded and unfolded by `f`."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lineal.model.diff import Verdict
from lineal.model.plan import Approval, CheckResult, Difference, Outcome, Plan, Subject
from lineal_tui.acts import Drawn
from lineal_tui.present import plan as lines_of
from lineal_tui.present.checks import PASSES
from lineal_tui.present.plan import Face
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource
from tests.tui.fake_desk import CHECKS, LATENCY, NOW
from tests.tui.seeing import seen, until, until_seen
from tests.tui.test_acting import planned
from tests.tui.test_review import reviewing
from tests.tui.test_screens import opened, press

SIZES = [(80, 24), (160, 45)]
both = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
MANY = tuple(CheckResult(id=f"need.{i}", title=f"need {i}", outcome=Outcome.PASS) for i in range(9))


def told(drawn: Drawn, face: Face, cells: int = 78) -> list[str]:
    """Return the lines of a plan as text."""
    return ["".join(span.text for span in one.line) for one in lines_of.plan_lines(drawn, face, NOW, cells)]


def drawn(**more: object) -> Drawn:
    """Return a plan for version 42 of a model."""
    fields: dict[str, object] = {
        "id": "a" * 32, "action": "promote", "title": "promote fraud v42 to prod", "at": NOW, "by": "mira",
        "subject": Subject(registry="r", model="fraud", key="k42", name="v42"), "alias": "prod",
        "incumbent": Subject(registry="r", model="fraud", key="k41", name="v41"),
    }  # fmt: skip
    return Drawn(plan=Plan(**{**fields, **more}))  # type: ignore[arg-type]


def test_heads_count_and_many_passing_checks_stand_behind_one_line() -> None:
    shown = drawn(
        checks=(*MANY, LATENCY, replace(LATENCY, id="x", outcome=Outcome.WAIT)),
        differences=(
            Difference(facet="params", name="lr", before="1", after="2"),
            Difference(facet="metrics", name="loss", before="0.1", after="0.2", verdict=Verdict.WORSE, delta=0.1),
            Difference(facet="metrics", name="auc", before="0.9", after="0.95", verdict=Verdict.BETTER),
        ),
        approvals=(Approval(by="a", at=NOW, what="approved"), Approval(by="b", at=NOW, what="approved", counts=False)),
    )
    lines = told(shown, Face())
    assert "▾ checks  ✘ 1 fails  ◔ 1 waits  ✔ 9 pass" in lines
    assert "▾ differs  ▼ 1 worse  ▲ 1 better  ≠ 1 changed" in lines
    assert "▾ reviews  ✔ 1 approval counts" in lines
    assert "✘ latency_ms ≤ 20" in lines[lines.index("▾ checks  ✘ 1 fails  ◔ 1 waits  ✔ 9 pass") + 1]
    assert any(line.startswith("✔ 9 pass ▸") for line in lines)
    assert "✔ need 3" not in "\n".join(lines)
    assert "✔ need 3" in "\n".join(told(shown, Face(unfolded=frozenset({PASSES}))))
    assert "loss" in lines[lines.index("▾ differs  ▼ 1 worse  ▲ 1 better  ≠ 1 changed") + 2]  # below the names
    assert any("v41   v42" in line for line in lines)


def test_values_stand_in_columns_where_there_is_room_and_beside_another_where_not() -> None:
    shown = drawn(
        differences=(
            Difference(facet="params", name="lr", before="1e-3", after="3e-4"),
            Difference(facet="params", name="layers", before="2", after="1234567890123456789012345"),
        )
    )
    wide = [line for line in told(shown, Face()) if "→" in line and "params" in line]
    assert len({line.index("→") for line in wide}) == 1
    assert all(len(line) <= 78 for line in wide)
    assert any("lr      1e-3 → 3e-4" in line for line in told(shown, Face(), 50))


def test_folded_parts_are_their_heads() -> None:
    shown = drawn(checks=(LATENCY,), command="lineal promote fraud@v42")
    face = lines_of.turned_all(Face())
    lines = told(shown, face)
    assert "▸ checks  ✘ 1 fails" in lines
    assert not any("latency_ms ≤ 20" in line for line in lines)
    assert lines_of.turned_all(face) == Face()
    assert lines_of.turned(Face(), "part:checks").folded == {"checks"}
    assert lines_of.turned(Face(), "") == Face()
    found = lines_of.plan_lines(shown, Face(), NOW, 78)
    at = next(i for i, one in enumerate(found) if one.folds == LATENCY.id)
    assert lines_of.part_at(found, at) == "part:checks"
    assert lines_of.part_at(found, 0) == ""


@pytest.mark.parametrize("many", [500, 5000])
def test_a_policy_of_thousands_of_hostile_checks_is_bounded_lines(many: int) -> None:
    checks = tuple(
        CheckResult(id=f"c{i}", title="\x1b[31m" + "x" * 2000, outcome=Outcome.PASS, reason="y" * 2000)
        for i in range(many)
    )
    lines = told(drawn(checks=checks), Face())
    assert len(lines) < 20
    assert not any("\x1b" in line for line in lines)


@both
async def test_three_keys_say_why_version_42_must_not_ship(
    source: FakeSource, make_app: MakeApp, size: tuple[int, int]
) -> None:
    source.desk.checks = (*MANY, *CHECKS, LATENCY, replace(LATENCY, id="metric.recall", title="recall ≥ 0.8"))
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        screen = await reviewing(pilot)  # the first key
        await until_seen(pilot, "blocked by latency_ms, recall", "✘ 2 fail", "✔ 11 pass ▸", "23.1 against 18.4")
        assert seen(app).index("latency_ms ≤ 20") < seen(app).index("11 pass ▸")
        await press(pilot, "right_square_bracket")  # the second: to the first thing that stands in the way
        await until(pilot, lambda: screen.verdict.has_focus, "the cursor in the plan")
        assert screen.verdict.folds == LATENCY.id
        await press(pilot, "enter")  # the third: its evidence
        await until_seen(pilot, "p99 23.1")
        assert source.desk.did == []


@both
async def test_f_folds_parts_and_brackets_hop_to_what_is_worse(
    source: FakeSource, make_app: MakeApp, size: tuple[int, int]
) -> None:
    source.desk.checks = (*CHECKS, LATENCY)
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        screen = await reviewing(pilot)
        pane = screen.verdict
        await until_seen(pilot, "▾ checks  ✘ 1 fails", "… 1 to run", "✔ 2 pass")
        await press(pilot, "f")  # from the inbox: heads only
        await until_seen(pilot, "▸ checks", "▸ differs  ▼ 1 worse  ▲ 1 better  ≠ 7 changed", "▸ reviews", "▸ would do")
        assert pane.face.folded == set(lines_of.PARTS)
        await press(pilot, "f")
        assert pane.face.folded == frozenset()
        await press(pilot, "right_square_bracket", "right_square_bracket")  # a check that is to run is not in the way
        await until(pilot, lambda: "▌▼ metrics  loss" in seen(app), "what is worse")
        await press(pilot, "right_square_bracket")
        await until_seen(pilot, "Nothing below stands in the way or is worse.")
        await press(pilot, "f")  # the part with the cursor
        await until_seen(pilot, "▸ differs")
        assert pane.face.folded == {"differs"}
        assert pane.folds == "part:differs"
        await press(pilot, "enter")  # enter on a head does the same
        assert pane.face.folded == frozenset()
        await press(pilot, "left_square_bracket")
        assert pane.folds == LATENCY.id


async def test_the_plan_of_a_key_folds_and_hops_as_review_does(source: FakeSource, make_app: MakeApp) -> None:
    source.desk.checks = (*CHECKS, LATENCY)
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await planned(pilot, "P", "blocked by latency_ms", "▾ checks")
        await press(pilot, "f")
        await until_seen(pilot, "▸ checks  ✘ 1 fails", "▸ differs")
        await press(pilot, "f", "right_square_bracket")
        await until(pilot, lambda: "✘ latency" in seen(app) and "▌✘ latency" in seen(app), "the failing check")
        assert source.desk.did == []
        await press(pilot, "escape")


async def test_nothing_worse_is_said_and_without_a_plan_the_keys_are_off(source: FakeSource, make_app: MakeApp) -> None:
    source.desk.checks, source.desk.differences = (), ()
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await reviewing(pilot)
        await press(pilot, "left_square_bracket")
        await until_seen(pilot, "Nothing above stands in the way or is worse.")
        await press(pilot, "7", "5", "f")
        await until_seen(pilot, "There is no plan.")


async def test_a_policy_that_cannot_be_read_is_said_on_review(source: FakeSource, make_app: MakeApp) -> None:
    source.desk.read_only = "the policy cannot be read: /home/mira/project/lineal.toml: gate 1: approvals"
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await until_seen(pilot, "Read-only: the policy cannot be read: …/lineal.toml: gate 1")
        await reviewing(pilot)
        await until_seen(pilot, "read-only: the policy cannot be read", "lineal.toml: gate 1:", "[RO]")
