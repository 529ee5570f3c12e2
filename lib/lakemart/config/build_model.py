"""One model: what was written, and the `.sql` or `.py` beside it → `Model`, with the contradictions of one file."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from lakemart.config import sql
from lakemart.config.document import Node, Place
from lakemart.config.model import Check, Input, Model, ModelColumn, NotNullCheck, Publish, SqlCheck, UniqueCheck
from lakemart.config.model_file import CheckFile, ModelFile, PublishFile
from lakemart.config.problems import Problems, did_you_mean

SLICES = frozenset({"date", "varchar", "string", "smallint", "int", "bigint", "boolean"})
PUBLISHABLE_AS = {"string": "varchar(n), n in bytes", "json": "varchar(n), n in bytes, or super", "list": "super"}
DAY = timedelta(days=1)


def model(written: ModelFile, node: Node, file: Path, folder: Path, problems: Problems) -> Model:
    """The model; of a faulty one, what was sound. `file` is its YAML file."""
    known = list(node.entries("columns"))
    columns = tuple(
        ModelColumn(name=name, type=c.type, description=c.description) for name, c in written.columns.items()
    )
    if not known:
        problems.add(node.key_place("columns"), "'columns' names no column", "write columns: {NAME: {type: TYPE}}")
    inputs = {
        name: Input(name=name, slice=_input_slice(i.slice, written.slice), lookback=i.lookback)
        for name, i in written.inputs.items()
    }
    if not inputs and "inputs" in node.items:
        problems.add(node.at("inputs").place, "'inputs' names no table", "write inputs: [TABLE]")
    sql_text, python = _text(file, folder, node, problems)
    made = Model(
        name=written.model,
        kind="python" if python else "sql",
        sql=sql_text,
        python=python,
        python_text=python.read_text(encoding="utf-8", errors="replace") if python else "",
        inputs=inputs,
        slice=written.slice,
        key=tuple(written.key),
        columns=columns,
        checks=_checks(written, node, known, problems),
        publish=_publish(written, node, known, problems),
        description=written.description,
        owner=written.owner,
    )
    _check_columns(made, node, known, problems)
    if sql_text:
        name = _relative(file.with_suffix(".sql"), folder)
        sql.check_query(sql.Query(text=sql_text, file=name, inputs=_input_names(node), columns=known), problems)
    return made


def _input_names(node: Node) -> list[str]:
    """The inputs as written, also those whose options are faulty."""
    content = node.items["inputs"].content if "inputs" in node.items else None
    if isinstance(content, list):
        return [str(child.content) for child in content]
    return list(content or {}) if isinstance(content, dict) else [str(content)]


def _input_slice(own: str | None, of_model: str | None) -> str | None:
    if own == "none":
        return None
    return own or of_model


def _relative(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


def _text(file: Path, folder: Path, node: Node, problems: Problems) -> tuple[str, Path | None]:
    """The SQL text, or the Python file; exactly one of them stands beside the YAML file."""
    sql_file, python = file.with_suffix(".sql"), file.with_suffix(".py")
    place = node.at("model").place
    if sql_file.is_file() and python.is_file():
        problems.add(place, f"both {sql_file.name} and {python.name} stand beside {file.name}", "take one away")
    if sql_file.is_file():
        try:
            text = sql_file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            problems.add(Place(_relative(sql_file, folder), 1, 1), "the file is not UTF-8", "save it as UTF-8")
            return "", None
        if not text.strip():
            problems.add(Place(_relative(sql_file, folder), 1, 1), "the file is empty", "write one SELECT")
        return text, None
    if not python.is_file():
        problems.add(
            place,
            f"neither {sql_file.name} nor {python.name} stands beside {file.name}",
            "write the model's query, or def build(inputs)",
        )
        return "", None
    _check_python(python, _relative(python, folder), problems)
    return "", python


def _check_python(python: Path, name: str, problems: Problems) -> None:
    try:
        parsed = ast.parse(python.read_bytes())
    except SyntaxError as error:
        problems.add(Place(name, error.lineno or 1, error.offset or 1), f"this is not Python: {error.msg}")
        return
    except ValueError as error:
        problems.add(Place(name, 1, 1), f"this is not Python: {error}")
        return
    if not any(isinstance(item, ast.FunctionDef) and item.name == "build" for item in parsed.body):
        problems.add(Place(name, 1, 1), "the function 'build' is missing", "write def build(inputs) -> DataFrame")


def _checks(written: ModelFile, node: Node, known: list[str], problems: Problems) -> tuple[Check, ...]:
    checks: list[Check] = []
    for index, check in enumerate(written.checks):
        at = node.at("checks", index)
        given = [key for key in ("unique", "not_null", "sql") if key in at.items]
        if len(given) != 1 and not any(child.key and problems.stand_at(child.key) for child in at.items.values()):
            problems.add(at.place, "a check is exactly one of unique, not_null and sql", "write - unique: [COLUMN]")
        if len(given) != 1:
            continue
        for key in ("unique", "not_null"):
            _must_be_columns(getattr(check, key) or [], at, key, known, problems)
        checks += [made for made in [_check(check)] if made is not None]
        if check.sql is not None:
            place = at.at("sql").place
            names = [*_input_names(node), written.model]
            sql.check_query(sql.Query(text=check.sql, file=place.file, inputs=names, place=place), problems)
    return tuple(checks)


def _check(written: CheckFile) -> Check | None:
    if written.unique is not None:
        return UniqueCheck(tuple(written.unique))
    if written.not_null is not None:
        return NotNullCheck(tuple(written.not_null))
    return SqlCheck(written.sql) if written.sql is not None else None


def _must_be_columns(names: list[str], node: Node, key: str, known: list[str], problems: Problems) -> None:
    if key in node.items and not names:
        problems.add(node.at(key).place, f"'{key}' names no column", f"known: {', '.join(known)}")
    for index, name in enumerate(names):
        if name not in known:
            problems.add(
                node.at(key, index).place, f"'{key}' names '{name}', which is not a column", did_you_mean(name, known)
            )


def _publish(written: ModelFile, node: Node, known: list[str], problems: Problems) -> Publish | None:
    publish = written.publish
    if publish is None:
        return None
    at = node.at("publish")
    schema = publish.table.schema
    if schema.startswith("pg_") or schema == "information_schema":
        problems.add(
            at.at("table").place, f"the schema '{schema}' belongs to the warehouse itself", "choose another schema"
        )
    types = {name: c.type.kind for name, c in written.columns.items()}
    _check_sorting(publish, at, types, known, problems)
    if publish.mode == "merge" and "key" not in node.items:
        problems.add(
            at.at("mode").place, "'mode' is merge, but the model has no 'key'", "name the columns that identify a row"
        )
    if publish.retain is not None:
        if written.slice is None or types.get(written.slice, "date") != "date":
            problems.add(
                at.key_place("retain"),
                "'retain' needs a slice column of type date",
                "write slice: COLUMN, or take retain out",
            )
        if publish.retain % DAY or not publish.retain:
            problems.add(at.at("retain").place, "'retain' must be whole days, at least one", "write 90 days")
    return Publish(
        table=publish.table,
        mode=publish.mode,
        retain=publish.retain,
        distkey=publish.distkey,
        sortkey=tuple(publish.sortkey),
        grant_select_to=tuple(publish.grant_select_to),
    )


def _check_sorting(
    publish: PublishFile, at: Node, types: Mapping[str, str], known: list[str], problems: Problems
) -> None:
    if publish.distkey is not None and publish.distkey not in known:
        message = f"'distkey' names '{publish.distkey}', which is not a column"
        problems.add(at.at("distkey").place, message, did_you_mean(publish.distkey, known))
    if publish.sortkey:
        _must_be_columns(publish.sortkey, at, "sortkey", known, problems)
    for key, names in (("distkey", [publish.distkey]), ("sortkey", publish.sortkey)):
        for name in names:
            kind = types.get(str(name))
            if kind in {"super", "json", "list"}:
                message = f"'{key}' names '{name}', whose type is {kind}"
                problems.add(at.at(key).place, message, "a super column cannot be one")


def _check_columns(made: Model, node: Node, known: list[str], problems: Problems) -> None:
    kinds = {column.name: column.type for column in made.columns}
    if made.key:
        _must_be_columns(list(made.key), node, "key", known, problems)
    if made.slice is not None and "slice" in node.items:
        place = node.at("slice").place
        if made.slice not in known:
            problems.add(place, f"'slice' is '{made.slice}', which is not a column", did_you_mean(made.slice, known))
        elif made.slice in kinds and kinds[made.slice].kind not in SLICES:
            problems.add(
                place,
                f"'slice' is '{made.slice}', whose type {kinds[made.slice]} cannot be a partition",
                f"it may be {', '.join(sorted(SLICES))}",
            )
    for column in made.columns if made.publish is not None or "publish" in node.items else ():
        if column.type.kind in PUBLISHABLE_AS:
            place = node.at("columns", column.name, "type").place
            problems.add(
                place,
                f"the column '{column.name}' is {column.type}, but the model is published",
                f"write {PUBLISHABLE_AS[column.type.kind]}",
            )
