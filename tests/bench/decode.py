"""Speed of decoding: CPU-seconds per GB of the same events by lakemart's decoders and by what one would use otherwise.

`python tests/bench/decode.py [megabytes]`. Every way runs on one thread, several times; the least CPU time counts.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.json

from bench.events import SHAPES, feed, lines
from lakemart.contract.table import Feed
from lakemart.decode import native
from lakemart.decode.api import Decoder, decode_object

BLOCK = 1024 * 1024
RUNS = 5
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
class Measured:
    """One way on one input: CPU seconds and wall seconds of the median run, and what came of it."""

    name: str
    size: int
    cpu: float
    wall: float
    outcome: Outcome
    loses: str

    def line(self) -> str:
        """A row of the table."""
        gigabytes = self.size / 1e9
        speed = f"{self.cpu / gigabytes:9.2f} {self.size / 1e6 / self.wall:8.0f}"
        return f"{self.name:44}{speed} {self.outcome[0]:9} {self.outcome[1]:8}  {self.loses}"


def measured(name: str, data: bytes, work: Callable[[], Outcome], loses: str = "nothing", runs: int = RUNS) -> Measured:
    """The median of several runs."""
    times: list[tuple[float, float]] = []
    outcome = (0, 0)
    for _ in range(runs):
        started, cpu = time.perf_counter(), _cpu()
        outcome = work()
        times.append((_cpu() - cpu, time.perf_counter() - started))
    cpu, wall = (statistics.median(column) for column in zip(*times, strict=True))
    return Measured(name=name, size=len(data), cpu=cpu, wall=wall, outcome=outcome, loses=loses)


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


def results(megabytes: int, folder: Path) -> Iterator[Measured]:
    """All rows of the table, one after another."""
    built = native.extension() is not None
    plain = feed()
    data = sample(megabytes, "plain")
    blocks = blocks_of(data)
    path = folder / "events.json"
    path.write_bytes(data)
    if built:
        yield measured("lakemart native, 23 columns", data, lambda: by_lakemart(blocks, plain, "native"))
        some = feed("extra", leave_out=("browser", "sku"))
        yield measured("lakemart native, 21 columns and _extra", data, lambda: by_lakemart(blocks, some, "native"))
    small = data[: data.rfind(b"\n", 0, len(data) // 8) + 1]
    yield measured("lakemart reference", small, lambda: by_lakemart([small], plain, "reference"), runs=1)
    lost = "malformed and ill-typed records, without a word"
    yield measured("DuckDB read_json, typed, to Arrow", data, lambda: by_duckdb(path, plain), lost)
    yield measured("orjson per line", data, lambda: by_orjson(data), "exact decimals, types; last of equal keys wins")
    good = b"\n".join(line for line in data.split(b"\n") if _good(line))
    yield measured(
        "pyarrow.json, malformed and ill-typed removed", good, lambda: by_pyarrow(good), "all, at the first bad record"
    )
    if built:
        for shape in SHAPES[1:]:
            yield harder(sample(max(megabytes // 2, 1), shape), shape)


def harder(data: bytes, shape: str) -> Measured:
    """The native decoder on lines of another shape."""
    contract = feed("extra" if shape == "unknown" else "ignore")
    blocks = blocks_of(data)
    return measured(f"lakemart native, {shape}", data, lambda: by_lakemart(blocks, contract, "native"))


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
    print(f"{'one thread, the same events':44}{'CPU-s/GB':>9} {'MB/s':>8} {'rows':>9} {'rejects':>8}  loses")
    with tempfile.TemporaryDirectory() as folder:
        for result in results(int(arguments[0]) if arguments else 100, Path(folder)):
            print(result.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
