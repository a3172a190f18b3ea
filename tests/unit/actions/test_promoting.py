"""Aliases move through the policy, and go back."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineal.actions import lookup
from lineal.actions.recording import decode
from lineal.errors import Blocked, Conflict, NotFound, Unsupported
from lineal.model.plan import Outcome, State
from tests.desks import DAY, Bench, held, version
from tests.sources.checkpoints import safetensors

GATE = """
[[gate]]
alias = "prod"
[[gate.metric]]
name = "auc"
min = 0.8
no_worse = true
noise = 0.001
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path, GATE)
    for auc in (0.9, 0.91, 0.7):
        made.commit(auc)
    return made


def promote(bench: Bench, reference: str, alias: str = "prod", **options: str) -> State:
    with bench.desk() as desk:
        return desk.execute(desk.promote(version(desk, reference), alias), **options).state  # type: ignore[arg-type]


def test_a_version_gets_an_alias_and_the_record_says_who_when_and_why(bench: Bench) -> None:
    with bench.desk() as desk:
        plan = desk.promote(version(desk, "churn@v1"), "prod", reason="first")
        assert plan.title == "promote churn v1 to prod"
        assert [check.outcome for check in plan.checks] == [Outcome.PASS]
        assert plan.command == "lineal promote store:churn@v1 --to prod"
        assert desk.state().alias("", "churn", "prod") == ""  # a plan changes nothing
        done = desk.execute(plan)
        assert done.state is State.APPLIED
        assert held(desk, "churn", "prod") == "v1"
        now = desk.held("store", "churn", "prod")
        assert (now.subject.name, now.by, now.source) == ("v1", "mira <mira@example.com>", "action")
        entry = desk.log(limit=1)[0]
        assert (entry.kind, entry.before, entry.after, entry.text) == ("promote", "", "v1", "first")
        assert entry.checks[0].reason
        assert entry.command == plan.command


def test_a_gate_that_fails_refuses_and_nothing_is_written(bench: Bench) -> None:
    promote(bench, "churn@v2")
    with bench.desk() as desk:
        before = desk.state().open.copy(), len(desk.log(every=True))
        plan = desk.promote(version(desk, "churn@v3"), "prod")
        assert [check.outcome for check in plan.checks] == [Outcome.FAIL]
        with pytest.raises(Blocked) as caught:
            desk.execute(plan)
        assert caught.value.checks[0].id == "metric.auc"
        assert "0.7" in caught.value.message
        assert (desk.state().open, len(desk.log(every=True))) == before
        assert held(desk, "churn", "prod") == "v2"


def test_a_gate_can_be_passed_by_with_a_reason_that_stays_in_the_record(bench: Bench) -> None:
    promote(bench, "churn@v2")
    assert promote(bench, "churn@v3", override="the metric is broken") is State.APPLIED
    with bench.desk() as desk:
        assert held(desk, "churn", "prod") == "v3"
        assert "OVERRIDE: the metric is broken" in desk.log(limit=1)[0].text


def test_an_alias_moved_between_preview_and_confirmation_is_a_conflict(bench: Bench) -> None:
    promote(bench, "churn@v1")
    with bench.desk() as desk:
        plan = desk.promote(version(desk, "churn@v2"), "prod")
        with bench.desk("ola") as other:
            other.execute(other.promote(version(other, "churn@v3"), "prod"), override="hotfix")
        with pytest.raises(Conflict) as caught:
            desk.execute(plan)
        assert "v3" in caught.value.message
        assert held(desk, "churn", "prod") == "v3"


def test_what_it_holds_already_is_no_promotion(bench: Bench) -> None:
    promote(bench, "churn@v1")
    with bench.desk() as desk, pytest.raises(Conflict):
        desk.promote(version(desk, "churn@v1"), "prod")


def test_a_rollback_goes_to_what_was_before_and_reads_the_bytes_first(bench: Bench) -> None:
    promote(bench, "churn@v1")
    bench.now += DAY
    promote(bench, "churn@v2")
    with bench.desk() as desk:
        plan = desk.rollback("store", "churn", "prod", reason="latency")
        assert plan.subject.name == "v1"
        assert [check.id for check in plan.checks] == ["held", "files.verified"]
        done = desk.execute(plan)
        assert done.plan.verified is True
        assert held(desk, "churn", "prod") == "v1"
        bench.now += 60
        again = desk.rollback("store", "churn", "prod")  # and back: what was before the rollback
        assert again.subject.name == "v2"


