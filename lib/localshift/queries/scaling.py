"""Divisions of decimals get the scale that Redshift's rules give them, where their operands' precision and scale are known.

PostgreSQL finds what each part of a statement is; `a / b` becomes `a / '(9)'::rs.places / b`, two operators of ours that
bind as the one did, so that no operand has to be found in the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localshift.queries.decimals import DIVIDED, Size, Sizes, is_computed, operations
from localshift.queries.trees import Node, plain
from localshift.sql.lex import Token, quote_identifier, tokenize

ENDS = frozenset(
    {"SELECT", "FROM", "WHERE", "BY", "HAVING", "ORDER", "GROUP", "LIMIT", "OFFSET", "UNION", "INTERSECT", "EXCEPT"}
    | {"ASC", "DESC", "NULLS", "ROWS", "AS", "ON", "THEN", "WHEN", "ELSE", "END", "AND", "OR", ",", ";"}
)


def divides(sql: str) -> bool:
    """Tell whether the statement holds a division sign outside of strings, names and comments."""
    return "/" in sql and any(token.is_op("/") for token in tokenize(sql))


def scales(sql: str, tree: Any) -> dict[int, int | None]:
    """Return the scale of each division in the tree by the position of its sign; None where none can be told."""
    data = sql.encode()
    sizes = Sizes(text=data)
    found: dict[int, int | None] = {}
    for node, scope in operations(tree):
        position = int(node["location"])
        if data[position : position + 1] == b"/" and position >= 0:
            size = sizes.of(node, scope) if node["opfuncid"] == DIVIDED else None
            found[len(data[:position].decode())] = None if size is None else size.scale
    return found


def computed_columns(sql: str, query: Node) -> list[tuple[str, Size | None]]:
    """Return the columns of a query with the size of those that are computed decimals of a known one, and None for others."""
    sizes = Sizes(text=sql.encode())
    columns: list[tuple[str, Size | None]] = []
    for entry in query["targetList"] if isinstance(query["targetList"], list) else []:
        if entry["resjunk"] == "false":
            size = sizes.column(query, int(entry["resno"]), (query,)) if is_computed(entry["expr"]) else None
            fits = size is not None and size.scale <= size.precision
            columns.append((plain(entry["resname"]), size if fits else None))
    return columns


def with_types(sql: str, columns: Sequence[tuple[str, Size | None]]) -> str:
    """Return the query with its computed decimals cast to their type; as it is when there are none."""
    if not any(size for _, size in columns):
        return sql
    casts = (f"::numeric({size.precision}, {size.scale})" if size else "" for _, size in columns)
    made = ", ".join(
        f"c{i}{cast} AS {quote_identifier(name)}"
        for i, ((name, _), cast) in enumerate(zip(columns, casts, strict=True))
    )
    names = ", ".join(f"c{i}" for i in range(len(columns)))
    return f"SELECT {made} FROM ({sql}\n) AS computed ({names})"  # noqa: S608 - the query is the client's own


def with_scales(sql: str, found: Mapping[int, int | None]) -> tuple[str, bool]:
    """Return the statement with these scales, and whether a scale was taken from a like expression.

    Of equal expressions in a select list and in GROUP BY or ORDER BY PostgreSQL keeps one: the others are divided alike.
    """
    tokens = tokenize(sql)
    out, end, alike = [], 0, False
    for i, token in enumerate(tokens):
        if not token.is_op("/"):
            continue
        scale = found.get(token.start)
        if token.start not in found:
            scale = _twin(tokens, i, found)
            alike = True
        if scale is not None:
            out += [sql[end : token.end], f" '({scale})'::rs.places /"]
            end = token.end
    return "".join([*out, sql[end:]]), alike


def _twin(tokens: Sequence[Token], i: int, found: Mapping[int, int | None]) -> int | None:
    """Return the scale of the nearest division in an expression that reads the same; None when there is none."""
    first, last = _expression(tokens, i)
    words = [token.text.lower() for token in tokens]
    nearest = sorted((k for k, token in enumerate(tokens) if token.start in found), key=lambda k: abs(k - i))
    for k in nearest:
        shift = k - i
        if first + shift >= 0 and words[first + shift : last + shift] == words[first:last]:
            return found[tokens[k].start]
    return None


def _expression(tokens: Sequence[Token], i: int) -> tuple[int, int]:
    """Return the range of the expression around the sign at `i`: up to a comma, a clause, or the parenthesis it is in."""
    edges = []
    for step, opening, closing in ((-1, ")", "("), (1, "(", ")")):
        depth, k = 0, i
        while 0 <= k + step < len(tokens):
            token = tokens[k + step]
            if depth == 0 and (token.is_op(closing) or (token.upper or token.text) in ENDS):
                break
            depth += token.is_op(opening) - token.is_op(closing)
            k += step
        edges.append(k)
    return edges[0], edges[1] + 1
