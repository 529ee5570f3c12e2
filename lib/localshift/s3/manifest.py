"""Manifests: the list of files a COPY reads and an UNLOAD leaves."""

from __future__ import annotations

import json
from collections.abc import Sequence

from localshift.errors import INTERNAL, SqlError, internal_detail
from localshift.s3.objects import Bucket, Entry
from localshift.transfers import MovedFile

NAMES = {"jsonb": "super", "bytea": "binary varying"}


def read_manifest(bucket: Bucket, url: str, *, columnar: bool) -> list[Entry]:
    """Return the entries of a manifest; SqlError when it is none, or lacks the `content_length` columnar files need."""
    body = bucket.read(url)
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as exc:
        packed = body[:2] == b"\x1f\x8b"
        raise _invalid(url, "it is compressed with gzip" if packed else f"it is not JSON: {_reason(exc)}") from exc
    items = document.get("entries") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise _invalid(url, 'it is not an object with a list "entries"')
    return [_entry(item, url, columnar=columnar) for item in items]


def _reason(exc: Exception) -> str:
    # What UnicodeDecodeError says of itself holds all of the text.
    return str(exc) if isinstance(exc, json.JSONDecodeError) else "bytes that are no UTF-8, or nested too deep"


def _invalid(url: str, why: str) -> SqlError:
    return SqlError(INTERNAL, f"The manifest {url} is not valid: {why}")


def _entry(item: object, url: str, *, columnar: bool) -> Entry:
    if not isinstance(item, dict):
        raise _invalid(url, f"an entry is not an object: {json.dumps(item)[:100]}")
    target, mandatory, meta = item.get("url"), item.get("mandatory", False), item.get("meta")
    if not isinstance(target, str) or not target.startswith("s3://") or not isinstance(mandatory, bool):
        raise _invalid(url, f"an entry has no s3:// url or a wrong mandatory flag: {json.dumps(item)[:200]}")
    length = meta.get("content_length") if isinstance(meta, dict) else None
    if isinstance(length, int) and not isinstance(length, bool):
        return Entry(url=target, mandatory=mandatory, length=length)
    if columnar:
        why = internal_detail("Missing content_length", 8001, "COPY from columnar formats needs meta.content_length")
        raise SqlError(INTERNAL, f"Missing content_length in manifest {url} for {target}", detail=why)
    return Entry(url=target, mandatory=mandatory, length=None)


def unload_manifest(files: Sequence[MovedFile], schema: Sequence[tuple[str, str]] | None) -> bytes:
    """Return the manifest of an UNLOAD; with a schema of (name, type) it is the verbose one."""
    entries: list[dict[str, object]] = []
    for file in files:
        meta = {"content_length": file.size} | ({"record_count": file.lines} if schema is not None else {})
        entries.append({"url": file.url, "meta": meta})
    document: dict[str, object] = {"entries": entries}
    if schema is not None:
        document["schema"] = {"elements": [{"name": name, "type": _described(kind)} for name, kind in schema]}
        document["meta"] = {
            "content_length": sum(file.size for file in files),
            "record_count": sum(file.lines for file in files),
        }
        document["author"] = {"name": "Amazon Redshift", "version": "1.0.0"}
    return json.dumps(document, indent=2).encode()


def _described(kind: str) -> dict[str, object]:
    base, _, rest = kind.partition("(")
    sizes, _, zone = rest.partition(")")
    described: dict[str, object] = {"base": NAMES.get(base, base + zone)}
    numbers = [int(number) for number in sizes.split(",") if number.isdigit()]
    if base == "numeric" and len(numbers) == 2:
        described |= {"precision": numbers[0], "scale": numbers[1]}
    elif numbers:
        described["max_length"] = numbers[0]
    return described
