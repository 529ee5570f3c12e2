"""Correlated subqueries that Redshift cannot decorrelate, and refuses: PostgreSQL's reading of the statement shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from localshift.errors import INTERNAL, SqlError
from localshift.queries.decimals import called
from localshift.queries.trees import Node
from localshift.sql.lex import tokenize
from localshift.sql.scan import View

NOT_SUPPORTED = "This type of correlated subquery pattern is not supported due to internal error"
BLOCK = re.compile(r"\b(select|delete|update)\b", re.IGNORECASE)
# A query within one query is in doubt with one of these only.
LEAST_BLOCKS, TELLING = 2, re.compile(r"\b(over|group|on)\b", re.IGNORECASE)
OUTER_JOINS = frozenset({"1", "2", "3"})
IN_QUERY = "2"
DECORRELATED = frozenset({"min", "max"})


def doubtful(sql: str) -> bool:
    """Tell whether the statement may hold such a subquery, so that its tree is worth a look."""
    blocks = sum(1 for _ in BLOCK.finditer(sql))
    if blocks < LEAST_BLOCKS or (blocks == LEAST_BLOCKS and TELLING.search(sql) is None):
        return False
    view = View(tokenize(sql))
    queries = {i for i in view.pairs if view.upper(i + 1) in ("SELECT", "WITH")}
    within = [
        i
        for i in queries
        if view.clause(i) != "FROM" and view.upper(i - 1) not in ("FROM", "JOIN", "AS", "UNION", "ALL")
    ]
    if not within:
        return False
    words = {token.upper for token in view.tokens}
    nested = any(not queries.isdisjoint(_around(view, i)) for i in queries)
    return nested or not words.isdisjoint({"OVER", "GROUP"}) or any(view.clause(i) == "ON" for i in within)


def _around(view: View, i: int) -> Iterator[int]:
    while (i := view.openers[i]) >= 0:
        yield i


def refuse_correlated(sql: str, tree: Any) -> None:
    """Raise what Redshift answers to a subquery of one of the patterns that AWS's page lists; `tree` is the statement's."""
    data = sql.encode()
    for node, crossed in _nodes(tree):
        kind = node[""]
        if kind == "VAR" and int(node["varlevelsup"]) > 1 and False not in crossed[-int(node["varlevelsup"]) :]:
            raise SqlError(INTERNAL, NOT_SUPPORTED)
        outer = kind == "JOINEXPR" and node["jointype"] in OUTER_JOINS and _holds_correlated(node["quals"])
        grouped = kind == "RANGETBLENTRY" and _holds_correlated(node.get("groupexprs", ""))
        if outer or grouped or (kind == "SUBLINK" and _is_beyond(node, data)):
            raise SqlError(INTERNAL, NOT_SUPPORTED)


def _nodes(tree: Any) -> Iterator[tuple[Node, tuple[bool, ...]]]:
    """Yield each node with, for each query around it, whether it is one of the client's: not a LATERAL of our own."""
    waiting: list[tuple[Any, tuple[bool, ...]]] = [(tree, ())]
    while waiting:
        node, crossed = waiting.pop()
        if isinstance(node, dict):
            yield node, crossed
            lateral = node.get("lateral") == "true"
            for value in node.values():
                if isinstance(value, dict) and value[""] == "QUERY":
                    waiting.append((value, (*crossed, not lateral)))
                elif not isinstance(value, str):
                    waiting.append((value, crossed))
        elif isinstance(node, list):
            waiting += [(value, crossed) for value in node if not isinstance(value, str)]


def _is_correlated(query: Node) -> bool:
    return any(node[""] == "VAR" and int(node["varlevelsup"]) > len(around) for node, around in _nodes(query))


def _holds_correlated(part: Any) -> bool:
    return any(node[""] == "SUBLINK" and _is_correlated(node["subselect"]) for node, _ in _nodes(part))


def _is_beyond(link: Node, data: bytes) -> bool:
    """Whether a subquery has a window function, or, behind IN, a GROUP BY with aggregates that are not MIN and MAX."""
    query = link["subselect"]
    windows = query["hasWindowFuncs"] == "true"
    grouped = link["subLinkType"] == IN_QUERY and query["hasAggs"] == "true" and isinstance(query["groupClause"], list)
    if not (windows or (grouped and _aggregates(query, data) - DECORRELATED)):
        return False
    return _is_correlated(query)


def _aggregates(query: Node, data: bytes) -> set[str]:
    found = set()
    for node, _ in _nodes(query["targetList"]):
        if node[""] == "AGGREF":
            found.add(called(node, data))
    return found
