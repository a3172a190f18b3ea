"""Actions from the screens over a real workspace: a store, a repository of GTO's, a policy, and the ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from lineal_tui.app import LinealApp
from lineal_tui.main import SYNC
from lineal_tui.office import office
from tests.desks import Bench, held
from tests.tui.seeing import seen, until, until_seen
from tests.tui.test_acting import typed
from tests.tui.test_screens import press

both = pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=["80x24", "160x45"])
POLICY = """
[[gate]]
alias = "prod"

[[gate.metric]]
name = "auc"
min = 0.9
no_worse = true
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Two versions of a model in the store, the first of them in prod."""
    bench = Bench(tmp_path, POLICY)
    bench.commit(0.92)
    bench.commit(0.94)
    with bench.desk() as desk:
        desk.execute(desk.promote(desk.work.version("churn@v1"), "prod"))
    bench.now += 60
    with bench.work() as work:
        bench.sync(work)
    return bench


async def on(
    bench: Bench, size: tuple[int, int], name: str, run: Callable[[Pilot[int], LinealApp], Awaitable[None]]
) -> None:
    """Open the application with the cursor on a version, and do something there."""
    with bench.work() as work:
        environ = {**work.around.environ, "TERM": "xterm-256color", "HOME": str(bench.home)}
        app = LinealApp(
            work, desk=lambda: office(work), workspace="lab", cwd=str(bench.folder), environ=environ,
            clock=work.around.clock, sync=SYNC, child={"LINEAL_INDEX": work.index_url},
        )  # fmt: skip
        async with app.run_test(size=size) as pilot:
            await until_seen(pilot, "v1", "v2", "auc▲", "[RW]")
            await until(pilot, lambda: app.session.standing is not None and app.session.sync is None, "the desk")
            await until_seen(pilot, "beside prod v1")
            while f"churn {name}" not in seen(app):
                await press(pilot, "j")
                await pilot.pause(0.3)
            await run(pilot, app)
            await until(pilot, lambda: app.session.sync is None, "the end of the sync", 20)


def now_held(bench: Bench, alias: str = "prod") -> str:
    """Return what an alias holds by the ledger."""
    with bench.desk(synced=False) as desk:
        return held(desk, "churn", alias)


@both
async def test_promote_undo_and_roll_back_are_in_the_ledger(bench: Bench, size: tuple[int, int]) -> None:
    async def run(pilot: Pilot[int], app: LinealApp) -> None:
        await press(pilot, "P")
        await until_seen(pilot, "v2 → prod", "replaces v1 (since", "auc", "P again confirms")
        assert now_held(bench) == "v1"
        await press(pilot, "P")
        await until_seen(pilot, "✔ done: prod v1 → v2", "U undoes it")
        assert now_held(bench) == "v2"
        await press(pilot, "U")
        await until_seen(pilot, "U again confirms")
        await press(pilot, "U")
        await until_seen(pilot, "✔ done: prod v2 → v1")
        assert now_held(bench) == "v1"
        await press(pilot, "U")
        await until_seen(pilot, "prod v1 → nothing", "U again confirms")
        await press(pilot, "escape", "P")
        await until_seen(pilot, "P again confirms")
        await press(pilot, "P")
        await until_seen(pilot, "✔ done: prod v1 → v2")
        await press(pilot, "R")
        await typed(pilot, "errors since noon")
        await until_seen(pilot, "v1 → prod", "replaces v2", "because", "R again confirms")
        await press(pilot, "R")
        await until_seen(pilot, "✔ done: prod v2 → v1")
        assert now_held(bench) == "v1"

    await on(bench, size, "v2", run)


async def test_a_gate_blocks_and_an_override_is_on_record(bench: Bench) -> None:
    bench.commit(0.5)
    with bench.work() as work:
        bench.sync(work)

    async def run(pilot: Pilot[int], app: LinealApp) -> None:
        await press(pilot, "P")
        await until_seen(pilot, "blocked by auc", "0.5")
        await press(pilot, "P")
        await until_seen(pilot, "it is blocked")
        await press(pilot, "o")
        await typed(pilot, "fire drill")
        await until_seen(pilot, "overrides auc: fire drill")
        await press(pilot, "P")
        await until_seen(pilot, "✔ done: prod v1 → v3")
        await press(pilot, "6")
        await until_seen(pilot, "v1 → v3", "OVERRIDE: fire drill")

    await on(bench, (160, 45), "v3", run)
    assert now_held(bench) == "v3"


@both
async def test_a_review_is_asked_for_given_and_shown(bench: Bench, size: tuple[int, int]) -> None:
    bench.policy(POLICY.replace('alias = "prod"', 'alias = "prod"\napprovals = 1'))
    with bench.desk("ola <ola@example.com>") as desk:
        desk.execute(desk.say(desk.work.version("churn@v2"), "requested", alias="prod", text="please"))
    bench.who = "sven <sven@example.com>"

    async def run(pilot: Pilot[int], app: LinealApp) -> None:
        await press(pilot, "5")
        await until_seen(pilot, "1 waiting", "asked by ola", "blocked by approvals", "you: sven")
        await press(pilot, "Y")
        await until_seen(pilot, "Y again confirms")
        await press(pilot, "Y")
        await until_seen(pilot, "✔ done")
        await until(pilot, lambda: "blocked by approvals" not in seen(app), "the approval to count")
        await press(pilot, "P")
        await until_seen(pilot, "P again confirms")
        await press(pilot, "P")
        await until_seen(pilot, "✔ done: prod v1 → v2")
        await press(pilot, "6")
        await until_seen(pilot, "approved by sven")

    await on(bench, size, "v2", run)
    assert now_held(bench) == "v2"


async def test_evidence_lies_in_the_folder_with_its_hashes(bench: Bench) -> None:
    async def run(pilot: Pilot[int], app: LinealApp) -> None:
        await press(pilot, "5")
        await until_seen(pilot, "not asked for", "checks")
        await press(pilot, "e")
        await typed(pilot, "")
        await until_seen(pilot, "✔ 5 files in")

    await on(bench, (120, 40), "v2", run)
    folder = bench.folder / "evidence" / "churn-v2-prod"
    assert {path.name for path in folder.iterdir()} == {
        "report.md", "report.json", "junit.xml", "report.svg", "SHA256SUMS",
    }  # fmt: skip
    assert "<svg" in (folder / "report.svg").read_text()


async def test_a_policy_that_cannot_be_read_means_read_only(bench: Bench) -> None:
    bench.policy("[[gate]]\nalais = 1\n")
    with bench.work() as work:
        environ = {"TERM": "xterm-256color", "HOME": str(bench.home)}
        app = LinealApp(
            work, desk=lambda: office(work), workspace="lab", cwd=str(bench.folder), environ=environ,
            clock=work.around.clock, sync=SYNC, child={"LINEAL_INDEX": work.index_url},
        )  # fmt: skip
        async with app.run_test(size=(120, 40)) as pilot:
            await until_seen(pilot, "[RO]", "Read-only: ")
            await press(pilot, "P")
            assert len(app.screen_stack) == 1
    assert now_held(bench) == "v1"


async def test_somebody_else_between_preview_and_confirmation(bench: Bench) -> None:
    bench.commit(0.95)
    with bench.work() as work:
        bench.sync(work)

    async def run(pilot: Pilot[int], app: LinealApp) -> None:
        await press(pilot, "P")
        await until_seen(pilot, "replaces v1", "P again confirms")
        with bench.desk(synced=False) as desk:
            desk.execute(desk.promote(desk.work.version("churn@v3"), "prod"))
        await press(pilot, "P")
        await until_seen(pilot, "Moved by somebody else meanwhile", "replaces v3")
        assert now_held(bench) == "v3"

    await on(bench, (120, 40), "v2", run)
