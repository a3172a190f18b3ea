"""Lineage of any graph, cycles included, is what plain set arithmetic says."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lineal import lineage
from lineal.model.lineage import Tree
from lineal.model.outline import outline, rails
from lineal.model.records import EdgeKind, Node
from tests.family import Family, edge, version

SIZE = 9
pairs = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=24)
nodes = st.integers(0, SIZE - 1)
Pairs = list[tuple[int, int]]


def family(given_pairs: Pairs) -> Family:
    return Family(edge(version(str(parent)), version(str(child))) for parent, child in given_pairs)


def distances(given_pairs: Pairs, start: int) -> dict[int, int]:
    """How many edges away each node is, parent to child, by relaxing all edges until nothing changes."""
    found = {start: 0}
    for _ in range(SIZE):
        for parent, child in given_pairs:
            if parent in found and found[parent] + 1 < found.get(child, SIZE + 1):
                found[child] = found[parent] + 1
    return found


def turned(given_pairs: Pairs) -> Pairs:
    return [(child, parent) for parent, child in given_pairs]


def number(node: Node) -> int:
    return int(node.key)


def generations(tree: Tree) -> dict[int, int]:
    return {number(member.node): member.generation for member in tree.members}


@given(pairs, nodes)
def test_ancestors_are_all_that_leads_here_at_their_least_distance(given_pairs: Pairs, start: int) -> None:
    found = lineage.ancestors(family(given_pairs), version(str(start)))
    expected = {node: -away for node, away in distances(turned(given_pairs), start).items()}
    assert generations(found) == expected
    assert not found.cut


@given(pairs, nodes)
def test_descendants_are_all_that_is_reached_at_their_least_distance(given_pairs: Pairs, start: int) -> None:
    found = lineage.descendants(family(given_pairs), version(str(start)))
    assert generations(found) == distances(given_pairs, start)


@given(pairs, nodes)
def test_a_tree_holds_both_sides_and_every_edge_that_leads_to_its_members(given_pairs: Pairs, start: int) -> None:
    found = lineage.tree(family(given_pairs), version(str(start)))
    up, down = distances(turned(given_pairs), start), distances(given_pairs, start)
    assert generations(found).keys() == up.keys() | down.keys()
    at = [number(member.node) for member in found.members]
    links = {(at[link.parent], at[link.child]) for link in found.links}
    assert links == {(p, c) for p, c in given_pairs if c in up or p in down}


@given(pairs, nodes, st.integers(1, 3))
def test_a_bounded_tree_is_the_near_part_and_says_where_it_ends(given_pairs: Pairs, start: int, depth: int) -> None:
    found = lineage.descendants(family(given_pairs), version(str(start)), depth=depth)
    near = {node: away for node, away in distances(given_pairs, start).items() if away <= depth}
    assert generations(found) == near
    ends = {p for p, c in given_pairs if p in near and c not in near}
    assert {number(member.node) for member in found.members if member.more} == ends
    assert found.cut == bool(ends)


@given(pairs, nodes, st.integers(1, SIZE))
def test_a_limit_is_kept_and_takes_the_nearest(given_pairs: Pairs, start: int, limit: int) -> None:
    found = lineage.descendants(family(given_pairs), version(str(start)), limit=limit)
    away = distances(given_pairs, start)
    assert len(found.members) == min(limit, len(away))
    kept = [away[number(member.node)] for member in found.members]
    assert kept == sorted(away.values())[: len(kept)]
    assert found.cut == (len(away) > limit)


@given(pairs, nodes, nodes)
def test_common_ancestors_are_those_at_the_least_distance_from_both(given_pairs: Pairs, left: int, right: int) -> None:
    found = lineage.common(family(given_pairs), version(str(left)), version(str(right)))
    one, two = distances(turned(given_pairs), left), distances(turned(given_pairs), right)
    sums = {node: one[node] + two[node] for node in one.keys() & two.keys()}
    nearest = {node for node, away in sums.items() if away == min(sums.values())}
    assert {number(shared.member.node) for shared in found.ancestors} == nearest
    for shared in found.ancestors:
        node = number(shared.member.node)
        assert (shared.left, shared.right) == (one[node], two[node])


@given(pairs, nodes, nodes)
def test_a_path_is_a_shortest_one_along_real_edges(given_pairs: Pairs, left: int, right: int) -> None:
    found = lineage.path(family(given_pairs), version(str(left)), version(str(right)))
    away = distances([*given_pairs, *turned(given_pairs)], left)
    if right not in away:
        assert not found.members
        return
    at = [number(member.node) for member in found.members]
    assert (at[0], at[-1]) == (left, right)
    assert len(found.links) == away[right] == len(at) - 1
    for step, link in enumerate(found.links):
        assert {link.parent, link.child} == {step, step + 1}
        assert (at[link.parent], at[link.child]) in given_pairs


@given(pairs, nodes, st.integers(0, 4))
def test_an_outline_shows_every_member_once_and_mentions_every_other_edge(
    given_pairs: Pairs, start: int, fold: int
) -> None:
    tree = lineage.tree(family(given_pairs), version(str(start)))
    lines = outline(tree, fold=fold)
    full = [line for line in lines if not line.again]
    hidden = sum(line.folded - 1 for line in full if line.folded)
    assert len(full) + hidden == len(tree.members)
    assert len({line.member for line in full}) == len(full)
    assert any(line.member == tree.start and not line.folded for line in full)
    loops = sum(link.parent == link.child for link in tree.links)
    assert sum(line.link is not None for line in lines) + hidden == len(tree.links) - loops
    assert len(rails(lines)) == len(lines)
    assert all(second.depth <= first.depth + 1 for first, second in pairwise(lines))


@given(pairs, nodes)
def test_every_line_hangs_under_the_nearest_shallower_one(given_pairs: Pairs, start: int) -> None:
    tree = lineage.tree(family(given_pairs), version(str(start)))
    above: dict[int, int] = {}
    for line in outline(tree, fold=0):
        if line.link is not None:
            assert line.link.kind is EdgeKind.TRAINED_FROM
            assert (line.link.parent, line.link.child) == (above[line.depth - 1], line.member)
        above[line.depth] = line.member
