"""Looks at a model's SQL without running it: one query, over declared inputs, giving the declared columns."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakemart.config.document import Place
from lakemart.config.problems import Problems, did_you_mean

if TYPE_CHECKING:
    from sqlglot import exp


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One SQL text with what it may read and must give.

    `columns` None: whatever it gives is well. `place`: where the whole text stands; None: in `file`, from its first line.
    """

    text: str
    file: str
    inputs: Sequence[str]
    columns: Sequence[str] | None = None
    place: Place | None = None

    def at(self, offset: int) -> Place:
        """The place of one character of the text."""
        before = self.text[: max(offset, 0)]
        return self.place or Place(self.file, before.count("\n") + 1, len(before) - before.rfind("\n"))


def check_query(query: Query, problems: Problems) -> None:
    """Reports what is wrong with one Spark SQL text."""
    tree = _parsed(query, problems)
    if tree is None:
        return
    from sqlglot import exp  # noqa: PLC0415 - a sixth of a second, and only models need it

    ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            continue
        name = f"{table.db}.{table.name}" if table.db else table.name
        if name.lower() in ctes or name.lower() in query.inputs:
            continue
        hint = did_you_mean(name, query.inputs)
        place = query.at(table.this.meta.get("start", 0))
        hint = f"{hint} or declare it under inputs" if hint.endswith("?") else "declare it under inputs"
        problems.add(place, f"the query reads '{name}', which is not an input", hint)
    if query.columns is not None:
        _check_columns(tree, query, query.columns, problems)


def _parsed(query: Query, problems: Problems) -> exp.Query | None:
    """The one query of the text; None, with a problem, when it is not one query."""
    import sqlglot  # noqa: PLC0415 - a sixth of a second, and only models need it
    from sqlglot import exp  # noqa: PLC0415

    try:
        statements = _statements(query.text)
    except sqlglot.ParseError as error:
        first = error.errors[0] if error.errors else {}
        line, end, token = first.get("line") or 1, first.get("col") or 1, first.get("highlight") or ""
        place = query.place or Place(query.file, line, max(end - len(token) + 1, 1))
        words = _clean(first.get("description") or "")
        problems.add(place, f"this is not SQL: {words}" + (f" at '{token}'" if token else ""))
        return None
    except (sqlglot.errors.SqlglotError, RecursionError):
        place = query.at(len(query.text.rstrip()) - 1)
        message = "this is not SQL: its end is not where it should be"
        problems.add(place, message, "close the quotation mark, comment or brackets left open")
        return None
    if not statements and not query.text.strip():
        return None
    begin = query.at(len(query.text) - len(query.text.lstrip()))
    if len(statements) != 1:
        problems.add(begin, f"there are {len(statements) or 'no'} statements", "write one SELECT or WITH … SELECT")
        return None
    if not isinstance(statements[0], exp.Query):
        word = statements[0].name if isinstance(statements[0], exp.Command) else statements[0].key
        problems.add(begin, f"{word.upper()} is not a query", "write one SELECT or WITH … SELECT")
        return None
    return statements[0]


def _statements(text: str) -> list[exp.Expr]:
    import sqlglot  # noqa: PLC0415 - a sixth of a second, and only models need it
    from sqlglot import exp  # noqa: PLC0415

    logger = logging.getLogger("sqlglot")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # it warns of statements it passes through; that they are no query is reported
    try:
        parsed = sqlglot.parse(text, read="spark", error_level=sqlglot.ErrorLevel.IMMEDIATE)
        # A comment behind the last semicolon comes as a statement of its own.
        return [statement for statement in parsed if statement is not None and not isinstance(statement, exp.Semicolon)]
    finally:
        logger.setLevel(level)


def _clean(description: str) -> str:
    """The parser's words without its inner values."""
    lacking = re.match(r"Required keyword: '\w+' missing for <class '.*\.(\w+)'>", description)
    if lacking is not None:
        return f"{lacking[1].upper()} is not complete"
    words = re.sub(r" but got <Token.*>", "", description).replace("Invalid expression / Unexpected", "unexpected")
    return words.strip(" .") or "syntax error"


def _check_columns(tree: exp.Query, query: Query, declared: Sequence[str], problems: Problems) -> None:
    """Compares the names that the outer select gives with the declared ones, when all of them are explicit."""
    from sqlglot import exp  # noqa: PLC0415

    select: exp.Expr = tree
    while isinstance(select, exp.SetOperation | exp.Subquery):
        select = select.this
    if not isinstance(select, exp.Select) or any(
        isinstance(item, exp.Star) or item.is_star for item in select.expressions
    ):
        return
    given = [item.alias_or_name.lower() for item in select.expressions]
    place = query.at(_select_offset(query.text, select))
    for number, (name, item) in enumerate(zip(given, select.expressions, strict=True), 1):
        if not name and not isinstance(item, exp.Aliases):
            problems.add(place, f"the column number {number} of the query has no name", "write AS NAME behind it")
    if any(isinstance(item, exp.Aliases) for item in select.expressions) or not all(given):
        return
    missing = [name for name in declared if name not in given]
    extra = list(dict.fromkeys(name for name in given if name not in declared))
    if missing:
        problems.add(
            place,
            f"the query does not give {_list(missing)}, declared under columns",
            did_you_mean(missing[0], extra) if extra else "",
        )
    if extra:
        problems.add(
            place,
            f"the query gives {_list(extra)}, not declared under columns",
            "declare it with its type, or take it out of the query",
        )
    for name in sorted({name for name in given if given.count(name) > 1}):
        problems.add(place, f"the query gives '{name}' twice", "give one of them another name")


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _select_offset(text: str, select: exp.Select) -> int:
    """Where the outer select begins: the last SELECT keyword before the first position its own columns know."""
    from sqlglot import exp  # noqa: PLC0415

    starts = [
        i.meta["start"] for item in select.expressions for i in item.find_all(exp.Identifier) if "start" in i.meta
    ]
    until = min(starts) if starts else len(text)
    found = [match.start() for match in re.finditer(r"\bselect\b", text[:until], re.IGNORECASE)]
    return found[-1] if found else 0
