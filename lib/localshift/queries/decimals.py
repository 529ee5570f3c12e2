"""Precision and scale of what a statement computes of decimals, by the rules of AWS's "Computations with numeric values".

PostgreSQL's reading of the statement knows the type of every part, and the precision of columns and casts. What follows
from them is found here, from the leaves up; what does not (parameters, functions whose result no page describes) is None.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from localshift.queries.trees import Node, cast_modifier, plain, source_at

MAX_PRECISION = 38
SMALL_PRECISION = 19
LEAST_SCALE = 4
NUMERIC = "1700"
# PostgreSQL's numbers of its types and functions, which never change.
ADDED, MULTIPLIED, DIVIDED, SIGNED = frozenset({"1724", "1725"}), "1726", "1727", frozenset({"1771", "1915"})
FROM_INTEGER = frozenset({"1740", "1781", "1782"})
TYPE_OF = {
    "VAR": "vartype",
    "CONST": "consttype",
    "PARAM": "paramtype",
    "FUNCEXPR": "funcresulttype",
    "OPEXPR": "opresulttype",
    "NULLIFEXPR": "opresulttype",
    "AGGREF": "aggtype",
    "WINDOWFUNC": "wintype",
    "RELABELTYPE": "resulttype",
    "COERCEVIAIO": "resulttype",
    "CASEEXPR": "casetype",
    "COALESCEEXPR": "coalescetype",
    "MINMAXEXPR": "minmaxtype",
}
SAME = frozenset({"abs", "any_value", "first_value", "lag", "last_value", "lead", "max", "min", "nth_value"})
CALLED = re.compile(r'(?:rs\s*\.\s*)?"?(\w+)')
# PostgreSQL takes a sign, and the parentheses between it and the number, into the constant.
LITERAL = re.compile(r"[-(\s]*(\d*)\.?(\d*)(?![eE\d.])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Precision and scale of a decimal."""

    precision: int
    scale: int


INTEGERS = {"21": Size(precision=5, scale=0), "23": Size(precision=10, scale=0), "20": Size(precision=19, scale=0)}


def added(a: Size, b: Size) -> Size:
    """Return the size of a sum or a difference."""
    scale = max(a.scale, b.scale)
    precision = max(a.precision - a.scale, b.precision - b.scale) + 1 + scale
    return Size(precision=min(precision, MAX_PRECISION), scale=scale)


def multiplied(a: Size, b: Size) -> Size:
    """Return the size of a product."""
    return Size(precision=min(a.precision + b.precision + 1, MAX_PRECISION), scale=a.scale + b.scale)


def divided(a: Size, b: Size) -> Size:
    """Return the size of a quotient: above 38 digits the scale gives way, down to four."""
    scale = max(LEAST_SCALE, a.scale + b.precision - b.scale + 1)
    precision = a.precision - a.scale + b.scale + scale
    if precision > MAX_PRECISION:
        return Size(precision=MAX_PRECISION, scale=max(MAX_PRECISION + scale - precision, LEAST_SCALE))
    return Size(precision=precision, scale=scale)


def merged(a: Size, b: Size) -> Size:
    """Return the size that takes both, of UNION, CASE, COALESCE and the like."""
    scale = max(a.scale, b.scale)
    precision = max(a.precision - a.scale, b.precision - b.scale) + scale
    # The page's limit is 19 digits, which what is stored in 128 bits already exceeds.
    limit = SMALL_PRECISION if max(a.precision, b.precision) <= SMALL_PRECISION else MAX_PRECISION
    return Size(precision=min(precision, limit), scale=scale)


def of_modifier(modifier: int) -> Size | None:
    """Return the size that a column's or a cast's type modifier says; None for -1."""
    if modifier < 0:
        return None
    return Size(precision=(modifier - 4) >> 16 & 0xFFFF, scale=((modifier - 4 & 0x7FF) ^ 1024) - 1024)


def literal(text: str) -> Size | None:
    """Return the size of a number as it is written at the start of the text; None when it is none, or has an exponent."""
    found = LITERAL.match(text)
    if found is None or not (found.group(1) or found.group(2)):
        return None
    scale = len(found.group(2))
    return Size(precision=max(len(found.group(1).lstrip("0")) + scale, 1), scale=scale)


