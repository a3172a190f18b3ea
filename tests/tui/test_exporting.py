"""What is on a screen is written into a file: the same that the command line writes, whole, and over nothing."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import sys
import xml.etree.ElementTree as Xml
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from lineal.errors import Error
from lineal_tui.app import LinealApp
from lineal_tui.exporting import Export, file_name, free, picture, write
from lineal_tui.main import SYNC, VERBS
from lineal_tui.office import office
from lineal_tui.places import Scope
from lineal_tui.running import Running
from lineal_tui.seeking import scoped
from lineal_tui.spoken import Words
from tests.cli import running as command_line
from tests.desks import Bench
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource
from tests.tui.seeing import seen, until, until_seen
from tests.tui.test_hostile import HOSTILE
from tests.tui.test_screens import opened, press

# --- a file -------------------------------------------------------------------------------------------------------

CHURN = scoped("", Scope("store", "churn"))
SAYS = "import os, sys, time; exec(os.environ['SCRIPT'])"


def script(code: str) -> Running:
    """Return what runs `code` as if it were the command line; its words are in `sys.argv`."""
    return Running((sys.executable, "-S", "-c", SAYS), "/", {"SCRIPT": code, "PATH": "/usr/bin:/bin"})


def export(form: str = "csv", words: Words = ("ls",), **more: str) -> Export:
    return Export("versions", form, "versions", words, **more)


async def test_the_output_of_the_command_is_the_file(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    size = await write(export(words=("diff", "a b", "--all")), file, script("print(*sys.argv[1:], sep='|')"))
    assert file.read_text() == "--no-sync|diff|--format|csv|a b|--all\n"
    assert size == file.stat().st_size
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


async def test_nothing_is_written_over_not_even_what_comes_meanwhile(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("mine")
    with pytest.raises(Error, match=r"there is a .* already"):
        await write(export(), file, script("print('new')"))
    file.unlink()
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Error, match=r"there is a .* already"):
        await write(export(), file, script("print('new')"))
    file.unlink()
    with pytest.raises(Error, match=r"there is a .* already"):
        await write(export(), file, script(f"print('new'); open({str(file)!r}, 'w').write('theirs')"))
    assert file.read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing/out.csv", "No such file or directory"),
        ("plain/out.csv", "Not a directory"),
        ("x" * 300 + ".csv", "File name too long"),
        ("nul\0.csv", "embedded null byte"),
        ("", "there is a .* already"),
    ],
)
async def test_a_place_that_cannot_be_written_is_said(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "plain").write_text("a file")
    with pytest.raises(Error, match=said) as caught:
        await write(export(), tmp_path / name, script("print('new')"))
    assert caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["plain"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print('half'); print('lineal: the index is gone', file=sys.stderr); sys.exit(4)", "the index is gone"),
        ("print('half'); sys.exit(3)", "the command ended with exit code 3"),
        ("print('half', flush=True); os.kill(os.getpid(), 9)", "the command ended with exit code -9"),
        (
            "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9)); print('x' * 99)",
            "the command ended with exit code",
        ),
    ],
)
async def test_a_command_that_fails_leaves_no_half_of_a_file(tmp_path: Path, code: str, said: str) -> None:
    with pytest.raises(Error, match=said):
        await write(export(), tmp_path / "out.csv", script(code))
    assert list(tmp_path.iterdir()) == []


async def test_a_picture_of_which_the_disk_takes_half_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lineal_tui.exporting.os.write", full)
    with pytest.raises(Error, match="No space left on device"):
        await write(export("svg", picture="<svg/>"), tmp_path / "out.svg", script(""))
    assert list(tmp_path.iterdir()) == []


async def test_one_that_is_stopped_half_way_leaves_nothing(tmp_path: Path) -> None:
    runs = script("print('half', flush=True); time.sleep(60)")
    writing = asyncio.create_task(write(export(), tmp_path / "out.csv", runs))
    while not any(path.stat().st_size for path in tmp_path.iterdir()):
        await asyncio.sleep(0.02)
    runs.cancel()
    with pytest.raises(Error, match="it was stopped, and nothing is written"):
        await writing
    assert list(tmp_path.iterdir()) == []


def test_names_are_made_of_what_is_shown_and_are_free(tmp_path: Path) -> None:
    assert file_name("compare", "org/fraud", "", "v1", "../../etc") == "compare-org-fraud-v1-..-..-etc"
    assert all(len(file_name("version", said)) <= 100 for said in HOSTILE.values())
    assert not any(set("/\0\n\x1b") & set(file_name("version", said)) for said in HOSTILE.values())
    assert free(tmp_path, "a", "md") == tmp_path / "a.md"
    (tmp_path / "a.md").touch()
    (tmp_path / "a-2.md").symlink_to("nowhere")
    assert free(tmp_path, "a", "md") == tmp_path / "a-3.md"


# --- from the screens ---------------------------------------------------------------------------------------------


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Three versions of a model in the store, the first of them in prod."""
    bench = Bench(tmp_path)
    for auc in (0.92, 0.94, 0.95):
        bench.commit(auc)
    with bench.desk() as desk:
        desk.execute(desk.promote(desk.work.version("churn@v1"), "prod"))
    bench.now += 60
    with bench.work() as work:
        bench.sync(work)
    return bench


