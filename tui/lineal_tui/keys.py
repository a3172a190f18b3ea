"""The one key table: bindings, footer, help, palette and documentation all come from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lineal_tui.keying import ACTING, ALL, ELSEWHERE, EVERY, on
from lineal_tui.keying import SCREENS as SCREENS
from lineal_tui.keying import Group as Group
from lineal_tui.keying import Key as Key
from lineal_tui.keying import Where as Where
from lineal_tui.keying import key as _key
from lineal_tui.keys_here import ACTS, CHARTS, COMPARE, DIALOGS, LINEAGE, MODELS, OUTPUTS, PREVIEWS

if TYPE_CHECKING:
    from textual.binding import BindingType

MOVES = (
    _key("up", "up k", "↑ k", "up", "One line up.", Group.MOVE, ALL),
    _key("down", "down j", "↓ j", "down", "One line down.", Group.MOVE, ALL),
    _key("left", "left h", "← h", "left", "Fold, or scroll to the left.", Group.MOVE, ALL),
    _key("right", "right l", "→ l", "right", "Unfold, or scroll to the right.", Group.MOVE, ALL),
    _key("page_up", "pageup", "pgup", "page up", "One page up.", Group.MOVE, ALL),
    _key("page_down", "pagedown", "pgdn", "page down", "One page down.", Group.MOVE, ALL),
    _key("half_up", "ctrl+u", "^u", "half up", "Half a page up.", Group.MOVE, ALL),
    _key("half_down", "ctrl+d", "^d", "half down", "Half a page down.", Group.MOVE, ALL),
    _key("top", "g home", "g", "top", "The first line.", Group.MOVE, ALL),
    _key("bottom", "G end", "G", "bottom", "The last line.", Group.MOVE, ALL),
    _key("next_pane", "tab", "tab", "pane", "The next pane.", Group.MOVE),
    _key("previous_pane", "shift+tab", "⇧tab", "pane back", "The pane before.", Group.MOVE),
)

GOES = (
    _key("models", "1", "1", "models", "Models, versions and their details.", Group.GO, rank=30),
    _key(
        "lineage",
        "2",
        "2",
        "lineage",
        "Where the version under the cursor came from, and what came from it.",
        Group.GO,
        rank=60,
    ),
    _key("compare_screen", "3", "3", "compare", "The comparison of the marked versions.", Group.GO, rank=20),
    _key("charts", "4", "4", "charts", "Metrics across versions and along training.", Group.GO, rank=58),
    _key(
        "review",
        "5",
        "5",
        "review",
        "The version under the cursor beside the one it would replace: the gates, who approved.",
        Group.GO,
        rank=57,
    ),
    _key("history", "6", "6", "history", "What every alias was on any day, and who changed what.", Group.GO, rank=56),
    _key("sources", "7", "7", "sources", "Registries: how fresh, and what is unreadable.", Group.GO, rank=25),
    _key("back", "escape", "esc", "back", "Clear what is open or filtered, else the place before.", Group.GO, rank=40),
    _key("leave", "q", "q", "quit", "The place before; at the root, ask whether to quit.", Group.GO, rank=39),
    _key(
        "place_back",
        "less_than_sign",
        "<",
        "place back",
        "The place you were before, or the view before its last change.",
        Group.GO,
    ),
    _key(
        "place_forward",
        "greater_than_sign",
        ">",
        "place forward",
        "Forward again through places and changes of the view.",
        Group.GO,
    ),
    _key("jump", "apostrophe", "'", "jump", "Jump to a model, version or alias by name.", Group.GO, rank=15),
)

SEES = (
    _key(
        "open",
        "enter",
        "enter",
        "open",
        "Models: open what is under the cursor. Lineage: go there. Compare: a row in full, or fold. Review: the "
        "evidence of a check. History: all about a line. Sources: its models.",
        Group.SEE,
        rank=12,
    ),
    _key("filter", "slash", "/", "filter", "Filter the versions, live.", Group.SEE, on(Where.MODELS), rank=70),
    _key("sort", "o", "o", "sort", "Choose the order of the versions.", Group.SEE, on(Where.MODELS), rank=35),
    _key("columns", "comma", ",", "columns", "Choose the columns.", Group.SEE, on(Where.MODELS), rank=10),
    _key(
        "only_marked",
        "full_stop",
        ".",
        "only marked",
        "Show only marked versions.",
        Group.SEE,
        on(Where.MODELS),
        rank=8,
    ),
    _key(
        "everything",
        "full_stop",
        ".",
        "all",
        "Show equal rows too, or only what changed.",
        Group.SEE,
        on(Where.COMPARE),
        rank=65,
    ),
    _key(
        "next",
        "n",
        "n",
        "next",
        "Compare: the next change. Lineage: the next regression. Sources: the next problem.",
        Group.SEE,
        on(Where.COMPARE, Where.LINEAGE, Where.SOURCES),
        rank=66,
    ),
    _key(
        "previous",
        "N",
        "N",
        "previous",
        "Compare: the change before. Lineage: the regression before. Sources: the problem before.",
        Group.SEE,
        on(Where.COMPARE, Where.LINEAGE, Where.SOURCES),
    ),
    _key("fold", "f", "f", "fold", "Fold or unfold the facet.", Group.SEE, on(Where.COMPARE), rank=62),
    _key(
        "baseline",
        "b",
        "b",
        "baseline",
        "Make the next version the baseline; transposed, the one under the cursor.",
        Group.SEE,
        on(Where.COMPARE),
        rank=61,
    ),
    _key("transpose", "x", "x", "transpose", "Swap rows and columns.", Group.SEE, on(Where.COMPARE), rank=59),
    _key(
        "axis",
        "x",
        "x",
        "axis",
        "Swap versions and training steps along the x axis.",
        Group.SEE,
        on(Where.CHARTS),
        rank=59,
    ),
    _key(
        "zoom_in",
        "plus",
        "+",
        "zoom in",
        "Twice as large: around the cursor, else the newer half.",
        Group.SEE,
        on(Where.CHARTS),
        rank=45,
    ),
    _key("zoom_out", "minus", "-", "zoom out", "Show twice as much.", Group.SEE, on(Where.CHARTS), rank=44),
    *MODELS,
    *COMPARE,
    *LINEAGE,
    *CHARTS,
    _key(
        "fold_part",
        "f",
        "f",
        "fold",
        "Fold or unfold the part with the cursor: checks, differences, reviews; from the inbox or Cancel all of them.",
        Group.SEE,
        on(Where.REVIEW, Where.PREVIEW),
        rank=62,
    ),
    _key(
        "worse",
        "right_square_bracket",
        "]",
        "worse",
        "The next thing that stands in the way or is worse.",
        Group.SEE,
        on(Where.REVIEW, Where.PREVIEW),
        rank=61,
    ),
    _key(
        "worse_before",
        "left_square_bracket",
        "[",
        "worse before",
        "The thing before that stands in the way or is worse.",
        Group.SEE,
        on(Where.REVIEW, Where.PREVIEW),
    ),
    _key(
        "lanes",
        "f",
        "f",
        "lanes",
        "Spread each alias into a lane for every version that held it, or one bar for each.",
        Group.SEE,
        on(Where.HISTORY),
        rank=62,
    ),
    _key(
        "move_next",
        "right_square_bracket",
        "]",
        "next move",
        "The day of the next move of an alias; → is the next day.",
        Group.SEE,
        on(Where.HISTORY),
    ),
    _key(
        "move_before",
        "left_square_bracket",
        "[",
        "move before",
        "The day of the move before; ← is the day before.",
        Group.SEE,
        on(Where.HISTORY),
        rank=61,
    ),
    _key(
        "fold_problems",
        "f",
        "f",
        "fold",
        "Show of each problem only where it is, or what it is and how to mend it too.",
        Group.SEE,
        on(Where.SOURCES),
        rank=62,
    ),
    _key("zoom", "z", "z", "zoom", "Give the whole window to the pane with the cursor.", Group.SEE, rank=9),
    _key("details", "i", "i", "details", "Everything about what is under the cursor.", Group.SEE, rank=34),
)

DOES = (
    _key(
        "mark",
        "space",
        "space",
        "mark",
        "Mark the version, or take its mark away.",
        Group.DO,
        on(Where.MODELS, Where.LINEAGE),
        rank=80,
    ),
    _key(
        "compare",
        "c",
        "c",
        "compare",
        "Compare the marked versions; a single one with that under the cursor, or with the live one (prod, champion).",
        Group.DO,
        on(Where.MODELS, Where.LINEAGE, Where.REVIEW, Where.HISTORY),
        rank=79,
    ),
    _key(
        "copy",
        "y",
        "y",
        "copy",
        "Copy the reference, key, path or command.",
        Group.DO,
        EVERY | {Where.PREVIEW, Where.OUTPUT},
        rank=11,
    ),
    _key(
        "command",
        "colon",
        ":",
        "command",
        "A line that takes what `lineal …` takes; % is the version under the cursor, :q leaves.",
        Group.DO,
        rank=16,
    ),
    _key(
        "export",
        "e",
        "e",
        "export",
        "Write what is on the screen into a file: Markdown, JSON, CSV, or a picture (SVG).",
        Group.DO,
        EVERY - {Where.REVIEW},
        rank=10,
    ),
    _key(
        "evidence",
        "e",
        "e",
        "evidence",
        "Write the evidence for this version and alias into a folder.",
        Group.DO,
        on(Where.REVIEW),
        rank=63,
    ),
    _key(
        "day", "t", "t", "day", "Type a date: what every alias was on that day.", Group.SEE, on(Where.HISTORY), rank=78
    ),
    _key(
        "sync", "s", "s", "sync", "Read the registries again; on Sources the one under the cursor.", Group.DO, rank=28
    ),
    _key("sync_all", "a", "a", "sync all", "Read every registry again.", Group.DO, on(Where.SOURCES), rank=64),
    _key(
        "help", "question_mark", "?", "keys", "The keys of this screen, and why a dimmed one is off.", Group.DO, rank=90
    ),
    _key("palette", "ctrl+p", "^p", "palette", "Everything you can do here, by name.", Group.DO, rank=7),
    _key("theme", "ctrl+t", "^t", "theme", "Dark, light, the terminal's own, high contrast, colour-blind.", Group.DO),
    _key("suspend", "ctrl+z", "^z", "to the shell", "Back to the shell; `fg` comes back here.", Group.DO),
)


JOINED = {
    **dict.fromkeys(("zoom_in", "zoom_out", "pan_left", "pan_right"), "window"),
    **dict.fromkeys(("tab_next", "tab_before"), "tab"),
    **{key: key for key in ("smooth", "log", "baseline")},
}
"""Keys that are pressed again and again, and what they change of a view: that is taken back in one step."""
TABLE: tuple[Key, ...] = (*MOVES, *GOES, *SEES, *DOES, *ACTS, *PREVIEWS, *OUTPUTS, *DIALOGS)
"""The keys as they are bound; `keymap` puts a person's own into it before any screen exists."""


