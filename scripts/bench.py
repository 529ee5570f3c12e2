"""Speed: what `make bench` prints. Decoding the same events by lakemart's decoders and by what one would use otherwise."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from bench.decode import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
