"""The raw bytes of rejected records as the quarantine keeps them: exact, sealed where they may hold personal data.

Records too long to stand in a table lie in side objects beside it, in parts; `read_evidence` gives the bytes of either.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lakemart.contract.table import Feed
from lakemart.errors import ConfigError
from lakemart.storage.store import Store

CIPHER = "aes-256-gcm"
"""What the column `cipher` of the quarantine says of sealed bytes: a nonce of 12 bytes, then the text with its tag."""

PART_BYTES = 16 * 1024 * 1024
_NONCE_BYTES = 12
_FOLDER = "_raw"


def is_personal(feed: Feed) -> bool:
    """Whether records of the feed may hold personal data, so that their raw bytes are sealed."""
    return any(column.pii is not None for contract in feed.tables for column in contract.columns)


def seal(raw: bytes, key: bytes) -> bytes:
    """The bytes, sealed under a key derived from the source's: a re-run seals them differently."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(_derived(key)).encrypt(nonce, raw, None)


def unseal(sealed: bytes, key: bytes) -> bytes:
    """The bytes that `seal` took. Raises ConfigError under another key."""
    try:
        return AESGCM(_derived(key)).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
    except InvalidTag as error:
        raise ConfigError(
            "the quarantine was sealed under another key",
            next_step="Let the source's pii_key name the key of that time.",
        ) from error


def _derived(key: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"lakemart quarantine").derive(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where a task keeps raw bytes: the quarantine's store, a name used once, and the key when they are sealed."""

    store: Store
    stem: str
    key: bytes | None

    @classmethod
    def of(cls, store: Store, feed: Feed, number: int, key: bytes | None) -> Evidence:
        """The place for one execution of a task of batch `number`."""
        return cls(
            store=store, stem=f"{_FOLDER}/{number:010d}-{uuid.uuid4().hex[:16]}", key=key if is_personal(feed) else None
        )

    def columns(self, rejects: pa.RecordBatch) -> dict[str, pa.Array]:
        """The quarantine's columns `raw`, `raw_object` and `cipher` for the decoder's rejects."""
        raws = rejects.column("raw")
        places = [
            None if raw.is_valid else self.place(offset.as_py())
            for raw, offset in zip(raws, rejects.column("offset"), strict=True)
        ]
        if self.key is not None:
            raws = pa.array([seal(raw.as_py(), self.key) if raw.is_valid else None for raw in raws], pa.binary())
        cipher = pa.repeat(pa.scalar(CIPHER if self.key is not None else None, pa.string()), rejects.num_rows)
        return {"raw": raws, "raw_object": pa.array(places, pa.string()), "cipher": cipher}

    def place(self, offset: int) -> str:
        """The folder of the side object for the record at an offset."""
        return f"{self.stem}/{offset}"

    def keep(self, blocks: Iterable[bytes], ranges: Sequence[tuple[int, int]]) -> None:
        """Copies byte ranges (offset, length; in order) of a decompressed object into side objects, part by part."""
        for offset, pieces in _cut(blocks, ranges):
            for number, part in enumerate(_parts(pieces)):
                data = part if self.key is None else seal(part, self.key)
                self.store.write(f"{self.place(offset)}/{number:06d}", data)


def read_evidence(store: Store, row: dict[str, Any], key: bytes | None) -> Iterator[bytes]:
    """The exact bytes of a quarantined record, in pieces. Raises ConfigError when they are sealed and there is no key."""
    if row["cipher"] is not None and key is None:
        raise ConfigError(
            "the quarantine is sealed", next_step="Let the source's pii_key name its key, and export again."
        )
    stored = (
        [row["raw"]]
        if row["raw"] is not None
        else (store.read(part)[0] for part, _ in store.sizes(f"{row['raw_object']}/"))
    )
    for piece in stored:
        yield piece if row["cipher"] is None or key is None else unseal(piece, key)


def _cut(blocks: Iterable[bytes], ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[int, Iterator[bytes]]]:
    """The pieces of each range, in one pass; a range must be consumed before the next is asked for."""
    stream = iter(blocks)
    held, at = b"", 0
    for offset, length in ranges:
        while at + len(held) <= offset:
            at += len(held)
            held = next(stream)
        held, at = held[offset - at :], offset

        def pieces(wanted: int = length) -> Iterator[bytes]:
            nonlocal held, at
            while wanted:
                piece = held[:wanted]
                wanted -= len(piece)
                held, at = held[len(piece) :], at + len(piece)
                yield piece
                if wanted and not held:
                    held = next(stream)

        yield offset, pieces()


def _parts(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces gathered into parts of a bounded size."""
    pending = bytearray()
    for piece in pieces:
        pending += piece
        while len(pending) >= PART_BYTES:
            yield bytes(pending[:PART_BYTES])
            del pending[:PART_BYTES]
    if pending:
        yield bytes(pending)
