"""Files of a COPY on their way from an S3 that breaks off, keeps waiting, or is asked to stop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from localshift.errors import SqlError
from localshift.loading.fetching import fetched
from localshift.s3 import objects
from localshift.s3.objects import Bucket, Entry, make_client
from localshift.transfers import Load

BODY = b"0123456789" * 1000


class Store:
    """An S3 that answers a key's first `cuts[key]` requests with half a body, and `held` ones only when it is let go."""

    def __init__(self) -> None:
        self.cuts: dict[str, int] = {}
        self.held: set[str] = set()
        self.asked: list[str] = []
        self.waits = threading.Event()
        self.go = threading.Event()


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Store, Bucket]]:
    made = Store()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key = self.path.rpartition("/")[2].partition("?")[0]
            made.asked.append(key)
            self.send_response(200)
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            if key in made.held:
                self.wfile.write(BODY[:10])
                made.waits.set()
                made.go.wait(30)
                self.wfile.write(BODY[10:])
                return
            cut = made.cuts.get(key, 0)
            made.cuts[key] = cut - 1
            self.wfile.write(BODY[: len(BODY) // 2] if cut > 0 else BODY)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    monkeypatch.setattr(objects, "PAUSES", (0.0, 0.0))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    client = make_client(f"http://127.0.0.1:{server.server_address[1]}")
    yield made, Bucket(client=client, role="r", prefixes=("s3://b/",))
    made.go.set()
    client.close()
    server.shutdown()
    thread.join()
    server.server_close()


def load() -> Load:
    return Load(table="t", source="s3://b/", file_format="Text")


def entries(*keys: str) -> list[Entry]:
    return [Entry(url=f"s3://b/{key}", mandatory=True, length=None) for key in keys]


def test_a_body_that_breaks_off_is_read_anew(store: tuple[Store, Bucket], tmp_path: Path) -> None:
    stub, bucket = store
    stub.cuts["k"] = 2

    bucket.download("s3://b/k", tmp_path / "file", threading.Event())

    assert (tmp_path / "file").read_bytes() == BODY
    assert stub.asked == ["k"] * 3


def test_a_body_that_breaks_off_each_time_is_an_error_that_names_it(
    store: tuple[Store, Bucket], tmp_path: Path
) -> None:
    stub, bucket = store
    stub.cuts["k"] = 9

    with pytest.raises(SqlError, match=r"S3ServiceException:.*s3://b/k"):
        bucket.download("s3://b/k", tmp_path / "file", threading.Event())
    assert stub.asked == ["k"] * 3


def test_the_next_file_is_fetched_while_one_is_used_and_each_is_gone_after_its_use(
    store: tuple[Store, Bucket], tmp_path: Path
) -> None:
    stub, bucket = store
    stub.held.add("second")
    books = load()

    async def run() -> list[tuple[str, int]]:
        seen = []
        async with aclosing(fetched(entries("first", "second"), bucket, tmp_path, books, lambda: None)) as files:
            async for entry, path in files:
                # Only while the first is in use the second is let go.
                assert await asyncio.to_thread(stub.waits.wait, 10)
                stub.go.set()
                seen.append((entry.url, path.stat().st_size))
        return seen

    assert asyncio.run(run()) == [("s3://b/first", len(BODY)), ("s3://b/second", len(BODY))]
    assert books.current == "s3://b/second"
    assert list(tmp_path.iterdir()) == []


def test_who_stops_does_not_wait_for_an_s3_that_does_not_answer(store: tuple[Store, Bucket], tmp_path: Path) -> None:
    stub, bucket = store
    stub.held.add("k")

    def stopped() -> SqlError | None:
        return SqlError("57014", "cancelled") if stub.waits.is_set() else None

    async def run() -> None:
        try:
            async with aclosing(fetched(entries("k", "l"), bucket, tmp_path, load(), stopped)) as files:
                async for _ in files:
                    pytest.fail("no file can have come")
        finally:
            assert not stub.go.is_set()
            stub.go.set()

    with pytest.raises(SqlError, match="cancelled"):
        asyncio.run(run())
    assert stub.asked == ["k"]
    assert list(tmp_path.iterdir()) == []


def test_a_load_that_ends_leaves_alone_what_still_writes_and_nothing_stays(tmp_path: Path) -> None:
    writing, ended = threading.Event(), threading.Event()

    class Slow(Bucket):
        """An S3 whose second file is written for a while after its load has ended."""

        def download(self, url: str, path: Path, over: threading.Event) -> None:
            path.write_bytes(BODY)
            if url.endswith("second"):
                writing.set()
                over.wait(10)
                # Where the folder has gone already, nothing can be made any more.
                with suppress(FileNotFoundError):
                    for number in range(300):
                        path.with_suffix(f".{number}").touch()
                ended.set()

    async def run() -> None:
        files = fetched(
            entries("first", "second"), Slow(client=None, role="r", prefixes=()), tmp_path, load(), lambda: None
        )
        async with aclosing(files):
            await anext(files)
            assert await asyncio.to_thread(writing.wait, 10)
        assert await asyncio.to_thread(ended.wait, 10)

    asyncio.run(run())

    assert list(tmp_path.iterdir()) == []
