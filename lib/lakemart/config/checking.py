"""Checks one file's nodes against its shape: pydantic's findings in our words, at the place of the key or value.

A faulty part is taken out and the rest is looked at again, so that contradictions elsewhere in the file still show.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lakemart.config.document import Node
from lakemart.config.problems import Problems, did_you_mean
from lakemart.config.scalars import kind_of

Shape = TypeVar("Shape", bound=BaseModel)
Location = tuple[str | int, ...]

NULL_ALLOWED = ("inputs", "skip")
"""Keys under which nothing is a meaning: an input without options, a JSON null."""

ROUNDS = 8
"""How deep faults hidden behind faults are looked for."""


def checked(shape: type[Shape], node: Node, problems: Problems, *, unexpanded: bool = False) -> Shape | None:
    """The node as `shape`; what is wrong with it goes to `problems`. After a fault the value holds what was sound.

    None when nothing sound is left. With `unexpanded`, values that still hold `${…}` are not judged.
    """
    if not isinstance(node.content, dict):
        hint = f"begin with {shape.__name__.removesuffix('File').lower()}: NAME"
        problems.add(node.place, f"the file must be a mapping of keys, {kind_of(node.data)}", hint)
        return None
    data = node.data
    taken = _drop_empty(node, data, (), problems)
    for _ in range(ROUNDS):
        try:
            return shape.model_validate(data)
        except ValidationError as error:
            faults = error.errors(include_url=False)
        taken |= _report_unknown(shape, node, faults, problems)
        for fault in faults:
            if fault["type"] != "extra_forbidden" and not (fault["type"] == "missing" and fault["loc"] in taken):
                _report(node, fault, problems, unexpanded=unexpanded)
        for fault in faults:
            is_missing = fault["type"] == "missing"
            if is_missing and len(fault["loc"]) == 1:
                return None
            taken.add(_take_out(data, fault["loc"][:-1] if is_missing else fault["loc"]))
    return None


def _drop_empty(node: Node, data: Any, path: Location, problems: Problems) -> set[Location]:
    """Takes keys without a value out of `data` and reports them; returns where they stood."""
    taken: set[Location] = set()
    entries: list[tuple[str | int, Node]] = list(node.items.items())
    if isinstance(node.content, list):
        entries = list(enumerate(node.content))
    for key, child in entries:
        if child.content is None and isinstance(key, str) and not set(path) & set(NULL_ALLOWED):
            place = child.key or child.place
            if not problems.stand_at(child.place) and not _cut_at_comma(key, node):
                problems.add(place, f"'{key}' has no value", "write one, or take the key out")
            del data[key]
            taken.add((*path, key))
        elif isinstance(child.content, dict | list):
            taken |= _drop_empty(child, data[key], (*path, key), problems)
    return taken


def _cut_at_comma(key: str, node: Node) -> bool:
    """Whether the key is the rest of a type such as decimal(12,2), cut at its comma within braces; the type says so."""
    written = node.text("type") or ""
    return key.endswith(")") and "(" in written and ")" not in written


def _report_unknown(
    shape: type[BaseModel], node: Node, faults: list[ErrorDetails], problems: Problems
) -> set[Location]:
    """Reports unknown keys; returns the missing ones that they are probably misspellings of."""
    meant: set[Location] = set()
    for fault in faults:
        if fault["type"] == "extra_forbidden":
            *parent, key = fault["loc"]
            hint = did_you_mean(str(key), known_keys(shape, tuple(parent)))
            problems.add(node.key_place(*fault["loc"]), f"unknown key '{key}'", hint)
            near = re.search(r"'(\w+)'", hint)
            meant |= {(*parent, near[1])} if near else set()
    return meant


def _report(node: Node, fault: ErrorDetails, problems: Problems, *, unexpanded: bool) -> None:
    loc = fault["loc"]
    if fault["type"] == "missing":
        holder = node.at(*loc[:-1])
        problems.add(holder.key or holder.place, f"'{loc[-1]}' is missing{_of(loc[:-1])}")
        return
    message, hint = _sentence(fault)
    if loc and loc[-1] == "[key]":
        problems.add(node.key_place(*loc[:-1]), f"the key {message}", hint)
        return
    target = node.at(*loc)
    is_open = isinstance(target.content, str) and "${" in target.content
    if not (is_open and (unexpanded or problems.stand_at(target.place))):
        problems.add(target.place, f"{_label(loc)} {message}", hint)


def known_keys(shape: type[BaseModel], path: Location) -> list[str]:
    """The keys that `shape` knows at `path`: of the model there, whatever mappings and options lie between."""
    current: Any = shape
    for step in path:
        if isinstance(current, type) and issubclass(current, BaseModel) and step in current.model_fields:
            current = current.model_fields[str(step)].annotation
            current = current if _is_mapping(current) else _model_in(current)
        else:
            current = _model_in(current)
    model = current if isinstance(current, type) and issubclass(current, BaseModel) else _model_in(current)
    return list(model.model_fields) if model else []


def _is_mapping(annotation: Any) -> bool:
    return bool(get_args(annotation)) and getattr(annotation, "__origin__", None) in (dict, list)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _label(loc: Location) -> str:
    names = [step for step in loc if isinstance(step, str) and not step.endswith("]")]
    label = f"'{names[-1]}'" if names else "the file"
    if loc and isinstance(loc[-1], int):
        return f"{label}, item {loc[-1] + 1},"
    return label


def _of(loc: Location) -> str:
    names = [str(step) for step in loc]
    return f" in '{'.'.join(names)}'" if names else ""


def _sentence(fault: ErrorDetails) -> tuple[str, str]:
    """A fault's message, completing "'key' …", and a suggestion."""
    kind, context, given = fault["type"], fault.get("ctx", {}), fault["input"]
    if kind == "written":
        return str(context["text"]), str(context["suggestion"])
    if kind == "literal_error":
        expected = str(context["expected"]).replace(" or ", ", ").replace("'", "")
        return f"must be one of {expected}, {kind_of(given)}", _only_near(str(given), expected.split(", "))
    if kind in {"model_type", "dict_type", "model_attributes_type"}:
        in_columns = len(fault["loc"]) > 1 and fault["loc"][-2] == "columns" and isinstance(given, str)
        return f"must be a mapping of keys, {kind_of(given)}", f"write {{type: {given}}}" if in_columns else ""
    if kind == "list_type":
        return f"must be a list, {kind_of(given)}", "write [a, b], or begin each entry with '- '"
    return f"is wrong: {fault['msg']}", ""


def _only_near(wrong: str, known: list[str]) -> str:
    hint = did_you_mean(wrong, known)
    return hint if hint.startswith("did") else ""


def _take_out(data: Any, loc: Location) -> Location:
    """Takes the faulty part out of `data`; returns where it stood."""
    path = [step for step in loc if step != "[key]"]
    if path and isinstance(path[-1], int):
        path.pop()  # a list goes as a whole: its other items would move to other places
    for step in path[:-1]:
        if not isinstance(data, dict | list) or (isinstance(data, dict) and step not in data):
            return tuple(path)
        data = data[step]  # type: ignore[index]  # a list only ever meets a number here
    if path and isinstance(data, dict):
        data.pop(path[-1], None)
    return tuple(path)
