from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from localshift.errors import SqlError
from localshift.loading.files import MAX_ROW, open_lines
from localshift.loading.reading import Compression, Reading


def zstd(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


COMPRESS = {"": bytes, "gzip": gzip.compress, "bz2": bz2.compress, "zstd": zstd}


def read(path: Path, data: bytes, **options: object) -> list[str]:
    file = path / "file"
    file.write_bytes(data)
    with open_lines(file, "s3://b/k", Reading(**options)) as lines:  # type: ignore[arg-type]
        return list(lines)


@pytest.mark.parametrize("compression", COMPRESS)
def test_files_put_together_of_several_are_read_to_their_end(compression: Compression, tmp_path: Path) -> None:
    pack = COMPRESS[compression]
    data = pack(b"one\ntw") + pack(b"o\nthree")

    assert read(tmp_path, data, compression=compression) == ["one\n", "two\n", "three"]


@pytest.mark.parametrize("compression", COMPRESS)
def test_an_empty_file_has_no_lines(compression: Compression, tmp_path: Path) -> None:
    assert read(tmp_path, b"", compression=compression) == []


@pytest.mark.parametrize("compression", ["gzip", "bz2", "zstd"])
@pytest.mark.parametrize("damage", ["cut", "plain"])
def test_a_damaged_file_is_an_error(compression: Compression, damage: str, tmp_path: Path) -> None:
    whole = COMPRESS[compression](bytes(range(256)) * 1000)

    with pytest.raises(SqlError, match="failed to inflate"):
        read(tmp_path, whole[: len(whole) // 2] if damage == "cut" else b"plain\ntext", compression=compression)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "iso-8859-1"])
def test_an_encoding_is_decoded(encoding: str, tmp_path: Path) -> None:
    assert read(tmp_path, "é\nb\n".encode(encoding), encoding=encoding) == ["é\n", "b\n"]


@pytest.mark.parametrize("data", [b"ab", b"\xff\xfe\x00\xd8a\x00"])
def test_utf_16_without_its_mark_or_with_half_a_pair_is_an_error(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(SqlError, match="encoding"):
        read(tmp_path, data, encoding="utf-16")


def test_bytes_that_are_no_utf_8_come_one_by_one(tmp_path: Path) -> None:
    assert read(tmp_path, b"a\xe2\x82z\n") == ["a\udce2\udc82z\n"]


def test_a_line_of_more_than_a_row_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SqlError, match="exceeds the maximum size"):
        read(tmp_path, b"x" * (MAX_ROW + 1))
