"""Single values in a project's files: text → value, with messages that say what was wanted and how to write it.

Every function here takes what the document holds (`Plain`, quoted `str`, list, mapping or None) and raises pydantic's
PydanticCustomError, whose message completes the sentence "'key' …" and whose context may hold a suggestion.
"""

from __future__ import annotations

import re

from pydantic_core import PydanticCustomError

from lakemart.config.document import Plain
from lakemart.config.problems import shown
from lakemart.names import is_name

NAME_RULE = "a name is a lower-case letter, then up to 62 lower-case letters, digits or underscores"


def wrong(message: str, suggestion: str = "") -> PydanticCustomError:
    """The error that a validator raises: `message` completes "'key' …"."""
    return PydanticCustomError("written", "{text}", {"text": message, "suggestion": suggestion})


def kind_of(value: object) -> str:
    """What the document holds, in a reader's words."""
    if value is None:
        return "has no value"
    names: dict[type, str] = {dict: "is a mapping", list: "is a list"}
    return next((words for kind, words in names.items() if isinstance(value, kind)), f"is {shown(value)}")


def as_text(value: object) -> str:
    """Any scalar as the text that was written, `1.10` and `yes` included."""
    if not isinstance(value, str):
        raise wrong(f"must be text, {kind_of(value)}")
    if not value.strip():
        raise wrong("is empty")
    return str(value)


def as_words(value: object) -> str:
    """Text that may be empty: a description, a prefix."""
    return "" if isinstance(value, str) and not value.strip() else as_text(value)


def as_flag(value: object) -> bool:
    """`true` or `false`; YAML's other spellings are refused, because half of all readers take them as text."""
    if isinstance(value, Plain) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    yes_no = {
        "yes": "true",
        "on": "true",
        "y": "true",
        "true": "true",
        "no": "false",
        "off": "false",
        "n": "false",
        "false": "false",
    }
    spelled = yes_no.get(value.lower()) if isinstance(value, str) else None
    raise wrong(f"must be true or false, {kind_of(value)}", f"write {spelled}" if spelled else "")


def as_whole(value: object) -> int:
    """A decimal whole number; a leading zero is refused, because YAML 1.1 reads it as octal."""
    if isinstance(value, Plain) and re.fullmatch(r"[-+]?(0|[1-9]\d{0,18})", value):
        return int(value)
    if isinstance(value, Plain) and re.fullmatch(r"[-+]?0\d+", value):
        raise wrong(
            f"must be a whole number, {kind_of(value)}", "take the leading zero out: some YAML readers take it as octal"
        )
    hint = "write it without quotes" if isinstance(value, str) and value.isdigit() else ""
    raise wrong(f"must be a whole number, {kind_of(value)}", hint)


def as_count(value: object) -> int:
    """A whole number, not below 0."""
    number = as_whole(value)
    if number < 0:
        raise wrong(f"must not be below 0, is {number}")
    return number


def as_positive(value: object) -> int:
    """A whole number above 0."""
    number = as_whole(value)
    if number < 1:
        raise wrong(f"must be above 0, is {number}")
    return number


def as_name(value: object) -> str:
    """A name of the grammar."""
    text = as_text(value)
    if not is_name(text):
        raise wrong(f"is {shown(text)}, which is not a name", _nearest_name(text))
    return text


def _nearest_name(text: str) -> str:
    if text.startswith("_"):
        return f"names that begin with '_' belong to lakemart; {NAME_RULE}"
    made = re.sub(r"[^a-z0-9_]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower()).strip("_")
    return f"write {made}; {NAME_RULE}" if is_name(made) else NAME_RULE


def as_scalar(value: object) -> str:
    """A scalar kept as written (`Plain` or quoted), because only its column's type says what it means."""
    if not isinstance(value, str):
        raise wrong(f"must be a single value, {kind_of(value)}")
    return value


def as_json_scalar(value: object) -> str | int | float | bool | None:
    """A scalar as the JSON value it spells: unquoted true, false, null and numbers; everything else is text."""
    if isinstance(value, Plain):
        if value.lower() in {"true", "false"}:
            return value.lower() == "true"
        if re.fullmatch(r"-?(0|[1-9]\d{0,18})", value):
            return int(value)
        if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?", value):
            return float(value)
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    raise wrong(f"must be a single value, {kind_of(value)}")


def listed(value: object) -> object:
    """A single value where a list may stand: `key: id` is `key: [id]`."""
    return [value] if isinstance(value, str) else value
