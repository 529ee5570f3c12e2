"""Conformance cases of COPY and UNLOAD as text: files, SQL, then rows, an error, a notice, or what lies in S3 afterwards.

`== title` begins a case; the line below it is the page of AWS's documentation it follows. `-- word …` begins a block:

    -- file NAME [gzip|bz2|zstd|utf-16|escaped]   an object to read; escaped: \\xNN and \\0 are bytes
    -- parquet NAME COLUMN TYPE, …                rows as JSON arrays
    -- manifest NAME FILE[:LENGTH][?] …           a manifest of these files with their lengths; ? for one that may be missing
    -- sql                                        one statement; {at} is the case's prefix, {role} its role
    -- rows | -- error SQLSTATE | -- notice       what the statement above answers; an error's and a notice's text is a part
    -- keys PREFIX | -- object KEY                what lies in S3: names below the prefix, an object's text
"""

from __future__ import annotations

import bz2
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

FOLDER = Path(__file__).resolve().parents[2] / "golden" / "localshift" / "transfers"


@dataclass(frozen=True, slots=True)
class Block:
    word: str
    arguments: list[str]
    text: str


@dataclass(slots=True)
class Case:
    title: str
    page: str = ""
    blocks: list[Block] = field(default_factory=list)


def read_cases(folder: Path = FOLDER) -> Iterator[tuple[str, Case]]:
    """Yield (name, case) for all files of the folder."""
    for path in sorted(folder.glob("*.txt")):
        for part in path.read_text(encoding="utf-8").split("\n== ")[1:]:
            title, _, rest = part.partition("\n")
            page, _, body = rest.partition("\n")
            case = Case(title, page)
            for chunk in ("\n" + body).split("\n-- ")[1:]:
                head, _, text = chunk.partition("\n")
                word, *arguments = head.split()
                # One empty line before the next block is for the eye.
                case.blocks.append(Block(word, arguments, text.rstrip("\n") + "\n" if text.strip("\n") else ""))
            yield f"{path.stem}: {title}", case


def file_bytes(block: Block) -> bytes:
    """Return the bytes of a file block."""
    how = block.arguments[1] if len(block.arguments) > 1 else ""
    if how == "escaped":
        return block.text.encode().decode("unicode_escape").encode("latin-1")
    if how == "utf-16":
        return block.text.encode("utf-16")
    data = block.text.encode()
    if how == "zstd":
        return bytes(pa.Codec("zstd").compress(data, asbytes=True))
    return {"gzip": gzip.compress, "bz2": bz2.compress}.get(how, bytes)(data)


def arrow_table(block: Block) -> pa.Table:
    """Return the table of a parquet block."""
    columns = [part.split(maxsplit=1) for part in " ".join(block.arguments[1:]).split(", ")]
    rows = [json.loads(line) for line in block.text.splitlines()]
    types = {"list": pa.list_(pa.int64()), "struct": pa.struct([("x", pa.int64()), ("y", pa.string())])}
    arrays = {}
    for i, (name, kind) in enumerate(columns):
        values = [row[i] for row in rows]
        if kind == "latin":
            raw = pa.array([value.encode("latin-1") for value in values], pa.binary())
            arrays[name] = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())
        else:
            arrays[name] = pa.array(values, types.get(kind) or pa.type_for_alias(kind))
    return pa.table(arrays)


def shown(value: object) -> str:
    """Return a value of a row as cases write it."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value).replace("\n", "\\n")
