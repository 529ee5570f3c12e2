"""Names of PostgreSQL's catalogue that Redshift shows in another shape, and the schemas that hold those shapes (shapes.sql)."""

from __future__ import annotations

from localshift.sql.scan import View
from localshift.sql.words import word_set

TABLES = word_set(
    """
    pg_namespace pg_class pg_attribute pg_attrdef pg_type pg_index pg_constraint pg_depend pg_trigger pg_event_trigger pg_proc
    pg_database pg_user pg_tables pg_views pg_group
    """
)
FUNCTIONS = word_set("format_type pg_get_expr pg_get_constraintdef pg_get_indexdef pg_get_viewdef version")
INFORMATION = word_set(
    """
    tables columns views schemata routines sequences triggers check_constraints table_constraints key_column_usage
    constraint_column_usage referential_constraints
    """
)
BEFORE_A_TABLE = frozenset({"FROM", "JOIN", ",", "ONLY"})
# Behind these a name with a parenthesis is a table, a common table expression or a qualified call.
NO_CALL = frozenset({"INTO", "TABLE", "WITH", "RECURSIVE", "REFERENCES", "."})


def shaped(view: View, i: int) -> str | None:
    """Return what to write for the word at `i`, a schema or a name without one; None where it stays as it is."""
    name, following = view.tokens[i].name, view.upper(i + 1)
    if following == ".":
        behind = view.at(i + 2)
        if behind is None or view.upper(i - 1) == ".":
            return None
        if name == "pg_catalog" and (behind.name in TABLES or (behind.name in FUNCTIONS and view.upper(i + 3) == "(")):
            return "rs"
        return "rs_info" if name == "information_schema" and behind.name in INFORMATION else None
    if following == "(":
        return f"rs.{name}" if name in FUNCTIONS and view.upper(i - 1) not in NO_CALL else None
    return f"rs.{name}" if name in TABLES and view.upper(i - 1) in BEFORE_A_TABLE else None
