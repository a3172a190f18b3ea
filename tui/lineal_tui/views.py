"""How each screen is looked at, as plain data: what a place carries, and what a session leaves to the next."""

from __future__ import annotations

from msgspec import Struct

from lineal_tui.chartview import View
from lineal_tui.looks import Look


class ModelsView(Struct, frozen=True, tag="models"):
    """Columns and order of the table, the open tab, and whether only marked versions are shown."""

    look: Look = Look()
    tab: str = ""
    only_marked: bool = False


class CompareView(Struct, frozen=True, tag="compare"):
    """What is compared with what, and how it is laid out. `folded` are facets by name."""

    baseline: int = 0
    changed_only: bool = True
    transposed: bool = False
    folded: tuple[str, ...] = ()
    words: str = ""  # of the filter


class ChartsView(Struct, frozen=True, tag="charts"):
    """The metric under the cursor, versions or steps along x, and what was chosen of the chart."""

    metric: str = ""
    steps: bool = False
    view: View = View()


class LineageView(Struct, frozen=True, tag="lineage"):
    """A tree or a graph, with siblings or without."""

    lanes: bool = False
    siblings: bool = False


AnyView = ModelsView | CompareView | ChartsView | LineageView
