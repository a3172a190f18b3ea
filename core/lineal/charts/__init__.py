"""Charts of metrics as text: across versions, along training, as points, and as parallel coordinates.

`draw` makes one text; `drawn` also says where its columns lie, for a cursor. Nothing heavy is imported before a chart
is drawn.
"""

from __future__ import annotations

from lineal.charts.axes import Axis
from lineal.charts.drawing import Curve, Drawing, Look, Threshold, draw, drawn
from lineal.charts.reducing import reduce

__all__ = ["Axis", "Curve", "Drawing", "Look", "Threshold", "draw", "drawn", "reduce"]
