"""Statements other than queries and CREATE TABLE: transactions, settings, rights, upkeep, objects. No I/O."""

from __future__ import annotations

import json
from collections.abc import Callable

from localshift import words
from localshift.ddl import Attributes, Cursor, column_definition, column_type
from localshift.dialect import translate
from localshift.errors import FEATURE_NOT_SUPPORTED, SYNTAX_ERROR, SqlError, refused, syntax_error
from localshift.lex import Token, quote_identifier, quote_literal, tokenize
from localshift.plan import Plan

Handler = Callable[[str, list[Token], frozenset[str]], Plan]
CONTROL = {
    "BEGIN": "BEGIN",
    "START": "BEGIN",
    "COMMIT": "COMMIT",
    "END": "COMMIT",
    "ROLLBACK": "ROLLBACK",
    "ABORT": "ROLLBACK",
}


def route(first: str, sql: str, tokens: list[Token], builtins: frozenset[str]) -> Plan:
    """Return the plan for a statement by its first word; SqlError when nothing here knows it."""
    if first in CONTROL:
        return _control(first, tokens)
    handler = HANDLERS.get(first)
    if handler is None:
        raise syntax_error(tokens[0].text)
    return handler(sql, tokens, builtins)


def _forward(sql: str, query_type: str = "UTILITY") -> Plan:
    return Plan(kind="forward", sql=sql, query_type=query_type)


def _control(first: str, tokens: list[Token]) -> Plan:
    rest = [token.upper for token in tokens[1:]]
    if rest[:1] in (["PREPARED"], ["TO"]) or "SAVEPOINT" in rest:
        raise syntax_error(tokens[1].text)
    # Redshift takes isolation levels here and ignores them: the database's own holds.
    return _forward(CONTROL[first])


def _set(sql: str, tokens: list[Token], _: frozenset[str]) -> Plan:
    rest = tokens[1:]
    if rest and rest[0].upper in ("SESSION", "LOCAL") and len(rest) > 1:
        scope, rest = rest[0].upper + " ", rest[1:]
    else:
        scope = ""
    if not rest:
        raise syntax_error("")
    name = rest[0].name
    if name in ("authorization", "transaction", "characteristics", "role", "constraints"):
        raise refused(f"SET {name.upper()} is not supported by localshift")
    value = sql[rest[1].end :].strip() if len(rest) > 2 else ""
    if len(rest) < 3 or not (rest[1].upper == "TO" or rest[1].is_op("=")):
        raise syntax_error(rest[-1].text)
    if name == "enable_case_sensitive_identifier" and rest[2].text.strip("'").lower() in ("true", "on", "1"):
        raise refused("enable_case_sensitive_identifier is not supported by localshift")
    if name in words.SETTINGS:
        text = rest[2].value if rest[2].kind == "string" else rest[2].text
        label = ("" if rest[2].upper == "DEFAULT" else text) if name == "query_group" else None
        return Plan(
            kind="forward",
            sql=f"SET {scope}redshift.{name} TO {_setting_value(rest[2])}",
            query_type="UTILITY",
            label=label,
        )
    if name not in words.POSTGRES_SETTINGS and "." not in [token.text for token in rest]:
        raise SqlError("42704", f'unrecognized configuration parameter "{name}"')
    return _forward(f"SET {scope}{rest[0].text} TO {value}")


def _setting_value(token: Token) -> str:
    if token.upper == "DEFAULT":
        return "DEFAULT"
    return quote_literal(token.value if token.kind == "string" else token.text)


def _reset(sql: str, tokens: list[Token], _: frozenset[str]) -> Plan:
    name = tokens[1].name if len(tokens) == 2 else ""
    if name in words.SETTINGS:
        return Plan(
            kind="forward",
            sql=f"RESET redshift.{name}",
            query_type="UTILITY",
            label="" if name == "query_group" else None,
        )
    if name == "all":
        return Plan(kind="forward", sql="RESET ALL", query_type="UTILITY", label="")
    if name not in words.POSTGRES_SETTINGS:
        raise SqlError("42704", f'unrecognized configuration parameter "{name}"')
    return _forward(sql)


