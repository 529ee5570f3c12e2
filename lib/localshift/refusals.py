"""What PostgreSQL would accept in a query and Redshift does not: found token by token, refused with Redshift's kind of error."""

from __future__ import annotations

from localshift import words
from localshift.errors import SYNTAX_ERROR, UNDEFINED_FUNCTION, SqlError, refused
from localshift.scan import View

NOT_YET = frozenset({"PIVOT", "UNPIVOT", "CONNECT"})
PAIRS = frozenset({("ON", "CONFLICT"), ("DISTINCT", "ON")})
CLAUSES = frozenset({"RETURNING", "LATERAL", "TABLESAMPLE"})
MOMENTS = frozenset({"CURRENT_TIMESTAMP", "CURRENT_TIME", "LOCALTIME", "LOCALTIMESTAMP"})
OPERATORS = frozenset({("-", ">"), ("@", ">"), ("<", "@"), ("#", ">"), ("?", "|")})


def refuse_token(view: View, i: int, *, user_tables: bool) -> None:
    """Raise the SqlError for the clause, type or operator that begins at `i`; return when there is none."""
    if view.upper(i - 1) == ".":
        return
    _refuse_clause(view, i)
    _refuse_operator(view, i)
    token, word = view.tokens[i], view.upper(i)
    if word == "[" or (word == "ARRAY" and view.upper(i + 1) in ("(", "[")):
        raise refused("array() and arrays are not supported by localshift")
    if word in NOT_YET and view.upper(i - 1) not in (",", "AS"):
        raise refused(f"{word} is not supported by localshift yet")
    if word in MOMENTS and user_tables:
        raise leader_only(word)
    if token.kind in ("word", "quoted") and token.name in words.FOREIGN_TYPES and view.is_type(i):
        raise SqlError("42704", f'type "{token.name}" does not exist', hint="Amazon Redshift has no such type.")


def refuse_function(name: str, builtins: frozenset[str], *, user_tables: bool) -> None:
    """Raise the SqlError for a function of PostgreSQL's that Redshift lacks or runs on its leader node only."""
    if name in words.NOT_HERE:
        raise refused(f"{name.upper()} is not supported by localshift")
    if name in builtins and name not in words.FUNCTIONS:
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
    if word in CLAUSES or (word, following) in PAIRS or filtered or values_in_from:
        near = view.tokens[i].text
        raise SqlError(SYNTAX_ERROR, f'syntax error at or near "{near}"', hint="Amazon Redshift has no such clause.")


def _refuse_operator(view: View, i: int) -> None:
    token, following = view.tokens[i], view.at(i + 1)
    if following is not None and token.end == following.start and (token.text, following.text) in OPERATORS:
        raise SqlError(UNDEFINED_FUNCTION, f"operator does not exist: {token.text}{following.text}")
