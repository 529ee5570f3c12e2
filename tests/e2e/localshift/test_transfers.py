"""The conformance cases of COPY and UNLOAD, each through the real driver, in a schema and below a prefix of its own.

LOCALSHIFT_CLUSTER names a JSON file with what redshift_connector.connect takes for a real cluster, LOCALSHIFT_STORE one
with `bucket`, `prefix` and the `role` that may read and write there: the same cases then run against it, without those
that only this double refuses.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import redshift_connector

from e2e.localshift.casefile import Block, Case, arrow_table, file_bytes, read_cases, shown
from e2e.localshift.conftest import ROLE, Db, Stage

pytestmark = pytest.mark.e2e

CLUSTER, STORE = os.environ.get("LOCALSHIFT_CLUSTER", ""), os.environ.get("LOCALSHIFT_STORE", "")
CASES = {
    name: case
    for name, case in read_cases()
    if not CLUSTER or not any("not supported by localshift" in block.text for block in case.blocks)
}
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def connection(request: pytest.FixtureRequest) -> Iterator[Any]:
    """One connection for all cases, each statement a transaction of its own."""
    if CLUSTER:
        made = redshift_connector.connect(**json.loads(Path(CLUSTER).read_text(encoding="utf-8")))
    else:
        made = redshift_connector.connect(**request.getfixturevalue("server").connect_args)
    made.autocommit = True
    yield made
    made.close()


@pytest.fixture
def store(request: pytest.FixtureRequest) -> tuple[Stage, str]:
    """A prefix of this test's own, and the role that may read and write below it."""
    if not STORE:
        return request.getfixturevalue("stage"), ROLE
    given = json.loads(Path(STORE).read_text(encoding="utf-8"))
    prefix = f"{given['prefix'].strip('/')}/{os.getpid()}-{next(NUMBERS)}/"
    return Stage(boto3.client("s3"), "", prefix, given["bucket"]), given["role"]


@pytest.mark.parametrize("name", CASES)
def test_copy_and_unload_do_as_the_documentation_says(name: str, connection: Any, store: tuple[Stage, str]) -> None:
    db = Db(connection)
    schema = f"transfers_{os.getpid()}_{next(NUMBERS)}"
    db.execute(f"create schema {schema}")
    db.execute(f"set search_path to {schema}")
    run = Run(CASES[name], db, *store)
    try:
        for block in run.case.blocks:
            getattr(run, "error_" if block.word == "error" else block.word)(block)
        run.settle()
    finally:
        # A case that fails in its transaction must not take the others with it.
        db.rollback()


class Run:
    """One case on its way: what the last statement answered waits for the block that expects it."""

    def __init__(self, case: Case, db: Db, stage: Stage, role: str) -> None:
        self.case = case
        self.db = db
        self.stage = stage
        self.role = role
        self.at = f"s3://{stage.bucket}/{stage.prefix.rstrip('/')}"
        self.entries: dict[str, dict[str, Any]] = {}
        self.error: dict[str, str] | None = None
        self.answer: list[list[Any]] = []

    def settle(self) -> None:
        """No error may be left that no block expected."""
        assert self.error is None

    def file(self, block: Block) -> None:
        data = file_bytes(block)
        url = self.stage.put(block.arguments[0], data)
        self.entries[block.arguments[0]] = {"url": url, "meta": {"content_length": len(data)}}

    def parquet(self, block: Block) -> None:
        self.entries[block.arguments[0]] = self.stage.parquet(block.arguments[0], arrow_table(block))

    def manifest(self, block: Block) -> None:
        name, *files = block.arguments
        self.stage.manifest(*map(self._entry, files), name=name)

    def _entry(self, text: str) -> dict[str, Any]:
        """Return the manifest's entry of NAME[:LENGTH][?]: with a length of its own, not mandatory; of no file, too."""
        name, _, length = text.removesuffix("?").partition(":")
        known = self.entries.get(name, {"url": f"{self.at}/{name}", "meta": {"content_length": 1}})
        meta = {"content_length": int(length)} if length else known["meta"]
        return {**known, "mandatory": not text.endswith("?"), "meta": meta}

    def sql(self, block: Block) -> None:
        self.settle()
        self.db.connection.notices.clear()
        self.answer = []
        try:
            self.db.cursor.execute(block.text.replace("{at}", self.at).replace("{role}", self.role))
            if self.db.cursor.description:
                self.answer = [list(row) for row in self.db.cursor.fetchall()]
        except (redshift_connector.Error, redshift_connector.InterfaceError) as exc:
            self.error = exc.args[0]

    def rows(self, block: Block) -> None:
        self.settle()
        assert [" | ".join(map(shown, row)) for row in self.answer] == block.text.splitlines()

    def notice(self, block: Block) -> None:
        said = [notice[b"M"].decode() for notice in self.db.connection.notices]
        assert any(block.text.strip() in text for text in said), said

    def error_(self, block: Block) -> None:
        assert self.error is not None
        assert self.error["C"] == block.arguments[0]
        assert block.text.strip() in self.error["M"] + "\n" + self.error.get("D", "")
        self.error = None

    def keys(self, block: Block) -> None:
        self.settle()
        prefix = self.stage.prefix + (block.arguments or [""])[0]
        found = self.stage.client.list_objects_v2(Bucket=self.stage.bucket, Prefix=prefix).get("Contents", [])
        assert [item["Key"].removeprefix(prefix) for item in found] == block.text.splitlines()

    def object(self, block: Block) -> None:
        self.settle()
        key = self.stage.prefix + block.arguments[0]
        text = self.stage.client.get_object(Bucket=self.stage.bucket, Key=key)["Body"].read().decode()
        assert text.replace(self.at, "{at}").splitlines() == block.text.splitlines()
