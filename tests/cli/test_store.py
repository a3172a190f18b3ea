"""The verbs of the store, as a person types them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lineal
from tests import shelves
from tests.cli.conftest import Lab

FILES = [shelves.safetensors(weights) for weights in shelves.chain(3, 20_000)]


@pytest.fixture
def desk(tmp_path: Path) -> Lab:
    """An empty workspace."""
    (tmp_path / "work").mkdir()
    (tmp_path / "home").mkdir()
    return Lab(tmp_path / "work", tmp_path / "home")


def model(lab: Lab, number: int) -> str:
    (lab.folder / "out").mkdir(exist_ok=True)
    (lab.folder / "out" / "model.safetensors").write_bytes(FILES[number])
    (lab.folder / "out" / "config.json").write_text(f'{{"step": {number}}}')
    return "out"


def filled(lab: Lab) -> list[str]:
    """Commit three versions; return their ids."""
    ids = []
    for number in range(3):
        parent = ["--parent", "churn"] if number else []
        words = ["commit", model(lab, number), "--model", "churn", *parent, "--param", "lr=0.1", "--metric"]
        ids.append(lab.json(*words, f"auc=0.{7 + number}", "--tag", "by=night", "-m", "step")["id"])
    return ids


def test_a_version_is_committed_listed_shown_and_comes_back(desk: Lab) -> None:
    filled(desk)
    assert [item["reference"] for item in desk.json("ls", "model:churn")] == [f"store:churn@v{n}" for n in (3, 2, 1)]
    shown = desk.json("show", "churn@v2")
    assert (shown["params"], shown["tags"]) == ({"lr": 0.1}, {"by": "night"})
    assert [(metric["name"], metric["value"]) for metric in shown["metrics"]] == [("auc", 0.8)]
    desk.ok("get", "churn@v2", "back")
    assert (desk.folder / "back" / "model.safetensors").read_bytes() == FILES[1]
    assert desk.run("get", "churn@v2", "back").code == 5
    desk.ok("get", "churn@v1", "--file", "config.json", "one.json")
    assert (desk.folder / "one.json").read_text() == '{"step": 0}'


def test_the_same_content_is_the_same_version_and_writes_no_block(desk: Lab) -> None:
    ids = filled(desk)
    again = desk.json("commit", model(desk, 2), "--model", "churn", "--parent", "churn", "--param", "lr=0.1")
    assert (again["id"], again["new"], again["blocks"], again["number"]) == (ids[2], False, 0, 3)
    assert (
        desk.run(
            "commit", "out", "--model", "churn", "--parent", "churn@v2", "--param", "lr=0.1", "--metric", "auc=0.95"
        ).code
        == 0
    )
    assert [metric["value"] for metric in desk.json("show", "churn@v3")["metrics"]] == [0.95]


def test_parents_are_lineage(desk: Lab) -> None:
    filled(desk)
    tree = desk.json("lineage", "churn@v3")
    found = [member["version"]["version"] for member in tree["members"] if member.get("version")]
    assert sorted(found) == ["v1", "v2", "v3"]


def test_a_tensor_and_a_range_come_without_the_rest(desk: Lab) -> None:
    filled(desk)
    desk.ok("get", "churn@v3", "--tensor", "encoder.weight", "w.npy")
    assert (np.load(desk.folder / "w.npy") == shelves.chain(3, 20_000)[2]["encoder.weight"]).all()
    said = desk.run_apart("cat", "churn@v3", "config.json", "--range", "1+6")
    assert said.out == '"step"'
    assert desk.run("get", "churn@v3", "--tensor", "nothing").code == 4
    assert desk.run("cat", "churn@v3", "config.json", "--range", "x").code == 2
    with lineal.open(desk.folder, around=shelves.around(desk.home.parent)) as work:
        values = work.tensor("churn@v1", "half")
        bits = shelves.chain(3, 20_000)[0]["half"].astype("<u4") << 16
        assert (values == bits.view("<f4")).all()
        with work.stored("churn@v2", "config.json").open() as stream:
            assert stream.read() == b'{"step": 1}'
            assert stream.seek(2) == 2
            assert stream.read(4) == b"step"


def test_values_of_tensors_are_compared_and_equal_ones_not_read(desk: Lab) -> None:
    filled(desk)
    found = {item["name"]: item for item in desk.json("diff", "--tensors", "churn@v1", "churn@v2")}
    assert set(found) == {"encoder.weight", "half"}
    one, other = (shelves.chain(3, 20_000)[at]["encoder.weight"].astype(float) for at in (0, 1))
    assert found["encoder.weight"]["relative"] == pytest.approx(np.linalg.norm(other - one) / np.linalg.norm(one))
    assert found["encoder.weight"]["largest"] == pytest.approx(np.abs(other - one).max())
    assert found["encoder.weight"]["cosine"] == pytest.approx(1.0)
    assert desk.run("diff", "--tensors", "churn@v1", "churn@v2", "--exit-code").code == 1
    assert desk.run("diff", "--tensors", "churn@v1", "churn@v1", "--exit-code").code == 0


def test_remotes_are_named_pushed_to_pulled_from_and_cloned(desk: Lab) -> None:
    ids = filled(desk)
    desk.ok("remote", "add", "nas", str(desk.home / "nas"), "--checksums", "when_required")
    assert [item["name"] for item in desk.json("remote", "list")] == ["nas"]
    assert desk.json("push", "nas")["versions"] == 3
    assert desk.json("push", "nas")["sent"] == 0
    desk.ok("clone", str(desk.home / "nas"), "../copy")
    copy = Lab(desk.folder.parent / "copy", desk.home)
    assert [item["id"] for item in copy.json("ls")] == ids[::-1]
    copy.ok("get", "churn@v3", "back")
    assert (copy.folder / "back" / "model.safetensors").read_bytes() == FILES[2]
    copy.ok("commit", "back/config.json", "--model", "other")
    assert copy.json("push")["versions"] == 4
    assert desk.json("pull", "nas", "other")["versions"] == 1
    desk.ok("get", "other", "other")
    desk.ok("remote", "remove", "nas")
    assert desk.run("push", "nas").code == 4


def test_manifests_can_come_without_bytes_which_are_pulled_later(desk: Lab) -> None:
    filled(desk)
    desk.ok("push", "../nas")
    (desk.folder.parent / "thin").mkdir()
    thin = Lab(desk.folder.parent / "thin", desk.home)
    thin.ok("fetch", "../nas")
    assert [item["state"] for item in thin.json("ls")] == ["partial"] * 3
    assert thin.run("get", "churn@v1", "x").code == 7
    assert not (thin.folder / "x").exists()
    thin.ok("pull", "../nas", "churn@v1")
    thin.ok("get", "churn@v1", "x")
    assert (thin.folder / "x" / "model.safetensors").read_bytes() == FILES[0]


def test_a_retired_version_goes_with_its_bytes_and_takes_nothing_else(desk: Lab) -> None:
    filled(desk)
    desk.ok("retire", "churn@v1", "-m", "leaked rows")
    assert desk.json("show", "churn@v1")["state"] == "retired"
    assert desk.json("gc", "--dry-run")["versions"] == []
    desk.ok("gc", "--grace", "0", "--yes")
    assert [item["version"] for item in desk.json("ls", "model:churn")] == ["v3", "v2"]
    desk.ok("verify", "--full")
    desk.ok("get", "churn@v2", "back")
    assert (desk.folder / "back" / "model.safetensors").read_bytes() == FILES[1]
    assert desk.run("retire", "churn@v1", "--undo").code == 4


def test_damage_is_said_with_an_exit_code_and_repaired(desk: Lab) -> None:
    filled(desk)
    desk.ok("push", "../nas")
    (pack, *_) = sorted((desk.folder / ".lineal/store/packs").rglob("*.pack"))
    data = pack.read_bytes()
    pack.chmod(0o644)
    pack.write_bytes(data[:300] + bytes([data[300] ^ 1]) + data[301:])
    assert desk.run("verify").code == 0
    said = desk.run("verify", "--full")
    assert (said.code, "repair" in said.err) == (7, True)
    desk.ok("repair", "--from", "../nas")
    desk.ok("verify", "--full")
    assert list((desk.folder / ".lineal/store/damaged").iterdir())


def test_repacking_changes_no_version(desk: Lab) -> None:
    ids = filled(desk)
    before = desk.json("stats")["models"][0]
    desk.ok("repack")
    desk.ok("gc", "--grace", "0", "--yes")
    after = desk.json("stats")["models"][0]
    assert (after["versions"], after["whole"], after["unique"]) == (3, before["whole"], before["unique"])
    assert after["stored"] <= before["stored"]
    assert [item["id"] for item in desk.json("ls", "model:churn")] == ids[::-1]
    desk.ok("verify", "--full")


def test_an_export_can_be_checked_without_lineal(desk: Lab) -> None:
    filled(desk)
    desk.ok("export", "churn@v3", "plain")
    lines = (desk.folder / "plain" / "SHA256SUMS").read_text().splitlines()
    assert f"{hashlib.sha256(FILES[2]).hexdigest()}  model.safetensors" in lines
    subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=desk.folder / "plain", check=True, capture_output=True)


def test_the_store_may_be_elsewhere(desk: Lab) -> None:
    desk.ok("commit", model(desk, 0), "--model", "churn", "--store", "../elsewhere")
    assert not (desk.folder / ".lineal").exists()
    (desk.folder / "lineal.toml").write_text('[store]\nurl = "../elsewhere"\neffort = "fast"\n')
    assert [item["reference"] for item in desk.json("ls", "model:churn")] == ["store:churn@v1"]
    desk.ok("get", "churn", "back")


def test_data_sets_are_kept_too(desk: Lab) -> None:
    (desk.folder / "rows.csv").write_text("a,b\n1,2\n" * 1000)
    desk.ok("commit", "rows.csv", "--dataset", "rows")
    assert desk.json("ls", "model:rows")[0]["kind"] == "dataset"
    assert desk.run("commit", "rows.csv").code == 2
    assert desk.run("commit", "rows.csv", "--model", "m", "--param", "lr").code == 2
    assert desk.run("commit", "nothing.bin", "--model", "m").code == 4


@pytest.mark.parametrize(
    ("query", "count"), [("mlflow:fraud-scorer@champion", 1), ("registry:runs", 10), ("model:fraud kind:registered", 8)]
)
def test_versions_of_every_registry_are_imported_with_what_is_said_of_them(lab: Lab, query: str, count: int) -> None:
    items = [
        item
        for item in lab.run("import", query, "--store", "../kept", "--format", "json").out.splitlines()
        if "reference" in item
    ]
    assert 0 < len(items) <= count
    lab.ok("verify", "--full", "--store", "../kept")


def test_a_copy_knows_what_it_was_copied_from_and_that_this_is_proved(desk: Lab) -> None:
    (desk.folder / "runs").mkdir()
    (desk.folder / "runs" / "model.safetensors").write_bytes(FILES[0])
    (item,) = desk.json("ls")
    desk.ok("import", item["reference"], "--model", "kept")
    links = desk.json("lineage", "store:kept")["links"]
    assert ("copied", "proved") in [(link["kind"], link["confidence"]) for link in links]


def git(lab: Lab, *words: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=Mira", "-c", "user.email=m@x", "-c", "init.defaultBranch=main", *words],
        cwd=lab.folder,
        check=True,
        capture_output=True,
        text=True,
        env={"HOME": str(lab.home), "PATH": "/usr/bin:/bin"},
    )
    return done.stdout.strip()


def test_a_path_is_imported_out_of_git_at_every_commit_that_changed_it(desk: Lab) -> None:
    git(desk, "init", "-q")
    (desk.folder / "models" / "sub").mkdir(parents=True)
    commits = []
    for number in range(2):
        (desk.folder / "models" / "m.safetensors").write_bytes(FILES[number])
        (desk.folder / "models" / "sub" / "run.sh").write_text("#!/bin/sh\n")
        (desk.folder / "models" / "sub" / "run.sh").chmod(0o755)
        git(desk, "add", "models")
        git(desk, "commit", "-qm", f"step {number}")
        commits.append(git(desk, "rev-parse", "HEAD"))
    (desk.folder / "other").write_text("x")
    git(desk, "add", "other")
    git(desk, "commit", "-qm", "not the model")
    items = desk.json("import", "models", "--git", ".", "--model", "churn")
    assert [item["from"] for item in items] == [f"models@{commit[:10]}" for commit in commits]
    shown = desk.json("show", "store:churn@v2")
    assert (shown["message"], shown["author"], shown["code"]["commit"]) == ("step 1", "Mira <m@x>", commits[1])
    desk.ok("get", "churn@v1", "back")
    assert (desk.folder / "back" / "m.safetensors").read_bytes() == FILES[0]
    assert (desk.folder / "back" / "sub" / "run.sh").stat().st_mode & 0o777 == 0o755
    assert len(desk.json("import", "models/m.safetensors", "--git", ".", "--rev", commits[0], "--model", "one")) == 1
    desk.ok("get", "one", "one")
    assert (desk.folder / "one" / "m.safetensors").read_bytes() == FILES[0]
    assert desk.run("import", "nothing", "--git", ".").code == 4
    assert desk.run("import", "models", "--git", ".", "--rev", "--all").code == 4
    assert desk.run("import", "models", "--git", "..").code == 2


def test_git_lfs_objects_are_imported_and_those_that_are_not_here_are_said(desk: Lab) -> None:
    git(desk, "init", "-q")
    for number, here in ((0, True), (1, False)):
        oid = hashlib.sha256(FILES[number]).hexdigest()
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(FILES[number])}\n"
        (desk.folder / "m.safetensors").write_text(pointer)
        git(desk, "add", ".")
        git(desk, "commit", "-qm", "pointer")
        if here:
            place = desk.folder / ".git/lfs/objects" / oid[:2] / oid[2:4] / oid
            place.parent.mkdir(parents=True)
            place.write_bytes(FILES[number])
    said = desk.run("import", "m.safetensors", "--git", ".")
    assert (said.code, "git lfs fetch" in said.err) == (6, True)
    desk.ok("get", "m", "back")
    assert (desk.folder / "back" / "m.safetensors").read_bytes() == FILES[0]
    place.chmod(0o644)
    place.write_bytes(FILES[0][:-1] + b"!")
    assert desk.run("import", "m.safetensors", "--git", ".", "--model", "damaged").code == 7


def test_savings_are_reckoned_from_a_sample_and_measured_exactly(desk: Lab) -> None:
    (desk.folder / "runs").mkdir()
    for number, data in enumerate(FILES):
        (desk.folder / "runs" / f"{number}.safetensors").write_bytes(data)
    (sample,) = desk.json("savings")
    (exact,) = desk.json("savings", "--exact")
    assert (sample["measured"], exact["measured"]) == (2, 3)
    assert exact["now"] == sum(map(len, FILES))
    assert exact["stored"] < exact["tensors"] < exact["now"]
    assert sample["stored"] == pytest.approx(exact["stored"], rel=0.1)
    assert not (desk.folder / ".lineal").exists()
    assert desk.run("savings", "nowhere").code == 4


def test_a_process_that_is_killed_while_it_commits_leaves_a_store_that_works(desk: Lab) -> None:
    ids = filled(desk)
    big = np.random.default_rng(1).standard_normal(20_000_000).astype("<f4").tobytes()
    (desk.folder / "big.bin").write_bytes(big)
    words = [sys.executable, "-m", "lineal", "commit", "big.bin", "--model", "big"]
    for wait in (0.25, 0.5, 0.9):
        child = subprocess.Popen(
            words,
            cwd=desk.folder,
            env={"HOME": str(desk.home), "PATH": "/usr/bin:/bin"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            child.wait(wait)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        desk.ok("verify", "--full")
        assert [item["id"] for item in desk.json("ls", "model:churn")] == ids[::-1]
    desk.ok("commit", "big.bin", "--model", "big")
    desk.ok("get", "big", "back")
    assert (desk.folder / "back" / "big.bin").read_bytes() == big
