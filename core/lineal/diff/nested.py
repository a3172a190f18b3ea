"""Lists and mappings inside parameters: whether they are the same, and where they are not.

DeepDiff explains; it is asked only for small values that are known to differ. Its traps, each of them measured:
`significant_digits` hides 1e-4 -> 2e-4, so floats are compared here; `threshold_to_diff_deeper` must be 0 or small
mappings are replaced whole; `ignore_private_variables` skips keys with two underscores; NaN differs from itself
without `ignore_nan_inequality`; `ignore_order` takes seconds on 2,000 texts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lineal.diff.numbers import CLOSE
from lineal.model.values import Value

if TYPE_CHECKING:
    from deepdiff import DeepDiff
    from deepdiff.model import DiffLevel

_DEEPEST = 200  # levels; parsers allow fewer
_LARGEST = 300  # parts that a value has when DeepDiff explains it; a text counts one more for each 100 characters
_EXPLAINED = 40  # levels that DeepDiff is given: it takes several frames for each
_SHOWN = 3  # places named in an explanation
_CUT = 40  # characters of a value in an explanation
_FLAT = (int, float, str, bool)
_JSON = (*_FLAT, list, dict, type(None))
_KINDS = (
    "type_changes",
    "values_changed",
    "dictionary_item_added",
    "iterable_item_added",
    "dictionary_item_removed",
    "iterable_item_removed",
)


def same(left: Value, right: Value, depth: int = 0) -> bool:
    """Say whether two values are the same, types included; floats may differ by rounding, NaN is itself."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float) and isinstance(right, float):
        return left == right or math.isclose(left, right, rel_tol=CLOSE) or (math.isnan(left) and math.isnan(right))
    if depth >= _DEEPEST:
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(a, b, depth + 1) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key], depth + 1) for key in left)
    return left == right


class Explainer:
    """Says in a few words where two lists or mappings differ, as in `[1] 64 → 128, +[3] 32`.

    One that has explained so much that a comparison would become slow only counts from then on.
    """

    def __init__(self, budget: int = 4_000) -> None:
        self._left = budget  # parts

    def explain(self, base: Value, value: Value) -> str:
        """Return the first places that differ, or their number where there are too many parts to look at."""
        parts = _parts(base) + _parts(value)
        if parts > min(2 * _LARGEST, self._left):
            return _counted(base, value)
        self._left -= parts
        places = _places(base, value) or ["equal but for the types of parts"]  # DeepDiff takes [1] for [1.0]
        more = f", and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
        return ", ".join(places[:_SHOWN]) + more


def _parts(value: Value) -> int:
    """Count what DeepDiff would look at, not further than matters; too much where it would go too deep."""
    count = 0
    waiting: list[tuple[Value, int]] = [(value, 0)]
    while waiting and count <= 2 * _LARGEST:
        part, depth = waiting.pop()
        count += 1 + (len(part) // 100 if isinstance(part, str) else 0)
        if depth > _EXPLAINED:
            return 2 * _LARGEST + 1
        if isinstance(part, list | dict):
            waiting.extend((inner, depth + 1) for inner in (part if isinstance(part, list) else part.values()))
    return count


def _counted(base: Value, value: Value) -> str:
    if isinstance(base, list) and isinstance(value, list):
        differ = sum(not same(a, b) for a, b in zip(base, value, strict=False)) + abs(len(base) - len(value))
        return f"{differ:,} of {max(len(base), len(value)):,} places differ"
    return "differ in many places"


def _places(base: Value, value: Value) -> list[str]:
    """Return where two values differ; flat lists in which nothing moved need no DeepDiff, which takes 0.3 ms."""
    if isinstance(base, list) and isinstance(value, list) and (places := _replaced(base, value)):
        return places
    return _deep_places(base, value)


def _replaced(base: list[Any], value: list[Any]) -> list[str]:
    """Return the places of equally long flat lists, unless something of what was there is elsewhere now."""
    if len(base) != len(value) or not all(isinstance(part, _FLAT) for part in (*base, *value)):
        return []
    pairs = [(at, a, b) for at, (a, b) in enumerate(zip(base, value, strict=True)) if not same(a, b)]
    if not {a for _, a, _ in pairs}.isdisjoint([b for *_, b in pairs]):
        return []
    return [f"[{at}] {_short(a)} → {_short(b)}" for at, a, b in pairs]


def _deep_places(base: Value, value: Value) -> list[str]:
    from deepdiff import DeepDiff

    found: DeepDiff = DeepDiff(
        base,
        value,
        view="tree",
        threshold_to_diff_deeper=0,
        ignore_private_variables=False,
        ignore_nan_inequality=True,
    )
    levels = (level for kind in _KINDS for level in found.get(kind, ()))
    return [_place(level) for level in levels if not same(level.t1, level.t2)]


def _place(level: DiffLevel) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in level.path(output_format="list"))
    name = path.removeprefix(".") or "value"
    before, after = (_short(side) for side in (level.t1, level.t2))
    if before is None:
        return f"+{name} {after}"
    return f"−{name}" if after is None else f"{name} {before} → {after}"


def _short(value: Any) -> str | None:
    """Write a value in a few characters; None stands for a part that is not there."""
    if not isinstance(value, _JSON):  # DeepDiff's sign for it
        return None
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _CUT else f"{text[: _CUT - 1]}…"
