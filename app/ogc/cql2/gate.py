"""What keeps a filter small: its length and nesting before it is parsed, the nodes and depth of its tree after it."""

from __future__ import annotations

import re

import shapely

from app.errors import BadInput
from app.ogc.cql2.tree import Node, Shape, children

MAX_BYTES = 8 * 1024
MAX_DEPTH = 64
MAX_NODES = 2_000
MAX_VERTICES = 1_000
#: Two levels of JSON for one of the tree (an object and its list of arguments), and those of a geometry's coordinates.
MAX_JSON_DEPTH = 2 * MAX_DEPTH + 8
SMALLER = "Write it shorter, or ask in several requests."
_JSON_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")


def check_length(text: str) -> None:
    """Raise BadInput for a filter of more than 8 KB, or one that holds what no text can."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise BadInput(f"The filter is longer than {MAX_BYTES:,} bytes.", SMALLER)
    if "\x00" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise BadInput("The filter holds a character that no text can hold.", "Write it in UTF-8.")


def check_json_depth(text: str) -> None:
    """Raise BadInput for JSON that is nested too deep, before anything parses it."""
    depth = 0
    for bracket in _BRACKETS.findall(_JSON_TEXT.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_JSON_DEPTH:
            raise too_deep()


def too_deep() -> BadInput:
    """The error for a filter that is nested too deep."""
    return BadInput(f"The filter is nested more than {MAX_DEPTH} levels deep.", SMALLER)


def check_tree(tree: Node) -> None:
    """Raise BadInput for a tree that is too deep, has too many nodes, or whose geometries have too many vertices."""
    count = vertices = 0
    below = [(tree, 1)]
    while below:
        node, depth = below.pop()
        count += 1
        if depth > MAX_DEPTH:
            raise too_deep()
        if isinstance(node, Shape):
            vertices += int(shapely.get_num_coordinates(node.geometry))
        below += [(child, depth + 1) for child in children(node)]
    if count > MAX_NODES:
        raise BadInput(f"The filter has more than {MAX_NODES:,} parts.", SMALLER)
    if vertices > MAX_VERTICES:
        raise BadInput(
            f"The geometries of the filter have {vertices:,} vertices; {MAX_VERTICES:,} are allowed.",
            "Simplify them, or use BBOX.",
        )
