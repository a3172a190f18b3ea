"""Parameters: flat dotted names compared directly; only values that are lists or mappings are looked into."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from lineal.diff.columns import DEEP, Column, columns
from lineal.diff.nested import Explainer, same
from lineal.diff.numbers import number, step
from lineal.diff.table import Frame, Judge, tabulate
from lineal.model.diff import Cell, Facet, Section, Verdict
from lineal.model.values import Param, Value
from lineal.model.version import Version

_KINDS = {
    bool: "a truth value",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a mapping",
}


def params(versions: Sequence[Version], frame: Frame, most: int = 0) -> Section:
    """Compare hyperparameters by dotted name, minding types: 1, 1.0 and "1" are three values.

    Rows beyond `most` are only counted, if it is not 0. Between registries of which one keeps text only, a text that
    reads as the other's number is the same.
    """
    loose = len({version.registry for version in versions}) > 1
    found = columns([version.params for version in versions])
    return tabulate(found, _Params(loose, found[frame.baseline]), frame, most=most).section(Facet.PARAMS)


class _Params(Judge[Param]):
    def __init__(self, loose: bool, base: Column) -> None:
        self.loose = loose
        self.explainer = Explainer()
        self._base, self._deep = base, base.deep()

    def show(self, value: Param) -> Value:
        return value.value

    def alike(self, base: Param, value: Param) -> bool:
        left, right = base.value, value.value
        if type(left) is not type(right):
            return False
        return repr(left) == repr(right) if type(left) in DEEP else left == right

    def suspects(self, base: Mapping[str, Param], column: Mapping[str, Param]) -> Iterable[str]:
        assert base is self._base
        assert isinstance(column, Column)
        return chain(self._deep, self._base.unlike(column))

    def same(self, base: Param, value: Param) -> bool:
        left, right = base.value, value.value
        if type(left) is type(right) and not isinstance(left, list | dict | float):
            return left == right
        return same(left, right) or (self.loose and _reads_alike(left, right))

    def differ(self, base: Param, value: Param) -> Cell:
        before, after = number(base.value), number(value.value)
        if before is None or after is None:
            return Cell(value=value.value, verdict=Verdict.CHANGED, note=self._note(base.value, value.value))
        note = _retyped(base.value, value.value) if before == after else step(before, after)
        return Cell(value=value.value, verdict=Verdict.CHANGED, note=note)

    def _note(self, base: Value, value: Value) -> str:
        if isinstance(base, list | dict) and isinstance(value, list | dict):
            return self.explainer.explain(base, value)
        return _retyped(base, value) if type(base) is not type(value) else ""


def _reads_alike(left: Value, right: Value) -> bool:
    """Say whether one of the two is the other written as text."""
    if isinstance(left, str) == isinstance(right, str):
        return False
    text, other = (left, right) if isinstance(left, str) else (right, left)
    if other is None or isinstance(other, bool):
        return str(text).strip().lower() in (("none", "null") if other is None else (str(other).lower(),))
    read, meant = number(text), number(other)
    return read is not None and meant is not None and math.isclose(read, meant, rel_tol=1e-9)


def _retyped(base: Value, value: Value) -> str:
    before, after = _KINDS.get(type(base), "nothing"), _KINDS.get(type(value), "nothing")
    return f"{after}, was {before}" if before != after else "the same number, written otherwise"
