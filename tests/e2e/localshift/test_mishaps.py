"""A bug of the server's own while it serves a statement: the client is told, the log says where, the session goes on.

The server is a process of its own whose parts are made to fail from within, as a bug would, for statements with a mark.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.localshift.conftest import ROLE
from e2e.localshift.packets import SYNC, Client, bind, describe, error, execute, kinds, parse, query, status
from localshift import Localshift

pytestmark = pytest.mark.e2e

SABOTAGE = """
import sys
if "localshift" in sys.orig_argv:
    from localshift.front import execution, transferring
    from localshift.statements import administration

    def broken(cursor, known=administration.HANDLERS["COMMENT"]):
        return known(cursor) if "fine" in cursor.source else {}["no such key"]

    administration.HANDLERS["COMMENT"] = broken

    def lost_row(self, message, names, entry=None, known=execution.Executor.pass_on):
        if message.kind == b"D" and b"lost row" in message.body:
            raise ArithmeticError("a row was lost")
        known(self, message, names, entry)

    execution.Executor.pass_on = lost_row

    async def half_loaded(copy, upstream, *others):
        await upstream.begin_copy(f"COPY {copy.target} FROM STDIN")
        await upstream.copy_data(b"1\\n")
        raise LookupError("the file went missing")

    transferring.run_copy = half_loaded
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Localshift]:
    folder = tmp_path_factory.mktemp("sabotage")
    (folder / "sitecustomize.py").write_text(SABOTAGE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        running = Localshift(iam_roles={ROLE: ["s3://staging/in/"]}, data_dir=folder / "data")
        with running:
            yield running


@pytest.fixture
def client(server: Localshift) -> Iterator[Client]:
    with Client(server) as made:
        made.ask(query("drop table if exists t"), query("create table t (a int)"))
        made.answer()
        yield made


def test_a_bug_is_an_error_that_says_what_and_what_to_do_and_the_log_says_where(
    client: Client, server: Localshift
) -> None:
    answer = client.ask(query("comment on table t is 'x' password 'Secret1x'"))
    fields = error(answer)

    assert kinds(answer) == "EZ"
    assert (fields["S"], fields["C"]) == ("ERROR", "XX000")
    assert "KeyError: 'no such key'" in fields["M"]
    assert fields["D"] == "while serving: comment on table t is 'x' password '***'"
    assert "report this with the server's log" in fields["H"]
    assert status(answer) == b"I"
    said = server.log()
    assert "Traceback" in said
    assert "in broken" in said
    assert "Secret1x" not in said
    assert client.rows("select 7") == [[b"7"]]


def test_a_bug_in_a_transaction_leaves_it_failed(client: Client) -> None:
    client.ask(query("begin"))
    client.ask(query("insert into t values (1)"))
    answer = client.ask(query("comment on table t is 'x'"))
    after = client.ask(query("select 1"))
    client.ask(query("rollback"))

    assert status(answer) == b"E"
    assert error(after)["C"] == "25P02"
    assert client.rows("select count(*) from t") == [[b"0"]]


def test_a_bug_in_one_of_several_statements_undoes_them_all(client: Client) -> None:
    answer = client.ask(query("insert into t values (1); select 'lost row'; insert into t values (2)"))

    assert kinds(answer) == "CTEZ"
    assert status(answer) == b"I"
    assert client.rows("select count(*) from t") == [[b"0"]]


@pytest.mark.parametrize(
    "packets",
    [
        [parse("comment on table t is 'x'"), bind(), describe(), execute(), SYNC],
        [parse("insert into t values (1)"), bind(), execute(), parse("comment on table t is 'x'"), SYNC],
        [parse("insert into t values (1)"), bind(), execute(), parse("select 'lost row'"), bind(), execute(), SYNC],
        # Rows enough to fill every buffer, of which the first is lost.
        [parse("select 'lost row' || repeat('x', 9000) from pg_class a, pg_class b"), bind(), execute(), SYNC],
    ],
    ids=["the first message", "after a statement", "in a row", "in the first of many rows"],
)
def test_a_bug_in_the_extended_protocol_skips_to_sync_and_undoes_what_was_not_synced(
    packets: list[bytes], client: Client
) -> None:
    answer = client.ask(*packets)

    assert kinds(answer).endswith("EZ")
    assert error(answer)["C"] == "XX000"
    assert status(answer) == b"I"
    assert client.rows("select count(*) from t") == [[b"0"]]


def test_a_bug_in_the_middle_of_a_copy_leaves_nothing_and_no_lock(client: Client, server: Localshift) -> None:
    answer = client.ask(query(f"copy t from 's3://staging/in/x' iam_role '{ROLE}' csv"))

    assert "LookupError: the file went missing" in error(answer)["M"]
    assert status(answer) == b"I"
    assert client.rows("select count(*) from t") == [[b"0"]]
    with Client(server) as other:
        assert kinds(other.ask(query("drop table t"))) == "CZ"


def test_a_statement_that_met_a_bug_stands_in_the_history(client: Client) -> None:
    client.ask(query("select 'lost row' as remembered"))

    rows = client.rows(
        "select trim(status), trim(error_message) from sys_query_history where query_text like '%remembered%' and query_text not like '%sys_query%'"
    )

    assert rows == [[b"failed", b"localshift met an unexpected error of its own: ArithmeticError: a row was lost"]]


def test_the_server_goes_on_for_others(client: Client, server: Localshift) -> None:
    with Client(server) as other:
        client.ask(query("comment on table t is 'x'"))

        assert other.rows("select 1") == [[b"1"]]
    assert Path(f"/proc/{server.pid}").exists()
