"""The key table is whole: every key has help, none clashes, every one is answered by its screen."""

from __future__ import annotations

import pytest
from textual.binding import Binding

from lineal_tui import keys
from lineal_tui.acts import Deed
from lineal_tui.keys import SCREENS, Where
from lineal_tui.present import bars
from lineal_tui.present.ink import width
from lineal_tui.screens.charts import Charts
from lineal_tui.screens.compare import Compare
from lineal_tui.screens.history import History
from lineal_tui.screens.lineage import Lineage
from lineal_tui.screens.models import Models
from lineal_tui.screens.preview import Preview
from lineal_tui.screens.review import Review
from lineal_tui.screens.room import Room
from lineal_tui.screens.sources import Sources

ROOMS: dict[Where, type[Room]] = {
    Where.MODELS: Models, Where.LINEAGE: Lineage, Where.COMPARE: Compare, Where.CHARTS: Charts,
    Where.REVIEW: Review, Where.HISTORY: History, Where.SOURCES: Sources,
}  # fmt: skip
_MOVES = {key.id for key in keys.MOVES} - {"next_pane", "previous_pane"}


def test_every_key_says_what_it_does() -> None:
    for key in keys.TABLE:
        assert key.help.endswith("."), key.id
        assert key.label, key.id
        assert key.shown, key.id
        assert key.keys, key.id


@pytest.mark.parametrize("where", list(Where))
def test_no_key_means_two_things_on_one_screen(where: Where) -> None:
    names = [name for key in keys.of(where) for name in key.keys]
    assert len(names) == len(set(names))
    ids = [key.id for key in keys.of(where)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("where", SCREENS)
def test_every_key_of_a_screen_is_answered_by_it(where: Where) -> None:
    for key in keys.of(where):
        assert key.id in _MOVES or callable(getattr(ROOMS[where], f"do_{key.id}", None)), key.id


@pytest.mark.parametrize("where", SCREENS)
def test_a_screen_binds_the_keys_of_the_table_and_no_others(where: Where) -> None:
    bound = {b.key for b in ROOMS[where].BINDINGS if isinstance(b, Binding)}
    assert bound == {name for key in keys.of(where) for name in key.keys}


def test_keys_that_terminal_multiplexers_need_stay_free() -> None:
    assert not {"ctrl+b", "ctrl+a"} & {name for key in keys.TABLE for name in key.keys}


def test_lower_case_letters_and_screens_are_those_of_the_design() -> None:
    numbers = {name for key in keys.TABLE for name in key.keys if name.isdigit()}
    assert numbers == {"1", "2", "3", "4", "5", "6", "7"}


def test_upper_case_changes_the_world_and_lower_case_never_does() -> None:
    names = {name: key for key in keys.TABLE for name in key.keys if len(name) == 1 and name.isalpha()}
    upper = {name for name in names if name.isupper()} - {"G", "N"}  # these two only move
    assert upper == set("PTARUVYXW")
    assert {names[name].group for name in upper} == {keys.Group.CHANGE}
    changing = {key.id for key in keys.TABLE if key.group is keys.Group.CHANGE}
    assert changing - {deed.value for deed in Deed} == {"override"}  # which but asks for a reason


def test_every_deed_has_its_key_and_the_preview_confirms_with_it() -> None:
    bound = {b.key for b in Preview.BINDINGS if isinstance(b, Binding)}
    assert bound == {name for key in keys.of(Where.PREVIEW) for name in key.keys}
    for deed in set(Deed) - {Deed.RESUME}:
        found = [key for key in keys.TABLE if key.id == deed.value]
        assert {where for key in found for where in key.where} == set(SCREENS) - {Where.SOURCES} | {Where.PREVIEW}


@pytest.mark.parametrize("cells", [60, 80, 160, 200])
@pytest.mark.parametrize("where", SCREENS)
def test_the_footer_fits_and_keeps_help(where: Where, cells: int) -> None:
    line = bars.footer(keys.of(where), lambda key: "", cells)
    assert width(line) <= cells
    assert any(span.text == "?" for span in line)


def test_the_footer_leaves_out_what_is_off() -> None:
    line = bars.footer(keys.of(Where.MODELS), lambda key: "why" if key == "mark" else "", 80)
    assert "space" not in [span.text for span in line]


def test_the_help_shows_every_key_and_why_one_is_off() -> None:
    table = keys.of(Where.MODELS)
    said = "\n".join(
        "".join(span.text for span in line)
        for line in bars.help_lines(table, lambda key: "nothing is marked" if key == "compare" else "", 200)
    )
    assert all(key.help in said for key in table)
    assert said.count("off: nothing is marked") == 1


def test_the_documentation_is_written_from_the_table() -> None:
    said = keys.markdown()
    assert said.count("\n") == len(keys.TABLE) + 2
