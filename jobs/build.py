"""Build the slices of models whose inputs changed: `spark-submit jobs/build.py hourly_activity --project conf/gharchive --env local`."""

from __future__ import annotations

import sys

from lakemart.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["build", *sys.argv[1:]]))
