"""How clients other than the driver reach the server: libpq's arguments, and psql."""

from __future__ import annotations

import subprocess
from typing import Any

from localshift import Localshift
from localshift.backend.postgres import binary


def arguments(server: Localshift) -> dict[str, Any]:
    given = server.connect_args
    return {"host": given["host"], "port": given["port"], "user": given["user"], "password": given["password"],
            "dbname": given["database"], "sslmode": "disable"}  # fmt: skip


def psql(server: Localshift, *commands: str) -> str:
    """Return what psql prints, of the PostgreSQL that comes with the environment."""
    given = arguments(server)
    command = [
        str(binary("psql")),
        "-X",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-h",
        given["host"],
        "-p",
        str(given["port"]),
    ]
    command += ["-U", given["user"], given["dbname"]]
    for text in commands:
        command += ["-c", text]
    done = subprocess.run(
        command, env={"PGPASSWORD": given["password"]}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
