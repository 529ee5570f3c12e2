"""LISTAGG and the percentiles: their WITHIN GROUP and their window.

PostgreSQL orders no aggregate over a window, so there the window itself is ordered, and its frame is the whole of the
partition. No I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from localshift.errors import SYNTAX_ERROR, UNDEFINED_FUNCTION, SqlError, refused
from localshift.sql.scan import View

WHOLE = "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
DIRECTIONS = frozenset({"ASC", "DESC", "NULLS", "FIRST", "LAST"})
ORDERED = frozenset({"listagg", "percentile_cont", "percentile_disc"})


class Writer(Protocol):
    """What a call is written with: the tokens, and the text of a range of them."""

    view: View

    def emit(self, start: int, end: int) -> str:
        """Return the tokens from `start` to before `end` as SQL."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What follows a call: the parentheses of its WITHIN GROUP and of its OVER, None where there are none, and the end."""

    order: int | None
    over: int | None
    end: int


def what_follows(view: View, close: int) -> Behind:
    """Return what belongs to a call that closes there."""
    order = over = None
    end = close + 1
    if [view.upper(end), view.upper(end + 1), view.upper(end + 2)] == ["WITHIN", "GROUP", "("]:
        order, end = end + 2, view.pairs[end + 2] + 1
    if view.upper(end) == "OVER" and view.upper(end + 1) == "(":
        over, end = end + 1, view.pairs[end + 1] + 1
    return Behind(order=order, over=over, end=end)


def listagg(writer: Writer, start: int) -> str:
    """Return a LISTAGG as PostgreSQL has it."""
    view, spans = writer.view, writer.view.arguments(start)
    if len(spans) not in (1, 2):
        raise SqlError(UNDEFINED_FUNCTION, "function listagg() needs one or two arguments")
    first, last = spans[0]
    distinct = view.upper(first) == "DISTINCT"
    value = writer.emit(first + distinct, last)
    separator = writer.emit(*spans[1]) if len(spans) == 2 else "''"
    behind = what_follows(view, view.pairs[start])
    order = "" if behind.order is None else " " + writer.emit(behind.order + 1, view.pairs[behind.order])
    if behind.over is not None:
        window = _window(writer, behind.over, order)
        if distinct:
            return f"rs.listagg(rs.distinct_texts(array_agg(({value})::text) OVER ({window}), {separator}))"
        return f"rs.listagg(string_agg(({value})::text, {separator}) OVER ({window}))"
    if distinct:
        # As an array: text would sort numbers by their digits, and DISTINCT wants the sort key among its arguments.
        kept = f"array_agg(DISTINCT {value}{order}) FILTER (WHERE ({value}) IS NOT NULL)"
        return f"rs.listagg(array_to_string({kept}, {separator}))"
    return f"rs.listagg(string_agg(({value})::text, {separator}{order}))"


def percentile(writer: Writer, start: int) -> str:
    """Return a PERCENTILE_CONT or PERCENTILE_DISC as PostgreSQL has it; without APPROXIMATE the latter is for windows."""
    view, name = writer.view, writer.view.tokens[start - 1].name
    behind = what_follows(view, view.pairs[start])
    if behind.order is None or len(view.arguments(start)) != 1:
        raise SqlError(SYNTAX_ERROR, f"function {name}() needs a fraction and WITHIN GROUP (ORDER BY ...)")
    fraction = writer.emit(start + 1, view.pairs[start])
    close = view.pairs[behind.order]
    order = writer.emit(behind.order + 1, close)
    if behind.over is None:
        if name == "percentile_disc" and view.upper(start - 2) != "APPROXIMATE":
            raise refused("PERCENTILE_DISC without OVER or APPROXIMATE is not supported by localshift")
        return f"{name}({fraction}) WITHIN GROUP ({order})"
    last = close
    while view.upper(last - 1) in DIRECTIONS:
        last -= 1
    value = writer.emit(behind.order + 3, last)
    kind = "::double precision" if name == "percentile_cont" else ""
    return f"rs.{name}({fraction}, array_agg(({value}){kind}) OVER ({_window(writer, behind.over, order)}))"


def _window(writer: Writer, over: int, order: str) -> str:
    view, close = writer.view, writer.view.pairs[over]
    if any(view.upper(i) == "ORDER" and view.openers[i] == over for i in range(over + 1, close)):
        raise SqlError(SYNTAX_ERROR, "ORDER BY is not allowed in this window: it stands in WITHIN GROUP")
    partition = writer.emit(over + 1, close)
    return f"{partition} {order} {WHOLE}" if order else partition
