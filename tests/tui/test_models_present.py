"""Models without a terminal: cards, tabs, columns, the tree's ages, completion and names, as lines and words."""

from __future__ import annotations

import re

import msgspec
import pytest

from lineal.errors import NotFound
from lineal.model.listing import ModelRow, RegistryRow, Sort, VersionRow
from lineal.model.plan import Entry, Holding, Subject
from lineal.model.records import Confidence, EdgeKind, NodeKind
from lineal.model.version import Tensor
from lineal_tui import messages as m
from lineal_tui import tabbing, tabs
from lineal_tui.acts import RecordReady, RecordRequest
from lineal_tui.completion import complete
from lineal_tui.looks import KEPT, Look, Looks, remembered
from lineal_tui.naming import find
from lineal_tui.places import Scope, identity
from lineal_tui.present import card, leaves, tree, versions
from lineal_tui.present.ink import Line, Span, Tone, width
from lineal_tui.present.tabs import ORDER, Tab, tab_at, tab_of, tab_row, turned
from lineal_tui.present.versions import Column, Layout, Source
from tests.tui.fake import DAY, NOW, FakeIndex, FakeSource, chain, version

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def said(lines: list[Line]) -> str:
    """Return lines as one text."""
    return "\n".join("".join(span.text for span in line).rstrip() for line in lines)


# --- cards --------------------------------------------------------------------------------------------------------


def test_a_card_is_drawn_and_not_shown_as_it_was_written() -> None:
    lines = card.lines("# Fraud\n\n**Not** for `credit`.\n\n- a\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |", 60)
    shown = said(lines)
    assert lines[0][0] == Span("Fraud", Tone.STRONG)
    assert "Not for credit." in shown
    assert " • a" in shown
    assert "#" not in shown
    assert "**" not in shown
    assert "|" not in shown
    assert Span("Not", Tone.STRONG) in [span for line in lines for span in line]
    assert all(width(line) <= 60 for line in lines)


@pytest.mark.parametrize(
    "hostile",
    [
        "&#27;[2Jx &#x202e;evil &#0; &#155;2J",
        "[a](javascript:alert(1)) ![b](http://x/\x1b]52;c;aGk=\x07)",
        "```\n\x1b[31mred\n```",
        "[bold red]x[/] [/] [@click=app.bell]press[/]",
        "a\u202eb\u2066c\udc80",
        "> " * 500 + "deep",
        "|" + "a|" * 5000 + "\n|" + "-|" * 5000,
    ],
)
def test_a_hostile_card_is_text_only(hostile: str) -> None:
    shown = card.lines(hostile, 60)
    assert shown
    assert not any(_UNSAFE.search(span.text) for line in shown for span in line)
    if "click" in hostile:
        assert "[@click=app.bell]press[/]" in said(shown)


def test_a_card_of_a_megabyte_is_bounded_and_says_so() -> None:
    shown = card.lines("word " * 200_000, 60)
    assert len(shown) < 2_000
    assert "960 000 more characters" in said(shown)


def test_a_version_without_a_card_says_where_one_would_be_read_from() -> None:
    assert "README.md beside the files" in said(card.nowhere("checkpoints", 80))
    assert "keep none" in said(card.nowhere("dvc", 80))


# --- tabs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cells", [20, 40, 52, 61, 100, 200])
@pytest.mark.parametrize("tab", ORDER)
def test_the_row_of_tabs_fits_and_marks_the_open_one_without_colour(tab: Tab, cells: int) -> None:
    line = tab_row(tab, cells)
    assert width(line) <= max(cells, len(tab) + 10)
    assert "".join(span.text for span in line).count(f"▸{tab}") == 1
    if cells >= 100:
        assert all(one.value in "".join(span.text for span in line) for one in ORDER)


def test_tabs_turn_round_and_an_unknown_one_is_the_first() -> None:
    assert turned(ORDER[-1], 1) is ORDER[0]
    assert turned(ORDER[0], -1) is ORDER[-1]
    assert tab_of("tensors") is Tab.TENSORS
    assert tab_of("no such tab") is Tab.OVERVIEW


