"""Merge small files and delete what nobody needs: `spark-submit jobs/maintain.py --project conf/gharchive --env prod`."""

from __future__ import annotations

from lakemart.cli.main import job

if __name__ == "__main__":
    job("maintain")
