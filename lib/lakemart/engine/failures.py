"""What Spark reports, in lakemart's errors: who can mend it, and one sentence instead of a wall of Java.

The table of Spark's conditions stands here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from lakemart.errors import ConfigError, DataError, InternalError, LakemartError, TransientError

Python = Literal["ours", "the project's"]
"""Whose Python runs inside a query's tasks: it decides whose fault an exception there is."""

_GONE = re.compile(
    r"FILE_NOT_EXIST|FileNotFoundException|DELTA_VERSION_NOT_FOUND|DELTA_VERSION_INVALID|DELTA_TABLE_NOT_FOUND|DELTA_PATH_DOES_NOT_EXIST"
    r"|DELTA_MISSING_DELTA_TABLE|DELTA_LOG_FILE_NOT_FOUND|DELTA_TRUNCATED_TRANSACTION_LOG|PATH_NOT_FOUND|time travel Delta table"
)
_PASSES = re.compile(
    r"ExecutorLostFailure|OutOfMemoryError|FetchFailed|No space left|ConnectException|Connection refused|UnknownHostException"
    r"|SocketTimeoutException|NoRouteToHost|SdkClientException|AWSClientIOException|AWSServiceIOException|AccessDeniedException"
    r"|NoAwsCredentialsException|worker.*(crashed|exited unexpectedly)|UnknownStoreException|AWSBadRequestException"
)
_VALUES = frozenset(
    {
        "ArithmeticException",
        "NumberFormatException",
        "DateTimeException",
        "ArrayIndexOutOfBoundsException",
        "SparkRuntimeException",
    }
)
_QUERY = frozenset(
    {"AnalysisException", "ParseException", "UnsupportedOperationException", "TempTableAlreadyExistsException"}
)
_CONDITION = re.compile(
    r"org\.apache\.spark\.SparkException: \[(?!INTERNAL_ERROR|FAILED_READ_FILE|TASK_WRITE_FAILED)[A-Z_]+"
)
"""A query's own failure on these values that has no Java class of its own, such as a scalar subquery of two rows."""

_NOISE = re.compile(r"\s*SQLSTATE: \w+;?|^\[[A-Z_.0-9]+\]\s*|^[\w.$]+(Exception|Error): ")
_SENTENCE = re.compile(r"(?<=[.?!]) (?=[A-Z])")
_LONGEST = 600


class GoneError(DataError):
    """A file, or a version of a table, that a query needs is no longer there."""


@contextmanager
def spoken(what: str, *, where: str, python: Python = "ours") -> Iterator[None]:
    """Runs the body; what Spark raises in it comes out as a LakemartError that begins with `what`.

    ConfigError for a query Spark cannot understand, DataError for values a query cannot stand, GoneError for missing
    files, TransientError for lost executors, memory and network, InternalError for everything else.
    """
    from py4j.protocol import Py4JError  # noqa: PLC0415 - this room loads pyspark only when Spark is used
    from pyspark.errors import PySparkException  # noqa: PLC0415

    try:
        yield
    except (PySparkException, Py4JError, ConnectionError) as error:
        raise translated(error, what, where=where, python=python) from error


def translated(error: Exception, what: str, *, where: str, python: Python = "ours") -> LakemartError:
    """The LakemartError that says what `error`, raised by pyspark or py4j, means."""
    kinds = {cls.__name__ for cls in type(error).__mro__}
    text = _whole_text(error)
    message = f"{what}: {short_message(error)}"
    if "PythonException" in kinds or "PythonException" in text:
        fault = ConfigError if python == "the project's" else InternalError
        return fault(f"{what}: {last_line(text)}", where=where)
    if _GONE.search(text):
        return GoneError(message, where=where, next_step="Restore the file, or rebuild the table it belongs to.")
    if "Py4JNetworkError" in kinds or isinstance(error, ConnectionError) or "Java side is empty" in text:
        message = f"{what}: Spark's JVM went away"
        return TransientError(message, where=where, next_step="Run again, with more memory if it happens again.")
    if _PASSES.search(text):
        return TransientError(message, where=where, next_step="Run again.")
    values = kinds & _VALUES or _CONDITION.search(text)
    return (ConfigError if kinds & _QUERY else DataError if values else InternalError)(message, where=where)


def short_message(error: Exception) -> str:
    """Spark's own sentence: without the plan, the Java stack, the condition in brackets; with line and position."""
    text = str(getattr(error, "_desc", None) or _root(error))
    head, mark, rest = text.partition("; line ")
    place = re.match(r"\d+ pos \d+", rest) if mark else None
    if place is None and "== SQL" in text:
        head, _, rest = text.partition("== SQL")
        place = re.search(r"line (\d+)[,)] ?(pos(ition)? \d+)?", rest)
    head = head.split("\n\nJVM stacktrace:")[0].split(";\n'")[0].strip()
    if "Job aborted due to stage failure" in head:
        head = _root(error)
    while (cleaned := _NOISE.sub("", head).strip()) != head:
        head = cleaned
    first, *others = _SENTENCE.split(" ".join(head.split()))
    head = " ".join([first, *(other for other in others if other.startswith("Did you mean"))])[:_LONGEST].rstrip(" .")
    return f"{head} (line {place.group().removeprefix('line ').rstrip(',)')})" if place else head


def last_line(text: str) -> str:
    """The exception that a Python traceback inside Spark's text ends with."""
    ends = [
        line for line in text.split("\n\tat ", maxsplit=1)[0].splitlines() if re.match(r"[A-Za-z_][\w.]*(: |$)", line)
    ]
    named = [
        line
        for line in ends
        if re.match(r"[\w.]*[A-Z]\w*(Error|Exception|Warning|Interrupt|Exit|Iteration)?(: |$)", line)
    ]
    return (named or ends or [text.strip().splitlines()[-1] if text.strip() else "no reason given"])[-1]


def _whole_text(error: Exception) -> str:
    parts = [str(getattr(error, "_desc", "") or ""), str(getattr(error, "_stackTrace", "") or "")]
    java = getattr(error, "java_exception", None)
    return "\n".join([*parts, str(error)]) if java is None else "\n".join([*parts, _java_text(java), str(error)])


def _java_text(java: object) -> str:
    """The messages of a Java exception and of what caused it, outermost first."""
    texts: list[str] = []
    current = java
    while current is not None and len(texts) < 20:
        texts.append(str(current.toString()))  # type: ignore[attr-defined] # a Java object
        current = current.getCause()  # type: ignore[attr-defined]
    return "\n".join(texts)


def _root(error: Exception) -> str:
    java = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    if java is None:
        return str(error)
    lines = _java_text(java).splitlines()
    causes = [line for line in lines if re.match(r"[\w.$]+(Exception|Error)\b", line)]
    return (causes or lines or [""])[-1]
