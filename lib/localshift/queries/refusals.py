"""What PostgreSQL would accept in a query and Redshift does not: found token by token, refused with Redshift's kind of error."""

from __future__ import annotations

from localshift.errors import SYNTAX_ERROR, UNDEFINED_FUNCTION, SqlError, refused
from localshift.sql import words
from localshift.sql.scan import View
from localshift.sql.words import word_set

NOT_YET = frozenset({"PIVOT", "UNPIVOT", "CONNECT"})
PAIRS = frozenset(
    {
        ("AS", "MATERIALIZED"),
        ("BY", "DISTINCT"),
        ("DISTINCT", "FROM"),
        ("EXCEPT", "ALL"),
        ("INTERSECT", "ALL"),
        ("MINUS", "ALL"),
        ("DISTINCT", "ON"),
        ("FETCH", "FIRST"),
        ("FETCH", "NEXT"),
        ("FOR", "KEY"),
        ("FOR", "NO"),
        ("FOR", "SHARE"),
        ("FOR", "UPDATE"),
        ("IS", "JSON"),
        ("IS", "NORMALIZED"),
        ("NOT", "JSON"),
        ("NO", "DATA"),
        ("NOT", "MATERIALIZED"),
        ("ON", "CONFLICT"),
        ("OVERRIDING", "SYSTEM"),
        ("OVERRIDING", "USER"),
        ("SET", "("),
        ("WITH", "ORDINALITY"),
        ("WITH", "TIES"),
    }
)
# Functions side by side; anywhere else a column may be called rows.
ZIPPED = frozenset({("FROM", "ROWS", "FROM"), ("JOIN", "ROWS", "FROM")})
CLAUSES = frozenset({"RETURNING", "LATERAL", "TABLESAMPLE"})
CHANGES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
# Redshift wants a frame where these have an ORDER BY in their window; PostgreSQL takes RANGE up to the current row.
FRAMED = word_set(
    """
    avg count max min sum stddev stddev_pop stddev_samp variance var_pop var_samp first_value last_value nth_value bit_and bit_or
    bool_and bool_or any_value
    """
)
MOMENTS = frozenset({"CURRENT_TIMESTAMP", "CURRENT_TIME", "LOCALTIME", "LOCALTIMESTAMP"})
OPERATORS = frozenset(
    {
        ("-", ">"),
        ("@", ">"),
        ("<", "@"),
        ("#", ">"),
        ("?", "|"),
        ("?", "&"),
        ("~", "*"),
        ("^", "@"),
        ("&", "&"),
        ("@", "@"),
        ("@", "?"),
    }
)


def refuse_token(view: View, i: int, *, user_tables: bool) -> None:
    """Raise the SqlError for the clause, type or operator that begins at `i`; return when there is none."""
    if view.upper(i - 1) == ".":
        return
    _refuse_clause(view, i)
    _refuse_operator(view, i)
    _refuse_window(view, i)
    token, word = view.tokens[i], view.upper(i)
    if word == "[" or (word == "ARRAY" and view.upper(i + 1) == "["):
        raise refused("arrays are not supported", hint="Amazon Redshift has array() for SUPER.")
    if word in ("EXCLUDE", "EXCEPT") and view.upper(i - 1) == "*" and view.upper(i + 1) not in ("SELECT", "ALL"):
        raise refused(f"{word} of columns is not supported by localshift")
    if word in NOT_YET and view.upper(i - 1) not in (",", "AS"):
        raise refused(f"{word} is not supported by localshift yet")
    if word in MOMENTS and user_tables:
        raise leader_only(word)
    if token.kind in ("word", "quoted") and token.name in words.TYPES_NOT_HERE and view.is_type(i):
        raise refused(f"type {token.name} is not supported by localshift")
    if token.kind in ("word", "quoted") and token.name in words.FOREIGN_TYPES and view.is_type(i):
        raise SqlError("42704", f'type "{token.name}" does not exist', hint="Amazon Redshift has no such type.")


def refuse_function(name: str, builtins: frozenset[str], *, user_tables: bool) -> None:
    """Raise the SqlError for a function of PostgreSQL's that Redshift lacks or runs on its leader node only."""
    if name in words.NOT_HERE or name.startswith(words.FAMILIES_NOT_HERE):
        raise refused(f"{name.upper()} is not supported by localshift")
    if (name in builtins and name not in words.FUNCTIONS) or name in words.FOREIGN_CASTS:
        hint = "PostgreSQL has it, Amazon Redshift does not."
        raise SqlError(UNDEFINED_FUNCTION, f"function {name}() does not exist", hint=hint)
    if name in words.LEADER_ONLY and user_tables:
        raise leader_only(name)


def leader_only(name: str) -> SqlError:
    """Return the error for a leader-node function in a query that reads tables."""
    return refused(
        "Specified types or functions (one per INFO message) not supported on Redshift tables.",
        hint=f"{name}() runs on the leader node only.",
    )


def _refuse_clause(view: View, i: int) -> None:
    word, following, before = view.upper(i), view.upper(i + 1), view.upper(i - 1)
    values_in_from = word == "VALUES" and before == "("
    filtered = word == "FILTER" and following == "(" and before == ")"
    changing = word in CHANGES and before == "(" and view.upper(i - 2) == "AS"
    bits = word in ("B", "X") and _is_string_behind(view, i)
    paired = i > 0 and (word, following) in PAIRS
    zipped = (before, word, following) in ZIPPED
    if word in CLAUSES or paired or zipped or filtered or values_in_from or changing or bits or _names_window(view, i):
        near = view.tokens[i].text
        raise SqlError(SYNTAX_ERROR, f'syntax error at or near "{near}"', hint="Amazon Redshift has no such clause.")


def _refuse_operator(view: View, i: int) -> None:
    token, following = view.tokens[i], view.at(i + 1)
    if following is not None and token.end == following.start and (token.text, following.text) in OPERATORS:
        raise SqlError(UNDEFINED_FUNCTION, f"operator does not exist: {token.text}{following.text}")


def _is_string_behind(view: View, i: int) -> bool:
    behind = view.at(i + 1)
    return behind is not None and behind.kind == "string" and behind.start == view.tokens[i].end


def _names_window(view: View, i: int) -> bool:
    named = view.upper(i) == "WINDOW" and view.upper(i + 2) == "AS" and view.upper(i + 3) == "("
    return named or (view.upper(i) == "OVER" and view.upper(i - 1) == ")" and view.upper(i + 1) not in ("", "("))


def _refuse_window(view: View, i: int) -> None:
    if view.upper(i) in ("IGNORE", "RESPECT") and view.upper(i + 1) == "NULLS":
        raise refused(f"{view.upper(i)} NULLS is not supported by localshift")
    call = i - 3 if view.upper(i - 1) == "NULLS" else i - 1
    if view.upper(i) != "OVER" or view.upper(i + 1) != "(" or view.upper(call) != ")":
        return
    within = [k for k in range(i + 2, view.pairs[i + 1]) if view.openers[k] == i + 1]
    words_within = {view.upper(k) for k in within}
    if words_within & {"RANGE", "GROUPS", "EXCLUDE"}:
        raise SqlError(SYNTAX_ERROR, "syntax error in the frame clause", hint="Amazon Redshift has ROWS frames only.")
    function = view.tokens[view.openers[call] - 1].name
    if function in FRAMED and "ORDER" in words_within and "ROWS" not in words_within:
        raise refused("Aggregate window functions with an ORDER BY clause require a frame clause")
