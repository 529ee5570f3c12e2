"""In which order models are built, and which of them a command means."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter

from lakemart.config.model import Model
from lakemart.errors import ConfigError


def ordered(models: Mapping[str, Model], *, tables: Collection[str] = ()) -> tuple[str, ...]:
    """All models, each after the models it reads; among equals by name. `tables` are what sources fill.

    Raises ConfigError on an input that is neither, and on a cycle, which it spells out.
    """
    for model in models.values():
        unknown = sorted(set(model.inputs) - set(models) - set(tables))
        if unknown:
            raise ConfigError(
                f"model {model.name!r} reads {unknown[0]!r}, which no source and no model makes",
                where=f"model {model.name}",
                next_step=f"Known tables: {', '.join(sorted({*models, *tables})) or 'none'}.",
            )
    sorter = TopologicalSorter({name: sorted(set(model.inputs) & set(models)) for name, model in models.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        raise ConfigError(
            f"models read one another in a circle: {circle}", next_step="Take one of these inputs out."
        ) from error
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return tuple(order)


def selected(models: Mapping[str, Model], only: str) -> frozenset[str]:
    """The models that `--only` names: `name`, `+name` with all it reads, `name+` with all that read it, or both.

    Raises ConfigError when there is no such model.
    """
    name = only.strip("+")
    if name not in models:
        raise ConfigError(f"there is no model {name!r}", next_step=f"Models are {', '.join(sorted(models)) or 'none'}.")
    chosen = {name}
    if only.startswith("+"):
        chosen |= _reached(name, {model.name: set(model.inputs) & set(models) for model in models.values()})
    if only.endswith("+"):
        chosen |= _reached(name, {one: {m.name for m in models.values() if one in m.inputs} for one in models})
    return frozenset(chosen)


def readers(models: Mapping[str, Model], table: str) -> frozenset[str]:
    """The models that read `table`, themselves or through others: what waits when its writer fails."""
    direct = {one: {m.name for m in models.values() if one in m.inputs} for one in {*models, table}}
    return frozenset(_reached(table, direct))


def _reached(start: str, edges: Mapping[str, Collection[str]]) -> set[str]:
    found: set[str] = set()
    pending = [start]
    while pending:
        for following in edges.get(pending.pop(), ()):
            if following not in found:
                found.add(following)
                pending.append(following)
    return found
