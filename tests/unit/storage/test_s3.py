"""What is S3's own: answers that are lost, refusals, buckets that are not there."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, HTTPClientError, NoCredentialsError, ReadTimeoutError

from lakemart.errors import ConfigError, TransientError
from lakemart.storage.s3 import S3Store
from lakemart.storage.store import (
    BrokenTransferError,
    ForbiddenObjectError,
    Location,
    MissingObjectError,
    S3Settings,
    UnknownOutcomeError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def store(s3_location: Location) -> S3Store:
    return S3Store(s3_location)


@contextmanager
def hook(store: S3Store, event: str, handler: Callable[..., Any]) -> Iterator[None]:
    """`handler` at every `event` of the store's client."""
    events = store._client.meta.events
    events.register(event, handler)
    try:
        yield
    finally:
        events.unregister(event, handler)


def answer_lost(**_: object) -> None:
    """The request was done; its answer did not come."""
    raise ConnectionClosedError(endpoint_url="http://s3")


def request_lost(**_: object) -> None:
    """The request never arrived."""
    raise HTTPClientError(error="no route")


def answering(status: int, code: str) -> Callable[..., AWSResponse]:
    """S3 answering with an error and doing nothing."""
    body = f"<Error><Code>{code}</Code><Message>said</Message></Error>".encode()

    class Raw:
        def stream(self) -> Iterator[bytes]:
            yield body

    return lambda request, **_: AWSResponse(request.url, status, {}, Raw())


def test_a_put_whose_answer_was_lost_is_read_back_as_done(store: S3Store) -> None:
    with hook(store, "after-call.s3.PutObject", answer_lost):
        assert store.put_if_absent("k", b"mine")
        assert store.put_if_match("k", b"mine too", store.read("k")[1])

    assert store.read("k")[0] == b"mine too"


def test_a_put_refused_because_its_own_retry_was_first_is_done(store: S3Store) -> None:
    store.write("k", b"mine")

    assert store.put_if_absent("k", b"mine")


def test_a_put_that_never_arrived_is_unknown_not_refused(store: S3Store) -> None:
    unknown = pytest.raises(UnknownOutcomeError, match="cannot tell whether 'k' was written")
    with hook(store, "before-send.s3.PutObject", request_lost), unknown:
        store.put_if_absent("k", b"mine")

    with pytest.raises(MissingObjectError):
        store.read("k")


def test_a_put_whose_reading_back_fails_too_is_unknown(store: S3Store) -> None:
    with (
        hook(store, "after-call.s3.PutObject", answer_lost),
        hook(store, "before-send.s3.GetObject", request_lost),
        pytest.raises(UnknownOutcomeError),
    ):
        store.put_if_absent("k", b"mine")

    assert store.put_if_absent("k", b"mine"), "the next try finds it"


def test_a_refusal_whose_reading_back_fails_is_unknown_for_it_may_answer_our_own_retry(store: S3Store) -> None:
    store.write("k", b"mine")
    with hook(store, "before-send.s3.GetObject", request_lost), pytest.raises(UnknownOutcomeError):
        store.put_if_absent("k", b"mine")


def test_a_conflict_with_a_put_at_work_is_not_taken_for_a_lost_race(store: S3Store) -> None:
    conflict = answering(409, "ConditionalRequestConflict")
    with hook(store, "before-send.s3.PutObject", conflict), pytest.raises(UnknownOutcomeError):
        store.put_if_absent("k", b"mine")


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (403, "AccessDenied", "may not write 'k'"),
        (403, "SignatureDoesNotMatch", "does not accept the credentials"),
        (404, "NoSuchBucket", "there is no bucket 'unit'"),
    ],
)
def test_a_put_that_may_not_be_is_the_projects_fault(store: S3Store, status: int, code: str, message: str) -> None:
    with hook(store, "before-send.s3", answering(status, code)):
        for put in (
            lambda: store.put_if_absent("k", b""),
            lambda: store.put_if_match("k", b"", "e"),
            lambda: store.write("k", b""),
        ):
            with pytest.raises(ConfigError, match=message):
                put()