@contextmanager
def shown(bench: Bench) -> Iterator[LinealApp]:
    """Open the application on it, with the real command line behind it."""
    with bench.work() as work:
        environ = {**work.around.environ, "TERM": "xterm-256color", "HOME": str(bench.home)}
        yield LinealApp(
            work, desk=lambda: office(work), workspace="lab", cwd=str(bench.folder), environ=environ,
            clock=work.around.clock, sync=SYNC, verbs=VERBS, child={"LINEAL_INDEX": work.index_url},
        )  # fmt: skip


async def written(pilot: Pilot[int], app: LinealApp, what: str, folder: Path, *, down: int = 0) -> Path:
    """Press e, choose by typing, take the name that is offered; return the file once it is there."""
    before, stack = set(folder.iterdir()), len(app.screen_stack)
    await press(pilot, "e")
    await until_seen(pilot, "export: ")
    await press(pilot, *("space" if letter == " " else letter for letter in what), *["down"] * down, "enter")
    await until_seen(pilot, "write into: ")
    await press(pilot, "enter")
    found: set[Path] = set()

    def there() -> bool:
        found.update(path for path in set(folder.iterdir()) - before if not path.name.startswith("."))
        return bool(found) and "✔" in seen(app) and len(app.screen_stack) == stack

    await until(pilot, there, "the file", 30)
    (file,) = found
    return file


def told(bench: Bench, *words: str) -> str:
    """Return what the command line says of the same."""
    said = command_line.inside(*words, cwd=bench.folder, home=bench.home, environ={"LINEAL_AUTHOR": bench.who})
    assert said.code == 0, said.err
    return said.out


async def test_the_list_is_written_in_every_form_as_the_command_line_writes_it(bench: Bench) -> None:
    with shown(bench) as app:
        async with app.run_test(size=(100, 30)) as pilot:
            await until_seen(pilot, "v1", "v2", "v3", "[RW]")
            await press(pilot, "slash", *"metric.auc>0.93", "enter")
            await until(pilot, lambda: "v1" not in seen(app).replace("prod v1", ""), "the filter")
            for form in ("json", "csv", "md"):
                file = await written(pilot, app, f"{form} versions", bench.folder)
                assert file.name == f"versions.{form}"
                assert file.read_text() == told(bench, "ls", "metric.auc>0.93", "--format", form)
            assert [row["version"] for row in json.loads((bench.folder / "versions.json").read_text())] == ["v3", "v2"]
            rows = list(csv.DictReader(io.StringIO((bench.folder / "versions.csv").read_text())))
            assert [row["version"] for row in rows] == ["v3", "v2"]
            again = await written(pilot, app, "csv versions", bench.folder)
            assert again.name == "versions-2.csv"


