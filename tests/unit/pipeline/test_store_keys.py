"""Runs whose keys fail under them: those that sign requests, those of KMS, and a bucket that is somebody else's."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lakemart.config.load import load_project
from lakemart.ledger.known import known_objects
from lakemart.local.environment import Environment
from lakemart.pipeline.document import RunDocument
from lakemart.storage.s3_clients import forget_clients
from lakemart.storage.store import Location, S3Settings
from unit.pipeline.s3_shop import FIRST, FIRST_ROWS, ROWS, SECOND, S3Shop, entries, landed_shop
from unit.storage.faulty_proxy import Act, Faults, Rule, faulty_proxy

RAW_LIST = r"prefix=[^&]*/raw/"
RAW = r"/raw/orders/\d"
DATA = r"/lake/orders/[^_].*\.parquet"
LOG = r"/lake/orders/_delta_log/0+\.json"
LEASE = r"/source/orders/lease"
PLAN, DECISION, DONE = (rf"/source/orders/0+1/{part}\.json" for part in ("plan", "decision", "done"))
OWNER = "x-amz-expected-bucket-owner"


@pytest.fixture(scope="module")
def faults(s3_settings: S3Settings) -> Iterator[Faults]:
    with faulty_proxy(str(s3_settings.endpoint_url)) as made:
        yield made


@pytest.fixture
def shop(tmp_path: Path, s3_location: Location, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> S3Shop:
    return landed_shop(tmp_path, s3_location, faults, monkeypatch)


def assert_healed(shop: S3Shop) -> None:
    """The next plain run ends with all records once, in one version."""
    assert shop.ingest().exit_code == 0
    assert (shop.rows(), shop.version()) == (ROWS, 0)
    assert {(key, status) for _, key, status in entries(shop)} >= {(FIRST, "read"), (SECOND, "read")}


@pytest.mark.parametrize(
    ("method", "target", "words", "act"),
    [
        ("PUT", DATA, "cannot write 'day=2024-05-01/", "kms_disabled"),
        ("PUT", PLAN, "cannot write '_ledger/source/orders/", "kms_forbidden"),
        ("PUT", DECISION, "cannot write '_ledger/source/orders/", "kms_disabled"),
        ("PUT", LOG, "number 1 of source/orders cannot be committed", "kms_disabled"),
        ("PUT", LOG, "number 1 of source/orders cannot be committed", "kms_forbidden"),
        ("PUT", DONE, "cannot write '_ledger/source/orders/", "kms_disabled"),
        ("GET", LEASE, "cannot read '_ledger/source/orders/lease'", "kms_forbidden"),
    ],
    ids=["data", "plan", "decision", "log", "log forbidden", "done", "lease"],
)
def test_a_kms_key_that_cannot_be_used_stops_the_run_which_names_object_key_and_what_to_do(
    shop: S3Shop, method: str, target: str, words: str, act: Act
) -> None:
    """Scenario 28: nothing half-done is to be seen, and the run after the key is back does the rest."""
    with shop.faults.during(Rule(act=act, method=method, target=target, times=None)):
        document = shop.ingest()

    assert document.exit_code == 5, document.errors
    (error,) = document.errors
    assert words in error.what
    assert "KMS key cannot be used" in error.what
    assert "arn:aws:kms:us-east-1:123456789012:key/1234abcd" in error.what
    assert error.next_step.startswith("Enable the key, or let this run's role")
    assert shop.version() == (0 if target == DONE else -1)
    assert_healed(shop)


@pytest.mark.parametrize("act", ["kms_disabled", "kms_forbidden"])
def test_a_raw_object_under_a_kms_key_that_cannot_be_used_is_unread_and_stops_no_other(shop: S3Shop, act: Act) -> None:
    """Scenario 28: objects of one prefix may lie under several keys."""
    with shop.faults.during(Rule(act=act, method="GET", target=SECOND, times=None)):
        document = shop.ingest()

    assert document.exit_code == 5
    (error,) = document.errors
    assert f"{SECOND!r} could not be read: it may not be read: cannot read" in error.what
    assert "KMS key cannot be used" in error.what
    assert "Enable the key" in error.what
    assert entries(shop) == [(1, FIRST, "read"), (1, SECOND, "unread")]
    assert shop.rows() == FIRST_ROWS
    assert set(known_objects(shop.lake, "source/orders")) == {FIRST}
    assert shop.ingest().exit_code == 0
    assert shop.rows() == ROWS


@pytest.mark.parametrize(
    ("method", "target", "act"),
    [
        ("GET", LEASE, "expired"),
        ("GET", RAW_LIST, "unknown_key"),
        ("GET", RAW, "expired"),
        ("PUT", DATA, "unknown_key"),
        ("PUT", PLAN, "expired"),
        ("PUT", LOG, "expired"),
        ("PUT", LOG, "unknown_key"),
        ("PUT", DONE, "expired"),
    ],
    ids=["lease", "listing", "raw", "data", "plan", "log", "log unknown", "done"],
)
def test_credentials_that_expire_and_cannot_be_renewed_end_the_run_and_the_next_one_heals(
    shop: S3Shop, method: str, target: str, act: Act
) -> None:
    """Scenario 29: from there on every request is refused, delta-rs's too."""
    with shop.faults.during(Rule(act=act, method=method, target=target, spreads=True, times=None)):
        document = shop.ingest()

    assert document.exit_code == 5, document.errors
    assert any("the credentials have expired or are not known to S3" in error.what for error in document.errors)
    assert {error.kind for error in document.errors} == {"transient"}
    assert_healed(shop)


