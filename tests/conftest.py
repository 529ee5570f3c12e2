"""What every test stands on: no configuration of the developer's, no network beyond this machine, a plain count at the end."""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

DEVELOPERS = ("AWS_", "LAKEMART__", "REDSHIFT_", "PG", "SPARK_", "HADOOP_")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")

NOBODYS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def pytest_configure() -> None:
    """Hides what the developer's machine has set, also from the processes that tests start."""
    for name in list(os.environ):
        if name.startswith(DEVELOPERS) or name in PROXIES:
            del os.environ[name]
    os.environ.update(NOBODYS)
    # A busy machine is no failure; in CI the same examples come every time, elsewhere new ones.
    settings.register_profile("lakemart", deadline=None, print_blob=True, derandomize="CI" in os.environ)
    settings.load_profile("lakemart")


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """A connection to anywhere but this machine fails the test that opened it."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not is_local(str(address[0])):
            raise AssertionError(f"a test wants to reach {address[0]}: tests use no network")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


def is_local(host: str) -> bool:
    """Whether `host` is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends the run with one plain line that people and CI can read."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    counts = {outcome: len(reporter.stats.get(outcome, [])) for outcome in ("passed", "failed", "error", "skipped")}
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    reporter.write_line(f"{counts['passed']} passed, {counts['failed'] + counts['error']} failed{skipped}")
