"""The inbox of Review as lines: candidates, who asked, what they would replace."""

from __future__ import annotations

from collections.abc import Sequence

from lineal.model.plan import Review
from lineal_tui import keys
from lineal_tui.present import text
from lineal_tui.present.ink import BLANK, Line, Span, Tone, fit, width
from lineal_tui.present.keycap import cap
from lineal_tui.present.plan import named


def inbox_lines(reviews: Sequence[Review], now: float, cells: int) -> list[Line]:
    """Return a line for each candidate; one that nobody asked for says how to ask."""
    longest = min(max(20, cells // 2 - 4), max((width(_candidate(one)) for one in reviews), default=0))
    return [_line(one, longest, now) for one in reviews]


def _candidate(review: Review) -> Line:
    return (
        Span(f"{text.safe(review.subject.model, 60)} "),
        Span(named(review.subject), Tone.STRONG),
        Span(" → "),
        Span(text.safe(review.alias, 40) or "?", Tone.ALIAS),
    )


def _line(review: Review, longest: int, now: float) -> Line:
    candidate = _candidate(review)
    if width(candidate) > longest:
        candidate = (Span(fit("".join(span.text for span in candidate), longest), Tone.PLAIN),)
    pad = Span(" " * (longest - width(candidate) + 2))
    if not review.asked_at:
        return (
            *candidate,
            pad,
            Span("not asked for; ", Tone.DIM),
            cap("request"),
            Span(" asks", Tone.DIM),
        )
    asked = f"asked by {text.person(review.asked_by)}, {text.age(review.asked_at, now)}"
    own = Span("  yours: somebody else must approve", Tone.WARN) if review.mine else Span("")
    return (*candidate, pad, Span(asked, Tone.DIM), own, Span(_replaces(review, now), Tone.DIM), Span(_said(review)))


def _replaces(review: Review, now: float) -> str:
    if not review.incumbent:
        return "  replaces nothing"
    since = f" ({text.age(review.incumbent_since, now)} there)" if review.incumbent_since is not None else ""
    return f"  replaces {named(review.incumbent)}{since}"


def _said(review: Review) -> str:
    return f"  “{text.safe(review.text, 200)}”" if review.text else ""


def slow_lines(registry: str) -> list[Line]:
    """Return what stands there while a registry takes long to answer."""
    return [
        (Span("… ", Tone.ACCENT), Span(f"{text.safe(registry, 60)} is asked how things are there; no answer yet")),
        (Span(f"  every key works meanwhile; {keys.shown('sources')} says how fresh each registry is", Tone.DIM),),
    ]


def empty_lines(read_only: str) -> list[Line]:
    """Return what an empty inbox says: what to do to fill it."""
    out: list[Line] = [
        BLANK,
        (Span(" Nothing waits for a review."),),
        (
            Span(" On a version, ", Tone.DIM),
            cap("request"),
            Span(" asks for one, ", Tone.DIM),
            cap("review"),
            Span(" shows it beside what it would replace.", Tone.DIM),
        ),
        (Span(" lineal request MODEL@VERSION --for ALIAS", Tone.ACCENT),),
    ]
    if read_only:
        out.append((Span(f" Read-only: {text.safe(read_only, 300)}", Tone.WARN),))
    return out
