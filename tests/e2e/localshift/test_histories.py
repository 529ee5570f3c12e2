"""What the system views tell of statements and transactions that did not end well, and whom they tell it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from e2e.localshift.packets import SYNC, Client, bind, execute, parse, query
from localshift import Localshift

pytestmark = pytest.mark.e2e

NUMBERS = itertools.count()
HISTORY = """
select trim(h.query_type), trim(h.status), trim(t.status), trim(h.error_message) from sys_query_history h
left join sys_transaction_history t on t.transaction_id = h.transaction_id
where trim(h.query_label) = '{label}' and h.query_text like '%{mark}%' and h.query_text not like '%sys_query%' and h.query_type <> 'UTILITY' order by h.query_id
"""


@pytest.fixture
def mark() -> str:
    return f"mark{next(NUMBERS)}x"


@pytest.fixture
def client(server: Localshift, mark: str) -> Iterator[Client]:
    with Client(server) as made:
        made.ask(query(f"set query_group to '{mark}'"))
        yield made


@pytest.fixture
def told(server: Localshift, mark: str) -> Iterator[Callable[[], Any]]:
    """Return what asks a connection of its own for type, status, the transaction's status and the error of each statement."""
    with Client(server) as watch:
        yield lambda: [
            tuple("-" if value is None else value.decode() for value in row)
            for row in watch.rows(HISTORY.format(label=mark, mark=mark))
        ]


def test_statements_that_failed_were_rolled_back_or_are_several_in_one_message(
    client: Client, mark: str, told: Any
) -> None:
    client.ask(query("begin"))
    client.ask(query(f"create table {mark} (a int)"))
    client.ask(query(f"select 1/0 /* {mark} */"))
    client.ask(query("rollback"))
    client.ask(query(f"select 1 as {mark}; select 2/0 as {mark}; select 3 as {mark}"))
    client.ask(parse(f"select $1::int as {mark}"), bind((b"x",)), execute(), SYNC)

    zero = "division by zero"
    assert told() == [
        ("DDL", "success", "aborted", ""),
        ("SELECT", "failed", "aborted", zero),
        ("SELECT", "success", "aborted", ""),
        ("SELECT", "failed", "aborted", zero),
        ("SELECT", "failed", "aborted", 'invalid input syntax for type integer: "x"'),
    ]


def test_what_was_cancelled_and_what_its_client_left_behind(
    client: Client, mark: str, told: Any, server: Localshift
) -> None:
    long = f"select count(*) as {mark} from pg_class a, pg_class b, pg_class c, pg_class d"
    client.link.sendall(query(long))
    with Client(server) as watch:
        active = f"select 1 from pg_catalog.pg_stat_activity where state = 'active' and query like '%{mark}%' and pid <> pg_backend_pid()"
        while not watch.rows(active):
            time.sleep(0.01)
    client.cancel()
    client.answer()
    with Client(server) as leaving:
        leaving.ask(query(f"set query_group to '{mark}'"))
        leaving.ask(query("begin"))
        leaving.ask(query(f"create table {mark} (a int)"))
        leaving.link.sendall(query(long))
    deadline = time.monotonic() + 20
    while [row[2] for row in told()].count("aborted") < 3 and time.monotonic() < deadline:
        time.sleep(0.02)

    cancelled = "Query cancelled on user's request"
    assert told() == [
        ("SELECT", "canceled", "aborted", cancelled),
        ("DDL", "success", "aborted", ""),
        ("SELECT", "canceled", "aborted", cancelled),
    ]


def test_a_label_is_that_of_the_statement_s_own_time(client: Client, mark: str, server: Localshift) -> None:
    client.ask(query(f"select '{mark} one'"))
    client.ask(query("set query_group to 'other label'"))
    client.ask(query(f"select '{mark} two'"))
    client.ask(query("reset query_group"))
    client.ask(query(f"select '{mark} three'"))
    with Client(server) as watch:
        rows = watch.rows(f"select trim(label) from stl_query where querytxt like 'select ''{mark}%' order by query")

    assert rows == [[mark.encode()], [b"other label"], [b"default"]]


def test_a_user_sees_his_own_statements_and_a_superuser_all(client: Client, mark: str, server: Localshift) -> None:
    client.ask(query(f"select 'by admin {mark}'"))
    with Client(server, user="reader") as reader:
        reader.ask(query(f"select 'by reader {mark}'"))
        asked = {
            name: f"select trim({text}) from {name} where {text} like 'select ''by%{mark}%' order by 1"
            for name, text in (("sys_query_history", "query_text"), ("stl_query", "querytxt"))
        }
        his = [reader.rows(sql) for sql in asked.values()]
        transactions = reader.rows("select count(distinct user_id) from sys_transaction_history")
    all_of_them = [client.rows(sql) for sql in asked.values()]

    own, others = f"select 'by reader {mark}'".encode(), f"select 'by admin {mark}'".encode()
    assert his == [[[own]]] * 2
    assert all_of_them == [[[others], [own]]] * 2
    assert transactions == [[b"1"]]


def test_passwords_are_not_kept(client: Client, mark: str) -> None:
    client.ask(query(f"create user {mark} password 'Secret1x'"))
    client.ask(query(f"alter user {mark} /* {mark} */ password 'Secret2x' valid until '2030-01-01'"))
    client.ask(query(f"alter user {mark} password 'Secret3x"))
    client.ask(query(f"drop user {mark}"))
    rows = client.rows(
        f"select trim(query_text) from sys_query_history where query_text like '%user {mark}%' and query_text not like '%sys_query%' order by query_id"
    )

    assert [row[0] for row in rows][:2] == [
        f"create user {mark} password '***'".encode(),
        f"alter user {mark} /* {mark} */ password '***' valid until '2030-01-01'".encode(),
    ]
    assert client.rows(
        "select count(*) from sys_query_history where query_text like '%Secret%' and query_text not like '%sys_query%'"
    ) == [[b"0"]]
