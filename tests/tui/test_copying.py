"""What `y` offers on each screen, how it travels to a terminal, and the versions that were visited."""

from __future__ import annotations

import base64
import re
import shlex
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Input

from lineal.cli.root import lineal
from lineal.model.listing import Sort, VersionRow
from lineal.model.version import Algorithm, Digest, File
from lineal_tui import clipboard, recent, spoken
from lineal_tui.chartview import View
from lineal_tui.keys import SCREENS, Where
from lineal_tui.places import Scope, identity
from lineal_tui.present.ink import width
from lineal_tui.recent import Visited
from lineal_tui.screens.copying import ByHand, CopyChooser, line_of, places
from lineal_tui.screens.dialog import Chooser
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource
from tests.tui.seeing import seen, until, until_seen
from tests.tui.test_commanding import SAYS
from tests.tui.test_hostile import HOSTILE, hostile
from tests.tui.test_screens import opened, press
from tests.tui.wire import wired

# --- what is on a screen, as a command --------------------------------------------------------------------------------


@pytest.fixture
def row(source: FakeSource) -> VersionRow:
    return source.index.row(19)


def parsed(command: spoken.Words) -> dict[str, object]:
    """Let the command line itself read a command; return what it makes of the words."""
    words = shlex.split(spoken.said(command))
    assert words[0] == "lineal"
    group = lineal.make_context("lineal", words[1:], resilient_parsing=True)
    name, verb, rest = lineal.resolve_command(group, [*group._protected_args, *group.args])
    assert verb is not None
    return verb.make_context(name, rest, parent=group).params


def test_every_command_is_one_that_the_command_line_takes(row: VersionRow, source: FakeSource) -> None:
    other = source.index.row(18)
    named = spoken.reference(row)
    scope = Scope("prod", "fraud-scorer")
    assert parsed(spoken.listing("acc>1", scope, Sort("metric.auc", descending=False)))["sort"] == "-metric.auc"
    assert parsed(spoken.listing("-tag:x", Scope(), Sort()))["query"] == ("-tag:x",)
    assert parsed(spoken.listing("", Scope(), Sort()))["query"] == ()
    compared = parsed(spoken.comparison((other, row), 1, everything=True))
    assert (compared["versions"], compared["baseline"], compared["everything"]) == (
        (spoken.reference(other), named), 2, True,
    )  # fmt: skip
    assert parsed(spoken.lineage(row, graph=True))["graph"] is True
    assert parsed(spoken.way(other, row))["target"] == named
    view = View(pinned=("loss",), x="param.lr", smoothing=0.6, log_y=True)
    chart = parsed(spoken.chart("auc", scope, (row,), view, steps=False))
    assert (chart["names"], chart["chart"], chart["versions"]) == (("auc", "loss"), True, ())
    assert "--x lr --smooth 0.6 --log y" in spoken.said(spoken.chart("auc", scope, (row,), view, steps=False))
    along = parsed(spoken.chart("loss", scope, (other, row), View(clock="relative"), steps=True))
    assert (along["versions"], along["steps"]) == ((spoken.reference(other), named), True)
    assert spoken.chart("auc", scope, (row,), View(form="parallel", log_y=True), steps=False)[-1] == "--parallel"
    assert parsed(spoken.holder("prod", "fraud", "live", "2026-03-01"))["alias"] == "prod:fraud@live"
    assert parsed(spoken.log(scope))["model"] == "prod:fraud-scorer"
    assert parsed(spoken.check(row, "prod"))["alias"] == "prod"


def test_commands_of_hostile_names_are_inert_in_a_shell_and_on_a_terminal() -> None:
    said = HOSTILE["all"] + "'; rm -rf ~ #`$(x)`"
    row = replace(hostile(said).index.row(0), id=0)
    for words in (
        spoken.lineage(row, graph=False),
        spoken.comparison((row, row), 0, everything=False),
        spoken.chart(said, Scope("prod", said), (row,), View(), steps=True),
        spoken.holder("prod", said, said),
        spoken.listing(said, Scope("prod", said), Sort()),
    ):
        command = spoken.said(words)
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", command)
        assert not [word for word in shlex.split(command) if word in ("rm", "#", "~")]


