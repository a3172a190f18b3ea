"""The verbs that change something: forms, exit codes, and what they leave behind."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli import running
from tests.cli.running import Said
from tests.desks import Bench

GATE = """
[[gate]]
alias = "prod"
approvals = 1
[[gate.metric]]
name = "auc"
min = 0.8
no_worse = true
noise = 0.001
[[gate.command]]
name = "smoke"
run = ["sh", "smoke.sh", "{files}"]
"""


class Office(Bench):
    """A workspace in which people type commands."""

    def run(self, *words: str, who: str = "mira <mira@example.com>", **environ: str) -> Said:
        around = {"LINEAL_AUTHOR": who, **environ}
        return running.inside(*words, cwd=self.folder, home=self.home, environ=around)

    def ok(self, *words: str, who: str = "mira <mira@example.com>") -> str:
        said = self.run(*words, who=who)
        assert said.code == 0, said.err
        return said.out


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path, "")
    for auc in (0.9, 0.95, 0.7):
        made.commit(auc)
    return made


def test_promote_who_rollback_undo(office: Office) -> None:
    office.ok("promote", "churn@v1", "--to", "prod", "--yes", "-m", "first")
    office.ok("promote", "churn@v2", "--to", "prod", "--yes")
    assert "v2" in office.ok("who", "churn@prod")
    assert "v1" in office.ok("show", "churn@prod~1").splitlines()[0] + office.ok("show", "churn@prod~1")
    out = office.ok("rollback", "churn", "--alias", "prod", "--yes", "-m", "latency")
    assert "roll churn@prod back to v1" in out
    office.ok("undo", "--yes")
    (now,) = json.loads(office.ok("who", "churn@prod", "--format", "json"))
    assert now["subject"]["name"] == "v2"
    every = json.loads(office.ok("who", "churn@prod", "--all", "--format", "json"))
    assert [row["subject"]["name"] for row in every] == ["v2", "v1", "v2", "v1"]
    log = json.loads(office.ok("log", "churn", "--format", "json"))
    assert [entry["kind"] for entry in log[:4]] == ["undo", "rollback", "promote", "promote"]
    assert office.ok("log").count("\n") == 1 + 4 + 1 + 3
    assert office.ok("log", "--all").count("\n") == 1 + 4 * 3 + 1 + 3


def test_a_dry_run_changes_nothing_and_says_what_would_be_done(office: Office) -> None:
    out = office.ok("promote", "churn@v1", "--to", "prod", "--dry-run")
    assert "would do: append to the ledger" in out
    plan = json.loads(office.ok("promote", "churn@v1", "--to", "prod", "--dry-run", "--format", "json"))
    assert plan["steps"][0]["change"]["after"]
    assert office.run("who", "churn@prod").out.count("nothing") == 1


def test_nobody_at_the_terminal_must_say_yes(office: Office) -> None:
    said = office.run("promote", "churn@v1", "--to", "prod")
    assert said.code == 2
    assert "--yes" in said.err


def test_the_policy_refuses_with_exit_code_3_and_can_be_overridden(office: Office) -> None:
    office.policy(GATE.replace("approvals = 1\n", "").partition("[[gate.command]]")[0])
    said = office.run("promote", "churn@v3", "--to", "prod", "--yes")
    assert said.code == 3
    assert "auc" in said.err
    assert office.run("promote", "churn@v3", "--to", "prod", "--dry-run").code == 3
    office.ok("promote", "churn@v3", "--to", "prod", "--yes", "--override", "hotfix")
    assert "OVERRIDE: hotfix" in office.ok("log")


def test_exit_codes(office: Office) -> None:
    assert office.run("promote", "nobody@v1", "--to", "prod", "--yes").code == 4
    assert office.run("promote", "churn@v9", "--to", "prod", "--yes").code == 4
    assert office.run("rollback", "churn", "--alias", "prod", "--yes").code == 4
    assert office.run("undo", "--yes").code == 4
    office.ok("promote", "churn@v1", "--to", "prod", "--yes")
    assert office.run("promote", "churn@v1", "--to", "prod", "--yes").code == 5
    assert office.run("promote", "churn@v1", "--to", " ", "--yes").code == 2
    assert office.run("promote", "churn@v2", "--to", "prod", "--yes", LINEAL_READ_ONLY="1").code == 3
    assert office.run("who", "churn").code == 2
    assert office.run("who", "churn@prod", "--at", "yesterday").code == 2


def test_a_command_is_run_only_where_it_was_allowed(office: Office) -> None:
    office.policy(GATE.replace("approvals = 1\n", ""))
    (office.folder / "smoke.sh").write_text(
        'test -s "$1/weights.bin" && test -z "$STRIPE_KEY$DB_URL" && echo "$LINEAL_MODEL is fine"\n'
    )
    said = office.run("check", "churn@v1", "--for", "prod")
    assert said.code == 1
    assert "trust" in said.out
    assert "smoke.sh" in office.ok("trust", "--yes")
    hidden = {"STRIPE_KEY": "sk_live", "DB_URL": "postgresql://me:secret@db/x"}
    said = office.run("check", "churn@v1", "--for", "prod", "--format", "json", **hidden)
    assert said.code == 0, said.out
    smoke = next(one for one in json.loads(said.out)["checks"] if one["id"] == "command.smoke")
    assert smoke["outcome"] == "pass"
    assert "churn is fine" in smoke["evidence"]
    (office.folder / "smoke.sh").write_text("exit 0\n")  # another content
    assert office.run("check", "churn@v1", "--for", "prod").code == 1
    office.ok("trust", "--yes")
    (office.folder / "smoke.sh").write_text("echo broken; exit 3\n")
    office.ok("trust", "--yes")
    said = office.run("promote", "churn@v1", "--to", "prod", "--yes")
    assert said.code == 3
    assert "broken" in said.err
    office.ok("trust", "--withdraw")
    assert office.run("check", "churn@v1", "--for", "prod").code == 1


def test_a_command_that_hangs_is_ended(office: Office) -> None:
    office.policy(
        '[[gate]]\nalias = "prod"\n[[gate.command]]\nname = "slow"\nrun = ["sh", "-c", "echo begun; sleep 60"]\n'
        'timeout = "1s"\n'
    )
    office.ok("trust", "--yes")
    said = office.run("promote", "churn@v1", "--to", "prod", "--yes")
    assert said.code == 3
    assert "begun" in said.err
    assert "1 s" in said.err


def test_check_in_every_form(office: Office, tmp_path: Path) -> None:
    office.policy(GATE.partition("[[gate.command]]")[0])
    for form in ("table", "json", "junit", "md", "github"):
        said = office.run("check", "churn@v1", "--for", "prod", "--format", form)
        assert said.code == 1, said.err
        assert "approv" in said.out.lower()
    assert ElementTree.fromstring(office.run("check", "churn@v1", "--for", "prod", "--format", "junit").out) is not None
    summary = tmp_path / "summary.md"
    office.run("check", "churn@v1", "--for", "prod", "--format", "github", GITHUB_STEP_SUMMARY=str(summary))
    assert "auc" in summary.read_text()


def test_a_review_from_the_command_line(office: Office) -> None:
    office.policy(GATE.partition("[[gate.metric]]")[0])
    office.ok("request", "churn@v1", "--for", "prod", "--yes", "-m", "better")
    (waiting,) = json.loads(office.ok("inbox", "--format", "json"))
    assert waiting["text"] == "better"
    assert office.run("promote", "churn@v1", "--to", "prod", "--yes").code == 3
    office.ok("approve", "churn@v1", "--for", "prod", "--yes", who="ola <ola@example.com>")
    office.ok("promote", "churn@v1", "--to", "prod", "--yes")
    assert "ola" in office.ok("who", "churn@prod")
    assert json.loads(office.ok("inbox", "--format", "json")) == []
    office.ok("note", "churn@v1", "leaks", "--yes")
    office.ok("deployed", "churn@v2", "--where", "prod-eu", "--yes")
    assert "prod-eu runs v2, not what the alias says" in office.ok("who", "churn@prod")


def test_tags_and_aliases(office: Office) -> None:
    office.ok("tag", "churn@v1", "risk=low", "--yes")
    assert json.loads(office.ok("show", "churn@v1", "--format", "json"))["tags"]["risk"] == "low"
    office.ok("tag", "churn@v1", "--remove", "risk", "--yes")
    assert "risk" not in json.loads(office.ok("show", "churn@v1", "--format", "json"))["tags"]
    office.ok("alias", "churn@v1", "candidate", "--yes")
    office.ok("alias", "churn@candidate", "candidate", "--remove", "--yes")
    assert office.run("show", "churn@candidate").code == 4
    assert office.run("tag", "churn@v1", "--yes").code == 2


def test_a_report_is_one_bundle_with_its_hashes(office: Office, tmp_path: Path) -> None:
    import hashlib

    office.policy(GATE.partition("[[gate.command]]")[0])
    office.ok("report", "churn@v1", "--for", "prod", "-o", str(tmp_path / "evidence"), "--attach")
    folder = tmp_path / "evidence"
    sums = dict(line.split("  ")[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert sums.keys() == {"report.md", "report.json", "junit.xml", "report.svg"}
    for name, expected in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected
    assert "weights.bin" in (folder / "report.md").read_text()
    assert (folder / "report.svg").read_text().startswith("<svg")
    assert "evidence" in office.ok("log")


def test_resume_with_nothing_open(office: Office) -> None:
    assert "no action is open" in office.run("resume").err


@pytest.mark.parametrize("verb", ["promote", "rollback", "undo", "who", "log", "approve", "check", "tag", "trust"])
def test_help_shows_an_example_or_says_what_it_does(office: Office, verb: str) -> None:
    assert len(office.ok(verb, "--help").splitlines()) > 5


def test_read_only_mode_writes_nothing_anywhere(office: Office, tmp_path: Path) -> None:
    from lineal.testing import snapshot

    office.ok("promote", "churn@v1", "--to", "prod", "--yes")
    store, toml = office.folder / ".lineal", (office.folder / "lineal.toml").read_bytes()
    before = snapshot(store)
    for words in (
        ("promote", "churn@v2", "--to", "prod", "--yes"),
        ("rollback", "churn", "--alias", "prod", "--yes"),
        ("undo", "--yes"),
        ("approve", "churn@v2", "--for", "prod", "--yes"),
        ("note", "churn@v1", "x", "--yes"),
        ("tag", "churn@v1", "a=b", "--yes"),
        ("resume",),
        ("commit", "out", "--model", "churn"),
        ("retire", "churn@v1"),
        ("gc",),
        ("repack",),
        ("push", str(tmp_path / "elsewhere")),
        ("audit", "anchor", str(tmp_path / "anchors")),
    ):
        said = office.run(*words, LINEAL_READ_ONLY="1")
        assert said.code == 3, (words, said.err)
        assert "LINEAL_READ_ONLY" in said.err
    assert office.run("log", LINEAL_READ_ONLY="1").code == 0
    assert office.run("sync", LINEAL_READ_ONLY="1").code == 0
    assert snapshot(store) == before
    assert (office.folder / "lineal.toml").read_bytes() == toml
    assert not (tmp_path / "elsewhere").exists()
    assert not (tmp_path / "anchors").exists()


def test_a_hook_is_told_and_its_delivery_is_recorded(office: Office) -> None:
    import time

    office.policy(
        '[[on]]\nname = "pager"\nevent = ["promoted"]\naliases = ["prod"]\nrun = ["sh", "hook.sh"]\n'
        '[[on]]\nname = "other"\nevent = ["tagged"]\nrun = ["false"]\n'
    )
    (office.folder / "hook.sh").write_text("cat > told.json; echo heard $LINEAL_EVENT\n")
    office.ok("trust", "--yes")
    office.ok("promote", "churn@v1", "--to", "prod", "--yes")
    end = time.monotonic() + 30
    while time.monotonic() < end:
        told = [one for one in json.loads(office.ok("log", "--all", "--format", "json")) if one["kind"] == "delivered"]
        if told:
            break
        time.sleep(0.2)
    assert [one["text"] for one in told] == ["pager (sh) delivered"]
    happened = json.loads((office.folder / "told.json").read_text())
    assert (happened["event"], happened["model"], happened["after"]) == ("promoted", "churn", "v1")


def test_a_restored_file_is_committed_and_undone(office: Office) -> None:
    office.repository()
    office.git("branch", "back")
    office.ok("restore", "risk:churn@v1.0.0", "--branch", "back", "--yes")
    first = office.git("rev-parse", "churn@v1.0.0:churn.bin.dvc")
    assert office.git("rev-parse", "back:churn.bin.dvc") == first
    assert office.git("rev-parse", "main:churn.bin.dvc") != first
    office.ok("undo", "--yes")
    assert office.git("rev-parse", "back:churn.bin.dvc") == office.git("rev-parse", "main:churn.bin.dvc")


def test_a_commit_becomes_a_version_and_is_promoted(office: Office) -> None:
    office.repository()
    track = f"outs:\n- md5: {'a' * 32}\n  size: 3\n  path: churn.bin\n"
    (office.folder / "risk" / "churn.bin.dvc").write_text(track)
    office.git("commit", "-qam", "another")
    commit = office.git("rev-parse", "HEAD")
    office.ok("register", f"risk:churn@id:{commit}", "--yes")
    assert "churn@v2.0.1" in office.git("tag")
    office.ok("promote", "risk:churn@v2.0.1", "--to", "prod", "--yes")
    assert json.loads(office.ok("who", "risk:churn@prod", "--format", "json"))[0]["subject"]["name"] == "v2.0.1"


def test_a_head_is_anchored_in_a_bucket_and_held_against_it(office: Office) -> None:
    import shutil

    from tests import ceph, s3

    keys = {**ceph.KEYS, "AWS_EC2_METADATA_DISABLED": "true"}
    with s3.moto() as endpoint:
        place = f'[remotes.vault]\nurl = "s3://models/anchors"\nendpoint = "{endpoint}"\npath_style = true\n'
        office.policy(place)
        office.ok("note", "churn@v1", "first", "--yes")
        said = office.run("audit", "anchor", "vault", **keys)
        assert said.code == 0, said.err
        assert office.run("audit", "verify", "--anchor", "vault", **keys).code == 0
        newest = max((office.folder / ".lineal" / "store" / "ledger").rglob("0*[0-9]"))  # the note
        newest.unlink()
        shutil.rmtree(office.home / ".cache")  # a client that never saw the head
        assert office.run("audit", "verify").code == 0
        said = office.run("audit", "verify", "--anchor", "vault", **keys)
        assert said.code == 7
        assert "anchor" in said.out


def test_what_can_be_changed_and_why_not_is_listed(office: Office) -> None:
    office.repository()
    rows = {row["name"]: row for row in json.loads(office.ok("registry", "ls", "--format", "json"))}
    assert rows["store"]["changes"] == ["aliases", "tags"]
    assert rows["risk"]["changes"] == ["aliases", "registrations", "files"]
    assert rows["out"]["changes"] == []
    assert rows["out"]["refusal"]
    assert "aliases, tags" in office.ok("registry", "ls")
    assert "`lineal policy init`" in office.run("doctor").out
    office.policy("[[gate]]\nalias = 'prod'\naprovals = 1\n")
    said = office.run("doctor")
    assert "aprovals" in said.out
    assert said.code != 0
    rows = {row["name"]: row for row in json.loads(office.ok("registry", "ls", "--format", "json"))}
    assert rows["store"]["changes"] == []
