"""Compare: filtered, opened in full, its texts line by line, and many versions in two steps."""

from __future__ import annotations

from msgspec.structs import replace

from lineal.diff import CodeChange, FileChange, compare
from lineal.model.diff import Diff, Facet
from lineal.model.values import Param
from lineal.model.version import Algorithm, Digest, File
from lineal_tui import messages as m
from lineal_tui.present import abreast, code
from lineal_tui.present.compare import Part
from lineal_tui.present.ink import Line, Tone, width
from lineal_tui.present.sieve import Sieve
from lineal_tui.screens.abreast import Abreast, CodePane, Patch
from lineal_tui.screens.compare import Compare
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource, version
from tests.tui.seeing import seen, until, until_seen
from tests.tui.test_screens import opened, press

PATCH = """diff --git a/train.py b/train.py
--- a/train.py
+++ b/train.py
@@ -1,2 +1,3 @@
 import torch
--- lr = 1  # not a head
+def step(x):
+    return "y"  # why
diff --git a/notes.txt b/notes.txt
--- a/notes.txt
+++ b/notes.txt
@@ -1 +1 @@
-old
+new"""
HOSTILE = "\x1b[2J[bold]\u202e\x00"


def said(line: Line) -> str:
    return "".join(span.text for span in line)


def long(**more: object) -> Diff:
    texts = ("a prompt\nof two lines " + HOSTILE, "another prompt " * 400)
    pair = [version("prod", "m", n, params=(Param("prompt", texts[n - 1]), Param("l", [n, {"k": 1}]))) for n in (1, 2)]
    return compare(pair)


def test_a_row_in_full_stands_side_by_side_and_is_bounded() -> None:
    diff = long()
    section = next(section for section in diff.sections if section.facet is Facet.PARAMS)
    row = next(row for row in section.rows if row.name == "prompt")
    lines = abreast.lines(diff, Facet.PARAMS, row, 78)
    assert all(width(line) <= 78 for line in lines)
    assert all(name in said(lines[2]) for name in ("v1 ◂", "v2"))
    text = "\n".join(map(said, lines))
    assert "of two lines" in text
    assert not {"\x1b", "\u202e"} & set(text)
    assert "\\e[2J" in text
    huge = compare([version("p", "m", n, params=(Param("x", ["line"] * 10**6 + [n]),)) for n in (1, 2)])
    found = next(section for section in huge.sections if section.facet is Facet.PARAMS)
    assert len(abreast.lines(huge, Facet.PARAMS, found.rows[0], 78)) <= 4_001


def test_many_versions_stand_below_one_another() -> None:
    diff = compare([version("prod", "m", n) for n in range(1, 9)])
    row = diff.sections[0].rows[0]
    lines = [said(line) for line in abreast.lines(diff, Facet.METRICS, row, 78)]
    assert sum(line.strip().startswith("v") for line in lines) == 8
    assert any("+0.0050" in line and "▲" in line for line in lines)


def test_code_has_the_colours_of_its_language_and_is_safe() -> None:
    lines = PATCH.splitlines()
    languages = list(code.languages(lines))
    assert languages == ["", "", "", "", "py", "py", "py", "py", "", "", "", "", "txt", "txt"]
    drawn = [code.line(one, language) for one, language in zip(lines, languages, strict=True)]
    assert [said(line)[3:] for line in drawn] == lines
    assert (drawn[6][1].text, drawn[6][1].tone) == ("+", Tone.BETTER)
    assert {span.text: span.tone for span in drawn[6]}["def"] is Tone.ACCENT
    assert {span.text: span.tone for span in drawn[7]}["# why"] is Tone.DIM
    assert "\x1b" not in said(code.line("+" + HOSTILE, "py"))
    assert said(code.line("+x = 1" + "9" * 5_000, "py")).count("9") < 1_000
    assert code.of_file(PATCH, "notes.txt").splitlines()[-1] == "+new"
    assert code.of_file(PATCH, "nothing") == ""


def test_the_filter_keeps_rows_that_hold_every_word_in_name_value_or_note() -> None:
    diff = compare([version("prod", "m", n) for n in (3, 4)])
    kept = Sieve(diff).keep("TORCH cu13")
    assert [row.name for section in kept.sections for row in section.rows] == ["torch"]
    assert [s.changed for s in kept.sections] == [s.changed for s in diff.sections]
    assert Sieve(diff).keep("  ") is diff


async def test_rows_are_filtered_live_and_esc_shows_all(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "space", "space", "c")
        await until_seen(pilot, "metrics  2 of 3", "lr")
        screen = app.screen
        assert isinstance(screen, Compare)
        await press(pilot, "slash", *"auc")
        await until(pilot, lambda: screen.grid.words == "auc", "live")
        assert "params" not in seen(app)
        await press(pilot, "escape")
        await until(pilot, lambda: not screen.grid.sieved and app.screen is screen, "taken back")
        await press(pilot, "slash", *"lr", "enter")
        await until_seen(pilot, "changed only  /lr")
        assert [e.row.name for e in screen.grid._entries if e.row] == ["lr"]
        await press(pilot, "n", "escape")
        await until(pilot, lambda: not screen.grid.sieved, "all again")
        assert app.screen is screen
        await press(pilot, "slash", *"zebra", "enter")
        await until_seen(pilot, "No row holds that")
        await press(pilot, "f", "n", "x", "x", "enter", "escape")
        await until_seen(pilot, "auc")


