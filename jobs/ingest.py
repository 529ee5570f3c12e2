"""Read new raw objects into the clean tables: `spark-submit jobs/ingest.py events --project conf/gharchive --env local`."""

from __future__ import annotations

import sys

from lakemart.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["ingest", *sys.argv[1:]]))
