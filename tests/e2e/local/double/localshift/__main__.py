"""Takes localshift's options, holds its data folder as localshift does, listens, and says when it is ready."""

from __future__ import annotations

import argparse
import fcntl
import json
import socket
import sys
from pathlib import Path


def main() -> None:
    """Listens until it is killed; refuses to start where the data folder holds a file `broken`."""
    parser = argparse.ArgumentParser()
    for name in ("--port", "--s3-endpoint", "--users-file", "--iam-role"):
        parser.add_argument(name)
    for name in ("--data-dir", "--ready-file"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    options.data_dir.mkdir(parents=True, exist_ok=True)
    if (options.data_dir / "broken").exists():
        sys.exit("the data folder is broken beyond repair")  # code 1
    if (options.data_dir / "wrong").exists():
        sys.stderr.write("--iam-role: not understood\n")
        sys.exit(2)
    lock = (options.data_dir / "lock").open("a")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    server = socket.create_server(("127.0.0.1", 0))
    temporary = options.ready_file.with_suffix(".tmp")
    temporary.write_text(json.dumps({"port": server.getsockname()[1]}))
    temporary.replace(options.ready_file)
    while True:
        server.accept()[0].close()


main()
