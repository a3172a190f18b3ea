"""Requests, answers, syncs and copies: messages between screens, the worker and child processes."""

from __future__ import annotations

import base64
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
from textual.message import Message

from lineal.errors import Unavailable
from lineal.model.listing import Sort
from lineal_tui import clipboard
from lineal_tui import messages as m
from lineal_tui.keys import Where
from lineal_tui.lanes import Lane
from lineal_tui.places import Place, Places, Scope
from lineal_tui.screens.models import Models
from lineal_tui.syncing import step_of
from lineal_tui.worker import Worker, scoped
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeIndex, FakeSource, small, version
from tests.tui.seeing import screen_text, seen, until, until_seen


class Asker:
    """Collects answers as a screen would."""

    def __init__(self) -> None:
        self.answers: list[Message] = []
        self.came = threading.Event()

    def post_message(self, message: Message) -> bool:
        self.answers.append(message)
        self.came.set()
        return True


def ask(source: FakeSource, request: m.Request) -> Message:
    """Ask a worker and return the answer."""
    crashes: list[m.Crashed] = []
    worker, asker = Worker(source, crashes.append, lambda: source.desk), Asker()
    worker.ask(request, asker)
    assert asker.came.wait(5), crashes
    worker.close()
    return asker.answers[0]


def test_an_answer_carries_its_request(source: FakeSource) -> None:
    request = m.RowsRequest("fraud", Scope("prod"), Sort("metric.auc"))
    answer = ask(source, request)
    assert isinstance(answer, m.RowsReady)
    assert answer.request is request
    assert source.index.asked[-1] == '(fraud) registry:"prod"'
    assert answer.goals["auc"] == "max"


def test_a_known_error_is_an_answer(source: FakeSource) -> None:
    source.broken = True
    row = source.index.row(0)
    answer = ask(source, m.ChartRequest("auc", Scope(), (row,), 40, 10, steps=True))
    assert isinstance(answer, m.Failed)
    assert isinstance(answer.error, Unavailable)


def test_a_bug_is_told_to_the_application_and_not_swallowed(source: FakeSource) -> None:
    came = threading.Event()
    crashes: list[m.Crashed] = []

    def crash(message: m.Crashed) -> None:
        crashes.append(message)
        came.set()

    source.index.held = None  # type: ignore[assignment]
    worker = Worker(source, crash, lambda: source.desk)
    worker.ask(m.ModelsRequest(), Asker())
    assert came.wait(5)
    assert isinstance(crashes[0].error, TypeError)
    worker.close()


def test_a_version_is_found_again_after_a_sync_gave_it_another_id(source: FakeSource) -> None:
    row = source.index.row(3)
    source.index.held.insert(0, version("a", "first", 1))
    answer = ask(source, m.DetailRequest(row))
    assert isinstance(answer, m.DetailReady)
    assert answer.version.name == row.name


def test_a_version_that_is_gone_is_said_to_be(source: FakeSource) -> None:
    row = source.index.row(3)
    del source.index.held[3]
    answer = ask(source, m.DetailRequest(row))
    assert isinstance(answer, m.Failed)
    assert "no longer in the index" in answer.error.message


def test_a_sought_version_gets_its_row_number(source: FakeSource) -> None:
    source.index.held = [version("prod", "m", n, created_at=float(n)) for n in range(1000)]
    answer = ask(source, m.RowsRequest(seek=("prod", "m", f"{700:08x}c0ffee")))
    assert isinstance(answer, m.RowsReady)
    assert answer.at == 299


@pytest.mark.parametrize(
    ("text", "scope", "query"),
    [
        ("", Scope(), ""),
        ("a | b", Scope("r"), '(a | b) registry:"r"'),
        ("", Scope("r", 'x"\\y'), 'registry:"r" model:"x\\"\\\\y"'),
    ],
)
def test_a_scope_joins_the_filter_without_changing_its_meaning(text: str, scope: Scope, query: str) -> None:
    assert scoped(text, scope) == query


def test_completion_offers_fields_names_and_values(source: FakeSource) -> None:
    def words(text: str) -> tuple[str, list[str]]:
        answer = ask(source, m.CompleteRequest(text, len(text)))
        assert isinstance(answer, m.CompleteReady)
        return answer.head, answer.words

    assert "metric." in words("me")[1]
    assert words("a -metric.l") == ("a -metric.", ["latency_ms", "loss"])
    assert words("registry:r") == ("registry:", ["risk-models"])
    assert words("model:")[1][0] == "bert-base-uncased"
    assert "model:churn" in words("chu")[1]


