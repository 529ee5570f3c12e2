"""What the ledger's census says of a source's unknown fields: which are new, and which change their type."""

from __future__ import annotations

from dataclasses import dataclass

from lakemart.lake.append import open_appended
from lakemart.lake.read import read_table
from lakemart.ledger.projection import table_name
from lakemart.storage.store import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldNews:
    """`new`: paths that came with the source's last batch and no earlier one. `conflicts`: paths of several JSON types."""

    new: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


def field_news(lake: Location, writer: str) -> FieldNews:
    """The news of one source, from the projection as far as it goes. Nulls are of no type. Empty before a first batch.

    Of the first batch nothing is new: every field is.
    """
    table = open_appended(lake, table_name("fields"))
    if table is None:
        return FieldNews()
    columns = ["writer", "number", "path", "type"]
    stored = read_table(lake, table_name("fields"), table.version(), columns=columns).to_pylist()
    rows = [row for row in stored if row["writer"] == writer]
    last = max((row["number"] for row in rows), default=0)
    earlier = {row["path"] for row in rows if row["number"] < last}
    new = {row["path"] for row in rows if row["number"] == last} - earlier if earlier else set()
    types: dict[str, set[str]] = {}
    for row in rows:
        types.setdefault(row["path"], set()).update({row["type"]} - {"null"})
    conflicts = {f"{path} ({', '.join(sorted(found))})" for path, found in types.items() if len(found) > 1}
    return FieldNews(new=tuple(sorted(new)), conflicts=tuple(sorted(conflicts)))
