"""Iteration over SUPER in a FROM clause: `FROM t, t.items AS i AT n` and `FROM t, UNPIVOT t.attributes AS v AT k`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from localshift.errors import refused, syntax_error
from localshift.sql.scan import View

FROM_ENDS = frozenset(
    {"WHERE", "GROUP", "HAVING", "QUALIFY", "ORDER", "LIMIT", "OFFSET", "UNION", "INTERSECT", "EXCEPT", "MINUS", "SET"}
)
JOINS = frozenset({"JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL", "ON", "USING"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Iteration:
    """One item of a FROM clause: the tokens from `first` to before `last` are what it iterates over, `end` is behind it.

    `value` names the element, `place` its index or key, empty when the statement does not; `attributes` is true for objects.
    """

    first: int
    last: int
    end: int
    value: str
    place: str
    attributes: bool


def iterations(view: View) -> Mapping[int, Iteration]:
    """Return the iterations of a statement by the position where each begins."""
    found: dict[int, Iteration] = {}
    for i in range(len(view.tokens)):
        if view.upper(i) == "FROM" and view.opener(i) not in ("EXTRACT", "SUBSTRING", "TRIM", "POSITION"):
            _of_clause(view, i, found)
    return found


def elements(found: Mapping[int, Iteration]) -> frozenset[str]:
    """Return the names that stand for a SUPER value by themselves."""
    return frozenset(item.value for item in found.values())


def iteration_sql(item: Iteration, expression: str, number: int) -> str:
    """Return the FROM item for PostgreSQL."""
    place = f', place AS "{_escaped(item.place)}"' if item.place else ""
    function = "rs.attributes" if item.attributes else "rs.elements"
    query = f'SELECT item AS "{_escaped(item.value)}"{place} FROM {function}({expression})'  # noqa: S608 - quoted names
    return f"LATERAL ({query}) AS rs_e{number}"


def _of_clause(view: View, source: int, found: dict[int, Iteration]) -> None:
    names: set[str] = set()
    values: set[str] = set()
    i = source + 1
    while i < len(view.tokens) and view.openers[i] >= view.openers[source]:
        if view.openers[i] != view.openers[source]:
            i += 1
            continue
        if view.upper(i) in FROM_ENDS or view.tokens[i].is_op(")"):
            return
        begins = view.upper(i - 1) in (",", "FROM", "JOIN")
        item = _item(view, i, frozenset(names), frozenset(values)) if begins and view.upper(i - 1) == "," else None
        if item is not None:
            found[i] = item
            names.add(item.value)
            values.add(item.value)
            i = item.end
            continue
        if view.tokens[i].kind in ("word", "quoted") and view.upper(i) not in JOINS and view.upper(i + 1) != ".":
            names.add(view.tokens[i].name)
        i += 1


def _item(view: View, i: int, names: frozenset[str], values: frozenset[str]) -> Iteration | None:
    attributes = view.upper(i) == "UNPIVOT" and view.upper(i + 1) != "("
    first = i + attributes
    token = view.at(first)
    if token is None or token.kind not in ("word", "quoted"):
        return None
    path = view.upper(first + 1) in (".", "[")
    if not attributes and not (token.name in names and path) and not (token.name in values and not path):
        return None
    last = first + 1
    while view.upper(last) in (".", "["):
        last += 2 if view.upper(last) == "." else 3
    end = last + (view.upper(last) == "AS")
    value = view.at(end)
    if value is None or value.kind not in ("word", "quoted") or value.upper in FROM_ENDS | JOINS | {"AT"}:
        if attributes:
            raise syntax_error(view.tokens[min(end, len(view.tokens) - 1)].text)
        raise refused("iterating over a SUPER value without an alias is not supported by localshift")
    end += 1
    place = ""
    if view.upper(end) == "AT":
        named = view.at(end + 1)
        if named is None or named.kind not in ("word", "quoted"):
            raise syntax_error("AT")
        place, end = named.name, end + 2
    return Iteration(first=first, last=last, end=end, value=value.name, place=place, attributes=attributes)


def _escaped(name: str) -> str:
    return name.replace('"', '""')