def test_a_lane_keeps_only_the_newest_of_what_waits() -> None:
    lane, gate, done = Lane("test"), threading.Event(), threading.Event()
    ran: list[int] = []

    def hold() -> None:
        gate.wait(5)

    lane.put("first", hold)
    for i in range(5):
        lane.put("same", lambda i=i: ran.append(i))  # type: ignore[misc]
    lane.put("last", done.set)
    gate.set()
    assert done.wait(5)
    assert ran == [4]
    lane.close()
    lane.put("late", lambda: ran.append(9))
    time.sleep(0.05)
    assert ran == [4]


def test_places_are_visited_as_in_a_browser() -> None:
    first, second, third = Place(Where.MODELS), Place(Where.SOURCES), Place(Where.MODELS, text="x")
    places = Places(first)
    places.visit(second)
    places.visit(second)
    assert places.step(-1) == first
    assert not places.can(-1)
    assert places.step(1) == second
    places.step(-1)
    places.visit(third)
    assert not places.can(1)
    assert places.here == third


def test_nobody_hears_of_what_ends_after_the_close(source: FakeSource) -> None:
    crashes: list[m.Crashed] = []
    worker, asker, gate = Worker(source, crashes.append, lambda: source.desk), Asker(), threading.Event()
    source.index.models = lambda query="": [gate.wait(5)]  # type: ignore[method-assign, list-item]
    worker.ask(m.ModelsRequest(), asker)
    worker.close()
    gate.set()
    time.sleep(0.1)
    assert not asker.answers
    assert not crashes


# --- a list that is longer or slower than a frame -------------------------------------------------------------------


async def test_a_page_that_misses_its_frame_comes_by_the_worker(make_app: MakeApp) -> None:
    held = [version("prod", "m", n, created_at=float(n)) for n in range(1000)]
    source = FakeSource(FakeIndex(held=held, slow=True))
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_seen(pilot, "v999")
        await pilot.press("G")
        await until_seen(pilot, "v0")
        table = app.screen.query_one("#table")
        assert getattr(table, "cursor", 0) == 999
        await pilot.press("g")
        await until_seen(pilot, "v999")


async def test_only_a_few_pages_are_kept(make_app: MakeApp) -> None:
    held = [version("prod", "m", n, created_at=float(n)) for n in range(128 * 70)]
    app = make_app(FakeSource(FakeIndex(held=held)))
    async with app.run_test(size=(80, 24)) as pilot:
        await until_seen(pilot, f"v{128 * 70 - 1}")
        screen = app.screen
        assert isinstance(screen, Models)
        for page in range(70):
            screen.table.row(page * 128)
        assert len(screen.table._pages) <= 64
        screen.table.row(0)
        assert screen.table.row(0) is not None


# --- sync -----------------------------------------------------------------------------------------------------------

CHILD = """
import json, signal, sys, time
print(json.dumps({"event": "started", "registries": ["prod"]}), flush=True)
print("no event", flush=True)
print(json.dumps({"event": "progress", "registry": "prod", "done": 400, "expected": 900, "rate": 120.0, "left": 4.2}),
      flush=True)
time.sleep(%s)
print(json.dumps({"event": "finished", "registry": "prod"}), flush=True)
sys.exit(%s)
"""


def child(seconds: float, code: int = 0) -> tuple[str, ...]:
    """Return a command that acts as a sync."""
    return (sys.executable, "-c", CHILD % (seconds, code))


async def test_a_sync_starts_by_itself_and_shows_how_far_it_is(source: FakeSource, make_app: MakeApp) -> None:
    source.fresh = ["prod"]
    app = make_app(source, sync=child(1.0))
    async with app.run_test(size=(120, 40)) as pilot:
        await until_seen(pilot, "syncing prod", "400 of 900", "120/s", "4 s left")
        source.index.held.append(version("prod", "newcomer", 1))
        await until_seen(pilot, "newcomer", "synced 2 min ago")
        assert app.session.sync is None


