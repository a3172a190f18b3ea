"""A printed reference reads back the same, whatever the names hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineal.errors import ConfigError
from lineal.model.reference import Selector, SelectorKind, canonical, parse

names = st.text(min_size=1, max_size=30)
registries = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,8}", fullmatch=True)


@given(registries, names, st.one_of(st.just(""), names))
def test_a_printed_version_name_reads_back_as_that_name(registry: str, model: str, name: str) -> None:
    again = parse(canonical(registry, model, name))
    assert (again.registry, again.model) == (registry, model)
    assert again.selector.value == name
    assert again.selector.kind in (SelectorKind.ANY, SelectorKind.VERSION, SelectorKind.LATEST)
    assert again.selector.back == 0


@given(
    registries,
    names,
    st.sampled_from([SelectorKind.VERSION, SelectorKind.ALIAS, SelectorKind.ID]),
    names,
    st.integers(0, 999_999),
)
def test_a_printed_selector_reads_back_the_same(
    registry: str, model: str, kind: SelectorKind, value: str, back: int
) -> None:
    selector = Selector(kind, value, back if kind is SelectorKind.ALIAS else 0)
    assert parse(canonical(registry, model, selector)).selector == selector


@pytest.mark.parametrize(
    ("text", "registry", "model", "selector"),
    [
        ("churn", "", "churn", Selector()),
        ("churn@latest", "", "churn", Selector()),
        ("prod:churn@v7", "prod", "churn", Selector(SelectorKind.ANY, "v7")),
        ("prod:org/name@alias:champion", "prod", "org/name", Selector(SelectorKind.ALIAS, "champion")),
        ("churn@prod~1", "", "churn", Selector(SelectorKind.ALIAS, "prod", 1)),
        ("churn@id:9f2c41", "", "churn", Selector(SelectorKind.ID, "9f2c41")),
        ("a%40b@v:x", "", "a@b", Selector(SelectorKind.VERSION, "x")),
        ("dvc:models/m.pkl#1@v1", "dvc", "models/m.pkl#1", Selector(SelectorKind.ANY, "v1")),
    ],
)
def test_references_read_as_documented(text: str, registry: str, model: str, selector: Selector) -> None:
    found = parse(text)
    assert (found.registry, found.model, found.selector) == (registry, model, selector)


@pytest.mark.parametrize("text", ["", "@v1", "prod:", "prod:@v1", "Bad Name:churn"])
def test_a_reference_without_a_model_or_with_a_bad_registry_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert caught.value.hint