def of(where: Where) -> tuple[Key, ...]:
    """Return the keys of one screen, in the order of the table."""
    return tuple(key for key in TABLE if where in key.where)


def shown(id: str) -> str:  # noqa: A002 - it is one
    """Return how the key of that id is written, for sentences that name it."""
    return next((key.shown for key in TABLE if key.id == id), "")


def pressed(id: str) -> tuple[str, ...]:  # noqa: A002 - it is one
    """Return Textual's names of what is pressed for the key of that id."""
    return next((key.keys for key in TABLE if key.id == id), ())


def bindings(where: Where) -> list[BindingType]:
    """Return Textual's bindings for one screen: each calls `action_key` with the key's id."""
    return list(_bindings(where))


def _bindings(where: Where) -> Iterator[BindingType]:
    from textual.binding import Binding

    for key in of(where):
        for name in key.keys:
            yield Binding(name, f"key('{key.id}')", key.label, show=False, id=f"{where}.{key.id}.{name}")


def markdown() -> str:
    """Return the table as Markdown, for the documentation."""
    lines = ["| keys | where | do |", "|---|---|---|"]
    for key in TABLE:
        where = (
            "everywhere"
            if key.where == ALL
            else "every screen"
            if key.where == EVERY
            else "where a version is"
            if key.where in (ACTING, ELSEWHERE)
            else ", ".join(screen for screen in Where if screen in key.where)
        )
        lines.append(f"| `{key.shown}` | {where} | {key.help} |")
    return "\n".join(lines) + "\n"
