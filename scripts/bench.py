"""Speed: what `make bench` prints. Decoding the same events by lakemart's decoders and by what one would use otherwise."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1] / "tests")

from bench.decode import main  # noqa: E402 - tests/ is on the path only since the line above

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
