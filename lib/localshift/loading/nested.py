"""Nested and odd columns of Parquet files: as JSON for SUPER, and with bytes that are no UTF-8 replaced."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from datetime import date, datetime, time
from decimal import Decimal

import pyarrow as pa

from localshift.errors import spectrum_error
from localshift.loading.fielderrors import FieldError
from localshift.loading.superjson import checked_super, super_text


def leaves(kind: pa.DataType) -> int:
    """Return the number of leaf columns a Parquet file holds for a field of this type."""
    if pa.types.is_nested(kind):
        return sum(leaves(kind.field(i).type) for i in range(kind.num_fields))
    return 1


def as_json(array: pa.Array) -> pa.Array:
    """Return the values as the JSON text of a SUPER column; SqlError for one beyond SUPER's limits."""
    try:
        if is_json(array.type):
            texts = [text and super_text(text) for text in array.storage.to_pylist()]
        else:
            texts = [_serialized(_plain(value)) for value in array]
    except (FieldError, ValueError, RecursionError) as exc:
        raise spectrum_error(f"Invalid value for SUPER: {exc}", code=15001) from exc
    return pa.array(texts, pa.string())


def is_json(kind: pa.DataType) -> bool:
    """Whether a column of a Parquet file says itself that its texts are JSON."""
    return isinstance(kind, pa.JsonType)


def _serialized(plain: object) -> str | None:
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return None if plain is None else checked_super(plain, text)


def _plain(scalar: pa.Scalar) -> object:
    if not scalar.is_valid:
        return None
    if isinstance(scalar, pa.MapScalar):
        return {str(key): _value(value) for key, value in scalar.as_py()}
    if isinstance(scalar, pa.StructScalar):
        return {name: _plain(item) for name, item in scalar.items()}
    if isinstance(scalar, pa.ListScalar):
        return [_plain(item) for item in scalar.values or ()]
    return _value(scalar.as_py())


def _value(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return float(value) if isinstance(value, Decimal) else value


def replaced(array: pa.Array, character: str) -> pa.Array:
    """Return the texts with each byte that is no UTF-8 replaced by a character."""
    raw = array.view(pa.binary()).to_pylist()
    texts = (None if item is None else item.decode("utf-8", "surrogateescape") for item in raw)
    return pa.array([text and re.sub("[\udc80-\udcff]", character, text) for text in texts], pa.string())


def hexadecimal(array: pa.Array) -> pa.Array:
    """Return bytes as PostgreSQL reads them from text."""
    return pa.array([None if value is None else "\\x" + value.hex() for value in array.to_pylist()], pa.string())
