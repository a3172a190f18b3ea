"""How text mode says what a screen draws: every glyph, verdict and length of time as words, in this one place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from lineal.model.diff import Verdict
from lineal.model.plan import Outcome
from lineal.model.records import Confidence, EdgeKind
from lineal.model.values import Goal
from lineal_tui.present import text

VERDICTS = {
    Verdict.WORSE: "worse",
    Verdict.BETTER: "better",
    Verdict.NOISE: "within noise",
    Verdict.CHANGED: "changed",
    Verdict.ADDED: "added",
    Verdict.REMOVED: "removed",
    Verdict.SAME: "same",
    Verdict.ABSENT: "absent",
    Verdict.BASE: "baseline",
}
OUTCOMES = {
    Outcome.FAIL: "failed",
    Outcome.UNTRUSTED: "not trusted",
    Outcome.UNKNOWN: "unknown",
    Outcome.WAIT: "waiting",
    Outcome.PENDING: "to run",
    Outcome.PASS: "passed",
}
EDGES = {
    EdgeKind.TRAINED_FROM: "was trained from",
    EdgeKind.FINETUNED: "was fine-tuned from",
    EdgeKind.ADAPTER: "is an adapter of",
    EdgeKind.MERGED: "was merged from",
    EdgeKind.QUANTIZED: "was quantized from",
    EdgeKind.DISTILLED: "was distilled from",
    EdgeKind.RESUMED: "was resumed from",
    EdgeKind.COPIED: "is a copy of",
    EdgeKind.TRAINED_ON: "was trained on",
    EdgeKind.BUILT_FROM: "was built from",
}
CONFIDENCES = {Confidence.PROVED: "proved", Confidence.DECLARED: "declared", Confidence.INFERRED: "inferred, not sure"}
GOALS = {Goal.MAX: "higher is better", Goal.MIN: "lower is better", None: ""}

_SIGNS = {
    "≥": "at least",
    "≤": "at most",
    "≠": "differs from",
    "→": "to",
    "−": "minus",
    "±": "plus or minus",
    "×": "times",
    "∞": "infinity",
    "▲": "better",
    "▼": "worse",
    "✔": "passed",
    "✘": "failed",
    "◔": "waiting",
    "·": ",",
    "…": "and so on",
}
_SIGN = re.compile(f"[{''.join(_SIGNS)}]")
_UNITS = {"s": "second", "min": "minute", "h": "hour", "d": "day", "w": "week", "y": "year"}
_NOW = 5.0  # seconds
_SIZES = {"B": "bytes", "KiB": "kibibytes", "MiB": "mebibytes", "GiB": "gibibytes", "TiB": "tebibytes"}
_CAPITAL = re.compile(r"[A-Z]")


_FACETS = {"metrics": "metric", "params": "parameter", "files": "file", "tensors": "tensor", "tags": "tag"}


def facet(name: str) -> str:
    """Return one thing of a facet: `metric` of `metrics`."""
    return _FACETS.get(name, text.safe(name, 20))


def spoken(said: str) -> str:
    """Return a sentence of Lineal's own with its signs as words; data keeps its signs, for they are part of it."""
    return re.sub(r"\s+", " ", _SIGN.sub(lambda match: f" {_SIGNS[match[0]]} ", said)).replace(" ,", ",").strip()


def signed(delta: float) -> str:
    """Return a difference as `plus 0.02`."""
    return f"{'minus' if delta < 0 else 'plus'} {spoken(text.number(float(abs(delta))))}"


def percent(relative: float) -> str:
    """Return a relative difference as `plus 1.5 percent`; "" where there is none."""
    said = text.percent(relative)
    return f"{'minus' if said[0] == '−' else 'plus'} {said[1:-1]} percent" if said else ""


def span(seconds: float) -> str:
    """Return a length of time as `12 days`."""
    amount, _, unit = text.span(seconds).partition(" ")
    return f"{amount} {_UNITS[unit]}" if amount == "1" else f"{amount} {_UNITS[unit]}s"


def ago(then: float, now: float) -> str:
    """Return `12 days ago`; a time to come is said as such."""
    if abs(now - then) < _NOW:
        return "just now"
    return f"{span(now - then)} ago" if then <= now else f"in {span(then - now)}"


def counted(items: int, noun: str, nouns: str = "") -> str:
    """Return `1 version`, `3 versions`, `no versions`."""
    many = nouns or f"{noun}s"
    return f"no {many}" if not items else f"1 {noun}" if items == 1 else f"{items} {many}"


def listed(said: Iterable[str], most: int = 6) -> str:
    """Return `a, b and c`; of many the first ones and how many more."""
    names = list(said)
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def aliases(names: Sequence[str]) -> str:
    """Return `alias prod`, `aliases prod and staging`."""
    return f"{'alias' if len(names) == 1 else 'aliases'} {listed(text.safe(one, 40) for one in names)}"


def size(count: int | None) -> str:
    """Return a number of bytes as `25.1 kibibytes`."""
    amount, _, unit = text.size(count).partition(" ")
    return f"{amount} {_SIZES[unit]}" if unit else "unknown size"


def key(shown: str) -> str:
    """Return a key as it is called: a reader does not say that a letter is a capital one."""
    return f"capital {shown}" if _CAPITAL.fullmatch(shown) else _CALLED.get(shown, shown)


_CALLED = {
    "/": "slash", "'": "apostrophe", ",": "comma", ".": "full stop", "+": "plus", "-": "minus", "?": "question mark",
    "<": "less than", ">": "greater than", "[": "left bracket", "]": "right bracket", "^p": "control p",
}  # fmt: skip


def sentence(said: str) -> str:
    """Return what was said with a full stop at its end, at which a reader pauses."""
    return said if not said or said[-1] in ".?!:…" else f"{said}."


Do = Callable[[], None]
"""What choosing something does."""
_Of = TypeVar("_Of")
DoTo = Callable[[_Of], None]
"""What choosing something of a kind does."""
