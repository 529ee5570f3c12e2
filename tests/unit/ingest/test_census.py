"""The census adds up over objects and stays bounded."""

from __future__ import annotations

import pyarrow as pa

from lakemart.decode.result import CENSUS
from lakemart.ingest.census import PATHS, REST, UnknownField, from_census, merged


def test_counts_of_the_same_path_and_type_add_up_and_the_first_object_stays() -> None:
    one = UnknownField(table="t", path="/a", type="string", count=2, object="first")
    other = UnknownField(table="t", path="/a", type="number", count=1, object="first")
    more = UnknownField(table="t", path="/a", type="string", count=3, object="second")

    assert merged([one, other, more]) == (
        UnknownField(table="t", path="/a", type="string", count=5, object="first"),
        other,
    )


def test_an_explosion_of_paths_is_counted_under_one_name() -> None:
    fields = [UnknownField(table="t", path=f"/{n}", type="string", count=1, object="o") for n in range(PATHS + 50)]

    counted = merged(fields)

    assert len(counted) == PATHS + 1
    assert counted[-1] == UnknownField(table="t", path=REST, type="string", count=50, object="o")


def test_the_decoders_census_is_of_one_object() -> None:
    rows = [{"table": "t", "path": "/a", "type": "string", "count": 4, "first_offset": 0}]

    found = from_census(pa.RecordBatch.from_pylist(rows, schema=CENSUS), "key")

    assert found == [UnknownField(table="t", path="/a", type="string", count=4, object="key")]
