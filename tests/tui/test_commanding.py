"""The command line on every screen: what it takes, completes, refuses, runs and previews, as a person types it."""

from __future__ import annotations

import sys
import time

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from lineal.cli.root import VERBS
from lineal.errors import Error
from lineal_tui import commands, parsing
from lineal_tui.acts import Deed
from lineal_tui.commands import CommandRequest, Previews, Refused, Runs, WordsRequest
from lineal_tui.keys import SCREENS, Where
from lineal_tui.messages import RunWanted
from lineal_tui.screens.commanding import CommandLine
from lineal_tui.screens.dialog import Quit
from lineal_tui.screens.output import Output
from lineal_tui.screens.preview import Preview
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource
from tests.tui.seeing import until, until_seen
from tests.tui.test_screens import opened, press

SAYS = (sys.executable, "-S", "-c", "import sys; print('ran', sys.argv[1:])")
WORDS = tuple(VERBS)


async def line(pilot: Pilot[int], typed: str = "") -> Input:
    """Open the command line, and type."""
    await press(pilot, "colon")
    await until(pilot, lambda: isinstance(pilot.app.screen, CommandLine), "the command line")
    await until(pilot, lambda: isinstance(pilot.app.focused, Input), "the cursor in it")
    field = pilot.app.screen.query_one(Input)
    field.value = typed
    field.cursor_position = len(typed)
    await pilot.pause()
    return field


async def command(pilot: Pilot[int], typed: str) -> None:
    """Type a command and press enter."""
    await line(pilot, typed)
    await press(pilot, "enter")


# --- what it takes ------------------------------------------------------------------------------------------------


async def test_a_command_runs_with_its_words_and_the_version_under_the_cursor(
    source: FakeSource, make_app: MakeApp
) -> None:
    app = make_app(source, verbs=SAYS)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await line(pilot)
        await until_seen(pilot, "% is prod:fraud-scorer@v19", "enter runs · esc")
        await press(pilot, "escape")
        await command(pilot, "lineal show % 'a  b' $HOME;ls")
        await until_seen(pilot, "ran ['show', 'prod:fraud-scorer@v19', 'a  b'", "'$HOME;ls']", "exit code 0: done")
        assert isinstance(app.screen, Output)
        await press(pilot, "escape")
        await until(pilot, lambda: app.screen.id == "models" or len(app.screen_stack) == 1, "the end of the output")
        assert app.session.commands == ["lineal show % 'a  b' $HOME;ls"]
        field = await line(pilot, "who x")
        await press(pilot, "up")
        assert field.value == "lineal show % 'a  b' $HOME;ls"
        await press(pilot, "down")
        assert field.value == "who x"


@pytest.mark.parametrize("where", [where for where in SCREENS if where is not Where.COMPARE])
async def test_it_is_there_on_every_screen(source: FakeSource, make_app: MakeApp, where: Where) -> None:
    app = make_app(source, verbs=SAYS)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        if where is not Where.MODELS:
            await press(pilot, str(list(SCREENS).index(where) + 1))
            await until(pilot, lambda: app.screen.id == where.value, "the screen")
        await command(pilot, "inbox")
        await until_seen(pilot, "ran ['inbox']", "exit code 0: done")
        await press(pilot, "q")
        await until(pilot, lambda: not isinstance(app.screen, Output), "the screen again")


async def test_words_are_completed_and_shown(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, verbs=SAYS)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        field = await line(pilot, "lin")
        await until_seen(pilot, "lineage")
        await press(pilot, "tab")
        assert field.value == "lineage "
        await until_seen(pilot, "prod:fraud-scorer")
        field.value += "--gr"
        field.cursor_position = len(field.value)
        await until_seen(pilot, "--graph", "Lanes as in")
        await press(pilot, "tab")
        assert field.value == "lineage --graph "
        await press(pilot, "escape")
        assert not isinstance(app.screen, CommandLine)


