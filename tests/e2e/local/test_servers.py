from __future__ import annotations

import os
import signal
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from e2e.local.conftest import Command, eventually, is_down, processes, project_in
from lakemart.errors import LockedError, TransientError
from lakemart.local.ending import bring_down
from lakemart.local.environment import Environment
from lakemart.local.state import State
from lakemart.storage.opening import open_store
from lakemart.storage.store import ExpiredKeysError, Location

pytestmark = pytest.mark.e2e


def answers(environment: Environment) -> bool:
    """Whether the S3 server takes and gives an object."""
    store = open_store(environment.staging())
    store.write("probe", b"here")
    return store.read("probe")[0] == b"here"


def test_a_command_that_asks_for_nothing_starts_nothing(state: Path) -> None:
    with Environment(project_in(state)) as environment:
        assert environment.location("/raw") == Location(uri="/raw")
        assert not (state / "run").exists()


def test_the_servers_leave_when_the_command_ends(state: Path) -> None:
    with Environment(project_in(state)) as environment:
        assert answers(environment)

    assert eventually(lambda: is_down(state))
    assert State(state).read_endpoints() is None


def test_commands_that_start_at_once_share_one_set_of_servers(state: Path) -> None:
    commands = [Command(state) for _ in range(4)]

    said = {command.ready() for command in commands}

    assert len(said) == 1
    assert len(processes(state, "lakemart.local.supervisor")) == 1
    for command in commands:
        command.end()
    assert eventually(lambda: is_down(state))


def test_threads_of_one_command_share_one_set_of_servers(state: Path) -> None:
    with Environment(project_in(state)) as environment, ThreadPoolExecutor(4) as pool:
        assert len({one.s3_url for one in pool.map(lambda _: environment.endpoints(), range(8))}) == 1


@pytest.mark.parametrize("pause", [0.0, 0.3, 0.5, 0.6])
def test_a_command_that_comes_while_the_servers_leave_gets_servers_that_answer(state: Path, pause: float) -> None:
    with Environment(project_in(state)) as first:
        first.endpoints()
    time.sleep(pause)  # the supervisor looks every half second: this spreads the second command over its leaving

    with Environment(project_in(state)) as second:
        assert answers(second)
        time.sleep(0.6)  # beyond the next look
        assert answers(second)


def test_two_states_share_neither_servers_nor_credentials(state: Path, other_state: Path) -> None:
    with Environment(project_in(state)) as one, Environment(project_in(other_state)) as other:
        mine, theirs = one.endpoints(), other.endpoints()
        open_store(one.staging()).write("mine", b"1")

        assert list(open_store(other.staging()).list()) == []
        assert mine.s3_url != theirs.s3_url
        assert mine.port != theirs.port
        assert mine.access_key != theirs.access_key
        assert mine.users["lakemart"] != theirs.users["lakemart"]


def test_a_killed_command_leaves_nothing_running(state: Path) -> None:
    command = Command(state)
    command.ready()

    command.kill()

    assert eventually(lambda: is_down(state))


def test_a_command_killed_during_the_start_is_nothing_the_next_one_stumbles_over(state: Path) -> None:
    for delay in (0.0, 0.3, 0.8):
        command = Command(state)
        eventually((state / "run" / "start.lock").exists)
        time.sleep(delay)  # somewhere between the lock and the ready servers
        command.kill()

        with Environment(project_in(state)) as environment:
            assert answers(environment)


def test_a_killed_supervisor_leaves_no_server_and_its_endpoints_are_known_as_stale(state: Path) -> None:
    with Environment(project_in(state)) as environment:
        before = environment.endpoints()
        os.kill(before.supervisor, signal.SIGKILL)
        assert eventually(lambda: not processes(state))
        assert State(state).read_endpoints() == before

        with Environment(project_in(state)) as following:
            assert following.endpoints().supervisor != before.supervisor
            assert answers(following)