async def test_the_cursor_stays_on_its_version_while_others_come(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_seen(pilot, "v19")
        await pilot.press("j", "j")
        source.index.held.append(version("prod", "newcomer", 1, created_at=1.79e9))
        app.screen.post_message(m.Refresh())
        await until_seen(pilot, "newcomer")
        screen = app.screen
        assert isinstance(screen, Models)
        row = screen.table.row()
        assert row is not None
        assert row.name == "v17"


async def test_keys_are_answered_while_a_sync_runs(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, sync=child(5.0))
    async with app.run_test(size=(80, 24)) as pilot:
        await until_seen(pilot, "v19")
        await pilot.press("s")
        await until_seen(pilot, "syncing prod")
        await pilot.press("s")
        await until_seen(pilot, "A sync runs; esc on Sources cancels it.")
        await pilot.press("7")
        await until_seen(pilot, "sources", "400 of 900")
        await pilot.press("escape")
        await until(pilot, lambda: app.session.sync is None, "the end of the sync")
        assert "✘" not in seen(app)


async def test_a_sync_that_fails_says_why(source: FakeSource, make_app: MakeApp) -> None:
    failing = (sys.executable, "-c", "import sys; sys.stderr.write('the disk is full\\n'); sys.exit(8)")
    app = make_app(source, sync=failing)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_seen(pilot, "v19")
        await pilot.press("s")
        await until_seen(pilot, "✘ the disk is full")


async def test_a_sync_that_cannot_start_says_why(source: FakeSource, make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(source, sync=(str(tmp_path / "nowhere"),))
    async with app.run_test(size=(80, 24)) as pilot:
        await until_seen(pilot, "v19")
        await pilot.press("s")
        await until_seen(pilot, "could not be started")


def test_a_line_that_is_no_event_is_passed_over() -> None:
    for line in (
        b"",
        b"no",
        b"[1]",
        b'{"event": 3}',
        b"\xff\xfe",
        b'{"no": "event"}',
        b'{"event": "progress", "done": "x"}',
    ):
        assert step_of(line) is None


def test_every_event_of_a_sync_is_understood() -> None:
    from lineal.model.records import Problem
    from lineal.sync import events

    def step(event: events.Event) -> m.SyncStep | None:
        return step_of(msgspec.json.encode(event))

    assert step(events.Started(registries=("a",))) == m.SyncStep()
    assert step(events.Progress(registry="a", done=3, expected=9, rate=2.5, left=2.0)) == m.SyncStep(
        registry="a", done=3, total=9, rate=2.5, left=2.0
    )
    assert step(events.Finished(registry="a", added=3)) == m.SyncStep(registry="a", changed=True)
    assert step(events.Failed(registry="a", message="x")) == m.SyncStep(registry="a", changed=True, failed=True)
    assert step(events.Fingerprinting(files=1, of_files=2, bytes=3, of_bytes=4, rate=5e6)) == m.SyncStep(
        done=1, total=2, rate=5e6, hashing=True
    )
    assert step(events.Met(problem=Problem(registry="a", where="w", message="m"))) is not None
    assert step(events.Summary()) is not None


async def test_a_registry_that_cannot_be_read_is_named(source: FakeSource, make_app: MakeApp) -> None:
    failing = 'import sys; print(\'{"event": "failed", "registry": "prod", "message": "x"}\'); sys.exit(6)'
    app = make_app(source, sync=(sys.executable, "-c", failing))
    async with app.run_test(size=(80, 24)) as pilot:
        await until_seen(pilot, "v19")
        await pilot.press("s")
        await until_seen(pilot, "✘ prod could not be read; 7 says why")


# --- clipboard ------------------------------------------------------------------------------------------------------


def test_the_clipboard_is_reached_through_tmux() -> None:
    plain = clipboard.sequence("ä", {"TERM": "xterm"})
    assert plain == f"\x1b]52;c;{base64.b64encode('ä'.encode()).decode()}\x07"
    wrapped = clipboard.sequence("ä", {"TMUX": "/tmp/t,1,0"})
    assert wrapped == plain + "\x1bPtmux;\x1b" + plain + "\x1b\\"


def test_what_cannot_be_copied_is_said() -> None:
    assert clipboard.impossible("x", {"TERM": "linux"})
    assert clipboard.impossible("x" * 80_000, {"TERM": "xterm"})
    assert not clipboard.impossible("x", {"TERM": "xterm"})
    assert not clipboard.impossible("x", {"TERM": "screen", "TMUX": "1"})


async def test_copying_writes_to_the_terminal_and_says_so(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_seen(pilot, "fraud-scorer v19")
        written: list[str] = []
        driver = app._driver
        assert driver is not None
        driver.write = written.append  # type: ignore[method-assign, assignment]
        await pilot.press("y")
        await until_seen(pilot, "lineal show prod:fraud-scorer@v19")
        await pilot.press("enter")
        await until_seen(pilot, "copied  prod:fraud-scorer@v19")
        assert any("\x1b]52;c;" in text for text in written)


async def test_where_copying_is_impossible_the_text_is_shown(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, environ={"TERM": "linux"})
    async with app.run_test(size=(80, 24)) as pilot:
        await until_seen(pilot, "fraud-scorer v19")
        await pilot.press("y", "enter")
        await until_seen(pilot, "This terminal has no clipboard", "prod:fraud-scorer@v19", "Select it with the mouse")


async def test_an_error_of_a_screen_keeps_the_application(source: FakeSource, make_app: MakeApp) -> None:
    source.broken = True
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_seen(pilot, "fraud-scorer v19")
        await pilot.press("4", "x")
        await until_seen(pilot, "✘ the server is away", "try again")
        await pilot.press("1")
        await until_seen(pilot, "everything")
        assert "charts" not in screen_text(app)[0]


def test_the_fake_holds_what_the_tests_say() -> None:
    assert len(small()) == 31
