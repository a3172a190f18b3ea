"""A lineage as lines of an indented tree: each member once in full, long single chains folded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from heapq import heappop, heappush
from typing import overload

import msgspec

from lineal.model.lineage import Link, Tree
from lineal.model.records import Confidence, EdgeKind, NodeKind

FOLD = 4  # members in a row, each with one parent and one child, from which a chain is folded
_DEEPEST = 24  # levels whose rails are drawn; what is deeper moves left
_TRUST = {Confidence.PROVED: 0, Confidence.DECLARED: 1, Confidence.INFERRED: 2}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `link` says how its member hangs under the line above it that is one level less deep."""

    member: int
    depth: int = 0
    link: Link | None = None
    last: bool = True  # of those that hang under the same line
    again: bool = False  # the member is shown with all that is below it elsewhere
    folded: int = 0  # the line stands for so many members, of which `member` is the first


def outline(tree: Tree, *, fold: int = FOLD, unfolded: Collection[int] = ()) -> tuple[Line, ...]:
    """Lay a tree out, ancestors first.

    A member with several parents stands under the best known of them and is mentioned (`again`) under the others. Data
    sets and code stand under what was made from them. Chains of at least `fold` members that have nothing of interest
    (no alias, no other relative, not the start) become one line; 0 folds none, `unfolded` are first members of chains
    that stay open.
    """
    return tuple(_Outline(tree, fold, frozenset(unfolded)).lines())


class _Outline:
    def __init__(self, tree: Tree, fold: int, unfolded: frozenset[int]) -> None:
        self.tree, self.fold, self.unfolded = tree, fold, unfolded
        self.inputs = {at for at, member in enumerate(tree.members) if at != tree.start and _is_input(member.node.kind)}
        self.above: dict[int, list[Link]] = {at: [] for at in range(len(tree.members))}
        for link in tree.links:
            self.above[link.child].append(link)
        self.kin = {
            at: [link for link in links if link.parent not in self.inputs] if self.inputs else links
            for at, links in self.above.items()
        }
        self.main = self._spanned()
        self.below = self._hung()
        self.opened: set[int] = set()

    def _spanned(self) -> dict[int, Link | None]:
        """Choose the link under which each member stands, parents before children, so that no cycle is chosen."""
        children: dict[int, list[int]] = {}
        left: dict[int, int] = {}
        for at, links in self.kin.items():
            if at in self.inputs:
                continue
            parents = {link.parent for link in links if link.parent != at}
            left[at] = len(parents)
            for parent in parents:
                children.setdefault(parent, []).append(at)
        ready = [at for at, count in left.items() if not count]
        rest: list[tuple[int, int]] = []
        chosen: dict[int, Link | None] = {}
        levels: dict[int, int] = {}
        while len(chosen) < len(left):
            if not ready:  # a cycle is opened at its farthest ancestor
                rest = rest or sorted(((self.tree.members[at].generation, at) for at in left), reverse=True)
                ready.append(rest.pop()[1])
            at = heappop(ready)
            if at in chosen:
                continue
            link = chosen[at] = self._best(at, levels)
            levels[at] = levels[link.parent] + 1 if link is not None else 0
            for child in children.get(at, ()):
                left[child] -= 1
                if not left[child]:
                    heappush(ready, child)
        return chosen

    def _best(self, at: int, levels: dict[int, int]) -> Link | None:
        kin = self.kin[at]
        if len(kin) == 1:
            return kin[0] if kin[0].parent in levels else None
        links = [link for link in kin if link.parent in levels]
        return min(links, key=lambda link: (_worth(link), -levels[link.parent], link.parent), default=None)

    def _hung(self) -> dict[int, list[Link]]:
        """Return what hangs under each member, in the order of the lines: inputs, mentions, then children by age."""
        below: dict[int, list[Link]] = {at: [] for at in self.above}
        for at, links in self.above.items():
            for link in links:
                if link.parent in self.inputs:
                    below[at].append(link)
                elif link.parent != at:
                    below[link.parent].append(link)
        for at, links in below.items():
            if len(links) < 2:
                continue
            links.sort(key=lambda link: (link.child != at, self.main.get(link.child) is link, self._age(link.child)))
        return below

    def _age(self, at: int) -> tuple[float, int]:
        version = self.tree.members[at].version
        return (version.created_at if version and version.created_at is not None else float("inf"), at)

    def lines(self) -> Iterator[Line]:
        roots = [at for at, link in self.main.items() if link is None]
        roots.sort(key=self._age, reverse=True)
        stack = [Line(member=at, last=at == roots[0]) for at in roots]
        while stack:
            line = stack.pop()
            run = self._run(line) if self.fold else []
            yield msgspec.structs.replace(line, folded=len(run)) if run else line
            stack.extend(reversed(self._under(run[-1] if run else line.member, line, folded=bool(run))))

    def _under(self, at: int, line: Line, *, folded: bool) -> list[Line]:
        if line.again or at in self.inputs:
            return []
        links = self.below[at]
        if folded:
            links = [link for link in links if link.child != at]
        return [
            Line(
                member=link.parent if link.child == at else link.child,
                depth=line.depth + 1,
                link=link,
                last=link is links[-1],
                again=link.child != at and self.main[link.child] is not link,
            )
            for link in links
        ]

    def _run(self, line: Line) -> list[int]:
        """Return the members of the chain that begins here and is folded; nothing where none is."""
        run: list[int] = []
        at = line.member
        while self.fold and not line.again and at not in self.opened and self._is_plain(at):
            run.append(at)
            at = self.below[at][-1].child  # inputs come first
        if run and run[0] in self.unfolded:
            self.opened.update(run)
            return []
        return run if len(run) >= self.fold else []

    def _is_plain(self, at: int) -> bool:
        if len(self.kin[at]) != 1 or at == self.tree.start or at in self.inputs:
            return False
        below = self.below[at]
        down = below if len(below) == 1 else [link for link in below if link.child != at]
        if len(down) != 1 or down[0].child == at or self.main[at] is None or self.main[down[0].child] is not down[0]:
            return False
        member = self.tree.members[at]
        return not (member.more or (member.version and member.version.aliases))


def _is_input(kind: NodeKind) -> bool:
    return kind in (NodeKind.DATASET, NodeKind.CODE)


def _worth(link: Link) -> tuple[bool, int]:
    return link.kind is EdgeKind.COPIED, _TRUST[link.confidence]


def rails(lines: Sequence[Line]) -> Rails:
    """Return what stands before each line: `│  ├─ `, three cells for each level."""
    return Rails(lines)


class Rails(Sequence[str]):
    """What stands before each line; drawn when it is looked at, for a window shows few of ten thousand."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._open: list[int] = []  # for each line a bit for each level at which another line is still to come
        goes_on = 0
        for line in lines:
            goes_on &= (1 << line.depth) - 1
            self._open.append(goes_on)
            if not line.last:
                goes_on |= 1 << line.depth

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> list[str]: ...

    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        line, goes_on = self._lines[at], self._open[at]
        first = max(1, line.depth - _DEEPEST)
        levels = ("│  " if goes_on >> level & 1 else "   " for level in range(first, line.depth))
        end = "" if not line.depth else "└─ " if line.last else "├─ "
        return ("⋯  " if first > 1 else "") + "".join(levels) + end
