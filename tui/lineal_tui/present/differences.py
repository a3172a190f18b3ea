"""What differs between a candidate and what it would replace, as lines: what is worse first, both in columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from lineal.model.diff import Verdict
from lineal.model.plan import Difference
from lineal_tui.present import text
from lineal_tui.present.checks import Told
from lineal_tui.present.ink import Line, Span, Tone, fit, fit_right, width

DIFFERENCES = "differences"
"""What enter unfolds where more differs than is shown."""
_VERDICTS = {
    Verdict.WORSE: ("▼", Tone.WORSE),
    Verdict.CHANGED: ("≠", Tone.CHANGED),
    Verdict.REMOVED: ("−", Tone.CHANGED),
    Verdict.ADDED: ("+", Tone.CHANGED),
    Verdict.BETTER: ("▲", Tone.BETTER),
    Verdict.NOISE: ("~", Tone.DIM),
    Verdict.SAME: ("=", Tone.DIM),
}
"""How a difference stands."""
_JUDGED = {Verdict.WORSE: "worse", Verdict.BETTER: "better", Verdict.NOISE: "within noise"}
_NAME = 24  # cells for a name at most
_VALUE = 18  # cells for a value at most, where there is room for columns
_COLUMNS = 70  # cells from which the facet is told, and values stand in columns


def difference_counts(differences: Sequence[Difference]) -> Line:
    """Return how many are worse, better, within noise, and otherwise changed."""
    found = Counter(one.verdict for one in differences)
    judged = [
        Span(f"  {_VERDICTS[verdict][0]} {found[verdict]} {said}", _VERDICTS[verdict][1])
        for verdict, said in _JUDGED.items()
        if found[verdict]
    ]
    others = len(differences) - sum(found[verdict] for verdict in _JUDGED)
    return (*judged, Span(f"  ≠ {others} changed", Tone.CHANGED)) if others else tuple(judged)


def difference_lines(
    differences: Sequence[Difference], names: tuple[str, str], most: int, cells: int
) -> Iterator[Told]:
    """Yield what differs and how many are left out: what is worse first, else as it was ranked.

    `names` are those of the version that would be replaced and of the candidate.
    """
    ranked = sorted(differences, key=lambda one: one.verdict is not Verdict.WORSE)
    shown, folds = ranked[:most], DIFFERENCES if len(ranked) > most else ""
    if not shown:
        return
    name = min(_NAME, max(width((Span(text.safe(one.name, 60)),)) for one in shown))
    columns = _columns(shown, names) if cells >= _COLUMNS else None
    if columns:
        head = f"  {fit('', 9)}{fit('', name)}  {fit_right(names[0], columns[0])}   {names[1]}"
        yield Told((Span(head, Tone.DIM),), folds)
    for one in shown:
        yield Told(_difference(one, name, columns), folds, one.verdict is Verdict.WORSE)
    if folds:
        yield Told((Span(f"  … {len(ranked) - most} more ▸", Tone.DIM),), folds)


def _columns(shown: Sequence[Difference], names: tuple[str, str]) -> tuple[int, int]:
    """Return the cells of the two columns of values, which are as wide as the shorter ones of them ask for."""
    before = [names[0], *(_value(one.before) for one in shown)]
    after = [names[1], *(_value(one.after) for one in shown)]
    first, second = (max(min(_VALUE, width((Span(said),))) for said in column) for column in (before, after))
    return first, second


def _value(said: str) -> str:
    return text.safe(said, 60) or "none"


def _difference(one: Difference, name: int, columns: tuple[int, int] | None) -> Line:
    glyph, tone = _VERDICTS.get(one.verdict, ("≠", Tone.CHANGED))
    before, after = _value(one.before), _value(one.after)
    delta = f"  {text.signed(one.delta)}" if one.delta else ""
    if columns:
        moved = f"{fit_right(before, columns[0])} → {fit(after, columns[1])}"
    else:
        moved = f"{before} → {after}" if before != after else after
    return (
        Span(f"{glyph} ", tone),
        Span(fit(text.safe(one.facet, 20), 9) if columns else "", Tone.DIM),
        Span(fit(text.safe(one.name, 60), name) + "  "),
        Span(moved, tone),
        Span(delta, tone),
        Span(f"  {text.safe(one.note, 120)}" if one.note else "", Tone.DIM),
    )