async def test_a_version_a_comparison_and_the_marks_are_written(bench: Bench) -> None:
    with shown(bench) as app:
        async with app.run_test(size=(100, 30)) as pilot:
            await until_seen(pilot, "v1", "v2", "v3", "[RW]")
            await until_seen(pilot, "beside prod v1")
            file = await written(pilot, app, "json version", bench.folder, down=1)
            assert file.name == "version-churn-v3.json"
            assert file.read_text() == told(bench, "show", "store:churn@v3", "--format", "json")
            await press(pilot, "c")
            await until_seen(pilot, "auc", "0.92", "0.95")
            file = await written(pilot, app, "json", bench.folder)
            assert file.name == "compare-churn-v1-v3.json"
            found = json.loads(file.read_text())
            assert found == json.loads(told(bench, "diff", "store:churn@v1", "store:churn@v3", "--format", "json"))


@pytest.mark.parametrize(
    ("key", "waits", "name", "words"),
    [
        ("2", "lineage", "lineage-churn-v3.csv", ("lineage", "store:churn@v3", "--format", "csv")),
        (
            "4",
            "auc",
            "metrics-churn-auc.csv",
            ("metrics", scoped("", Scope("store", "churn")), "--metric", "auc", "--format", "csv"),
        ),
        ("6", "prod", "record-churn.csv", ("log", "store:churn", "--limit", "100000", "--format", "csv")),
        ("7", "store", "sources.csv", ("registry", "ls", "--format", "csv")),
    ],
)
async def test_each_screen_writes_what_it_shows(
    bench: Bench, key: str, waits: str, name: str, words: tuple[str, ...]
) -> None:
    with shown(bench) as app:
        async with app.run_test(size=(120, 40)) as pilot:
            await until_seen(pilot, "v1", "v2", "v3", "[RW]", "beside prod v1")
            await press(pilot, key)
            await until_seen(pilot, waits)
            await until(pilot, lambda: bool(list(app.screen.exports())), "something to write")  # type: ignore[attr-defined]
            file = await written(pilot, app, "csv", bench.folder)
            assert file.name == name
            assert file.read_text() == told(bench, *words)
            drawn = await written(pilot, app, "svg", bench.folder)
            Xml.fromstring(drawn.read_text())


async def test_a_name_that_is_taken_and_a_folder_that_is_missing_are_said_and_asked_again(bench: Bench) -> None:
    taken = bench.folder / "taken.md"
    taken.write_text("mine")
    with shown(bench) as app:
        async with app.run_test(size=(100, 30)) as pilot:
            await until_seen(pilot, "v1", "v2", "v3", "[RW]")
            await press(pilot, "e", "enter")
            await until_seen(pilot, "write into: ")
            app.screen.query_one(Input).value = "taken.md"
            await press(pilot, "enter")
            await until_seen(pilot, "there is a taken.md already")
            app.screen.query_one(Input).value = "missing/one.md"
            await press(pilot, "enter")
            await until_seen(pilot, "No such file or directory", "make the folder first")
            app.screen.query_one(Input).value = "~/one.md"
            await press(pilot, "escape")
            await until(pilot, lambda: len(app.screen_stack) == 1, "the dialog gone")
    assert taken.read_text() == "mine"
    assert not (bench.folder / "one.md").exists()


async def test_a_page_in_a_browser_writes_nothing_on_its_host(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, environ={"TERM": "xterm-256color", "LINEAL_READ_ONLY": "page"}, verbs=VERBS)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "e")
        await until_seen(pilot, "A page writes no files on its host")
        assert len(app.screen_stack) == 1


async def test_a_picture_of_hostile_text_is_inert_and_asks_no_host(source: FakeSource, make_app: MakeApp) -> None:
    async with make_app(source).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        svg = picture(pilot.app.export_screenshot(title="</svg><script>x</script>"))
    assert not re.search(r"url\((?!#)|@import|href|src=", svg)
    assert "<script" not in svg
    assert "font-face" not in svg
    Xml.fromstring(svg)
