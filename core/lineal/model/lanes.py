"""A lineage as a graph with lanes, newest first, as `git log --graph` draws commits.

A member stands above what it came from. Only one lane ever waits for a member: a second child joins it at once, so that
two hundred children of one base stay two lanes wide.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from heapq import heappop, heappush

import msgspec

from lineal.model.lineage import Link, Tree
from lineal.model.outline import FOLD
from lineal.model.records import Confidence, EdgeKind, NodeKind

DRAWN = 16  # lanes that are drawn; what lies farther right is `⋯`
_INPUTS = frozenset((NodeKind.DATASET, NodeKind.CODE))
_NONE: dict[int, bool] = {}
_TRUST = {Confidence.PROVED: 0, Confidence.DECLARED: 1, Confidence.INFERRED: 2}


class Knot(msgspec.Struct, frozen=True, kw_only=True):
    """One line: a member with its lanes, or `folded` members of which it is the newest.

    The lanes are drawn only when `art` is asked for: of ten thousand lines a window shows fifty.
    """

    member: int
    glyph: str
    lane: int  # its own
    standing: int  # a bit for each lane that runs through from above
    ties: dict[int, bool]  # lanes tied to its own: joined (True), or begun here (False)
    link: Link | None = None  # to the parent it stands above; for data and code, to what was made from it
    folded: int = 0

    @property
    def art(self) -> str:
        """Return the lanes with the member's glyph among them."""
        return _drawn(self.standing, self.lane, self.glyph, self.ties)


def graph(tree: Tree, *, fold: int = FOLD, unfolded: Collection[int] = (), inputs: Collection[int] = ()) -> list[Knot]:
    """Lay a tree out as a graph. Only data and code that went into members of `inputs` are shown, with all their users.

    Chains of at least `fold` members that have one parent, one child and no alias become one line (0 folds none);
    `unfolded` are members of chains that stay open.
    """
    above = _above(tree, frozenset(inputs))
    lanes = _Lanes()
    runs = _folded(tree, _order(tree, above), above, fold, frozenset(unfolded))
    return [_knot(tree, run, above, lanes) for run in runs]


def _knot(tree: Tree, run: Sequence[int], above: dict[int, list[Link]], lanes: _Lanes) -> Knot:
    first, folded = run[0], len(run) if len(run) > 1 else 0
    lane, standing, ties = lanes.step(first, above[run[-1]])
    return Knot(
        member=first,
        glyph="┊" if folded else _glyph(tree, first),
        lane=lane,
        standing=standing,
        ties=ties,
        link=_said(tree, first, above),
        folded=folded,
    )


def _above(tree: Tree, inputs: frozenset[int]) -> dict[int, list[Link]]:
    """Return the links of every member that is shown, the best known parent first, one for each parent."""
    kinds = [member.node.kind in _INPUTS and at != tree.start for at, member in enumerate(tree.members)]
    shown = {link.parent for link in tree.links if kinds[link.parent] and link.child in inputs}
    above: dict[int, list[Link]] = {at: [] for at, hidden in enumerate(kinds) if not hidden or at in shown}
    for link in tree.links:
        if link.child in above and link.parent in above and link.child != link.parent:
            above[link.child].append(link)
    for at, links in above.items():
        if len(links) > 1:
            links.sort(key=lambda link: (kinds[link.parent], link.kind is EdgeKind.COPIED, _TRUST[link.confidence]))
            above[at] = list({link.parent: link for link in reversed(links)}.values())[::-1]
    return above


def _order(tree: Tree, above: dict[int, list[Link]]) -> list[int]:
    """Return the members with every child before its parents, a line of descent together; a cycle is cut."""
    left = dict.fromkeys(above, 0)
    for links in above.values():
        for link in links:
            left[link.parent] += 1
    spare: list[int] = []
    ready = sorted((at for at in above if not left[at]), key=lambda at: _born(tree, at))
    order: list[int] = []
    done: set[int] = set()
    while len(order) < len(above):
        if not ready:  # a cycle is opened at its farthest descendant
            spare = spare or sorted(above, key=lambda at: (tree.members[at].generation, _born(tree, at), -at))
            ready.append(spare.pop())
        at = ready.pop()
        if at in done:
            continue
        done.add(at)
        order.append(at)
        freed: list[int] = []
        for link in reversed(above[at]):
            left[link.parent] -= 1
            if not left[link.parent]:
                freed.append(link.parent)
        if len(freed) > 1:  # data and code stand right below the last that used them, and end their lane there
            freed.sort(key=lambda parent: tree.members[parent].node.kind in _INPUTS)
        ready += freed
    return order


