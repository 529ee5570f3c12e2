"""The grammar of names and the only place where an identifier or a literal becomes SQL text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lakemart.errors import ConfigError

GRAMMAR = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""What a project may call its sources, tables, columns, models, schemas and roles."""

PROVENANCE = ("_object", "_offset", "_batch")
"""The columns that every row of a clean table carries besides its contract's own."""


def is_name(text: str) -> bool:
    """Whether `text` is a name of the grammar.

    >>> is_name("hourly_activity"), is_name("Hourly"), is_name("a; drop table b")
    (True, False, False)
    """
    return GRAMMAR.fullmatch(text) is not None


def checked(text: str) -> str:
    """`text` itself when it is a name; raises ConfigError otherwise."""
    if not is_name(text):
        raise ConfigError(
            f"{text!r} is not a name",
            next_step="Names are a lower-case letter, then up to 62 lower-case letters, digits or underscores.",
        )
    return text


def quoted(name: str) -> str:
    """A name as a quoted SQL identifier, for Redshift.

    >>> quoted("select")
    '"select"'
    """
    return f'"{checked(name)}"'


def literal(text: str) -> str:
    """Any text without NUL as a string literal of Redshift, which reads a backslash as an escape: both are doubled.

    >>> print(literal("it's"))
    'it''s'
    """
    if "\x00" in text:
        raise ConfigError(f"{text!r} holds a NUL character, which no SQL text can hold")
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class TableName:
    """A table of the warehouse; both parts follow the grammar.

    >>> TableName.parse("marts.hourly_activity").quoted
    '"marts"."hourly_activity"'
    """

    schema: str
    name: str

    @classmethod
    def parse(cls, text: str) -> TableName:
        """Reads `schema.table`; raises ConfigError when it is anything else."""
        schema, dot, name = text.partition(".")
        if not dot:
            raise ConfigError(f"{text!r} is not a table name", next_step="Write it as schema.table.")
        return cls(checked(schema), checked(name))

    @property
    def quoted(self) -> str:
        """The table as it stands in SQL text."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"