def test_a_click_finds_the_tab_under_it() -> None:
    row = "".join(span.text for span in tab_row(Tab.OVERVIEW, 120))
    assert tab_at(Tab.OVERVIEW, 120, row.index("tensors")) is Tab.TENSORS
    assert tab_at(Tab.OVERVIEW, 120, 0) is None
    assert tab_at(Tab.OVERVIEW, 120, 119) is None


def row_of(index: FakeIndex, name: str) -> VersionRow:
    """Return a version of the fraud-scorer."""
    number = next(i for i, v in enumerate(index.held) if (v.model, v.name) == ("fraud-scorer", name))
    return index.row(number)


def test_each_tab_shows_its_side_and_what_differs_from_the_live_version() -> None:
    index = FakeIndex()
    row, live = row_of(index, "v18"), row_of(index, "v17")
    whole = index.version(row.id)
    assert "lr              0.0003  ≠ 0.001 on prod" in said(leaves.params(whole, row, live, 80))
    assert "rich   15.0.0" in said(leaves.environment(whole))
    assert "3 packages" in said(leaves.environment(whole))
    data = said(leaves.data(whole))
    assert "transactions  training" in data
    assert "rows       1 200 018" in data
    assert "commit     a41c9e2" in data
    assert "run        fraud / run-18" in data
    assert "1 file  3.8 MiB" in said(leaves.files(whole))
    bare = version("prod", "m", 1, params=(), metrics=(), environment=None, datasets=(), code=None, run=None, files=())
    for lines in (
        leaves.params(bare, row, None, 80),
        leaves.metrics(bare, row, None, {}, {}, 80),
        leaves.environment(bare),
        leaves.data(bare),
        leaves.files(bare),
        leaves.tensors([], 80),
        leaves.kin([], [], row),
    ):
        assert len(lines) == 1
        assert lines[0][0].tone is Tone.DIM


def test_tensors_are_counted_and_absurd_shapes_are_not_written_out() -> None:
    found = [Tensor("head.weight", "F32", (2, 768), "a"), Tensor("x", "I8", (10**5000, 10**5000), "b")]
    shown = said(leaves.tensors(found, 60))
    assert "2 tensors" in shown
    assert "2×768" in shown
    assert len(shown) < 500
    many = [Tensor(f"t{i}", "F32", (1,), "a") for i in range(leaves.MOST + 7)]
    assert "… 7 more" in said(leaves.tensors(many, 60))


def test_the_lineage_tab_says_kind_and_confidence() -> None:
    source = FakeSource()
    chain(source.index)
    row = row_of(source.index, "v19")
    answer = tabbing.answer(tabs.KinRequest(row), source.index, source, lambda row: row)
    assert isinstance(answer, tabs.KinReady)
    shown = said(leaves.kin(answer.parents, answer.children, row))
    assert "finetuned     v18  inferred?" in shown
    assert "trained on    transactions tx-6  dataset  declared" in shown
    assert "copied        churn v1  risk-models  proved" in shown
    assert {one.node.kind for one in answer.parents} == {NodeKind.VERSION, NodeKind.DATASET}
    assert answer.children[0].kind is EdgeKind.COPIED
    assert answer.children[0].confidence is Confidence.PROVED


def test_the_history_tab_holds_what_is_about_this_version_only() -> None:
    row = row_of(FakeIndex(), "v17")
    mine = Subject(registry=row.registry, model=row.model, key=row.key, name=row.name)
    other = Subject(registry=row.registry, model=row.model, key="else", name="v3")
    held = Holding(registry="prod", model=row.model, alias="prod", subject=mine, since=NOW - DAY, by="mira")
    entry = Entry(number=1, event="e", kind="note", at=NOW, by="ola", registry="prod", model=row.model, after="v17")
    record = RecordReady(
        RecordRequest("prod", row.model),
        (held, Holding(registry="prod", model=row.model, alias="staging", subject=other, since=NOW - 2 * DAY)),
        (
            entry,
            Entry(number=2, event="f", kind="note", at=NOW, by="sven", registry="prod", model="another", after="v17"),
        ),
        {},
    )
    shown = said(leaves.past(record, row))
    assert "prod" in shown
    assert "ola" in shown
    assert "staging" not in shown
    assert "sven" not in shown


