"""What people see, as text of 100 columns under tests/golden/report. `LAKEMART_GOLDEN=rewrite` writes it anew."""

from __future__ import annotations

import io
import os
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from lakemart.cli.connections import configuration, connections
from lakemart.errors import ConfigError, DataError, InternalError, LockedError, Problem, TransientError
from lakemart.local.state import Endpoints
from lakemart.pipeline.checked import Checked
from lakemart.pipeline.document import MartLine, ModelLine, RunDocument
from lakemart.pipeline.maintained import MaintainReport, MartTended, TableTended
from lakemart.pipeline.quarantine import QuarantineGroup, QuarantineReport, QuarantineSample
from lakemart.pipeline.status import StatusReport, WriterStatus
from lakemart.pipeline.verify import VerifyReport
from lakemart.report.books import balance_sheet
from lakemart.report.failures import failures
from lakemart.report.maintain import upkeep_summary
from lakemart.report.quarantine import quarantine_groups
from lakemart.report.rows import query_rows
from lakemart.report.run import run_summary
from lakemart.report.status import status_table
from lakemart.report.verify import verify_results

GOLDEN = Path(__file__).parents[2] / "golden" / "report"
pytestmark = pytest.mark.golden

RUN = "20261124t061153-7f3c2a"


def books_of(
    records: int, good: int, quarantined: int = 0, duplicate: int = 0, filtered: int = 0, damaged: int = 0
) -> dict[str, int]:
    counts = {"batches": 1, "objects": 3, "damaged": damaged, "records": records, "good": good}
    return counts | {"quarantined": quarantined, "duplicate": duplicate, "filtered": filtered}


DAYS = [f"2015-01-{day:02}" for day in range(1, 31)]
GOOD = RunDocument(
    run=RUN,
    sources={"events": books_of(1_240_531, 1_238_002, 12, 517, 2_000), "countries": books_of(249, 249)},
    models={
        "hourly_activity": ModelLine(slices=[*DAYS, "2015-02-14"], rows=10_416),
        "countries_named": ModelLine(slices=[None], rows=249),
    },
    marts={"hourly_activity": MartLine(slices=[*DAYS], lake=10_416, staged=10_416, copied=10_416, warehouse=10_416)},
    seconds=187.2,
)
UNBALANCED = RunDocument(
    run=RUN,
    sources={"events": books_of(100, 90, 5, damaged=2)},
    marts={"hourly_activity": MartLine(slices=DAYS[:1], lake=24, staged=24, copied=23, warehouse=23)},
    seconds=3.0,
)
GATED = RunDocument(
    run=RUN,
    sources={"events": books_of(100, 100)},
    models={"hourly_activity": ModelLine()},
    errors=[
        DataError(
            "unique (event_date, event_hour): 12 rows share a key",
            where="model hourly_activity, number 4",
            next_step="Nothing of it was published. Mend the data, the contract or the model, and run again.",
            rows=tuple(
                {"event_date": "2015-01-01", "event_hour": hour, "note": None if hour else "a\nb", "text": ""}
                for hour in range(12)
            ),
        ),
        LockedError("source/events is held by run x", where="writer source/events", next_step="Run with --wait."),
    ],
    seconds=0.4,
)
PROBLEMS = ConfigError(
    "the project has 2 problems",
    where="conf/gharchive",
    next_step="Nothing was read or written.",
    problems=(
        Problem(
            file="project.yaml",
            line=4,
            column=6,
            message="the environment variable RAW is not set",
            suggestion="export RAW",
        ),
        Problem(file="project.yaml", line=12, column=1, message="unknown key 'lak'", suggestion="did you mean 'lake'?"),
        Problem(file="--set raww", line=0, column=0, message="unknown key 'raww'"),
    ),
)
ENDPOINTS = Endpoints(
    supervisor=1,
    s3_url="http://127.0.0.1:9000",
    access_key="KEY",
    secret_key="SECRET",
    host="127.0.0.1",
    port=5439,
    database="dev",
    users={"lakemart": "Aa1xyz", "analyst": "Aa1abc"},
    iam_role="arn:aws:iam::000000000000:role/lakemart-embedded",
    staging="s3://lakemart-staging/demo",
)


def writer(name: str, **given: object) -> WriterStatus:
    values: dict[str, object] = {
        "state": "good", "number": 7, "last_run": RUN, "last_at": "2026-11-24T06:11:53Z", "rows": 1_238_002, "fresh": "2015-02-14",
        "damaged": 0, "reasons": (), "holder": None,
    }  # fmt: skip
    return WriterStatus(writer=name, **{**values, **given})  # type: ignore[arg-type] - the fields by name


