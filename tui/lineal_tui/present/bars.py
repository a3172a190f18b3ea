"""The line of place at the top, the footer, the help and the palette: all from the key table and the session."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from lineal.errors import Error, QueryError
from lineal.model.listing import RegistryRow
from lineal.model.plan import Plan
from lineal_tui.acts import Standing
from lineal_tui.keys import Group, Key
from lineal_tui.messages import SyncStep
from lineal_tui.present import text
from lineal_tui.present.ink import BLANK, Line, Span, Tone, cut, fit, spread, width, wrap

_PATH = re.compile(r"(?<![\w.:/])/(?:[^\s:/]+/)+([^\s:/]+)")
Why = Callable[[str], str]
"""Given a key's id, why it is off now; "" where it works."""


def place(
    workspace: str,
    where: str,
    shown: str,
    right: str,
    cells: int,
    *,
    writes: bool = False,
    who: str = "",
    urgent: bool = False,
) -> Line:
    """Return the line at the top: workspace, screen, what is shown, how fresh, who is here, what may be changed.

    `right` is brighter where it is `urgent`.
    """
    left = (
        Span(" lineal  ", Tone.ACCENT),
        Span(text.safe(workspace, 40), Tone.STRONG),
        Span(f"  {where}", Tone.DIM),
        Span(f"   {text.safe(shown, 300)}" if shown else "", Tone.CHANGED),
    )
    here = (Span(f" {who}", Tone.DIM),) if who else ()
    state = Span("[RW] ", Tone.DIM) if writes else Span("[RO] ", Tone.WARN)
    return spread(left, (Span(right, Tone.WARN if urgent else Tone.DIM), *here, Span(" "), state), cells)


def you(standing: Standing | None) -> str:
    """Return who is here, without the mail."""
    return f"you: {text.safe(standing.who.partition('<')[0].strip() or standing.who, 24)}" if standing else ""


def wrong(why: str, cells: int) -> Line:
    """Return that defaults stand for a configuration file that cannot be read, and why."""
    said = brief((Span(text.safe(why, 400)),))
    return cut((Span(" ✘ Defaults stand, nothing may be changed: ", Tone.ERROR), *said), cells)


def misled(said: Sequence[str], cells: int) -> Line:
    """Return what is wrong with the keys that a person chose: the first of it, and how many more there are."""
    more = f" (and {len(said) - 1} more: lineal doctor)" if len(said) > 1 else ""
    return cut((Span(" ! [keys] ", Tone.WARN), Span(text.safe(said[0], 200)), Span(more, Tone.DIM)), cells)


def begun(plans: Sequence[Plan]) -> str:
    """Return that actions were started and not ended; "" where none was."""
    return f"{text.plural(len(plans), 'action')} not ended: lineal resume" if plans else ""


def resume_line(plan: Plan) -> Line:
    """Return the palette's entry for an action that was not ended."""
    return (
        Span(fit("resume", 16)),
        Span(" " * 8),
        Span(f"end what was begun: {text.safe(plan.title, 200)}", Tone.WARN),
    )


def freshness(registries: Sequence[RegistryRow], now: float) -> str:
    """Return how old the oldest part of the index is."""
    if not registries:
        return "nothing read yet"
    broken = sum(bool(row.error) for row in registries)
    if broken:
        return f"{broken} of {len(registries)} unreadable: 7"
    never = [row for row in registries if row.synced_at is None]
    if never:
        return f"{len(never)} of {len(registries)} never synced"
    return f"synced {text.span(now - min(row.synced_at or 0.0 for row in registries))} ago"


def footer(keys: Iterable[Key], why: Why, cells: int) -> Line:
    """Return the keys that matter now, as many as fit: by rank first, then in the order of the table."""
    ranked = [key for key in keys if key.rank and key.keys and not why(key.id)]
    kept: list[Key] = []
    used = 1
    for key in sorted(ranked, key=lambda key: -key.rank):
        cost = width((Span(f"{key.shown} {key.label}  "),))
        if used + cost <= cells:
            kept.append(key)
            used += cost
    out: list[Span] = [Span(" ")]
    for key in sorted(kept, key=lambda key: -key.rank if key.id != "help" else 0):
        out += [Span(key.shown, Tone.ACCENT), Span(f" {key.label}  ", Tone.DIM)]
    return tuple(out)


