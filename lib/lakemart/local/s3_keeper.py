"""Keeps the objects of moto's in-memory S3 in files, so that staged files outlive a restart of the server.

A publish whose intent is decided is never staged again: its files must be there for whoever finishes it. Each object is
one file: a line of JSON (key, etag, time, metadata), then the body. It is written before the request is answered.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any


class Keeper:
    """Mirrors a moto S3 backend into a folder: `load` once, then `keep` after every request that may have changed it."""

    def __init__(self, backend: Any, folder: Path) -> None:
        self._backend = backend
        self._folder = folder
        self._lock = threading.Lock()
        self._kept: dict[str, dict[str, str]] = {}

    def load(self, region: str) -> None:
        """Puts every kept bucket and object into the backend; unfinished files of a killed server are dropped."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for folder in sorted(path for path in self._folder.iterdir() if path.is_dir()):
            bucket = folder.name
            self._backend.create_bucket(bucket, region)
            self._kept[bucket] = {}
            for file in sorted(folder.iterdir()):
                if file.name.startswith("."):
                    file.unlink()
                else:
                    self._load_object(bucket, file)

    def _load_object(self, bucket: str, file: Path) -> None:
        with file.open("rb") as stream:
            head = json.loads(stream.readline())
            body = stream.read()
        stored = self._backend.put_object(bucket, head["key"], body, etag=head["etag"], disable_notification=True)
        stored.last_modified = datetime.fromisoformat(head["modified"])
        stored.set_metadata(head["metadata"], replace=True)
        self._kept[bucket][head["key"]] = head["mark"]

    def keep(self, bucket: str, key: str) -> None:
        """Brings the files up to the backend's state: of one object, or with an empty `key` of the whole bucket."""
        with self._lock:
            if bucket not in self._backend.buckets:
                self._drop_bucket(bucket)
                return
            if bucket not in self._kept:
                (self._folder / bucket).mkdir(exist_ok=True)
                self._kept[bucket] = {}
            for name in [key] if key else self._names(bucket):
                self._keep_object(bucket, name)

    def _names(self, bucket: str) -> Iterable[str]:
        return {*self._kept[bucket], *self._backend.buckets[bucket].keys}

    def _keep_object(self, bucket: str, key: str) -> None:
        stored = self._backend.buckets[bucket].keys.get(key)
        file = self._folder / bucket / hashlib.sha256(key.encode()).hexdigest()
        if stored is None:
            file.unlink(missing_ok=True)
            self._kept[bucket].pop(key, None)
            return
        mark = f"{stored.etag} {stored.last_modified.isoformat()}"
        if self._kept[bucket].get(key) == mark:
            return
        head = {
            "key": key,
            "etag": stored.etag.strip('"'),
            "modified": stored.last_modified.isoformat(),
            "metadata": dict(stored.metadata),
            "mark": mark,
        }
        temporary = file.with_name(f".{file.name}.{os.getpid()}")
        with temporary.open("wb") as stream:
            stream.write(json.dumps(head).encode() + b"\n")
            stream.write(stored.value)
        temporary.replace(file)
        self._kept[bucket][key] = mark

    def _drop_bucket(self, bucket: str) -> None:
        if self._kept.pop(bucket, None) is not None:
            for file in (self._folder / bucket).iterdir():
                file.unlink()
            (self._folder / bucket).rmdir()