def _show(_: str, tokens: list[Token], __: frozenset[str]) -> Plan:
    name = tokens[1].name if len(tokens) == 2 else ""
    if name in words.SETTINGS:
        # As a select, because SHOW would name the column with the prefix.
        shown = f"SELECT coalesce(nullif(current_setting('redshift.{name}', true), ''), 'unset')"
        return _forward(f"{shown} AS {quote_identifier(name)}")
    if name not in words.POSTGRES_SETTINGS:
        raise refused("SHOW of this kind is not supported by localshift")
    return _forward(f"SHOW {tokens[1].text}")


def _lock(sql: str, tokens: list[Token], builtins: frozenset[str]) -> Plan:
    cursor = Cursor(tokens, builtins, sql)
    cursor.expect("LOCK")
    cursor.accept("TABLE")
    tables = [cursor.table_name()]
    while cursor.accept(","):
        tables.append(cursor.table_name())
    if not cursor.done():
        raise syntax_error(cursor.take().text)
    return _forward(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")


def _grant(sql: str, tokens: list[Token], _: frozenset[str]) -> Plan:
    names: dict[str, str] = {}
    out: list[str] = []
    for i, token in enumerate(tokens):
        previous = tokens[i - 1].upper if i else ""
        if token.upper in ("ROLE", "GROUP", "USER") and (previous in ("TO", "FROM", "IN") or tokens[i - 1].is_op(",")):
            continue
        if previous in ("ROLE", "GROUP", "USER") and token.kind in ("word", "quoted"):
            names[token.name] = previous.lower()
        out.append(quote_identifier(token.name) if token.kind == "quoted" or token.text[:1] == "#" else token.text)
    if any(
        word in [token.upper for token in tokens]
        for word in ("ASSUMEROLE", "DATASHARE", "LANGUAGE", "MODEL", "MASKING")
    ):
        raise refused(f"{tokens[0].upper} of this kind is not supported by localshift")
    return Plan(kind="forward", sql=" ".join(out), query_type="DDL", names=names)


def _comment(sql: str, tokens: list[Token], _: frozenset[str]) -> Plan:
    if (
        len(tokens) < 5
        or tokens[1].upper != "ON"
        or tokens[2].upper not in ("TABLE", "COLUMN", "VIEW", "SCHEMA", "DATABASE")
    ):
        raise syntax_error(tokens[2].text if len(tokens) > 2 else "")
    return _forward(_folded(sql, tokens), "DDL")


def _folded(sql: str, tokens: list[Token]) -> str:
    """Return the statement with quoted and `#` names in lower case and quotes, everything else as it stands."""
    out, position = [], 0
    for token in tokens:
        if token.kind == "quoted" or token.text.startswith("#"):
            out += [sql[position : token.start], quote_identifier(token.name)]
            position = token.end
    return "".join([*out, sql[position:]])


def _truncate(sql: str, tokens: list[Token], builtins: frozenset[str]) -> Plan:
    cursor = Cursor(tokens, builtins, sql)
    cursor.expect("TRUNCATE")
    cursor.accept("TABLE")
    table = cursor.table_name()
    if not cursor.done():
        raise syntax_error(cursor.take().text)
    return Plan(kind="script", sql=f"TRUNCATE TABLE {table}", query_type="UTILITY", tag="TRUNCATE TABLE", commits=True)


def _vacuum(sql: str, tokens: list[Token], builtins: frozenset[str]) -> Plan:
    cursor = Cursor(tokens, builtins, sql)
    cursor.expect("VACUUM")
    for option in (("FULL",), ("SORT", "ONLY"), ("DELETE", "ONLY"), ("REINDEX",), ("RECLUSTER",)):
        if cursor.accept(*option):
            break
    table = "" if cursor.done() or cursor.peek() == "TO" else " " + cursor.table_name()
    if cursor.accept("TO"):
        cursor.take()
        cursor.expect("PERCENT")
    cursor.accept("BOOST")
    if not cursor.done():
        raise syntax_error(cursor.take().text)
    return Plan(kind="script", sql=f"VACUUM{table}", query_type="UTILITY", tag="VACUUM")


def _analyze(sql: str, tokens: list[Token], builtins: frozenset[str]) -> Plan:
    cursor = Cursor(tokens, builtins, sql)
    cursor.take()
    cursor.accept("VERBOSE")
    if cursor.peek() == "COMPRESSION":
        raise refused("ANALYZE COMPRESSION is not supported by localshift")
    table = "" if cursor.done() or cursor.peek() in ("PREDICATE", "ALL") else " " + cursor.table_name()
    if table and cursor.peek() == "(":
        table += " (" + ", ".join(map(quote_identifier, cursor.names())) + ")"
    if not cursor.accept("PREDICATE", "COLUMNS"):
        cursor.accept("ALL", "COLUMNS")
    if not cursor.done():
        raise syntax_error(cursor.take().text)
    return _forward(f"ANALYZE{table}")


def _create(sql: str, tokens: list[Token], builtins: frozenset[str]) -> Plan:
    upper = [token.upper for token in tokens]
    if upper[1:2] == ["SCHEMA"]:
        return _create_schema(sql, tokens, builtins)
    if "VIEW" in upper[1:4] and "MATERIALIZED" not in upper[1:4]:
        return _create_view(sql, tokens, builtins)
    if upper[1:2] in (["USER"], ["ROLE"], ["GROUP"]):
        return create_principal(sql, tokens, builtins)
    raise refused(f"CREATE {upper[1] if len(upper) > 1 else ''} is not supported by localshift".replace("  ", " "))


def _create_schema(sql: str, tokens: list[Token], builtins: frozenset[str]) -> Plan:
    cursor = Cursor(tokens, builtins, sql)
    cursor.i = 2
    exists = "IF NOT EXISTS " if cursor.accept("IF", "NOT", "EXISTS") else ""
    name = "" if cursor.peek() == "AUTHORIZATION" else quote_identifier(cursor.identifier()) + " "
    owner = f"AUTHORIZATION {quote_identifier(cursor.identifier())}" if cursor.accept("AUTHORIZATION") else ""
    if cursor.accept("QUOTA"):
        if not cursor.accept("UNLIMITED"):
            cursor.take()
            cursor.take()
    if not cursor.done():
        raise syntax_error(cursor.take().text)
    return _forward(f"CREATE SCHEMA {exists}{name}{owner}".strip(), "DDL")


def _create_view(sql: str, tokens: list[Token], builtins: frozenset[str]) -> Plan:
    tail = [token.upper for token in tokens[-4:]]
    if tail == ["WITH", "NO", "SCHEMA", "BINDING"]:
        raise refused("late-binding views (WITH NO SCHEMA BINDING) are not supported by localshift yet")
    as_position = next((i for i, token in enumerate(tokens) if token.upper == "AS"), None)
    if as_position is None or as_position + 1 >= len(tokens):
        raise syntax_error("")
    head = _folded(sql[: tokens[as_position].end], tokens[: as_position + 1])
    query = translate(sql[tokens[as_position + 1].start :], builtins=builtins).sql
    return _forward(f"{head} {query}", "DDL")


def create_principal(sql: str, tokens: list[Token], builtins: frozenset[str]) -> Plan:
    """Return the plan of CREATE USER, ROLE or GROUP."""
    cursor = Cursor(tokens, builtins, sql)
    kind = tokens[1].upper
    cursor.i = 2
    name = quote_identifier(cursor.identifier())
    if kind == "ROLE":
        if not cursor.done():
            raise refused("CREATE ROLE with options is not supported by localshift")
        return _forward(f"CREATE ROLE {name} NOLOGIN", "DDL")
    cursor.accept("WITH")
    if kind == "GROUP":
        if cursor.done():
            return _forward(f"CREATE ROLE {name} NOLOGIN", "DDL")
        cursor.expect("USER")
        members = [quote_identifier(cursor.identifier())]
        while cursor.accept(","):
            members.append(quote_identifier(cursor.identifier()))
        return _forward(f"CREATE ROLE {name} NOLOGIN ROLE {', '.join(members)}", "DDL")
    return _forward(f"CREATE ROLE {name} LOGIN {_user_options(cursor)}", "DDL")


def _user_options(cursor: Cursor) -> str:
    options: list[str] = []
    while not cursor.done():
        word = cursor.take().upper
        if word == "PASSWORD" and not cursor.accept("DISABLE"):
            options.append(f"PASSWORD {quote_literal(cursor.take().value)}")
        elif word == "CREATEUSER":
            options.append("SUPERUSER")
        elif word in ("NOCREATEUSER", "CREATEDB", "NOCREATEDB"):
            options.append(word.replace("NOCREATEUSER", "NOSUPERUSER"))
        elif word == "IN":
            cursor.expect("GROUP")
            options.append(f"IN ROLE {quote_identifier(cursor.identifier())}")
        elif word != "PASSWORD":
            raise refused(f"user option {word} is not supported by localshift")
    return " ".join(options)


def _drop(sql: str, tokens: list[Token], _: frozenset[str]) -> Plan:
    kind = tokens[1].upper if len(tokens) > 1 else ""
    if kind not in ("TABLE", "VIEW", "SCHEMA", "USER", "GROUP", "ROLE"):
        raise refused(f"DROP {kind} is not supported by localshift")
    text = _folded(sql, tokens)
    if kind in ("USER", "GROUP", "ROLE"):
        names = {token.name: kind.lower() for token in tokens[2:]}
        return Plan(kind="forward", sql=text.replace(tokens[1].text, "ROLE", 1), query_type="DDL", names=names)
    return _forward(text, "DDL")


def _alter(sql: str, tokens: list[Token], builtins: frozenset[str]) -> Plan:
    cursor = Cursor(tokens, builtins, sql)
    cursor.expect("ALTER")
    kind = cursor.take().upper
    if kind == "SCHEMA":
        return _forward(_folded(sql, tokens), "DDL")
    if kind == "DEFAULT":
        return _grant(sql, tokens, builtins)
    if kind == "USER":
        name = quote_identifier(cursor.identifier())
        cursor.accept("WITH")
        return _forward(f"ALTER ROLE {name} {_user_options(cursor)}", "DDL")
    if kind == "GROUP":
        return _forward(_folded(sql, tokens), "DDL")
    if kind != "TABLE":
        raise refused(f"ALTER {kind} is not supported by localshift")
    return _alter_table(cursor)


def _alter_table(cursor: Cursor) -> Plan:
    table = cursor.table_name()
    head = f"ALTER TABLE {table} "
    if cursor.accept("APPEND"):
        raise refused("ALTER TABLE APPEND is not supported by localshift yet")
    if cursor.accept("ADD"):
        plan = _add_column(cursor, table)
    elif cursor.accept("DROP"):
        cursor.accept("COLUMN")
        column = quote_identifier(cursor.identifier())
        tail = " CASCADE" if cursor.accept("CASCADE") else " RESTRICT" if cursor.accept("RESTRICT") else ""
        plan = _forward(f"{head}DROP COLUMN {column}{tail}", "DDL")
    elif cursor.accept("RENAME"):
        plan = _rename(cursor, head)
    elif cursor.accept("OWNER", "TO"):
        plan = _forward(f"{head}OWNER TO {quote_identifier(cursor.identifier())}", "DDL")
    elif cursor.accept("ALTER"):
        plan = _alter_attributes(cursor, table)
    else:
        raise syntax_error("" if cursor.done() else cursor.take().text)
    if not cursor.done():
        hint = "Redshift takes one change in an ALTER TABLE." if cursor.peek() == "," else ""
        raise SqlError(SYNTAX_ERROR, f'syntax error at or near "{cursor.take().text}"', hint=hint)
    return plan


def _add_column(cursor: Cursor, table: str) -> Plan:
    if cursor.peek() in ("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN"):
        # Keys are informational: PostgreSQL would enforce them.
        cursor.rest()
        return Plan(
            kind="script",
            sql=f"SELECT '{0}' WHERE '{table.replace(chr(39), '')}' IS NULL",
            query_type="DDL",
            tag="ALTER TABLE",
        )
    cursor.accept("COLUMN")
    attributes = Attributes()
    definition = column_definition(cursor, attributes)
    if "NOT NULL" in definition and " DEFAULT " not in definition:
        raise SqlError(
            SYNTAX_ERROR, "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression"
        )
    after = (_remember(table, {"encode": attributes.encode}),) if attributes.encode else ()
    return Plan(
        kind="script",
        sql=f"ALTER TABLE {table} ADD COLUMN {definition}",
        after=after,
        query_type="DDL",
        tag="ALTER TABLE",
    )


def _rename(cursor: Cursor, head: str) -> Plan:
    if cursor.accept("TO"):
        return _forward(f"{head}RENAME TO {quote_identifier(cursor.identifier())}", "DDL")
    cursor.accept("COLUMN")
    old = quote_identifier(cursor.identifier())
    cursor.expect("TO")
    return _forward(f"{head}RENAME COLUMN {old} TO {quote_identifier(cursor.identifier())}", "DDL")


def _alter_attributes(cursor: Cursor, table: str) -> Plan:
    changes: dict[str, object] = {}
    if cursor.accept("DISTSTYLE"):
        changes = {"diststyle": cursor.take().upper}
        if cursor.accept("DISTKEY"):
            changes["distkey"] = cursor.identifier()
    elif cursor.accept("DISTKEY"):
        changes = {"diststyle": "KEY", "distkey": cursor.identifier()}
    elif cursor.accept("SORTKEY", "AUTO") or cursor.accept("SORTKEY", "NONE"):
        changes = {"sortstyle": "AUTO", "sortkey": []}
    elif cursor.accept("COMPOUND", "SORTKEY") or cursor.accept("SORTKEY"):
        changes = {"sortstyle": "COMPOUND", "sortkey": cursor.names()}
    elif cursor.accept("ENCODE", "AUTO"):
        changes = {}
    else:
        cursor.accept("COLUMN")
        column = cursor.identifier()
        if cursor.accept("TYPE"):
            return _widen(cursor, table, column)
        cursor.expect("ENCODE")
        changes = {"encode": {column: cursor.identifier()}}
    return Plan(kind="script", sql=_remember(table, changes), query_type="DDL", tag="ALTER TABLE")


def _widen(cursor: Cursor, table: str, column: str) -> Plan:
    to = column_type(cursor)
    if not to.startswith("varchar"):
        raise SqlError(FEATURE_NOT_SUPPORTED, "ALTER COLUMN TYPE: only the size of a VARCHAR column can be changed")
    return Plan(
        kind="script",
        sql=f"ALTER TABLE {table} ALTER COLUMN {quote_identifier(column)} TYPE {to}",
        query_type="DDL",
        tag="ALTER TABLE",
        outside_transaction=True,
    )


def _remember(table: str, changes: dict[str, object]) -> str:
    return f"SELECT rs.alter_attributes({quote_literal(table)}, {quote_literal(json.dumps(changes))})"


def _explain(sql: str, tokens: list[Token], builtins: frozenset[str]) -> Plan:
    skip = 2 if tokens[1:2] and tokens[1].upper == "VERBOSE" else 1
    if len(tokens) <= skip or tokens[skip].upper in ("ANALYZE", ""):
        raise syntax_error(tokens[skip].text if len(tokens) > skip else "")
    return _forward("EXPLAIN " + translate(sql[tokens[skip].start :], builtins=builtins).sql)


def _cursor_statement(sql: str, tokens: list[Token], builtins: frozenset[str]) -> Plan:
    return _forward(translate(sql, builtins=builtins).sql)


def _prepare(sql: str, tokens: list[Token], builtins: frozenset[str]) -> Plan:
    return _forward(translate(sql, builtins=builtins).sql)


def _no(sql: str, tokens: list[Token], _: frozenset[str]) -> Plan:
    raise refused(f"{tokens[0].upper} is not supported by localshift yet")


HANDLERS: dict[str, Handler] = {
    "ALTER": _alter,
    "ANALYSE": _analyze,
    "ANALYZE": _analyze,
    "CALL": _no,
    "CANCEL": _no,
    "CLOSE": _cursor_statement,
    "COMMENT": _comment,
    "CREATE": _create,
    "DEALLOCATE": _prepare,
    "DECLARE": _cursor_statement,
    "DROP": _drop,
    "EXECUTE": _prepare,
    "EXPLAIN": _explain,
    "FETCH": _cursor_statement,
    "GRANT": _grant,
    "LOCK": _lock,
    "PREPARE": _prepare,
    "RESET": _reset,
    "REVOKE": _grant,
    "SET": _set,
    "SHOW": _show,
    "TRUNCATE": _truncate,
    "UNLOAD": _no,
    "VACUUM": _vacuum,
}
