"""What a database needs to look like Redshift: our schema, functions and system views, users, and the connection for all of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from importlib import resources

from localshift.backend.postgres import SUPERUSER
from localshift.backend.upstream import Upstream, connect
from localshift.options import Options
from localshift.sql.lex import quote_identifier, quote_literal

VERSION = 5
MARK = f"INSERT INTO rs.version VALUES ({VERSION})"  # noqa: S608 - a constant
PROVISIONED = re.compile(r"-- @provisioned@.*?-- @end@", re.DOTALL)
VIEW = re.compile(r"CREATE VIEW (pg_catalog\.\w+)")
MAINTENANCE = "postgres"
VIEW_SCRIPTS = ("views.sql", "discovery.sql", "transferviews.sql")
SCRIPTS = (
    "memory.sql",
    "valuetypes.sql",
    "transfers.sql",
    "textfunctions.sql",
    "farmhash.sql",
    "functions.sql",
    "datefunctions.sql",
    "superfunctions.sql",
    "varbytes.sql",
    "murmur.sql",
    "windows.sql",
    "casts.sql",
    "arrays.sql",
    "upkeep.sql",
    "lateviews.sql",
    "keys.sql",
    "shapes.sql",
)


class CatalogError(Exception):
    """The data folder was made by another version of localshift."""


async def open_admin(socket: str, options: Options) -> Upstream:
    """Return a superuser connection to the database, both made ready first: database, schema, views, users."""
    await _create_database(socket, options.database)
    admin = await connect(socket, {"user": SUPERUSER, "database": options.database, "application_name": "localshift"})
    await admin.query("SET synchronous_commit = on; SET client_min_messages = warning")
    await _install(admin, serverless=options.serverless)
    await _keep_users(admin, options.users)
    await admin.query("SET synchronous_commit = off")
    return admin


def password_hash(user: str, password: str) -> str:
    """Return PostgreSQL's stored form of an MD5 password."""
    return "md5" + hashlib.md5((password + user).encode(), usedforsecurity=False).hexdigest()


def expected_answer(stored: str, salt: bytes) -> str:
    """Return what a client must answer to an MD5 challenge with this salt."""
    return "md5" + hashlib.md5(stored[3:].encode() + salt, usedforsecurity=False).hexdigest()


async def stored_password(admin: Upstream, user: str) -> str | None:
    """Return the hash of a user who may log in; None for unknown users and those without a password."""
    rows = await admin.fetch("SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = $1 AND rolcanlogin", [user])
    return rows[0][0] if rows and (rows[0][0] or "").startswith("md5") else None


async def builtin_functions(admin: Upstream) -> frozenset[str]:
    """Return the names of all of PostgreSQL's own functions."""
    rows = await admin.fetch("SELECT DISTINCT proname FROM pg_catalog.pg_proc WHERE oid < 16384")
    return frozenset(row[0] for row in rows if row[0])


async def system_columns(admin: Upstream) -> dict[str, frozenset[str]]:
    """Return the columns of every system table and view by its name without a schema."""
    rows = await admin.fetch(
        "SELECT c.relname, string_agg(a.attname, ',') FROM pg_catalog.pg_class c "
        "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped "
        "WHERE c.relkind IN ('r', 'v') AND c.relnamespace IN "
        "('pg_catalog'::regnamespace, 'rs'::regnamespace, 'rs_info'::regnamespace, 'information_schema'::regnamespace) "
        "GROUP BY c.relname"
    )
    return {name: frozenset(columns.split(",")) for name, columns in rows if name and columns}


async def _create_database(socket: str, database: str) -> None:
    admin = await connect(socket, {"user": SUPERUSER, "database": MAINTENANCE})
    try:
        if not await admin.fetch("SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1", [database]):
            await admin.query(f"CREATE DATABASE {quote_identifier(database)}")
    finally:
        await admin.close()


async def _install(admin: Upstream, *, serverless: bool) -> None:
    known = await admin.fetch("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = 'rs'")
    scripts = resources.files("localshift.catalog")
    views = "\n".join(scripts.joinpath(name).read_text(encoding="utf-8") for name in VIEW_SCRIPTS)
    if not known:
        parts = [scripts.joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS]
        await _run(admin, "\n".join([*parts, views, MARK]))
    elif (version := await admin.fetch("SELECT version FROM rs.version")) != [[str(VERSION)]]:
        found = version[0][0] if version else "unknown"
        raise CatalogError(
            f"the data folder is of catalogue version {found}, this localshift needs {VERSION}: "
            "start on an empty folder and load it anew, or go on with the localshift that made this one"
        )
    # The same data folder may be opened as provisioned today and as serverless tomorrow.
    provisioned = "\n".join(PROVISIONED.findall(views))
    if serverless:
        await _run(admin, "\n".join(f"DROP VIEW IF EXISTS {name};" for name in VIEW.findall(provisioned)))
    elif known and not await admin.fetch("SELECT 1 FROM pg_catalog.pg_class WHERE relname = 'stl_query'"):
        await _run(admin, provisioned)
    await _run(admin, _grants(views))


def _grants(views: str) -> str:
    names = [name for name in VIEW.findall(views) if not name.endswith("svv_table_info")]
    return (
        "DO $grant$ DECLARE v text; BEGIN FOREACH v IN ARRAY ARRAY["
        + ",".join(map(quote_literal, names))
        + (
            "] LOOP IF to_regclass(v) IS NOT NULL THEN EXECUTE 'GRANT SELECT ON ' || v || ' TO PUBLIC'; END IF; END LOOP; END $grant$;"
            "GRANT SELECT ON rs.table_attributes TO PUBLIC"
        )
    )


async def _run(admin: Upstream, script: str) -> None:
    await admin.query("SET standard_conforming_strings = off; SET allow_system_table_mods = on")
    await admin.query("BEGIN;" + script + "\n;COMMIT")
    await admin.query("SET allow_system_table_mods = off")


async def _keep_users(admin: Upstream, users: Mapping[str, str]) -> None:
    """Create or alter the users given at the start; the first one is the superuser, as Redshift's admin user is."""
    statements = []
    for position, (name, password) in enumerate(users.items()):
        found = await admin.fetch("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1", [name])
        verb = "ALTER" if found else "CREATE"
        power = " SUPERUSER CREATEDB" if position == 0 else ""
        secret = quote_literal(password_hash(name, password))
        statements.append(f"{verb} ROLE {quote_identifier(name)} LOGIN{power} PASSWORD {secret}")
    if statements:
        await admin.query(";".join(statements))
