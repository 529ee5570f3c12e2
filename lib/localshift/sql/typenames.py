"""Types as an expression names them, in a cast: Redshift's, as PostgreSQL's."""

from __future__ import annotations

from localshift.sql.scan import View

# Without a length CHAR is as long as its expression, where PostgreSQL takes one character, and DECIMAL has no scale.
WITHOUT_LENGTH = {
    "CHAR": "bpchar",
    "CHARACTER": "bpchar",
    "NCHAR": "bpchar",
    "DECIMAL": "numeric(18, 0)",
    "DEC": "numeric(18, 0)",
    "NUMERIC": "numeric(18, 0)",
}
NAMES = {
    "SUPER": "jsonb",
    "DATETIME": "timestamp",
    "NVARCHAR": "varchar",
    "NCHAR": "char",
    "VARBYTE": "bytea",
    "VARBINARY": "bytea",
    "BINARY": "bytea",
}


def bare_type(view: View, i: int) -> str:
    """Return the first word of a type as PostgreSQL's; what follows it, such as a length, stays as it is."""
    word, following = view.upper(i), view.upper(i + 1)
    if word in WITHOUT_LENGTH and following not in ("(", "VARYING"):
        return WITHOUT_LENGTH[word]
    return NAMES.get(word, view.tokens[i].text)
