"""Load the changed slices of marts into the warehouse: `spark-submit jobs/publish.py hourly_activity --project conf/gharchive --env local`."""

from __future__ import annotations

from lakemart.cli.main import job

if __name__ == "__main__":
    job("publish")
