"""The syntax errors of the Groovy on stdin, as a JSON list of [line, text]."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import tree_sitter
import tree_sitter_groovy


def errors(node: tree_sitter.Node) -> Iterator[tuple[int, str]]:
    if node.type == "ERROR" or node.is_missing:
        yield node.start_point[0] + 1, (node.text or b"").decode()[:80]
    for child in node.children:
        yield from errors(child)


parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_groovy.language()))
print(json.dumps(list(errors(parser.parse(sys.stdin.buffer.read()).root_node))))
