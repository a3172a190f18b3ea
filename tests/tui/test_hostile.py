"""Whatever a registry says is shown escaped, on every screen: no markup, no escape, no bidi, no broken lines."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from lineal.model.listing import ProblemRow
from lineal.model.plan import Approval, CheckResult, Difference, Entry, Holding, Outcome, Plan, Review, Running
from lineal.model.records import Confidence, Edge, EdgeKind
from lineal.model.values import Metric, Param, Series, Tag
from lineal.model.version import Code, Dataset, Environment, File, Kind, Package, Run
from lineal_tui.app import LinealApp
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeIndex, FakeSource, node, version
from tests.tui.fake_desk import DAY, NOW, FakeDesk, subject
from tests.tui.seeing import screen_text, until, until_seen

HOSTILE = {
    "markup": "[bold red]x[/] [/]bad [@click=app.bell]press[/]",
    "ansi": "\x1b[2J\x1b[31mred",
    "osc": "\x1b]52;c;aGk=\x07\x1b]0;title\x07",
    "c1": "\x9b2J\x9d52;c;aGk=\x9c",
    "bidi": "abc\u202egpj.exe\u2066\u2069\u200f",
    "nul": "a\x00b\rc\nd\te\x7f",
    "long": "very-" * 4000,
    "wide": "模型版本" * 40,
    "zero": "a\u200b\u200d\ufeff\u2060b",
    "surrogate": "a\udc80b",
}
HOSTILE["all"] = " ".join(text for kind, text in HOSTILE.items() if kind not in ("long", "wide"))
CASES = [
    *(((80, 24), kind) for kind in ("markup", "long", "wide", "surrogate", "all")),
    ((160, 45), "all"),
]
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
KEYS = ["1", "2", "3", "4", "7"]


def hostile(text: str) -> FakeSource:
    """Make a workspace in which every field of everything is hostile."""
    fields: dict[str, object] = {
        "key": text + "1", "name": text, "author": text, "message": text,
        "params": (Param(text, text), Param("n", [text])),
        "metrics": (Metric(text, 0.5, dataset=text), Metric("acc", float("nan"))), "tags": (Tag(text, text),),
        "environment": Environment(
            python=text, cuda=text, driver=text, os=text, gpus=(text,), image=text,
            packages=(Package(text, text),), variables=(Tag(text, text),),
        ),
        "datasets": (Dataset(name=text, digest=text, role=text, source=text, profile=text),),
        "code": Code(repository=text, commit=text, branch=text, entry=text),
        "run": Run(id=text, name=text, experiment=text), "files": (File(path=text, size=1),), "card": text * 3,
        "kind": Kind.RUN,
    }  # fmt: skip
    first = version("prod", text, 1, **fields)
    second = version("prod", text, 2, **{**fields, "key": text + "2", "params": (Param(text, text + "!"),)})
    index = FakeIndex(
        held=[first, second], named={("prod", text, text): (text, text)},
        met=[ProblemRow(registry="prod", where=text, message=text, hint=text)], errors={"prod": (text, text)},
        edges=[Edge(child=node(second), parent=node(first), kind=EdgeKind.FINETUNED, confidence=Confidence.DECLARED)],
    )  # fmt: skip
    source = FakeSource(index, curves={text: Series(text, [1, 2, 3], [0.1, 0.2, 0.1], [0.0] * 3)})
    hostile_desk(source.desk, text)
    return source


def hostile_desk(desk: FakeDesk, text: str) -> None:
    """Make all that a desk says hostile."""
    first, second = (subject(row) for row in desk.rows())
    said = Approval(by=text, at=0.0, what=text, text=text, counts=False, why=text, signer=text, event=text)
    check = CheckResult(id=text, title=text, outcome=Outcome.FAIL, reason=text, hint=text, evidence=text * 2, gate=text)
    desk.who, desk.aliases = text, [text, "prod"]
    desk.checks, desk.approvals, desk.notes = (check,), (said, replace(said, what="approved", counts=True)), (text,)
    desk.differences = (Difference(facet=text, name=text, before=text, after=text + "!", note=text),)
    desk.refusals = {("prod", "tag"): text}
    desk.steps = (text,)
    desk.reviews = [
        Review(subject=second, alias=text, incumbent=first, incumbent_since=1.0, asked_by=text, asked_at=1.0, text=text)
    ]
    held = Holding(registry="prod", model=text, alias=text, subject=first, since=NOW - DAY, by=text, source=text)
    desk.held_ones = [
        replace(
            held,
            reason=text,
            action=text,
            approvals=(replace(said, what="approved", counts=True),),
            deployed=(Running(where=text, name=text, same=False),),
        ),
        replace(held, alias=text + "2", subject=second, since=None, until=NOW - DAY),
    ]
    desk.entries = [
        Entry(number=1, event=text, kind=text, at=NOW - 2 * DAY, by=text, host=text, registry="prod", model=text,
              alias=text, before=text, after=text, text=text, action=text, command=text, signer=text, checks=(check,)),
    ]  # fmt: skip
    desk.begun = [Plan(id="b" * 32, action=text, title=text, at=0.0, by=text, command=text, reason=text)]


def clean(app: LinealApp) -> None:
    """Fail if the screen holds anything that a terminal would obey, or a line that is too long."""
    for line in screen_text(app):
        assert not _UNSAFE.search(line), repr(line)
    for strip in app.screen._compositor.render_strips():
        assert strip.cell_length == app.size.width


async def walk(pilot: Pilot[int], app: LinealApp) -> None:
    """Go to every screen and open everything that opens."""
    await until_seen(pilot, "everything", "prod · run")
    clean(app)
    await pilot.press("space", "space")
    for key in ("1", "2", "3", "4", "x", "7", "tab", "1", "i", "G", "escape", "y", "escape", "o", "escape"):
        await pilot.press(key)
        await pilot.pause(0.1)
        clean(app)
    for keys in (("apostrophe", *"a"), ("comma",), ("slash", "m", "tab")):
        await pilot.press(*keys)
        await pilot.pause(0.1)
        clean(app)
        await pilot.press("escape")
    await pilot.press("5")
    await until(pilot, lambda: app.screen.id == "review", "review")
    for key in ("enter", *["j"] * 4, "enter", "G", "1", "6", "G", "enter", "G", "escape", "left", "1"):
        await pilot.press(key)
        await pilot.pause(0.05)
        clean(app)
    for key in ("P", "j", "enter", "G", "escape", "U", "escape", "A", "tab", "escape", "ctrl+p", "escape"):
        await pilot.press(key)
        await pilot.pause(0.05)
        clean(app)
    await pilot.press("3")
    await until(pilot, lambda: app.screen.id == "compare", "the comparison")
    await pilot.press("full_stop", "x")
    await pilot.pause(0.05)
    clean(app)


@pytest.mark.parametrize(("size", "kind"), CASES, ids=[f"{size[0]}x{size[1]}-{kind}" for size, kind in CASES])
async def test_every_screen_shows_hostile_text_escaped(make_app: MakeApp, kind: str, size: tuple[int, int]) -> None:
    app = make_app(hostile(HOSTILE[kind]), workspace=HOSTILE[kind])
    async with app.run_test(size=size) as pilot:
        await walk(pilot, app)


async def test_escapes_are_visible_rather_than_gone(make_app: MakeApp) -> None:
    app = make_app(hostile("\x1b[31mred\u202e"))
    async with app.run_test(size=(160, 45)) as pilot:
        await until_seen(pilot, "\\e[31mred\\u202e")


async def test_copied_text_holds_no_escape(make_app: MakeApp) -> None:
    from lineal_tui.screens.copying import copies

    source = hostile("\x1b]52;c;aGk=\x07$(reboot)\n")
    for _, said in copies(source.index.row(0)):
        assert not _UNSAFE.search(said)
    command = {said.split()[1]: said for _, said in copies(source.index.row(0)) if said.startswith("lineal ")}
    assert "'" in command["show"]
