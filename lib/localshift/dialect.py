"""Queries and DML from Redshift's dialect into PostgreSQL's, token by token, and the refusals.

Redshift's grammar is PostgreSQL's, so a token stream is enough for what differs, and what is not understood reaches
PostgreSQL unchanged: at worst a syntax error, never a silently different query. What PostgreSQL would accept and
Redshift would not is refused here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from localshift import words
from localshift.errors import SYNTAX_ERROR, UNDEFINED_FUNCTION, SqlError, refused
from localshift.lex import Token, quote_identifier, quote_literal, tokenize

RENAMED = {
    "avg": "rs.avg",
    "concat": "rs.concat",
    "isnull": "coalesce",
    "json_extract_path_text": "rs.json_extract_path_text",
    "json_serialize": "rs.json_serialize",
    "len": "length",
    "nvl": "coalesce",
    "regexp_substr": "rs.regexp_substr",
    "version": "rs.version",
}
UNIT_FIRST = {
    "datediff": "rs.datediff",
    "dateadd": "rs.dateadd",
    "date_part": "rs.date_part",
    "date_trunc": "rs.date_trunc",
}
NOT_YET = {"QUALIFY", "PIVOT", "UNPIVOT", "CONNECT"}
# Words after which a name with a parenthesis is a table or a type, not a call.
NOT_A_CALL = frozenset({"INTO", "TABLE", "AS", "WITH", "JOIN", "UPDATE", "RECURSIVE", "REFERENCES"})
JOINED_OPERATORS = (("-", ">"), ("@", ">"), ("<", "@"), ("#", ">"), ("?", "|"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A statement for PostgreSQL. `system` is true when it reads system tables only."""

    sql: str
    system: bool
    relations: tuple[str, ...]


def translate(sql: str, *, builtins: frozenset[str] = frozenset()) -> Translation:
    """Return `sql` for PostgreSQL; SqlError when Redshift refuses it or it cannot be translated.

    `builtins` are PostgreSQL's function names: of these only those that Redshift has too may be called.
    """
    tokens = tokenize(sql)
    relations = tuple(_relations(tokens))
    system = bool(relations) and all(map(_is_system, relations))
    writer = _Writer(
        tokens, builtins=builtins, system=system, user_tables=any(not _is_system(name) for name in relations)
    )
    return Translation(sql=writer.emit(0, len(tokens)), system=system, relations=relations)


def _is_system(name: str) -> bool:
    schema, _, table = name.rpartition(".")
    return schema in words.SYSTEM_SCHEMAS or (not schema and table.startswith(words.SYSTEM_PREFIXES))


def _relations(tokens: Sequence[Token]) -> list[str]:
    """Return the dotted names after FROM, JOIN, INTO, UPDATE, USING and commas of a FROM list; calls are left out."""
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
            name = _dotted(tokens, i + 1)
            if name and name not in ctes:
                found.append(name)
    return found


def _dotted(tokens: Sequence[Token], position: int) -> str:
    parts: list[str] = []
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
    return "" if called and len(parts) == 1 and parts[0] == "generate_series" else ".".join(parts)


