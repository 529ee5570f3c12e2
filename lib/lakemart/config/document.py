"""YAML text → nodes that remember where they stand. Scalars stay the text that was written; the models decide their type.

So `1.10` stays a version, `010` and `2024-01-01` stay text where text is wanted, and `yes` is never silently a boolean.
Anchors and aliases work; tags other than `!!str`, merge keys and further documents in one file are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from lakemart.config.problems import Problems

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
QUOTED = frozenset("'\"|>")
"""The styles of scalars that stay text, blocks among them."""

MAX_NODES = 200_000
"""A bound on what aliases may multiply to."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Plain(str):
    """A scalar written without quotes: it may become a number or a boolean. A quoted scalar is a `str` and stays text."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written; line and column count from 1. `origin` decides what a relative path is relative to."""

    file: str
    line: int = 0
    column: int = 0
    origin: str = "file"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Node:
    """A mapping, a list, a scalar (`Plain` or quoted `str`) or nothing (None), with its place and that of its key."""

    content: dict[str, Node] | list[Node] | str | None
    place: Place
    key: Place | None = None

    @property
    def items(self) -> dict[str, Node]:
        """The entries of a mapping; nothing for everything else."""
        return self.content if isinstance(self.content, dict) else {}

    def entries(self, key: str) -> dict[str, Node]:
        """The entries of the mapping under `key`; nothing when there is none."""
        return self.items[key].items if key in self.items else {}

    def text(self, key: str) -> str | None:
        """The scalar under `key`; None when there is none."""
        content = self.items[key].content if key in self.items else None
        return content if isinstance(content, str) else None

    @property
    def data(self) -> Any:
        """The content as plain dictionaries, lists and scalars."""
        if isinstance(self.content, dict):
            return {key: node.data for key, node in self.content.items()}
        return [node.data for node in self.content] if isinstance(self.content, list) else self.content

    def at(self, *path: str | int) -> Node:
        """The node at `path`, or the deepest one on the way to it."""
        node: Node = self
        for step in path:
            if isinstance(node.content, dict) and step in node.content:
                node = node.content[str(step)]
            elif isinstance(node.content, list) and isinstance(step, int) and step < len(node.content):
                node = node.content[step]
            else:
                break
        return node

    def key_place(self, *path: str | int) -> Place:
        """The place of the key that leads to `path`."""
        node = self.at(*path)
        return node.key or node.place

    def leaves(self, prefix: str = "") -> Iterator[tuple[str, Node]]:
        """Every scalar with its dotted path."""
        if isinstance(self.content, dict):
            for key, node in self.content.items():
                yield from node.leaves(f"{prefix}.{key}" if prefix else key)
        elif isinstance(self.content, list):
            for index, node in enumerate(self.content):
                yield from node.leaves(f"{prefix}.{index}")
        else:
            yield prefix, self


def read_yaml(raw: bytes | str, file: str, problems: Problems, *, origin: str = "file") -> Node | None:
    """The one document of a file as nodes; None when it cannot be read, with the reason in `problems`."""
    text = _decoded(raw, file, problems) if isinstance(raw, bytes) else raw
    if text is None or not _printable(text, file, problems):
        return None
    try:
        composed = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at_mark = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)
        problems.add(
            at_mark if origin == "file" else Place(file, origin=origin),
            f"this is not YAML: {error.problem or error.context}",
            _hint(error.problem or ""),
        )
        return None
    except (yaml.YAMLError, RecursionError) as error:
        problems.add(Place(file, 1, 1), f"this is not YAML: {type(error).__name__}")
        return None
    if composed is None:
        return Node(None, Place(file, 1, 1, origin))
    reader = _Reader(file, origin, problems)
    try:
        return reader.node(composed, None)
    except RecursionError:
        problems.add(Place(file, 1, 1), "the document is nested too deeply")
        return None


def _decoded(raw: bytes, file: str, problems: Problems) -> str | None:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line_start = before.rfind(b"\n") + 1
        column = len(before[line_start:].decode("utf-8", "replace")) + 1
        problems.add(Place(file, before.count(b"\n") + 1, column), "the file is not UTF-8", "save it as UTF-8")
        return None


def _printable(text: str, file: str, problems: Problems) -> bool:
    match = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if match is None:
        return True
    before = text[: match.start()]
    place = Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
    problems.add(
        place, f"YAML cannot hold the character U+{ord(match.group()):04X}", "write it as an escape in double quotes"
    )
    return False


def _hint(problem: str) -> str:
    if "mapping values are not allowed" in problem:
        return "put a text that holds ': ' in quotes, and mind the indentation"
    if "cannot start any token" in problem:
        return "indent with spaces, and put a text that begins with this character in quotes"
    if "expected ',' or '}'" in problem:
        return "close the brace; within braces a text with ${…}, a comma or a brace stands in quotes"
    if "another document" in problem:
        return "write one document a file"
    return ""


class _Reader:
    """Turns composed YAML nodes of one file into ours, noting what lakemart refuses."""

    def __init__(self, file: str, origin: str, problems: Problems) -> None:
        self._file, self._origin, self._problems = file, origin, problems
        self._count = 0
        self._open: set[int] = set()

    def node(self, composed: yaml.Node, key: Place | None) -> Node:
        place = self._place(composed)
        self._count += 1
        if self._count > MAX_NODES or id(composed) in self._open:
            self._problems.add(place, "an alias repeats too much, or itself", "write the value out")
            return Node(None, place, key)
        tag = composed.tag or ""
        if not tag.startswith("tag:yaml.org,2002:") or "python" in tag:
            self._problems.add(place, f"the YAML tag {tag!r} is refused", "write the plain value")
            return Node(None, place, key)
        if isinstance(composed, yaml.ScalarNode):
            return Node(_scalar(composed), place, key)
        self._open.add(id(composed))
        content: dict[str, Node] | list[Node]
        if isinstance(composed, yaml.SequenceNode):
            content = [self.node(item, None) for item in composed.value]
        else:
            content = self._mapping(composed)
        self._open.discard(id(composed))
        return Node(content, place, key)

    def _mapping(self, composed: yaml.Node) -> dict[str, Node]:
        content: dict[str, Node] = {}
        for key_node, value_node in composed.value:
            place = self._place(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self._problems.add(
                    place, "a key must be text", "a value that begins with { or [ needs quotes, also as a key"
                )
                continue
            key = str(key_node.value)
            if key == "<<":
                self._problems.add(place, "merge keys ('<<') are refused", "write the keys out, or alias whole values")
                continue
            value = self.node(value_node, place)
            if key in content:
                first = content[key].key or content[key].place
                self._problems.add(place, f"the key '{key}' stands twice", f"it stands in line {first.line} already")
                continue
            content[key] = value
        return content

    def _place(self, composed: yaml.Node) -> Place:
        mark = composed.start_mark
        if self._origin != "file":
            return Place(self._file, 0, 0, self._origin)
        return Place(self._file, mark.line + 1, mark.column + 1, self._origin)


def _scalar(composed: yaml.ScalarNode) -> str | None:
    text = str(composed.value)
    if composed.style in QUOTED:
        return text
    return None if text in NULLS else Plain(text)
