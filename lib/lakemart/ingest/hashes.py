"""The 16-byte hash by which keys are compared, equal for equal keys whatever table or batch they came from."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import pyarrow as pa

HASH_BYTES = 16
_DTYPE = np.dtype([("high", ">u8"), ("low", ">u8")])


def key_hashes(rows: pa.Table, key: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """A 128-bit hash for each row without a null in its key, and which rows those are.

    Equal for equal keys whatever table the rows came from: it is taken over the values' canonical texts.
    """
    texts = [rows.column(name).cast(pa.string()).to_pylist() for name in key]
    valid = np.ones(rows.num_rows, dtype=bool)
    hashed = bytearray()
    for index, values in enumerate(zip(*texts, strict=True)):
        if None in values:
            valid[index] = False
            continue
        text = "".join(f"{len(value)}:{value}" for value in values)
        hashed += blake2b(text.encode(), digest_size=HASH_BYTES).digest()
    return np.frombuffer(bytes(hashed), dtype=_DTYPE), valid


def no_hashes() -> np.ndarray:
    """An empty set of hashes."""
    return np.empty(0, dtype=_DTYPE)


def hash_array(hashes: np.ndarray) -> pa.Array:
    """The hashes as a column of bytes."""
    data = hashes.tobytes()
    return pa.array([data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)], pa.binary())


def hashes_of(column: pa.ChunkedArray) -> np.ndarray:
    """The hashes that a column of bytes holds. Nulls are not allowed."""
    return np.frombuffer(b"".join(column.to_pylist()), dtype=_DTYPE)
