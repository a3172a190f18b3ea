"""Lineage across names, data and long chains, and how it is laid out in lines."""

from __future__ import annotations

import msgspec

from lineal import lineage
from lineal.model.lineage import Tree
from lineal.model.outline import Line, outline, rails
from lineal.model.records import Confidence, EdgeKind, Node, NodeKind
from tests.family import Family, dataset, edge, version


def chain(length: int) -> Family:
    return Family(edge(version(str(at)), version(str(at + 1))) for at in range(length))


def shown(tree: Tree, lines: tuple[Line, ...]) -> list[str]:
    return [
        f"{rail}{f'… {line.folded} folded' if line.folded else tree.members[line.member].node.key or 'data'}"
        + (" (again)" if line.again else "")
        for rail, line in zip(rails(lines), lines, strict=True)
    ]


def test_a_chain_of_ten_thousand_is_walked_drawn_and_folded() -> None:
    tree = lineage.tree(chain(9_999), version("5000"))
    lines = outline(tree, fold=0)
    assert (len(tree.members), len(lines), tree.cut) == (10_000, 10_000, False)
    assert max(map(len, rails(lines))) < 100
    assert [line.folded for line in outline(tree)] == [0, 4_999, 0, 4_998, 0]


def test_a_wide_family_takes_few_questions() -> None:
    family = Family(edge(version("0"), version(str(at))) for at in range(1, 150))
    tree = lineage.descendants(family, version("0"))
    assert len(tree.members) == 150
    assert family.questions <= 3


def test_more_children_than_are_followed_are_said_to_be() -> None:
    tree = lineage.descendants(Family(edge(version("0"), version(str(at))) for at in range(1, 500)), version("0"))
    assert len(tree.members) == 201
    assert tree.members[0].more
    assert tree.cut


def test_a_models_name_is_followed_to_the_version_that_it_stands_for() -> None:
    name = Node(NodeKind.MODEL, "", "bert", "")
    bert, root = version("b", "bert"), version("r", "root")
    family = Family([edge(name, version("1"), EdgeKind.FINETUNED), edge(root, bert)], named={name: bert})
    tree = lineage.ancestors(family, version("1"))
    assert [member.node for member in tree.members] == [version("1"), bert, root]
    assert lineage.path(family, version("1"), root).members[1].node == bert


def test_the_better_known_of_two_equal_edges_is_told() -> None:
    guess = edge(version("0"), version("1"), confidence=Confidence.INFERRED, detail="same name")
    proof = edge(version("0"), version("1"), confidence=Confidence.PROVED, detail="sha256")
    for edges in ([guess, proof], [proof, guess]):
        (link,) = lineage.ancestors(Family(edges), version("1")).links
        assert (link.confidence, link.detail) == (Confidence.PROVED, "sha256")


def test_data_is_shared_but_no_ancestor_and_the_last_resort_of_a_path() -> None:
    data = dataset("tx")
    family = Family(
        [
            edge(data, version("1"), EdgeKind.TRAINED_ON),
            edge(data, version("2"), EdgeKind.TRAINED_ON),
            edge(data, version("9"), EdgeKind.TRAINED_ON),
            edge(version("0"), version("3")),
            edge(version("3"), version("1")),
            edge(version("0"), version("2")),
        ]
    )
    common = lineage.common(family, version("1"), version("2"))
    assert [(one.member.node.key, one.left, one.right) for one in common.ancestors] == [("0", 2, 1)]
    assert [one.member.node for one in common.inputs] == [data]
    way = lineage.path(family, version("1"), version("2"))
    assert [member.node.key for member in way.members] == ["1", "3", "0", "2"]
    assert [member.node for member in lineage.path(family, version("1"), version("9")).members][1] == data
    assert [member.node for member in lineage.path(family, data, version("9")).members] == [data, version("9")]


def test_the_way_from_a_version_to_itself_has_no_steps() -> None:
    way = lineage.path(Family([]), version("1"), version("1"))
    assert ([member.node for member in way.members], way.links) == ([version("1")], ())


