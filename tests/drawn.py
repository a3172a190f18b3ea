"""Strategies: small worlds of versions that share few names and values, and queries and sorts that hit them."""

from __future__ import annotations

from math import inf, nan

import msgspec
from hypothesis import strategies as st

from lineal.index.fields import Field, Pattern
from lineal.index.query import All, Between, Compare, Either, Has, Not, Op, Query, Word
from lineal.model.listing import Sort
from lineal.model.records import Alias, AliasKind
from lineal.model.values import Metric, Param, Tag
from lineal.model.version import (
    Algorithm,
    Code,
    Dataset,
    Digest,
    Environment,
    File,
    Kind,
    Package,
    State,
    Version,
)

NOW = 1_790_000_000.0  # 2026-09-21 13:33:20 UTC
DAY = 86_400.0
REGISTRIES = ("hub", "prod")
MODELS = ("churn", "Grün/ẞ", "a_b")
KEYS = ("abc123", "abd", "Abc", "9")
METRICS = ("acc", "Acc", "loss")
PARAMS = ("lr", "opt", "LR", "é")
TAGS = ("stage", "ÉTÉ")
PACKAGES = ("torch", "numpy")
TEXTS = ("adam", "Adam W", "STRASSE", "Straße", "étÉ", "a%b_c!", "0.5", "1e1", "true", "[x]*", "", "ab", "a'\"\\b")
RELEASES = ("2.1", "2.1.0+cu118", "2.10", "2.2rc1", "unknown", "==2.1", "")
COMMITS = ("abc1234", "abd9999", "ABC1")
FILES = ("model.bin", "sub/model.bin", "É.pt", "sub/É.pt", "data/", "50%_x")
NUMBERS = (0.5, 0.9, 10.0, -1.0, inf, -inf)


class World(msgspec.Struct, frozen=True):
    """What the registries hold: each version once."""

    versions: tuple[Version, ...]
    aliases: tuple[Alias, ...]


def _some(values: tuple[str, ...], most: int = 2) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), max_size=most)


_values = st.one_of(
    st.sampled_from(TEXTS),
    st.sampled_from((*NUMBERS, nan)),
    st.sampled_from([1, 10, True, None, ["adam", 1], {"a": nan}]),
)
_environments = st.builds(
    Environment,
    python=st.sampled_from(["", "3.11", "3.9.1"]),
    packages=st.lists(st.builds(Package, st.sampled_from(PACKAGES), st.sampled_from(RELEASES)), max_size=2).map(tuple),
    gpus=_some(("A100", "T4", "a100")).map(tuple),
)
_datasets = st.builds(
    Dataset, name=st.sampled_from(["ImageNet", "strasse", ""]), digest=st.sampled_from(["", "abc", "d1"])
)
_files = st.builds(
    File,
    path=st.sampled_from(FILES),
    digest=st.one_of(st.none(), st.builds(Digest, st.just(Algorithm.MD5), st.just("aa"))),
)
_metrics = st.builds(
    Metric,
    st.sampled_from(METRICS),
    st.sampled_from((*NUMBERS, nan)),
    dataset=st.sampled_from(["", "", "val"]),
)
_versions = st.builds(
    Version,
    registry=st.sampled_from(REGISTRIES),
    model=st.sampled_from(MODELS),
    key=st.sampled_from(KEYS),
    name=st.sampled_from(["v1", "v2", "Straße", ""]),
    kind=st.sampled_from(list(Kind)[:3]),
    number=st.sampled_from([None, 1, 2, 10]),
    created_at=st.one_of(st.none(), st.sampled_from([0.0, 1, 6.5, 7, 8, 30, 400]).map(lambda days: NOW - days * DAY)),
    author=st.sampled_from(["", "Ada", "ada", "Émile Zola"]),
    message=st.sampled_from(["", "learning rate", "Straße_neu lr-0.5", "Learn"]),
    state=st.sampled_from([State.READY, State.READY, State.RUNNING, State.PARTIAL]),
    params=st.lists(st.builds(Param, st.sampled_from(PARAMS), _values), max_size=4).map(tuple),
    metrics=st.lists(_metrics, max_size=4).map(tuple),
    tags=st.lists(st.builds(Tag, st.sampled_from(TAGS), st.sampled_from(TEXTS)), max_size=3).map(tuple),
    environment=st.one_of(st.none(), _environments),
    datasets=st.lists(_datasets, max_size=2).map(tuple),
    code=st.one_of(st.none(), st.builds(Code, commit=st.sampled_from((*COMMITS, "")))),
    files=st.lists(_files, max_size=2, unique_by=lambda file: file.path).map(tuple),
)
_aliases = st.builds(
    Alias,
    registry=st.sampled_from(REGISTRIES),
    model=st.sampled_from(MODELS),
    name=st.sampled_from(["prod", "Prod", "été"]),
    key=st.sampled_from(KEYS),
    kind=st.sampled_from([AliasKind.ALIAS, AliasKind.STAGE]),
)
worlds = st.builds(
    World,
    st.lists(_versions, max_size=14, unique_by=lambda v: (v.registry, v.model, v.key)).map(tuple),
    st.lists(_aliases, max_size=4, unique_by=lambda a: (a.registry, a.model, a.name, a.kind)).map(tuple),
)

