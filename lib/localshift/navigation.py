"""SUPER navigation (`column.key[0].key`) told from `table.column`, and written as PostgreSQL's path operators."""

from __future__ import annotations

from collections.abc import Sequence

from localshift.errors import refused, syntax_error
from localshift.lex import quote_identifier, quote_literal
from localshift.scan import View
from localshift.words import word_set

# What compares or computes: SUPER does that by its own dynamic rules.
DYNAMIC = frozenset(
    {
        "=",
        "<",
        ">",
        "<=",
        ">=",
        "<>",
        "!=",
        "+",
        "-",
        "*",
        "/",
        "%",
        "||",
        "~",
        "!",
        "LIKE",
        "ILIKE",
        "IN",
        "BETWEEN",
        "SIMILAR",
    }
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
        if token.kind in ("word", "quoted") and before is not None and token.name not in NO_ALIAS:
            behind_name = before.kind in ("word", "quoted") and before.name in names
            if before.upper == "AS" or before.is_op(")") or behind_name or view.upper(i + 1) == "AS":
                names.add(token.name)
    return frozenset(names | {"excluded", "rs", "pg_catalog", "information_schema"})


def navigation(view: View, i: int, known: frozenset[str], relations: Sequence[str]) -> tuple[str, int] | None:
    """Return PostgreSQL's text of the path that begins at `i` and the position behind it; None when none begins there."""
    names, steps, end = _chain(view, i)
    # A fragment that names no tables tells nothing about what stands before a dot.
    if not steps and (len(names) < 2 or not relations):
        return None
    if ".".join(names) in relations or view.upper(end) == "(" or view.upper(end) == "*":
        return None
    base = _base(names, known, relations)
    path = [*names[base:], *steps]
    if not path:
        return None
    before, after = view.upper(i - 1), view.upper(end)
    column = ".".join(quote_identifier(name) for name in names[:base])
    place = "{" + ",".join('"' + step.replace("\\", "\\\\").replace('"', '\\"') + '"' for step in path) + "}"
    if after == "::" or (after == "AS" and view.opener(end) == "CAST"):
        return f"({column} #>> {quote_literal(place)})", end
    if before in DYNAMIC or after in DYNAMIC or (before == "NOT" and after != "IS"):
        raise refused("comparing or computing with a SUPER value is not supported by localshift: cast it first")
    return f"nullif({column} #> {quote_literal(place)}, 'null'::jsonb)", end


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