def test_a_rollback_to_a_version_that_never_held_it_passes_the_gates(bench: Bench) -> None:
    promote(bench, "churn@v1")
    with bench.desk() as desk:
        plan = desk.rollback("store", "churn", "prod", to=version(desk, "churn@v3"))
        assert [check.id for check in plan.blocked] == ["metric.auc"]
        with pytest.raises(Blocked):
            desk.execute(plan)


def test_a_rollback_to_bytes_that_changed_is_refused(bench: Bench) -> None:
    commits = bench.repository()
    with bench.desk() as desk:
        desk.execute(desk.promote(version(desk, "risk:churn@v1.0.0"), "staging"))
        bench.now += DAY
        bench.sync(desk.work)
        desk.execute(desk.promote(version(desk, "risk:churn@v2.0.0"), "staging"))
        bench.sync(desk.work)
        row = version(desk, "risk:churn@v1.0.0")
        assert row.key == commits[0]
        plan = desk.rollback("risk", "churn", "staging")
        whole = desk.work.whole(row)
        assert desk.recorded(row)[0].hex == whole.files[0].digest.hex  # type: ignore[union-attr]
        registry = desk.work.registry("risk")
        real = registry.open

        def another(file, start=0, length=None):  # type: ignore[no-untyped-def]
            import io

            with real(file) as stream:
                return io.BytesIO(stream.read() + b"!")

        registry.open = another  # type: ignore[method-assign]
        with pytest.raises(Blocked) as caught:
            desk.execute(plan)
        assert "changed" in caught.value.message
        assert held(desk, "churn", "staging", "risk") == "v2.0.0"


def test_a_rollback_without_a_past_says_so(bench: Bench) -> None:
    with bench.desk() as desk:
        with pytest.raises(NotFound):
            desk.rollback("store", "churn", "prod")
        desk.execute(desk.promote(version(desk, "churn@v1"), "prod"))
        with pytest.raises(NotFound) as caught:
            desk.rollback("store", "churn", "prod")
        assert "--to" in caught.value.hint


def test_undo_takes_back_and_undo_of_undo_does_it_again(bench: Bench) -> None:
    promote(bench, "churn@v1")
    promote(bench, "churn@v2")
    with bench.desk() as desk:
        done = desk.execute(desk.undo())
        assert held(desk, "churn", "prod") == "v1"
        assert desk.state().undone == {done.plan.undoes: done.plan.id}
        with pytest.raises(Conflict):
            desk.undo(done.plan.undoes)
        desk.execute(desk.undo(done.plan.id))
        assert held(desk, "churn", "prod") == "v2"
        assert done.plan.undoes not in desk.state().undone


def test_undoing_what_was_changed_again_is_a_conflict(bench: Bench) -> None:
    promote(bench, "churn@v1")
    with bench.desk() as desk:
        first = desk.execute(desk.promote(version(desk, "churn@v2"), "prod")).plan.id
        desk.execute(desk.rollback("store", "churn", "prod"))
        with pytest.raises(Conflict) as caught:
            desk.undo(first)
        assert "since" in caught.value.message


def test_what_nobody_did_cannot_be_undone(bench: Bench) -> None:
    with bench.desk() as desk:
        for action in ("", "f" * 12, "ab"):
            with pytest.raises(NotFound):
                desk.undo(action)


def test_an_alias_is_taken_away_and_comes_back(bench: Bench) -> None:
    promote(bench, "churn@v1", "candidate")
    with bench.desk() as desk:
        desk.execute(desk.move(version(desk, "churn@v1"), "candidate", remove=True))
        assert held(desk, "churn", "candidate") == ""
        assert not desk.held("store", "churn", "candidate").subject
        desk.execute(desk.undo())
        assert held(desk, "churn", "candidate") == "v1"


def test_what_goes_is_archived_in_the_same_plan(bench: Bench) -> None:
    bench.policy('[[gate]]\nalias = "prod"\narchive = "archived"\n')
    promote(bench, "churn@v1")
    with bench.desk() as desk:
        plan = desk.promote(version(desk, "churn@v2"), "prod")
        assert [(step.change.alias, step.change.after == plan.incumbent.key) for step in plan.steps] == [  # type: ignore[union-attr]
            ("prod", False),
            ("archived", True),
        ]
        desk.execute(plan)
        assert (held(desk, "churn", "prod"), held(desk, "churn", "archived")) == ("v2", "v1")
        desk.execute(desk.undo())
        assert (held(desk, "churn", "prod"), held(desk, "churn", "archived")) == ("v1", "")