def test_an_object_that_may_not_be_read_stops_that_object_only(store: S3Store) -> None:
    store.write("k", b"x")
    with hook(store, "before-send.s3.GetObject", answering(403, "AccessDenied")):
        with pytest.raises(ForbiddenObjectError, match="'k' may not be read"):
            store.read("k")
        with pytest.raises(ForbiddenObjectError, match="'k' may not be read"):
            list(store.blocks("k"))


def test_a_listing_that_may_not_be_is_the_projects_fault(store: S3Store) -> None:
    with (
        hook(store, "before-send.s3", answering(403, "AccessDenied")),
        pytest.raises(ConfigError, match="may not list"),
    ):
        list(store.list())


def test_a_missing_bucket_is_the_projects_fault(s3_settings: S3Settings) -> None:
    nowhere = S3Store(Location(uri="s3://not-there/x", s3=s3_settings))

    for use in (
        lambda: list(nowhere.list()),
        lambda: nowhere.read("k"),
        lambda: nowhere.put_if_absent("k", b""),
        lambda: nowhere.delete("k"),
    ):
        with pytest.raises(ConfigError, match="there is no bucket 'not-there'"):
            use()


def test_no_credentials_are_the_projects_fault(store: S3Store) -> None:
    def none(**_: object) -> None:
        raise NoCredentialsError

    with hook(store, "before-send.s3", none):
        for use in (lambda: store.read("k"), lambda: store.put_if_absent("k", b""), lambda: list(store.list())):
            with pytest.raises(ConfigError, match="does not accept the credentials"):
                use()


def test_a_server_that_fails_twice_is_asked_again(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    answers = [answering(503, "SlowDown"), answering(503, "SlowDown")]

    def twice(request: Any, **more: object) -> AWSResponse | None:
        return answers.pop()(request, **more) if answers else None

    with hook(store, "before-send.s3.PutObject", twice):
        assert store.put_if_absent("k", b"mine")


def test_a_server_that_fails_for_ever_is_a_transient_error(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    with hook(store, "before-send.s3", answering(503, "SlowDown")):
        for use in (
            lambda: store.read("k"),
            lambda: store.write("k", b""),
            lambda: store.put_if_absent("k", b""),
            lambda: list(store.list()),
        ):
            with pytest.raises(TransientError):
                use()


def test_a_transfer_that_breaks_off_is_a_transient_error(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("k", b"x" * 3_000_000)

    def broken(**_: object) -> None:
        raise ReadTimeoutError(endpoint_url="http://s3")

    monkeypatch.setattr("botocore.response.StreamingBody.read", lambda self, amt=None: broken())

    monkeypatch.setattr("lakemart.storage.s3._PAUSE", 0)
    with pytest.raises(BrokenTransferError, match="transfer of 'k' broke off 5 times"):
        list(store.blocks("k"))


def test_a_transfer_shorter_than_promised_is_a_transient_error(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("k", b"x" * 100)
    from urllib3.response import HTTPResponse  # noqa: PLC0415 - only here

    whole = HTTPResponse.read

    def cut(self: HTTPResponse, amt: int | None = None, **more: Any) -> bytes:
        return whole(self, amt, **more)[:10]

    monkeypatch.setattr(HTTPResponse, "read", cut)

    monkeypatch.setattr("lakemart.storage.s3._PAUSE", 0)
    with pytest.raises(BrokenTransferError, match="transfer of 'k' broke off 5 times"):
        list(store.blocks("k"))


def test_a_transfer_that_breaks_off_is_taken_up_where_it_broke(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytes(range(100))
    store.write("k", content)
    from urllib3.response import HTTPResponse  # noqa: PLC0415 - only here

    whole = HTTPResponse.read

    def cut(self: HTTPResponse, amt: int | None = None, **more: Any) -> bytes:
        return whole(self, amt, **more)[:40]

    monkeypatch.setattr(HTTPResponse, "read", cut)
    monkeypatch.setattr("lakemart.storage.s3._PAUSE", 0)

    assert b"".join(store.blocks("k")) == content
    assert store.read("k")[0] == content
