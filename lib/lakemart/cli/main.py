"""The entry of the command `lakemart` and of the jobs: from arguments to an exit code, whatever happens on the way."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Sequence
from typing import NoReturn

import typer
from typer.main import get_command

from lakemart.cli import logs, streams
from lakemart.cli.answer import Answer, Output, console
from lakemart.cli.app import app
from lakemart.cli.arguments import hoisted
from lakemart.cli.ending import end
from lakemart.cli.invocation import Invocation
from lakemart.cli.opening import new_run
from lakemart.cli.stopping import StoppedError, stoppable
from lakemart.errors import ConfigError, InternalError, LakemartError, TransientError
from lakemart.pipeline.document import RunDocument
from lakemart.report.failures import failures

_USAGE_ERRORS: type[Exception] = typer.BadParameter.__bases__[0]
"""All that typer raises for a wrong command line; it exports only this child of it."""


class UsageError(ConfigError):
    """The command line itself is wrong."""

    kind = "usage"


def main() -> NoReturn:
    """Runs the command that the process's arguments are, and ends the process with its exit code."""
    end(command(sys.argv[1:]))


def job(name: str) -> NoReturn:
    """Runs one command as a job of spark-submit, with the arguments of the process, and ends the process so too."""
    streams.part()
    end(command([name, *sys.argv[1:]]))


def command(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code. Never raises, unless a second signal ends it."""
    words = hoisted(arguments)
    if not words or {"-h", "--help"} & set(words):
        return _help(words)
    as_json, debug = "--json" in words, "--debug" in words
    invocation = Invocation(run=new_run())
    logs.set_up(invocation.run.id, debug=debug)
    output = Output()
    try:
        answer = _answered(words, invocation)
        if debug:
            for error in answer.errors:
                traceback.print_exception(error, file=sys.stderr)
        if answer.view is None and not as_json:
            console(sys.stderr).print(failures(answer.errors))
        output.write(answer, as_json=as_json)
    finally:
        output.close()
    return answer.exit_code


def _answered(words: Sequence[str], invocation: Invocation) -> Answer:
    """The command's answer, or the failure as one."""
    began = time.monotonic()
    try:
        with stoppable():
            # Not app(…): that would turn the KeyboardInterrupt of a signal into an exit code of its own.
            parser = get_command(app)
            with parser.make_context("lakemart", list(words), obj=invocation) as parsed:
                answer: Answer = parser.invoke(parsed)
                return answer
    except LakemartError as error:
        failure = error
    except StoppedError as error:
        failure = _spoken(
            TransientError(f"stopped by {error.name}", next_step="Run again: it goes on where this one stopped."), error
        )
    except _USAGE_ERRORS as error:
        words_of_it = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        failure = _spoken(
            UsageError(words_of_it.rstrip("."), next_step="See `lakemart --help`, and `lakemart COMMAND --help`."),
            error,
        )
    except Exception as error:  # noqa: BLE001 - the one place where a bug becomes an exit code
        what = f"a fault of lakemart: {type(error).__name__}: {error}"
        failure = _spoken(InternalError(what, next_step="Run again with --debug and report what it shows."), error)
    document = RunDocument(run=invocation.run.id, seconds=time.monotonic() - began)
    document.tell(failure)
    return Answer(
        document={**document.as_json(), "errors": _told(failure)}, exit_code=document.exit_code, errors=(failure,)
    )


def _told(failure: LakemartError) -> list[dict[str, str]]:
    """The errors of a document: the failure, or each problem of a project as one, at its place."""
    if isinstance(failure, ConfigError) and failure.problems:
        return [
            {
                "kind": failure.kind,
                "message": problem.message,
                "where": f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file,
                "next": problem.suggestion,
            }
            for problem in failure.problems
        ]
    return [{"kind": failure.kind, "message": failure.what, "where": failure.where, "next": failure.next_step}]


def _spoken(failure: LakemartError, cause: BaseException) -> LakemartError:
    failure.__cause__ = cause
    return failure.with_traceback(cause.__traceback__)


def _help(words: Sequence[str]) -> int:
    """Prints help as typer does; asking for it is no error, an empty command line gets it too."""
    try:
        app(list(words) or ["--help"], prog_name="lakemart", obj=Invocation(run=new_run()))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


if __name__ == "__main__":
    main()
