"""Keys of single screens: what only Models, charts, the lineage, a plan or a dialog has, and what changes something."""

from __future__ import annotations

from lineal_tui.keying import ACTING, ELSEWHERE, Group, Where, on
from lineal_tui.keying import key as _key

CHARTS = (
    _key("pan_left", "left_square_bracket", "[", "pan left", "What lies left.", Group.SEE, on(Where.CHARTS), rank=43),
    _key(
        "pan_right", "right_square_bracket", "]", "pan right", "What lies right.", Group.SEE, on(Where.CHARTS), rank=42
    ),
    _key("form", "v", "v", "form", "Lines, points, or parallel coordinates.", Group.SEE, on(Where.CHARTS), rank=62),
    _key(
        "run_along",
        "t",
        "t",
        "along x",
        "What runs along x: version, time, a parameter, a metric; in training steps, wall or relative time.",
        Group.SEE,
        on(Where.CHARTS),
        rank=61,
    ),
    _key(
        "add_metric",
        "m",
        "m",
        "add metric",
        "Draw the metric under the cursor beside others, or take it away.",
        Group.SEE,
        on(Where.CHARTS),
        rank=60,
    ),
    _key(
        "smooth",
        "w",
        "w",
        "smooth",
        "Smooth as TensorBoard does, by 0.6 up to 0.99.",
        Group.SEE,
        on(Where.CHARTS),
        rank=55,
    ),
    _key("log", "a", "a", "log", "Logarithmic: y, x, both, none.", Group.SEE, on(Where.CHARTS), rank=52),
    _key("reset", "r", "r", "reset", "The chart as it was at first.", Group.SEE, on(Where.CHARTS), rank=41),
)

COMPARE = (
    _key(
        "sift",
        "slash",
        "/",
        "filter",
        "Filter the rows of all facets by words in names, values and notes, live.",
        Group.SEE,
        on(Where.COMPARE),
        rank=64,
    ),
    _key(
        "text",
        "d",
        "d",
        "text",
        "The difference of the text under the cursor, line by line: a file, the code; elsewhere the model cards.",
        Group.SEE,
        on(Where.COMPARE),
        rank=63,
    ),
    _key("facet_next", "right_square_bracket", "]", "next facet", "The next facet.", Group.SEE, on(Where.COMPARE)),
    _key(
        "facet_before",
        "left_square_bracket",
        "[",
        "facet before",
        "The head of this facet, then of the one before.",
        Group.SEE,
        on(Where.COMPARE),
    ),
)

MODELS = (
    _key(
        "tab_next",
        "right_square_bracket",
        "]",
        "tab",
        "The next tab of the details.",
        Group.SEE,
        on(Where.MODELS),
        rank=59,
    ),
    _key(
        "tab_before",
        "left_square_bracket",
        "[",
        "tab before",
        "The tab of the details before.",
        Group.SEE,
        on(Where.MODELS),
    ),
    _key("mark_down", "shift+down", "⇧↓", "mark down", "Mark this version and the next.", Group.DO, on(Where.MODELS)),
    _key("mark_up", "shift+up", "⇧↑", "mark up", "Mark this version and the one before.", Group.DO, on(Where.MODELS)),
    _key(
        "mark_range",
        "v",
        "v",
        "range",
        "Mark all versions from the one that was marked last to the cursor.",
        Group.DO,
        on(Where.MODELS),
        rank=14,
    ),
    _key("unmark", "u", "u", "unmark", "Take every mark away.", Group.DO, on(Where.MODELS), rank=13),
)

LINEAGE = (
    _key(
        "way",
        "p",
        "p",
        "path",
        "The path between two marked versions, what changed at each step, and their common ancestor.",
        Group.SEE,
        on(Where.LINEAGE),
        rank=65,
    ),
    _key(
        "drawing",
        "t",
        "t",
        "tree or graph",
        "A tree, oldest first, or a graph with lanes, newest first.",
        Group.SEE,
        on(Where.LINEAGE),
        rank=64,
    ),
    _key(
        "family",
        "f",
        "f",
        "siblings",
        "Siblings too: what else came from the same parents, data and code.",
        Group.SEE,
        on(Where.LINEAGE),
        rank=63,
    ),
)

