"""Servers that are stopped, killed and started under hard conditions: what clients are told, and what the command says."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from e2e.localshift.packets import Client, error, query
from localshift import Localshift

pytestmark = pytest.mark.e2e

LIB = Path(__file__).resolve().parents[3] / "lib"


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "localshift", *options], capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PYTHONPATH": str(LIB)},
    )  # fmt: skip


def test_a_life_on_a_folder_of_an_odd_name(tmp_path: Path) -> None:
    """Killed in the middle and started again at once, stopped with clients in all states, and killed from below."""
    data = tmp_path / ("d" * 60) / ("Gr\u00fc\u00dfe \u4e16\u754c '\" " + "x" * 60)
    with Localshift(data_dir=data) as server:
        client = Client(server)
        client.ask(query("create table t (a int)"))
        client.ask(query("insert into t values (1)"))
        client.ask(query("begin"))
        client.ask(query("insert into t values (2)"))
        os.kill(server.pid, signal.SIGKILL)
        # PostgreSQL may still be there.
        with Localshift(data_dir=data) as again, Client(again) as other:
            rows = other.rows("select a from t")
            stuck, busy, deaf = Client(again), Client(again), Client(again)
            stuck.ask(query("begin"))
            busy.link.sendall(query("select count(*) from pg_class a, pg_class b, pg_class c, pg_class d"))
            deaf.link.sendall(query("select repeat('x', 9000) from pg_class a, pg_class b"))
            time.sleep(0.2)
            began = time.monotonic()
            again.stop()
            seconds = time.monotonic() - began
            told = [error(made.answer()) for made in (stuck, busy)]
            for made in (stuck, busy, deaf):
                made.stream.close()
                made.link.close()
        client.stream.close()
        client.link.close()

    assert rows == [[b"1"]]
    assert [fields["C"] for fields in told] == ["57P01", "57P01"]
    assert seconds < 20
    _killed_from_below(data)


def _killed_from_below(data: Path) -> None:
    with Localshift(data_dir=data) as server, Client(server) as client:
        ((pid,),) = client.rows("select pg_backend_pid()")
        # As the system does when memory runs out: PostgreSQL then throws all out.
        os.kill(int(pid or 0), signal.SIGKILL)
        deadline = time.monotonic() + 30
        while server.running and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not server.running
        assert "PostgreSQL has ended by itself" in server.log()
        with contextlib.suppress(OSError):
            client.answer()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--data-dir", "/proc/nothing/here"], "the data folder cannot be written to"),
        (["--data-dir", "/etc/passwd"], "the data folder cannot be written to"),
    ],
)
def test_a_folder_that_cannot_be_used_is_one_sentence(options: list[str], said: str) -> None:
    done = run("--port", "0", *options)

    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_port_in_use_is_one_sentence_that_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--port", str(port))

    assert done.returncode == 1
    assert done.stderr == (
        f"localshift: cannot listen on 127.0.0.1:{port}: Address already in use; "
        "choose another --port, 0 for a free one\n"
    )


def test_help_shows_whole_commands() -> None:
    said = run("--help").stdout

    assert "python -m localshift --data-dir ./warehouse --s3-endpoint" in said
    assert "Exit codes: 0 stopped, 1 could not run, 2 wrong" in said


def test_ctrl_c_stops_as_sigterm_does(tmp_path: Path) -> None:
    with Localshift(data_dir=tmp_path / "d") as server, Client(server) as client:
        os.kill(server.pid, signal.SIGINT)
        told: Any = error(client.answer())
        deadline = time.monotonic() + 30
        while server.running and time.monotonic() < deadline:
            time.sleep(0.02)

        assert not server.running
        assert told["C"] == "57P01"