@pytest.mark.parametrize("how", ["policy", "variable", "setting"])
def test_read_only_means_no_write_at_all(bench: Bench, how: str) -> None:
    if how == "policy":
        bench.policy("[[gate]]\nalias = 'prod'\nmin_auc = 3\n")
    elif how == "variable":
        bench.environ["LINEAL_READ_ONLY"] = "1"
    else:
        bench.policy("read_only = true\n")
    with bench.desk() as desk:
        assert desk.read_only
        assert desk.can("store", "alias").startswith("read-only")
        plan = desk.promote(version(desk, "churn@v1"), "prod")  # looking is free
        with pytest.raises(Blocked) as caught:
            desk.execute(plan)
        assert desk.read_only in caught.value.message
        assert desk.state().open == {}


def test_a_policy_with_a_mistake_says_which_word(bench: Bench) -> None:
    bench.policy('[[gate]]\nalias = "prod"\naprovals = 2\n')
    with bench.desk() as desk:
        assert "approvals" in desk.read_only


def test_a_registry_that_is_only_read_says_why(bench: Bench) -> None:
    safetensors(bench.folder / "runs" / "loose" / "a.safetensors", {"x": b"1234"}, {})
    with bench.desk() as desk:
        row = next(row for row in desk.work.versions() if row.registry != "store")
        assert desk.can(row.registry, "alias")
        with pytest.raises(Unsupported):
            desk.promote(row, "prod")
        assert desk.can(row.registry, "say") == ""


def test_a_version_that_vanished_is_not_found(bench: Bench) -> None:
    commits = bench.repository()
    with bench.desk() as desk:
        row = version(desk, "risk:churn@v2.0.0")
        plan = desk.promote(row, "staging")
        bench.git("tag", "-d", "churn@v2.0.0")
        bench.git("reset", "-q", "--hard", commits[0])
        bench.git("reflog", "expire", "--expire=now", "--all")
        bench.git("gc", "-q", "--prune=now")
        with pytest.raises(NotFound):
            desk.execute(plan)
        assert desk.state().open == {}


def test_the_hashes_that_were_promoted_stand_in_the_record(bench: Bench) -> None:
    promote(bench, "churn@v1")
    with bench.desk() as desk:
        row = version(desk, "churn@v1")
        recorded = desk.recorded(row)
        assert {one.path: one.hex for one in recorded} == {
            file.path: file.digest.hex for file in desk.work.whole(row).files if file.digest
        }
        shelf = desk.chronicle()
        assert shelf is not None
        began = lookup.began(shelf.ledger, desk.log(limit=1)[0].action, 10**9)
        assert began is not None
        assert decode(began).files == recorded
        assert began.content


def test_what_was_promoted_by_other_means_is_held_against_its_registrys_own_hashes(bench: Bench) -> None:
    commits = bench.repository()
    for number, (name, commit) in enumerate(zip(("1", "2"), commits, strict=True)):
        bench.git("tag", "-a", f"churn#prod#{number + 1}", commit, "-m", f"by hand {name}", at=bench.now + number)
    bench.now += DAY
    with bench.desk() as desk:
        plan = desk.rollback("risk", "churn", "prod")
        assert [check.title for check in plan.checks] == ["was prod before", "bytes are those that its registry names"]
        done = desk.execute(plan)
        assert done.plan.verified is True
        assert held(desk, "churn", "prod", "risk") == "v1.0.0"


def test_bytes_that_are_nowhere_are_said_to_be_unverified(bench: Bench) -> None:
    import shutil

    with bench.desk() as desk:
        bench.repository()
    with bench.desk() as desk:
        for reference in ("risk:churn@v1.0.0", "risk:churn@v2.0.0"):
            desk.execute(desk.promote(version(desk, reference), "staging"))
            bench.now += DAY
            bench.sync(desk.work)
        shutil.rmtree(bench.folder / "risk" / ".dvc" / "cache")
        bench.sync(desk.work)
        done = desk.execute(desk.rollback("risk", "churn", "staging"))
        assert done.plan.verified is False
        assert any(note.startswith("unverified: churn.bin") for note in done.plan.notes)
        assert "unverified" in done.plan.checks[-1].reason
        assert held(desk, "churn", "staging", "risk") == "v1.0.0"
