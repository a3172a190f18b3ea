"""The one key table: bindings, footer, help, palette and documentation all come from it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from textual.binding import BindingType


class Where(StrEnum):
    """A screen, or what stands above one."""

    MODELS = "models"
    LINEAGE = "lineage"
    COMPARE = "compare"
    CHARTS = "charts"
    SOURCES = "sources"
    DIALOG = "dialog"  # help, choices, details: whatever opens above a screen


class Group(StrEnum):
    """Where the help puts a key."""

    MOVE = "Move"
    GO = "Go"
    SEE = "See"
    DO = "Do"


SCREENS = (Where.MODELS, Where.LINEAGE, Where.COMPARE, Where.CHARTS, Where.SOURCES)
_EVERY = frozenset(SCREENS)
_ALL = frozenset(Where)


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """What one key does on some screens.

    `keys` are Textual's names, `shown` is what a person reads, `label` stands in the footer where `rank` is above 0
    (the highest rank stays when room is short), `help` is one sentence.
    """

    id: str
    keys: tuple[str, ...]
    shown: str
    label: str
    help: str
    group: Group
    where: frozenset[Where] = _EVERY
    rank: int = 0


def _on(*where: Where) -> frozenset[Where]:
    return frozenset(where)


MOVES = (
    Key(id="up", keys=("up", "k"), shown="↑ k", label="up", help="One line up.", group=Group.MOVE, where=_ALL),
    Key(id="down", keys=("down", "j"), shown="↓ j", label="down", help="One line down.", group=Group.MOVE, where=_ALL),
    Key(
        id="left",
        keys=("left", "h"),
        shown="← h",
        label="left",
        help="Fold, or scroll to the left.",
        group=Group.MOVE,
        where=_ALL,
    ),
    Key(
        id="right",
        keys=("right", "l"),
        shown="→ l",
        label="right",
        help="Unfold, or scroll to the right.",
        group=Group.MOVE,
        where=_ALL,
    ),
    Key(
        id="page_up", keys=("pageup",), shown="pgup", label="page up", help="One page up.", group=Group.MOVE, where=_ALL
    ),
    Key(
        id="page_down",
        keys=("pagedown",),
        shown="pgdn",
        label="page down",
        help="One page down.",
        group=Group.MOVE,
        where=_ALL,
    ),
    Key(
        id="half_up",
        keys=("ctrl+u",),
        shown="^u",
        label="half up",
        help="Half a page up.",
        group=Group.MOVE,
        where=_ALL,
    ),
    Key(
        id="half_down",
        keys=("ctrl+d",),
        shown="^d",
        label="half down",
        help="Half a page down.",
        group=Group.MOVE,
        where=_ALL,
    ),
    Key(id="top", keys=("g", "home"), shown="g", label="top", help="The first line.", group=Group.MOVE, where=_ALL),
    Key(id="bottom", keys=("G", "end"), shown="G", label="bottom", help="The last line.", group=Group.MOVE, where=_ALL),
    Key(id="next_pane", keys=("tab",), shown="tab", label="pane", help="The next pane.", group=Group.MOVE),
    Key(
        id="previous_pane",
        keys=("shift+tab",),
        shown="⇧tab",
        label="pane back",
        help="The pane before.",
        group=Group.MOVE,
    ),
)

GOES = (
    Key(
        id="models",
        keys=("1",),
        shown="1",
        label="models",
        help="Models, versions and their details.",
        group=Group.GO,
        rank=30,
    ),
    Key(
        id="lineage",
        keys=("2",),
        shown="2",
        label="lineage",
        help="Where the version under the cursor came from, and what came from it.",
        group=Group.GO,
        rank=60,
    ),
    Key(
        id="compare_screen",
        keys=("3",),
        shown="3",
        label="compare",
        help="The comparison of the marked versions.",
        group=Group.GO,
        rank=20,
    ),
    Key(
        id="charts",
        keys=("4",),
        shown="4",
        label="charts",
        help="Metrics across versions and along training.",
        group=Group.GO,
        rank=58,
    ),
    Key(
        id="sources",
        keys=("7",),
        shown="7",
        label="sources",
        help="Registries: how fresh, and what is unreadable.",
        group=Group.GO,
        rank=25,
    ),
    Key(
        id="back",
        keys=("escape",),
        shown="esc",
        label="back",
        help="Clear what is open or filtered, else the place before.",
        group=Group.GO,
        rank=40,
    ),
    Key(
        id="leave",
        keys=("q",),
        shown="q",
        label="quit",
        help="The place before; at the root, ask whether to quit.",
        group=Group.GO,
        rank=39,
    ),
    Key(
        id="place_back",
        keys=("less_than_sign",),
        shown="<",
        label="place back",
        help="The place you were before.",
        group=Group.GO,
    ),
    Key(
        id="place_forward",
        keys=("greater_than_sign",),
        shown=">",
        label="place forward",
        help="Forward again through the places you were.",
        group=Group.GO,
    ),
    Key(
        id="jump",
        keys=("apostrophe",),
        shown="'",
        label="jump",
        help="Jump to a model, version or alias by name.",
        group=Group.GO,
        rank=15,
    ),
)

SEES = (
    Key(
        id="open",
        keys=("enter",),
        shown="enter",
        label="open",
        help="Models: open what is under the cursor. Lineage: go there. Compare: fold. Sources: its problems.",
        group=Group.SEE,
        rank=12,
    ),
    Key(
        id="filter",
        keys=("slash",),
        shown="/",
        label="filter",
        help="Filter the versions, live.",
        group=Group.SEE,
        where=_on(Where.MODELS),
        rank=70,
    ),
    Key(
        id="sort",
        keys=("o",),
        shown="o",
        label="sort",
        help="Choose the order of the versions.",
        group=Group.SEE,
        where=_on(Where.MODELS),
        rank=35,
    ),
    Key(
        id="columns",
        keys=("comma",),
        shown=",",
        label="columns",
        help="Choose the columns.",
        group=Group.SEE,
        where=_on(Where.MODELS),
        rank=10,
    ),
    Key(
        id="only_marked",
        keys=("full_stop",),
        shown=".",
        label="only marked",
        help="Show only marked versions.",
        group=Group.SEE,
        where=_on(Where.MODELS),
        rank=8,
    ),
    Key(
        id="everything",
        keys=("full_stop",),
        shown=".",
        label="all",
        help="Show equal rows too, or only what changed.",
        group=Group.SEE,
        where=_on(Where.COMPARE),
        rank=65,
    ),
    Key(
        id="next",
        keys=("n",),
        shown="n",
        label="next",
        help="Compare: the next change. Sources: the next problem.",
        group=Group.SEE,
        where=_on(Where.COMPARE, Where.SOURCES),
        rank=66,
    ),
    Key(
        id="previous",
        keys=("N",),
        shown="N",
        label="previous",
        help="Compare: the change before. Sources: the problem before.",
        group=Group.SEE,
        where=_on(Where.COMPARE, Where.SOURCES),
    ),
    Key(
        id="fold",
        keys=("f",),
        shown="f",
        label="fold",
        help="Fold or unfold the facet.",
        group=Group.SEE,
        where=_on(Where.COMPARE),
        rank=62,
    ),
    Key(
        id="baseline",
        keys=("b",),
        shown="b",
        label="baseline",
        help="Make the next version the baseline; transposed, the one under the cursor.",
        group=Group.SEE,
        where=_on(Where.COMPARE),
        rank=61,
    ),
    Key(
        id="transpose",
        keys=("x",),
        shown="x",
        label="transpose",
        help="Swap rows and columns.",
        group=Group.SEE,
        where=_on(Where.COMPARE),
        rank=59,
    ),
    Key(
        id="axis",
        keys=("x",),
        shown="x",
        label="axis",
        help="Swap versions and training steps along the x axis.",
        group=Group.SEE,
        where=_on(Where.CHARTS),
        rank=59,
    ),
    Key(
        id="zoom_in",
        keys=("plus",),
        shown="+",
        label="zoom in",
        help="Show the newer half of what is drawn.",
        group=Group.SEE,
        where=_on(Where.CHARTS),
        rank=45,
    ),
    Key(
        id="zoom_out",
        keys=("minus",),
        shown="-",
        label="zoom out",
        help="Show twice as much.",
        group=Group.SEE,
        where=_on(Where.CHARTS),
        rank=44,
    ),
    Key(
        id="zoom",
        keys=("z",),
        shown="z",
        label="zoom",
        help="Give the whole window to the pane with the cursor.",
        group=Group.SEE,
        rank=9,
    ),
    Key(
        id="details",
        keys=("i",),
        shown="i",
        label="details",
        help="Everything about what is under the cursor.",
        group=Group.SEE,
        rank=34,
    ),
)

DOES = (
    Key(
        id="mark",
        keys=("space",),
        shown="space",
        label="mark",
        help="Mark the version, or take its mark away.",
        group=Group.DO,
        where=_on(Where.MODELS, Where.LINEAGE),
        rank=80,
    ),
    Key(
        id="compare",
        keys=("c",),
        shown="c",
        label="compare",
        help="Compare the marked versions, or the marked one with that under the cursor.",
        group=Group.DO,
        where=_on(Where.MODELS, Where.LINEAGE),
        rank=79,
    ),
    Key(
        id="copy",
        keys=("y",),
        shown="y",
        label="copy",
        help="Copy the reference, key, path or command.",
        group=Group.DO,
        rank=11,
    ),
    Key(
        id="sync",
        keys=("s",),
        shown="s",
        label="sync",
        help="Read the registries again; on Sources the one under the cursor.",
        group=Group.DO,
        rank=28,
    ),
    Key(
        id="sync_all",
        keys=("a",),
        shown="a",
        label="sync all",
        help="Read every registry again.",
        group=Group.DO,
        where=_on(Where.SOURCES),
        rank=64,
    ),
    Key(
        id="help",
        keys=("question_mark",),
        shown="?",
        label="keys",
        help="The keys of this screen, and why a dimmed one is off.",
        group=Group.DO,
        rank=90,
    ),
    Key(
        id="palette",
        keys=("ctrl+p",),
        shown="^p",
        label="palette",
        help="Everything you can do here, by name.",
        group=Group.DO,
        rank=7,
    ),
    Key(
        id="theme",
        keys=("ctrl+t",),
        shown="^t",
        label="theme",
        help="Dark, light, or the terminal's own colours.",
        group=Group.DO,
    ),
)

DIALOGS = (
    Key(
        id="close",
        keys=("escape", "q"),
        shown="esc q",
        label="close",
        help="Close this.",
        group=Group.GO,
        where=_on(Where.DIALOG),
        rank=90,
    ),
    Key(
        id="choose",
        keys=("enter",),
        shown="enter",
        label="choose",
        help="Take what is under the cursor.",
        group=Group.DO,
        where=_on(Where.DIALOG),
        rank=80,
    ),
)

TABLE: tuple[Key, ...] = (*MOVES, *GOES, *SEES, *DOES, *DIALOGS)


def of(where: Where) -> tuple[Key, ...]:
    """Return the keys of one screen, in the order of the table."""
    return tuple(key for key in TABLE if where in key.where)


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
            if key.where == _ALL
            else "every screen"
            if key.where == _EVERY
            else ", ".join(screen for screen in Where if screen in key.where)
        )
        lines.append(f"| `{key.shown}` | {where} | {key.help} |")
    return "\n".join(lines) + "\n"
