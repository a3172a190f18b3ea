"""Plain values made fit for JSON, which has no NaN, no infinities and no halves of surrogates."""

from __future__ import annotations


def number(value: float) -> str:
    """Return a float in full, with the names JSON readers know for what is not finite."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def finite(value: object) -> object:
    """Return plain data in which NaN and the infinities are the texts "NaN", "Infinity" and "-Infinity"."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return number(value)
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return value


def spelt(value: object) -> object:
    r"""Return plain data in which halves of surrogates are spelt as the index does: `\\udcff`."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {spelt(key): spelt(inner) for key, inner in value.items()}
    return [spelt(inner) for inner in value] if isinstance(value, list) else value