ACTS = (
    _key("promote", "P", "P", "promote", "Promote the version to an alias.", Group.CHANGE, ACTING, rank=64),
    _key(
        "rollback",
        "R",
        "R",
        "roll back",
        "Give the alias back to its holder before; on History to the one under the cursor.",
        Group.CHANGE,
        ACTING,
        rank=54,
    ),
    _key(
        "undo",
        "U",
        "U",
        "undo",
        "Take your last action back; on History the one under the cursor.",
        Group.CHANGE,
        ACTING,
        rank=53,
    ),
    _key(
        "approve",
        "Y",
        "Y",
        "approve",
        "Approve the candidate for its alias.",
        Group.CHANGE,
        on(Where.REVIEW),
        rank=77,
    ),
    _key(
        "reject",
        "X",
        "X",
        "reject",
        "Reject the candidate for its alias, with a reason.",
        Group.CHANGE,
        on(Where.REVIEW),
        rank=76,
    ),
    _key("approve", "Y", "Y", "approve", "Approve the version for an alias.", Group.CHANGE, ELSEWHERE, rank=22),
    _key(
        "reject",
        "X",
        "X",
        "reject",
        "Reject the version for an alias, with a reason.",
        Group.CHANGE,
        ELSEWHERE,
        rank=21,
    ),
    _key("request", "V", "V", "ask", "Ask for a review of the version.", Group.CHANGE, ACTING, rank=50),
    _key(
        "alias",
        "A",
        "A",
        "alias",
        "Give the version an alias by name, or take it away.",
        Group.CHANGE,
        ACTING,
        rank=19,
    ),
    _key("tag", "T", "T", "tag", "Give the version tags, or take them away.", Group.CHANGE, ACTING, rank=18),
    _key("note", "W", "W", "note", "Write a note about the version.", Group.CHANGE, ACTING, rank=17),
)

PREVIEWS = (
    _key(
        "next_alias",
        "tab",
        "tab",
        "next alias",
        "The next alias that the plan could be about; ← and → do the same.",
        Group.SEE,
        on(Where.PREVIEW),
    ),
    _key("previous_alias", "shift+tab", "⇧tab", "alias before", "The alias before.", Group.SEE, on(Where.PREVIEW)),
    _key(
        "override",
        "o",
        "o",
        "override",
        "Let a blocked plan through, with a reason that is recorded.",
        Group.CHANGE,
        on(Where.PREVIEW),
    ),
    _key(
        "cancel",
        "escape q",
        "esc q",
        "cancel",
        "Leave everything as it is; while it runs, stop.",
        Group.GO,
        on(Where.PREVIEW),
    ),
    _key(
        "take",
        "enter",
        "enter",
        "evidence",
        "On a check, its evidence; on Cancel, leave everything as it is.",
        Group.SEE,
        on(Where.PREVIEW),
    ),
)

OUTPUTS = (
    _key(
        "stop",
        "escape q",
        "esc q",
        "stop",
        "Stop the command that runs, a second time at once; close this when it has ended.",
        Group.GO,
        on(Where.OUTPUT),
        rank=90,
    ),
    _key("wrap_lines", "w", "w", "wrap", "Break long lines, or no longer.", Group.SEE, on(Where.OUTPUT), rank=20),
)

DIALOGS = (
    _key("close", "escape q", "esc q", "close", "Close this.", Group.GO, on(Where.DIALOG), rank=90),
    _key("choose", "enter", "enter", "choose", "Take what is under the cursor.", Group.DO, on(Where.DIALOG), rank=80),
)
