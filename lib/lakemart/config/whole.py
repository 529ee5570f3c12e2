"""What only shows across the files of a project: inputs, cycles, two writers of one table, marts without a warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lakemart.config.build_table import check_suffix
from lakemart.config.document import Node, Place
from lakemart.config.model import Input, Model
from lakemart.config.problems import Problems, did_you_mean
from lakemart.config.source import Source


@dataclass(slots=True, kw_only=True)
class Parts:
    """The sound sources and models, all nodes by name, and the names that faulty files may have meant."""

    sources: dict[str, Source] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    nodes: dict[str, dict[str, Node]] = field(default_factory=dict)
    faulty: set[str] = field(default_factory=set)


def check_whole(parts: Parts, problems: Problems) -> None:
    """Reports the contradictions among sources and models."""
    partitions = _writers(parts, problems)
    for model in parts.models.values():
        for read in model.inputs.values():
            _check_input(model, read, partitions, parts, problems)
    _check_cycles(parts, problems)
    _check_targets(parts, problems)


def _writers(parts: Parts, problems: Problems) -> dict[str, str | None]:
    """Every lake table with its partition column; reports a table that two writers fill."""
    tables: dict[str, str | None] = {}
    writers: dict[str, str] = {}

    def note(table: str, partition: str | None, writer: str, place: Place) -> None:
        if table in writers:
            problems.add(
                place,
                f"{writer} writes the table '{table}', and so does {writers[table]}",
                "give one of them another name",
            )
        writers.setdefault(table, writer)
        tables.setdefault(table, partition)

    for name, source in parts.sources.items():
        node = parts.nodes["sources"][name]
        for contract in source.feed.tables:
            place = (
                node.at("table").place
                if "table" in node.items and contract is source.feed.tables[0]
                else node.at("source").place
            )
            note(contract.table, contract.partition_by, f"the source '{name}'", place)
    for name, model in parts.models.items():
        place = parts.nodes["models"][name].at("model").place
        check_suffix(name, place, problems)
        note(name, model.slice, f"the model '{name}'", place)
    return tables


def _check_input(
    model: Model, read: Input, partitions: Mapping[str, str | None], parts: Parts, problems: Problems
) -> None:
    name = read.name
    place = _input_place(parts.nodes["models"][model.name], name)
    if name not in partitions:
        if name not in parts.faulty:
            problems.add(
                place, f"the input '{name}' is not a table of this project", did_you_mean(name, sorted(partitions))
            )
        return
    partition = partitions[name]
    if read.slice is None and read.lookback:
        problems.add(
            place, f"the input '{name}' has a lookback but no slice", "an input without a slice is read whole already"
        )
    if read.slice is None or read.slice == partition or name in parts.faulty:
        return
    if read.slice == model.slice and read.slice not in {column.name for column in model.columns}:
        return  # the slice itself is at fault, and reported
    of_input = f"is partitioned by '{partition}', not" if partition else "has no partition column, so it cannot be read"
    either = f"{{slice: {partition}}} or " if partition else ""
    message = f"the input '{name}' {of_input} by the slice '{read.slice}'"
    problems.add(place, message, f"write {name}: {either}{{slice: none}}")


def _input_place(node: Node, name: str) -> Place:
    inputs = node.at("inputs")
    if isinstance(inputs.content, list):
        return next((child.place for child in inputs.content if child.content == name), inputs.place)
    return node.key_place("inputs", name) if name in inputs.items else inputs.place


def _check_cycles(parts: Parts, problems: Problems) -> None:
    """Reports each cycle of models once, where its first model (by name) names the next."""
    seen: set[frozenset[str]] = set()
    from_sources = {table for source in parts.sources.values() for table in source.tables}
    for start in sorted(set(parts.models) - from_sources):
        cycle = _way_back(start, parts.models)
        if cycle and frozenset(cycle) not in seen:
            seen.add(frozenset(cycle))
            place = _input_place(parts.nodes["models"][start], cycle[1])
            problems.add(
                place,
                f"the models read one another in a circle: {' → '.join(cycle)}",
                "one of them must read something else",
            )


def _way_back(start: str, models: Mapping[str, Model]) -> list[str]:
    """The shortest way from a model through inputs back to itself; empty when there is none."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for name in _model_inputs(way[-1], models):
            if name == start:
                return [*way, start]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def _model_inputs(name: str, models: Mapping[str, Model]) -> Iterable[str]:
    return [read for read in models[name].inputs if read in models]


def _check_targets(parts: Parts, problems: Problems) -> None:
    targets: dict[str, str] = {}
    for name, model in parts.models.items():
        if model.publish is None:
            continue
        target = str(model.publish.table)
        if target in targets:
            place = parts.nodes["models"][name].at("publish", "table").place
            problems.add(
                place,
                f"'{target}' is the target of the model '{targets[target]}' already",
                "give one of them another table",
            )
        targets.setdefault(target, name)