@pytest.fixture
def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which alone keys are looked for, from nothing on."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "aws"
    folder.mkdir()
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    forget_clients()
    yield folder
    forget_clients()


def write_keys(folder: Path, name: str) -> None:
    """The keys in the file, all at once: threads of one run may read it while it is written."""
    text = f"[default]\naws_access_key_id = {name}\naws_secret_access_key = s\naws_session_token = t-{name}\n"
    written = folder / f"credentials-{uuid.uuid4().hex}"
    written.write_text(text, encoding="utf-8")
    written.replace(folder / "credentials")


@pytest.mark.parametrize(
    ("method", "target", "act"),
    [
        ("GET", RAW, "expired"),
        ("PUT", DECISION, "unknown_key"),
        ("PUT", LOG, "expired"),
        ("PUT", LOG, "unknown_key"),
        ("GET", r"_delta_log/_last_checkpoint", "expired"),
    ],
    ids=["raw", "decision", "log", "log unknown", "table"],
)
def test_keys_in_a_file_that_is_written_anew_are_read_again_when_the_old_ones_are_refused(
    shop: S3Shop, provider: Path, method: str, target: str, act: Act
) -> None:
    """Scenario 29: boto3 and delta-rs alike, wherever the old ones end."""
    write_keys(provider, "OLD")
    refused = Rule(
        act=act, method=method, target=target, signed="OLD", spreads=True, times=None,
        first=lambda: write_keys(provider, "NEW"),
    )  # fmt: skip
    with shop.faults.during(refused):
        document = shop.ingest_without_keys()
        signed = [one.access_key for one in shop.faults.seen if re.search(target, one.target)]

    assert (document.exit_code, document.errors) == (0, [])
    assert {"OLD", "NEW"} == set(signed)
    assert (shop.rows(), shop.version()) == (ROWS, 0)


SCRIPT = """#!/bin/sh
n=$(cat {folder}/count)
test "$n" = gone && exit 1
echo $((n + 1)) > {folder}/count
printf '{{"Version": 1, "AccessKeyId": "KEY%d", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "%s"}}' \
    "$n" "$(cat {folder}/expires)"
"""


@pytest.fixture
def process(provider: Path) -> Path:
    """A credential process that gives other keys each time, which are about to expire."""
    expires = datetime.now(UTC) + timedelta(minutes=5)
    script = provider / "keys"
    (provider / "count").write_text("1", encoding="utf-8")
    (provider / "expires").write_text(expires.strftime("%Y-%m-%dT%H:%M:%SZ"), encoding="utf-8")
    script.write_text(SCRIPT.format(folder=provider), encoding="utf-8")
    script.chmod(0o700)
    (provider / "config").write_text(f"[default]\ncredential_process = {script}\n", encoding="utf-8")
    return provider


