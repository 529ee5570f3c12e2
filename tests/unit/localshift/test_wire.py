from __future__ import annotations

import asyncio
import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localshift import wire
from localshift.errors import FatalError

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def read(data: bytes, *, from_client: bool = True) -> wire.Message:
    async def run() -> wire.Message:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return await wire.read_message(reader, from_client=from_client)

    return asyncio.run(run())


@given(kind=st.sampled_from([b"Q", b"P", b"B", b"X"]), body=st.binary(max_size=200))
def test_a_message_reads_back_as_written(kind: bytes, body: bytes) -> None:
    assert read(wire.message(kind, body)) == wire.Message(kind, body)


@given(st.dictionaries(TEXT.filter(bool), TEXT, max_size=5))
def test_start_up_parameters_read_back_as_written(parameters: dict[str, str]) -> None:
    packet = wire.startup_message(parameters)

    assert wire.parse_parameters(packet[8:]) == parameters


@given(st.binary(max_size=100))
def test_any_bytes_as_start_up_parameters_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(FatalError):
        assert wire.parse_parameters(body) is not None


@pytest.mark.parametrize("data", [b"\0\0\0\0\4", b"Q\0\0\0\2", b"Q\x7f\xff\xff\xff"])
def test_impossible_messages_are_refused_before_they_are_read(data: bytes) -> None:
    with pytest.raises(FatalError):
        read(data)


def test_error_fields_read_back_as_written_without_zero_bytes() -> None:
    packet = wire.error_response({"S": "ERROR", "C": "42601", "M": "a\0b"})

    assert wire.parse_fields(packet[5:]) == {"S": "ERROR", "C": "42601", "M": "ab"}


def test_a_data_row_tells_null_from_empty() -> None:
    assert wire.parse_data_row(struct.pack("!Hii", 2, -1, 0)) == [None, ""]


def test_a_row_description_changes_only_the_wanted_type() -> None:
    def column(name: str, oid: int) -> bytes:
        return name.encode() + b"\0" + struct.pack("!IHIhih", 0, 0, oid, -1, -1, 0)

    body = struct.pack("!H", 2) + column("a", 3802) + column("b", 25)

    assert wire.with_type(body, 3802, 4000) == struct.pack("!H", 2) + column("a", 4000) + column("b", 25)