async def test_what_is_wrong_is_said_and_the_line_stays(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, verbs=SAYS)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        field = await line(pilot, "prmote x")
        await press(pilot, "enter")
        await until_seen(pilot, "No such command 'prmote'. Did you mean 'promote'?")
        for typed, said in (
            ("ls 'open", "No closing quotation"),
            ("promote x", "Missing option '--to'"),
            ("promote fraud-scorer@v99 --to prod", "there is no fraud-scorer@v99"),
            ("serve", "serve is not run here"),
            ("demo", "demo is not run here"),
            ("completion bash", "completion is not run here"),
            ("-C /tmp", "Lineal in Lineal"),
            ("lineal --plain", "Lineal in Lineal"),
        ):
            field.value = typed
            await press(pilot, "enter")
            await until_seen(pilot, said)
            assert field.value == typed
        assert app.session.commands == []


async def test_the_line_leaves_and_helps(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, verbs=SAYS)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await command(pilot, "help")
        await until_seen(pilot, "ran ['--help']", "exit code 0")
        await press(pilot, "escape")
        await press(pilot, "7")
        await until(pilot, lambda: app.screen.id == "sources", "sources")
        await command(pilot, "q")
        await until(pilot, lambda: app.session.places.here.where is Where.MODELS, "models again")
        await command(pilot, "q")
        await until(pilot, lambda: isinstance(app.screen, Quit), "the question")


# --- plans --------------------------------------------------------------------------------------------------------


async def test_a_promotion_shows_its_plan_and_only_the_key_confirms_it(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, verbs=SAYS)
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        await command(pilot, "promote % --to prod -m 'better on the holdout'")
        await until(pilot, lambda: isinstance(app.screen, Preview) and app.screen.pane.plan is not None, "the plan")
        assert isinstance(app.screen, Preview)
        plan = app.screen.pane.plan
        assert plan is not None
        assert plan.alias == "prod"
        await press(pilot, "enter")
        assert source.desk.did == []
        await command(pilot, "promote % --to prod -m 'better on the holdout'")
        await until(pilot, lambda: isinstance(app.screen, Preview) and app.screen.pane.plan is not None, "the plan")
        await press(pilot, "P")
        await until(pilot, lambda: len(source.desk.did) == 1, "the promotion")


async def test_a_plan_without_a_key_is_run_dry_and_that_is_said(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, verbs=SAYS)
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        await command(pilot, "register % --as fraud")
        await until_seen(pilot, "ran ['register', '--dry-run', 'prod:fraud-scorer@v19', '--as', 'fraud']")
        await until_seen(pilot, "nothing was changed", "--yes carries out register")


def meant(source: FakeSource, typed: str, *, page: bool = False, read_only: str = "") -> commands.Outcome:
    words = tuple(commands.split(typed, source.index.row(19)))
    answer = parsing.answer(CommandRequest(words, page, read_only), source)
    assert isinstance(answer, commands.CommandReady)
    return answer.outcome


def test_verbs_mean_what_their_keys_do(source: FakeSource) -> None:
    row = source.index.row(19)
    named = commands.reference(row)
    cases: dict[str, dict[str, object]] = {
        "alias % best": {"deed": Deed.ALIAS, "alias": "best", "removes": ()},
        "alias % best --remove": {"deed": Deed.ALIAS, "alias": "best", "removes": ("best",)},
        "tag % owner=mira 'why=a b' --remove old": {
            "deed": Deed.TAG, "sets": (("owner", "mira"), ("why", "a b")), "removes": ("old",),
        },
        "request % --for prod": {"deed": Deed.REQUEST, "alias": "prod"},
        "approve % --for prod -m fine": {"deed": Deed.APPROVE, "alias": "prod", "text": "fine"},
        "reject % --for prod -m bad": {"deed": Deed.REJECT, "alias": "prod", "text": "bad"},
        "note % 'has duplicates'": {"deed": Deed.NOTE, "text": "has duplicates"},
        f"rollback {named} --alias prod -m slow": {"deed": Deed.ROLLBACK, "alias": "prod", "text": "slow", "to": None},
        "undo e5 -m wrong": {"deed": Deed.UNDO, "event": "e5", "text": "wrong"},
        "resume": {"deed": Deed.RESUME},
    }  # fmt: skip
    for typed, fields in cases.items():
        outcome = meant(source, typed)
        assert isinstance(outcome, Previews), typed
        for name, value in fields.items():
            assert getattr(outcome.request, name) == value, (typed, name)
        if outcome.request.deed not in (Deed.UNDO, Deed.RESUME):
            assert outcome.request.row == row
    blocked = meant(source, "promote % --to prod --override 'on call'")
    assert isinstance(blocked, Previews)
    assert blocked.override == "on call"


