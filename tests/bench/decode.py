"""Speed of decoding: CPU-seconds per GB of the same events by lakemart's decoders and by what one would use otherwise.

`python tests/bench/decode.py [megabytes]`. Every way runs on one thread, all of them in turn, several times; of each the
run with the least CPU time counts, for whatever else the machine does only adds to it. `ratio` is against the first row.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.json

from bench.events import SHAPES, feed, lines
from lakemart.contract.table import Feed
from lakemart.decode import native
from lakemart.decode.api import Decoder, decode_keys, decode_object

BLOCK = 1024 * 1024
ROUNDS = 7
_DUCKDB_TYPES = {
    "string": "VARCHAR",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "json": "JSON",
    "decimal(10,2)": "DECIMAL(10,2)",
}
Outcome = tuple[int, int]
"""Rows, and records that were rejected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of reading one input, and what it does not give or alters. `rounds` are enough where it takes long."""

    name: str
    size: int
    work: Callable[[], Outcome]
    loses: str = "nothing"
    rounds: int = ROUNDS


@dataclass(slots=True)
class Best:
    """The least CPU and wall seconds per GB of a way so far, and what came of it."""

    cpu: float = float("inf")
    wall: float = float("inf")
    outcome: Outcome = (0, 0)

    def run(self, way: Way) -> None:
        """Runs it once more."""
        started, cpu = time.perf_counter(), _cpu()
        self.outcome = way.work()
        self.cpu = min(self.cpu, (_cpu() - cpu) / way.size * 1e9)
        self.wall = min(self.wall, (time.perf_counter() - started) / way.size * 1e9)


def measured(ways: list[Way]) -> list[Best]:
    """All ways in turn, again and again: what disturbs one disturbs its neighbours."""
    found = [Best() for _ in ways]
    for count in range(ROUNDS):
        for way, best in zip(ways, found, strict=True):
            if count < way.rounds:
                best.run(way)
    return found


def table(ways: list[Way]) -> Iterator[str]:
    """The lines of the table."""
    yield f"{'one thread, the same events':44}{'CPU-s/GB':>9} {'ratio':>6} {'MB/s':>6} {'rows':>9} {'rejects':>8}  loses"
    found = measured(ways)
    for way, best in zip(ways, found, strict=True):
        speed = f"{best.cpu:9.2f} {best.cpu / found[0].cpu:6.2f} {1e3 / best.wall:6.0f}"
        yield f"{way.name:44}{speed} {best.outcome[0]:9} {best.outcome[1]:8}  {way.loses}"


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def blocks_of(data: bytes) -> list[bytes]:
    """The data as a store hands it over."""
    return [data[start : start + BLOCK] for start in range(0, len(data), BLOCK)]


def by_lakemart(blocks: list[bytes], contract: Feed, decoder: Decoder) -> Outcome:
    """Everything decoded and thrown away."""
    good = quarantined = 0
    for piece in decode_object(blocks, contract, size=sum(map(len, blocks)), decoder=decoder):
        good += piece.counts.good
        quarantined += piece.counts.quarantined
    return good, quarantined


def by_keys(blocks: list[bytes], contract: Feed) -> Outcome:
    """Only the key of every record that is good."""
    wanted = {contract.tables[0].table: ("event_id",)}
    good = quarantined = 0
    for piece in decode_keys(blocks, contract, wanted, size=sum(map(len, blocks))):
        good += piece.counts.good
        quarantined += piece.counts.quarantined
    return good, quarantined


def by_orjson(data: bytes) -> Outcome:
    """Python objects, line by line."""
    good = bad = 0
    for line in data.split(b"\n"):
        try:
            good += isinstance(orjson.loads(line), dict)
        except orjson.JSONDecodeError:
            bad += bool(line)
    return good, bad


def by_duckdb(path: Path, contract: Feed) -> Outcome:
    """The same columns by read_json, their nested fields taken apart, to Arrow."""
    tree: dict[str, Any] = {}
    picked = []
    for column in contract.tables[0].columns:
        branch = tree
        for key in column.path[:-1]:
            branch = branch.setdefault(key, {})
        branch[column.path[-1]] = _DUCKDB_TYPES.get(str(column.type), str(column.type).upper())
        picked.append(".".join(f'"{key}"' for key in column.path) + f' AS "{column.name}"')
    types = ", ".join(f"{key}: '{_struct(kind)}'" for key, kind in tree.items())
    with duckdb.connect(config={"threads": 1}) as connection:
        read = f"read_json('{path}', format = 'newline_delimited', ignore_errors = true, columns = {{{types}}})"
        table: pa.Table = connection.sql(f"SELECT {', '.join(picked)} FROM {read}").to_arrow_table()
        return table.num_rows, 0


def _struct(kind: str | dict[str, Any]) -> str:
    if isinstance(kind, str):
        return kind
    return "STRUCT(" + ", ".join(f'"{key}" {_struct(inner)}' for key, inner in kind.items()) + ")"


def by_pyarrow(data: bytes) -> Outcome:
    """pyarrow's reader with inferred types, on one thread."""
    options = pyarrow.json.ReadOptions(use_threads=False, block_size=8 * BLOCK)
    return pyarrow.json.read_json(pa.BufferReader(data), read_options=options).num_rows, 0