def test_keys_of_a_provider_are_taken_anew_for_each_request_and_each_commit(shop: S3Shop, process: Path) -> None:
    """Scenario 29: what a role or a process renews is never kept from the start of a run."""
    with shop.faults.during(Rule(act="pass", method="PUT", target=LOG)):
        document = shop.ingest_without_keys()
        seen = shop.faults.seen

    assert (document.exit_code, document.errors) == (0, [])
    turns = [int(one.access_key.removeprefix("KEY")) for one in seen]
    commit = next(index for index, one in enumerate(seen) if one.method == "PUT" and re.search(LOG, one.target))
    before = max(turns[:commit])
    assert turns[commit] >= before - 1, "the table was opened for this very commit"
    assert turns[commit] > len(set(turns)) / 2


def test_a_provider_that_has_no_more_keys_ends_the_run_and_the_next_one_heals(shop: S3Shop, process: Path) -> None:
    """Scenario 29."""
    gone = Rule(
        act="pass", method="PUT", target=DECISION, last=lambda: (process / "count").write_text("gone", encoding="utf-8")
    )
    with shop.faults.during(gone):
        document = shop.ingest_without_keys()

    assert document.exit_code == 5, document.errors
    assert any("the credentials have expired" in error.what for error in document.errors)
    assert_healed(shop)


OWNERS = """
environments: {{prod: {{staging: null, warehouse: null}}}}
s3: {{endpoint_url: "{url}", region: us-east-1}}
bucket_owners: {{raw: "012345678901", lake: "123456789012"}}
"""


@pytest.fixture
def owned(shop: S3Shop, provider: Path) -> Callable[[], RunDocument]:
    """Runs the project as its files say, with the owners of its buckets among them."""
    write_keys(provider, "K")
    path = shop.shop.folder / "project.yaml"
    text = re.sub(r"(?m)^(raw|lake): .*", rf"\1: {shop.place.uri}/\1", path.read_text(encoding="utf-8"))
    path.write_text(text + OWNERS.format(url=shop.faults.url), encoding="utf-8")

    def ingest() -> RunDocument:
        project = load_project(shop.shop.folder, env="prod", state=provider)
        with Environment(project) as environment:
            lake, raw = environment.location(project.lake), environment.location(project.raw)
        return shop.ingest(replace(shop.context(), project=project, lake=lake, raw=raw))

    return ingest


def test_every_request_of_our_own_names_the_account_that_must_own_the_bucket(
    shop: S3Shop, owned: Callable[[], RunDocument]
) -> None:
    """Scenario 30. Delta's client cannot say it; all it does comes after ours have been answered."""
    with shop.faults.during(Rule(act="pass", method="PUT", target=LOG)):
        document = owned()
        seen = shop.faults.seen

    assert document.exit_code == 0, document.errors
    ours = [one for one in seen if "boto" in one.headers["user-agent"].lower()]
    asked = {(re.search(r"/raw/", one.target) is not None, one.headers.get(OWNER)) for one in ours}
    assert asked == {(True, "012345678901"), (False, "123456789012")}
    assert {one.method for one in ours} == {"GET", "PUT"}
    others = [index for index, one in enumerate(seen) if one not in ours]
    assert seen.index(ours[0]) < min(others)


def test_a_bucket_of_another_account_is_refused_before_anything_is_read_or_written(
    shop: S3Shop, owned: Callable[[], RunDocument]
) -> None:
    """Scenario 30: S3 refuses what asks for another owner, and delta-rs has asked for nothing yet."""
    with shop.faults.during(Rule(act="forbid", method=".*", target="", times=None)):
        document = owned()
        seen = shop.faults.seen

    assert document.exit_code == 2
    assert "The bucket must be account 123456789012's, by `bucket_owners`" in document.errors[0].next_step
    assert all(one.headers[OWNER] == "123456789012" for one in seen)
    assert owned().exit_code == 0
    assert shop.rows() == ROWS
