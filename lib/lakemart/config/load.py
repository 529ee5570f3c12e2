"""Reads a project folder under one environment: the story from files to one `Project`, or to one error with all problems."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lakemart.config.build_model import model
from lakemart.config.build_project import Chosen, project_values
from lakemart.config.build_source import source
from lakemart.config.checking import checked
from lakemart.config.document import Node, Place, read_yaml
from lakemart.config.layers import expanded, merged, spread, under_environment, variables
from lakemart.config.layers import settings as setting_layers
from lakemart.config.model_file import ModelFile
from lakemart.config.notations import as_secret_reference
from lakemart.config.problems import Problems, did_you_mean
from lakemart.config.project import Project
from lakemart.config.project_file import ProjectFile
from lakemart.config.scalars import NAME_RULE
from lakemart.config.source_file import SourceFile
from lakemart.config.whole import Parts, check_whole
from lakemart.errors import ConfigError
from lakemart.names import is_name


@dataclass(slots=True, kw_only=True)
class Folder:
    """What the files of a project hold, before any environment: nodes by kind and name, and the file of each."""

    base: Node
    trees: dict[str, dict[str, Node]] = field(default_factory=lambda: {"sources": {}, "models": {}})
    files: dict[str, Path] = field(default_factory=dict)
    faulty: set[str] = field(default_factory=set)


def load_project(
    folder: Path,
    *,
    env: str = "local",
    settings: Sequence[str] = (),
    state: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Project:
    """The project in `folder` under `env`, with `LAKEMART__a__b` variables and `settings` (`a.b=value`) laid over it.

    Reads files only; nothing is written and no store is touched. `state` is relative to the current folder. Raises one
    ConfigError that lists every problem with file, line, column and suggestion.
    """
    environ = os.environ if environ is None else environ
    folder = folder.resolve()
    problems = Problems()
    read = _read_folder(folder, problems)
    if read.base.place.line:
        _check_environments(read, env, problems)
    project_node = spread(under_environment(read.base, env), read.trees, problems)
    for layer in [*variables(environ, problems), *setting_layers(settings, problems)]:
        project_node = merged(project_node, spread(layer, read.trees, problems))
    project_node = expanded(project_node, environ, problems)
    parts = _parts(read, folder, environ, problems)
    check_whole(parts, problems)
    written = checked(ProjectFile, project_node, problems) if read.base.place.line else None
    has_marts = any(made.publish for made in parts.models.values())
    chosen = Chosen(folder=folder, env=env, state=state, has_marts=has_marts)
    values = project_values(written, project_node, chosen, problems) if written else {}
    problems.raise_if_any(str(folder))
    return Project(**values, sources=parts.sources, models=parts.models, origins=_origins(project_node, parts))


def _read_folder(folder: Path, problems: Problems) -> Folder:
    file = folder / "project.yaml"
    if not file.is_file():
        what = f"there is no {'project.yaml' if folder.is_dir() else 'folder'} at '{folder}'"
        raise ConfigError(
            what,
            where=str(folder),
            next_step="Name the project's folder by --project, or make one by `lakemart new project`.",
        )
    base = read_yaml(file.read_bytes(), "project.yaml", problems)
    if base is None or not isinstance(base.content, dict):
        if base is not None:
            problems.add(base.place, "the file must be a mapping of keys", "begin with project: NAME")
        base = Node({}, Place("project.yaml"))
    read = Folder(base=base)
    for kind in read.trees:
        for path in sorted([*(folder / kind).glob("*.yaml"), *(folder / kind).glob("*.yml")]):
            if path.name[0] not in "._":
                _read_file(path, kind, read, problems)
    _check_orphans(folder, problems)
    return read


def _read_file(path: Path, kind: str, read: Folder, problems: Problems) -> None:
    """Adds one source or model under its own name; a file that cannot be read leaves its name among the faulty."""
    name_key = kind.removesuffix("s")
    read.faulty.add(path.stem)
    file = f"{kind}/{path.name}"
    node = read_yaml(path.read_bytes(), file, problems)
    if node is None:
        return
    name = str(node.text(name_key) or path.stem)
    if name in read.trees[kind]:
        first = read.trees[kind][name].place.file
        problems.add(
            node.at(name_key).place,
            f"the {name_key} '{name}' stands in {first} already",
            "give one of them another name",
        )
        return
    read.trees[kind][name] = node
    read.files[f"{kind}.{name}"] = path
    read.faulty.discard(path.stem)


def _check_orphans(folder: Path, problems: Problems) -> None:
    """A query or function without its YAML file would be ignored, which nobody means."""
    described = {path.stem for path in (folder / "models").glob("*.y*ml")}
    for path in sorted([*(folder / "models").glob("*.sql"), *(folder / "models").glob("*.py")]):
        if path.stem not in described and path.name[0] not in "._":
            problems.add(
                Place(f"models/{path.name}", 1, 1),
                f"there is no {path.stem}.yaml beside it",
                "describe the model there: model, inputs, columns",
            )


def _check_environments(read: Folder, env: str, problems: Problems) -> None:
    """Reports an unknown environment, and what is wrong in the environments that were not chosen."""
    node = read.base.items.get("environments")
    sections = node.items if node else {}
    if node is not None and node.content is not None and not isinstance(node.content, dict):
        problems.add(node.place, "'environments' must be a mapping of names", "write environments: {prod: {lake: …}}")
    for key in ("sources", "models"):
        if key in read.base.items:
            problems.add(read.base.key_place(key), f"unknown key '{key}'", f"write one file for each in {key}/")
    if env != "local" and env not in sections:
        problems.add(
            node.key or node.place if node else read.base.place,
            f"there is no environment '{env}'",
            did_you_mean(env, ["local", *sections]),
        )
    _check_password(read.base, problems)
    for name, section in sections.items():
        if not is_name(name):
            problems.add(section.key or section.place, f"'{name}' is not a name for an environment", NAME_RULE)
        if section.content is not None and not isinstance(section.content, dict):
            problems.add(section.place, f"the environment '{name}' must be a mapping of keys")
        elif name != env:
            trees = {kind: dict(by_name) for kind, by_name in read.trees.items()}
            checked(ProjectFile, spread(under_environment(read.base, name), trees, problems), problems, unexpanded=True)


def _check_password(base: Node, problems: Problems) -> None:
    """A secret in plain text is reported wherever it stands, also where the environment lays something over it."""
    password = base.entries("warehouse").get("password")
    if password is not None and "${" not in str(password.content):
        try:
            as_secret_reference(password.content)
        except ValueError as error:
            problems.add(password.place, f"'password' {error}", "write a reference, such as secret://env/NAME")


def _parts(read: Folder, folder: Path, environ: Mapping[str, str], problems: Problems) -> Parts:
    parts = Parts(nodes={"sources": {}, "models": {}}, faulty=set(read.faulty))
    for name, tree in read.trees["sources"].items():
        before = len(problems)
        node = parts.nodes["sources"][name] = expanded(tree, environ, problems)
        written = checked(SourceFile, node, problems)
        if written is not None:
            parts.sources[name] = source(written, node, problems)
        if written is None or len(problems) > before:
            made = parts.sources.get(name)
            parts.faulty |= {name, *(made.tables if made else ())}
    for name, tree in read.trees["models"].items():
        before = len(problems)
        node = parts.nodes["models"][name] = expanded(tree, environ, problems)
        model_written = checked(ModelFile, node, problems)
        if model_written is not None:
            parts.models[name] = model(model_written, node, read.files[f"models.{name}"], folder, problems)
        if model_written is None or len(problems) > before:
            parts.faulty.add(name)
    return parts


def _origins(project_node: Node, parts: Parts) -> dict[str, str]:
    """Where every written scalar came from, by dotted path."""
    origins = {path: str(node.place) for path, node in project_node.leaves()}
    for kind, by_name in parts.nodes.items():
        for name, tree in by_name.items():
            origins.update({path: str(node.place) for path, node in tree.leaves(f"{kind}.{name}")})
    return origins