# --- queries ---

_DATES = ("2026", "2026-09", "2026-09-21", "2026-09-14T13:33", "today", "yesterday", "2025-08-17")
_AGES = ("1d", "7d", "1w", "30d", "400d", "1y", "6d12h")


def _patterns(*values: str, wild: bool = True) -> st.SearchStrategy[Pattern]:
    """A value as it stands, quoted, in another case, cut, or with wildcards."""
    plain = st.sampled_from([value for value in values if value])
    changed = [st.just(str.upper), st.just(str.swapcase), st.just(lambda text: text)]
    if wild:
        changed.append(st.just(lambda text: text[:2] + "*"))
        changed.append(st.just(lambda text: "?" + text[1:]))
        changed.append(st.just(lambda text: "*" + text[-2:] + "*"))
    bare = st.builds(lambda text, change: change(text), plain, st.one_of(changed)).filter(_stands_bare)
    return st.one_of(st.builds(Pattern, bare), st.builds(Pattern, st.sampled_from(values), literal=st.just(True)))


def _stands_bare(text: str) -> bool:
    return bool(text) and not set(text) & set(" ()|\":=!<>'") and ".." not in text


def _keys(*names: str) -> st.SearchStrategy[Pattern]:
    return _patterns(*names)


_equal = st.sampled_from([Op.EQUAL, Op.NOT_EQUAL])
_any_op = st.sampled_from(list(Op))
_number_texts = st.sampled_from(["0.5", ".9", "10", "-1", "inf", "-inf", "1e1", "0.7"])


def _texts(field: Field, *values: str) -> st.SearchStrategy[Query]:
    return st.builds(Compare, st.just(field), _equal, _patterns(*values))


def _numbers(field: Field, *names: str) -> st.SearchStrategy[Query]:
    value = st.builds(Pattern, _number_texts)
    return st.builds(Compare, st.just(field), _any_op, value, _keys(*names))


