"""Why a value was not loaded: the code and the reason of Redshift's load errors."""

from __future__ import annotations


class FieldError(Exception):
    """A value that the column cannot take; `code` and `reason` are those of Redshift's load errors."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
