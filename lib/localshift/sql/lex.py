"""Redshift SQL as tokens: what a statement router and small grammars need, with positions and without comments."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, cast

from localshift.errors import SYNTAX_ERROR, SqlError

Kind = Literal["word", "quoted", "string", "number", "param", "op"]

# Redshift reads a backslash in a string as an escape, as PostgreSQL 8 did.
TOKEN = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*)
    | (?P<comment>/\*)
    | (?P<dollar>\$(?P<tag>[A-Za-z_]\w*)?\$)
    | (?P<param>\$\d+)
    | (?P<string>(?:[eE](?='))?'[^'\\]*(?:(?:\\.|'')[^'\\]*)*')
    | (?P<quoted>"(?:[^"]|"")+")
    | (?P<word>\#?[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)
    | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<op>::|<=|>=|<>|!=|\|\||[-+*/%<>=~!@\#&|^?:;,.()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
COMMENT_EDGE = re.compile(r"/\*|\*/")
ESCAPED = re.compile(r"\\([0-7]{1,3}|.)", re.DOTALL)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class Token(NamedTuple):
    """One token. `text` is the source text; `start` and `end` are offsets into the statement.

    A tuple, because statements of many rows have millions of them.
    """

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        """The word in upper case; empty for everything that is not an unquoted word."""
        return self.text.upper() if self.kind == "word" else ""

    @property
    def name(self) -> str:
        """The identifier this token stands for: folded to lower case even when quoted, as Redshift does."""
        if self.kind == "quoted":
            return self.text[1:-1].replace('""', '"').lower()
        return self.text.lower()

    @property
    def value(self) -> str:
        """The content of a string literal."""
        if self.text.startswith("$"):
            body = self.text.partition("$")[2].partition("$")[2]
            return body[: body.rindex("$", 0, -1)] if body.endswith("$") else body
        body = self.text[self.text.index("'") + 1 : -1].replace("''", "'")
        return ESCAPED.sub(_unescaped, body)

    def is_op(self, text: str) -> bool:
        """Whether this is that operator."""
        return self.kind == "op" and self.text == text


def _unescaped(found: re.Match[str]) -> str:
    after = found.group(1)
    return chr(int(after, 8) & 0xFF) if after[0] in "01234567" else ESCAPES.get(after, after)


def quote_identifier(name: str) -> str:
    """Return a name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def quoted(name: str) -> str:
    """Return a dotted name with each of its parts quoted."""
    return ".".join(map(quote_identifier, name.split(".")))


def quote_literal(value: str) -> str:
    """Return a literal that reads the same with and without backslash escapes."""
    quoted = "'" + value.replace("'", "''").replace("\\", "\\\\") + "'"
    return "E" + quoted if "\\" in quoted else quoted


def tokenize(sql: str) -> list[Token]:
    """Return the tokens of `sql` without white space and comments; SqlError for text that is no token."""
    tokens: list[Token] = []
    position, match, append = 0, TOKEN.match, tokens.append
    while position < len(sql):
        found = match(sql, position)
        if found is None:
            raise _unreadable(sql, position)
        kind, end = found.lastgroup, found.end()
        if kind == "comment":
            end = _comment_end(sql, position)
        elif kind == "dollar":
            end = _dollar_end(sql, found.group(), end)
            append(Token("string", sql[position:end], position, end))
        elif kind != "space":
            append(Token(cast("Kind", kind), found.group(), position, end))
        position = end
    return tokens


def split_statements(sql: str) -> list[str]:
    """Return the statements of a simple query without their semicolons; empty ones are left out."""
    statements: list[str] = []
    start = 0
    filled = False
    for token in tokenize(sql):
        if token.is_op(";"):
            if filled:
                statements.append(sql[start : token.start].strip())
            start, filled = token.end, False
        else:
            filled = True
    return [*statements, sql[start:].strip()] if filled else statements


def _comment_end(sql: str, start: int) -> int:
    depth = 0
    for edge in COMMENT_EDGE.finditer(sql, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    raise SqlError(SYNTAX_ERROR, "unterminated /* comment")


def _dollar_end(sql: str, tag: str, start: int) -> int:
    end = sql.find(tag, start)
    if end < 0:
        raise SqlError(SYNTAX_ERROR, "unterminated dollar-quoted string")
    return end + len(tag)


def _unreadable(sql: str, position: int) -> SqlError:
    if sql[position] in "'eE":
        return SqlError(SYNTAX_ERROR, f'unterminated quoted string at or near "{sql[position : position + 40]}"')
    if sql[position] == '"':
        return SqlError(SYNTAX_ERROR, f'unterminated quoted identifier at or near "{sql[position : position + 40]}"')
    return SqlError(SYNTAX_ERROR, f'syntax error at or near "{sql[position]}"')


def folded(sql: str, tokens: list[Token]) -> str:
    """Return the statement with quoted and `#` names in lower case and quotes, everything else as it stands."""
    out, position = [], 0
    for token in tokens:
        if token.kind == "quoted" or token.text.startswith("#"):
            out += [sql[position : token.start], quote_identifier(token.name)]
            position = token.end
    return "".join([*out, sql[position:]])
