"""The mart as a writer: what the protocol asks of it. One number is one publish of some slices at one lake version."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from lakemart.config.model import Model
from lakemart.config.project import Warehouse
from lakemart.errors import DataError, LakemartError
from lakemart.lake.read import Snapshot, snapshot
from lakemart.ledger import records
from lakemart.ledger.protocol import Intent, Refusal
from lakemart.ledger.records import Json, Record
from lakemart.publish.client import Opener, Session, connect
from lakemart.publish.due import AGAIN, GONE, PARTS, WHOLE, due
from lakemart.publish.load import Load, Loaded, ReorderedError, already, load
from lakemart.publish.lost import held_slices, lost
from lakemart.publish.mart import Mart, MartColumn
from lakemart.publish.preflight import LiveColumn, data_faults, in_live_order, planned, structure_faults
from lakemart.publish.prepare import describe
from lakemart.publish.slices import lake_rows, ordered, slices_of
from lakemart.publish.staging import Staging, as_json, stage_slices, unbalanced
from lakemart.publish.unload import Runner, StagedFile, Unloaded, inline, is_staged, prefix, remove_staged
from lakemart.publish.warehouse import Tag, WarehouseTarget, app_version
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MartStage:
    """Publishes one mart. See `ledger.protocol.Stage`; its writer is `mart/<model>`.

    `staging` and `warehouse` are asked for only when something is to be published; `runner` runs the unload's tasks,
    `opener` opens sessions where the warehouse is not to be connected to. `again`: once in this run all of the mart is
    published, whatever is due, for somebody else has changed it.
    """

    model: Model
    project: str
    lake: Location
    staging: Callable[[], Location]
    warehouse: Callable[[], Warehouse]
    run: str
    user: str
    runner: Runner = inline
    opener: Opener | None = None
    again: bool = False

    @property
    def writer(self) -> str:
        """This writer's name in the ledger."""
        return f"mart/{self.model.name}"

    def plan(self, number: int, last: Record | None) -> Json | None:  # noqa: ARG002 - the protocol's shape
        """Freezes the slices to publish, the version of the model's table, and the mart as the project describes it."""
        mart = Mart.of(self.model)
        store = open_store(self.lake)
        before = records.last_committed(store, self.writer)
        after = int(before.done["through"]) if before is not None and before.done is not None else 0
        committed = [
            record for record in records.numbers(store, f"model/{self.model.name}", after=after) if record.committed
        ]
        publish = due(mart, committed, before, partial(self._newest, committed), self._whole(last, before))
        if publish is None:
            return None
        held = held_slices(self.open_sessions(), mart) if publish.slices is not None and publish.why in WHOLE else ()
        return {
            "mart": mart.as_json(),
            "version": publish.version,
            "through": publish.through,
            "slices": None if publish.slices is None else list(ordered({*publish.slices, *held})),
            "settings_changed": publish.settings_changed,
            "why": publish.why,
            "retained_before": before.done.get("retained_before") if before is not None and before.done else None,
        }

    def work(self, number: int, plan: Json) -> Intent | Refusal:
        """Stages the slices of the pinned version, weighed against the lake's counts and the warehouse's table."""
        mart = Mart.from_json(plan["mart"])
        found = self._pinned(plan)
        if found is None:
            reason = f"version {plan['version']} of table {mart.model!r} can no longer be read"
            return Refusal(reasons=(reason,), payload={}, stops=False)
        with closing(self.open_sessions()()) as session:
            live = describe(session, mart)
            if plan["why"] in PARTS and (gone := self._lost(session, mart, is_there=live is not None)):
                return Refusal(reasons=(f"{gone}; all of it is published again",), payload={"gone": True}, stops=False)
        columns = mart.columns if live is None else in_live_order(mart, live)
        live = planned(mart) if live is None else live
        faults = structure_faults(mart.table, columns, live)
        if faults:
            return Refusal(reasons=tuple(map(str, faults)), payload={"mart": mart.as_json()})
        out = self._out(number)
        staging = Staging(columns=columns, live=live, out=out, runner=self.runner)
        unloaded = stage_slices(self.lake, found, plan["slices"], staging)
        promised = lake_rows(found, plan["slices"])
        faults = data_faults(mart.table, unloaded.columns, live)
        reasons = [*unbalanced(promised, dict(unloaded.rows)), *map(str, faults)]
        if reasons:
            remove_staged(out)
            return Refusal(reasons=tuple(reasons), payload={"staged": unloaded.total})
        return Intent(payload=self._intent(columns, promised, unloaded, out))

    def commit(self, number: int, plan: Json, intent: Json) -> Json:
        """Loads the staged files under this number, staging them again first when they are gone or out of order."""
        mart = Mart.from_json(plan["mart"])
        loaded, prefixes = self._load(number, plan, intent)
        for place in prefixes:
            self._clean(place)
        return {
            "mart": plan["mart"],
            "table": str(mart.table),
            "version": plan["version"],
            "through": plan["through"],
            "slices": [] if plan["slices"] is None else plan["slices"],
            "rows": intent["rows"],
            "staged": intent["staged"],
            "copied": loaded.copied,
            "warehouse": loaded.warehouse,
            "retained_before": plan.get("retained_before"),
        }

    def _load(self, number: int, plan: Json, intent: Json) -> tuple[Loaded, list[str]]:
        """The load's outcome, and every prefix that held files for it."""
        opener = self.open_sessions()
        prefixes = [intent["prefix"]]
        if not self._is_standing(intent):
            done = already(opener, self._what(number, plan, intent))
            if done is not None:
                return done, prefixes
            intent = self._staged_anew(number, plan, intent, planned(Mart.from_json(plan["mart"])))
            prefixes.append(intent["prefix"])
        try:
            return load(opener, self._what(number, plan, intent)), prefixes
        except ReorderedError as error:
            intent = self._staged_anew(number, plan, intent, error.live)
            prefixes.append(intent["prefix"])
            return load(opener, self._what(number, plan, intent)), prefixes

    def _what(self, number: int, plan: Json, intent: Json) -> Load:
        mart = Mart.from_json(plan["mart"])
        return Load(
            mart=mart,
            project=self.project,
            number=number,
            columns=tuple(mart.column(name) for name in intent["columns"]),
            slices=slices_of(mart, plan["slices"]),
            staged=intent["staged"],
            manifest=intent["manifest"],
            iam_role=self.warehouse().iam_role,
            content_hash=intent["content_hash"],
            lake_table=mart.model,
            lake_version=plan["version"],
            run=self.run,
            settings_changed=plan["settings_changed"],
        )

    def _whole(self, last: Record | None, before: Record | None) -> str | None:
        """Why all of the mart is due, if it is: the last number found no table, or this run was asked to and has not yet."""
        if last is not None and last.refused and (last.decision or {}).get("gone"):
            return GONE
        did = before is not None and before.plan.get("why") == AGAIN and before.plan.get("run") == self.run
        return AGAIN if self.again and not did else None

    def _lost(self, session: Session, mart: Mart, *, is_there: bool) -> str | None:
        before = records.last_committed(open_store(self.lake), self.writer)
        number = before.number if before is not None else 0
        return lost(session, mart, project=self.project, number=number, is_there=is_there)

    def _newest(self, committed: Sequence[Record]) -> Snapshot | None:
        """The model's table at its last committed version; `committed` are its numbers if they were read already."""
        done = committed[-1].done if committed else None
        version = done["versions"].get(self.model.name) if done else self._committed_version()
        return None if version is None else snapshot(self.lake, self.model.name, version)

    def _committed_version(self) -> int | None:
        return records.last_versions(open_store(self.lake), f"model/{self.model.name}").get(self.model.name)

    def _pinned(self, plan: Json) -> Snapshot | None:
        """The model's table as planned; None when that version is gone and the model has gone on to another one."""
        try:
            found = snapshot(self.lake, self.model.name, plan["version"])
        except DataError:
            if self._committed_version() == plan["version"]:
                raise
            return None
        return found

    def _intent(
        self, columns: Sequence[MartColumn], rows: dict[str | None, int], unloaded: Unloaded, out: Location
    ) -> Json:
        counted = {**rows, **dict(unloaded.rows)}
        return {
            "columns": [column.name for column in columns],
            "rows": sum(rows.values()),
            "staged": unloaded.total,
            "slice_rows": [[value, count] for value, count in counted.items()],
            **as_json(unloaded, out),
        }

    def _is_standing(self, intent: Json) -> bool:
        """Whether the intent's files can still be copied; an intent without files always can."""
        if not intent["files"]:
            return True
        place = Location(uri=intent["prefix"], s3=self.staging().s3)
        return is_staged(place, [StagedFile(**file) for file in intent["files"]])

    def _staged_anew(self, number: int, plan: Json, intent: Json, live: tuple[LiveColumn, ...]) -> Json:
        """The intent with its rows staged anew under another prefix, from the pinned version, in the order of `live`.

        Raises DataError when that does not give the same rows of every slice as the intent froze.
        """
        columns = in_live_order(Mart.from_json(plan["mart"]), live)
        found = self._pinned(plan)
        out = self._out(number)
        staging = Staging(columns=columns, live=live, out=out, runner=self.runner)
        again = stage_slices(self.lake, found, plan["slices"], staging) if found else None
        counts = {value: count for value, count in intent["slice_rows"] if count}
        if again is None or {value: count for value, count in again.rows if count} != counts:
            raise DataError(
                f"the staged files of number {number} are gone, and version {plan['version']} of the lake no longer gives the same rows",
                where=f"mart {self.model.name}, {intent['prefix']}",
                next_step="Restore the files or that version of the lake table.",
            )
        return {**intent, "columns": [column.name for column in columns], **as_json(again, out)}

    def _clean(self, uri: str) -> None:
        """Removes the staged files of a load that is done: nobody reads them any more, so a failure is only told."""
        try:
            remove_staged(Location(uri=uri, s3=self.staging().s3))
        except LakemartError as error:
            _log.warning("staged files were left behind", extra={"prefix": uri, "error": error.what})

    def _out(self, number: int) -> Location:
        return self.staging().child(self.project).child(self.model.name).child(prefix(number))

    def open_sessions(self) -> Opener:
        """What opens tagged sessions of the warehouse in this run."""
        if self.opener is not None:
            return self.opener
        tag = Tag(version=app_version(), project=self.project, model=self.model.name, run=self.run, user=self.user)
        return partial(connect, WarehouseTarget.of(self.warehouse()), tag)