CASES: dict[str, RenderableType] = {
    "run_good": run_summary(GOOD),
    "run_bounded": run_summary(RunDocument(run=RUN, sources={"events": books_of(249, 249) | {"left": 1_200}}, seconds=4.1)),
    "run_nothing_to_do": run_summary(RunDocument(run=RUN, sources={"events": books_of(0, 0) | {"batches": 0}}, seconds=0.21)),
    "run_gated": run_summary(GATED),
    "run_unbalanced": run_summary(UNBALANCED),
    "run_failed": run_summary(
        RunDocument(run=RUN, errors=[TransientError("the warehouse cannot be reached", where="loader@host", next_step="Run again.")])
    ),
    "books_good": balance_sheet(GOOD, "since the beginning"),
    "books_unbalanced": balance_sheet(UNBALANCED, f"of run {RUN}"),
    "books_empty": balance_sheet(RunDocument(run="all"), "since the beginning"),
    "failures": failures([PROBLEMS, InternalError("a fault of lakemart: KeyError: 'x'", next_step="Run again with --debug.")]),
    "connections": connections(ENDPOINTS, "/home/me/project/.lakemart/lake"),
    "configuration": configuration(
        {
            "name": "demo",
            "lake": "s3://lake/demo",
            "s3": None,
            "engine": {"task_size": 256_000_000, "spark": {}},
            "sources": {"events": {"feed": {"tables": [{"key": ["id"], "columns": [{"name": "id", "required": True}]}]}}},
            "models": {},
            "origins": {"lake": "project.yaml:3:7", "sources.events.feed.tables.0.key": "sources/events.yaml:9:6"},
        }
    ),
    "status": status_table(
        StatusReport(
            project="demo",
            environment="prod",
            writers=(
                writer("source/events", damaged=2, left=1_200, foreign=("events_quarantine",), taken_back=("events_duplicates",), holder=f"run {RUN} of me on here"),
                writer("source/late", state="empty", number=0, last_run=None, last_at=None, rows=0, fresh=None),
                writer("model/hourly", state="refused", reasons=("unique (id): 3 rows share a key",)),
                writer("mart/hourly", state="open", rows=None, fresh=None),
            ),
            last_run=RUN,
            last_at="2026-11-24T06:11:53Z",
            last_errors=(
                {"kind": "data", "message": "unique (id): 3 rows share a key", "where": "", "next": ""},
                {"kind": "data", "message": "1 object(s) changed after they were read", "where": "source late", "next": "Accept it."},
            ),
        )
    ),
    "quarantine": quarantine_groups(
        QuarantineReport(
            groups=(
                QuarantineGroup(
                    source="events",
                    reason="wrong_type",
                    column="actor_id",
                    count=1_204,
                    samples=(
                        QuarantineSample(
                            object="2015/a.json.gz", offset=120_500, length=88, message="'x' is no bigint", text='{"id":"1","actor":{"id":"x"}}'
                        ),
                        QuarantineSample(object="2015/b.json.gz", offset=0, length=900, message="1.5 is no bigint", text="{" + "long " * 40),
                    ),
                ),
                QuarantineGroup(source="events", reason="not_json", column=None, count=1, samples=()),
            )
        )
    ),
    "quarantine_empty": quarantine_groups(QuarantineReport(groups=())),
    "verify_good": verify_results(VerifyReport(checked=(Checked(kind="table", name="events", rows=12, findings=()),), errors=())),
    "verify_drift": verify_results(
        VerifyReport(
            checked=(
                Checked(kind="table", name="events", rows=1_238_002, findings=()),
                Checked(kind="source", name="events", rows=1, findings=("object '2015/x.json.gz' came late, into a date that is closed",)),
                Checked(kind="mart", name="marts.hourly", rows=24, findings=("the warehouse has 23 rows, the lake 24", "slice 2015-01-01 differs")),
            ),
            errors=(TransientError("number 3 of model/hourly is open", next_step="Run again; it is finished first."),),
        )
    ),
    "maintain_done": upkeep_summary(
        MaintainReport(
            run=RUN,
            dry=False,
            tables=[
                TableTended(table="events", merged=1_204, into=31, orphans=2, expired=310, log=1_940, freed=1_730_000_000),
                TableTended(table="events_quarantine", orphans=1, freed=900),
            ],
            marts=[MartTended(mart="hourly", staged=12, freed=4_200_000, retained=["2015-01-01", "2015-01-02"])],
            waiting=["number 3 of model/hourly is open; `lakemart run` finishes it"],
            ledger_merged=64,
            abandoned=2,
            errors=[DataError("table 'late' is at version 8, the ledger left it at 7: somebody else changed it")],
        )
    ),
    "maintain_dry": upkeep_summary(
        MaintainReport(
            run=RUN,
            dry=True,
            tables=[TableTended(table="events", merged=4, into=1)],
            marts=[MartTended(mart="hourly", staged=1, freed=12)],
            rebuilt={"objects": 0, "runs": 0},
        )
    ),
    "maintain_nothing": upkeep_summary(MaintainReport(run=RUN, dry=False)),
    "rows": query_rows(["day", "n", "share", "note"], [["2015-01-01", 7702, Decimal("1.50"), None], ["2015-01-02", 3, Decimal("0.25"), "a\tb"]]),
    "rows_none": query_rows(["day"], []),
}  # fmt: skip


def rendered(view: RenderableType) -> str:
    stream = io.StringIO()
    Console(file=stream, width=100, color_system=None, highlight=False, emoji=False).print(view)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_report_reads_as_it_was_reviewed(name: str) -> None:
    text = rendered(CASES[name])
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("LAKEMART_GOLDEN") == "rewrite":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    assert text == path.read_text(encoding="utf-8")
    assert max(len(line) for line in text.splitlines()) <= 100


def test_every_golden_report_has_a_case() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(CASES)
