"""Load the changed slices of marts into the warehouse: `spark-submit jobs/publish.py hourly_activity --project conf/gharchive --env local`."""

from __future__ import annotations

import sys

from lakemart.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["publish", *sys.argv[1:]]))
