"""The stories that faults are put into: where each begins, the command that is disturbed, and the steps it passes."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from crash.nursery import Ended, Nursery
from crash.project import Servers, land, rewrite
from e2e.shop import NO_SHOP, SECOND, THIRD, lines, order

AROUND = ("lease.take", "lease.renew", "ledger.project", "lease.release")
"""What every run passes, whatever it does."""

FRAME = (*AROUND, "plan.write", "decision.write", "done.write")
"""What every number of a run passes."""

BATCH = (*FRAME, "ingest.files", "lake.commit")
BUILD = (*FRAME, "build.files", "lake.commit")
LOAD = (*FRAME, "warehouse.prepare", "warehouse.replace", "warehouse.commit")
COPIED = (*LOAD, "publish.stage", "warehouse.copy")
QUARANTINED = "\"column\" = 'shop'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A project at the beginning of a story, what runs it, where it publishes, and the Spark that builds it."""

    folder: Path
    run: Nursery
    servers: Servers | None = None
    spark: Mapping[str, str] | None = None
    later: Path | None = None
    """The project of a built model after its second build."""

    def does(self, act: str, *faults: str, **more: Any) -> Ended:
        """How an act ended, whatever happened to it."""
        return self.run(self.folder, act, *faults, servers=self.servers, spark=self.spark, **more)

    def done(self, act: str, *faults: str) -> Ended:
        """How an act ended that nothing but the faults may disturb."""
        ended = self.does(act, *faults)
        assert faults or not ended.said.get("document", {}).get("errors"), ended.said
        assert "failed" not in ended.said, ended.said["failed"]
        return ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Tale:
    """One story. `act` is the command; `begin` makes the beginning, once. `published`: it begins with a mart that is there."""

    act: str
    steps: tuple[str, ...]
    begin: Callable[[Place], None] = lambda _: None
    model: Literal["none", "written", "built"] = "none"
    publishes: bool = False
    published: bool = False
    needs_spark: bool = False


def _ingested(place: Place) -> None:
    place.done("run")


def _overwritten(place: Place) -> None:
    """The first object is gone over by another, whose duplicates' winners are gone; a third one is new."""
    rewrite(place.folder, "sources/orders.yaml", '"*.ndjson*"', '"*.ndjson*", overwritten: replace')
    place.done("run")
    land(place.folder, "2024-05-01.ndjson", lines(order(1), order(7), order(7, amount=3), NO_SHOP))
    land(place.folder, "2024-05-20.ndjson", lines(order(30, THIRD), order(11, SECOND)))


def _mended(place: Place) -> None:
    """What was rejected for want of a shop is good by today's contract."""
    place.done("run")
    rewrite(place.folder, "sources/orders.yaml", "path: shop, type: string, required: true", "path: shop, type: string")


def _damaged(place: Place) -> None:
    place.done("run")
    whole = gzip.compress(lines(*(order(number) for number in range(40, 60))), mtime=0)
    land(place.folder, "damaged.ndjson.gz", whole[:-4])
    place.does("run")


def _small_files(place: Place) -> None:
    for number in range(3):
        land(place.folder, f"more-{number}.ndjson", lines(order(60 + number), order(90 + number, shop=None)))
        place.done("run")


def _vandalised(place: Place) -> None:
    place.done("run")
    place.done("vandal orders id = 'o1'")


def _vandalised_between(place: Place) -> None:
    """A batch is committed to one table; before it reaches the next, somebody changes that one."""
    place.done("run")
    land(place.folder, "next.ndjson", lines(order(50), order(51, shop=None)))
    place.done("run", "lake.commit:after:kill:1")
    place.done(f"vandal orders_quarantine {QUARANTINED}")


def _not_published(place: Place) -> None:
    path = place.folder / "models" / "daily.yaml"
    path.write_text(path.read_text(encoding="utf-8").partition("publish:")[0], encoding="utf-8")
    place.done("ingest")


def late_order(folder: Path) -> None:
    """Orders of a day that is built and of one that is not."""
    land(folder, "late.ndjson", lines(order(70), order(71, THIRD, shop="south")))


def _not_published_and_late(place: Place) -> None:
    late_order(place.folder)
    _not_published(place)


def _published(place: Place) -> None:
    """Published at the model's first build; then the lake goes on to its second one."""
    place.done("run")
    assert place.later is not None
    tables = shutil.ignore_patterns("tables")  # of the ledger: they are made from its objects
    shutil.copytree(place.later / "lake", place.folder / "lake", dirs_exist_ok=True, ignore=tables)
    late_order(place.folder)


def _kept_short(place: Place) -> None:
    place.done("run")
    place.done("maintain")  # so that nothing is left to compact
    rewrite(place.folder, "models/daily.yaml", "sortkey: [day]", "sortkey: [day]\n  retain: 30 days")


TALES = {
    "new": Tale(act="run", steps=BATCH),
    "replace": Tale(act="run", steps=BATCH, begin=_overwritten),
    "replay": Tale(act="replay", steps=BATCH, begin=_mended),
    "backfill": Tale(act="backfill", steps=BATCH, begin=_mended),
    "accept": Tale(act="accept", steps=BATCH, begin=_damaged),
    "compact": Tale(act="maintain", steps=(*FRAME, "compact.files", "lake.commit"), begin=_small_files),
    "adopt": Tale(act="adopt", steps=(*FRAME, "lake.commit"), begin=_vandalised),
    "rebase": Tale(act="adopt_quarantine", steps=(*FRAME, "rebase.write", "lake.commit"), begin=_vandalised_between),
    "rebuild": Tale(
        act="rebuild", steps=("lease.take", "lease.renew", "ledger.rebuild", "lease.release"), begin=_ingested
    ),
    "publish": Tale(act="run", steps=COPIED, model="built", publishes=True),
    "republish": Tale(act="run", steps=COPIED, begin=_published, model="built", publishes=True, published=True),
    "retain": Tale(act="maintain", steps=LOAD, begin=_kept_short, model="built", publishes=True, published=True),
    "build": Tale(act="run", steps=BUILD, begin=_not_published, model="written", needs_spark=True),
    "build again": Tale(act="run", steps=BUILD, begin=_not_published_and_late, model="built", needs_spark=True),
}
