"""What a comparison of versions says, as data that a table, a screen or JSON can show."""

from __future__ import annotations

from enum import IntEnum, StrEnum

import msgspec

from lineal.model.values import Goal, Value


class Facet(StrEnum):
    """One side from which versions are compared, in the order in which they are shown."""

    METRICS = "metrics"
    PARAMS = "params"
    ENVIRONMENT = "environment"
    DATA = "data"
    CODE = "code"
    FILES = "files"
    TENSORS = "tensors"
    TAGS = "tags"


class Verdict(StrEnum):
    """How a cell stands to the baseline's."""

    BASE = "base"
    SAME = "same"
    BETTER = "better"
    WORSE = "worse"
    NOISE = "noise"  # changed by less than the noise band
    CHANGED = "changed"  # neither better nor worse is known
    ADDED = "added"
    REMOVED = "removed"
    ABSENT = "absent"  # here and in the baseline


class Severity(IntEnum):
    """How likely a difference is to change what the model does."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3


class Cell(msgspec.Struct, frozen=True, kw_only=True, gc=False):  # half a million at once; values hold no cycles
    """One version's value in a row. `delta` (metrics only) is value - baseline, `relative` is delta / |baseline|."""

    value: Value = None
    verdict: Verdict = Verdict.SAME
    delta: float | None = None
    relative: float | None = None
    note: str = ""
    detail: str = ""  # in full where the value is a part or a count: a whole digest


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One compared thing: a cell for each version, in the order of the versions. Verdicts are against the baseline."""

    name: str
    cells: tuple[Cell, ...]
    changed: bool
    severity: Severity = Severity.NONE
    goal: Goal | None = None
    goal_source: str = ""  # registry, lineal.toml, known name
    note: str = ""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One facet: its rows (the changed ones only, or all), of `total`; `changed` counts those that differ."""

    facet: Facet
    rows: tuple[Row, ...]
    changed: int
    total: int
    note: str = ""  # why it is empty or incomplete, or a summary
    text: str = ""  # the code diff itself, where it is at hand


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """Two or more versions side by side; `baseline` is an index into `versions` (canonical references)."""

    versions: tuple[str, ...]
    names: tuple[str, ...]
    baseline: int
    sections: tuple[Section, ...]
