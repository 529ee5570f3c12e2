"""The closed list of reasons why a record is rejected or an object is damaged. Names are stable; README.md has examples."""

from __future__ import annotations

from typing import Final

REASONS: Final[dict[str, str]] = {
    "record_too_large": "the record has more bytes than the limit",
    "invalid_utf8": "the record is not valid UTF-8",
    "invalid_json": "the record is not JSON as RFC 8259 has it",
    "too_deep": "arrays and objects stand in one another deeper than the limit",
    "trailing_content": "something other than white space follows the record's JSON value",
    "duplicate_key": "an object has the same key twice",
    "lone_surrogate": "a string escapes half of a surrogate pair",
    "nul_character": "a string holds U+0000",
    "number_too_long": "a number has more digits than the limit",
    "not_an_object": "the record is JSON, but not an object",
    "no_records": "a document has no array at the source's records path",
    "late_sibling": "a document is too large to wait for a field that stands behind its records",
    "unknown_route": "no table takes records of this kind",
    "missing_value": "a required value is missing or null",
    "wrong_type": "a value's JSON type is not one the column takes",
    "bad_text": "a string does not spell a value of the column's type",
    "no_offset": "a time has no UTC offset, and the column has no zone",
    "no_such_time": "a local time was skipped by its zone's clock",
    "ambiguous_time": "a local time came twice on its zone's clock",
    "not_exact": "a number or time has digits that the column's type cannot hold",
    "out_of_range": "a value lies outside the column's type",
    "not_in_values": "a value is not one of the contract's `values`",
    "below_min": "a value is below the contract's `min`",
    "above_max": "a value is above the contract's `max`",
    "no_pattern_match": "a text does not match the contract's `pattern`",
    "unknown_field": "the record has a field that the contract does not name",
    "unreadable": "the rest of a damaged object whose readable part was accepted by an operator's word",
}

DAMAGES: Final[dict[str, str]] = {
    "truncated_compression": "the compressed stream ends before its end mark",
    "corrupt_compression": "the compressed stream cannot be read, or its check sum is wrong",
    "wrong_encoding": "the object is UTF-16 or UTF-32, or begins with NUL bytes",
    "short_object": "the object has fewer bytes than its store says",
    "long_object": "the object has more bytes than its store says",
}
