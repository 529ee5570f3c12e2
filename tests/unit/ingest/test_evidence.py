"""The raw bytes of rejects come back exactly, sealed or not, in the table or beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakemart.errors import ConfigError
from lakemart.ingest import evidence
from lakemart.ingest.evidence import CIPHER, Evidence, read_evidence, seal, unseal
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location


@given(st.binary(max_size=200), st.binary(min_size=1, max_size=40))
def test_what_is_sealed_comes_back_under_its_key_only(raw: bytes, key: bytes) -> None:
    sealed = seal(raw, key)

    assert unseal(sealed, key) == raw
    with pytest.raises(ConfigError, match="another key"):
        unseal(sealed, key + b"!")


@pytest.mark.parametrize("key", [None, b"a key"])
def test_ranges_of_an_object_lie_in_side_objects_and_come_back_exactly(
    tmp_path: Path, key: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "PART_BYTES", 1000)
    store = open_store(Location(uri=str(tmp_path)))
    data = os.urandom(10_000)
    blocks = [data[at : at + 777] for at in range(0, len(data), 777)]
    kept = Evidence(store=store, stem="_raw/x", key=key)
    ranges = [(5, 2500), (2505, 10), (9000, 1000)]

    kept.keep(blocks, ranges)

    for offset, length in ranges:
        row = {"raw": None, "raw_object": kept.place(offset), "cipher": CIPHER if key else None}
        assert b"".join(read_evidence(store, row, key)) == data[offset : offset + length]
    stored = b"".join(store.read(info.key)[0] for info in store.list())
    assert (data[5:500] in stored) is (key is None)


def test_the_columns_say_where_the_bytes_are_and_how_they_are_kept(tmp_path: Path) -> None:
    rejects = pa.record_batch({"offset": pa.array([0, 9]), "raw": pa.array([b"clear", None], pa.binary())})
    store = open_store(Location(uri=str(tmp_path)))

    clear = Evidence(store=store, stem="s", key=None).columns(rejects)
    sealed = Evidence(store=store, stem="s", key=b"k").columns(rejects)

    assert clear["raw"].to_pylist() == [b"clear", None]
    assert clear["raw_object"].to_pylist() == [None, "s/9"]
    assert clear["cipher"].to_pylist() == [None, None]
    assert unseal(sealed["raw"][0].as_py(), b"k") == b"clear"
    assert sealed["cipher"].to_pylist() == [CIPHER, CIPHER]


def test_sealed_bytes_are_not_given_without_a_key(tmp_path: Path) -> None:
    row = {"raw": seal(b"x", b"k"), "raw_object": None, "cipher": CIPHER}

    with pytest.raises(ConfigError, match="sealed"):
        list(read_evidence(open_store(Location(uri=str(tmp_path))), row, None))
