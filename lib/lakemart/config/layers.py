"""Lays what is written in several places over one another: environment section, `LAKEMART__…` variables, `--set`.

The later wins, key by key and by presence, so an override of `0`, `""` or `false` counts and `null` takes a key away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from lakemart.config.document import Node, Place, Plain, read_yaml
from lakemart.config.problems import Problems, did_you_mean

PREFIX = "LAKEMART__"
VARIABLE = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SEGMENT = re.compile(r'"([^"]*)"|([^."]+)')
SETTING = re.compile(rf"(?:{SEGMENT.pattern})(?:\.(?:{SEGMENT.pattern}))*")

EMBEDDED_BY_DEFAULT = ("lake", "staging", "warehouse")
"""What the environment `local` embeds unless its own section says otherwise; the base's `s3` does not count there either."""


def merged(base: Node, over: Node) -> Node:
    """`base` with everything `over` says; mappings merge, all else is replaced, null takes a key away."""
    if not isinstance(base.content, dict) or not isinstance(over.content, dict):
        return over
    content = dict(base.content)
    for key, node in over.content.items():
        if node.content is None:
            content.pop(key, None)
        else:
            content[key] = merged(content[key], node) if key in content else node
    return Node(content, base.place, base.key)


def under_environment(base: Node, env: str) -> Node:
    """The base section as the environment `env` sees it, with that environment's section over it."""
    section = base.entries("environments").get(env)
    content = {key: node for key, node in base.items.items() if key not in {"environments", "sources", "models"}}
    if env == "local":
        content.pop("s3", None)
        for key in EMBEDDED_BY_DEFAULT:
            content[key] = Node(Plain("embedded"), Place("the environment local"))
    node = Node(content, base.place, base.key)
    return merged(node, section) if section is not None and section.content is not None else node


def variables(environ: Mapping[str, str], problems: Problems) -> list[Node]:
    """One overlay for each `LAKEMART__a__b` variable; names in capitals stand for lower case."""
    overlays = []
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        rest = name.removeprefix(PREFIX)
        path = (rest.lower() if rest.isupper() else rest).split("__")
        place = Place(name, origin="variable")
        if not all(path):
            problems.add(place, "is not the name of a key", f"write {PREFIX}a__b for the key b under a")
            continue
        overlays += _overlay(path, environ[name], place, problems)
    return overlays


def settings(texts: Iterable[str], problems: Problems) -> list[Node]:
    """One overlay for each `a.b=value` of `--set`; the value is YAML, a key that holds a dot stands in double quotes."""
    overlays = []
    for text in texts:
        path_text, equals, value = text.partition("=")
        parts = SEGMENT.findall(path_text)
        path = [quoted or bare for quoted, bare in parts]
        place = Place(f"--set {path_text}", origin="set")
        if not equals or SETTING.fullmatch(path_text) is None:
            problems.add(place, "is not a setting", "write --set a.b=value")
            continue
        if path[:2] == ["engine", "spark"]:
            path = ["engine", "spark", ".".join(path[2:])]  # Spark's own keys hold dots
        overlays += _overlay(path, value, place, problems)
    return overlays


def _overlay(path: list[str], value: str, place: Place, problems: Problems) -> list[Node]:
    node = read_yaml(value, place.file, problems, origin=place.origin)
    if node is None:
        return []
    node = Node(node.content, place, place)
    for key in reversed(path):
        node = Node({key: node}, place, place)
    return [node]


def spread(overlay: Node, trees: dict[str, dict[str, Node]], problems: Problems) -> Node:
    """Applies an overlay's `sources` and `models` to those trees; gives the rest, which is the project's."""
    rest = dict(overlay.items)
    for kind, by_name in trees.items():
        part = rest.pop(kind, None)
        for name, node in part.items.items() if part else ():
            if name not in by_name:
                problems.add(
                    node.key or node.place,
                    f"there is no {kind.removesuffix('s')} '{name}'",
                    did_you_mean(name, by_name),
                )
            else:
                by_name[name] = merged(by_name[name], node)
    return Node(rest, overlay.place, overlay.key)


def expanded(node: Node, environ: Mapping[str, str], problems: Problems) -> Node:
    """The node with every `${NAME}` in its scalars replaced; a missing variable is a problem and stays as it is."""
    if isinstance(node.content, dict):
        return Node(
            {key: expanded(child, environ, problems) for key, child in node.content.items()}, node.place, node.key
        )
    if isinstance(node.content, list):
        return Node([expanded(child, environ, problems) for child in node.content], node.place, node.key)
    if not node.content or "$" not in node.content:
        return node

    def value(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        if NAME.fullmatch(match[1] or "") is None or not match[0].endswith("}"):
            problems.add(
                node.place,
                "'${' does not begin the name of an environment variable here",
                "write ${NAME}, or $${ for the text itself",
            )
        elif match[1] not in environ:
            problems.add(
                node.place,
                f"the environment variable {match[1]} is not set",
                f"export {match[1]}, or give the key by --set",
            )
        else:
            return environ[match[1]]
        return match[0]

    text = VARIABLE.sub(value, node.content)
    return Node(Plain(text) if isinstance(node.content, Plain) else text, node.place, node.key)
