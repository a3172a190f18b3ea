"""Tags: labels and their values."""

from __future__ import annotations

from collections.abc import Sequence

from lineal.diff.table import Frame, Judge, tabulate
from lineal.model.diff import Facet, Section
from lineal.model.values import Tag, Value
from lineal.model.version import Version


def tags(versions: Sequence[Version], frame: Frame) -> Section:
    """Compare tags by key."""
    columns = [{tag.key: tag for tag in version.tags} for version in versions]
    return tabulate(columns, _Tags(), frame).section(Facet.TAGS)


class _Tags(Judge[Tag]):
    def show(self, value: Tag) -> Value:
        return value.value