class _Writer:
    """Writes a range of tokens as PostgreSQL's SQL; calls that differ are written from their parts."""

    def __init__(self, tokens: list[Token], *, builtins: frozenset[str], system: bool, user_tables: bool) -> None:
        self.tokens = tokens
        self.builtins = builtins
        self.system = system
        self.user_tables = user_tables
        self.calls: dict[str, Callable[[int, int], str]] = {
            "decode": self._decode,
            "extract": self._extract,
            "listagg": self._listagg,
            "nvl2": self._nvl2,
            "regexp_replace": self._regexp_replace,
        }

    def emit(self, start: int, end: int) -> str:
        out: list[str] = []
        limit = ""
        i = start
        while i < end:
            token = self.tokens[i]
            if out and token.start > self.tokens[i - 1].end:
                out.append("\n" if token.kind == "string" else " ")
            if token.upper == "TOP" and i > start and self.tokens[i - 1].upper in ("SELECT", "DISTINCT", "ALL"):
                limit = self._top(i, end)
                i += 2
                continue
            text, i = self._one(i, end)
            out.append(text)
        return "".join(out) + limit

    def at(self, position: int) -> Token | None:
        return self.tokens[position] if 0 <= position < len(self.tokens) else None

    def _one(self, i: int, end: int) -> tuple[str, int]:
        """Return the text of the token (or call, or parenthesis) at `i` and the position behind it."""
        token = self.tokens[i]
        self._refuse(i)
        following = self.at(i + 1)
        if token.is_op("("):
            close = self.close(i, end)
            return "(" + self.emit(i + 1, close) + ")", close + 1
        if token.kind == "quoted" or token.text.startswith("#"):
            return quote_identifier(token.name), i + 1
        if token.kind == "word" and following is not None and following.is_op("("):
            return self._call(i, end)
        return self._word(i), i + 1

    def _word(self, i: int) -> str:
        token, before, following = self.tokens[i], self.at(i - 1), self.at(i + 1)
        qualified = before is not None and before.is_op(".")
        if token.upper == "SYSDATE" and not qualified:
            return "rs.sysdate()"
        if token.upper == "MINUS" and following is not None and (following.upper == "SELECT" or following.is_op("(")):
            return "EXCEPT"
        if token.upper == "APPROXIMATE" and following is not None and following.upper == "COUNT":
            return ""
        if token.upper == "SUPER" and self._is_type(i):
            return "jsonb"
        return token.text

    def _call(self, i: int, end: int) -> tuple[str, int]:
        token, before = self.tokens[i], self.at(i - 1)
        name, close = token.name, self.close(i + 1, end)
        is_call = before is None or not (before.upper in NOT_A_CALL or before.is_op(")"))
        if is_call and not self.system:
            self._check_function(name)
        qualified = before is not None and before.is_op(".")
        if name in self.calls and is_call and not qualified:
            return self.calls[name](i + 1, close)[:], self._behind(i, close)
        text = RENAMED.get(name, token.text) if is_call and not qualified else token.text
        inner = self.emit(i + 2, close)
        if name in UNIT_FIRST and is_call and not qualified:
            unit = self.tokens[i + 2]
            text = UNIT_FIRST[name]
            if unit.kind in ("word", "quoted"):
                inner = quote_literal(unit.name) + self.emit(i + 3, close)
        return f"{text}({inner})", close + 1

    def _behind(self, i: int, close: int) -> int:
        """Return the position behind a call; a LISTAGG's WITHIN GROUP (...) belongs to it."""
        if self.tokens[i].name == "listagg" and (group := self.at(close + 1)) is not None and group.upper == "WITHIN":
            return self.close(close + 3, len(self.tokens)) + 1
        return close + 1

    def _check_function(self, name: str) -> None:
        if name in self.builtins and name not in words.FUNCTIONS:
            raise SqlError(
                UNDEFINED_FUNCTION,
                f"function {name}() does not exist",
                hint="PostgreSQL has it, Amazon Redshift does not.",
            )
        if name in words.LEADER_ONLY and self.user_tables:
            raise self._leader_only(name)
        if name == "median":
            raise refused("MEDIAN is not supported by localshift yet")

    @staticmethod
    def _leader_only(name: str) -> SqlError:
        return refused(
            "Specified types or functions (one per INFO message) not supported on Redshift tables.",
            hint=f"{name}() runs on the leader node only.",
        )

    def _refuse(self, i: int) -> None:
        if self.system:
            return
        token, following = self.tokens[i], self.at(i + 1)
        word, next_word = token.upper, following.upper if following is not None else ""
        next_text = following.text if following is not None else ""
        before = self.at(i - 1)
        if token.kind == "word" and before is not None and before.is_op("."):
            return
        if word in ("RETURNING", "LATERAL") or (word, next_word) in (("ON", "CONFLICT"), ("DISTINCT", "ON")):
            raise SqlError(SYNTAX_ERROR, f'syntax error at or near "{token.text}"', hint="Redshift has no such clause.")
        if (
            word == "FILTER" and next_text == "(" and before is not None and before.is_op(")")
        ) or word == "TABLESAMPLE":
            raise SqlError(SYNTAX_ERROR, f'syntax error at or near "{token.text}"', hint="Redshift has no such clause.")
        if word == "VALUES" and before is not None and before.is_op("("):
            raise SqlError(
                SYNTAX_ERROR, 'syntax error at or near "VALUES"', hint="Redshift has no VALUES lists in FROM."
            )
        if token.is_op("[") or (word == "ARRAY" and next_text in ("(", "[")):
            raise refused("arrays and SUPER navigation by index are not supported by localshift")
        if word in NOT_YET and before is not None and not before.is_op(",") and before.upper != "AS":
            raise refused(f"{word} is not supported by localshift yet")
        if word in ("CURRENT_TIMESTAMP", "CURRENT_TIME", "LOCALTIME", "LOCALTIMESTAMP") and self.user_tables:
            raise self._leader_only(word)
        if token.kind in ("word", "quoted") and token.name in words.FOREIGN_TYPES and self._is_type(i):
            raise SqlError("42704", f'type "{token.name}" does not exist', hint="Amazon Redshift has no such type.")
        if following is not None and token.end == following.start and (token.text, next_text) in JOINED_OPERATORS:
            raise SqlError(UNDEFINED_FUNCTION, f"operator does not exist: {token.text}{next_text}")

    def _is_type(self, i: int) -> bool:
        before, opener = self.at(i - 1), self._opener(i)
        if before is None:
            return False
        return before.is_op("::") or (
            before.upper == "AS" and opener is not None and opener.upper in ("CAST", "TRY_CAST")
        )

    def _opener(self, i: int) -> Token | None:
        """Return the token before the parenthesis that holds `i`."""
        depth = 0
        for position in range(i - 1, 0, -1):
            depth += self.tokens[position].is_op(")") - self.tokens[position].is_op("(")
            if depth < 0:
                return self.tokens[position - 1]
        return None

    def _top(self, i: int, end: int) -> str:
        number = self.at(i + 1)
        depth = 0
        for token in self.tokens[i:end]:
            depth += token.is_op("(") - token.is_op(")")
            if depth == 0 and token.upper in ("UNION", "INTERSECT", "EXCEPT", "MINUS", "LIMIT", "OFFSET"):
                raise refused(f"TOP together with {token.upper} is not supported by localshift yet")
        if number is None or number.kind != "number":
            raise SqlError(SYNTAX_ERROR, 'syntax error at or near "TOP"')
        return f" LIMIT {number.text}"

    def close(self, start: int, end: int) -> int:
        """Return the position of the parenthesis that closes the one at `start`."""
        depth = 0
        for position in range(start, end):
            depth += self.tokens[position].is_op("(") - self.tokens[position].is_op(")")
            if depth == 0:
                return position
        raise SqlError(SYNTAX_ERROR, "syntax error at end of input")

    def arguments(self, start: int, close: int) -> list[tuple[int, int]]:
        """Return the token ranges between the commas of the call whose parentheses are at `start` and `close`."""
        ranges: list[tuple[int, int]] = []
        depth, begin = 0, start + 1
        for position in range(start + 1, close):
            token = self.tokens[position]
            depth += token.is_op("(") - token.is_op(")")
            if depth == 0 and token.is_op(","):
                ranges.append((begin, position))
                begin = position + 1
        return [*ranges, (begin, close)] if close > start + 1 else ranges

    def _decode(self, start: int, close: int) -> str:
        args = [self.emit(*span) for span in self.arguments(start, close)]
        if len(args) < 3:
            raise SqlError(UNDEFINED_FUNCTION, "function decode() needs at least three arguments")
        pairs = [
            f"WHEN ({args[0]}) IS NOT DISTINCT FROM ({args[k]}) THEN {args[k + 1]}" for k in range(1, len(args) - 1, 2)
        ]
        default = f" ELSE {args[-1]}" if len(args) % 2 == 0 else ""
        return f"CASE {' '.join(pairs)}{default} END"

    def _nvl2(self, start: int, close: int) -> str:
        args = [self.emit(*span) for span in self.arguments(start, close)]
        if len(args) != 3:
            raise SqlError(UNDEFINED_FUNCTION, "function nvl2() needs three arguments")
        return f"CASE WHEN ({args[0]}) IS NOT NULL THEN {args[1]} ELSE {args[2]} END"

    def _extract(self, start: int, close: int) -> str:
        unit, separator = self.at(start + 1), self.at(start + 2)
        if unit is None or separator is None or separator.upper != "FROM":
            raise SqlError(SYNTAX_ERROR, 'syntax error at or near "EXTRACT"')
        name = unit.value if unit.kind == "string" else unit.name
        return f"rs.extract({quote_literal(name)}, {self.emit(start + 3, close)})"

    def _regexp_replace(self, start: int, close: int) -> str:
        args = [self.emit(*span) for span in self.arguments(start, close)]
        if len(args) not in (2, 3):
            raise refused("REGEXP_REPLACE with a position or parameters is not supported by localshift yet")
        return f"regexp_replace({', '.join([*args, *([chr(39) * 2] if len(args) == 2 else [])])}, 'g')"

    def _listagg(self, start: int, close: int) -> str:
        spans = self.arguments(start, close)
        first, last = spans[0] if spans else (start, start)
        distinct = self.tokens[first].upper == "DISTINCT" if spans else False
        value = self.emit(first + distinct, last)
        separator = self.emit(*spans[1]) if len(spans) == 2 else "''"
        order = ""
        group = self.at(close + 1)
        if group is not None and group.upper == "WITHIN":
            order = " " + self.emit(close + 4, self.close(close + 3, len(self.tokens)))
        if not spans or len(spans) > 2:
            raise SqlError(UNDEFINED_FUNCTION, "function listagg() needs one or two arguments")
        if distinct:
            # As an array: text would sort numbers by their digits, and DISTINCT wants the sort key among its arguments.
            return (
                f"array_to_string(array_agg(DISTINCT {value}{order}) FILTER (WHERE ({value}) IS NOT NULL), {separator})"
            )
        return f"string_agg(({value})::text, {separator}{order})"
