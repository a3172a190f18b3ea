"""A plan before it is taken, as lines: what it does to what, whether it may, and the exact calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lineal.errors import Blocked, Conflict, Error
from lineal.model.changes import SetAlias
from lineal.model.plan import Done, Plan, State, Subject
from lineal_tui import keys
from lineal_tui.acts import Deed, Drawn
from lineal_tui.present import text
from lineal_tui.present.checks import Told, approval_counts, approval_lines, blockers, check_counts, check_lines
from lineal_tui.present.differences import DIFFERENCES, difference_counts, difference_lines
from lineal_tui.present.ink import BLANK, Line, Span, Tone, wrap
from lineal_tui.present.keycap import cap

PART = "part:"
"""What stands before the name of a part where its head is folded."""
CHECKS, DIFFERS, REVIEWS, CALLS, COMMAND = "checks", "differs", "reviews", "would do", "on the command line"
PARTS = (CHECKS, DIFFERS, REVIEWS, CALLS, COMMAND)
"""Every part of a plan that can be folded, in their order."""
_MOVES = frozenset({"promote", "alias", "rollback"})
_FEW = 5
_ALL = 500
DOES = {
    Deed.PROMOTE: "promote",
    Deed.TAG: "tag",
    Deed.ALIAS: "alias",
    Deed.ROLLBACK: "roll back",
    Deed.UNDO: "undo",
    Deed.REQUEST: "ask for a review",
    Deed.APPROVE: "approve",
    Deed.REJECT: "reject",
    Deed.NOTE: "note",
    Deed.RESUME: "resume",
}


class Face(Struct, frozen=True, kw_only=True):
    """How far a preview is: what is unfolded, what was answered, what went wrong."""

    unfolded: frozenset[str] = frozenset()
    folded: frozenset[str] = frozenset()  # parts of which only the head is shown
    override: str = ""
    error: Error | None = None
    noted: str = ""  # what happened meanwhile


def plan_lines(drawn: Drawn, face: Face, now: float, cells: int) -> list[Told]:
    """Return the whole plan; failing checks come before those that pass, the worst difference first."""
    plan = drawn.plan
    names = named(plan.incumbent), named(plan.subject)
    most = _ALL if DIFFERENCES in face.unfolded else _FEW
    out = [*_failure(face, cells), *_head(drawn, now, cells), *_verdict(plan, face, cells)]
    _add(out, face, CHECKS, check_lines(plan.checks, face.unfolded, cells), check_counts(plan.checks))
    differences = difference_lines(plan.differences, names, most, cells)
    _add(out, face, DIFFERS, differences, difference_counts(plan.differences))
    _add(out, face, REVIEWS, approval_lines(plan.approvals, now, cells), approval_counts(plan.approvals))
    out += _notes(plan, cells)
    _add(out, face, CALLS, _calls(plan, cells))
    _add(out, face, COMMAND, _command(plan, cells))
    return out


def _add(out: list[Told], face: Face, part: str, lines: Iterator[Told], counts: Line = ()) -> None:
    """Put a part under its head, which tells how many of what it holds; nothing where it is empty."""
    found = list(lines)
    if not found:
        return
    folded = part in face.folded
    out += [Told(BLANK)] if out and not folded else []
    out.append(Told((Span("▸ " if folded else "▾ ", Tone.DIM), Span(part, Tone.HEAD), *counts), PART + part))
    out += [] if folded else found


def named(subject: Subject) -> str:
    """Return what people call a version; "nothing" where there is none."""
    return text.safe(subject.name or subject.key[:12], 60) or "nothing"


def _failure(face: Face, cells: int) -> Iterator[Told]:
    if face.noted:
        yield from (Told((Span(part, Tone.WARN),)) for part in wrap(face.noted, max(20, cells)))
    if face.error is None:
        return
    said = wrap(text.safe(face.error.message, 2000), max(20, cells - 2))
    yield from (Told((Span("  " if i else "✘ ", Tone.ERROR), Span(part))) for i, part in enumerate(said))
    hint = wrap(text.safe(face.error.hint, 1000), max(20, cells - 2)) if face.error.hint else []
    yield from (Told((Span("  " + part, Tone.DIM),)) for part in hint)


def _head(drawn: Drawn, now: float, cells: int) -> Iterator[Told]:
    plan = drawn.plan
    yield from (Told((Span(part, Tone.STRONG),)) for part in wrap(text.safe(plan.title, 600), max(20, cells)))
    facts: list[Span] = []
    if taken := _taken_away(plan):
        facts += [Span(text.safe(taken.alias, 60), Tone.ALIAS), Span(f" {named(plan.subject)} → nothing")]
    elif plan.subject:
        facts += [Span(f"{text.safe(plan.subject.model, 60)} "), Span(named(plan.subject), Tone.STRONG)]
    if plan.alias and not taken:
        facts += [Span(" → "), Span(text.safe(plan.alias, 60), Tone.ALIAS)]
    if not taken and plan.incumbent and plan.incumbent.key != plan.subject.key:
        since = f" (since {text.moment(drawn.since)}, {text.age(drawn.since, now)})" if drawn.since is not None else ""
        facts += [Span("  replaces "), Span(named(plan.incumbent)), Span(since, Tone.DIM)]
    elif not taken and plan.alias and not plan.incumbent and plan.action in _MOVES:
        facts.append(Span("  which nothing holds now", Tone.DIM))
    if facts:
        yield Told(tuple(facts))
    if len(drawn.aliases) > 1:
        tones = {True: Tone.ALIAS, False: Tone.DIM}
        names = [Span(text.safe(alias, 24) + "  ", tones[alias == plan.alias]) for alias in drawn.aliases[:8]]
        yield Told((cap("next_alias", after="  "), *names))
    if plan.reason:
        parts = wrap(text.safe(plan.reason, 1000), max(20, cells - 9))
        yield from (Told((Span("  " if i else "because  ", Tone.HEAD), Span(part))) for i, part in enumerate(parts))


def _taken_away(plan: Plan) -> SetAlias | None:
    """Return the change that takes the plan's alias away, where there is one."""
    moves = (one for one in plan.changes if isinstance(one, SetAlias) and one.alias == plan.alias)
    return next((one for one in moves if not one.after), None)


