"""Queries and DML from Redshift's dialect into PostgreSQL's, token by token, and the refusals.

Redshift's grammar is PostgreSQL's, so a token stream is enough for what differs, and what is not understood reaches
PostgreSQL unchanged: at worst a syntax error, never a silently different query. What PostgreSQL would accept and
Redshift would not is refused here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from localshift.errors import SYNTAX_ERROR, UNDEFINED_FUNCTION, SqlError, refused
from localshift.lex import quote_identifier, quote_literal, tokenize
from localshift.navigation import known_names, navigation
from localshift.qualify import with_aliases_beside, with_aliases_in_where, without_qualify
from localshift.refusals import refuse_function, refuse_token
from localshift.scan import View, is_system, relations

RENAMED = {
    "avg": "rs.avg",
    "concat": "rs.concat",
    "isnull": "coalesce",
    "json_extract_path_text": "rs.json_extract_path_text",
    "json_serialize": "rs.json_serialize",
    "json_array_length": "rs.json_array_length",
    "len": "length",
    "median": "rs.median",
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
NOT_WITH_TOP = frozenset({"UNION", "INTERSECT", "EXCEPT", "MINUS", "LIMIT", "OFFSET"})
# Words after which a name with a parenthesis is a table or a type, not a call.
NOT_A_CALL = frozenset({"INTO", "TABLE", "AS", "WITH", "JOIN", "UPDATE", "RECURSIVE", "REFERENCES"})


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
    sql = without_qualify(sql)
    tokens = tokenize(sql)
    names = tuple(relations(tokens))
    system = bool(names) and all(map(is_system, names))
    if system and ("table_schem" in sql.lower() or "is_autoincrement" in sql.lower()):
        # The driver's own catalogue queries use names of the select list in WHERE, as Redshift allows.
        sql = with_aliases_beside(with_aliases_in_where(sql))
        tokens = tokenize(sql)
    writer = _Writer(View(tokens), sql, builtins=builtins, system=system, relations=names)
    return Translation(sql=writer.emit(0, len(tokens)), system=system, relations=names)


class _Writer:
    """Writes a range of tokens as PostgreSQL's SQL; calls that differ are written from their parts."""

    def __init__(
        self, view: View, source: str, *, builtins: frozenset[str], system: bool, relations: tuple[str, ...]
    ) -> None:
        self.view = view
        self.source = source
        self.tokens = view.tokens
        self.builtins = builtins
        self.system = system
        self.user_tables = not all(map(is_system, relations))
        self.relations = relations
        self.known = known_names(view, relations)
        self.calls: dict[str, Callable[[int], str]] = {
            "decode": self._decode,
            "extract": self._extract,
            "listagg": self._listagg,
            "nvl2": self._nvl2,
            "regexp_replace": self._regexp_replace,
        }

    def emit(self, start: int, end: int) -> str:
        """Return the tokens from `start` to before `end` as SQL, without comments."""
        out: list[str] = []
        limit = ""
        i = start
        while i < end:
            token = self.tokens[i]
            if token.upper == "TOP" and i > start and self.view.upper(i - 1) in ("SELECT", "DISTINCT", "ALL"):
                limit = self._top(i, end)
                i += 2
                continue
            if out:
                out.append(self._gap(i))
            text, i = self._one(i)
            out.append(text)
        return "".join(out) + limit

    def _gap(self, i: int) -> str:
        """Return what separates the token from the one before: literals on two lines are one, so lines are kept."""
        between = self.source[self.tokens[i - 1].end : self.tokens[i].start]
        # PostgreSQL 8 read `4WHEN` as two tokens, which the driver's own queries hold.
        apart = bool(between) or (self.tokens[i - 1].kind == "number" and self.tokens[i].kind == "word")
        return "\n" if "\n" in between else " " if apart else ""

    def _one(self, i: int) -> tuple[str, int]:
        """Return the text of the token (or call, or parenthesis) at `i` and the position behind it."""
        token = self.tokens[i]
        if self.system and self.view.upper(i + 1) == "." and self.view.upper(i + 2) == "RELHASOIDS":
            # psql asks a server of this age for a column that is long gone from PostgreSQL.
            return "false", i + 3
        if not self.system:
            refuse_token(self.view, i, user_tables=self.user_tables)
        if token.kind in ("word", "quoted") and not self.system and self.view.upper(i - 1) not in (".", "::"):
            path = navigation(self.view, i, self.known, self.relations)
            if path is not None:
                return path
        if token.is_op("("):
            close = self.view.pairs[i]
            return "(" + self.emit(i + 1, close) + ")", close + 1
        if token.kind == "quoted" or token.text.startswith("#"):
            if not self.system and self.view.upper(i + 1) == "(":
                refuse_function(token.name, self.builtins, user_tables=self.user_tables)
            return quote_identifier(token.name), i + 1
        if token.kind == "word" and self.view.upper(i + 1) == "(":
            return self._call(i)
        return self._word(i), i + 1

    def _word(self, i: int) -> str:
        word, following = self.view.upper(i), self.view.upper(i + 1)
        if word == "SYSDATE" and self.view.upper(i - 1) != ".":
            return "rs.sysdate()"
        if word == "MINUS" and following in ("SELECT", "("):
            return "EXCEPT"
        if word == "APPROXIMATE" and following == "COUNT":
            return ""
        if word == "SUPER" and self.view.is_type(i):
            return "jsonb"
        return self.tokens[i].text

    def _call(self, i: int) -> tuple[str, int]:
        """Return a word with its parenthesis: a call, or the columns of a table or the size of a type."""
        token, close = self.tokens[i], self.view.pairs[i + 1]
        before = self.view.upper(i - 1)
        if before in NOT_A_CALL or before == "." or (before == ")" and token.upper != "OVER"):
            if before == "." and not self.system:
                refuse_function(token.name, self.builtins, user_tables=self.user_tables)
            return f"{token.text}{self._gap(i + 1)}({self.emit(i + 2, close)})", close + 1
        if token.upper == "MINUS":
            return f"EXCEPT ({self.emit(i + 2, close)})", close + 1
        if not self.system:
            refuse_function(token.name, self.builtins, user_tables=self.user_tables)
        if token.name in self.calls:
            return self.calls[token.name](i + 1), self._behind(i, close)
        if token.name in UNIT_FIRST and close > i + 2:
            unit = self.tokens[i + 2]
            first = quote_literal(unit.name) if unit.kind in ("word", "quoted") else unit.text
            return f"{UNIT_FIRST[token.name]}({first}{self.emit(i + 3, close)})", close + 1
        return f"{RENAMED.get(token.name, token.text)}{self._gap(i + 1)}({self.emit(i + 2, close)})", close + 1

    def _behind(self, i: int, close: int) -> int:
        """Return the position behind a call; a LISTAGG's WITHIN GROUP (...) belongs to it."""
        if self.tokens[i].name == "listagg" and self._within_group(close):
            return self.view.pairs[close + 3] + 1
        return close + 1

    def _within_group(self, close: int) -> bool:
        return [self.view.upper(close + n) for n in (1, 2, 3)] == ["WITHIN", "GROUP", "("]

    def _top(self, i: int, end: int) -> str:
        number = self.view.at(i + 1)
        for position in range(i, end):
            word = self.view.upper(position)
            if self.view.openers[position] == self.view.openers[i] and word in NOT_WITH_TOP:
                raise refused(f"TOP together with {word} is not supported by localshift yet")
        if number is None or number.kind != "number":
            raise SqlError(SYNTAX_ERROR, 'syntax error at or near "TOP"')
        return f" LIMIT {number.text}"

    def _texts(self, start: int) -> list[str]:
        return [self.emit(*span) for span in self.view.arguments(start)]

    def _decode(self, start: int) -> str:
        args = self._texts(start)
        if len(args) < 3:
            raise SqlError(UNDEFINED_FUNCTION, "function decode() needs at least three arguments")
        pairs = [
            f"WHEN ({args[0]}) IS NOT DISTINCT FROM ({args[k]}) THEN {args[k + 1]}" for k in range(1, len(args) - 1, 2)
        ]
        default = f" ELSE {args[-1]}" if len(args) % 2 == 0 else ""
        return f"CASE {' '.join(pairs)}{default} END"

    def _nvl2(self, start: int) -> str:
        args = self._texts(start)
        if len(args) != 3:
            raise SqlError(UNDEFINED_FUNCTION, "function nvl2() needs three arguments")
        return f"CASE WHEN ({args[0]}) IS NOT NULL THEN {args[1]} ELSE {args[2]} END"

    def _extract(self, start: int) -> str:
        unit = self.view.at(start + 1)
        if unit is None or self.view.upper(start + 2) != "FROM":
            raise SqlError(SYNTAX_ERROR, 'syntax error at or near "EXTRACT"')
        name = unit.value if unit.kind == "string" else unit.name
        return f"rs.extract({quote_literal(name)}, {self.emit(start + 3, self.view.pairs[start])})"

    def _regexp_replace(self, start: int) -> str:
        args = self._texts(start)
        if len(args) not in (2, 3):
            raise refused("REGEXP_REPLACE with a position or parameters is not supported by localshift yet")
        # PostgreSQL replaces only the first match unless it is told otherwise.
        return f"regexp_replace({', '.join([*args, chr(39) * 2][:3])}, 'g')"

    def _listagg(self, start: int) -> str:
        spans = self.view.arguments(start)
        if len(spans) not in (1, 2):
            raise SqlError(UNDEFINED_FUNCTION, "function listagg() needs one or two arguments")
        first, last = spans[0]
        distinct = self.view.upper(first) == "DISTINCT"
        value = self.emit(first + distinct, last)
        separator = self.emit(*spans[1]) if len(spans) == 2 else "''"
        close, order = self.view.pairs[start], ""
        if self._within_group(close):
            order = " " + self.emit(close + 4, self.view.pairs[close + 3])
        if distinct:
            # As an array: text would sort numbers by their digits, and DISTINCT wants the sort key among its arguments.
            kept = f"array_agg(DISTINCT {value}{order}) FILTER (WHERE ({value}) IS NOT NULL)"
            return f"array_to_string({kept}, {separator})"
        return f"string_agg(({value})::text, {separator}{order})"
