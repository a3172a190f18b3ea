"""Metrics go to the model whose stages they come from, and results are no data sets."""

from __future__ import annotations

from pathlib import Path

from lineal.config import RegistrySpec, Surroundings
from lineal.model.version import Version
from lineal.registries import connect
from lineal.registries.dvc.outs import Dep, Out
from lineal.registries.dvc.stages import Stages
from tests.sources.dvc import Repo, dvc_file, dvc_lock, dvc_yaml, out


def _stages(models: list[str], **stages: tuple[list[str], list[str]]) -> Stages:
    """Link stages given as name: (deps, outs)."""
    outs = [
        ("dvc.lock", Out(path=path, stage=name, deps=tuple(Dep(path=dep) for dep in deps)))
        for name, (deps, made) in stages.items()
        for path in made
    ]
    return Stages(outs, models)


def test_a_neighbours_metrics_are_strange_and_those_before_and_after_a_model_are_not() -> None:
    """What leads to a model or starts from it is its own."""
    stages = _stages(
        ["a.pt", "b.pt"],
        prepare=(["raw.csv"], ["clean.csv", "prepared.json"]),
        train_a=(["clean.csv"], ["a.pt", "a.json"]),
        train_b=(["clean.csv"], ["b.pt", "b.json"]),
        judge_a=(["a.pt"], ["judged_a.json"]),
        both=(["a.pt", "b.pt"], ["both.json"]),
    )
    own = {name for name in ("prepared", "a", "b", "judged_a", "both") if not stages.strange("a.pt", f"{name}.json")}
    assert own == {"prepared", "a", "judged_a", "both"}
    assert not stages.strange("b.pt", "b.json")
    assert stages.strange("b.pt", "judged_a.json")


def test_metrics_that_no_models_stage_made_are_everybodys() -> None:
    """A stage that declares no model among its dependencies, and a file that no stage made, stay with all."""
    stages = _stages(["a.pt", "b.pt"], train=(["x"], ["a.pt"]), loose=(["y"], ["loose.json"]))
    assert not stages.strange("a.pt", "loose.json")
    assert not stages.strange("b.pt", "by_hand.json")
    assert stages.strange("b.pt", "a.pt")


def test_folders_link_stages_in_both_directions() -> None:
    """A dependency within an out, and an out within a dependency, are links too."""
    stages = _stages(
        ["m/a.pt", "n"],
        train=(["x"], ["m/a.pt", "t.json"]),
        judge=(["m"], ["j.json"]),
        write=(["x"], ["n"]),
        check=(["n/part.bin"], ["c.json"]),
    )
    assert not stages.strange("m/a.pt", "j.json")
    assert stages.strange("m/a.pt", "c.json")
    assert not stages.strange("n", "c.json")


def test_stages_in_a_circle_come_to_an_end() -> None:
    """A lock file is foreign text: it may say anything."""
    stages = _stages(["a.pt"], one=(["b", "a.pt"], ["a.pt"]), two=(["a.pt"], ["b", "b.json"]))
    assert not stages.strange("a.pt", "b.json")


def test_each_model_of_a_foreach_has_its_own_metrics(tmp_path: Path) -> None:
    """Two models trained in one commit are told apart by the names that both their metrics have."""
    repo = Repo(tmp_path / "repo")
    stages = {
        f"train@{name}": {
            "cmd": f"python train.py {name}",
            "deps": [out("rows.csv", b"rows")],
            "outs": [out(f"models/{name}.pt", name.encode()), out(f"metrics/{name}.json", b"x")],
        }
        for name in "ab"
    }
    each = {
        "cmd": "python train.py ${item}",
        "outs": ["models/${item}.pt"],
        "metrics": [{"metrics/${item}.json": {"cache": False}}],
    }
    repo.commit(
        {
            "dvc.yaml": dvc_yaml(stages={"train": {"foreach": ["a", "b"], "do": each}}),
            "dvc.lock": dvc_lock(**stages),
            "metrics/a.json": '{"acc": 0.5}',
            "metrics/b.json": '{"acc": 0.7}',
        }
    )
    found = _versions(repo, tmp_path)
    said = {version.model: {metric.name: metric.value for metric in version.metrics} for version in found}
    assert said == {"models/a.pt": {"acc": 0.5}, "models/b.pt": {"acc": 0.7}}


def test_metrics_and_plots_are_no_data_sets(tmp_path: Path) -> None:
    """A model without dependencies is given the data of its commit, not the results beside it."""
    repo = Repo(tmp_path / "repo")
    judge = {"cmd": "judge", "metrics": ["m.json"], "plots": ["curve.csv"]}
    made = {"judge": {"cmd": "judge", "outs": [out("m.json", b"1"), out("curve.csv", b"2"), out("kept.csv", b"3")]}}
    repo.commit(
        {
            "dvc.yaml": dvc_yaml(stages={"judge": judge}),
            "dvc.lock": dvc_lock(**made),
            "model.pt.dvc": dvc_file(out("model.pt", b"model")),
        }
    )
    (version,) = _versions(repo, tmp_path)
    assert [dataset.name for dataset in version.datasets] == ["kept.csv"]


def _versions(repo: Repo, home: Path) -> list[Version]:
    registry = connect(RegistrySpec(name="r", kind="dvc", url=str(repo.path)), Surroundings(home, home, {}))
    return [record for record in registry.scan({}) if isinstance(record, Version)]
