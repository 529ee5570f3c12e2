"""The build of one model as a stage of the protocol: what is due, the work, the gate, the commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lakemart.config.model import Model
from lakemart.engine.failures import GoneError
from lakemart.engine.runner import Engine
from lakemart.errors import ConfigError, DataError, LakemartError
from lakemart.lake.actions import NEW_TABLE, TableChange
from lakemart.lake.change import table_change
from lakemart.lake.commit import commit, foreign_commit
from lakemart.lake.read import Snapshot, snapshot, version_of
from lakemart.ledger.protocol import Intent, Refusal
from lakemart.ledger.records import Json, Record
from lakemart.models.changes import InputChange, InputVersion, frozen_inputs, input_change, is_latest, last_build
from lakemart.models.order import Order, View, table_schema
from lakemart.models.slices import (
    InputState,
    Restriction,
    Slice,
    SliceKind,
    due_slices,
    in_order,
    slice_kind,
    slices_read,
)
from lakemart.storage.store import Location, Store


@dataclass(slots=True, kw_only=True)
class ModelStage:
    """See `ledger.protocol.Stage`. `store` is the lake's own; `writers` names the writer of every lake table.

    `restriction` holds back slices that are due; they stay due.
    """

    model: Model
    lake: Location
    store: Store
    engine: Engine
    writers: Mapping[str, str]
    run: str
    restriction: Restriction = field(default_factory=Restriction)
    writer: str = field(init=False)

    def __post_init__(self) -> None:
        self.writer = f"model/{self.model.name}"

    def waits_for(self) -> tuple[str, ...]:
        """The inputs that do not exist yet; while there are any, nothing is planned."""
        return tuple(name for name, change in self._inputs({}).items() if change is None)

    def plan(self, number: int, last: Record | None) -> Json | None:  # noqa: ARG002 - the protocol's signature
        """The slices that are due and the versions they are built from; None when nothing is due or an input is not there.

        Raises ConfigError when the table cannot take the declared columns, DataError when somebody else moved it.
        """
        built = last_build(self.store, self.writer, last)
        found = self._inputs(frozen_inputs(built or {}))
        inputs = {name: change for name, change in found.items() if change is not None}
        if len(inputs) < len(found):
            return None
        why = _why(self.model, built, inputs)
        if why is None:
            return None
        base = self._base(built)
        due = self._due(inputs, base, built, everything=why != "inputs changed")
        chosen, left = self._chosen(due)
        if due and chosen is not None and not chosen:
            return None
        return {
            "version": self.model.version,
            "why": why,
            "inputs": {name: change.now.as_json() for name, change in inputs.items()},
            "slices": chosen,
            "left": left,
            "base": NEW_TABLE if base is None else base.version,
            "columns": [[column.name, str(column.type)] for column in self.model.columns],
            "query": self.model.sql or self.model.python_text,
        }

    def work(self, number: int, plan: Json) -> Intent | Refusal:
        """Builds and audits the planned slices.

        What the project or the data did wrong becomes a refusal, so that the number closes and the next one is planned
        with what is there by then; `failure_of` gives the error back.
        """
        if plan["version"] != self.model.version:
            return Refusal(reasons=("the model was changed after this was planned",), payload={}, stops=False)
        try:
            return self._build(number, plan)
        except GoneError as error:
            latest = all(is_latest(self.store, version) for version in frozen_inputs(plan).values())
            return _refused(error, stops=latest)
        except (ConfigError, DataError) as error:
            return _refused(error)

    def commit(self, number: int, plan: Json, intent: Json) -> Json:
        """Commits the model's table; says the version, slices and rows, and the inputs it is built from."""
        change = TableChange.from_json(intent["tables"][0])
        version = change.base_version
        if not change.is_empty:
            version = commit(self.lake, change, writer=self.writer, number=number, run=self.run)
        carried = {key: plan[key] for key in ("version", "inputs", "left")}
        return {**carried, "versions": {self.model.name: version}, "slices": intent["slices"], "rows": intent["rows"]}

    def _build(self, number: int, plan: Json) -> Intent | Refusal:
        from lakemart.models.build import build  # noqa: PLC0415 - it loads pyspark, which planning does not need

        slices = None if plan["slices"] is None else frozenset(plan["slices"])
        order = Order(model=self.model, lake=self.lake, number=number, slices=slices, views=self._views(plan, slices))
        built = build(self.engine, order)
        if built.failures:
            return _refused(
                DataError(
                    f"model {self.model.name!r} fails {len(built.failures)} of its checks: "
                    + "; ".join(f"{failure.check} ({failure.count} rows)" for failure in built.failures),
                    where=f"model {self.model.name}",
                    next_step="Readers stay on the old version. Mend the model, or the data it reads, and run again.",
                    rows=tuple({"check": failure.check, **row} for failure in built.failures for row in failure.rows),
                )
            )
        base = None if plan["base"] == NEW_TABLE else self._snapshot(plan["base"])
        removes = () if base is None else base.in_slices(slices)
        change = table_change(
            self.model.name,
            table_schema(self.model),
            base,
            partition_by=self.model.slice,
            adds=built.files,
            removes=removes,
        )
        done = plan["slices"] if slices is not None else sorted(change.partition_values(), key=str)
        return Intent(payload={"tables": [change.as_json()], "slices": done, "rows": built.rows})

    def _inputs(self, before: Mapping[str, InputVersion]) -> dict[str, InputChange | None]:
        return {
            one.name: input_change(
                self.store,
                one.name,
                self.writers[one.name],
                before=before.get(one.name),
                slice_column=self._sliced_by(one.name),
            )
            for one in self.model.inputs.values()
        }

    def _sliced_by(self, name: str) -> str | None:
        return self.model.inputs[name].slice if self.model.slice is not None else None

    def _base(self, built: Json | None) -> Snapshot | None:
        """The model's table as its last committed number left it. Raises DataError when it is not there any more."""
        expected = NEW_TABLE if built is None else built["versions"][self.model.name]
        present = version_of(self.lake, self.model.name)
        if present != expected:
            raise foreign_commit(self.model.name, expected=expected, found=present)
        base = None if expected == NEW_TABLE else self._snapshot(expected)
        table_change(self.model.name, table_schema(self.model), base, partition_by=self.model.slice)
        return base

    def _snapshot(self, version: int) -> Snapshot:
        found = snapshot(self.lake, self.model.name, version)
        if found is None:
            raise foreign_commit(self.model.name, expected=version, found=NEW_TABLE)
        return found

    def _due(
        self, inputs: Mapping[str, InputChange], base: Snapshot | None, built: Json | None, *, everything: bool
    ) -> frozenset[Slice] | None:
        """The slices that are due; None when the table is rebuilt whole, because nothing it reads has slices."""
        if self.model.slice is None or not any(self._sliced_by(name) for name in inputs):
            return None
        states = [
            InputState(
                name=name,
                sliced=self._sliced_by(name) is not None,
                lookback=self.model.inputs[name].lookback,
                changed=change.changed,
                touched=change.touched,
                known=self._known(change.now, self._sliced_by(name)),
            )
            for name, change in inputs.items()
        ]
        left = [] if built is None else built["left"]
        return due_slices(states, _slices_of(base), self._kind(), everything=everything, left=left)

    def _known(self, version: InputVersion, column: str | None) -> frozenset[Slice]:
        if column is None:
            return frozenset()
        return _slices_of(snapshot(self.lake, version.table, version.version))

    def _chosen(self, due: frozenset[Slice] | None) -> tuple[list[Slice] | None, list[Slice]]:
        """The slices to build now, and those the restriction leaves for later."""
        if due is None:
            return None, []
        kind = self._kind()
        chosen = [value for value in in_order(due, kind) if self.restriction.admits(value, kind)]
        return chosen, [value for value in in_order(due, kind) if value not in chosen]

    def _kind(self) -> SliceKind:
        return slice_kind(next(column.type for column in self.model.columns if column.name == self.model.slice))

    def _views(self, plan: Json, slices: frozenset[Slice] | None) -> dict[str, View]:
        """The inputs at their frozen versions, restricted to what the slices read."""
        views: dict[str, View] = {}
        for name, version in frozen_inputs(plan).items():
            column, lookback = self._sliced_by(name), self.model.inputs[name].lookback
            if column is None or slices is None:
                views[name] = View(table=version.table, version=version.version)
                continue
            kind = self._kind()
            known = self._known(version, column) if lookback and kind == "text" else frozenset()
            read = slices_read(slices, lookback, kind, known)
            views[name] = View(table=version.table, version=version.version, slices=read)
        return views


