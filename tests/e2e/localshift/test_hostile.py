"""Clients that do what no driver does, on a server of their own: after each nothing is left behind and others are served."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.localshift.conftest import BUCKET, ROLE, Stage
from e2e.localshift.packets import (
    SYNC,
    TERMINATE,
    Client,
    bind,
    close,
    describe,
    error,
    execute,
    kinds,
    packet,
    parse,
    query,
    startup,
    status,
    text,
    values,
)
from localshift import Localshift

pytestmark = pytest.mark.e2e

SSL, GSS = struct.pack("!II", 8, 80877103), struct.pack("!II", 8, 80877104)


@pytest.fixture(scope="module")
def server(s3_server: tuple[Any, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Localshift]:
    folder = tmp_path_factory.mktemp("hostile")
    with Localshift(
        data_dir=folder / "d", s3_endpoint=s3_server[1], iam_roles={ROLE: [f"s3://{BUCKET}/in/"]}
    ) as running:
        with Client(running) as made:
            made.ask(query("create table t (a int)"))
            made.ask(query("create table lines (a int, b varchar(99))"))
        running.folder = folder / "d"  # type: ignore[attr-defined]
        yield running


def wait_until(true: Callable[[], Any], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


OTHERS = """
select count(*) from pg_catalog.pg_stat_activity
where backend_type = 'client backend' and pid <> pg_backend_pid() and application_name not like 'localshift%'
"""
LOCKS = (
    "select count(*) from pg_catalog.pg_locks where locktype in ('relation', 'advisory') and pid <> pg_backend_pid()"
)


@pytest.fixture(autouse=True)
def nothing_left(server: Localshift) -> Iterator[None]:
    """After each test others are served, and no connection to PostgreSQL, no lock and no file is left."""
    yield
    with Client(server) as watch:
        assert watch.rows("select 7") == [[b"7"]]
        wait_until(lambda: watch.rows(OTHERS) == [[b"0"]])
        assert watch.rows(LOCKS) == [[b"0"]]
    scratch: Path = server.folder / "scratch"  # type: ignore[attr-defined]
    assert list(scratch.iterdir()) == []
    wait_until(lambda: len(list((scratch.parent / "postgres" / "rs_sessions").iterdir())) == 0)


@pytest.fixture
def client(server: Localshift) -> Iterator[Client]:
    with Client(server) as made:
        yield made


BROKEN = {
    "bind of fewer values than told": packet(b"B", text(""), text(""), struct.pack("!HHi", 0, 5, -1)),
    "bind of more values than parameters": bind((b"1", b"2")),
    "bind of fewer values than parameters": bind(()),
    "bind with formats that do not match": bind((b"1",), formats=(0, 0, 0)),
    "bind with an unknown format": bind((b"1",), formats=(7,)),
    "bind of results in an unknown format": bind((b"1",), results=(9,)),
    "bind of a negative length": packet(b"B", text(""), text(""), struct.pack("!HHiH", 0, 1, -77, 0)),
    "bind of a length beyond the end": packet(b"B", text(""), text(""), struct.pack("!HHi", 0, 1, 1 << 30), b"x"),
    "bind with bytes behind its end": packet(b"B", bind((b"1",))[5:], b"more"),
    "bind of text that is no text": bind((b"\xff\xfe",)),
    "bind of text with a zero byte": bind((b"1\0",)),
    "bind of a number that is none": bind((b"x",)),
    "bind of too short a binary number": bind((b"\0",), formats=(1,)),
    "parse without types": packet(b"P", text(""), text("select 1")),
    "parse of fewer types than told": packet(b"P", text(""), text("select $1"), struct.pack("!H", 900)),
    "parse of an unknown type": parse("select $1", types=(4_000_000_000,)),
    "parse of a name without an end": packet(b"P", b"name"),
    "parse of no text": packet(b"P", text(""), b"\xff\xff\0", b"\0\0"),
    "describe of neither": describe(b"Q"),
    "describe of an unknown statement": describe(b"S", "nobody"),
    "describe of an unknown portal": describe(b"P", "nobody"),
    "execute of an unknown portal": execute("nobody"),
    "execute without a number": packet(b"E", text("")),
    "execute of a negative number": packet(b"E", text("nobody"), struct.pack("!i", -5)),
    "close of neither": close(b"Q", ""),
    "copy data out of turn": packet(b"d", b"1\n"),
    "copy done out of turn": packet(b"c"),
    "copy fail out of turn": packet(b"f", text("why")),
    "a function call": packet(b"F", struct.pack("!IHHH", 1598, 0, 0, 0)),
    "a password out of turn": packet(b"p", text("Admin1")),
    "an empty query": packet(b"Q", b""),
    "a query without an end": packet(b"Q", b"select 1"),
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_message_is_an_error_or_the_end_of_that_client(sent: bytes, client: Client) -> None:
    client.ask(parse("select $1::int + 1"), SYNC)

    answer = client.ask(sent, SYNC)

    assert kinds(answer) in ("EZ", "E", "NZ", "Z", "", "2Z", "3Z"), answer
    if kinds(answer)[-1:] == "Z":
        assert client.rows("select 7") == [[b"7"]]


def test_unknown_names_are_closed_and_known_ones_are_gone(client: Client) -> None:
    answer = client.ask(close(b"S", "nobody"), close(b"P", "nobody"), parse("select 1", "s"), close(b"S", "s"), SYNC)

    assert kinds(answer) == "3313Z"
    assert error(client.ask(bind(name="s"), SYNC))["C"] == "26000"


def test_several_portals_give_their_rows_in_turns(client: Client) -> None:
    client.ask(query("begin"))
    numbers = "select n from (select 1 as n union all select 2 union all select 3) as x order by n"
    client.ask(parse(numbers, "s"), bind(portal="a", name="s"), bind(portal="b", name="s"), SYNC)
    answer = client.ask(execute("a", 2), execute("b", 1), execute("a", 2), execute("b", 0), execute("b", 5), SYNC)
    client.ask(query("rollback"))

    assert kinds(answer) == "DDsDsDCDDCCZ"
    assert [values(body) for kind, body in answer if kind == b"D"] == [[b"%d" % n] for n in (1, 2, 1, 3, 2, 3)]
    assert error(client.ask(execute("a"), SYNC))["C"] == "34000"


BINARY = {
    "smallint": (struct.pack("!h", -7), b"-7"),
    "int": (struct.pack("!i", 1 << 30), b"1073741824"),
    "bigint": (struct.pack("!q", -(1 << 60)), b"-1152921504606846976"),
    "real": (struct.pack("!f", 1.5), b"1.5"),
    "float": (struct.pack("!d", -0.25), b"-0.25"),
    "boolean": (b"\1", b"t"),
    "varchar(10)": (b"caf\xc3\xa9", b"caf\xc3\xa9"),
    "char(3)": (b"ab ", b"ab "),
    "date": (struct.pack("!i", 9000), b"2024-08-22"),
    "timestamp": (struct.pack("!q", 86_400_000_000), b"2000-01-02 00:00:00"),
    "timestamptz": (struct.pack("!q", 1_000_000), b"2000-01-01 00:00:01+00"),
    "time": (struct.pack("!q", 3_600_000_000), b"01:00:00"),
    "decimal(8,2)": (struct.pack("!6h", 2, 0, 0, 2, 12, 3400), b"12.34"),
}


def test_binary_values_of_each_type_are_taken_and_given_back(client: Client) -> None:
    for kind, (sent, written) in BINARY.items():
        sql = parse(f"select $1::{kind}")
        (as_text,) = [
            values(body) for code, body in client.ask(sql, bind((sent,), formats=(1,)), execute(), SYNC) if code == b"D"
        ]
        both = client.ask(sql, bind((sent,), formats=(1,), results=(1,)), execute(), SYNC)
        (as_bytes,) = [values(body) for code, body in both if code == b"D"]

        assert (kind, as_text, as_bytes) == (kind, [written], [sent])


def test_without_a_sync_nothing_is_committed_and_the_client_may_go(client: Client, server: Localshift) -> None:
    with Client(server) as careless:
        careless.link.sendall(parse("insert into t values (99)") + bind() + execute() + b"H\0\0\0\4")
        assert [careless.receive()[0] for _ in range(3)] == [b"1", b"2", b"C"]

    assert client.rows("select count(*) from t where a = 99") == [[b"0"]]


@pytest.mark.parametrize("goodbye", [TERMINATE, b"", b"Q\0\0\0"], ids=["terminate", "nothing", "half a message"])
def test_a_client_that_goes_in_the_middle_of_a_statement_ends_it(goodbye: bytes, server: Localshift) -> None:
    with Client(server) as gone:
        gone.link.sendall(query("select count(*) from pg_class a, pg_class b, pg_class c, pg_class d") + goodbye)


def running(server: Localshift, part: str) -> Callable[[], bool]:
    """Whether a statement of another session runs that has this in its text."""
    sql = f"select 1 from pg_catalog.pg_stat_activity where state = 'active' and query like '%{part}%' and pid <> pg_backend_pid()"

    def look() -> bool:
        with Client(server) as watch:
            return bool(watch.rows(sql))

    return look


def test_the_end_of_a_client_that_waits_for_a_table_ends_its_waiting(client: Client, server: Localshift) -> None:
    client.ask(query("begin"))
    client.ask(query("insert into t values (1)"))
    with Client(server) as waiting:
        waiting.link.sendall(query("insert into t values (2)"))
        wait_until(running(server, "LOCK TABLE"))
    wait_until(lambda: not running(server, "LOCK TABLE")())
    client.ask(query("rollback"))

    assert client.rows("select count(*) from t") == [[b"0"]]


def test_cancel_reaches_what_waits_for_a_table_and_needs_the_right_key(client: Client, server: Localshift) -> None:
    client.ask(query("begin"))
    client.ask(query("insert into t values (1)"))
    with Client(server) as waiting:
        waiting.link.sendall(query("insert into t values (2)"))
        wait_until(running(server, "LOCK TABLE"))
        key = waiting.key
        for wrong in (key[:4] + bytes(4), bytes(4) + key[4:], client.key):
            waiting.key = wrong
            waiting.cancel()
        still = running(server, "LOCK TABLE")()
        waiting.key = key
        waiting.cancel()
        answer = waiting.answer()
        after = waiting.rows("select 1")
    client.ask(query("rollback"))

    assert still
    assert error(answer) == {"S": "ERROR", "C": "57014", "M": "Query cancelled on user's request"}
    assert status(answer) == b"I"
    assert after == [[b"1"]]


LOAD = "copy lines from 's3://{bucket}/{prefix}big' iam_role '{role}' csv"
WRITE = """
unload ('select a.oid::int, b.relname::varchar from pg_class a, pg_class b, pg_class c')
to 's3://{bucket}/{prefix}out' iam_role '{role}'
"""


@pytest.mark.parametrize("sql", [LOAD, WRITE], ids=["copy", "unload"])
def test_cancel_ends_a_copy_and_an_unload(sql: str, client: Client, server: Localshift, stage: Stage) -> None:
    # Quotes within quotes go the slow way.
    stage.put("big", b"".join(b'%d,"""%040d"""\n' % (i, i) for i in range(120_000)))
    client.link.sendall(query(sql.format(bucket=stage.bucket, prefix=stage.prefix, role=ROLE)))
    wait_until(running(server, "COPY"))
    client.cancel()
    answer = client.answer()

    assert error(answer)["C"] == "57014", answer
    assert status(answer) == b"I"
    assert client.rows("select count(*) from lines") == [[b"0"]]
    last = "select trim(status) from sys_query_history where query_type in ('COPY', 'UNLOAD') order by query_id desc limit 1"
    assert client.rows(last) == [[b"canceled"]]


def test_sql_of_more_than_the_limit_is_an_error(server: Localshift) -> None:
    with Client(server) as other:
        answer = other.ask(b"Q" + struct.pack("!I", (64 << 20) + 1))

    assert (error(answer)["C"], error(answer)["M"]) == ("08P01", "invalid message length")


def first(server: Localshift, *packets: bytes) -> bytes:
    """Return what a client gets that sends these and closes its side."""
    with socket.create_connection((server.host, server.port), timeout=30) as link:
        link.sendall(b"".join(packets))
        link.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: link.recv(65536), b""))


def test_requests_before_the_start_are_declined_as_often_as_they_come(server: Localshift) -> None:
    assert first(server, SSL, SSL, GSS, SSL) == b"NNNN"
    assert first(server, GSS, startup(user="nobody"))[:2] == b"NR"
    # A request with more in it is none.
    assert b"08P01" in first(server, struct.pack("!II", 12, 0x000A0000) + b"xxxx")


@pytest.mark.parametrize(
    "parameters",
    [
        {"replication": "true"},
        {"replication": "database", "options": "-c search_path=nowhere -c no_such=1 --work_mem=1GB"},
        {"options": "-c", "DateStyle": "German"},
        {"_pq_.something": "1", "client_protocol_version": "2", "driver_version": "x" * 5000},
        {"session_authorization": "rdsdb", "role": "rdsdb", "is_superuser": "off"},
        {"application_name": "caf\u00e9 ' \" \\ \n"},
        {"client_encoding": "UNICODE"},
    ],
)
def test_odd_parameters_at_the_start_are_taken_or_left(parameters: dict[str, str], server: Localshift) -> None:
    with Client(server, **parameters) as odd:
        assert odd.rows("select current_user") == [[b"awsuser"]]


@pytest.mark.parametrize("parameters", [{"client_encoding": "no such"}, {"TimeZone": "Nowhere/At All"}])
def test_settings_at_the_start_that_cannot_be_are_an_error(parameters: dict[str, str], server: Localshift) -> None:
    with Client(server, **parameters) as odd:
        assert error(odd.greeting)["C"] == "22023"


def test_a_later_minor_version_of_the_protocol_is_negotiated(server: Localshift) -> None:
    body = text("user") + text("x") + text("_pq_.wish") + text("1") + b"\0"
    answer = first(server, struct.pack("!II", len(body) + 8, (3 << 16) + 2) + body)

    assert answer.startswith(packet(b"v", struct.pack("!II", 0, 1), text("_pq_.wish")) + b"R")


def test_a_client_that_never_reads_costs_no_memory_and_its_end_frees_all(server: Localshift) -> None:
    def memory() -> int:
        return int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * 4096

    with Client(server) as deaf:
        before = memory()
        # 1.4 GB of rows, of which it takes none.
        deaf.link.sendall(query("select repeat('x', 9000) from pg_class a, pg_class b"))
        wait_until(running(server, "repeat"))
        time.sleep(0.3)
        # Nor the answers to what it sends besides.
        with contextlib.suppress(TimeoutError):
            deaf.link.settimeout(0.3)
            deaf.link.sendall(query("select repeat('y', 9000)") * 100_000)
        grown = memory() - before

    assert grown < 32 << 20


def test_two_hundred_connections_that_drop_at_once_leave_none(server: Localshift) -> None:
    links = [socket.create_connection((server.host, server.port), timeout=30) for _ in range(200)]
    for number, link in enumerate(links):
        link.sendall(startup(user="awsuser", database="dev")[: 4 + number % 40])
    for link in links:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        link.close()


def test_who_is_slow_to_come_in_holds_up_nobody(server: Localshift, client: Client) -> None:
    slow = [socket.create_connection((server.host, server.port), timeout=30) for _ in range(50)]
    for link in slow:
        link.sendall(b"\0")
    seen = client.rows("select 7")
    with Client(server) as other:
        assert other.rows("select 8") == [[b"8"]]
    for link in slow:
        link.close()

    assert seen == [[b"7"]]


def test_more_clients_than_there_is_room_for_are_told_so_and_the_others_stay(server: Localshift) -> None:
    with contextlib.ExitStack() as stack:
        inside: list[Client] = []
        told = {}
        while not told and len(inside) < 300:
            made = stack.enter_context(Client(server))
            told = error(made.greeting)
            inside += [] if told else [made]
        still = inside[0].rows("select 7")

    assert (told["S"], told["C"]) == ("FATAL", "53300")
    assert len(inside) > 150
    assert still == [[b"7"]]


def test_a_long_password_is_refused_before_it_is_read(server: Localshift) -> None:
    answer = first(server, startup(user="awsuser"), b"p" + struct.pack("!I", 1 << 25) + b"x" * 1000)

    assert b"invalid message length" in answer


def test_statements_of_many_at_once_are_broken_off_by_their_ends(server: Localshift) -> None:
    def one() -> None:
        with Client(server) as made:
            made.link.sendall(query("select count(*) from pg_class a, pg_class b, pg_class c, pg_class d"))

    threads = [threading.Thread(target=one) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_long_statement_of_one_does_not_hold_up_the_others(client: Client, server: Localshift) -> None:
    rows = ",".join(["(1)"] * 60_000)
    longest = 0.0
    with Client(server) as busy:
        busy.link.sendall(query(f"insert into t values {rows}; delete from t"))
        busy.link.settimeout(0)
        while True:
            began = time.monotonic()
            client.rows("select 7")
            longest = max(longest, time.monotonic() - began)
            with contextlib.suppress(BlockingIOError):
                if busy.link.recv(1, socket.MSG_PEEK):
                    break
        busy.link.settimeout(30)
        answer = busy.answer()

    assert kinds(answer) == "CCZ"
    assert longest < 5
