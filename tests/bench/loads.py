"""Speed and memory of localshift's COPY: seconds, CPU-seconds and the peak memory of the server's Python process.

`python tests/bench/loads.py [megabytes] [case …]`: so many megabytes of Parquet (1000), three tenths of that of each text
format. Each case is loaded once into a table of its own, from an S3 server in another process. `python` is the CPU time
of the front, `postgres` that of the PostgreSQL behind it, `peak` the front's resident memory at its highest, and `idle`
what it was before.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import redshift_connector
from boto3.s3.transfer import TransferConfig

from localshift import Localshift

ROLE = "arn:aws:iam::123456789012:role/copy"
BUCKET = "bench"
MB = 1024 * 1024
CHUNK = 100_000
COLUMNS = (
    "id bigint, account int, kind smallint, amount decimal(18,2), rate double precision, active boolean, day date,"
    " at timestamp, code char(8), note varchar(200)"
)
WIDE_COLUMNS, WIDE_BYTES = 60, 65_000


def rows(start: int) -> pa.Table:
    """Return CHUNK rows of ten columns; equal for equal starts."""
    chance = np.random.default_rng(start)
    number = np.arange(start, start + CHUNK)
    amounts = [Decimal(int(cents)).scaleb(-2) for cents in chance.integers(0, 10**9, 1000)]
    words = np.array([f"note {i:05d} of a customer, some words long" for i in range(1000)])
    return pa.table(
        {
            "id": pa.array(number),
            "account": pa.array(chance.integers(0, 10**6, CHUNK).astype("int32")),
            "kind": pa.array((number % 7).astype("int16")),
            "amount": pa.array(amounts * (CHUNK // 1000), pa.decimal128(18, 2)),
            "rate": pa.array(chance.random(CHUNK).round(6)),
            "active": pa.array(number % 2 == 0),
            "day": pa.array((19_000 + number % 800).astype("int32")).cast(pa.date32()),
            "at": pa.array(1_700_000_000_000_000 + number * 1_000_000).cast(pa.timestamp("us")),
            "code": pa.array([f"C{i:07d}" for i in range(1000)] * (CHUNK // 1000)),
            "note": pa.array(words[chance.integers(0, 1000, CHUNK)]),
        }
    )


def parquet(size: int, files: int, folder: Path, row_group: int = 128 * 1024) -> None:
    """Write so many files of together about `size` bytes, without compression."""
    for number in range(files):
        path = folder / f"{number:04d}.parquet"
        start = number * 10**8
        with pq.ParquetWriter(path, rows(0).schema, compression="none", use_dictionary=False) as writer:
            waiting: list[pa.Table] = []
            while path.stat().st_size + sum(table.nbytes for table in waiting) < size // files:
                table = rows(start)
                start += CHUNK
                waiting.append(table if size // files > 10 * MB else table.slice(0, max(size // files // 100, 1)))
                if sum(table.num_rows for table in waiting) >= row_group:
                    writer.write_table(pa.concat_tables(waiting))
                    waiting = []
            if waiting:
                writer.write_table(pa.concat_tables(waiting), row_group_size=sum(table.num_rows for table in waiting))


def wide(size: int, folder: Path) -> None:
    """Write one file of rows of just under 4 MB."""
    names = [f"c{i}" for i in range(WIDE_COLUMNS)]
    with pq.ParquetWriter(folder / "wide.parquet", pa.schema([(name, pa.string()) for name in names])) as writer:
        for start in range(max(size // (WIDE_COLUMNS * WIDE_BYTES) // 8, 1)):
            texts = [os.urandom(WIDE_BYTES // 2 - 8).hex() + f"{start:08d}{i:08d}" for i in range(8)]
            writer.write_table(pa.table(dict.fromkeys(names, texts)))


def text(size: int, folder: Path, write: Callable[[pa.Table], bytes], pack: Callable[[bytes], bytes] = bytes) -> None:
    """Write four files of together about `size` bytes before they are compressed."""
    for number in range(4):
        with (folder / f"{number}.txt").open("wb") as file:
            written, start = 0, number * 10**8
            while written < size // 4:
                data = write(rows(start))
                start += CHUNK
                written += len(data)
                file.write(pack(data))


def csv(table: pa.Table, delimiter: str = ",") -> bytes:
    """Return the rows as CSV without a header."""
    sink = pa.BufferOutputStream()
    pacsv.write_csv(table, sink, pacsv.WriteOptions(include_header=False, quoting_style="needed", delimiter=delimiter))
    return bytes(sink.getvalue())


def ndjson(table: pa.Table) -> bytes:
    """Return the rows as JSON, one object a line."""
    return b"".join(
        orjson.dumps(row, default=str, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z) for row in table.to_pylist()
    ).replace(b"T", b" ")


CASES: dict[str, tuple[Callable[[int, Path], None], str]] = {
    "parquet, 8 files": (lambda size, folder: parquet(size, 8, folder), "parquet"),
    "parquet, one row group": (lambda size, folder: parquet(size * 3 // 10, 1, folder, 10**9), "parquet"),
    "parquet, 500 files": (lambda size, folder: parquet(size // 10, 500, folder), "parquet"),
    "parquet, rows of 4 MB": (lambda size, folder: wide(size // 4, folder), "parquet"),
    "csv": (lambda size, folder: text(size * 3 // 10, folder, csv), "csv"),
    "csv, gzip": (lambda size, folder: text(size * 3 // 10, folder, csv, gzip.compress), "csv gzip"),
    "csv, bzip2": (lambda size, folder: text(size // 20, folder, csv, bz2.compress), "csv bzip2"),
    "delimited": (lambda size, folder: text(size * 3 // 10, folder, lambda t: csv(t, "|").replace(b'"', b"")), ""),
    "json": (lambda size, folder: text(size * 3 // 10, folder, ndjson), "json 'auto'"),
    "json, gzip": (lambda size, folder: text(size * 3 // 10, folder, ndjson, gzip.compress), "json 'auto' gzip"),
}


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """Run moto's S3 in a process of its own; yield its address."""
    code = (
        "from moto.server import ThreadedMotoServer; import sys\n"
        "s = ThreadedMotoServer(port=0, verbose=False); s.start(); print(s.get_host_and_port()[1], flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.communicate()


def memory(pid: int, name: str) -> float:
    """Return a line of a process's status in MB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) / 1024


def cpu(pid: int) -> float:
    """Return the CPU-seconds of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """Return a process's children and theirs."""
    found = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return found + [grandchild for child in found for grandchild in children(child)]


def measure(name: str, size: int, server: Localshift, client: Any) -> None:
    """Load one case and print its row."""
    make, how = CASES[name]
    prefix = name.replace(", ", "/").replace(" ", "-") + "/"
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        make(size, folder)
        sizes = [path.stat().st_size for path in folder.iterdir()]
        for path in folder.iterdir():
            # In one part: the S3 server joins parts in its memory.
            client.upload_file(
                str(path), BUCKET, prefix + path.name, Config=TransferConfig(multipart_threshold=8 << 30)
            )
    columns = ", ".join(f"c{i} varchar(max)" for i in range(WIDE_COLUMNS)) if "4 MB" in name else COLUMNS
    with redshift_connector.connect(**server.connect_args) as link, link.cursor() as cursor:
        link.autocommit = True
        cursor.execute(f"create table t ({columns})")
        Path(f"/proc/{server.pid}/clear_refs").write_text("5", encoding="utf-8")
        idle, before = memory(server.pid, "VmRSS"), cpu(server.pid)
        behind = {pid: cpu(pid) for pid in children(server.pid)}
        begun = time.perf_counter()
        cursor.execute(f"copy t from 's3://{BUCKET}/{prefix}' iam_role '{ROLE}' {how}")
        seconds = time.perf_counter() - begun
        spent = sum(cpu(pid) - behind.get(pid, 0.0) for pid in children(server.pid))
        cursor.execute("select count(*) from t")
        ((count,),) = cursor.fetchall()
        print(
            f"{name:24}{len(sizes):6}{sum(sizes) / MB:8.0f}{count:11,}{seconds:9.1f}{cpu(server.pid) - before:9.1f}"
            f"{spent:10.1f}{memory(server.pid, 'VmHWM'):8.0f}{idle:8.0f}",
            flush=True,
        )
        cursor.execute("drop table t")


def main() -> None:
    """Measure the cases named, or all."""
    size = int(sys.argv[1]) * MB if len(sys.argv) > 1 else 1000 * MB
    with s3_server() as endpoint, Localshift(s3_endpoint=endpoint, iam_roles={ROLE: [f"s3://{BUCKET}/"]}) as server:
        client = boto3.client(
            "s3", endpoint_url=endpoint, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1"
        )
        client.create_bucket(Bucket=BUCKET)
        print(
            f"{'case':24}{'files':>6}{'MB':>8}{'rows':>11}{'seconds':>9}{'python':>9}{'postgres':>10}{'peak MB':>8}{'idle':>8}"
        )
        for name in sys.argv[2:] or CASES:
            measure(name, size, server, client)


if __name__ == "__main__":
    main()