# --- columns ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", ["metric.auc", "param.a.b", "tag.owner", "env.torch", "age", "registry"])
def test_a_column_is_found_again_by_its_id(id: str) -> None:  # noqa: A002
    column = Column.of(id)
    assert column is not None
    assert column.id == id


@pytest.mark.parametrize("id", ["", "metric", "metric.", "nothing", "age.x", "nothing.x"])
def test_what_is_no_column_is_none(id: str) -> None:  # noqa: A002
    assert Column.of(id) is None


def test_looks_can_be_written_down_and_read_again() -> None:
    looks: Looks = {"prod": {"fraud": Look(("tag.owner", "env.torch"), Sort("metric.auc", True)), "": Look()}}
    assert msgspec.json.decode(msgspec.json.encode(looks), type=Looks) == looks


def test_tags_and_environments_are_columns_and_what_is_not_read_is_said() -> None:
    index = FakeIndex()
    rows = [row_of(index, name) for name in ("v19", "v18")]
    chosen = [Column(Source.ENV, "torch"), Column(Source.TAG, "owner")]
    unread = Layout.of(rows, chosen, 100, NOW, {}, {})
    assert "…" in said([unread.line(rows[0])])
    recorded = {identity(rows[0]): {"torch": "2.13.0"}, identity(rows[1]): {}}
    read = Layout.of(rows, chosen, 100, NOW, {}, recorded)
    assert "torch" in said([read.head()])
    assert re.search(r"2\.13\.0\s+mira", said([read.line(rows[0])]))
    assert "…" not in said([read.line(rows[1])])
    assert unread.names() == ("torch",)


def test_what_is_sorted_by_is_seen_however_narrow_the_table() -> None:
    rows = [row_of(FakeIndex(), "v19")]
    columns = versions.led([Column(Source.METRIC, "auc")], Sort("tag.owner", False))
    assert columns[0] == Column(Source.TAG, "owner")
    assert "owner" in said([Layout.of(rows, columns, 30, NOW, {}, {}).head()])


def test_environments_are_read_for_rows_and_one_that_is_gone_has_none() -> None:
    index = FakeIndex()
    row = row_of(index, "v19")
    request = tabs.RecordedRequest((row,), ("torch", "python", "gpu", "nothing"))
    answer = tabbing.answer(request, index, FakeSource(index), lambda row: row)
    assert isinstance(answer, tabs.RecordedReady)
    assert answer.held == {identity(row): {"torch": "2.13.0+cu132", "python": "3.11.9", "gpu": "H100"}}

    def gone(row: VersionRow) -> VersionRow:
        raise NotFound("gone")

    answer = tabbing.answer(request, index, FakeSource(index), gone)
    assert isinstance(answer, tabs.RecordedReady)
    assert answer.held == {identity(row): {}}


# --- the tree -----------------------------------------------------------------------------------------------------


def test_the_tree_says_how_old_what_is_broken_and_what_is_being_read() -> None:
    registries = [
        RegistryRow(name="a", kind="dvc", url="", origin="", synced_at=NOW - 7200),
        RegistryRow(name="b", kind="dvc", url="", origin="", error="away"),
        RegistryRow(name="c", kind="dvc", url="", origin="", synced_at=NOW - 60),
    ]
    models = [ModelRow(registry="a", model="scorer", versions=41, newest_at=NOW - 6 * DAY)]
    models.append(ModelRow(registry="a", model="a-name-too-long-for-its-age", versions=1, newest_at=NOW - DAY))
    branches = tree.branches(registries, models, {"a"}, {}, NOW, {"c"})
    shown = [said([tree.line(branch, 25)]) for branch in branches]
    assert [line.split() for line in shown[:3]] == [
        ["everything", "42"],
        ["▾", "a", "2h", "42"],
        ["scorer", "6d", "41"],
    ]
    assert "1d" not in shown[3]  # the name takes the room of the age
    assert shown[4].split() == ["b", "never", "✘", "0"]
    assert shown[5].split() == ["c", "1m", "◔", "0"]
    assert all(len(line) <= 25 for line in shown)
    assert (
        len({line.rindex(line.split()[-1]) + len(line.split()[-1]) for line in shown}) == 1
    )  # counts stand in a column


