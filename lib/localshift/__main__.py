"""`python -m localshift`: run the server until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

from localshift.backend.postgres import PostgresError, start
from localshift.backend.privileges import die_with_parent
from localshift.catalog.database import CatalogError
from localshift.options import (
    DEFAULT_PASSWORD,
    DEFAULT_USER,
    OptionError,
    Options,
    parse_iam_role,
    parse_user,
    read_users,
)

EXAMPLES = """
examples:
  python -m localshift
      a warehouse that is gone at the end; psql, psycopg and redshift_connector (ssl=False) reach it at
      postgresql://awsuser:Localshift1@127.0.0.1:5439/dev
  python -m localshift --data-dir ./warehouse --s3-endpoint http://127.0.0.1:9000 \\
      --iam-role arn:aws:iam::123456789012:role/copy=s3://staging/
      one that stays, and then: COPY t FROM 's3://staging/x/' IAM_ROLE 'arn:aws:iam::123456789012:role/copy' PARQUET

It prints its address when it is ready and stops on SIGTERM or Ctrl-C. Exit codes: 0 stopped, 1 could not run, 2 wrong
options. In tests, and in Python programs: `with localshift.Localshift() as rs: connect(**rs.connect_args)`.
What is faithful and what is not stands in the README of the package.
"""
FAILED = 1
USAGE = 2


def parser() -> argparse.ArgumentParser:
    """Return the command line: one option for each thing a server can be told."""
    made = argparse.ArgumentParser(
        prog="python -m localshift",
        description="A local double of Amazon Redshift over PostgreSQL: its wire protocol, COPY from S3, and its refusals.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    made.add_argument(
        "--port", type=int, default=5439, help="port to listen on, 0 for a free one (default: %(default)s)"
    )
    made.add_argument(
        "--data-dir", type=Path, help="folder that keeps the data (default: a temporary one, removed at the end)"
    )
    made.add_argument("--database", default="dev", help="the database (default: %(default)s)")
    made.add_argument("--user", action="append", default=[], metavar="NAME=PASSWORD",
        help=f"a user; the first one is the superuser (default: {DEFAULT_USER}={DEFAULT_PASSWORD})")  # fmt: skip
    made.add_argument("--users-file", type=Path, help='the same from a JSON file {"name": "password"}, not seen by ps')
    made.add_argument("--s3-endpoint", metavar="URL", help="an S3-compatible server to read from (default: Amazon's)")
    made.add_argument("--iam-role", action="append", default=[], metavar="ARN=s3://PREFIX[,s3://…]",
        help="a role COPY may name, with the prefixes it may read")  # fmt: skip
    made.add_argument("--isolation", choices=("snapshot", "serializable"), default="snapshot",
        help="isolation of transactions (default: %(default)s)")  # fmt: skip
    made.add_argument("--serverless", action="store_true", help="be a serverless workgroup: no STL and STV views")
    made.add_argument("--tls", action="store_true", help="speak TLS, by a certificate made in the data folder")
    made.add_argument("--faults", action="store_true", help="let the superuser order faults by localshift_fault(...)")
    made.add_argument("--ready-file", type=Path, help="write host, port and pid here as JSON when ready")
    made.add_argument("--die-with-parent", action="store_true", help="stop when the process that started this one ends")
    return made


def to_options(arguments: argparse.Namespace) -> Options:
    """Return the options a command line means; OptionError when they contradict one another."""
    users = dict(map(parse_user, arguments.user))
    if arguments.users_file:
        users |= read_users(arguments.users_file)
    if not 0 <= arguments.port <= 65535:
        raise OptionError(f"--port {arguments.port}: expected 0 to 65535")
    return Options(
        host=arguments.host,
        port=arguments.port,
        data_dir=arguments.data_dir.absolute() if arguments.data_dir else None,
        database=arguments.database.lower(),
        s3_endpoint=arguments.s3_endpoint,
        iam_roles=dict(map(parse_iam_role, arguments.iam_role)),
        users=users or {DEFAULT_USER: DEFAULT_PASSWORD},
        serverless=arguments.serverless,
        isolation=arguments.isolation,
        tls=arguments.tls,
        faults=arguments.faults,
    )


def main(argv: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT and return the exit code: 0 stopped, 1 could not run, 2 wrong options."""
    arguments = parser().parse_args(argv)
    try:
        options = to_options(arguments)
        if arguments.die_with_parent:
            die_with_parent()
        if options.data_dir is not None:
            return serve(options, options.data_dir, arguments.ready_file, durable=True)
        with tempfile.TemporaryDirectory(prefix="localshift-") as folder:
            return serve(options, Path(folder), arguments.ready_file, durable=False)
    except OptionError as exc:
        sys.stderr.write(f"localshift: {exc}\n")
        return USAGE
    except (PostgresError, CatalogError, OSError) as exc:
        sys.stderr.write(f"localshift: {exc}\n")
        return FAILED


def serve(options: Options, data_dir: Path, ready_file: Path | None, *, durable: bool) -> int:
    """Start PostgreSQL, listen, and stop both at the end."""
    postgres = start(data_dir, durable=durable)
    try:
        asyncio.run(_serve(postgres.socket, data_dir / "postgres", options, ready_file))
    except PostgresError:
        postgres.stop(broken=True)
        raise
    finally:
        postgres.stop()
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)
    return 0


async def _serve(socket: str, cluster: Path, options: Options, ready_file: Path | None) -> None:
    # Imported here: pyarrow and boto3 are slow to load, and `--help` must not wait for them.
    from localshift.front.server import open_server  # noqa: PLC0415 - the reason above

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await open_server(socket, cluster, options)
    try:
        if ready_file is not None:
            fresh = ready_file.with_name(ready_file.name + ".new")
            fresh.write_text(
                json.dumps(
                    {"host": options.host, "port": server.port, "pid": os.getpid(), "certificate": server.certificate}
                ),
                encoding="utf-8",
            )
            fresh.rename(ready_file)
        user = next(iter(options.users))
        sys.stdout.write(f"localshift ready: postgresql://{user}@{options.host}:{server.port}/{options.database}\n")
        sys.stdout.flush()
        stopped, lost = asyncio.create_task(stop.wait()), asyncio.create_task(server.lost())
        await asyncio.wait({stopped, lost}, return_when=asyncio.FIRST_COMPLETED)
        if not stopped.done():
            raise PostgresError(
                "PostgreSQL has ended by itself; its log is postgres.log in the data folder. Start again: committed data is kept"
            )
    finally:
        await server.close()


if __name__ == "__main__":
    sys.exit(main())
