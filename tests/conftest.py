"""What every test stands on: no configuration of the developer's, no network beyond this machine, a plain count at the end."""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from promises import OUTCOMES, proofs, told

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


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--deep` runs the crash matrix whole; without it the deep states stay out."""
    parser.addoption("--deep", action="store_true", help="run the states of the crash matrix that take long, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Takes the deep tests out, unless they are asked for."""
    if config.getoption("--deep"):
        return
    deep = [item for item in items if item.get_closest_marker("deep")]
    config.hook.pytest_deselected(items=deep)
    items[:] = [item for item in items if not item.get_closest_marker("deep")]


def pytest_configure(config: pytest.Config) -> None:
    """Hides what the developer's machine has set, also from the processes that tests start."""
    config.addinivalue_line("markers", "deep: runs by `make crash` alone, for it takes long")
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
    """Ends the run with the promises that its tests prove, and one plain line that people and CI can read."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    ended = [(report.nodeid, outcome) for outcome in OUTCOMES for report in reporter.stats.get(outcome, [])]
    reports = [report for outcome in OUTCOMES for report in reporter.stats.get(outcome, [])]
    for line in told(pair for report in reports for pair in getattr(report, "user_properties", ())):
        reporter.write_line(line)
    for proof in proofs(ended):
        reporter.write_line(str(proof))
    counts = {outcome: len(reporter.stats.get(outcome, [])) for outcome in OUTCOMES}
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    reporter.write_line(f"{counts['passed']} passed, {counts['failed'] + counts['error']} failed{skipped}")
