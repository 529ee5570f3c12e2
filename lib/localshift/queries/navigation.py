"""SUPER navigation (`column.key[0].key`) told from `table.column`, and written as PostgreSQL's path operators."""

from __future__ import annotations

from collections.abc import Sequence

from localshift.errors import refused, syntax_error
from localshift.sql.lex import quote_identifier, quote_literal
from localshift.sql.scan import View
from localshift.sql.words import word_set

EQUALITY = frozenset({"=", "<>", "!="})
ORDER = frozenset({"<", ">", "<=", ">="})
# What compares or computes: SUPER does that by its own dynamic rules.
DYNAMIC = (
    EQUALITY
    | ORDER
    | frozenset({"+", "-", "*", "/", "%", "||", "~", "!", "LIKE", "ILIKE", "IN", "BETWEEN", "SIMILAR", "ANY", "ALL"})
)
# What may follow a table or a parenthesis and is no alias.
NO_ALIAS = word_set(
    "where group order having limit offset union intersect except minus join inner left right full cross natural on using "
    "qualify set when select values then from default and or not is between like ilike in over within asc desc end else as by"
)


def known_names(view: View, relations: Sequence[str]) -> frozenset[str]:
    """Return every name that may stand before a column: tables, their schemas, and whatever is an alias somewhere."""
    names = {part for relation in relations for part in relation.split(".")}
    for i, token in enumerate(view.tokens):
        before = view.at(i - 1)
        # What a select list names is no table.
        named = token.kind in ("word", "quoted") and token.name not in NO_ALIAS and view.clause(i) != "SELECT"
        if named and before is not None:
            behind_name = before.kind in ("word", "quoted") and before.name in names
            if before.upper == "AS" or before.is_op(")") or behind_name or view.upper(i + 1) == "AS":
                names.add(token.name)
    return frozenset(names | {"excluded", "rs", "pg_catalog", "information_schema"})


def navigation(
    view: View, i: int, known: frozenset[str], relations: Sequence[str], elements: frozenset[str] = frozenset()
) -> tuple[str, int] | None:
    """Return PostgreSQL's text of the path that begins at `i` and the position behind it; None when none begins there.

    `elements` are names that stand for a SUPER value by themselves. A comparison with a literal belongs to the path.
    """
    names, steps, end = _chain(view, i)
    element = names[0] in elements
    # A fragment that names no tables tells nothing about what stands before a dot.
    whole = bool(relations) or view.upper(0) in ("SELECT", "WITH")
    if not element and not steps and (len(names) < 2 or not whole):
        return None
    if (
        ".".join(names) in relations
        or view.upper(end) == "("
        or (view.upper(end) == "*" and view.upper(end - 1) == ".")
    ):
        return None
    base = 1 if element else _base(names, known, relations)
    path = [*names[base:], *steps]
    if not path and (not element or view.upper(i - 1) in ("AS", "AT", "::") or view.upper(end) == "AS"):
        return None
    return _compared(view, (i, end), _path(names[:base], path))


def super_value(view: View, i: int, known: frozenset[str], relations: Sequence[str], elements: frozenset[str]) -> str:
    """Return PostgreSQL's text of the SUPER value named at `i`, a column or a path."""
    names, steps, _ = _chain(view, i)
    base = 1 if names[0] in elements else _base(names, known, relations)
    return _path(names[:base], [*names[base:], *steps])


def _path(column: Sequence[str], path: Sequence[str]) -> str:
    text = ".".join(quote_identifier(name) for name in column)
    if not path:
        return text
    place = "{" + ",".join('"' + step.replace("\\", "\\\\").replace('"', '\\"') + '"' for step in path) + "}"
    return f"nullif({text} #> {quote_literal(place)}, 'null'::jsonb)"


def _compared(view: View, span: tuple[int, int], text: str) -> tuple[str, int]:
    start, end = span
    before, after = view.upper(start - 1), view.upper(end)
    if before in DYNAMIC or (before == "NOT" and after != "IS"):
        raise _dynamic()
    if after not in DYNAMIC:
        return text, end
    literal = view.at(end + 1)
    alone = view.upper(end + 2) not in DYNAMIC | {"::", "."}
    if literal is None or not alone or after not in EQUALITY | ORDER:
        raise _dynamic()
    if literal.kind == "string":
        # Equality of values of different kinds is false, an order of them is null.
        value, kind = f"to_jsonb({literal.text}::text)", "string"
    elif literal.kind == "number":
        value, kind = f"to_jsonb({literal.text})", "number"
    elif literal.upper in ("TRUE", "FALSE") and after in EQUALITY:
        value, kind = f"to_jsonb({literal.text})", "boolean"
    else:
        raise _dynamic()
    if after in EQUALITY:
        return f"{text} {after} {value}", end + 2
    return f"rs.super_{kind}_only({text}) {after} {literal.text}", end + 2


def _dynamic() -> Exception:
    return refused("comparing or computing with a SUPER value is not supported by localshift: cast it first")


def _base(names: list[str], known: frozenset[str], relations: Sequence[str]) -> int:
    if len(names) > 2 and ".".join(names[:2]) in relations:
        return 3
    return min(2, len(names)) if names[0] in known else 1


def _chain(view: View, i: int) -> tuple[list[str], list[str], int]:
    """Return the dotted names, the steps behind the first index, and the position behind both."""
    names, end = [view.tokens[i].name], i + 1
    steps: list[str] = []
    while True:
        following = view.at(end + 1)
        if view.upper(end) == "." and following is not None and following.kind in ("word", "quoted"):
            (steps or names).append(following.name)
            end += 2
        elif view.upper(end) == "[":
            if following is None or following.kind not in ("number", "string") or view.upper(end + 2) != "]":
                raise syntax_error("[")
            steps.append(following.value if following.kind == "string" else following.text)
            end += 3
        else:
            return names, steps, end


def named_item(view: View, i: int, end: int) -> tuple[int, str]:
    """Return where the item of a select list ends that is a path alone, or a path with a cast, and its column's name.

    Redshift names the column as the last step of the path; an empty name when there is nothing to name.
    """
    behind = end
    if view.upper(behind) == "::":
        behind += 2 + (view.upper(behind + 2) in ("PRECISION", "VARYING"))
        behind = view.pairs[behind] + 1 if view.upper(behind) == "(" else behind
    names, steps, path_end = _chain(view, i)
    begins = path_end == end and view.upper(i - 1) in ("SELECT", "DISTINCT", "ALL", ",") and view.clause(i) == "SELECT"
    ends = view.upper(behind) in (",", "FROM", "") and (view.at(behind) is None or view.upper(behind) != "")
    last = next((step for step in reversed([*names, *steps]) if not step.isdigit()), "")
    return behind, last if begins and ends and (len(names) > 1 or steps) else ""
