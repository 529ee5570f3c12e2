"""SQL text without its secrets: what goes to logs, histories and error messages."""

from __future__ import annotations

import re

# By text and not by tokens: a statement that cannot be read may hold a secret too, and so may one that breaks off.
SECRET = re.compile(
    r"""
    \b(?P<word>password|credentials|access_key_id|secret_access_key|session_token|master_symmetric_key)\b
    (?P<between>(?:\s|/\*.*?\*/|--[^\n]*(?:\n|$)|=|\bas\b)*)
    (?: [eE]?'(?:[^'\\]|\\.|'')*(?:'|\\?$) | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|$) )
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
HIDDEN = "'***'"


def without_secrets(sql: str) -> str:
    """Return the text with `'***'` in place of every password and key; what has none comes back as it is."""
    return SECRET.sub(lambda found: f"{found['word']}{found['between']}{HIDDEN}", sql)
