"""One example of every statement the publisher can send, for the golden file and for the recorder tests."""

from __future__ import annotations

from lakemart.contract.types import ColumnType
from lakemart.names import TableName
from lakemart.publish import statements as st
from lakemart.publish.mart import MartColumn
from lakemart.publish.slices import Slices
from lakemart.publish.warehouse import Tag

TAG = Tag(
    version="0.1.0", project="gharchive", model="hourly_activity", run="20261124t061153-7f3c2a", user="loader@laptop"
)
TABLE = TableName("marts", "hourly_activity")
LOADS = TableName("marts", "lakemart_loads")
ROLE = "arn:aws:iam::123456789012:role/copy"
MANIFEST = "s3://demo-staging/gharchive/hourly_activity/0000000007-5d0c1b9e6f2a4c38/manifest.json"


def column(name: str, kind: str, **more: object) -> MartColumn:
    return MartColumn(name=name, type=ColumnType.parse(kind), **more)


DAY = column("event_date", "date", description="UTC date")
COLUMNS = (
    DAY,
    column("event_hour", "int"),
    column("event_type", "varchar(64)", not_null=True),
    column("events", "bigint", not_null=True),
    column("share", "decimal(9,4)"),
    column("rate", "double"),
    column("seen", "timestamp"),
    column("heard", "timestamptz"),
    column("busy", "boolean"),
    column("small", "smallint"),
)
SUPER = (*COLUMNS[:3], column("payload", "super"), column("tags", "list<bigint>"))


def slices(*values: str | None) -> Slices:
    return Slices(column="event_date", type=DAY.type, values=values)


WHOLE = Slices(column=None, type=None, values=None)

EXAMPLES: tuple[tuple[str, st.Statement], ...] = (
    ("the session's label", st.SetQueryGroup(TAG.label)),
    ("whether the schema is there", st.CountSchemas("marts")),
    ("the schema", st.CreateSchema("marts")),
    ("the target as it stands", st.DescribeTable(TABLE)),
    ("a target", st.CreateTable(table=TABLE, columns=COLUMNS, distkey="event_type", sortkey=("event_date", "event_hour"))),
    ("a target with nothing but columns", st.CreateTable(table=TABLE, columns=SUPER)),
    ("the loads table", st.CreateLoadsTable(LOADS)),
    ("a table's description", st.CommentOnTable(TABLE, "An hour's events; it's \\ 'quoted'")),
    ("a column's description", st.CommentOnColumn(TABLE, "event_date", "UTC date")),
    ("use of the schema", st.GrantUsage("marts", "analyst")),
    ("reading of the target", st.GrantSelect(TABLE, "analyst")),
    ("the staging table", st.CreateStaging(TABLE)),
    ("the staging table of a target with super columns", st.CreateTextStaging(SUPER)),
    ("COPY", st.CopyParquet(MANIFEST, ROLE)),
    ("COPY by a chain of roles", st.CopyParquet(MANIFEST, f"{ROLE},arn:aws:iam::210987654321:role/team/read")),
    ("COPY by the cluster's default role", st.CopyParquet(MANIFEST, "default")),
    ("rows copied", st.LastCopyCount()),
    ("begin", st.Begin()),
    ("how long the lock is waited for", st.LimitTime(600)),
    ("all the time again", st.LimitTime(None)),
    ("the lock", st.LockLoads(LOADS)),
    ("the last load", st.LastLoad(loads=LOADS, project="gharchive", model="hourly_activity")),
    ("slices out", st.DeleteSlices(TABLE, slices("2015-01-01", "2015-01-02"))),
    ("slices out, the null slice among them", st.DeleteSlices(TABLE, slices(None, "2015-01-01"))),
    ("the null slice out", st.DeleteSlices(TABLE, slices(None))),
    ("everything out", st.DeleteSlices(TABLE, WHOLE)),
    ("staged rows in", st.InsertFromStaging(TABLE, COLUMNS)),
    ("staged rows in, super parsed", st.InsertFromStaging(TABLE, SUPER)),
    ("rows of slices", st.CountSlices(TABLE, slices("2015-01-01"))),
    ("rows of all", st.CountSlices(TABLE, WHOLE)),
    (
        "the load's record",
        st.InsertLoad(
            loads=LOADS, project="gharchive", model="hourly_activity", number=7, slices='["2015-01-01"]', lake_table="hourly_activity",
            lake_version=11, rows=24, content_hash="9f86d081", run=TAG.run,
        ),
    ),
    ("commit", st.Commit()),
    ("rollback", st.Rollback()),
    ("the fingerprint by slice", st.Fingerprint(table=TABLE, slice=DAY, only=None, key=COLUMNS[:3], measures=COLUMNS[1:])),
    (
        "the fingerprint of some slices",
        st.Fingerprint(table=TABLE, slice=DAY, only=slices("2015-01-01"), key=(*COLUMNS[4:5], *COLUMNS[6:9]), measures=()),
    ),
    ("the fingerprint of all", st.Fingerprint(table=TABLE, slice=None, only=None, key=(), measures=COLUMNS[3:4])),
)  # fmt: skip