_ends = st.one_of(
    st.tuples(_number_texts, st.one_of(_number_texts, st.just(""))), st.tuples(st.just(""), _number_texts)
)
_versions_of = st.sampled_from(["2.1", "2.2", "2.1.0", "2.10", "2.2rc1"])
_plain_words = ("adam", "stra", "straße", "étÉ", "lear", "rate", "prod", "v1", "grün", "ada", "b_c", "imagenet", "w")
_leaves: st.SearchStrategy[Query] = st.one_of(
    st.builds(Word, st.sampled_from(_plain_words)),
    st.builds(Word, st.sampled_from(("adam w", "learning rate", "lear", "Émile", "été")), whole=st.just(True)),
    st.builds(Has, st.sampled_from([field for field in Field if field is not Field.TAG])),
    st.builds(Has, st.just(Field.TAG), _keys(*TAGS)),
    st.builds(Has, st.just(Field.METRIC), _keys(*METRICS)),
    st.builds(Has, st.just(Field.PARAM), _keys(*PARAMS)),
    st.builds(Has, st.just(Field.ENV), _keys(*PACKAGES, "python", "gpu")),
    _texts(Field.REGISTRY, *REGISTRIES),
    _texts(Field.MODEL, *MODELS),
    _texts(Field.NAME, "v1", "v2", "Straße"),
    _texts(Field.ALIAS, "prod", "été"),
    _texts(Field.AUTHOR, "ada", "Émile Zola"),
    _texts(Field.DATA, "ImageNet", "strasse", "abc"),
    _texts(Field.CODE, *COMMITS, "abc", "ab"),
    _texts(Field.FILE, *FILES),
    st.builds(Compare, st.just(Field.KIND), _equal, st.sampled_from(list(Kind)[:4]).map(lambda k: Pattern(k.value))),
    st.builds(Compare, st.just(Field.STATE), _equal, st.sampled_from(list(State)).map(lambda k: Pattern(k.value))),
    st.builds(Compare, st.just(Field.MESSAGE), _equal, _patterns("learn", "rate", "straße", "neu", wild=False)),
    st.builds(Compare, st.just(Field.ID), _equal, st.sampled_from(["ab", "abc", "Abc*", "9"]).map(Pattern)),
    st.builds(Compare, st.just(Field.NUMBER), _any_op, st.sampled_from(["1", "2", "1e1", "1.5"]).map(Pattern)),
    st.builds(Compare, st.just(Field.CREATED), _any_op, st.sampled_from(_DATES).map(Pattern)),
    st.builds(
        Compare,
        st.just(Field.CREATED),
        st.sampled_from([Op.BELOW, Op.AT_MOST, Op.ABOVE, Op.AT_LEAST]),
        st.sampled_from(_AGES).map(Pattern),
    ),
    st.builds(Between, st.just(Field.CREATED), st.sampled_from(_DATES + _AGES), st.sampled_from((*_DATES, *_AGES, ""))),
    _ends.map(lambda ends: Between(Field.NUMBER, ends[0], ends[1])),
    st.builds(lambda ends, key: Between(Field.METRIC, ends[0], ends[1], key), _ends, _keys(*METRICS)),
    st.builds(lambda ends, key: Between(Field.PARAM, ends[0], ends[1], key), _ends, _keys(*PARAMS)),
    st.builds(Between, st.just(Field.ENV), _versions_of, st.one_of(_versions_of, st.just("")), _keys(*PACKAGES)),
    st.builds(Compare, st.just(Field.TAG), _equal, _patterns(*TEXTS), _keys(*TAGS)),
    _numbers(Field.METRIC, *METRICS),
    _numbers(Field.PARAM, *PARAMS),
    st.builds(Compare, st.just(Field.PARAM), _equal, _patterns(*TEXTS), _keys(*PARAMS)),
    st.builds(Compare, st.just(Field.ENV), _any_op, st.builds(Pattern, _versions_of), _keys(*PACKAGES)),
    st.builds(
        Compare,
        st.just(Field.ENV),
        _equal,
        _patterns("a100", "3.11", "2.1", "unknown"),
        _keys("gpu", "torch", "python"),
    ),
)


def _joined(inner: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, inner), st.builds(All, several), st.builds(Either, several))


queries: st.SearchStrategy[Query] = st.recursive(_leaves, _joined, max_leaves=5)
_names = (
    *("created", "number", "id", "kind", "state", "model", "registry", "version", "author", "code"),
    *(f"metric.{name}" for name in (*METRICS, "none")),
    *(f"param.{name}" for name in PARAMS),
    *(f"tag.{name}" for name in TAGS),
    *(f"env.{name}" for name in (*PACKAGES, "gpu", "none")),
)
sorts = st.builds(Sort, st.sampled_from(_names), st.booleans())
