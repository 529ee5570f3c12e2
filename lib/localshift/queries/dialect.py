"""Queries and DML from Redshift's dialect into PostgreSQL's, token by token, and the refusals.

Redshift's grammar is PostgreSQL's, so a token stream is enough for what differs, and what is not understood reaches
PostgreSQL unchanged: at worst a syntax error, never a silently different query. What PostgreSQL would accept and
Redshift would not is refused here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from localshift.errors import SYNTAX_ERROR, SqlError, refused
from localshift.queries.calls import CALLS, RENAMED, UNIT_FIRST, behind, with_unit
from localshift.queries.constants import constant_cast
from localshift.queries.iteration import Iteration, elements, iteration_sql, iterations
from localshift.queries.navigation import known_names, named_item, navigation, super_value
from localshift.queries.qualify import without_qualify
from localshift.queries.refusals import refuse_function, refuse_token
from localshift.queries.shapes import shaped
from localshift.sql.lex import Token, quote_identifier, tokenize
from localshift.sql.scan import View, is_system, relations
from localshift.sql.typenames import bare_type

NOT_WITH_TOP = frozenset({"UNION", "INTERSECT", "EXCEPT", "MINUS", "LIMIT", "OFFSET"})
# The columns of these are named as Redshift names them.
MOMENTS = {"SYSDATE": 'rs."timestamp"()', "CURRENT_DATE": 'rs."date"()'}
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
    view = View(tokens)
    found = iterations(view)
    names = tuple(relations(tokens, found))
    system = bool(names) and all(map(is_system, names))
    writer = _Writer(view, sql, builtins=builtins, system=system, relations=names)
    writer.iterations, writer.elements = found, elements(found)
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
        self.iterations: Mapping[int, Iteration] = {}
        self.elements: frozenset[str] = frozenset()

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
        if token.kind in ("word", "quoted") and (shape := shaped(self.view, i)) is not None:
            return shape, i + 1
        if i in self.iterations:
            return self._iteration(i)
        if not self.system:
            refuse_token(self.view, i, user_tables=self.user_tables)
            made = constant_cast(self.view, i) or self._super(token, i)
            if made is not None:
                return made
        if token.is_op("("):
            close = self.view.pairs[i]
            return "(" + self.emit(i + 1, close) + ")", close + 1
        if token.kind in ("word", "quoted") and self.view.upper(i + 1) == "(":
            return self._call(i)
        return self._word(i), i + 1

    def _super(self, token: Token, i: int) -> tuple[str, int] | None:
        """Return what becomes of SUPER that begins at `i`: a path, or a string, which a cast does not read as JSON."""
        view = self.view
        if token.kind == "string" and view.upper(i + 1) == "::" and view.upper(i + 2) == "SUPER":
            return f"to_jsonb({token.text}::text)", i + 3
        if token.kind == "string" and view.upper(i + 1) == "AS" and view.upper(i + 2) == "SUPER":
            return f"to_jsonb({token.text}::text)", i + 1
        if token.kind not in ("word", "quoted") or view.upper(i - 1) in (".", "::"):
            return None
        made = navigation(view, i, self.known, self.relations, self.elements)
        if made is None:
            return None
        end, name = named_item(view, i, made[1])
        named = f" AS {quote_identifier(name)}" if name else ""
        return (made[0] + self.emit(made[1], end) + named, end) if name else made

    def _iteration(self, i: int) -> tuple[str, int]:
        item = self.iterations[i]
        expression = super_value(self.view, item.first, self.known, self.relations, self.elements)
        return iteration_sql(item, expression, i), item.end

    def _word(self, i: int) -> str:
        word, following = self.view.upper(i), self.view.upper(i + 1)
        if self.tokens[i].kind != "word" or word.startswith("#"):
            return _written(self.tokens[i])
        if word in MOMENTS and not self.system and self.view.upper(i - 1) not in (".", "AS"):
            return MOMENTS[word]
        if word == "MINUS" and following in ("SELECT", "("):
            return "EXCEPT"
        of_binary = word == "VARYING" and self.view.upper(i - 1) == "BINARY" and self.view.is_type(i - 1)
        if of_binary or (word == "APPROXIMATE" and following in ("COUNT", "PERCENTILE_DISC")):
            return ""
        if self.view.is_type(i) and not self.system:
            return bare_type(self.view, i)
        return self.tokens[i].text

    def type_text(self, start: int, end: int) -> str:
        """Return the type those tokens name."""
        return bare_type(self.view, start) + (f" {self.emit(start + 1, end)}" if end > start + 1 else "")

    def _call(self, i: int) -> tuple[str, int]:
        """Return a word with its parenthesis: a call, or the columns of a table or the size of a type."""
        token, close = self.tokens[i], self.view.pairs[i + 1]
        before = self.view.upper(i - 1)
        if before == "BINARY" and self.view.is_type(i - 1):
            return f"({self.emit(i + 2, close)})", close + 1
        if before in NOT_A_CALL or before == "." or (before == ")" and token.upper != "OVER"):
            if before == "." and not self.system:
                refuse_function(token.name, self.builtins, user_tables=self.user_tables)
            return f"{_written(token)}{self._gap(i + 1)}({self.emit(i + 2, close)})", close + 1
        if token.upper == "MINUS":
            return f"EXCEPT ({self.emit(i + 2, close)})", close + 1
        if not self.system:
            refuse_function(token.name, self.builtins, user_tables=self.user_tables)
        # Catalogue queries of PostgreSQL's own clients gather rows in arrays.
        if token.name in CALLS and not (self.system and token.upper == "ARRAY"):
            return CALLS[token.name](self, i + 1), behind(self, token.name, close)
        if token.name in UNIT_FIRST and close > i + 2:
            return with_unit(self, i + 1, UNIT_FIRST[token.name]), close + 1
        # Catalogue queries are written for the leader node, which calls PostgreSQL's own functions.
        own = self.system and token.name in ("left", "right")
        name = _written(token) if own else RENAMED.get(token.name, _written(token))
        return f"{name}{self._gap(i + 1)}({self.emit(i + 2, close)})", close + 1

    def _top(self, i: int, end: int) -> str:
        number = self.view.at(i + 1)
        for position in range(i, end):
            word = self.view.upper(position)
            if self.view.openers[position] == self.view.openers[i] and word in NOT_WITH_TOP:
                raise refused(f"TOP together with {word} is not supported by localshift yet")
        if number is None or number.kind != "number":
            raise SqlError(SYNTAX_ERROR, 'syntax error at or near "TOP"')
        return f" LIMIT {number.text}"


def _written(token: Token) -> str:
    temporary = token.kind == "word" and token.text.startswith("#")
    return quote_identifier(token.name) if token.kind == "quoted" or temporary else token.text
