"""Notations of single values that are lakemart's own: durations, sizes, limits, paths, types, references.

As in `scalars`: text → value, or PydanticCustomError whose message completes the sentence "'key' …".
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from lakemart.config.problems import did_you_mean, shown
from lakemart.config.scalars import NAME_RULE, as_text, kind_of, wrong
from lakemart.config.source import RejectLimit
from lakemart.contract.types import ColumnType, Kind
from lakemart.errors import ConfigError
from lakemart.names import TableName, is_name

DURATION = re.compile(r"(\d+)\s*(s|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?)")
KEY = re.compile(r'"([^"]+)"|([^."\s](?:[^."]*[^."\s])?)')
PATH = re.compile(rf"(?:{KEY.pattern})(?:\.(?:{KEY.pattern}))*")
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)", re.IGNORECASE)
SECRET = re.compile(r"secret://(env/[A-Za-z_][A-Za-z0-9_]*|file/.+|secretsmanager/[^#]+(#[^#]+)?|ssm/.+)")
ARN = re.compile(
    r"default|arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+(,arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+)*"
)
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
BYTES = {
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
SAME_TYPES = {
    "integer": "int", "long": "bigint", "float": "double", "text": "string", "bool": "boolean", "datetime": "timestamp",
}  # fmt: skip
"""What others call our types."""


def as_duration(value: object) -> timedelta:
    """A time span with its unit: `30s`, `10m`, `1h`, `7 days`, `2 weeks`."""
    text = as_text(value)
    match = DURATION.fullmatch(text.strip())
    if match is None:
        hint = (
            f"say the unit: {text} days, {text}h, {text}m or {text}s"
            if text.isdigit()
            else "write 30s, 10m, 1h or 7 days"
        )
        raise wrong(f"must be a duration, {kind_of(value)}", hint)
    seconds = int(match[1]) * SECONDS[match[2][0]]
    if seconds > 36_500 * 86_400:
        raise wrong(f"must not be above 100 years, {kind_of(value)}")
    return timedelta(seconds=seconds)


def as_size(value: object) -> int:
    """A size in bytes: `256 MB` is 256,000,000, `256 MiB` is 268,435,456."""
    text = as_text(value)
    match = SIZE.fullmatch(text.strip())
    if match is None:
        raise wrong(f"must be a size, {kind_of(value)}", "write it with its unit: 256 MB, 1.5 GiB")
    return int(Decimal(match[1]) * BYTES[match[2].lower()])


def as_path(value: object) -> tuple[str, ...]:
    """A path into a record: `a.b.c`. A key that holds a dot stands in double quotes, `a."b.c"`, or in a list, `[a, "b.c"]`.

    `.` is the record itself.
    """
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(str(item) for item in value)
    if not isinstance(value, str):
        raise wrong(f"must be a path, {kind_of(value)}", 'write a.b.c, or a list of keys: [a, "b.c"]')
    text = as_text(value)
    if text == ".":
        return ()
    if PATH.fullmatch(text) is None:
        raise wrong(
            f"must be a path, {kind_of(value)}", 'write a.b.c, or a list of keys when one holds a dot: [a, "b.c"]'
        )
    return tuple(quoted or bare for quoted, bare in KEY.findall(text))


def as_reject_limit(value: object) -> RejectLimit:
    """`1%`: of a batch's records, and at least 10 of them; `25`: so many records; `0` and `0%`: none."""
    text = as_text(value)
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", text.strip())
    if match is None or (match[2] and Decimal(match[1]) > 100) or (not match[2] and "." in match[1]):
        raise wrong(
            f"must be a percentage or a count, {kind_of(value)}", "write 1% (of the batch's records) or 25 (records)"
        )
    if not match[2]:
        return RejectLimit(fraction=Decimal(0), at_least=int(match[1]))
    fraction = Decimal(match[1]) / 100
    return RejectLimit(fraction=fraction, at_least=10 if fraction else 0)


def as_type(value: object) -> ColumnType:
    """A column type of the interface's table."""
    text = as_text(value)
    if re.fullmatch(r"\w+\(\d+", text):
        raise wrong(f"is {shown(text)}: within braces YAML cuts it at the comma", 'put it in quotes: "decimal(12,2)"')
    try:
        return ColumnType.parse(text)
    except ConfigError as error:
        said = error.what.removeprefix(repr(text))
        what = f"is {shown(text)}, which{said}" if said.startswith(" is not") else f"is {shown(text)}{said}"
        word = SAME_TYPES.get(text.lower())
        near = f"did you mean '{word}'?" if word else did_you_mean(text, get_args(Kind))
        hint = near if near.startswith("did") else error.next_step[:1].lower() + error.next_step[1:].rstrip(".")
        raise wrong(what, hint) from error


def as_table_name(value: object) -> TableName:
    """A table of the warehouse, `schema.table`."""
    text = as_text(value)
    schema, dot, table = text.partition(".")
    if not dot or not is_name(schema) or not is_name(table):
        raise wrong(f"is {shown(text)}, which is not a table name", f"write schema.table; {NAME_RULE}")
    return TableName(schema, table)


def as_secret_reference(value: object) -> str:
    """A reference; whatever else stands there may be the secret itself and is never repeated in a message."""
    if not isinstance(value, str):
        raise wrong("must be a reference to a secret", "write secret://env/NAME")
    if SECRET.fullmatch(value) is None:
        if value.startswith("secret://"):
            known = "secret://env/NAME, secret://file/PATH, secret://secretsmanager/ID#key or secret://ssm/NAME"
            raise wrong("is not a reference to a secret that lakemart knows", f"write {known}")
        raise wrong("is a secret in plain text", "write a reference, such as secret://env/NAME, and change the secret")
    return str(value)


def as_role(value: object) -> str:
    """The role that COPY assumes."""
    text = as_text(value)
    if ARN.fullmatch(text) is None:
        raise wrong(
            f"must be the ARN of an IAM role, {kind_of(value)}", "write arn:aws:iam::123456789012:role/name, or default"
        )
    return text


def as_account(value: object) -> str:
    """The number of an AWS account, its leading zeros kept."""
    text = as_text(value)
    if re.fullmatch(r"[0-9]{12}", text) is None:
        raise wrong(f"must be the number of an AWS account, {kind_of(value)}", 'write its 12 digits: "123456789012"')
    return text


def as_zone(value: object) -> str:
    """A time zone of the IANA data base."""
    text = as_text(value)
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        # All names are listed for a suggestion only: that takes longer than reading a project.
        near = did_you_mean(text, sorted(available_timezones())) if len(text) < 40 else ""
        raise wrong(f"is {shown(text)}, which is not a time zone", near) from error
    return text


def as_regex(value: object) -> str:
    """A regular expression that compiles."""
    text = as_text(value)
    try:
        re.compile(text)
    except re.error as error:
        raise wrong(f"is not a regular expression: {error}") from error
    return text
