"""Configuration: what the files may say, how they are put together, and how they are changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineal.config import MetricRule, RegistrySpec, Surroundings, find_root, load, place
from lineal.config_file import add_registry, ignore_place, remove_registry
from lineal.errors import ConfigError, NotFound
from lineal.model.values import Goal


def test_the_nearest_lineal_toml_makes_the_root_before_any_git_repository(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b" / "c"
    inner.mkdir(parents=True)
    (tmp_path / "a" / "b" / ".git").mkdir()
    assert find_root(inner) == tmp_path / "a" / "b"
    (tmp_path / "a" / "lineal.toml").touch()
    assert find_root(inner) == tmp_path / "a"


def test_without_either_the_working_folder_is_the_root(tmp_path: Path) -> None:
    assert find_root(tmp_path) == tmp_path


def test_the_project_wins_over_the_user_and_both_are_read(around: Surroundings) -> None:
    user = around.config_folder() / "config.toml"
    user.parent.mkdir(parents=True)
    user.write_text(
        '[registries.shared]\nkind="mlflow"\nurl="http://a"\n[registries.mine]\nkind="dvc"\nurl="~/models"\n'
        "[metrics]\nauc='max'\nloss='min'\n"
    )
    (around.cwd / "lineal.toml").write_text(
        '[registries.shared]\nkind="mlflow"\nurl="mlruns"\n[metrics]\nauc={goal="max",noise=0.01}\n'
    )
    config = load(around)
    assert {spec.name: (spec.url, spec.origin) for spec in config.registries} == {
        "shared": (str(around.cwd / "mlruns"), "project"),
        "mine": (str(around.home / "models"), "user"),
    }
    assert config.metrics == {"auc": MetricRule(Goal.MAX, 0.01), "loss": MetricRule(Goal.MIN)}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[indx]\nurl='x'", "did you mean `index`"),
        ("[discovery]\nignored=[]", "did you mean `ignore`"),
        ("[registries.Bad]\nurl='x'", "use a-z"),
        ("[metrics]\nauc='up'", "lineal doctor"),
        ("not toml", "README"),
    ],
)
def test_what_means_nothing_is_refused_with_a_hint(around: Surroundings, text: str, wanted: str) -> None:
    (around.cwd / "lineal.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(around)
    assert wanted in caught.value.hint


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("mlruns", "/w/mlruns"),
        ("../x", "/x"),
        ("~/x", "/h/x"),
        ("/abs", "/abs"),
        ("https://a/b", "https://a/b"),
        ("git@host:team/repo.git", "git@host:team/repo.git"),
        ("sqlite:///mlflow.db", "sqlite:////w/mlflow.db"),
        ("sqlite:////abs/mlflow.db", "sqlite:////abs/mlflow.db"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
    ],
)
def test_paths_become_absolute_and_urls_stay(text: str, wanted: str) -> None:
    assert place(text, Path("/w"), Path("/h")) == wanted


def test_adding_and_removing_a_registry_keeps_comments(around: Surroundings) -> None:
    file = around.cwd / "lineal.toml"
    file.write_text("# ours\n[metrics]\nauc = 'max'  # the one that counts\n")
    before = file.read_text()
    add_registry(file, RegistrySpec(name="old.runs", kind="mlflow", url=str(around.cwd / "old" / "mlruns")))
    assert 'url = "old/mlruns"' in file.read_text()
    (spec,) = load(around).registries
    assert (spec.name, spec.kind, spec.url) == ("old.runs", "mlflow", str(around.cwd / "old" / "mlruns"))
    remove_registry(file, "old.runs")
    assert load(around).registries == ()
    assert before.strip() in file.read_text()
    with pytest.raises(NotFound):
        remove_registry(file, "old.runs")


def test_a_file_that_is_no_configuration_is_never_overwritten(around: Surroundings) -> None:
    file = around.cwd / "lineal.toml"
    file.write_text("not toml")
    with pytest.raises(ConfigError):
        add_registry(file, RegistrySpec(name="a", kind="dvc", url="/x"))
    assert file.read_text() == "not toml"


def test_ignored_places_add_up(around: Surroundings) -> None:
    file = around.cwd / "lineal.toml"
    ignore_place(file, str(around.cwd / "runs"))
    ignore_place(file, "https://a")
    assert load(around).ignore == {str(around.cwd / "runs"), "https://a"}
