"""PostgreSQL's own reading of a statement, which it prints as text, as nested Python values."""

from __future__ import annotations

import re
import struct
from typing import Any

# A node is a dictionary with its kind under "", a list a list, anything else its text. Blanks and braces in names are escaped.
Node = dict[str, Any]
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[(){}]|(?:\\.|[^\s(){}"\\])+', re.DOTALL)
# How a call is written that is a cast, explicit or not, and PostgreSQL's own function of a decimal and its length.
CASTS, TO_LENGTH = frozenset({"1", "2"}), "1703"
OPENING, CLOSING = frozenset("({["), frozenset(")}]")


def parsed(text: str) -> Any:
    """Return the value that the text prints; IndexError, KeyError or ValueError where it is no such text."""
    # Each open node or list with the field that waits for its value: deep trees must not exhaust Python's stack.
    stack: list[tuple[Any, str]] = [([], "")]
    field = ""
    for found in TOKEN.finditer(text):
        word = found.group()
        top = stack[-1][0]
        if word in OPENING:
            stack.append(({} if word == "{" else [], field))
            field = ""
        elif word in CLOSING:
            value, field = stack.pop()
            _add(stack[-1][0], field, value)
            field = ""
        elif isinstance(top, list):
            top.append(word)
        elif not top:
            top[""] = word
        elif word.startswith(":") and not field:
            field = word[1:]
        else:
            top[field] = word
            # Of a constant the length comes first and the bytes behind it.
            field = field if field == "constvalue" and word[0].isdigit() else ""
    (value,) = stack[0][0]
    return value


def _add(holder: Any, field: str, value: Any) -> None:
    if isinstance(holder, list):
        holder.append(value)
    else:
        holder[field] = value


def source_at(node: Node, text: bytes) -> str:
    """Return the beginning of what a node was read from, in the statement in UTF-8; empty where it was not written."""
    position = int(node["location"])
    return text[position : position + 100].decode("utf-8", "ignore") if position >= 0 else ""


def integer(constant: Node) -> int | None:
    """Return the value of a constant of four bytes; None for null and what is no constant."""
    value = constant.get("constvalue")
    if constant.get("") != "CONST" or not isinstance(value, list) or len(value) < 4:
        return None
    number: int = struct.unpack("<i", bytes(int(byte) & 255 for byte in value[:4]))[0]
    return number


def cast_modifier(node: Node) -> int | None:
    """Return the type modifier of a cast to a decimal of some length; None for what is no such cast."""
    if node[""] != "FUNCEXPR" or not isinstance(node["args"], list) or len(node["args"]) not in (2, 3):
        return None
    own = len(node["args"]) > 2 and node["funcformat"] in CASTS
    return integer(node["args"][1]) if own or node["funcid"] == TO_LENGTH else None


def plain(name: str) -> str:
    """Return a name as it was before it was printed."""
    return re.sub(r"\\(.)", lambda found: " " if found.group(1) == "\n" else found.group(1), name, flags=re.DOTALL)
