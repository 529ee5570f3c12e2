"""A cursor over the tokens of one statement: what the small grammars of this package are written with."""

from __future__ import annotations

from collections.abc import Callable

from localshift.errors import refused, syntax_error
from localshift.sql.lex import Token, quote_identifier, tokenize


class Cursor:
    """A position in the tokens of one statement."""

    def __init__(self, source: str, builtins: frozenset[str] = frozenset()) -> None:
        self.tokens = tokenize(source)
        self.builtins = builtins
        self.source = source
        self.i = 0

    def peek(self, ahead: int = 0) -> str:
        """Return the upper-case word or the operator at the position; empty at the end and for anything else."""
        i = self.i + ahead
        token = self.tokens[i] if i < len(self.tokens) else None
        return "" if token is None else token.upper or (token.text if token.kind == "op" else "")

    def kind(self) -> str:
        """The kind of the next token; empty at the end."""
        return "" if self.done() else self.tokens[self.i].kind

    def done(self) -> bool:
        """Whether nothing is left."""
        return self.i >= len(self.tokens)

    def take(self) -> Token:
        """Take the next token, whatever it is."""
        if self.done():
            raise syntax_error("")
        self.i += 1
        return self.tokens[self.i - 1]

    def accept(self, *words: str) -> bool:
        """Take these words when they all stand here, in this order."""
        if all(self.peek(ahead) == word for ahead, word in enumerate(words)):
            self.i += len(words)
            return True
        return False

    def expect(self, word: str) -> None:
        """Take this word or operator; a syntax error when something else stands here."""
        if not self.accept(word):
            raise syntax_error("" if self.done() else self.tokens[self.i].text)

    def end(self) -> None:
        """Make sure that nothing is left."""
        if not self.done():
            raise syntax_error(self.tokens[self.i].text)

    def string(self) -> str:
        """Take a string literal and return its content."""
        token = self.take()
        if token.kind != "string":
            raise syntax_error(token.text)
        return token.value

    def identifier(self) -> str:
        """Take a name and return it, folded to lower case."""
        token = self.take()
        if token.kind not in ("word", "quoted"):
            raise syntax_error(token.text)
        return token.name

    def table_name(self) -> str:
        """Take a name of up to two parts and return it quoted."""
        return ".".join(map(quote_identifier, self.name_parts()))

    def name_parts(self) -> list[str]:
        """Take a name of up to two parts."""
        parts = [self.identifier()]
        while self.accept("."):
            parts.append(self.identifier())
        if len(parts) > 2:
            raise refused("names with a database part are not supported by localshift")
        return parts

    def context_name(self) -> list[str]:
        """Take the name of a session context variable: two parts, neither of which is localshift's or PostgreSQL's."""
        first = self.identifier()
        self.expect(".")
        if first in ("redshift", "rs", "plpgsql"):
            raise refused(f"{first} is no name for session context variables in localshift")
        return [first, self.identifier()]

    def names(self) -> list[str]:
        """Take a parenthesised list of names."""
        self.expect("(")
        found = [self.identifier()]
        while self.accept(","):
            found.append(self.identifier())
        self.expect(")")
        return found

    def expression(self, stop: Callable[[Cursor], bool]) -> str:
        """Take tokens up to a top-level place where `stop` holds and return their text, untranslated."""
        start, depth = self.i, 0
        while not self.done() and not (depth == 0 and (self.peek() in (",", ")") or stop(self))):
            depth += (self.peek() == "(") - (self.peek() == ")")
            self.i += 1
        if self.i == start:
            raise syntax_error("" if self.done() else self.tokens[self.i].text)
        return self.source[self.tokens[start].start : self.tokens[self.i - 1].end]

    def rest(self) -> str:
        """Return what is left of the statement, untranslated, and go to its end."""
        text = "" if self.done() else self.source[self.tokens[self.i].start :]
        self.i = len(self.tokens)
        return text
