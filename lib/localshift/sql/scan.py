"""The tokens of one statement with what surrounds each: parentheses, arguments, types, and the tables it names."""

from __future__ import annotations

import itertools
from collections.abc import Container, Sequence

from localshift.errors import SYNTAX_ERROR, SqlError, syntax_error
from localshift.sql import words
from localshift.sql.lex import Token

# PostgreSQL has its own limit on nesting; ours keeps the recursion below Python's.
MAX_NESTING = 100
CLAUSES = frozenset({"SELECT", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "QUALIFY", "SET", "VALUES", "ON", "LIMIT"})


class View:
    """Tokens with their parentheses matched; SqlError when they do not match or nest too deeply."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.pairs: dict[int, int] = {}
        self.openers: list[int] = []
        self.clauses: list[str] = []
        stack: list[int] = []
        current = [""]
        for i, token in enumerate(tokens):
            self.openers.append(stack[-1] if stack else -1)
            self.clauses.append(current[-1])
            if token.kind == "word" and token.upper in CLAUSES:
                current[-1] = token.upper
            if token.is_op("("):
                stack.append(i)
                current.append("")
                if len(stack) > MAX_NESTING:
                    raise SqlError("54001", f"statement nests parentheses more than {MAX_NESTING} deep")
            elif token.is_op(")"):
                if not stack:
                    raise syntax_error(")")
                self.pairs[stack.pop()] = i
                current.pop()
        if stack:
            raise SqlError(SYNTAX_ERROR, "syntax error at end of input")

    def at(self, position: int) -> Token | None:
        """Return the token there; None before the first and behind the last."""
        return self.tokens[position] if 0 <= position < len(self.tokens) else None

    def upper(self, position: int) -> str:
        """Return the upper-case word there, or the operator; empty for anything else."""
        token = self.at(position)
        return "" if token is None else token.upper or (token.text if token.kind == "op" else "")

    def opener(self, position: int) -> str:
        """Return the upper-case word before the parenthesis that holds this position."""
        return self.upper(self.openers[position] - 1) if self.openers[position] >= 0 else ""

    def clause(self, position: int) -> str:
        """Return the upper-case word that begins the clause of this position, at its own level; empty when none does."""
        return self.clauses[position]

    def is_type(self, position: int) -> bool:
        """Whether a type stands here: behind `::` or in CAST(... AS here)."""
        before = self.upper(position - 1)
        return before == "::" or (before == "AS" and self.opener(position) == "CAST")

    def arguments(self, start: int) -> list[tuple[int, int]]:
        """Return the token ranges between the commas inside the parenthesis that opens at `start`."""
        close = self.pairs[start]
        commas = [i for i in range(start + 1, close) if self.tokens[i].is_op(",") and self.openers[i] == start]
        edges = [start, *commas, close]
        return [(a + 1, b) for a, b in itertools.pairwise(edges)] if close > start + 1 else []


def is_system(name: str) -> bool:
    """Tell a system table or view by its name."""
    schema, _, table = name.rpartition(".")
    return schema in words.SYSTEM_SCHEMAS or (not schema and table.startswith(words.SYSTEM_PREFIXES))


def relations(tokens: Sequence[Token], without: Container[int] = ()) -> list[str]:
    """Return the dotted names after FROM, JOIN, INTO, UPDATE, USING and commas of a FROM list; calls are left out.

    `without` are positions where no relation begins, but an iteration over one's column.
    """
    found: list[str] = []
    opener: list[str] = [""]
    in_from = [False]
    ctes = {tokens[i].name for i in range(len(tokens) - 2) if tokens[i + 1].upper == "AS" and tokens[i + 2].is_op("(")}
    for i, token in enumerate(tokens):
        if token.is_op("("):
            opener.append(tokens[i - 1].upper if i else "")
            in_from.append(False)
        elif token.is_op(")") and len(opener) > 1:
            opener.pop()
            in_from.pop()
        elif token.upper in ("WHERE", "GROUP", "ORDER", "HAVING", "ON", "SET", "LIMIT", "SELECT", "VALUES"):
            in_from[-1] = False
        starts = token.upper in ("FROM", "JOIN", "INTO", "UPDATE", "USING") and opener[-1] not in (
            "EXTRACT",
            "SUBSTRING",
            "TRIM",
            "OVERLAY",
            "POSITION",
        )
        if starts:
            in_from[-1] = token.upper in ("FROM", "JOIN", "USING")
        if starts or (token.is_op(",") and in_from[-1]):
            name = "" if i + 1 in without else _dotted(tokens, i + 1)
            if name and name not in ctes:
                found.append(name)
    return found


def _dotted(tokens: Sequence[Token], position: int) -> str:
    parts: list[str] = []
    start = position
    while position < len(tokens) and tokens[position].kind in ("word", "quoted"):
        if tokens[position].upper in ("ONLY", "TABLE", "TEMP", "TEMPORARY", "SELECT", "LATERAL"):
            position += 1
            continue
        parts.append(tokens[position].name)
        position += 1
        if position >= len(tokens) or not tokens[position].is_op("."):
            break
        position += 1
    called = position < len(tokens) and tokens[position].is_op("(")
    name = ".".join(parts)
    # A call is no table, but the columns of an INSERT stand behind one.
    return "" if called and tokens[start - 1].upper != "INTO" and not is_system(name) else name
