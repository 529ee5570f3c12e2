"""What very many tiny objects cost from end to end: CPU, wall time, peak memory, and how many files come of them.

`python tests/bench/tiny_objects.py`; arguments: how many objects, and `s3` for a raw zone and a lake on a local S3
server in a process of its own, else both are folders. Each object holds one record with a key, of one of ten days.
"""

from __future__ import annotations

import cProfile
import json
import logging
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from lakemart.lake.read import snapshot
from lakemart.pipeline.books import books
from lakemart.pipeline.document import RunDocument
from lakemart.pipeline.stories import Scope, run
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, S3Settings

sys.path.insert(0, str(Path(__file__).parents[1]))

DAYS = 10


def landed(raw: Location, count: int) -> None:
    """Puts the objects."""
    store = open_store(raw)
    for number in range(count):
        day = f"2024-05-{number % DAYS + 1:02}"
        record = {"id": f"o{number:09}", "at": f"{day}T10:00:00Z", "shop": "north", "amount": 1.5}
        key = f"orders/{number:09}.ndjson"
        if raw.is_s3:
            store.write(key, json.dumps(record).encode())
            continue
        path = Path(raw.uri) / key  # unsynced: what lands here is thrown away, and 100,000 syncs take minutes
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(json.dumps(record).encode())


def serve(told: Connection) -> None:
    """An S3 server, until it is ended."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - of this process alone

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    told.send("http://{}:{}".format(*server.get_host_and_port()))
    time.sleep(1_000_000)


def on_s3(stack: ExitStack) -> Location:
    """An empty place on a server in another process."""
    from lakemart.storage.s3_clients import s3_client  # noqa: PLC0415 - folders need no boto3

    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    stack.callback(process.kill)
    settings = S3Settings(endpoint_url=mine.recv(), region="us-east-1", access_key="test", secret_key="test")
    s3_client(settings).create_bucket(Bucket="tiny")
    return Location(uri="s3://tiny/p", s3=settings)


def measured(words: str, do: RunDocument | None, began: tuple[float, float]) -> None:
    """Prints what a run took since it began."""
    wall, cpu = time.monotonic() - began[0], time.process_time() - began[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    outcome = "" if do is None else f"{do.outcome}, "
    print(f"{words}: {outcome}{wall:.1f} s, {cpu:.1f} s of CPU, peak memory {peak:.0f} MB")


def main(count: int, *, s3: bool) -> None:
    """Prints figures of a first run and of one that finds nothing new."""
    from unit.pipeline.shop import make_shop  # noqa: PLC0415 - tests/ is on the path by now

    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        shop = make_shop(Path(folder) / "p", landed=False)
        place = on_s3(stack) if s3 else Location(uri=str(shop.folder))
        landed(place.child("raw"), count)
        began = (time.monotonic(), time.process_time())
        for words in ("first run", "second run"):
            began = (time.monotonic(), time.process_time())
            context = replace(shop.context(), lake=place.child("lake"), raw=place.child("raw"))
            document = run(context, Scope(stages=("ingest",)))
            measured(words, document, began)
        line = books(context).sources["orders"]
        table = snapshot(place.child("lake"), "orders")
        assert table is not None
        assert line["good"] == table.rows == count, (line, table.rows)
        print(f"{line['batches']} batches, {count:,} objects, {table.rows:,} rows in {len(table.files)} files")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    profile = os.environ.get("PROFILE")
    if profile:
        with cProfile.Profile() as made:
            main(int(arguments[0]), s3="s3" in arguments)
        made.dump_stats(profile)
    else:
        main(int(arguments[0]) if arguments else 100_000, s3="s3" in arguments)
