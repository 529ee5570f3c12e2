"""Merge small files and delete what nobody needs: `spark-submit jobs/maintain.py --project conf/gharchive --env prod`."""

from __future__ import annotations

import sys

from lakemart.cli.main import job

if __name__ == "__main__":
    sys.exit(job("maintain"))
