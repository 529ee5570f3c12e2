"""Errors that reach a client: values with SQLSTATE and message, and the wording Redshift uses where PostgreSQL's differs."""

from __future__ import annotations

import re
from collections.abc import Mapping

FEATURE_NOT_SUPPORTED = "0A000"
SYNTAX_ERROR = "42601"
UNDEFINED_FUNCTION = "42883"
INTERNAL = "XX000"
SERIALIZATION = "40001"
INVALID_LOGIN = "28000"
PROTOCOL_VIOLATION = "08P01"
CANCELLED = "57014"

DROPPED_ROLE = re.compile(r'role "(.+)" cannot be dropped because some objects depend on it')
DENIED = re.compile(r"^(permission denied for|must be owner of) (?:table|view|materialized view)\b")
BYTES_CONSTRAINT = re.compile(r"^_rs_bytes_(\d+)_")


def cycle(table: int, transactions: tuple[int, int], pid: str = "") -> str:
    """Return the words of error 1023: the table's number, those of the transactions, the process that is refused; 0: unknown."""
    numbers = f"table - {table}, transactions forming the cycle are: {transactions[0]}, {transactions[1]}"
    return f"Serializable isolation violation on {numbers}{pid and f' (pid:{pid})'}"


UNKNOWN_CYCLE = cycle(0, (0, 0))


class SqlError(Exception):
    """A statement failed or was refused; the connection lives on. Goes to the client as an ErrorResponse."""

    def __init__(self, code: str, message: str, *, detail: str = "", hint: str = "", severity: str = "ERROR") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail
        self.hint = hint
        self.severity = severity

    def fields(self) -> dict[str, str]:
        """Return the fields of the ErrorResponse; empty ones are left out."""
        fields = {"S": self.severity, "C": self.code, "M": self.message}
        if self.detail:
            fields["D"] = self.detail
        if self.hint:
            fields["H"] = self.hint
        return fields


class FatalError(SqlError):
    """The connection ends after this error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, severity="FATAL")


class LostError(FatalError):
    """PostgreSQL has ended the session's connection, or is gone itself."""

    def __init__(self) -> None:
        super().__init__("57P02", "the database behind localshift has ended this session; connect again")


def refused(what: str, *, hint: str = "") -> SqlError:
    """Return the error for something Redshift (or this double) does not support."""
    return SqlError(FEATURE_NOT_SUPPORTED, what, hint=hint)


def syntax_error(near: str) -> SqlError:
    """Return the error for text no statement may hold at this place."""
    return SqlError(SYNTAX_ERROR, f'syntax error at or near "{near}"' if near else "syntax error at end of input")


def internal_detail(error: str, code: int, context: str) -> str:
    """Return the block of lines Redshift puts into the detail field of its own (not PostgreSQL's) errors."""
    rule = "-" * 47
    return f"\n  {rule}\n  error:  {error}\n  code:      {code}\n  context:   {context}\n  query:     0\n  {rule}\n"


def spectrum_error(context: str, *, code: int = 15007) -> SqlError:
    """Return a "Spectrum Scan Error": what a COPY from a columnar file answers when the file does not fit the table."""
    return SqlError(INTERNAL, "Spectrum Scan Error", detail=internal_detail("Spectrum Scan Error", code, context))


# No function, operator or cast for these types: PostgreSQL's message has its own names, and those of what stands for Redshift's.
MISMATCHES = frozenset({UNDEFINED_FUNCTION, "42846", "42804", "42725"})
OWN_TYPES = {"bytea": "binary varying", "jsonb": "super"}
OWN_NAMES = re.compile(r"\b(?:bytea|jsonb)\b|\brs\.(?=\w+\()")


def redshift_fields(fields: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """Return PostgreSQL's error fields as Redshift words them; `names` maps role names to 'group', 'role' or 'user'."""
    result = {key: value for key, value in fields.items() if key in "SCMDHP"}
    code, message = fields.get("C", ""), fields.get("M", "")
    bytes_constraint = BYTES_CONSTRAINT.match(fields.get("n", ""))
    if code == SERIALIZATION:
        # PostgreSQL tells neither the table's number nor the transactions'.
        result |= {"M": f"1023 DETAIL:  {UNKNOWN_CYCLE}", "D": f"{UNKNOWN_CYCLE} ({message})"}
    elif bytes_constraint:
        length = bytes_constraint.group(1)
        result |= {"C": "22001", "M": f"value too long for type character varying({length})"}
        result["D"] = internal_detail(
            "Value too long for character type", 8001, f"Value too long for type character varying({length})"
        )
    elif code == "42804" and message.startswith("structure of query does not match"):
        # A late-binding view's columns are others than when the statement was prepared.
        result |= {"C": FEATURE_NOT_SUPPORTED, "M": "cached plan must not change result type"}
    elif code == "21000" and message.startswith("MERGE"):
        result |= {"M": "Found multiple matches to update the same tuple."}
    elif code == CANCELLED and "user request" in message:
        result["M"] = "Query cancelled on user's request"
    elif code == "2BP01" and (held := DROPPED_ROLE.match(message)):
        kind = names.get(held.group(1), "user")
        why = "owns some object" if fields.get("D", "").startswith("owner of") else "has a privilege on some object"
        result["M"] = f'{kind} "{held.group(1)}" cannot be dropped because the {kind} {why}'
    elif code == "42501":
        result["M"] = DENIED.sub(r"\1 relation", message)
    elif code == "42704" and (role := re.match(r'role "(.+)" does not exist', message)):
        result["M"] = f'{names.get(role.group(1), "user")} "{role.group(1)}" does not exist'
    elif code in MISMATCHES:
        result["M"] = OWN_NAMES.sub(lambda found: OWN_TYPES.get(found[0], ""), message)
    return result
