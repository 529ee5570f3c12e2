"""The conformance cases of tests/golden/localshift: SQL, then what Redshift answers, on one server for all.

LOCALSHIFT_CLUSTER names a JSON file with what redshift_connector.connect takes for a real cluster (the first user must
be a superuser, the database empty of what is not its own): the same cases then run against it. What only this double
refuses (`not supported by localshift`) is left out there.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redshift_connector

from e2e.localshift.casefile import Block, Case, read_cases, shown
from e2e.localshift.conformance import FOLDER, OURS
from localshift import Localshift

pytestmark = pytest.mark.e2e

CLUSTER = os.environ.get("LOCALSHIFT_CLUSTER", "")
CASES = {
    name: case
    for name, case in read_cases(FOLDER)
    if not CLUSTER or not any(OURS in block.text for block in case.blocks)
}
ERRORS = (redshift_connector.Error, redshift_connector.InterfaceError)


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the driver connects with: a real cluster's arguments where there is one, else those of the one server."""
    if CLUSTER:
        arguments: dict[str, Any] = json.loads(Path(CLUSTER).read_text(encoding="utf-8"))
        return arguments
    server: Localshift = request.getfixturevalue("server")
    return server.connect_args


@pytest.fixture(scope="module")
def kept(cluster: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the connections by name; they serve many cases, because to connect takes longer than most of them."""
    connections: dict[str, Any] = {}
    yield connections
    for connection in connections.values():
        connection.close()


class Connections:
    """The connections of one case, each in the case's own schema. `beside` holds statements that still run."""

    def __init__(self, kept: dict[str, Any], cluster: dict[str, Any]) -> None:
        self.kept = kept
        self.cluster = cluster
        self.schema = f"conformance_{os.getpid()}_{time.monotonic_ns()}"
        self.used: set[str] = set()
        self.beside: dict[str, tuple[threading.Thread, list[Any]]] = {}

    def get(self, name: str) -> Any:
        if name not in self.kept:
            self.kept[name] = redshift_connector.connect(**self.cluster)
            self.kept[name].autocommit = True
        if name not in self.used:
            self.used.add(name)
            _run(self.kept[name], f"set search_path to {self.schema}")
        return self.kept[name]

    def put_right(self, *, used_up: bool) -> None:
        """Leave the connections as they were; what cannot be put right is closed."""
        used_up = used_up or bool(self.beside)
        for name in self.used - {"owner"}:
            if used_up:
                self.kept.pop(name).close()
            else:
                _run(self.kept[name], "rollback")
                _run(self.kept[name], "reset query_group")


@pytest.fixture
def connections(kept: dict[str, Any], cluster: dict[str, Any], request: pytest.FixtureRequest) -> Iterator[Connections]:
    """Return the case's connections, closed afterwards when it made temporary tables."""
    made = Connections(kept, cluster)
    _run(made.get("owner"), f"create schema {made.schema}")
    yield made
    blocks = CASES[request.node.callspec.params["name"]].blocks
    made.put_right(used_up=any("temp" in block.text or "#" in block.text for block in blocks))
    _run(made.get("owner"), f"drop schema {made.schema} cascade")


@pytest.mark.parametrize("name", CASES)
def test_a_statement_answers_as_the_documentation_says(name: str, connections: Connections) -> None:
    run = Run(CASES[name], connections)
    for block in run.case.blocks:
        getattr(run, "error_" if block.word == "error" else block.word)(block)
    run.settle()


class Run:
    """One case on its way. A statement that ends in `later` runs beside the others until `wait` asks for its answer."""

    def __init__(self, case: Case, connections: Connections) -> None:
        self.case = case
        self.connections = connections
        self.error: dict[str, str] | None = None
        self.answer: list[list[Any]] = []
        self.notices: list[str] = []
        self.beside = connections.beside

    def settle(self) -> None:
        """No error may be left that no block expected."""
        assert self.error is None

    def sql(self, block: Block) -> None:
        self.settle()
        who, *later = block.arguments or ["one"]
        connection = self.connections.get(who)
        if later:
            box: list[Any] = []
            thread = threading.Thread(target=lambda: box.extend(_run(connection, block.text)))
            thread.start()
            self.beside[who] = (thread, box)
        else:
            self.answer, self.error, self.notices = _run(connection, block.text)

    def waits(self, block: Block) -> None:
        """The statement of this connection is held up by another."""
        self.beside[block.arguments[0]][0].join(0.2)
        assert self.beside[block.arguments[0]][0].is_alive()

    def wait(self, block: Block) -> None:
        thread, box = self.beside.pop(block.arguments[0])
        thread.join(30)
        self.answer, self.error, self.notices = box

    def rows(self, block: Block) -> None:
        self.settle()
        assert [" | ".join(map(shown, row)) for row in self.answer] == block.text.splitlines()

    def notice(self, block: Block) -> None:
        assert any(block.text.strip() in text for text in self.notices), self.notices

    def error_(self, block: Block) -> None:
        assert self.error is not None, self.answer
        assert block.text.strip() in self.error["M"] + "\n" + self.error.get("D", "")
        assert self.error["C"] == block.arguments[0]
        self.error = None


def _run(connection: Any, sql: str) -> tuple[list[list[Any]], dict[str, str] | None, list[str]]:
    connection.notices.clear()
    try:
        with connection.cursor() as cursor:
            cursor.paramstyle = "qmark"
            cursor.execute(sql.strip())
            rows = [list(row) for row in cursor.fetchall()] if cursor.description else []
    except ERRORS as exc:
        return [], exc.args[0], []
    return rows, None, [notice[b"M"].decode() for notice in connection.notices]
