"""The global options, which may stand before and after the command's name, and what they mean."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

GLOBAL_NOTE = "Global options (--project, --env, --state, --set, --json, --debug, --wait) may stand before or after the command: lakemart --help."
"""What the help of every command ends with."""

_WITH_VALUE = frozenset({"--project", "--env", "--state", "--set"})
_FLAGS = frozenset({"--json", "--debug"})
_COMMAND_VALUES = frozenset(
    {"--only", "--date", "--from", "--to", "--run", "--export", "--write", "--target", "--keep"}
)
"""Options of commands that take a value: the word after them is never a global option."""

_NUMBER = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Globals:
    """What was said once for any command. `wait` is in seconds, None: without end."""

    project: Path | None = None
    env: str = "local"
    state: Path | None = None
    settings: tuple[str, ...] = ()
    json: bool = False
    debug: bool = False
    wait: float | None = 0.0


def hoisted(arguments: Sequence[str]) -> list[str]:
    """The arguments with the global options before everything else, `--wait` with its value in one word.

    >>> hoisted(["run", "--json", "--only", "--x", "--project", "conf/a", "--wait", "30"])
    ['--json', '--project', 'conf/a', '--wait=30', 'run', '--only', '--x']
    >>> hoisted(["query", "--wait", "--", "--json"])
    ['--wait=inf', 'query', '--', '--json']
    """
    front: list[str] = []
    rest: list[str] = []
    words = list(arguments)
    while words:
        word = words.pop(0)
        name = word.partition("=")[0]
        if word == "--":
            return [*front, *rest, word, *words]
        if word in _FLAGS or (name in _WITH_VALUE and "=" in word) or word.startswith("--wait="):
            front.append(word)
        elif word in _WITH_VALUE:
            if not words:
                return [*front, word]  # the parser says that its value lacks
            front += [word, words.pop(0)]
        elif word == "--wait":
            seconds = words.pop(0) if words and _NUMBER.fullmatch(words[0]) else "inf"
            front.append(f"--wait={seconds}")
        else:
            rest.append(word)
            if word in _COMMAND_VALUES:
                rest += words[:1]
                words = words[1:]
    return [*front, *rest]


def waiting(seconds: float) -> float | None:
    """What `--wait` says as `Globals.wait` has it."""
    return None if math.isinf(seconds) else seconds
