"""What reaches stdout: nothing foreign acts on a terminal, a spreadsheet or Markdown, and nothing is cut."""

from __future__ import annotations

import csv
import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineal.cli import output
from lineal.cli.output import Format
from lineal.model.text import UNSAFE, visible, visible_lines

HOSTILE = [
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b[2J\x1b[31mred",
    "\x9b31m",
    "a\u202eb\u2066c",
    "nul\0byte",
    "[@click=app.quit]x[/]",
    "[/]bad",
    "=1+1",
    "@cmd",
    "a|b\nc",
    "<script>",
    "lone \ud800 surrogate",
    "\u200bzero",
    "e\U000e0041tag",
]


def _safe(text: str) -> bool:
    return all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text)


@given(st.text(st.characters()))
def test_no_character_that_acts_on_a_terminal_survives(text: str) -> None:
    assert _safe(visible(text))
    assert "\n" not in visible(text)


@given(st.text(max_size=200))
def test_making_text_safe_twice_changes_nothing_more(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(st.text(st.characters(blacklist_categories=["Cs"])))
def test_json_stays_the_same_value_while_no_character_acts(text: str) -> None:
    written = output.json_text({"x": text})
    assert json.loads(written) == {"x": text}
    assert _safe(written)


def test_half_a_surrogate_is_spelt_in_json_that_every_reader_takes(capsys: pytest.CaptureFixture[str]) -> None:
    output.document({"a\udcff": ["\ud800", 1, None]})
    assert json.loads(capsys.readouterr().out) == {"a\\udcff": ["\\ud800", 1, None]}


def test_lines_stay_lines_where_texts_have_several() -> None:
    assert visible_lines("a\tb\n\x1bc") == "a    b\n\\ec"


@pytest.mark.parametrize("form", [Format.TABLE, Format.CSV, Format.MD])
@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_is_inert_in_every_format(form: Format, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.table(form, ["name", "value"], [[text, 1.5]])
    written = capsys.readouterr().out
    assert _safe(written)
    assert len(written.splitlines()) == (3 if form is Format.MD else 2)


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_csv_cell_of_text_begins_a_formula(start: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.table(Format.CSV, ["a", "b"], [[f"{start}1", -2.5]])
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[1] == [f"'{start}1", "-2.5"]


def test_markdown_shows_marks_as_they_are() -> None:
    assert output.markdown("a|b *c* <d> [e](f) `g`") == r"a\|b \*c\* \<d\> \[e\]\(f\) \`g\`"


def test_a_table_aligns_wide_characters_and_cuts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(Format.TABLE, ["name", "n"], [["漢字", 1], ["x" * 300, 22]])
    head, first, second = capsys.readouterr().out.splitlines()
    assert second == "x" * 300 + "  22"
    assert first == "漢字" + " " * 296 + "   1"
    assert head.endswith(" N")


def test_one_very_long_text_is_not_paid_for_in_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    short: list[output.Cell] = ["y", 2]
    rows: list[list[output.Cell]] = [["x" * 100_000, 1], *[short] * 100]
    output.table(Format.TABLE, ["name", "n"], rows)
    written = capsys.readouterr().out
    assert "x" * 100_000 in written
    assert len(written) < 200_000


def test_numbers_that_json_lacks_become_their_names() -> None:
    assert output.json_text([float("nan"), float("inf"), -float("inf"), 0.1]) == '["NaN","Infinity","-Infinity",0.1]'


def test_documents_is_one_json_list(capsys: pytest.CaptureFixture[str]) -> None:
    output.documents(iter([{"a": 1}, {"a": 2}]))
    assert json.loads(capsys.readouterr().out) == [{"a": 1}, {"a": 2}]
    output.documents([])
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize(("at", "text"), [(0.0, "1970-01-01T00:00:00Z"), (None, ""), (1e20, "@100000000000000000000")])
def test_moments_are_utc_and_never_fail(at: float | None, text: str) -> None:
    assert output.moment(at) == text


def test_the_pattern_of_unsafe_characters_covers_every_format_and_control_character() -> None:
    missed = [c for c in map(chr, range(0x110000)) if not _safe(c) and not UNSAFE.match(c) and c != "\n"]
    assert missed == []
