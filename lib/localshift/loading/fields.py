"""One field of a text, CSV or JSON file into its column: checked so strictly that PostgreSQL takes what comes out."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, InvalidOperation

from localshift.errors import refused
from localshift.loading import characters, moments
from localshift.loading.columns import Column
from localshift.loading.fielderrors import FieldError
from localshift.loading.reading import Reading
from localshift.loading.superjson import super_text

Converter = Callable[[str | None], str | None]
INTEGERS = {"smallint": (16, "Short"), "integer": (32, "Integer"), "bigint": (64, "Long")}
INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
HEXADECIMAL = re.compile(r"[0-9a-fA-F]*", re.ASCII)
TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,6})?)?", re.ASCII)
TIME_ZONE = re.compile(r"\s?(?:[zZ]|UTC|[+-](?:0?\d|1[0-5])(?::?[0-5]\d)?)", re.ASCII)
TRUE = frozenset({"1", "t", "true", "y", "yes"})
FALSE = frozenset({"0", "f", "false", "n", "no"})
BLANKS = " \t\r\n\v\f"
DIGITS = Context(prec=80)


def converter(column: Column, reading: Reading) -> Converter:
    """Return what turns a field into the text PostgreSQL reads, None for null; it raises FieldError."""
    convert = _text(column, reading) if column.is_text else _blank_is_null(_typed(column, reading))
    null = reading.null

    def checked(value: str | None) -> str | None:
        result = None if value is None or value == null else convert(value)
        if result is None and column.not_null:
            raise FieldError(1213, "Missing data for not-null field")
        return result

    return checked


def truncated(value: str, length: int) -> str:
    """Return as many whole characters as fit into this many bytes."""
    return value.encode()[:length].decode("utf-8", "ignore")


def _text(column: Column, reading: Reading) -> Converter:
    varying = column.kind == "character varying"
    plain = not (reading.blanks_as_null or (varying and reading.trim_blanks))

    def convert(value: str | None) -> str | None:
        if value and plain and value.isascii() and 0 < len(value) <= column.length and "\0" not in value:
            return value
        text = characters.checked(value or "", reading.invalid if varying else "")
        if not text:
            return None if reading.empty_as_null else ""
        if reading.blanks_as_null and not text.strip(BLANKS):
            return None
        if varying and reading.trim_blanks:
            text = text.rstrip(BLANKS)
        if not varying and not text.isascii():
            shown = next(char for char in text if not char.isascii()).encode().hex(" ")
            message = f"Multibyte character not supported for CHAR (Hint: try using VARCHAR). Invalid char: {shown}"
            raise FieldError(1220, message)
        size = len(text) if text.isascii() else len(text.encode())
        if column.length and size > column.length:
            if not reading.truncate:
                raise FieldError(1204, f"{'String' if varying else 'Char'} length exceeds DDL length")
            text = truncated(text, column.length)
        return text

    return convert


def _blank_is_null(convert: Callable[[str], str | None]) -> Converter:
    def blank_is_null(value: str | None) -> str | None:
        text = (value or "").strip(BLANKS)
        return convert(text) if text else None

    return blank_is_null


def _typed(column: Column, reading: Reading) -> Callable[[str], str | None]:
    if column.kind in INTEGERS:
        return lambda text: _integer(text, *INTEGERS[column.kind])
    if column.kind == "numeric":
        rounding = ROUND_HALF_UP if reading.round_decimals else ROUND_DOWN
        exact = re.compile(rf"-?\d{{1,{max(column.length - column.scale, 1)}}}\.\d{{{column.scale}}}", re.ASCII)
        fits = exact.fullmatch if column.length > column.scale else lambda _: None
        return lambda text: text if fits(text) else _decimal(text, column, rounding)
    if column.kind == "date":
        return _moment(moments.date_parser(reading.date_format), reading, 1205, "Invalid Date Format - ")
    if column.kind == "timestamp":
        parser = moments.timestamp_parser(reading.time_format, zoned=column.zoned)
        return _moment(parser, reading, 1206, "Invalid timestamp format or value ")
    if column.kind == "bytea" and reading.remove_quotes:
        raise refused("REMOVEQUOTES is not supported for columns of type varbyte")
    simple: dict[str, Callable[[str], str | None]] = {
        "real": lambda text: _float(text, 4),
        "double precision": lambda text: _float(text, 8),
        "boolean": _boolean,
        "time": lambda text: _time(text, zoned=column.zoned),
        "jsonb": super_text,
        "bytea": lambda text: _bytes(text, column),
    }
    if column.kind not in simple:
        raise refused(f"COPY into a column of type {column.kind} is not supported by localshift")
    return simple[column.kind]


def _bytes(text: str, column: Column) -> str:
    """Return what PostgreSQL reads as the bytes of these hexadecimal digits."""
    if len(text) % 2 or not HEXADECIMAL.fullmatch(text):
        raise FieldError(1200, f"Invalid hexadecimal value for varbyte: '{text[:64]}'")
    if len(text) > 2 * column.length > 0:
        raise FieldError(1204, "Varbyte length exceeds DDL length")
    return "\\x" + text


def _integer(text: str, bits: int, name: str) -> str:
    if len(text) < bits // 4 and text.isascii() and text.isdigit():
        return text
    if not INTEGER.fullmatch(text):
        raise _bad_digit(text, name)
    if not -(1 << (bits - 1)) <= int(text[:40]) < 1 << (bits - 1):
        raise FieldError(1222, f"Overflow for {name}: '{text[:64]}'")
    return text


def _bad_digit(text: str, name: str) -> FieldError:
    position = next((i for i, char in enumerate(text) if not ("0" <= char <= "9" or (i == 0 and char in "+-"))), 0)
    return FieldError(1207, f"Invalid digit, Value '{text[position]}', Pos {position}, Type: {name}")


def _decimal(text: str, column: Column, rounding: str) -> str:
    if not DECIMAL.fullmatch(text):
        raise _bad_digit(text, "Decimal")
    try:
        value = Decimal(text).quantize(Decimal(1).scaleb(-column.scale), rounding, DIGITS)
    except InvalidOperation:
        value = Decimal(10) ** 50
    if value.copy_abs() >= Decimal(10) ** (column.length - column.scale):
        raise FieldError(1209, f"Overflow for NUMERIC({column.length},{column.scale})")
    return format(value, "f")


def _float(text: str, size: int) -> str:
    try:
        value = float(text)
        # What is nought in four bytes must not reach PostgreSQL as more than nought: it would call that out of range.
        written = value if size == 8 or not math.isfinite(value) else _single(value)
    except (ValueError, OverflowError) as exc:
        raise FieldError(1208, "Invalid float format or value") from exc
    if "_" in text or (math.isinf(written) and "inf" not in text.lower()):
        raise FieldError(1208, "Invalid float format or value")
    return repr(value if written else written)


def _single(value: float) -> float:
    result: float = struct.unpack("f", struct.pack("f", value))[0]
    return result


def _boolean(text: str) -> str:
    folded = text.lower()
    if folded not in TRUE and folded not in FALSE:
        raise FieldError(1210, "Unknown boolean format")
    return "t" if folded in TRUE else "f"


def _time(text: str, *, zoned: bool) -> str:
    found = TIME.match(text)
    zone = text[found.end() :] if found else ""
    valid = found is not None and int(found[1]) < 24 and int(found[2]) < 60 and int(found[3] or 0) < 60
    if not valid or (zone and (not zoned or not TIME_ZONE.fullmatch(zone))):
        raise FieldError(1206, "Invalid time format or value [HH24:MI:SS]")
    return text


def _moment(parser: moments.Parser, reading: Reading, code: int, what: str) -> Callable[[str], str | None]:
    shown = reading.date_format if code == 1205 else reading.time_format or "YYYY-MM-DD HH24:MI:SS"

    def convert(text: str) -> str | None:
        try:
            return parser(text)
        except ValueError as exc:
            if reading.any_date:
                return None
            if code == 1205 and not reading.date_format:
                why = "length must be 10 or more" if len(text) < 10 else f"value '{text[:40]}' is not YYYY-MM-DD"
            else:
                why = f"[{shown}]"
            raise FieldError(code, what + why) from exc

    return convert
