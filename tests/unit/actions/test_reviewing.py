"""Requests, approvals and what they count for; notes; where a version runs; who it was on a day."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lineal.errors import Blocked, Conflict, NotFound
from lineal.ledger import events
from lineal.model.plan import Outcome
from tests.desks import DAY, NOW, Bench, held, version

GATE = '[[gate]]\nalias = "prod"\napprovals = 1\n'


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path, GATE)
    for auc in (0.9, 0.91):
        made.commit(auc)
    return made


def say(bench: Bench, who: str, what: str, reference: str = "churn@v1", **more: str) -> str:
    with bench.desk(who) as desk:
        done = desk.execute(desk.say(version(desk, reference), what, **({"alias": "prod"} | more)))
    bench.now += 60
    return done.plan.id


def test_an_approval_by_somebody_else_lets_it_through(bench: Bench) -> None:
    say(bench, "mira <mira@example.com>", "requested", text="better")
    with bench.desk() as desk:
        (review,) = desk.inbox()
        assert (review.subject.name, review.alias, review.asked_by, review.mine) == (
            "v1",
            "prod",
            "mira <mira@example.com>",
            True,
        )
        assert desk.promote(version(desk, "churn@v1"), "prod").checks[0].outcome is Outcome.WAIT
    say(bench, "mira <mira@example.com>", "approved")  # the author's own
    with bench.desk() as desk, pytest.raises(Blocked):
        desk.execute(desk.promote(version(desk, "churn@v1"), "prod"))
    say(bench, "ola <ola@example.com>", "approved", text="looks right")
    with bench.desk() as desk:
        plan = desk.promote(version(desk, "churn@v1"), "prod")
        assert plan.checks[0].passed
        desk.execute(plan)
        bench.sync(desk.work)
        assert desk.inbox() == []
        approvals = desk.held("store", "churn", "prod").approvals
        assert [(one.what, one.by) for one in approvals if one.what == "approved"][-1] == (
            "approved",
            "ola <ola@example.com>",
        )


def test_a_rejection_stands_in_the_way_until_it_is_withdrawn(bench: Bench) -> None:
    say(bench, "ola", "approved")
    rejected = say(bench, "sven", "rejected", text="leaks the label")
    with bench.desk() as desk:
        check = desk.promote(version(desk, "churn@v1"), "prod").checks[0]
        assert check.outcome is Outcome.FAIL
        assert "sven" in check.reason
        desk.execute(desk.undo(rejected))
        assert desk.promote(version(desk, "churn@v1"), "prod").checks[0].passed
        withdrawn = desk.log(limit=1)[0]
        assert withdrawn.kind == "undo"
        desk.execute(desk.undo(withdrawn.action))  # and it is said again
        assert desk.promote(version(desk, "churn@v1"), "prod").checks[0].outcome is Outcome.FAIL


def test_a_rejected_request_leaves_the_inbox(bench: Bench) -> None:
    say(bench, "mira", "requested")
    say(bench, "ola", "rejected")
    with bench.desk() as desk:
        assert desk.inbox() == []
    say(bench, "mira", "requested", text="mended")
    with bench.desk() as desk:
        assert [one.text for one in desk.inbox()] == ["mended"]


def test_a_note_is_kept_and_withdrawn(bench: Bench) -> None:
    say(bench, "mira", "note", text="duplicates in the holdout", alias="")
    with bench.desk() as desk:
        key = version(desk, "churn@v1").key
        assert [one.message for one in desk.state().said("", "churn", key)] == ["duplicates in the holdout"]
        desk.execute(desk.undo())
        assert desk.state().said("", "churn", key) == []


def test_where_it_runs_is_shown_beside_what_the_alias_says(bench: Bench) -> None:
    bench.policy("")
    with bench.desk() as desk:
        desk.execute(desk.promote(version(desk, "churn@v2"), "prod"))
    say(bench, "ops", "deployed", where="prod-eu", alias="")
    with bench.desk() as desk:
        assert [one.text for one in desk.held("store", "churn", "prod").deployed] == [
            "prod-eu runs v1, not what the alias says"
        ]
    say(bench, "ops", "deployed", "churn@v2", where="prod-eu", alias="")
    with bench.desk() as desk:
        assert [one.text for one in desk.held("store", "churn", "prod").deployed] == ["prod-eu runs v2"]


def test_what_an_alias_was_on_a_day_and_before_anything(bench: Bench) -> None:
    bench.policy("")
    start = bench.now
    for reference in ("churn@v1", "churn@v2"):
        with bench.desk() as desk:
            desk.execute(desk.promote(version(desk, reference), "prod"))
        bench.now += 10 * DAY
    with bench.desk() as desk:
        assert desk.held("store", "churn", "prod", start + DAY).subject.name == "v1"
        assert desk.held("store", "churn", "prod", start + 11 * DAY).subject.name == "v2"
        before = desk.held("store", "churn", "prod", NOW - DAY)
        assert (bool(before.subject), before.source) == (False, "registry")  # a native alias has its whole history
        assert [one.subject.name for one in desk.timeline("store", "churn")] == ["v2", "v1", ""]
        assert desk.work.version("churn@prod~1").name == "v1"


def signers(bench: Bench, *people: str) -> None:
    """Give each person a key, and let them sign."""
    lines = []
    for mail in people:
        key = bench.home / mail
        if not key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        lines.append(f"{mail} {key.with_suffix(key.suffix + '.pub').read_text()}")
    (bench.folder / "allowed_signers").write_text("".join(lines))


def sign_as(bench: Bench, mail: str) -> None:
    folder = bench.home / ".config" / "lineal"
    folder.mkdir(parents=True, exist_ok=True)
    text = f'[signing]\nkey = "{bench.home / mail}"\n' if mail else ""
    (folder / "config.toml").write_text(text)


def test_only_signed_approvals_count_where_the_gate_says_so(bench: Bench) -> None:
    bench.policy(GATE + 'signers = "allowed_signers"\n')
    signers(bench, "ola@example.com")
    say(bench, "ola <ola@example.com>", "approved")
    with bench.desk("mira <mira@example.com>") as desk:
        plan = desk.promote(version(desk, "churn@v1"), "prod")
        assert not plan.checks[0].passed
        assert plan.approvals[0].why.startswith("not signed")
    sign_as(bench, "ola@example.com")
    say(bench, "ola <ola@example.com>", "approved")
    with bench.desk("mira <mira@example.com>") as desk:
        plan = desk.promote(version(desk, "churn@v1"), "prod")
        assert plan.checks[0].passed, plan.checks
        assert plan.approvals[1].signer.startswith("SHA256:")


def test_somebody_elses_key_approves_nothing(bench: Bench) -> None:
    bench.policy(GATE + 'signers = "allowed_signers"\n')
    signers(bench, "ola@example.com", "sven@example.com")
    sign_as(bench, "sven@example.com")
    say(bench, "ola <ola@example.com>", "approved")  # sven signs in ola's name
    with bench.desk("mira <mira@example.com>") as desk:
        assert not desk.promote(version(desk, "churn@v1"), "prod").checks[0].passed


def test_the_likeliest_alias_comes_first(bench: Bench) -> None:
    with bench.desk() as desk:
        assert desk.targets(version(desk, "churn@v1"))[0] == "prod"
    say(bench, "mira", "requested", alias="edge")
    with bench.desk() as desk:
        assert desk.targets(version(desk, "churn@v1"))[:2] == ["edge", "prod"]


def test_tags_are_set_and_the_undo_restores_them(bench: Bench) -> None:
    with bench.desk() as desk:
        row = version(desk, "churn@v1")
        desk.execute(desk.tag(row, {"risk": "low", "owner": "ola"}))
        bench.sync(desk.work)
        assert version(desk, "churn@v1").tags == {"owner": "ola", "risk": "low"}
        desk.execute(desk.undo())
        bench.sync(desk.work)
        assert version(desk, "churn@v1").tags == {"owner": "mira"}
        desk.execute(desk.tag(row, {}, ["owner"]))
        bench.sync(desk.work)
        assert version(desk, "churn@v1").tags == {}


def test_a_counterpart_moves_in_the_same_plan(bench: Bench) -> None:
    bench.repository()
    bench.policy('[[gate]]\nalias = "prod"\nregistries = ["store"]\ncounterparts = ["risk:churn"]\n')
    with bench.desk() as desk:
        with pytest.raises(NotFound) as caught:
            desk.promote(version(desk, "store:churn@v1"), "prod")
        assert "risk:churn" in caught.value.message
    (bench.folder / "out" / "weights.bin").write_bytes(b"weights 2" * 40)
    with bench.work() as work, work.shelf() as shelf:
        from lineal.registries.native import trees
        from lineal.registries.native.shelf import Said

        made = shelf.commit(trees.read([bench.folder / "out" / "weights.bin"]), Said(), kind="model", name="churn")
    with bench.desk() as desk:
        from lineal.sync import sync

        sync(desk.work.specs, desk.work.around, desk.work.index_url)  # joins equal bytes
        row = desk.row("store", "churn", made.id)
        plan = desk.promote(row, "prod")
        assert [step.change.registry for step in plan.steps] == ["store", "risk"]
        assert any("risk:churn@prod" in note for note in plan.notes)
        desk.execute(plan)
        assert held(desk, "churn", "prod", "risk") == "v2.0.0"
        assert held(desk, "churn", "prod") == row.name
        bench.sync(desk.work)
        assert [one.text for one in desk.held("store", "churn", "prod").deployed] == []
        desk.execute(desk.move(version(desk, "risk:churn@v1.0.0"), "prod"))
        bench.sync(desk.work)
        assert [one.text for one in desk.held("store", "churn", "prod").deployed] == [
            "risk:churn@prod is v1.0.0, another version"
        ]
        desk.execute(desk.undo())
        desk.execute(desk.undo())
        assert (held(desk, "churn", "prod", "risk"), held(desk, "churn", "prod")) == ("", "")


def test_what_syncs_saw_is_the_history_of_a_registry_that_keeps_none(bench: Bench) -> None:
    from lineal.actions.observing import observe
    from lineal.model.records import Alias

    with bench.desk() as desk:
        shelf = desk.chronicle()
        assert shelf is not None
        seen = {"prod": "1"}

        class Pretended:
            def registries(self):  # type: ignore[no-untyped-def]
                from lineal.model.listing import RegistryRow

                return [RegistryRow(name="mlflow", kind="mlflow", url="http://x", origin="project", synced_at=1.0)]

            def aliases(self, registry: str) -> list[Alias]:
                return [Alias(registry=registry, model="churn", name=name, key=key) for name, key in seen.items()]

        class Work:
            index = Pretended()

        def look() -> int:
            return observe(Work(), shelf.ledger, desk.recorder(), ["mlflow"])  # type: ignore[arg-type]

        first = bench.now
        assert look() == 1
        assert look() == 0
        bench.now += DAY
        seen["prod"] = "2"
        assert look() == 1
        bench.now += DAY
        seen.clear()
        assert look() == 1
        moves = list(desk.state().moves("mlflow", "churn", "prod"))
        assert [(move.before, move.after) for move in moves] == [("", "1"), ("1", "2"), ("2", "")]
        assert desk.held("mlflow", "churn", "prod", first + 10).subject.key == "1"
        assert desk.held("mlflow", "churn", "prod", first - 10).source == "unknown"
        assert desk.held("mlflow", "churn", "other", first + 10).source == "observed"  # looked at, and not there
        kinds = [entry.event.kind for entry in shelf.ledger.walk()]
        assert kinds.count(events.WATCHED) == 1


def test_only_a_signed_word_takes_a_signed_rejection_back(bench: Bench) -> None:
    bench.policy(GATE + 'signers = "allowed_signers"\n')
    signers(bench, "ola@example.com", "sven@example.com")
    sign_as(bench, "ola@example.com")
    say(bench, "ola <ola@example.com>", "approved")
    sign_as(bench, "sven@example.com")
    rejected = say(bench, "sven <sven@example.com>", "rejected")
    sign_as(bench, "")
    with bench.desk("sven <sven@example.com>") as desk:  # somebody who says that he is sven
        desk.execute(desk.undo(rejected))
        assert desk.promote(version(desk, "churn@v1"), "prod").checks[0].outcome is Outcome.FAIL


def test_a_review_is_withdrawn_by_whoever_gave_it(bench: Bench) -> None:
    rejected = say(bench, "sven", "rejected")
    with bench.desk("mira") as desk:
        with pytest.raises(Conflict):
            desk.undo(rejected)
        shelf = desk.chronicle()
        assert shelf is not None
        key = version(desk, "churn@v1").key
        (said,) = desk.state().said("", "churn", key)
        recorder = desk.recorder()  # an event of mira's own making does not count either
        recorder.write(recorder.event(events.WITHDRAWN, model="churn", version=key, of=said.id))
        assert desk.state().said("", "churn", key) == [said]


def test_a_revoked_key_approves_nothing(bench: Bench) -> None:
    bench.policy(GATE + 'signers = "allowed_signers"\n')
    signers(bench, "ola@example.com")
    sign_as(bench, "ola@example.com")
    say(bench, "ola <ola@example.com>", "approved")
    with bench.desk("mira <mira@example.com>") as desk:
        assert desk.promote(version(desk, "churn@v1"), "prod").checks[0].passed
        key = (bench.home / "ola@example.com.pub").read_text()
        (bench.folder / "allowed_signers.revoked").write_text(key)
        plan = desk.promote(version(desk, "churn@v1"), "prod")
        assert not plan.checks[0].passed
        assert "revoked" in plan.approvals[0].why