def _verdict(plan: Plan, face: Face, cells: int) -> Iterator[Told]:
    """Say whether it may be done."""
    if plan.blocked and face.override:
        said = f"overrides {blockers(plan.blocked)}: {text.safe(face.override, 400)}"
        yield from (Told((Span(part, Tone.WARN),)) for part in wrap(said, max(20, cells)))
    elif plan.blocked:
        parts = wrap(f"blocked by {blockers(plan.blocked)}", max(20, cells - 2))
        yield from (
            Told((Span("  " if i else "✘ ", Tone.ERROR), Span(part, Tone.ERROR))) for i, part in enumerate(parts)
        )


def _notes(plan: Plan, cells: int) -> Iterator[Told]:
    notes = list(plan.notes)
    if plan.verified is False:
        notes.insert(0, "unverified: the bytes were not compared with what was recorded")
    if any(not step.compares for step in plan.steps) and not any("compare" in note for note in notes):
        notes.append("a registry here cannot compare and set: somebody may come in between")
    if notes:
        yield Told(BLANK)
    for note in dict.fromkeys(notes):
        parts = wrap(text.safe(note, 600), max(20, cells - 2))
        yield from (Told((Span("  " if i else "! ", Tone.WARN), Span(part))) for i, part in enumerate(parts))


def _calls(plan: Plan, cells: int) -> Iterator[Told]:
    for step in plan.steps:
        for call in step.calls:
            parts = wrap(text.safe(call, 1000), max(20, cells - 4))
            yield from (
                Told((Span("    " if i else "  ", Tone.DIM), Span(part, Tone.CHANGED))) for i, part in enumerate(parts)
            )


def _command(plan: Plan, cells: int) -> Iterator[Told]:
    parts = wrap(text.safe(plan.command, 1000), max(20, cells - 4)) if plan.command else []
    yield from (Told((Span("    " if i else "  "), Span(part, Tone.ACCENT))) for i, part in enumerate(parts))