def test_what_was_said_outright_is_run_as_it_was_typed(source: FakeSource) -> None:
    assert meant(source, "promote x --to prod --yes") == Runs(("promote", "x", "--to", "prod", "--yes"), changes=True)
    assert meant(source, "undo --dry-run") == Runs(("undo", "--dry-run"))
    assert meant(source, "ls 'metric.auc>=0.9'") == Runs(("ls", "metric.auc>=0.9"))
    assert meant(source, "gc --grace 1 --yes") == Runs(("gc", "--grace", "1", "--yes"), changes=True)
    assert meant(source, "help promote") == Runs(("promote", "--help"))
    assert meant(source, "--no-sync commit x --model y") == Runs(
        ("--no-sync", "commit", "x", "--model", "y"), changes=True
    )
    assert isinstance(meant(source, "gc"), Runs)
    assert "--dry-run" in getattr(meant(source, "gc"), "words", ())
    assert isinstance(meant(source, "tag % nonsense"), Refused)
    assert isinstance(meant(source, "note %"), Refused)


async def test_keys_that_come_too_fast_run_nothing_that_changes(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, verbs=SAYS)
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        await line(pilot, "gc --yes")
        app.session.hurried_at = time.monotonic() + 60  # as a paste, or a key that is held down, leaves it
        await press(pilot, "enter")
        await until_seen(pilot, "too fast to be meant")
        assert isinstance(app.screen, CommandLine)
        app.session.hurried_at = time.monotonic() - 1
        await press(pilot, "enter")
        await until_seen(pilot, "ran ['gc', '--yes']", "exit code 0")


async def test_a_reason_typed_for_a_blocked_plan_is_taken_over(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, verbs=SAYS)
    async with app.run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        await command(pilot, "promote % --to prod --override 'on call, agreed'")
        await until(pilot, lambda: isinstance(app.screen, Preview) and app.screen.pane.plan is not None, "the plan")
        assert isinstance(app.screen, Preview)
        plan = app.screen.pane.plan
        assert plan is not None
        assert app.screen.pane.face.override == ("on call, agreed" if plan.blocked else "")


# --- what must not be ---------------------------------------------------------------------------------------------

_CHANGES = (
    "commit x --model y", "import %", "promote % --to prod", "promote % --to prod --yes", "undo --yes", "trust --yes",
    "note % x", "register %", "gc --yes", "registry add /x", "remote add a b", "push nas", "retire % -m x",
    "policy init", "resume", "resume x", "-C /tmp gc --yes", "clone x y",
)  # fmt: skip


