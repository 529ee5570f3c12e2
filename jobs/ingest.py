"""Read new raw objects into the clean tables: `spark-submit jobs/ingest.py events --project conf/gharchive --env local`."""

from __future__ import annotations

from lakemart.cli.main import job

if __name__ == "__main__":
    job("ingest")
