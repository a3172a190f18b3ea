"""What is found without configuration, and how it is put together with what is configured."""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path

import pytest

from lineal import discovery
from lineal.config import Surroundings, load
from lineal.errors import ConfigError, NotFound
from lineal.workspace import open_workspace


def weights(path: Path) -> None:
    """Write a safetensors file of one number."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\0\0\0\0")


def repository(path: Path) -> None:
    """Make a git repository with a DVC file."""
    path.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "init", "-q", str(path)], check=True)
    (path / "m.pt.dvc").write_text("outs:\n- md5: 0123456789abcdef0123456789abcdef\n  hash: md5\n  path: m.pt\n")
    (path / ".dvc").mkdir()
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", "-C", str(path), "add", "."], check=True)
    subprocess.run(["git", "-C", str(path), *who, "commit", "-qm", "first"], check=True)


def tracking(path: Path) -> None:
    """Make an MLflow file store with one experiment."""
    (path / "0").mkdir(parents=True)
    (path / "0" / "meta.yaml").write_text("experiment_id: '0'\nname: Default\nlifecycle_stage: active\n")


def found(around: Surroundings) -> dict[str, tuple[str, str]]:
    """Return kind and place of every registry by name."""
    return {spec.name: (spec.kind, spec.url) for spec in discovery.specs(load(around), around)}


def test_an_empty_folder_holds_nothing(around: Surroundings) -> None:
    assert found(around) == {}


def test_everything_in_and_around_the_folder_is_found(around: Surroundings) -> None:
    repository(around.cwd / "risk")
    tracking(around.cwd / "mlruns")
    weights(around.cwd / "runs" / "exp1" / "model.safetensors")
    weights(around.cwd / "runs" / "exp2" / "model.safetensors")
    kinds = dict(found(around).values())
    assert kinds["dvc"] == str(around.cwd / "risk")
    assert kinds["mlflow"] == str(around.cwd / "mlruns")
    assert kinds["checkpoints"] == str(around.cwd / "runs")


def test_the_hub_cache_and_the_tracking_server_are_found_in_the_surroundings(around: Surroundings) -> None:
    (around.home / ".cache" / "huggingface" / "hub" / "models--org--name" / "snapshots").mkdir(parents=True)
    elsewhere = Surroundings(around.cwd, around.home, {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1"}, around.clock)
    kinds = dict(found(elsewhere).values())
    assert kinds["huggingface"] == str(around.home / ".cache" / "huggingface" / "hub")
    assert kinds["mlflow"] == "http://127.0.0.1:1"


def test_configured_places_are_not_found_twice_and_ignored_ones_not_at_all(around: Surroundings) -> None:
    tracking(around.cwd / "mlruns")
    tracking(around.cwd / "old" / "mlruns")
    (around.cwd / "lineal.toml").write_text('[registries.prod]\nurl = "mlruns"\n[discovery]\nignore = ["old"]\n')
    assert found(around) == {"prod": ("mlflow", str(around.cwd / "mlruns"))}


def test_discovery_can_be_switched_off(around: Surroundings) -> None:
    tracking(around.cwd / "mlruns")
    (around.cwd / "lineal.toml").write_text("[discovery]\nenabled = false\n")
    assert found(around) == {}


def test_two_places_of_one_name_get_names_of_their_own(around: Surroundings) -> None:
    repository(around.cwd / "a" / ".." / "models")
    tracking(around.cwd / "mlruns")
    (around.cwd / "sub").mkdir()
    tracking(around.cwd / "sub" / "mlruns")
    names = found(around)
    assert len(names) == len({url for _, url in names.values()}) == 3


def test_a_configured_place_that_is_no_registry_is_refused_with_a_hint(around: Surroundings) -> None:
    (around.cwd / "lineal.toml").write_text('[registries.x]\nurl = "nothing"\n')
    with pytest.raises(ConfigError) as caught:
        found(around)
    assert "name its kind" in caught.value.hint


def test_a_workspace_reads_syncs_and_compares_through_the_python_api(around: Surroundings) -> None:
    from lineal.sync import sync

    repository(around.cwd / "risk")
    with open_workspace(around=around) as work:
        assert list(work.versions()) == []
        assert work.stale() == work.unseen() == ["risk"]
        sync(work.specs, around, work.index_url)
        assert work.stale() == work.unseen() == []
        (row,) = work.versions("model:m.pt")
        assert work.version("m.pt") == row
        assert work.whole(row).message == "first"
        with pytest.raises(ConfigError):
            work.diff([row])
        with pytest.raises(NotFound):
            work.registry("nope")
    with pytest.raises(NotFound):
        open_workspace("nowhere", around=around)


def test_a_local_registry_that_changed_is_stale(around: Surroundings) -> None:
    from lineal.sync import sync

    repository(around.cwd / "risk")
    with open_workspace(around=around) as work:
        sync(work.specs, around, work.index_url)
        subprocess.run(["git", "-C", str(around.cwd / "risk"), "branch", "more"], check=True)
        assert work.stale() == ["risk"]


def test_what_was_found_once_stays_under_its_name_from_wherever_one_looks(around: Surroundings) -> None:
    from lineal.sync import sync

    repository(around.cwd)
    deep = around.cwd / "a" / "b" / "c"
    tracking(deep / "mlruns")
    tracking(around.cwd / "mlruns")
    inside = Surroundings(deep, around.home, around.environ, around.clock)
    places = []
    for here in (inside, around, inside, around):
        with open_workspace(around=here) as work:
            sync(work.specs, here, work.index_url)
            places.append({row.name: row.url for row in work.index.registries()})
    assert places[0] == places[1] == places[2] == places[3]
    assert {str(deep / "mlruns"), str(around.cwd / "mlruns"), str(around.cwd)} == set(places[0].values())
    (deep / "mlruns" / "0" / "meta.yaml").unlink()
    (deep / "mlruns" / "0").rmdir()
    (deep / "mlruns").rmdir()
    with open_workspace(around=around) as work:
        assert str(deep / "mlruns") not in {spec.url for spec in work.specs}


def test_taken_as_it_is_nothing_counts_as_stale(around: Surroundings) -> None:
    """`lineal --no-sync` and the application opened with it read the index and nothing else."""
    repository(around.cwd / "risk")
    with open_workspace(around=around, as_is=True) as work:
        assert [spec.name for spec in work.specs] == ["risk"]
        assert work.stale() == work.unseen() == []
