"""Manifests: the list of files a COPY reads and an UNLOAD leaves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from localshift.errors import INTERNAL, SqlError, internal_detail
from localshift.s3.objects import Bucket, Entry
from localshift.transfers import MovedFile


def read_manifest(bucket: Bucket, url: str, *, columnar: bool) -> list[Entry]:
    """Return the entries of a manifest; SqlError when it is none, or lacks the `content_length` columnar files need."""
    try:
        document = json.loads(bucket.read(url))
        return [_entry(item, url, columnar=columnar) for item in document["entries"]]
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise SqlError(INTERNAL, f"The manifest {url} is not valid: {exc!r}") from exc


def _entry(item: Mapping[str, object], url: str, *, columnar: bool) -> Entry:
    target, mandatory, meta = item["url"], item.get("mandatory", False), item.get("meta")
    if not isinstance(target, str) or not target.startswith("s3://") or not isinstance(mandatory, bool):
        raise SqlError(
            INTERNAL, f"The manifest {url} is not valid: an entry has no s3:// url or a wrong mandatory flag"
        )
    length = meta.get("content_length") if isinstance(meta, Mapping) else None
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
    described: dict[str, object] = {"base": "super" if base == "jsonb" else base + zone}
    numbers = [int(number) for number in sizes.split(",") if number.isdigit()]
    if base == "numeric" and len(numbers) == 2:
        described |= {"precision": numbers[0], "scale": numbers[1]}
    elif numbers:
        described["max_length"] = numbers[0]
    return described