def help_lines(keys: Sequence[Key], why: Why, cells: int) -> list[Line]:
    """Return every key of a screen under its group; one that is off is dimmed and says why."""
    out: list[Line] = []
    for group in Group:
        members = [key for key in keys if key.group is group]
        if members:
            out += [BLANK] if out else []
            out.append((Span(f" {group}", Tone.HEAD),))
            out += [line for key in members for line in _help_key(key, why(key.id), cells)]
    return out


def _help_key(key: Key, reason: str, cells: int) -> list[Line]:
    indent = 11
    said = wrap(key.help, max(20, cells - indent))
    tone = Tone.DIM if reason else Tone.PLAIN
    out: list[Line] = [(Span("   " + fit(key.shown, 8), Tone.DIM if reason else Tone.ACCENT), Span(said[0], tone))]
    out += [(Span(" " * indent), Span(part, tone)) for part in said[1:]]
    if reason:
        out += [(Span(" " * indent), Span(part, Tone.WARN)) for part in wrap(f"off: {reason}", max(20, cells - indent))]
    return out


def palette_line(key: Key, reason: str) -> Line:
    """Return one entry of the palette."""
    tone = Tone.DIM if reason else Tone.PLAIN
    return (
        Span(fit(key.label, 16), tone),
        Span(fit(key.shown, 8), Tone.ACCENT),
        Span(f"off: {reason}" if reason else key.help, Tone.DIM),
    )


def problem(error: Error) -> list[Line]:
    """Return an error: what is wrong, and what to do."""
    out: list[Line] = [(Span("✘ ", Tone.ERROR), Span(text.safe(error.message, 600)))]
    if error.hint:
        out.append((Span("  " + text.safe(error.hint, 600), Tone.DIM),))
    return out


def brief(line: Line) -> Line:
    """Return a line with `…/name` for long paths, for where one line is all there is."""
    return tuple(Span(_PATH.sub(r"…/\1", span.text), span.tone) for span in line)


def wrong_word(error: QueryError, indent: int, cells: int) -> Line:
    """Return a line for under the filter: carets below the wrong word, then why."""
    start = max(0, error.start)
    carets = "^" * max(1, min(error.end - start, 40))
    said = text.safe(error.message, 200) + (f"; {text.safe(error.hint, 200)}" if error.hint else "")
    room = cells - indent - start - len(carets) - 1
    if room >= min(len(said), 24):
        return (Span(" " * (indent + start)), Span(carets, Tone.ERROR), Span(" " + said, Tone.WARN))
    if start > len(said) + 2:
        return (Span(fit(said, indent + start - 1) + " ", Tone.WARN), Span(carets, Tone.ERROR))
    return (Span(carets + " ", Tone.ERROR), Span(said, Tone.WARN))


def progress(step: SyncStep, *, named: bool = True) -> str:
    """Return how far a sync is, in one phrase; without `named`, for a line that says which registry it is."""
    if step.hashing:
        parts = [
            f"hashing {text.count(step.done)} of {text.plural(step.total or 0, 'file')}",
            f"{text.size(int(step.rate))}/s",
        ]
    elif step.bytes:
        of = f" of {text.size(step.total)}" if step.total else ""
        parts = [f"{text.safe(step.registry, 30)} {text.size(step.done)}{of}", f"{text.size(int(step.rate))}/s"]
    else:
        parts = [(f"syncing {text.safe(step.registry, 30)}" if step.registry else "syncing") if named else ""]
        done = text.count(step.done)
        parts.append(f"{done} of {text.count(step.total)}" if step.total else done if step.done else "")
        parts.append(f"{step.rate:,.0f}/s" if step.rate >= 1 else "")
    parts.append(f"{text.span(step.left)} left" if step.left is not None and step.left >= 1 else "")
    return " · ".join(part for part in parts if part) or "syncing"