async def test_facets_are_hopped_and_a_row_opens_in_full(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "space", "space", "c")
        await until_seen(pilot, "metrics  2 of 3")
        screen = app.screen
        assert isinstance(screen, Compare)
        await press(pilot, "right_square_bracket")
        assert screen.grid.said is not None
        assert screen.grid.said.part is Part.FACET
        assert screen.grid.said.section.facet is Facet.PARAMS
        await press(pilot, "left_square_bracket")
        assert screen.grid.cursor == 0
        await press(pilot, "left_square_bracket")
        await until_seen(pilot, "No facet before this one.")
        await press(pilot, "n", "enter")
        await until_seen(pilot, "goal   max (known name)", "baseline")
        assert isinstance(app.screen, Abreast)
        await press(pilot, "escape", "i")
        await until(pilot, lambda: isinstance(app.screen, Abreast), "i opens it too")
        await press(pilot, "q", "g", "enter")
        await until(pilot, lambda: "▸ metrics" in seen(app), "a head folds")


async def test_a_text_file_opens_line_by_line_and_says_why_where_it_cannot(
    source: FakeSource, make_app: MakeApp
) -> None:
    for at, number in ((17, 18), (18, 19)):
        name = f"v{number}"
        files = tuple(
            File(path=path, size=9 + number, digest=Digest(Algorithm.SHA256, f"{number + i:064x}"))
            for i, path in enumerate(("conf.yaml", "model.bin"))
        )
        source.index.held[at] = replace(source.index.held[at], files=files)
        source.texts = {**source.texts, (name, "conf.yaml"): f"lr: {number}\n".encode(), (name, "model.bin"): b"\0"}
    app = make_app(source)
    async with app.run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "space", "space", "c", "slash", *"conf.yaml", "enter")
        await until_seen(pilot, "/conf.yaml", "files")
        await press(pilot, "j", "d")
        await until_seen(pilot, "-lr: 18", "+lr: 19")
        assert isinstance(app.screen, Patch)
        assert app.screen.query_one(CodePane).total() == 5
        await press(pilot, "escape", "escape", "slash", *"model.bin", "enter")
        await until_seen(pilot, "/model.bin")
        await press(pilot, "j", "d")
        await until_seen(pilot, "model.bin is no text")
        await press(pilot, "escape", "g", "d")
        await until_seen(pilot, "texts are the same")  # the cards, on a head


async def test_code_opens_by_file(source: FakeSource, make_app: MakeApp) -> None:
    change = CodeChange(commits=1, files=(FileChange("train.py", 2, 1), FileChange("notes.txt", 1, 1)), text=PATCH)

    class Coded(FakeSource):
        def diff(self, rows, *, baseline=0, changed_only=True, most=0):  # type: ignore[no-untyped-def]
            whole = [self.index.version(row.id) for row in rows]
            return compare(whole, baseline=baseline, changed_only=changed_only, code=lambda a, b: change)

    app = make_app(Coded(index=source.index))
    async with app.run_test(size=(100, 60)) as pilot:
        await opened(pilot)
        await press(pilot, "space", "space", "c")
        await until_seen(pilot, "+def step(x):", "notes.txt")
        screen = app.screen
        assert isinstance(screen, Compare)
        await press(pilot, "slash", *"notes", "enter")
        await until(pilot, lambda: screen.grid.total() == 2, "head and file")
        await press(pilot, "j", "d")
        await until_seen(pilot, "-old", "+new")
        assert "step" not in seen(app)


async def test_many_versions_come_in_two_steps(source: FakeSource, make_app: MakeApp) -> None:
    for at in range(19):
        held = source.index.held[at]
        params = tuple(Param(f"p{i:04}", i + at) for i in range(m.FIRST + 40))
        source.index.held[at] = replace(held, params=params)
    app = make_app(source)
    asked: list[m.DiffRequest] = []
    async with app.run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        ask = app._worker.ask

        def listen(request, asker):  # type: ignore[no-untyped-def]
            asked.extend([request] if isinstance(request, m.DiffRequest) else [])
            ask(request, asker)

        app._worker.ask = listen  # type: ignore[method-assign]
        await press(pilot, *["space"] * 6, "c")
        await until_seen(pilot, f"params  {m.FIRST + 40} of {m.FIRST + 40}")
        screen = app.screen
        assert isinstance(screen, Compare)
        await until(pilot, lambda: screen.grid.total() > m.FIRST + 40, "all rows")
    assert [request.most for request in asked] == [m.FIRST, 0]