def test_a_search_that_ends_at_its_limit_says_so() -> None:
    way = lineage.path(chain(100), version("0"), version("100"), limit=10)
    assert (way.members, way.cut) == ((), True)
    assert not lineage.path(Family([]), version("0"), version("1")).cut


def test_impact_counts_what_was_made_and_finds_what_is_live() -> None:
    data = dataset("tx")
    family = Family(
        [
            edge(data, version("1"), EdgeKind.TRAINED_ON),
            edge(data, version("2"), EdgeKind.TRAINED_ON),
            edge(version("1"), version("8", "onnx"), EdgeKind.QUANTIZED),
            edge(version("other"), version("unrelated")),
        ],
        aliases={"8": "prod"},
    )
    found = lineage.impact(family, data)
    assert found.versions == 3
    assert [(one.model, one.versions) for one in found.models] == [("m", 2), ("onnx", 1)]
    assert [found.tree.members[at].node.key for at in found.live] == ["8"]


def test_a_node_that_nobody_knows_stands_alone() -> None:
    tree = lineage.tree(Family([]), dataset("nothing"))
    assert [member.node for member in tree.members] == [dataset("nothing")]
    assert shown(tree, outline(tree)) == ["d"]


def test_an_outline_reads_from_the_base_down_with_data_under_what_used_it() -> None:
    family = Family(
        [
            edge(version("1"), version("2"), EdgeKind.FINETUNED),
            edge(version("2"), version("3")),
            edge(version("2"), version("4")),
            edge(version("3"), version("5"), EdgeKind.MERGED),
            edge(version("4"), version("5"), EdgeKind.MERGED, Confidence.INFERRED),
            edge(dataset("tx"), version("2"), EdgeKind.TRAINED_ON),
        ]
    )
    tree = lineage.tree(family, version("2"))
    assert shown(tree, outline(tree)) == [
        "1",
        "└─ 2",
        "   ├─ d",
        "   ├─ 3",
        "   │  └─ 5",
        "   └─ 4",
        "      └─ 5 (again)",
    ]


def test_long_chains_are_folded_but_not_what_an_alias_points_at() -> None:
    family = chain(30)
    family.aliases = {"20": "prod"}
    tree = lineage.tree(family, version("25"))
    lines = outline(tree)
    assert shown(tree, lines) == [
        "0",
        "└─ … 19 folded",
        "   └─ 20",
        "      └─ … 4 folded",
        "         └─ 25",
        "            └─ … 4 folded",
        "               └─ 30",
    ]
    opened = outline(tree, unfolded=[lines[1].member])
    assert [line.folded for line in opened if line.folded] == [4, 4]
    assert len(opened) == 30 - 8 + 1 + 2


def test_a_member_with_more_relatives_than_are_shown_is_not_folded_away() -> None:
    edges = [edge(version(str(at)), version(str(at + 1))) for at in range(6)]
    family = Family([*edges, edge(version("3"), version("99"))])
    tree = lineage.descendants(family, version("0"), limit=5)
    assert [member.more for member in tree.members] == [False, False, False, True, True]
    assert not any(line.folded for line in outline(tree, fold=3))
    assert any(line.folded for line in outline(tree, fold=2))


def test_a_cycle_is_opened_at_its_farthest_ancestor_and_ends_in_a_mention() -> None:
    family = Family(
        [edge(version("1"), version("2")), edge(version("2"), version("1")), edge(version("2"), version("3"))]
    )
    tree = lineage.tree(family, version("3"))
    assert shown(tree, outline(tree)) == ["1", "└─ 2", "   ├─ 1 (again)", "   └─ 3"]


def test_a_tree_reads_back_from_its_json() -> None:
    tree = lineage.tree(chain(3), version("1"))
    assert msgspec.json.decode(msgspec.json.encode(tree), type=Tree) == tree


def test_a_row_and_its_node_are_the_same_version() -> None:
    node = version("7", "churn")
    row = Family([]).find(node.registry, node.name, node.key)
    assert row is not None
    assert lineage.node_of(row) == node