@pytest.mark.parametrize("server", ["s3_server", "-m localshift"])
def test_when_a_server_is_killed_the_rest_leaves_and_the_next_command_starts_all_anew(state: Path, server: str) -> None:
    with Environment(project_in(state)) as environment:
        environment.endpoints()
        [victim] = processes(state, server)
        os.kill(victim, signal.SIGKILL)
        assert eventually(lambda: is_down(state))

        with Environment(project_in(state)) as following:
            assert answers(following)


def test_objects_outlive_the_server_with_etag_and_time(state: Path) -> None:
    names = ["plain", "with space/ü+1%", "deep/er/one"]
    with Environment(project_in(state)) as environment:
        store = open_store(environment.staging())
        for name in [*names, "gone"]:
            store.write(name, name.encode())
        store.delete("gone")
        before = list(store.list())
    assert eventually(lambda: is_down(state))

    with Environment(project_in(state)) as environment:
        store = open_store(environment.staging())
        after = list(store.list())

        assert [info.key for info in after] == sorted(names)
        assert [(info.key, info.etag, info.size) for info in after] == [
            (info.key, info.etag, info.size) for info in before
        ]
        assert [store.read(name)[0] for name in names] == [name.encode() for name in names]
        assert store.put_if_absent("plain", b"other") is False
        assert store.put_if_match("plain", b"new", before[-1].etag) is False


def test_a_server_that_does_not_come_up_is_a_transient_error_with_the_end_of_its_log(state: Path) -> None:
    (state / "localshift").mkdir(parents=True)
    (state / "localshift" / "wrong").touch()

    with Environment(project_in(state)) as environment, pytest.raises(TransientError) as caught:
        environment.endpoints()

    assert "localshift did not start: it ended with code 2" in caught.value.what
    assert "--iam-role: not understood" in caught.value.what
    assert eventually(lambda: is_down(state))
    (state / "localshift" / "wrong").unlink()
    with Environment(project_in(state)) as environment:
        assert answers(environment)


def test_kept_servers_stay_until_down_and_are_used_by_commands(state: Path) -> None:
    with Environment(project_in(state)) as environment:
        kept = environment.endpoints(keep=True)
    time.sleep(1.2)  # two looks of the supervisor

    with Environment(project_in(state)) as environment:
        assert environment.endpoints() == kept
    assert bring_down(project_in(state)) is True
    assert is_down(state)
    assert bring_down(project_in(state)) is False


def test_down_does_not_disturb_a_command_at_work_and_the_servers_end_after_it(state: Path) -> None:
    command = Command(state)
    command.ready()

    with pytest.raises(LockedError):
        bring_down(project_in(state))

    assert processes(state, "s3_server")
    command.end()
    assert eventually(lambda: is_down(state))


def test_down_that_waits_ends_the_servers_after_the_command(state: Path) -> None:
    command = Command(state)
    command.ready()
    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(bring_down, project_in(state), wait=None)
        command.end()

        assert ending.result(timeout=30) is True
    assert is_down(state)


def test_credentials_and_endpoints_are_for_the_owner_alone_and_keep_their_value(state: Path) -> None:
    with Environment(project_in(state)) as environment:
        before = environment.endpoints()
        files = [
            state / "credentials.json",
            *(state / "run").glob("*.json"),
            *(state / "run").glob("*.password"),
            state / "run" / "s3.key",
        ]
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        assert stat.S_IMODE((state / "run").stat().st_mode) == 0o700
        assert before.users["lakemart"] not in repr(before)
        assert before.users["lakemart"] not in repr(environment.warehouse())
        assert not any(before.users["lakemart"] in Path(f"/proc/{pid}/cmdline").read_text() for pid in processes(state))
    assert eventually(lambda: is_down(state))

    with Environment(project_in(state)) as environment:
        assert environment.endpoints().users == before.users


def test_a_foreign_access_key_is_refused(state: Path) -> None:
    with Environment(project_in(state)) as environment:
        place = environment.staging()
        stranger = Location(
            uri=place.uri,
            s3=type(place.s3)(endpoint_url=place.s3.endpoint_url, region="us-east-1", access_key="A", secret_key="B"),
        )

        with pytest.raises(ExpiredKeysError, match="not known to S3"):
            list(open_store(stranger).list())