async def chosen(pilot: Pilot[int], *texts: str) -> CopyChooser:
    """Press y and wait for what is offered."""
    await press(pilot, "y")
    await until(pilot, lambda: isinstance(pilot.app.screen, CopyChooser), "the choice")
    await until_seen(pilot, *texts)
    assert isinstance(pilot.app.screen, CopyChooser)
    return pilot.app.screen


@pytest.mark.parametrize(
    ("where", "command"),
    [
        (Where.MODELS, "lineal ls"),
        (Where.LINEAGE, "lineal lineage prod:fraud-scorer@v19"),
        (Where.COMPARE, "lineal diff prod:fraud-scorer@v18 prod:fraud-scorer@v19"),
        (Where.CHARTS, "--metric auc --chart"),
        (Where.REVIEW, "lineal check prod:fraud-scorer@"),
        (Where.HISTORY, "lineal log"),
        (Where.SOURCES, "lineal sync files"),
    ],
)
async def test_every_screen_offers_its_command(
    source: FakeSource, make_app: MakeApp, where: Where, command: str
) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        if where is Where.COMPARE:
            await press(pilot, "space", "space")
        if where is not Where.MODELS:
            await press(pilot, str(list(SCREENS).index(where) + 1))
            await until(pilot, lambda: app.screen.id == where.value, "the screen")
            await until(pilot, lambda: any(app.screen.spoken()) or where is Where.SOURCES, "something")  # type: ignore[attr-defined]
        await chosen(pilot, command)


async def test_where_a_version_lies_is_offered_when_it_is_known(source: FakeSource, make_app: MakeApp) -> None:
    at = next(i for i, v in enumerate(source.index.held) if v.name == "v19")
    files = (
        File(path="model.bin", local="/data/runs/19/model.bin", digest=Digest(Algorithm.MD5, "ab" * 16)),
        File(path="config.json", local="/data/runs/19/config.json"),
        File(path="far.bin"),
    )
    source.index.held[at] = replace(source.index.held[at], files=files)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        chooser = await chosen(pilot, "path       /data/runs/19", "/data/runs/19/model.bin", "md5", "reference")
        assert ("path", "/data/runs/19") in chooser.offered
        assert ("md5", "ab" * 16) in chooser.offered
        chooser.query_one(Input).value = "path"
        await pilot.pause()
        await press(pilot, "enter")
        await until_seen(pilot, "copied  /data/runs/19")


def test_a_version_that_is_nowhere_here_says_so() -> None:
    (offer,) = places((File(path="far.bin"),))
    assert "no file of it is on this machine" in "".join(span.text for span in line_of(offer))
    (one,) = places((File(path="a", local="/x/\x1b[31m"),))
    assert one == ("path", "/x/\\e[31m")


# --- by hand ----------------------------------------------------------------------------------------------------------


async def test_a_long_text_is_shown_whole_without_frames(source: FakeSource, make_app: MakeApp) -> None:
    from lineal_tui.messages import Copy

    app = make_app(source)
    said = "".join(f"{i:05d} " for i in range(20_000))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        app.screen.post_message(Copy(said))
        await until_seen(pilot, "Too long for a terminal's clipboard: 117 KiB, and it takes 73", "Select it")
        assert isinstance(app.screen, ByHand)
        lines = [line for line in seen(app).splitlines() if re.match(r"\d|\s?\d", line)]
        assert len(lines) == 22
        assert all(re.fullmatch(r"[\d ]+", line) for line in lines)
        shown = "".join(span.text for line in app.screen.query_one("#list").lines for span in line)  # type: ignore[attr-defined]
        assert shown == said
        await press(pilot, "G")
        await until_seen(pilot, "19999")
        await press(pilot, "escape")
        assert len(app.screen_stack) == 1


# --- versions visited -------------------------------------------------------------------------------------------------