# --- words --------------------------------------------------------------------------------------------------------


class Words(FakeIndex):
    """An index with a few more names."""

    def keys(self, kind: str, prefix: str = "", limit: int = 50) -> list[str]:
        more = {"alias": ["prod", "staging"], "registry": ["prod", "hf"], "env": ["python", "torch"], "tag": ["owner"]}
        return [n for n in more.get(kind, super().keys(kind, "")) if n.startswith(prefix)][:limit]

    def values(self, field: str, prefix: str = "", limit: int = 50) -> list[str]:
        more = {"alias": ["prod", "staging"], "kind": ["run"], "tag.owner": ["mira"], "model": ["my model"]}
        return [n for n in more.get(field, super().values(field, "")) if n.startswith(prefix)][:limit]


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("alias:st", "alias:staging"),
        ("auc | -alias:p", "auc | -alias:prod"),
        ("sta", "state:"),
        ("stag", "alias:staging"),
        ("mir", "author:mira"),
        ("lat", "metric.latency_ms"),
        ("metric.auc", "metric.auc>="),
        ("env.torch", "env.torch:"),
        ("env.to", "env.torch"),
        ("kind:", "kind:run"),
        ("created:<7", "created:<7d"),
        ("has:met", "has:metric."),
        ("has:metric.la", "has:metric.latency_ms"),
        ("tag:ow", "tag:owner"),
        ("tag:owner=", "tag:owner=mira"),
        ('model:"my m', 'model:"my model"'),
        ("model!=my", 'model!="my model"'),
        ("(author:m", "(author:mira"),
    ],
)
def test_a_filter_is_completed(text: str, becomes: str) -> None:
    head, words = complete(Words(), text, len(text))
    assert becomes in [head + word for word in words]


@pytest.mark.parametrize("text", ["", '"', 'model:"', "metric.", ":::", "-", "((", "\x1b", "a" * 100_000])
def test_odd_beginnings_complete_to_something_that_keeps_what_was_typed(text: str) -> None:
    head, words = complete(Words(), text, len(text))
    assert text.startswith(head)
    assert all(isinstance(word, str) for word in words)


def test_filters_are_remembered_once_the_newest_last() -> None:
    used: list[str] = []
    for text in ("a", "b", " a ", "", "  "):
        used = remembered(used, text)
    assert used == ["b", "a"]
    for n in range(100):
        used = remembered(used, str(n))
    assert len(used) == KEPT
    assert used[-1] == "99"


def test_names_are_found_here_first_exact_ones_before_longer_ones() -> None:
    index = FakeIndex()
    here = find(index, m.FindRequest("v1", Scope("prod", "merchant-embed")))
    assert [(row.model, row.name) for row in here.rows[:1]] == [("merchant-embed", "v1")]
    exact = [row.name for row in here.rows if row.model == "fraud-scorer"]
    assert exact[0] == "v1"
    assert "v19" in exact
    assert find(index, m.FindRequest("  ")).rows == []
    assert [row.model for row in find(index, m.FindRequest("embed")).models] == ["merchant-embed"]
    digits = find(index, m.FindRequest("18"))
    assert [row.name for row in digits.rows] == ["v18"]
    assert find(index, m.FindRequest('"( |')).rows == []
    find(index, m.FindRequest("scorer v4"))
    assert index.asked[-1] == "version:v4* model:*scorer* | alias:v4* model:*scorer*"


def test_a_range_is_read_over_pages() -> None:
    index = FakeIndex(held=[version("prod", "m", n, created_at=float(n)) for n in range(400)])
    answer = tabbing.answer(tabs.RangeRequest(index.rows(), 100, 300), index, FakeSource(index), lambda row: row)
    assert isinstance(answer, tabs.RangeReady)
    assert [row.name for row in answer.found] == [f"v{399 - n}" for n in range(100, 301)]
