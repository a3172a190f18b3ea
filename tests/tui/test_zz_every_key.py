"""No key of the table is without a test that presses it; the last file here, for the others press."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineal_tui import keys
from lineal_tui.keys import Where
from tests.tui.pressing import PRESSED

OFF = {(Where.SOURCES, "details"), (Where.SOURCES, "lineage")}
"""What is always off, for no version is under the cursor; a screen is not gone to from itself either."""


def test_every_key_of_the_table_was_pressed_on_every_screen_that_has_it(request: pytest.FixtureRequest) -> None:
    here = Path(__file__).parent
    ran = {item.path for item in request.session.items}
    if missing := {path.name for path in here.glob("test_*.py")} - {path.name for path in ran if path.parent == here}:
        pytest.skip(f"needs all tests of screens; without {', '.join(sorted(missing))}")
    own = {(where, "compare_screen" if where is Where.COMPARE else where.value) for where in Where}
    table = {(where, key.id) for key in keys.TABLE for where in key.where} - own - OFF
    assert "\n".join(sorted(f"{where} {key}" for where, key in table - PRESSED)) == ""