def footer(plan: Plan | None, deed: Deed, key: str, face: Face, aliases: int) -> Line:
    """Return the keys of a preview."""
    out: list[Span] = [Span(" ")]
    if plan is not None and plan.blocked and not face.override:
        out += [Span("blocked", Tone.ERROR), Span(f" by {text.plural(len(plan.blocked), 'check')} · ", Tone.DIM)]
        out += [cap("override"), Span(" overrides with a reason", Tone.DIM)]
    elif plan is not None and face.error is None:
        out += [Span(key, Tone.ACCENT), Span(" again confirms" if deed is not Deed.RESUME else " resumes", Tone.DIM)]
    else:
        out.append(Span("planning …" if face.error is None else "nothing was changed", Tone.DIM))
    out += [Span(" · ", Tone.DIM), Span("esc", Tone.ACCENT), Span(" cancels", Tone.DIM)]
    if aliases > 1:
        out += [Span(" · ", Tone.DIM), cap("next_alias"), Span(" alias", Tone.DIM)]
    if plan is not None and plan.command:
        out += [Span(" · ", Tone.DIM), cap("copy"), Span(" copies the command", Tone.DIM)]
    return tuple(out)


def running(deed: Deed, said: str, seconds: float, *, stopping: bool) -> Line:
    """Return how far an action is."""
    tail = " · stopping" if stopping else ""
    return (
        Span(f" {DOES[deed]} … {int(seconds)} s{tail}", Tone.ACCENT),
        Span(f"  {text.safe(said, 300)}", Tone.DIM),
    )


def said_of(error: Error) -> str:
    """Return what a conflict means to a person; "" for other errors."""
    return (
        "Moved by somebody else meanwhile; this is the plan as things are now." if isinstance(error, Conflict) else ""
    )


def checks_of(error: Error, plan: Plan) -> Plan:
    """Return the plan with the checks that came out otherwise when it was to be done."""
    if not isinstance(error, Blocked) or not error.checks:
        return plan
    newer = {check.id: check for check in error.checks}
    kept = [newer.pop(check.id, check) for check in plan.checks]
    return replace(plan, checks=(*kept, *newer.values()))


def result(done: Done) -> Line:
    """Return what became of an action, in one line."""
    if done.state is not State.APPLIED:
        tail = {
            State.REVERTED: "it failed, and everything is as it was",
            State.INCOMPLETE: "it failed half way: `lineal resume` ends it",
            State.STARTED: "it is not at its end: `lineal resume` ends it",
        }[done.state]
        return (
            Span("✘ ", Tone.ERROR),
            Span(tail),
            Span(f"  {text.safe(done.error, 300)}" if done.error else "", Tone.DIM),
        )
    tail = "" if done.plan.action == "note" else f"  · {keys.shown('undo')} undoes it"
    hooks = f"  {text.safe('; '.join(done.hooks), 200)}" if done.hooks else ""
    return (Span("✔ done: ", Tone.BETTER), Span(effect(done.plan)), Span(tail, Tone.DIM), Span(hooks, Tone.WARN))


def effect(plan: Plan) -> str:
    """Return what a plan does in the fewest words: `prod v39 → v41`."""
    moved = next((one for one in plan.changes if isinstance(one, SetAlias)), None)
    if moved is None or not plan.subject or moved.alias != plan.alias:
        return text.safe(plan.title, 200)
    if not moved.after:
        return f"{text.safe(plan.alias, 40)} {named(plan.subject)} → nothing"
    return f"{text.safe(plan.alias, 40)} {named(plan.incumbent)} → {named(plan.subject)}"


def turned(face: Face, what: str) -> Face:
    """Return the face once what `Told.folds` says was unfolded, or folded again."""
    if not what:
        return face
    if what.startswith(PART):
        return replace(face, folded=face.folded ^ {what.removeprefix(PART)})
    return replace(face, unfolded=face.unfolded ^ {what})


def turned_all(face: Face) -> Face:
    """Return the face with the heads only; with everything again where that is so already."""
    return replace(face, folded=frozenset() if face.folded >= set(PARTS) else frozenset(PARTS))


def part_at(told: Sequence[Told], at: int) -> str:
    """Return the head of the part that a line is in, as `Told.folds` says it; "" above the first."""
    heads = (one.folds for one in reversed(told[: at + 1]) if one.folds.startswith(PART))
    return next(heads, "")
