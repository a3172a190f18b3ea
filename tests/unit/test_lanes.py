"""A lineage as a graph with lanes: children above parents, one lane for whatever is waited for, chains folded."""

from __future__ import annotations

from lineal import lineage
from lineal.model.lanes import DRAWN, Knot, graph
from lineal.model.lineage import Tree
from lineal.model.records import EdgeKind
from tests.family import Family, dataset, edge, version


def chain(length: int) -> Family:
    return Family(edge(version(str(at)), version(str(at + 1))) for at in range(length))


def drawn(tree: Tree, knots: list[Knot]) -> list[str]:
    return [f"{knot.art} {knot.folded or tree.members[knot.member].node.key or 'data'}" for knot in knots]


def test_a_chain_is_one_lane_newest_first() -> None:
    tree = lineage.tree(chain(3), version("1"))
    assert drawn(tree, graph(tree)) == ["● 3", "● 2", "◉ 1", "● 0"]


def test_two_branches_join_and_a_merge_opens_a_lane() -> None:
    edges = [("0", "1"), ("0", "2"), ("1", "3"), ("2", "3")]
    family = Family(edge(version(parent), version(child)) for parent, child in edges)
    tree = lineage.tree(family, version("3"))
    lines = drawn(tree, graph(tree))
    assert lines[0] == "◉─╮ 3"
    assert sorted(lines[1:3]) == ["├─● 2", "● │ 1"] or sorted(lines[1:3]) == ["│ ● 2", "● │ 1"]
    assert lines[-1] == "● 0"


def test_every_child_stands_above_its_parents_and_no_member_is_lost() -> None:
    family = Family(edge(version(str(at // 3)), version(str(at))) for at in range(1, 120))
    tree = lineage.descendants(family, version("0"))
    rows = {knot.member: row for row, knot in enumerate(graph(tree, fold=0))}
    assert len(rows) == len(tree.members)
    assert all(rows[link.child] < rows[link.parent] for link in tree.links)


def test_many_children_of_one_parent_stay_two_lanes_wide() -> None:
    tree = lineage.descendants(Family(edge(version("0"), version(str(at))) for at in range(1, 150)), version("0"))
    assert max(len(knot.art) for knot in graph(tree)) == len("├─●")


def test_more_lanes_than_are_drawn_are_said_to_be_there() -> None:
    parents = [version(f"p{at}") for at in range(DRAWN + 5)]
    tree = lineage.tree(Family(edge(parent, version("merged")) for parent in parents), version("merged"))
    art = graph(tree)[0].art
    assert art.endswith("⋯")
    assert len(art) <= 2 * DRAWN + 2


def test_long_chains_are_folded_and_unfolded_by_any_of_their_members() -> None:
    tree = lineage.tree(chain(9_999), version("5000"))
    knots = graph(tree)
    assert [knot.folded for knot in knots] == [0, 4_998, 0, 4_999, 0]
    assert knots[1].glyph == "┊"
    assert len(graph(tree, unfolded=[knots[1].member])) == 4_998 + 4
    assert len(graph(tree, fold=0)) == 10_000


def test_data_is_a_node_that_every_user_is_tied_to_once_it_is_asked_for() -> None:
    data = dataset("d1")
    family = Family(
        [
            edge(version("0"), version("1")),
            edge(data, version("0"), EdgeKind.TRAINED_ON),
            edge(data, version("1"), EdgeKind.TRAINED_ON),
        ]
    )
    tree = lineage.tree(family, version("1"))
    knots = graph(tree, inputs=[tree.start])
    assert [knot.glyph for knot in knots] == ["◉", "●", "◇"]
    assert [knot.art for knot in knots] == ["◉─╮", "●─┤", "  ◇"]
    assert knots[-1].link is not None
    assert [knot.glyph for knot in graph(tree)] == ["◉", "●"]


def test_a_cycle_is_drawn_and_ends() -> None:
    family = Family([edge(version("0"), version("1")), edge(version("1"), version("0"))])
    tree = lineage.tree(family, version("0"))
    assert sorted(knot.member for knot in graph(tree, fold=0)) == [0, 1]


def test_siblings_are_what_else_came_from_the_same_parents_and_data() -> None:
    data = dataset("d1")
    family = Family(
        [
            edge(version("0"), version("1")),
            edge(version("0"), version("2")),
            edge(data, version("1"), EdgeKind.TRAINED_ON),
            edge(data, version("other"), EdgeKind.TRAINED_ON),
        ]
    )
    alone, kin = lineage.tree(family, version("1")), lineage.family(family, version("1"))
    assert {m.node for m in kin.members} - {m.node for m in alone.members} == {version("2"), version("other")}
    assert {(kin.members[link.parent].node, kin.members[link.child].node) for link in kin.links} >= {
        (version("0"), version("2")),
        (data, version("other")),
    }
    assert lineage.family(family, version("1"), limit=3).cut
