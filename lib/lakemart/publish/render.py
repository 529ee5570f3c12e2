"""Makes SQL text of statement values: the only place in lakemart where the warehouse's SQL comes into being.

Names go through `lakemart.names`; values go as the driver's parameters wherever Redshift takes any; COPY, COMMENT and
SET take none, so their texts are checked or quoted here. Each text is one statement behind one comment.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

from lakemart.errors import InternalError
from lakemart.names import TableName, literal, quoted
from lakemart.publish import statements as st
from lakemart.publish.fingerprint import fingerprint_columns
from lakemart.publish.mart import MartColumn, ddl_type, is_super
from lakemart.publish.slices import Slices
from lakemart.publish.warehouse import DEFAULT_ROLE, Tag, checked_role, checked_uri

MAX_VARCHAR = 65535

_LOADS_COLUMNS = (
    ("project", "varchar(64) NOT NULL"),
    ("model", "varchar(64) NOT NULL"),
    ("number", "bigint NOT NULL"),
    ("slices", f"varchar({MAX_VARCHAR})"),
    ("lake_table", "varchar(64)"),
    ("lake_version", "bigint"),
    ("rows", "bigint"),
    ("content_hash", "varchar(64)"),
    ("run", "varchar(64)"),
    ("loaded_at", "timestamp"),
)


@dataclass(frozen=True, slots=True)
class Sql:
    """One statement as text with `%s` for each of its parameters."""

    text: str
    parameters: tuple[object, ...] = ()


def render(statement: st.Statement, tag: Tag) -> Sql:
    """The statement as SQL behind its comment tag. Raises ConfigError for a name, URI or role that is none."""
    body = _body(statement)
    return Sql(f"{tag.comment(statement.step)}\n{body.text}", body.parameters)


@singledispatch
def _body(statement: object) -> Sql:
    raise InternalError(f"{type(statement).__name__} has no rendering")


@_body.register
def _(statement: st.SetQueryGroup) -> Sql:
    return Sql(f"SET query_group TO {literal(statement.label)}")


@_body.register
def _(statement: st.CountSchemas) -> Sql:
    return Sql("SELECT COUNT(*) FROM pg_catalog.pg_namespace WHERE nspname = %s", (statement.schema,))


@_body.register
def _(statement: st.CreateSchema) -> Sql:
    return Sql(f"CREATE SCHEMA IF NOT EXISTS {quoted(statement.schema)}")


@_body.register
def _(statement: st.DescribeTable) -> Sql:
    text = (
        "SELECT CAST(a.attname AS varchar(128)), pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull\n"
        "FROM pg_catalog.pg_attribute AS a\n"
        "JOIN pg_catalog.pg_class AS c ON a.attrelid = c.oid\n"
        "JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid\n"
        "WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped\n"
        "ORDER BY a.attnum"
    )
    return Sql(text, (statement.table.schema, statement.table.name))


@_body.register
def _(statement: st.CreateTable) -> Sql:
    text = f"CREATE TABLE IF NOT EXISTS {statement.table.quoted} (\n{_definitions(statement.columns)}\n)"
    if statement.distkey is not None:
        text += f"\nDISTKEY ({quoted(statement.distkey)})"
    if statement.sortkey:
        text += f"\nSORTKEY ({_names(statement.sortkey)})"
    return Sql(text)


@_body.register
def _(statement: st.CreateLoadsTable) -> Sql:
    columns = ",\n".join(f"  {quoted(name)} {kind}" for name, kind in _LOADS_COLUMNS)
    return Sql(f"CREATE TABLE IF NOT EXISTS {statement.table.quoted} (\n{columns}\n)")


@_body.register
def _(statement: st.CommentOnTable) -> Sql:
    return Sql(f"COMMENT ON TABLE {statement.table.quoted} IS {literal(statement.text)}")


@_body.register
def _(statement: st.CommentOnColumn) -> Sql:
    return Sql(f"COMMENT ON COLUMN {statement.table.quoted}.{quoted(statement.column)} IS {literal(statement.text)}")


@_body.register
def _(statement: st.GrantUsage) -> Sql:
    return Sql(f"GRANT USAGE ON SCHEMA {quoted(statement.schema)} TO ROLE {quoted(statement.role)}")


@_body.register
def _(statement: st.GrantSelect) -> Sql:
    return Sql(f"GRANT SELECT ON TABLE {statement.table.quoted} TO ROLE {quoted(statement.role)}")


@_body.register
def _(statement: st.CreateStaging) -> Sql:
    return Sql(f"CREATE TEMPORARY TABLE {quoted(st.STAGING)} (LIKE {statement.target.quoted})")


@_body.register
def _(statement: st.CreateTextStaging) -> Sql:
    return Sql(f"CREATE TEMPORARY TABLE {quoted(st.STAGING)} (\n{_definitions(statement.columns, as_text=True)}\n)")


@_body.register
def _(statement: st.CopyParquet) -> Sql:
    manifest, role = checked_uri(statement.manifest), checked_role(statement.iam_role)
    authority = DEFAULT_ROLE if role == DEFAULT_ROLE else literal(role)
    return Sql(
        f"COPY {quoted(st.STAGING)}\nFROM {literal(manifest)}\nIAM_ROLE {authority}\nFORMAT AS PARQUET\nMANIFEST"
    )


@_body.register
def _(_: st.LastCopyCount) -> Sql:
    return Sql("SELECT pg_last_copy_count()")


@_body.register(st.Begin)
@_body.register(st.Commit)
@_body.register(st.Rollback)
def _(statement: st.Begin | st.Commit | st.Rollback) -> Sql:
    return Sql(type(statement).__name__.upper())


@_body.register
def _(statement: st.LimitTime) -> Sql:
    time = "DEFAULT" if statement.seconds is None else str(int(statement.seconds) * 1000)
    return Sql(f"SET statement_timeout TO {time}")


@_body.register
def _(statement: st.LockLoads) -> Sql:
    return Sql(f"LOCK TABLE {statement.loads.quoted}")


@_body.register
def _(statement: st.LastLoad) -> Sql:
    text = (
        f'SELECT "number", "rows" FROM {statement.loads.quoted}\n'  # noqa: S608 - names are quoted, values are parameters
        'WHERE "project" = %s AND "model" = %s ORDER BY "number" DESC LIMIT 1'
    )
    return Sql(text, (statement.project, statement.model))


@_body.register
def _(statement: st.DeleteSlices) -> Sql:
    where = _in_slices(statement.slices)
    return Sql(f"DELETE FROM {statement.table.quoted}{where.text}", where.parameters)  # noqa: S608 - names are quoted, values are parameters


@_body.register
def _(statement: st.CountSlices) -> Sql:
    where = _in_slices(statement.slices)
    return Sql(f"SELECT COUNT(*) FROM {statement.table.quoted}{where.text}", where.parameters)  # noqa: S608 - names are quoted, values are parameters


@_body.register
def _(statement: st.InsertFromStaging) -> Sql:
    names = _names(tuple(column.name for column in statement.columns))
    values = ", ".join(
        f"JSON_PARSE({quoted(column.name)})" if is_super(column.type) else quoted(column.name)
        for column in statement.columns
    )
    return Sql(f"INSERT INTO {statement.table.quoted} ({names})\nSELECT {values}\nFROM {quoted(st.STAGING)}")


@_body.register
def _(statement: st.InsertLoad) -> Sql:
    values = {
        "project": statement.project,
        "model": statement.model,
        "number": statement.number,
        "slices": statement.slices,
        "lake_table": statement.lake_table,
        "lake_version": statement.lake_version,
        "rows": statement.rows,
        "content_hash": statement.content_hash,
        "run": statement.run,
    }
    marks = ", ".join(["%s"] * len(values))
    names = _names((*values, "loaded_at"))
    return Sql(f"INSERT INTO {statement.loads.quoted} ({names})\nVALUES ({marks}, GETDATE())", tuple(values.values()))


@_body.register
def _(statement: st.Fingerprint) -> Sql:
    where = Sql("") if statement.only is None else _in_slices(statement.only)
    columns = ",\n  ".join(fingerprint_columns(statement.slice, statement.key, statement.measures))
    group = "" if statement.slice is None else f"\nGROUP BY {quoted(statement.slice.name)}"
    return Sql(f"SELECT\n  {columns}\nFROM {statement.table.quoted}{where.text}{group}", where.parameters)


def _in_slices(slices: Slices) -> Sql:
    """The WHERE clause of the slices; none for the whole table."""
    if slices.values is None:
        return Sql("")
    if not slices.values or slices.column is None or slices.type is None:
        raise InternalError("a list of no slices became a statement")
    name = quoted(slices.column)
    values = tuple(value for value in slices.values if value is not None)
    marks = ", ".join([f"CAST(%s AS {ddl_type(slices.type)})"] * len(values))
    parts = [f"{name} IN ({marks})"] if values else []
    if None in slices.values:
        parts.append(f"{name} IS NULL")
    return Sql(f"\nWHERE {' OR '.join(parts)}", values)


def _definitions(columns: tuple[MartColumn, ...], *, as_text: bool = False) -> str:
    return ",\n".join(f"  {quoted(column.name)} {_definition(column, as_text=as_text)}" for column in columns)


def _definition(column: MartColumn, *, as_text: bool) -> str:
    kind = f"varchar({MAX_VARCHAR})" if as_text and is_super(column.type) else ddl_type(column.type)
    return f"{kind} NOT NULL" if column.not_null else kind


def _names(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(quoted(name) for name in names)


def table_names(statement: st.Statement) -> tuple[TableName, ...]:
    """The warehouse tables a statement touches, for logs and messages."""
    return tuple(
        value for name in ("table", "loads", "target") if isinstance(value := getattr(statement, name, None), TableName)
    )
