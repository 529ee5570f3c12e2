"""Ingest, build and publish whatever is due: `spark-submit jobs/run.py --project conf/gharchive --env local`."""

from __future__ import annotations

from lakemart.cli.main import job

if __name__ == "__main__":
    job("run")