def failure_of(record: Record) -> LakemartError | None:
    """The error that a refused number of a model stands for, to be told to people; None when it is none.

    A refusal because an input or the model changed under the plan is none: the next number takes today's.
    """
    if not record.stops or record.decision is None:
        return None
    error = record.decision["error"]
    words = {"where": error["where"], "next_step": error["next"]}
    if error["kind"] == ConfigError.kind:
        return ConfigError(error["message"], **words)
    return DataError(error["message"], **words, rows=tuple(record.decision["rows"]))


def _refused(error: ConfigError | DataError, *, stops: bool = True) -> Refusal:
    told = {"kind": error.kind, "message": error.what, "where": error.where, "next": error.next_step}
    rows = list(error.rows) if isinstance(error, DataError) else []
    return Refusal(reasons=(error.what,), payload={"error": told, "rows": rows}, stops=stops)


def _why(model: Model, built: Json | None, inputs: Mapping[str, InputChange]) -> str | None:
    """Why there may be something to build; None when there is nothing."""
    if built is None:
        return "first build"
    if built["version"] != model.version:
        return "model changed"
    if built["left"] or any(change.changed for change in inputs.values()):
        return "inputs changed"
    return None


def _slices_of(found: Snapshot | None) -> frozenset[Slice]:
    if found is None or found.partition_by is None:
        return frozenset()
    return frozenset(file.partition[found.partition_by] for file in found.files)
