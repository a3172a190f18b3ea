"""A person's own keys: what may be pressed for what, what is refused and why, and how the application shows it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lineal.config import Surroundings, load
from lineal.errors import ConfigError
from lineal.model.text import UNSAFE
from lineal.opening import open_anyway
from lineal_tui import keymap, keys
from lineal_tui.keymap import applied, shown
from lineal_tui.keys import Where
from tests.sources.checkpoints import safetensors
from tests.tui.wire import ROOT, wired

NAMES = "write a character, or a name such as f5, ctrl+x or shift+tab"


def held(table: tuple[keys.Key, ...], id_: str) -> tuple[str, ...]:
    """Return what is pressed for an id."""
    return next(key.keys for key in table if key.id == id_)


def test_a_key_is_moved_shown_and_leaves_the_others_alone() -> None:
    table, said = applied(keys.TABLE, {"compare": ("C",), "page_down": ("ctrl+f", "f5"), "help": ("f1", "?")})
    assert said == []
    assert held(table, "compare") == ("C",)
    assert held(table, "page_down") == ("ctrl+f", "f5")
    assert held(table, "help") == ("f1", "question_mark")
    named = {key.id: key.shown for key in table}
    assert (named["compare"], named["page_down"], named["help"]) == ("C", "^f f5", "f1 ?")
    moved = {"compare", "page_down", "help"}
    assert [key for key in table if key.id not in moved] == [key for key in keys.TABLE if key.id not in moved]


def test_a_key_can_be_off_and_two_can_change_places() -> None:
    table, said = applied(keys.TABLE, {"theme": (), "filter": (":",), "sift": (":",), "command": ("/",)})
    assert said == []
    assert held(table, "theme") == ()
    assert (held(table, "filter"), held(table, "command")) == (("colon",), ("slash",))


def test_what_leaves_and_answers_a_dialog_stays_beside_what_is_wanted() -> None:
    table, said = applied(keys.TABLE, {"back": ("b",), "cancel": ()})
    assert said == ["back: b is baseline on compare"]
    assert "escape" in held(table, "cancel")
    table, said = applied(keys.TABLE, {"back": ("backspace",)})
    assert said == []
    assert held(table, "back") == ("escape", "backspace")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"comprae": ("C",)}, "`comprae` is no key's id; did you mean `compare`?"),
        ({"compare": ("cmd+c",)}, "compare: `cmd+c` is no key; " + NAMES),
        ({"compare": ("ctrl+ctrl+x",)}, "compare: `ctrl+ctrl+x` is no key; " + NAMES),
        ({"compare": ("<any>",)}, "compare: `<any>` is no key; " + NAMES),
        ({"compare": ("\n",)}, "compare: `\\n` is no key; " + NAMES),
        ({"compare": ("ctrl+c",)}, "compare: ^c copies a selection"),
        ({"compare": ("escape",)}, "compare: esc keeps its meaning: dialogs are left and answered by it"),
        ({"promote": ("enter",)}, "promote: enter keeps its meaning: dialogs are left and answered by it"),
        ({"promote": ("space",)}, "promote: space is pressed too easily for what changes something"),
        ({"promote": ("j",)}, "promote: j is down on models"),
        ({"compare": ("s",)}, "compare: s is sync on models"),
        ({"compare": ("a",) * 9}, "compare: 9 keys are too many; 8 are the most"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_and_the_key_stays(wanted: dict[str, tuple[str, ...]], said: str) -> None:
    table, wrong = applied(keys.TABLE, {**wanted, "theme": ("f9",)})
    assert wrong == [said]
    assert held(table, "theme") == ("f9",)
    assert [key for key in table if key.id != "theme"] == [key for key in keys.TABLE if key.id != "theme"]


def test_what_is_no_key_is_said_without_its_control_characters() -> None:
    _, wrong = applied(keys.TABLE, {"\x1b[2J": ("C",), "compare": ("\x1b]0;x\x07", "\u202e" * 500)})
    assert len(wrong) == 2
    assert not any(UNSAFE.search(one) for one in wrong)
    assert max(map(len, wrong)) < 200


def test_of_two_that_want_the_same_one_gets_it() -> None:
    table, said = applied(keys.TABLE, {"compare": ("f6",), "filter": ("f6",)})
    assert said == ["filter: f6 is compare on models"] or said == ["compare: f6 is filter on models"]
    assert sorted((held(table, "compare"), held(table, "filter"))) in ([("f6",), ("slash",)], [("c",), ("f6",)])


@pytest.mark.parametrize("where", list(Where))
def test_whatever_is_wanted_no_key_means_two_things(where: Where) -> None:
    wanted = {key.id: (name,) for key, name in zip(keys.TABLE, "abcdefghijklmnopqrstuvwxyzABCDEFGH" * 4, strict=False)}
    table, _ = applied(keys.TABLE, wanted)
    names = [name for key in table if where in key.where for name in key.keys]
    assert len(names) == len(set(names))


def test_keys_are_written_as_people_know_them() -> None:
    assert [shown(name) for name in ("ctrl+x", "shift+tab", "question_mark", "pageup", "F", "f5", "alt+left")] == [
        "^x", "⇧tab", "?", "pgup", "F", "f5", "⌥←",
    ]  # fmt: skip


# --- in the configuration ---


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, Path]:
    """A workspace with two checkpoints, and a home."""
    work, home = tmp_path / "work", tmp_path / "home"
    for name in ("one", "two"):
        safetensors(work / "runs" / name / "a.safetensors", {"x": b"1234"}, {"lr": "0.1"})
    (home / ".config" / "lineal").mkdir(parents=True)
    return work, home


def write(home: Path, text: str) -> None:
    (home / ".config" / "lineal" / "config.toml").write_text(text)


def test_a_project_moves_nobodys_keys(place: tuple[Path, Path]) -> None:
    work, home = place
    around = Surroundings(work, home, {})
    write(home, '[keys]\ncompare = "C"\npage_down = ["ctrl+f", "f5"]\ntheme = ""\n')
    assert load(around).keys == {"compare": ("C",), "page_down": ("ctrl+f", "f5"), "theme": ()}
    (work / "lineal.toml").write_text('[keys]\npromote = "y"\n')
    with pytest.raises(ConfigError, match="keys are a person's own") as caught:
        load(around)
    assert "config.toml" in caught.value.hint
    with open_anyway(around=around) as opened:
        assert opened.config.keys["compare"] == ("C",)


def test_the_application_binds_shows_and_reports_them(place: tuple[Path, Path]) -> None:
    work, home = place
    write(home, '[keys]\nsources = "f7"\nhelp = "H"\nsort = "ctrl+c"\ncolumns = "s"\nmark = "f2"\ncompare = "C"\n')
    with wired(folder=work, home=home, TERM="xterm-256color") as wire:
        wire.see("everything", "[keys] sort: ^c copies a selection (and 1 more: lineal doctor)", "H keys")
        wire.type(b"7")
        wire.type(b"\x1b[18~")
        wire.see("checkpoints", "sources")
        wire.type(b"1")
        wire.see("o sort")
        wire.type(b"H")
        wire.see("off: mark where the range begins with f2 first", "C       Compare the marked versions")


def run(place: tuple[Path, Path], *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run the real program."""
    work, home = place
    path = os.pathsep.join(str(ROOT / part) for part in ("core", "tui"))
    environ = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": path, "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [sys.executable, "-m", "lineal_tui.main", *words],
        cwd=work, env=environ, input=typed, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_doctor_finds_what_is_wrong_with_them(place: tuple[Path, Path]) -> None:
    write(place[1], '[keys]\ncompare = "s"\n')
    done = run(place, "doctor")
    assert done.returncode == 1
    assert "compare: s is sync on models" in done.stdout
    write(place[1], '[keys]\ncompare = "C"\n')
    done = run(place, "doctor")
    assert "1 of your own" in done.stdout
    assert done.returncode == 0


def test_text_mode_takes_and_tells_them(place: tuple[Path, Path]) -> None:
    write(place[1], '[keys]\nsources = "f7"\nhelp = "H"\ncompare = "s"\n')
    done = run(place, "--plain", typed="H\nf7\nquit\n")
    assert "A key stays as it was: compare: s is sync on models." in done.stdout.splitlines()
    assert "sources> " in done.stdout


def test_without_keys_of_ones_own_nothing_is_loaded_for_them(place: tuple[Path, Path]) -> None:
    assert keymap.use({}) == []
    code = "import sys, lineal_tui.main, lineal_tui.app; print('lineal_tui.keymap' in sys.modules)"
    path = os.pathsep.join(str(ROOT / part) for part in ("core", "tui"))
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
