"""The difference of two texts, its bounds, and many columns of parameters compared at once."""

from __future__ import annotations

import pytest

from lineal.diff import compare
from lineal.diff.texts import MOST, between, difference
from lineal.errors import Unsupported
from lineal.model.diff import Facet, Verdict
from lineal.model.values import Param, Value
from lineal.model.version import File, Kind, Version


def made(name: str, params: dict[str, Value] | None = None, **fields: object) -> Version:
    given = tuple(Param(key, value) for key, value in (params or {}).items())
    return Version(registry="r", model="m", key=name, name=name, kind=Kind.RUN, params=given, **fields)  # type: ignore[arg-type]


def test_a_changed_line_stands_with_its_neighbours() -> None:
    found = difference(b"a\nlr: 1\nb\n", b"a\nlr: 2\nb\n", "conf.yaml")
    assert found.text.splitlines() == [
        "--- a/conf.yaml", "+++ b/conf.yaml", "@@ -1,3 +1,3 @@", " a", "-lr: 1", "+lr: 2", " b",
    ]  # fmt: skip
    assert found.note == ""
    assert difference(b"a\n", b"a\n", "x").text == ""


@pytest.mark.parametrize("side", [b"a\0b", b"\xff\xfe"])
def test_what_is_no_text_is_refused(side: bytes) -> None:
    with pytest.raises(Unsupported, match=r"model\.bin is no text"):
        difference(b"a", side, "model.bin")


def test_a_long_text_is_cut_and_that_is_said() -> None:
    found = difference(b"a\n", ("é\n" * MOST).encode(), "log.txt")
    assert "only the first 512 KiB" in found.note


def test_texts_that_difflib_would_take_too_long_for_are_replaced_as_a_whole() -> None:
    old = "\n".join(["head", *(f"old {i}" for i in range(9_000)), "tail"]).encode()
    new = "\n".join(["head", *(f"new {i}" for i in range(9_000)), "tail"]).encode()
    lines = difference(old, new, "x").text.splitlines()
    assert lines[2:5] == ["@@ -1,9002 +1,9002 @@", " head", "-old 0"]
    assert (sum(line[0] == "-" for line in lines[3:]), sum(line[0] == "+" for line in lines[3:])) == (9_000, 9_000)
    assert lines[-1] == " tail"


def test_a_file_that_one_version_lacks_is_all_new_and_cards_are_texts_too() -> None:
    base, other = made("v1", card="# A\nold\n"), made("v2", files=(File(path="c.json"),), card="# A\nnew\n")
    assert between(base, other, "c.json", lambda version, file: b"{}\n").text.splitlines()[-1] == "+{}"
    assert between(base, other, "", lambda version, file: b"").text.splitlines()[-2:] == ["-old", "+new"]
    with pytest.raises(Unsupported, match="neither version has a file"):
        between(base, other, "nothing", lambda version, file: b"")
    with pytest.raises(Unsupported, match="model card"):
        between(made("v1"), made("v2"), "", lambda version, file: b"")


def test_rows_beyond_those_wanted_are_only_counted() -> None:
    versions = [made(f"v{at}", {f"p{i}": i + at for i in range(50)}) for at in range(3)]
    (whole,) = compare(versions, facets=[Facet.PARAMS]).sections
    (first,) = compare(versions, facets=[Facet.PARAMS], most=10).sections
    assert (len(first.rows), first.changed, first.total) == (10, whole.changed, whole.total) == (10, 50, 50)
    assert first.rows == whole.rows[:10]


@pytest.mark.parametrize(
    ("left", "right"), [(1, 1.0), (True, 1), ([1], [1.0]), ([[1]], [[True]]), ("1", 1), (None, "none")]
)
def test_values_that_python_calls_equal_differ_by_their_type(left: Value, right: Value) -> None:
    versions = [made("v1", {"a": 0, "x": left}), made("v2", {"a": 0, "x": right}), made("v3", {"x": left, "a": 0})]
    (found,) = compare(versions, facets=[Facet.PARAMS]).sections
    assert [(row.name, row.cells[1].verdict, row.cells[2].verdict) for row in found.rows] == [
        ("x", Verdict.CHANGED, Verdict.SAME)
    ]


def test_a_name_that_stands_twice_counts_once_and_the_last_value_holds() -> None:
    twice = Version(
        registry="r", model="m", key="2", name="v2", kind=Kind.RUN,
        params=(Param("a", 1), Param("b", 5), Param("a", 2)),
    )  # fmt: skip
    (found,) = compare([made("v1", {"a": 2, "b": 5}), twice], facets=[Facet.PARAMS]).sections
    assert (found.changed, found.total) == (0, 2)


def test_elements_of_flat_lists_are_told_by_place_and_moved_ones_as_taken_and_added() -> None:
    def note(left: Value, right: Value) -> str:
        (found,) = compare([made("a", {"x": left}), made("b", {"x": right})], facets=[Facet.PARAMS]).sections
        return found.rows[0].cells[1].note

    assert note([64, 64, 3], [64, 128, 3]) == "[1] 64 → 128"
    assert "+" in note([1, 2, 3], [2, 3, 4])
    assert note([1], [1.0]) == "equal but for the types of parts"
