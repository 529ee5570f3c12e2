"""What `make package` does: builds the wheel into dist/, and proves from an empty folder that it is whole and decodes."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from setup_stages import native
from setup_stages.place import ROOT

DECODES = """
import sys, lakemart
from lakemart.contract.table import Column, Contract, Feed
from lakemart.contract.types import ColumnType
from lakemart.decode.api import decode
assert lakemart.__file__.startswith(sys.argv[1]), lakemart.__file__
feed = Feed(tables=(Contract(table="t", columns=(Column(name="n", type=ColumnType.parse("int"), path=("n",)),)),))
counts = decode(b'{"n":1}\\n{"n":"x"}', feed, decoder=sys.argv[2]).counts
assert (counts.good, counts.quarantined) == (1, 1), counts
"""
ELSEWHERE = (
    "For aarch64 run `make package` on such a machine with Rust, or cross-compile first: lib/native/README.md says how."
)


def main() -> int:
    """Builds and checks the wheel; says what it is and how to get one for other machines."""
    wheel = build(ROOT / "dist")
    decoder = "native" if native.EXTENSION.is_file() else "reference"
    check(wheel, decoder)
    print(f"dist/{wheel.name} ({wheel.stat().st_size / 1e6:.1f} MB, {decoder} decoder, checked)")
    print(
        ELSEWHERE if decoder == "native" else "Without Rust here it holds no native decoder, and is for any platform."
    )
    return 0


def build(folder: Path) -> Path:
    """The wheel of this checkout, alone in `folder` under its version."""
    for stale in (ROOT / "build", folder):
        shutil.rmtree(stale, ignore_errors=True)
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(ROOT)], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def check(wheel: Path, decoder: str) -> None:
    """Fails unless the unpacked wheel decodes, by itself and by the extension that it should hold."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        code = f"import sys; sys.path.insert(0, sys.argv[1])\n{DECODES}"
        subprocess.run([sys.executable, "-c", code, folder, decoder], check=True, cwd=folder)


if __name__ == "__main__":
    sys.exit(main())