def _born(tree: Tree, at: int) -> float:
    version = tree.members[at].version
    return version.created_at if version and version.created_at is not None else 0.0


def _folded(
    tree: Tree, order: Sequence[int], above: dict[int, list[Link]], fold: int, unfolded: frozenset[int]
) -> Iterable[list[int]]:
    """Yield the members line by line: those of a folded chain together."""
    children = dict.fromkeys(above, 0)
    for links in above.values():
        for link in links:
            children[link.parent] += 1
    run: list[int] = []
    for at in order:
        follows = bool(run) and above[run[-1]][0].parent == at
        plain = bool(fold) and _is_plain(tree, at) and len(above[at]) == 1 and children[at] == 1
        if run and not (plain and follows):
            yield from _whole(run, fold, unfolded)
            run = []
        if plain:
            run.append(at)
        else:
            yield [at]
    if run:
        yield from _whole(run, fold, unfolded)


def _is_plain(tree: Tree, at: int) -> bool:
    member = tree.members[at]
    return at != tree.start and not member.more and not (member.version and member.version.aliases)


def _whole(run: list[int], fold: int, unfolded: frozenset[int]) -> list[list[int]]:
    return [run] if len(run) >= fold and unfolded.isdisjoint(run) else [[at] for at in run]


def _said(tree: Tree, at: int, above: dict[int, list[Link]]) -> Link | None:
    if tree.members[at].node.kind not in _INPUTS:
        return above[at][0] if above[at] else None
    return next((link for link in tree.links if link.parent == at and link.child in above), None)


def _glyph(tree: Tree, at: int) -> str:
    member = tree.members[at]
    if at == tree.start:
        return "◉"
    if member.node.kind in _INPUTS:
        return "◇" if member.node.kind is NodeKind.DATASET else "□"
    return "●" if member.version else "○"


class _Lanes:
    """The lanes as they stand between two lines: which member each waits for."""

    def __init__(self) -> None:
        self.standing = 0
        self.made = 0
        self.where: dict[int, int] = {}
        self.free: list[int] = []
        self.done: set[int] = set()

    def step(self, at: int, links: Sequence[Link]) -> tuple[int, int, dict[int, bool]]:
        """Come to a member and go on to its parents: return its lane, the lanes above it, and those tied to it."""
        standing = self.standing
        mine = self.where.pop(at, -1)
        mine = self._lane() if mine < 0 else mine
        self.done.add(at)
        self.standing &= ~(1 << mine)
        ties = self._ties(mine, links) if links else _NONE
        if not self.standing >> mine & 1:
            heappush(self.free, mine)
        return mine, standing, ties

    def _ties(self, mine: int, links: Sequence[Link]) -> dict[int, bool]:
        """Let a lane wait for each parent; return the other lanes that are joined, or begin here."""
        ties: dict[int, bool] = {}
        for parent in (link.parent for link in links if link.parent not in self.done):
            if (known := self.where.get(parent)) is not None:
                ties[known] = True
                continue
            fresh = self._lane() if self.standing >> mine & 1 else mine
            self.standing |= 1 << fresh
            self.where[parent] = fresh
            if fresh != mine:
                ties[fresh] = False
        return ties

    def _lane(self) -> int:
        """Return the leftmost lane that is free."""
        while self.free:
            lane = heappop(self.free)
            if not self.standing >> lane & 1:
                return lane
        self.made += 1
        return self.made - 1


def _drawn(standing: int, mine: int, glyph: str, ties: dict[int, bool]) -> str:
    low, high = min((mine, *ties)), max((mine, *ties))
    cells: list[str] = []
    for lane in range(min(DRAWN, max(standing.bit_length(), high + 1))):
        stands = bool(standing >> lane & 1)
        across = low <= lane <= high
        if lane == mine:
            cells.append(glyph)
        elif lane in ties:
            cells.append(_end(lane, low, high, joins=ties[lane]))
        else:
            cells.append(("┼" if stands else "─") if across else "│" if stands else " ")
        cells.append("─" if low <= lane < high else " ")
    art = "".join(cells).rstrip()
    return f"{art}{glyph if mine >= DRAWN else ''}⋯" if high >= DRAWN else art


def _end(lane: int, low: int, high: int, *, joins: bool) -> str:
    if lane == low:
        return "├" if joins else "╭"
    if lane == high:
        return "┤" if joins else "╮"
    return "┼" if joins else "┬"
