"""Samples of bytes in memory, and what is asked of the contract that was inferred from them."""

from __future__ import annotations

import json
from typing import Any

from lakemart.contract.table import Column
from lakemart.infer.api import Inferred, infer
from lakemart.infer.samples import Sample


def sample(data: bytes, name: str = "sample.json", block: int = 1 << 16) -> Sample:
    return Sample(name, lambda: [data[at : at + block] for at in range(0, len(data), block)])


def inferred(*data: bytes, name: str = "events") -> Inferred:
    return infer(name, [sample(each) for each in data])


def of_records(*records: dict[str, Any]) -> Inferred:
    return inferred("".join(json.dumps(record) + "\n" for record in records).encode())


def columns(found: Inferred) -> dict[str, Column]:
    return {column.name: column for column in found.feed.tables[0].columns}


def types(found: Inferred) -> dict[str, str]:
    return {name: str(column.type) for name, column in columns(found).items()}


def line(found: Inferred, name: str) -> str:
    """The line of a column in the text that was written."""
    return next(line for line in found.text.splitlines() if line.startswith(f"  {name}:"))
