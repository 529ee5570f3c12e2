"""Build the slices of models whose inputs changed: `spark-submit jobs/build.py hourly_activity --project conf/gharchive --env local`."""

from __future__ import annotations

from lakemart.cli.main import job

if __name__ == "__main__":
    job("build")
