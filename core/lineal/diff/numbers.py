"""What the difference of two numbers is called: `+0.0041`, `×0.3`, `+1.2 M`."""

from __future__ import annotations

import math
import re

from lineal.model.values import Value

CLOSE = 1e-9  # relative: floats nearer than this differ by rounding only
_PLAIN = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_LONGEST = 64  # characters; a longer text is no number that anybody typed
_UNITS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def number(value: Value) -> float | None:
    """Return a finite number that is one or is written as one (MLflow keeps parameters as text); None otherwise."""
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else None  # type: ignore[arg-type, return-value]
    if kind is str:
        if len(value) > _LONGEST or not _PLAIN.fullmatch(value.strip()):  # type: ignore[arg-type, union-attr]
            return None
    elif kind is not int:
        return None
    try:
        result = float(value)  # type: ignore[arg-type]
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def delta(base: float, value: float) -> tuple[float | None, float | None]:
    """Return value - base and that by |base|; None where it is not finite."""
    difference = value - base
    if not math.isfinite(difference):
        return None, None
    relative = difference / abs(base) if base else math.inf
    return difference, relative if math.isfinite(relative) else None


def step(base: float, value: float) -> str:
    """Say how a setting moved: as a factor where it at least halved or doubled or is a fraction, else as a sum."""
    if base and value and (base > 0) == (value > 0):
        factor = value / base
        whole = base == int(base) and value == int(value)
        if math.isfinite(factor) and factor and not (whole and 0.5 < factor < 2) and f"{factor:.3g}" != "1":
            return f"×{factor:.3g}"
    difference = value - base
    return _signed(f"{difference:+.4g}") if math.isfinite(difference) else ""


def counted(change: int, unit: str = "") -> str:
    """Say how a count moved, as in `+1.2 M rows`, `−12 rows` or, with the unit B, `+1.5 MB`."""
    size, name = next(((size, name) for size, name in _UNITS if abs(change) >= size), (1, ""))
    text = f"{change:+d}" if size == 1 else f"{change / size:+.1f}".removesuffix(".0")
    words = [_signed(text), f"{name}{unit}" if unit == "B" else name, "" if unit == "B" else unit]
    return " ".join(filter(None, words))


def _signed(text: str) -> str:
    """Write the sign of a number, but not that of its exponent, as wide as a plus."""
    return f"−{text[1:]}" if text.startswith("-") else text