def ways_of(megabytes: int, folder: Path) -> list[Way]:
    """All rows of the table."""
    plain, data = feed(), sample(megabytes, "plain")
    size, blocks = len(data), blocks_of(data)
    path = folder / "events.json"
    path.write_bytes(data)
    small = data[: data.rfind(b"\n", 0, size // 8) + 1]
    good = b"\n".join(line for line in data.split(b"\n") if _good(line))
    built = native.extension() is not None
    others = [
        Way(
            name="lakemart reference",
            size=len(small),
            work=lambda: by_lakemart([small], plain, "reference"),
        ),
        Way(
            name="DuckDB read_json, typed, to Arrow",
            size=size,
            work=lambda: by_duckdb(path, plain),
            loses="malformed and ill-typed records, without a word",
            rounds=4,
        ),
        Way(
            name="orjson per line, to dicts",
            size=size,
            work=lambda: by_orjson(data),
            loses="exact decimals, all types; last of equal keys wins",
            rounds=4,
        ),
        Way(
            name="pyarrow.json, bad records removed before",
            size=len(good),
            work=lambda: by_pyarrow(good),
            loses="everything, at the first bad record",
            rounds=4,
        ),
    ]
    return [*(natively(blocks, size) if built else []), *others, *(harder(megabytes) if built else [])]


def natively(blocks: list[bytes], size: int) -> list[Way]:
    """The native decoder on the events as they are."""
    plain, some = feed(), feed("extra", leave_out=("browser", "sku"))
    return [
        Way(name="lakemart native, 23 columns", size=size, work=lambda: by_lakemart(blocks, plain, "native")),
        Way(name="lakemart native, 21 columns and _extra", size=size, work=lambda: by_lakemart(blocks, some, "native")),
        Way(name="lakemart native, keys of good records", size=size, work=lambda: by_keys(blocks, plain)),
    ]


def harder(megabytes: int) -> list[Way]:
    """The native decoder on lines of other shapes."""
    found = []
    for shape in SHAPES[1:]:
        data = sample(max(megabytes // 2, 1), shape)
        work = partial(by_lakemart, blocks_of(data), feed("extra" if shape == "unknown" else "ignore"), "native")
        found.append(Way(name=f"lakemart native, {shape}", size=len(data), work=work))
    return found


def sample(megabytes: int, shape: str) -> bytes:
    """So many megabytes of lines; the same ones again after the first 20."""
    found: list[bytes] = []
    size = 0
    for line in lines(1_000_000, shape=shape):
        found.append(line)
        size += len(line) + 1
        if size > min(megabytes, 20) * 1_000_000:
            break
    return (b"\n".join(found) + b"\n") * max(1, megabytes // 20)


def _good(line: bytes) -> bool:
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return (
        event["event_id"] is not None
        and isinstance(event["user"]["id"], int)
        and isinstance(event["item"]["price"], float)
    )


def main(arguments: list[str]) -> int:
    """Prints the table."""
    if native.extension() is None:
        print("The native decoder is not built here; only the others are measured.")
    with tempfile.TemporaryDirectory() as folder:
        for line in table(ways_of(int(arguments[0]) if arguments else 100, Path(folder))):
            print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
