"""A message is made of its fields, as a dataclass is."""

from __future__ import annotations

from typing import Any

import pytest

from lineal_tui.saying import Said


class Step(Said, bubble=False):
    name: str
    done: int = 0


class Wider(Step):
    rate: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        self.shown = f"{self.name} {self.done}"


def test_fields_are_taken_by_place_and_by_name_and_have_defaults() -> None:
    assert (Step("sync").name, Step("sync").done, Step("sync", done=3).done) == ("sync", 0, 3)
    assert Step.bubble is False
    wide = Wider("sync", 2, rate=1.0)
    assert (wide.name, wide.done, wide.rate, wide.shown) == ("sync", 2, 1.0, "sync 2")
    assert wide.handler_name == "on_wider"


@pytest.mark.parametrize(
    ("values", "named"), [((), {}), (("a", 1, 2), {}), (("a",), {"name": "b"}), (("a",), {"rate": 1})]
)
def test_what_is_wanting_too_much_or_unknown_is_an_error(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="Step takes name, done"):
        Step(*values, **named)
