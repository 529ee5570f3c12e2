"""The small immutable objects of a writer's numbers: plan, decision, done. Written once, never changed, never deleted.

They lie under `_ledger/<writer>/<number>/` in the lake. `Head` is what a writer's newest number has come to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lakemart.errors import DataError
from lakemart.storage.store import MissingObjectError, Store

FORMAT = 1
"""The version of the state this code writes and reads. A higher one is refused, a lower one is migrated on reading."""

Json = dict[str, Any]
Part = str
"""`plan`, `decision`, `done`; or `rebase-<k>`, by a person's word: see the README of this room."""
ROOT = "_ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One number of a writer as the ledger holds it; `decision` and `done` are None while they are not written."""

    writer: str
    number: int
    plan: Json
    decision: Json | None = None
    done: Json | None = None

    @property
    def refused(self) -> bool:
        """Whether nothing of the number was or will be committed: by its decision, or because it was voided later."""
        return self.voided or (self.decision is not None and self.decision["kind"] == "refusal")

    @property
    def voided(self) -> bool:
        """Whether the intent was given up by a person's word, for a foreign commit keeps it from ever being committed."""
        return self.done is not None and "void" in self.done

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the number was refused; empty when it was not."""
        if self.voided and self.done is not None:
            return (str(self.done["void"]),)
        return tuple((self.decision or {}).get("reasons", ()))

    @property
    def stops(self) -> bool:
        """Whether its refusal stops the writer for this run: a gate stopped bad data."""
        return self.refused and bool((self.decision or {}).get("stops", False))

    @property
    def closed(self) -> bool:
        """Whether nothing is left to do for this number."""
        return self.done is not None or self.refused

    @property
    def committed(self) -> bool:
        """Whether this number's change is visible, and its `done` says in which versions."""
        return self.done is not None and not self.voided


def numbers(store: Store, writer: str, *, after: int = 0) -> Iterator[Record]:
    """Every number of the writer above `after`, in order, each with what is there of it.

    Raises DataError naming the object when one is torn, empty, missing among later ones, or of a newer format.
    """
    for number, names in _listed(store, writer, after).items():
        yield _record(store, writer, number, names)


def writers(store: Store) -> list[str]:
    """Every writer that the ledger has a number of, those among them that the project has no more, in order."""
    return [f"{kind}/{name}" for kind in ("mart", "model", "source") for name in _below(store, f"{ROOT}/{kind}/")]


def _below(store: Store, prefix: str) -> Iterator[str]:
    """The names of the folders under a prefix that hold a number; what lies in them is skipped, not listed."""
    after = prefix
    while (first := next(store.sizes(prefix, start_after=after), None)) is not None:
        name = first[0].removeprefix(prefix).partition("/")[0]
        if any(_listed_numbers(store, f"{prefix}{name}/")):
            yield name
        after = f"{prefix}{name}/~"


def _listed_numbers(store: Store, prefix: str) -> Iterator[str]:
    for place, _ in store.sizes(prefix):
        folder, _, name = place.removeprefix(prefix).partition("/")
        if folder.isdigit() and name:
            yield folder


def head(store: Store, writer: str) -> Record | None:
    """The writer's newest number, None before the first."""
    listed = _listed(store, writer, 0)
    if not listed:
        return None
    newest = max(listed)
    return _record(store, writer, newest, listed[newest])


def last_committed(store: Store, writer: str) -> Record | None:
    """The writer's last number that committed; refusals and voided numbers count for nothing, as does an open one."""
    listed = _listed(store, writer, 0)
    for number in reversed(listed):
        if "done" in listed[number]:
            record = _record(store, writer, number, listed[number])
            if record.committed:
                return record
    return None


def last_versions(store: Store, writer: str) -> dict[str, int]:
    """The versions in which the writer's last committed number left its tables; empty before the first."""
    record = last_committed(store, writer)
    return dict(record.done["versions"]) if record is not None and record.done is not None else {}


def key(writer: str, number: int, part: Part) -> str:
    """Where a part of a number lies."""
    return f"{ROOT}/{writer}/{number:010d}/{part}.json"


def read_part(store: Store, writer: str, number: int, part: Part) -> Json | None:
    """One part of a number, None when it is not there. Raises DataError when it is torn, empty, or of a newer format."""
    try:
        data = store.read(key(writer, number, part))[0]
    except MissingObjectError:
        return None
    try:
        value = json.loads(data)
    except ValueError as error:
        raise _damaged(writer, number, part, "empty" if not data else "torn") from error
    if not isinstance(value, dict) or value.get("number") != number or value.get("writer") != writer:
        raise _damaged(writer, number, part, "not what its name says")
    if not isinstance(value.get("format"), int):
        raise _damaged(writer, number, part, "without a format")
    if value["format"] > FORMAT:
        raise DataError(
            f"the ledger is of format {value['format']}, this lakemart knows {FORMAT}",
            where=key(writer, number, part),
            next_step="Run a newer lakemart.",
        )
    return value


def write_part(store: Store, writer: str, number: int, part: Part, value: Json) -> bool:
    """Puts a part if it is absent: True when this very content is now there, False when another's is."""
    whole = {"format": FORMAT, "writer": writer, "number": number, **value}
    data = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
    return store.put_if_absent(key(writer, number, part), data)


def _listed(store: Store, writer: str, after: int) -> dict[int, set[str]]:
    """The names of the parts of each number above `after`, in order; every number but the last must be whole."""
    prefix = f"{ROOT}/{writer}/"
    found: dict[int, set[str]] = {}
    for place, size in store.sizes(prefix, start_after=f"{prefix}{after:010d}/~"):
        folder, _, name = place.removeprefix(prefix).partition("/")
        if folder.isdigit() and name.endswith(".json"):
            part = name.removesuffix(".json")
            if size == 0:
                raise _damaged(writer, int(folder), part, "empty")
            found.setdefault(int(folder), set()).add(part)
    newest = max(found, default=0)
    for expected, (number, names) in enumerate(found.items(), start=after + 1):
        wanted: tuple[Part, ...] = ("plan", "decision") if number != newest or "done" in names else ("plan",)
        for part in wanted:
            if number != expected or (part not in names and read_part(store, writer, number, part) is None):
                raise _damaged(writer, expected, part, "missing")
            names.add(part)
        if number != newest and "done" not in names:
            _check_closed(store, writer, number, names)
    return found


def _check_closed(store: Store, writer: str, number: int, names: set[str]) -> None:
    """Of a number that another follows only a refusal has no `done`; there are few, so that their decisions are read."""
    decision = read_part(store, writer, number, "decision")
    if decision is None or decision["kind"] == "refusal":
        return
    if read_part(store, writer, number, "done") is None:  # it may have come since the listing passed
        raise _damaged(writer, number, "done", "missing")
    names.add("done")


def _record(store: Store, writer: str, number: int, names: set[str]) -> Record:
    plan = read_part(store, writer, number, "plan")
    if plan is None:
        raise _damaged(writer, number, "plan", "missing")
    decision = read_part(store, writer, number, "decision") if "decision" in names else None
    done = read_part(store, writer, number, "done") if "done" in names else None
    return Record(writer=writer, number=number, plan=plan, decision=decision, done=done)


def _damaged(writer: str, number: int, part: Part, what: str) -> DataError:
    return DataError(
        f"the ledger's object {key(writer, number, part)!r} is {what}",
        where=f"writer {writer}, number {number}",
        next_step="Restore it from the store's versions or a backup; nothing of this writer is changed until then.",
    )