async def test_versions_that_were_visited_are_jumped_to(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, verbs=SAYS)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "i")
        await until_seen(pilot, "details")
        await press(pilot, "escape", "down", "2")
        await until(pilot, lambda: app.screen.id == "lineage", "the lineage")
        assert [one.name for one in app.session.recent] == ["v18", "v19"]
        await press(pilot, "ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, Chooser), "the palette")
        app.screen.query_one(Input).value = "go to v19"
        await until_seen(pilot, "fraud-scorer v19  prod  visited")
        await press(pilot, "enter")
        await until(pilot, lambda: app.session.places.here.where is Where.MODELS, "models")
        await until(pilot, lambda: app.screen.subject() is not None, "the version")  # type: ignore[attr-defined]
        assert app.screen.subject().name == "v19"  # type: ignore[attr-defined]
        assert [one.name for one in app.session.recent] == ["v19", "v18"]


async def test_a_version_that_is_gone_is_said_to_be(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    app.session.recent = [Visited("prod", "fraud-scorer", "no such key", "v0\x1b[31m")]
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, Chooser), "the palette")
        app.screen.query_one(Input).value = "go to"
        await until_seen(pilot, "fraud-scorer v0\\e[31m")
        await press(pilot, "enter")
        await until_seen(pilot, "fraud-scorer v0\\e[31m is no longer in the index")
        assert app.session.places.here.where is Where.MODELS


def test_few_are_kept_each_once_as_plain_data(source: FakeSource) -> None:
    rows = [source.index.row(i) for i in range(len(source.index.held))]
    kept: list[Visited] = []
    for one in (*rows, rows[3]):
        kept = recent.visited(kept, one)
    assert len(kept) == recent.KEPT
    assert kept[0].identity == identity(rows[3])
    assert len({one.identity for one in kept}) == len(kept)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(kept)), list[Visited]) == kept
    wide = Visited("r" * 99, HOSTILE["wide"], "k", HOSTILE["all"] * 9)
    assert width(recent.line(wide)) < 260
    assert not re.search("[\x00-\x1f]", "".join(span.text for span in recent.line(wide)))


# --- on the wire ------------------------------------------------------------------------------------------------------

COPIES = """
import os, sys
from lineal_tui.app import LinealApp
from tests.tui.fake import FakeSource, chain
source = FakeSource()
chain(source.index)
LinealApp(
    source, desk=lambda: source.desk, workspace="lab", cwd="/", environ=dict(os.environ), sync=("/bin/true",),
    verbs=(sys.executable, "-S", "-c", "print('0123456789' * 200)"),
).run()
"""
TEXT = "0123456789" * 200


def sent_by(folder: Path, **environ: str) -> bytes:
    """Return what goes over the wire while 2,000 characters are copied in a terminal of that environment."""
    with wired(folder=folder, home=folder, code=COPIES, size=(120, 40), **environ) as wire:
        wire.see("everything", "fraud-scorer v19")
        wire.settle()
        wire.type(b":ls\r")  # at once, as over a slow line
        wire.see("0123456789", "exit code 0")
        wire.settle()
        before = len(wire.sent)
        wire.type(b"y")
        wire.see("copied 2.0 KiB" if environ.get("TERM") != "linux" else "This terminal has no clipboard")
        wire.settle()
        said = wire.sent[before:]
        if environ.get("TERM") == "linux":
            assert TEXT.encode() in re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]|\s", b"", said)
            assert b"\x1b[?1000l" in said
            before = len(wire.sent)
            wire.type(b"q")
            wire.until(lambda: b"\x1b[?1000h" in wire.sent[before:], "the mouse again")
        wire.type(b"\x11")
        assert wire.ended() == 0
        assert wire.restored()
    return said


PLAIN = b"\x1b]52;c;" + base64.b64encode(TEXT.encode()) + b"\x07"


def test_a_copy_reaches_a_plain_terminal(tmp_path: Path) -> None:
    assert PLAIN in sent_by(tmp_path)


def test_a_copy_passes_through_tmux(tmp_path: Path) -> None:
    said = sent_by(tmp_path, TMUX="/tmp/x,1,0", TERM="tmux-256color")
    assert PLAIN + b"\x1bPtmux;\x1b" + PLAIN + b"\x1b\\" in said


def test_a_copy_passes_through_screen_in_pieces_that_it_takes(tmp_path: Path) -> None:
    said = sent_by(tmp_path, STY="1.pts", TERM="screen-256color")
    pieces = re.findall(rb"\x1bP[^\\]*?\x1b\\", said, re.DOTALL)
    assert len(pieces) > 3
    assert all(len(piece) <= clipboard.PIECE for piece in pieces)
    assert b"".join(piece[2:-2] for piece in pieces) == PLAIN
    assert b"".join(pieces) in said


def test_where_no_clipboard_is_the_whole_text_is_shown_and_the_mouse_is_lent(tmp_path: Path) -> None:
    assert b"\x1b]52" not in sent_by(tmp_path, TERM="linux")