Scope = tuple[Node, ...]
"""The queries around an expression, the innermost first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What is known of one statement: its text in UTF-8, for positions are counted in bytes, and what was found already."""

    text: bytes
    known: dict[int, Size | None] = field(default_factory=dict)

    def of(self, node: Node, scope: Scope) -> Size | None:
        """Return the size of an expression; None when it is no number, or its size is not known."""
        if id(node) not in self.known:
            self.known[id(node)] = None
            self.known[id(node)] = self._of(node, scope)
        return self.known[id(node)]

    def column(self, query: Node, number: int, scope: Scope) -> Size | None:
        """Return the size of one column of a query, counted from 1; `scope` begins with the query."""
        if isinstance(operation := query.get("setOperations"), dict):
            return self._of_operation(operation, number, scope)
        found = (entry["expr"] for entry in query["targetList"] if entry["resno"] == str(number))
        return next((self.of(expression, scope) for expression in found), None)

    def _of_operation(self, operation: Node, number: int, scope: Scope) -> Size | None:
        if operation[""] == "RANGETBLREF":
            query = scope[0]["rtable"][int(operation["rtindex"]) - 1]["subquery"]
            return self.column(query, number, (query, *scope))
        sides = (operation["larg"], operation["rarg"])
        return _merged([self._of_operation(side, number, scope) for side in sides])

    def _of(self, node: Node, scope: Scope) -> Size | None:
        kind = node[""]
        if kind == "SUBLINK":
            query = node["subselect"]
            return self.column(query, 1, (query, *scope)) if node["subLinkType"] == "4" else None
        type_number = node.get(TYPE_OF.get(kind, ""), "")
        if type_number != NUMERIC:
            return INTEGERS.get(type_number)
        if kind in ("CASEEXPR", "COALESCEEXPR", "MINMAXEXPR"):
            return _merged([self.of(one, scope) for one in _choices(node) if not _is_null(one)])
        if kind in ("AGGREF", "WINDOWFUNC"):
            return self._of_aggregate(node, scope)
        is_call = kind in ("FUNCEXPR", "OPEXPR", "NULLIFEXPR")
        return self._of_call(node, scope) if is_call else self._of_leaf(node, scope)

    def _of_leaf(self, node: Node, scope: Scope) -> Size | None:
        if node[""] == "VAR":
            return of_modifier(int(node["vartypmod"])) or self._of_variable(node, scope[int(node["varlevelsup"]) :])
        if node[""] == "CONST":
            return of_modifier(int(node["consttypmod"])) or literal(source_at(node, self.text))
        if node[""] == "RELABELTYPE":
            return of_modifier(int(node["resulttypmod"])) or self.of(node["arg"], scope)
        return None

    def _of_variable(self, node: Node, scope: Scope) -> Size | None:
        entry, number = scope[0]["rtable"][int(node["varno"]) - 1], int(node["varattno"])
        query = entry.get("subquery")
        if isinstance(query, dict):
            return self.column(query, number, (query, *scope))
        if isinstance(entry.get("ctename"), str) and entry.get("self_reference") == "false":
            return self._of_cte(entry, number, scope[int(entry["ctelevelsup"]) :])
        if isinstance(rows := entry.get("values_lists"), list):
            return _merged([self.of(row[number - 1], scope) for row in rows if not _is_null(row[number - 1])])
        aliased = entry.get("groupexprs", entry.get("joinaliasvars"))
        return self.of(aliased[number - 1], scope) if isinstance(aliased, list) else None

    def _of_cte(self, entry: Node, number: int, scope: Scope) -> Size | None:
        for common in scope[0]["cteList"]:
            if plain(common["ctename"]) == plain(entry["ctename"]) and common["cterecursive"] == "false":
                return self.column(common["ctequery"], number, (common["ctequery"], *scope))
        return None

    def _of_aggregate(self, node: Node, scope: Scope) -> Size | None:
        arguments = node["args"] if isinstance(node["args"], list) else []
        if not arguments:
            return None
        first = arguments[0]["expr"] if arguments[0][""] == "TARGETENTRY" else arguments[0]
        size, name = self.of(first, scope), called(node, self.text)
        if size is None or name in SAME:
            return size
        small = name == "avg" and size.precision <= SMALL_PRECISION
        precision = SMALL_PRECISION if small else MAX_PRECISION
        return Size(precision=precision, scale=size.scale) if name in ("sum", "avg") else None

    def _of_call(self, node: Node, scope: Scope) -> Size | None:
        name, arguments = node.get("funcid", node.get("opfuncid")), node["args"]
        if (modifier := cast_modifier(node)) is not None:
            return of_modifier(modifier)
        if node[""] == "NULLIFEXPR" or name in FROM_INTEGER or name in SIGNED or self._is_same(node):
            return self.of(arguments[0], scope)
        rule = divided if name == DIVIDED else multiplied if name == MULTIPLIED else added if name in ADDED else None
        if rule is None:
            return None
        a, b = (self.of(argument, scope) for argument in arguments)
        return None if a is None or b is None else rule(a, b)

    def _is_same(self, node: Node) -> bool:
        return node[""] == "FUNCEXPR" and called(node, self.text) in SAME


def called(node: Node, text: bytes) -> str:
    """Return the name of the function that a call calls; empty where none is written there."""
    found = CALLED.match(source_at(node, text))
    return found.group(1).lower() if found else ""


def _merged(sizes: Sequence[Size | None]) -> Size | None:
    known = [size for size in sizes if size is not None]
    return reduce(merged, known) if known and len(known) == len(sizes) else None


def _choices(node: Node) -> Iterator[Node]:
    if node[""] != "CASEEXPR":
        yield from node["args"]
        return
    yield from (when["result"] for when in node["args"])
    if isinstance(node["defresult"], dict):
        yield node["defresult"]


def _is_null(node: Node) -> bool:
    return bool(node[""] == "CONST" and node["constisnull"] == "true")


def is_computed(node: Node) -> bool:
    """Tell whether an expression is a decimal of which PostgreSQL does not keep precision and scale."""
    modifiers = (node[key] for key in ("vartypmod", "consttypmod", "resulttypmod") if key in node)
    known = next(modifiers, "-1") != "-1" or (cast_modifier(node) or -1) >= 0
    return node.get(TYPE_OF.get(node[""], ""), NUMERIC) == NUMERIC and not known


def operations(tree: Any) -> Iterator[tuple[Node, Scope]]:
    """Yield each operation of the statement with the queries around it."""
    waiting: list[tuple[Any, Scope]] = [(tree, ())]
    while waiting:
        node, scope = waiting.pop()
        if isinstance(node, dict):
            if node[""] == "QUERY":
                scope = (node, *scope)
            elif node[""] == "OPEXPR":
                yield node, scope
            waiting += [(value, scope) for value in node.values() if not isinstance(value, str)]
        elif isinstance(node, list):
            waiting += [(value, scope) for value in node if not isinstance(value, str)]
