"""MLflow's texts become values, and nothing in them gives a secret away."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineal.registries.mlflow import environments, values
from lineal.registries.mlflow.rows import DatasetInput, DatasetRow, KeyValue, MetricRow, Odd, RunData, RunInfo, RunRow


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1", 1),
        ("-7", -7),
        ("0.1", 0.1),
        ("1e-05", 1e-05),
        ("1E5", 1e5),
        (".5", 0.5),
        ("True", True),
        ("False", False),
        ("true", "true"),
        ("None", "None"),
        ("007", "007"),
        ("1_000", "1_000"),
        ("nan", "nan"),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        ("", ""),
        (" 1", " 1"),
        ("1 ", "1 "),
        ("9" * 5000, "9" * 5000),
        ("[1, 2]", "[1, 2]"),
        ("٣", "٣"),
    ],
)
def test_a_parameter_is_what_it_was_before_it_became_text(text: str, wanted: object) -> None:
    """Only what is surely a number or truth value changes."""
    found = values.value(text)
    assert found == wanted
    assert type(found) is type(wanted)


@given(st.one_of(st.integers(-(2**63), 2**63), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)))
def test_whatever_python_writes_comes_back(original: float) -> None:
    """MLflow keeps `str(value)`; reading is its inverse."""
    found = values.value(str(original))
    assert found == original
    assert type(found) is type(original)


def test_metrics_keep_what_json_cannot_say() -> None:
    """NaN is text over REST; infinity is the largest float in a database."""
    rows = [MetricRow("a", Odd.NAN), MetricRow("b", 1.7976931348623157e308), MetricRow("c", -1.7976931348623157e308)]
    nan, high, low = values.metrics(rows)
    assert math.isnan(nan.value)
    assert (high.value, low.value) == (math.inf, -math.inf)


def test_tags_hide_secrets_and_users() -> None:
    """An earlier layer wins; MLflow's own tags of runs are told elsewhere."""
    own = [KeyValue("api_key", "abc"), KeyValue("team", "risk"), KeyValue("mlflow.x", "kept")]
    run = [KeyValue("team", "other"), KeyValue("mlflow.user", "ada"), KeyValue("repo", "git+https://u:p@host/r")]
    run += [KeyValue("hub.token", "abc"), KeyValue("max_tokens", "512")]
    found = {tag.key: tag.value for tag in values.tags(own, run)}
    assert found == {
        "api_key": "(hidden)",
        "team": "risk",
        "mlflow.x": "kept",
        "repo": "git+https://host/r",
        "hub.token": "(hidden)",
        "max_tokens": "512",
    }


@pytest.mark.parametrize(
    ("kind", "source", "profile", "where", "rows"),
    [
        ("local", '{"uri": "/data/x.csv"}', '{"num_rows": 10, "num_elements": 30}', "/data/x.csv", 10),
        ("http", '{"url": "https://u:p@h/x"}', "", "https://h/x", None),
        ("code", '{"tags": {"mlflow.source.name": "train.py"}}', '{"features_shape": [4, 3]}', "train.py", 4),
        ("odd", "not json", '{"num_rows": true}', "odd", None),
        ("odd", "{broken", "{broken", "odd", None),
    ],
)
def test_data_sets_say_where_they_came_from(kind: str, source: str, profile: str, where: str, rows: int | None) -> None:
    """As each kind of source writes it, and with its rows."""
    row = DatasetRow(name="d", digest="1", source_type=kind, source=source, profile=profile)
    (found,) = values.datasets([DatasetInput(dataset=row, tags=[KeyValue("mlflow.data.context", "training")])])
    assert (found.source, found.rows, found.role) == (where, rows, "training")


@pytest.mark.parametrize("text", ["", "[", "{}", "[1]", '[{"artifact_path": 3}]', "[" * 100_000, '[{"flavors": []}]'])
def test_a_broken_history_of_models_says_nothing(text: str) -> None:
    """It is a tag, which is cut at some length and may hold anything."""
    run = RunRow(info=RunInfo(run_id="r"), data=RunData(tags=[KeyValue(values.HISTORY, text)]))
    assert values.logged_paths(run) == ()


def test_environment_files_are_read_as_far_as_they_can_be() -> None:
    """One that is broken is a trouble; the others still count."""
    files = {
        "conda.yaml": b"dependencies: [python=3.10, {pip: [torch==2.1.0+cu121]}]",
        "requirements.txt": b"numpy==1.26.4\n",
        "python_env.yaml": b"python: [",
        "MLmodel": b"flavors: {sklearn: {}, python_function: {python_version: 3.10.2}}",
    }
    found = environments.read(files, "here")
    assert found.environment is not None
    assert {package.name for package in found.environment.packages} >= {"numpy", "torch"}
    assert found.environment.python == "3.10"
    assert found.environment.cuda == "12.1"
    assert found.flavors == ("python_function", "sklearn")
    assert [trouble.where for trouble in found.troubles] == ["here"]
    assert found.troubles[0].message.startswith("python_env.yaml: ")