@pytest.mark.parametrize("typed", _CHANGES)
def test_where_nothing_may_be_changed_nothing_is(source: FakeSource, typed: str) -> None:
    outcome = meant(source, typed, read_only="LINEAL_READ_ONLY is set")
    assert outcome == Refused("read-only: LINEAL_READ_ONLY is set")
    assert isinstance(meant(source, typed, page=True, read_only="page"), Refused)


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize(
    "typed",
    [
        "get % /tmp/x", "cat % x", "export % /tmp/x", "report % --for prod -o /tmp/x", "check % --for prod",
        "savings /etc", "doctor", "verify", "stats --store /x", "policy test /etc/passwd", "ci show /etc/passwd",
        "commit /etc/passwd --model x", "registry add /etc", "-C / ls", "--workspace / ls", "-C/ ls",
        "--index /tmp/x.db ls", "--index=/tmp/x.db ls", "--no-sync -C / ls", "--plain ls", "trust --yes",
        "-C / promote % --to prod", "-C / promote % --to prod --yes",
        "ls -- --help -C /x get", "restore % --branch x --yes",
        "import --help -- x", "get -h --file x",
    ],
)  # fmt: skip
def test_a_page_reaches_no_file_of_its_host(source: FakeSource, typed: str, write: bool) -> None:
    outcome = meant(source, typed, page=True, read_only="" if write else "a page")
    allowed = isinstance(outcome, Runs) and outcome.words[0] == "ls"  # whose words are but a query
    assert isinstance(outcome, Refused) or allowed, outcome


def test_a_page_shows_what_its_screens_show_and_plans_where_it_may_write(source: FakeSource) -> None:
    shown = ("ls x", "show %", "diff % %", "lineage %", "who a@b", "log", "inbox", "registry ls", "help")
    for typed in (*shown, "--no-sync ls"):
        assert isinstance(meant(source, typed, page=True, read_only="a page"), Runs), typed
    assert isinstance(meant(source, "promote % --to prod", page=True), Previews)
    assert isinstance(meant(source, "promote % --to prod --yes", page=True), Runs)
    offered = parsing.answer(WordsRequest("", 0, page=True), source)
    assert isinstance(offered, commands.WordsReady)
    verbs = {word for word, _ in offered.words}
    assert {"ls", "who", "promote"} <= verbs
    assert not {"get", "cat", "commit", "serve", "doctor"} & verbs


async def test_a_page_is_read_only_before_anything_else_is_known(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, verbs=SAYS, environ={"TERM": "xterm-256color", "LINEAL_READ_ONLY": "page"})
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        app.session.standing = None
        await command(pilot, "gc --yes")
        await until_seen(pilot, "read-only: `lineal serve --write`")
        await press(pilot, "escape")
        app.post_message(RunWanted(("get", "x", "/tmp/y")))
        await until_seen(pilot, "Read-only: `lineal serve --write`")
        assert app.session.sync is None


async def test_read_only_mode_holds_and_reading_goes_on(source: FakeSource, make_app: MakeApp) -> None:
    source.desk.read_only = "lineal.toml says read_only = true"
    app = make_app(source, verbs=SAYS)
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        await until(pilot, lambda: app.session.standing is not None, "who is here")
        field = await line(pilot, "promote % --to prod")
        await press(pilot, "enter")
        await until_seen(pilot, "read-only: lineal.toml says read_only = true")
        field.value = "ls"
        await press(pilot, "enter")
        await until_seen(pilot, "ran ['ls']")


def test_every_verb_is_either_run_or_refused_with_a_reason(source: FakeSource) -> None:
    assert {name.split()[0] for name in commands.READS} <= set(VERBS)
    for verb in WORDS:
        try:
            outcome = meant(source, verb)
        except Error:
            continue
        assert outcome, verb
        if isinstance(outcome, Refused):
            assert outcome.why


def test_lines_with_secrets_or_a_space_before_them_are_not_kept() -> None:
    lines: list[str] = []
    for typed in ("ls", " who a@b", "registry add https://me:pw@host", "note x 'password=1'", "ls", "", "log"):
        lines = commands.remembered(lines, typed)
    assert lines == ["ls", "log"]
    for i in range(commands.KEPT + 5):
        lines = commands.remembered(lines, f"ls {i}")
    assert len(lines) == commands.KEPT
    assert lines[-1] == f"ls {commands.KEPT + 4}"
