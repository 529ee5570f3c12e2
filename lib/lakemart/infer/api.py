"""The door of the room: samples in, a source's file out that takes these samples without a reject."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from lakemart.config.build_source import source as built
from lakemart.config.build_table import RESERVED_SUFFIXES
from lakemart.config.checking import checked as shaped
from lakemart.config.document import read_yaml
from lakemart.config.layers import expanded
from lakemart.config.problems import Problems
from lakemart.config.source_file import SourceFile
from lakemart.contract.table import Feed
from lakemart.decode.api import decode_object
from lakemart.decode.result import Counts
from lakemart.errors import ConfigError
from lakemart.infer.columns import table_of
from lakemart.infer.formats import format_of
from lakemart.infer.keys import in_order, key_of, with_partition
from lakemart.infer.samples import Format, Reader, Sample, located
from lakemart.infer.seen import Observer
from lakemart.infer.written import Draft, contract_text
from lakemart.names import checked

_ENDINGS: Final = re.compile(r"(?:\.(?:json|jsonl|ndjson|log|txt|gz|zst|zstd|bz2))+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred:
    """The source's file, the feed it means, and what decoding the samples under it gave: counts, rejects by reason."""

    text: str
    feed: Feed
    format: Format
    counts: Counts
    rejects: Mapping[str, int] = field(default_factory=dict)


def infer(name: str, samples: Sequence[Sample], *, prefix: str | None = None) -> Inferred:
    """The contract of a source called `name` that takes every record of `samples` which is a JSON object.

    `prefix` is where the source's objects lie; None: in a folder of its name. Equal samples give equal text. Raises
    ConfigError when the name is none, the samples have two formats or no JSON objects; DamagedError.
    """
    _check_name(name)
    form = format_of(samples)
    reader, observer = Reader(), Observer()
    for sample in samples:
        with located(sample):
            for record in reader.records(sample, form):
                observer.add(record)
    table = table_of(observer.root)
    if not table.columns:
        raise _nothing(samples, form, table.records)
    key = key_of(table)
    columns, partition_by = with_partition(table)
    draft = Draft(
        name=name,
        prefix=f"{name}/" if prefix is None else prefix,
        pattern=_pattern([sample.name for sample in samples]),
        files=len(samples),
        format=form,
        compression=tuple(sorted({sample.compression for sample in samples} - {""})),
        table=table,
        columns=in_order(columns, key.column, partition_by),
        key=key,
        partition_by=partition_by,
        repeated_keys=reader.repeated,
    )
    feed = feed_of(contract_text(draft))
    counts, rejects, widths = _decoded(samples, feed)
    text = contract_text(replace(draft, refused=rejects, widths=widths))
    return Inferred(text=text, feed=feed_of(text), format=form, counts=counts, rejects=rejects)


def feed_of(text: str) -> Feed:
    """The feed of a source's file, read as a project reads it. Raises ConfigError with every problem."""
    problems = Problems()
    node = read_yaml(text, "source.yaml", problems)
    problems.raise_if_any("the contract that was written")
    assert node is not None  # noqa: S101 - or there was a problem
    node = expanded(node, {}, problems)
    written = shaped(SourceFile, node, problems)
    problems.raise_if_any("the contract that was written")
    assert written is not None  # noqa: S101 - as above
    source = built(written, node, problems)
    problems.raise_if_any("the contract that was written")
    return source.feed


def _check_name(name: str) -> None:
    if checked(name).endswith(RESERVED_SUFFIXES):
        raise ConfigError(
            f"{name!r} ends as the tables do that lakemart keeps beside every clean one",
            next_step="Choose another name.",
        )


def _nothing(samples: Sequence[Sample], form: Format, records: int) -> ConfigError:
    """Why there are no columns."""
    if records:
        return ConfigError(
            "the samples' records are empty objects", next_step="Give samples whose records have fields."
        )
    first = next((value for sample in samples if (value := _first_value(sample, form)) is not None), None)
    what = "not JSON" if first is None else f"{_ARTICLES.get(type(first), 'numbers')}, not objects"
    return ConfigError(
        f"the samples' records are {what}",
        where=", ".join(sample.name for sample in samples[:3]),
        next_step="A source's records are JSON objects: one a line, one after another, or in one array.",
    )


_ARTICLES: Final[dict[type, str]] = {str: "strings", list: "arrays", bool: "booleans", type(None): "null"}


def _first_value(sample: Sample, form: Format) -> object:
    return next(Reader().values(sample, form), None)


def _pattern(names: Sequence[str]) -> str:
    """A glob for files that end as the samples do."""
    endings = {found[0] if (found := _ENDINGS.search(name)) else "" for name in names}
    return f"*{endings.pop()}" if len(endings) == 1 else "*"


def _decoded(samples: Sequence[Sample], feed: Feed) -> tuple[Counts, dict[str, int], dict[str, int]]:
    """The samples under the contract: counts, rejects by reason, and the widths of text columns in bytes."""
    counts = Counts()
    rejects: Counter[str] = Counter()
    widths: dict[str, int] = {}
    for sample in samples:
        for piece in decode_object(sample.blocks(), feed):
            counts = counts.plus(piece.counts)
            rejects.update(piece.rejects.column("reason").to_pylist())
            rows = piece.rows[feed.tables[0].table]
            for column in feed.tables[0].columns:
                values = rows.column(column.name)
                if pa.types.is_string(values.type) and len(values) > values.null_count:
                    longest = pc.max(pc.binary_length(values)).as_py()
                    widths[column.name] = max(widths.get(column.name, 0), longest)
    return counts, dict(rejects), widths
