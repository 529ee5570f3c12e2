"""Characters a VARCHAR cannot hold: what is wrong with them in the words and numbers of Redshift's load errors. No I/O.

Bytes that are no UTF-8 stand in the text as lone surrogates, one each, as `surrogateescape` leaves them.
"""

from __future__ import annotations

import re

from localshift.loading.fielderrors import FieldError

SURROGATE = re.compile("[\ud800-\udfff]")
# Well-formed, so loaded as they are; ACCEPTINVCHARS replaces them as it replaces what is not.
NO_CHARACTER = re.compile(
    "[\ufdd0-\ufdef" + "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(17)) + "]"
)
TOO_LONG, INCOMPLETE, NO_START, NO_TRAIL, RESERVED, BEYOND, NO_POINT = range(1, 8)


def checked(text: str, replacement: str) -> str:
    """Return the text of a field, with as many replacements as a wrong character has bytes; FieldError without a replacement."""
    if "\0" in text:
        raise _bad(b"\0", TOO_LONG)
    if text.isascii():
        return text
    found = SURROGATE.search(text)
    if replacement:
        text = SURROGATE.sub(replacement, text) if found else text
        return NO_CHARACTER.sub(lambda bad: replacement * len(bad[0].encode()), text)
    if found:
        raise _bad(*_fault(text[found.start() : found.start() + 4]))
    return text


def _bad(sequence: bytes, code: int) -> FieldError:
    why = "String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence:"
    return FieldError(1220, f"{why} {sequence.hex(' ')} (error {code})")


def _fault(text: str) -> tuple[bytes, int]:
    """Return the bytes that are wrong at the beginning of this text, and why."""
    if not "\udc80" <= text[0] <= "\udcff":
        return text[0].encode("utf-8", "surrogatepass"), RESERVED
    data = b"".join(_bytes(char) for char in text)
    lead = data[0]
    if lead < 0xC0 or lead > 0xFD:
        return data[:1], NO_START
    if lead > 0xF7:
        return data[:1], TOO_LONG
    size = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    for i in range(1, size):
        if i >= len(data):
            return data, INCOMPLETE
        if not 0x80 <= data[i] <= 0xBF:
            return data[: i + 1], NO_TRAIL
    reserved = lead == 0xED and data[1] >= 0xA0
    beyond = lead > 0xF4 or (lead == 0xF4 and data[1] >= 0x90)
    return data[:size], RESERVED if reserved else BEYOND if beyond else NO_POINT


def _bytes(char: str) -> bytes:
    return bytes([ord(char) & 0xFF]) if "\udc80" <= char <= "\udcff" else char.encode("utf-8", "surrogatepass")
