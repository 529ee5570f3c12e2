"""Calls that PostgreSQL writes otherwise: each is made from its arguments, and says where what belongs to it ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from localshift.errors import SYNTAX_ERROR, UNDEFINED_FUNCTION, SqlError, refused
from localshift.queries.within import ORDERED, listagg, percentile, what_follows
from localshift.sql.lex import quote_literal
from localshift.sql.scan import View

RENAMED = {
    "avg": "rs.avg",
    "bpcharcmp": "rs.bpcharcmp",
    "bttext_pattern_cmp": "rs.bttext_pattern_cmp",
    "concat": "rs.concat",
    "dlog10": "rs.dlog10",
    "exp": "rs.exp",
    "initcap": "rs.initcap",
    "isnull": "coalesce",
    "json_array_length": "rs.json_array_length",
    "json_serialize": "rs.json_serialize",
    "left": "rs.left",
    "lower": "rs.lower",
    "median": "rs.median",
    "nvl": "coalesce",
    "object": "rs.object",
    "octet_length": "rs.octet_length",
    "pow": "rs.pow",
    "power": "rs.power",
    "regexp_count": "rs.regexp_count",
    "regexp_instr": "rs.regexp_instr",
    "regexp_replace": "rs.regexp_replace",
    "regexp_substr": "rs.regexp_substr",
    "right": "rs.right",
    "split_part": "rs.split_part",
    "sqrt": "rs.sqrt",
    "stddev": "rs.stddev",
    "stddev_pop": "rs.stddev_pop",
    "stddev_samp": "rs.stddev_samp",
    "sum": "rs.sum",
    "to_date": "rs.to_date",
    "to_timestamp": "rs.to_timestamp",
    "upper": "rs.upper",
    "var_pop": "rs.var_pop",
    "var_samp": "rs.var_samp",
    "variance": "rs.variance",
    "version": "rs.version",
}
UNIT_FIRST = {
    "datediff": "rs.date_diff",
    "dateadd": "rs.date_add",
    "date_part": "rs.pgdate_part",
    "pgdate_part": "rs.pgdate_part",
    "date_trunc": "rs.date_trunc",
}
# The frames in which the value before, or behind, is the last or the first one.
FRAMES = {
    "lag": "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING",
    "lead": "ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING",
}
NULL_AWARE = frozenset({"first_value", "last_value", *FRAMES})
# Of a bare literal PostgreSQL would make a timestamp with a time zone; a time of day alone is left to it.
MOMENT = re.compile(r"\d{4}[-/]?\d|\d[-/]\d|\b(now|today|tomorrow|yesterday)\b", re.IGNORECASE)


class Writer(Protocol):
    """What a call is written with: the tokens, and the text of a range of them."""

    view: View

    def emit(self, start: int, end: int) -> str:
        """Return the tokens from `start` to before `end` as SQL."""
        ...

    def type_text(self, start: int, end: int) -> str:
        """Return the type those tokens name."""
        ...


def behind(writer: Writer, name: str, close: int) -> int:
    """Return the position behind a call and what belongs to it: a LISTAGG's WITHIN GROUP, a ratio's OVER, IGNORE NULLS."""
    view, end = writer.view, close + 1
    if name in NULL_AWARE:
        end += 2 if view.upper(end) in ("IGNORE", "RESPECT") else 0
        takes_window = name in FRAMES and _nulls(view, close) == "IGNORE"
        return view.pairs[end + 1] + 1 if takes_window else end
    if name in ORDERED:
        return what_follows(view, close).end
    if name == "ratio_to_report" and view.upper(end) == "OVER" and view.upper(end + 1) == "(":
        end = view.pairs[end + 1] + 1
    return end


def with_unit(writer: Writer, start: int, function: str) -> str:
    """Return a call whose first argument is the name of a date part, bare or as a string."""
    spans = writer.view.arguments(start)
    unit = writer.view.tokens[spans[0][0]]
    first = quote_literal(unit.name) if unit.kind in ("word", "quoted") else writer.emit(*spans[0])
    return f"{function}({', '.join([first, *(_moment(writer, span) for span in spans[1:])])})"


def _moment(writer: Writer, span: tuple[int, int]) -> str:
    token = writer.view.tokens[span[0]]
    text = writer.emit(*span)
    alone = span[1] - span[0] == 1 and token.kind == "string"
    return f"{text}::timestamp" if alone and MOMENT.search(token.value) else text


def _texts(writer: Writer, start: int) -> list[str]:
    return [writer.emit(*span) for span in writer.view.arguments(start)]


def _decode(writer: Writer, start: int) -> str:
    args = _texts(writer, start)
    if len(args) < 3:
        raise SqlError(UNDEFINED_FUNCTION, "function decode() needs at least three arguments")
    pairs = [
        f"WHEN ({args[0]}) IS NOT DISTINCT FROM ({args[k]}) THEN {args[k + 1]}" for k in range(1, len(args) - 1, 2)
    ]
    default = f" ELSE {args[-1]}" if len(args) % 2 == 0 else ""
    return f"CASE {' '.join(pairs)}{default} END"


def _nvl2(writer: Writer, start: int) -> str:
    args = _texts(writer, start)
    if len(args) != 3:
        raise SqlError(UNDEFINED_FUNCTION, "function nvl2() needs three arguments")
    return f"CASE WHEN ({args[0]}) IS NOT NULL THEN {args[1]} ELSE {args[2]} END"


def _extract(writer: Writer, start: int) -> str:
    view = writer.view
    unit = view.at(start + 1)
    if unit is None or view.upper(start + 2) != "FROM":
        raise SqlError(SYNTAX_ERROR, 'syntax error at or near "EXTRACT"')
    name = unit.value if unit.kind == "string" else unit.name
    return f"rs.date_part({quote_literal(name)}, {_moment(writer, (start + 3, view.pairs[start]))})"


def _convert(writer: Writer, start: int) -> str:
    spans = writer.view.arguments(start)
    if len(spans) != 2:
        raise SqlError(SYNTAX_ERROR, 'syntax error at or near "CONVERT"')
    return f"CAST({writer.emit(*spans[1])} AS {writer.type_text(*spans[0])})"


def _try_cast(writer: Writer, start: int) -> str:
    view, close = writer.view, writer.view.pairs[start]
    at = next((i for i in range(start + 1, close) if view.upper(i) == "AS" and view.openers[i] == start), None)
    if at is None or at + 1 == close:
        raise SqlError(SYNTAX_ERROR, 'syntax error at or near "TRY_CAST"')
    if view.upper(at + 1) == "SUPER":
        raise refused("TRY_CAST to SUPER is not supported by localshift")
    target = writer.type_text(at + 1, close)
    value = writer.emit(start + 1, at)
    literal = at == start + 2 and (view.tokens[start + 1].kind == "string" or view.upper(start + 1) == "NULL")
    return f"CAST(rs.try_cast({value}{'::varchar' * literal}, {quote_literal(target)}) AS {target})"


def _log(writer: Writer, start: int) -> str:
    args = _texts(writer, start)
    return f"{'rs.dlog10' if len(args) == 1 else 'log'}({', '.join(args)})"


def _path_text(writer: Writer, start: int) -> str:
    args = _texts(writer, start)
    null_if_invalid = [args.pop()] if len(args) > 2 and args[-1].upper() in ("TRUE", "FALSE") else []
    return f"rs.json_extract_path_text({', '.join([*null_if_invalid, *args])})"


def _array(writer: Writer, start: int) -> str:
    if writer.view.upper(start + 1) in ("SELECT", "WITH"):
        raise refused("array() of a query is not supported by localshift")
    return f"rs.array({', '.join(_texts(writer, start))})"


def _array_search(writer: Writer, start: int) -> str:
    name, args = writer.view.tokens[start - 1].name, _texts(writer, start)
    if len(args) not in (2, 3):
        raise SqlError(UNDEFINED_FUNCTION, f"function {name}() needs two or three arguments")
    # As an element of an array a value of any type is SUPER, and its column is named as Redshift names it.
    return f"rs.{name}({args[0]}, rs.array({args[1]}), {args[2] if len(args) > 2 else 'true'})"


def _ratio(writer: Writer, start: int) -> str:
    view, close = writer.view, writer.view.pairs[start]
    if view.upper(close + 1) != "OVER" or view.upper(close + 2) != "(":
        raise SqlError(SYNTAX_ERROR, "window function ratio_to_report requires an OVER clause")
    value = writer.emit(start + 1, close)
    window = writer.emit(close + 3, view.pairs[close + 2])
    return f"rs.ratio_to_report({value}, sum({value}) OVER ({window}))"


def _nulls(view: View, close: int) -> str:
    """Return IGNORE or RESPECT when a window function says so about nulls, inside of its parenthesis or behind it."""
    within = [view.upper(close - 2), view.upper(close - 1)]
    after = [view.upper(close + 1), view.upper(close + 2)]
    found = next((words[0] for words in (within, after) if words[1] == "NULLS"), "")
    return found if found in ("IGNORE", "RESPECT") else ""


def _null_aware(writer: Writer, start: int) -> str:
    view, close = writer.view, writer.view.pairs[start]
    name, nulls = view.tokens[start - 1].name, _nulls(view, close)
    args = writer.emit(start + 1, close - 2 if view.upper(close - 1) == "NULLS" and nulls else close)
    if nulls != "IGNORE":
        return f"{name}({args})"
    if name not in FRAMES:
        return f"rs.{name}({args})"
    over = close + 1 + (2 if view.upper(close + 1) == "IGNORE" else 0)
    if view.upper(over) != "OVER" or view.upper(over + 1) != "(":
        raise SqlError(SYNTAX_ERROR, f"window function {name} requires an OVER clause")
    if len(view.arguments(start)) > 1:
        raise refused(f"{name.upper()} with an offset and IGNORE NULLS is not supported by localshift")
    return f"rs.{name}({args}) OVER ({writer.emit(over + 2, view.pairs[over + 1])} {FRAMES[name]})"


CALLS: dict[str, Callable[[Writer, int], str]] = {
    "array": _array,
    "array_contains": _array_search,
    "array_position": _array_search,
    "convert": _convert,
    "decode": _decode,
    "extract": _extract,
    **dict.fromkeys(NULL_AWARE, _null_aware),
    "json_extract_path_text": _path_text,
    "listagg": listagg,
    "log": _log,
    "nvl2": _nvl2,
    "percentile_cont": percentile,
    "percentile_disc": percentile,
    "ratio_to_report": _ratio,
    "try_cast": _try_cast,
}
