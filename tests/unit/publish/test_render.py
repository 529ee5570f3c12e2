"""Every statement renders to reviewed SQL, and whatever stands in its values, to exactly that one statement."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as some
from sqlglot import exp

from lakemart.errors import ConfigError, InternalError
from lakemart.names import TableName
from lakemart.publish import statements as st
from lakemart.publish.render import Sql, render
from lakemart.publish.slices import Slices
from lakemart.publish.warehouse import Tag
from unit.publish.examples import EXAMPLES, LOADS, MANIFEST, ROLE, TABLE, TAG, slices

GOLDEN = Path(__file__).parents[2] / "golden" / "publish" / "statements.sql"
COMMENT = re.compile(r'/\* (\{"app":"lakemart"[^*/]*\}) \*/\n')


def shown(title: str, sql: Sql) -> str:
    parameters = f"-- parameters: {sql.parameters!r}\n" if sql.parameters else ""
    return f"-- {title}\n{parameters}{sql.text};\n"


@pytest.mark.golden
def test_every_statement_renders_as_reviewed() -> None:
    text = "\n".join(shown(title, render(statement, TAG)) for title, statement in EXAMPLES)
    if os.environ.get("LAKEMART_GOLDEN") == "rewrite":
        GOLDEN.write_text(text, encoding="utf-8")

    assert text == GOLDEN.read_text(encoding="utf-8")


def test_every_kind_of_statement_has_an_example() -> None:
    assert {type(statement) for _, statement in EXAMPLES} == set(get_args(st.Statement))


def test_no_statement_can_do_what_a_publish_never_does() -> None:
    texts = " ".join(COMMENT.sub("", render(statement, TAG).text) for _, statement in EXAMPLES).upper()

    for word in ("TRUNCATE", "DROP", "ALTER ", "MAXERROR", "CREDENTIALS", "ACCESS_KEY", "ACCEPTINVCHARS"):
        assert not re.search(rf"\b{word}", texts)
    assert re.findall(r"LOCK TABLE (\S+)", texts) == [LOADS.quoted.upper()]


@pytest.mark.parametrize(("title", "statement"), EXAMPLES, ids=[title for title, _ in EXAMPLES])
def test_every_text_is_one_statement_behind_one_tag(title: Any, statement: Any) -> None:
    text = render(statement, TAG).text

    assert COMMENT.match(text), title
    assert len(parsed(text.replace("%s", "NULL"))) == 1


def parsed(text: str) -> list[exp.Expression]:
    """The statements in a text, as sqlglot's Redshift dialect reads them; only what it cannot parse is tokenized."""
    try:
        return [one for one in sqlglot.parse(text, read="redshift") if one is not None]
    except sqlglot.errors.ParseError:
        tokens = sqlglot.tokenize(text, read="redshift")
        assert all(token.text != ";" for token in tokens)
        return [exp.Command(this=text)]


HOSTILE = some.one_of(
    some.text(max_size=40),
    some.sampled_from([
        "*/ DROP TABLE x; --", "/* /*", "'; DROP TABLE x; --", "\\'; DROP TABLE x; --", '"; DROP TABLE x', "%s %s", "%", ":1 ? $1",
        "\\", "\\\\'", "''", "$$", "\n--\n", "-- */", "E'\\''", "\u2028", "ﬁ", "a\x00b",
    ]),
)  # fmt: skip


@given(version=HOSTILE, project=HOSTILE, model=HOSTILE, run=HOSTILE, user=HOSTILE)
def test_a_tag_holds_anything_and_stays_one_comment(
    version: Any, project: Any, model: Any, run: Any, user: Any
) -> None:
    tag = Tag(version=version, project=project, model=model, run=run, user=user)

    text = render(st.LockLoads(LOADS), tag).text

    (comment,) = re.findall(r"/\*.*?\*/", text, re.DOTALL)
    assert text == f'{comment}\nLOCK TABLE "marts"."lakemart_loads"'
    assert not set(comment[3:-3]) & set("*/%'?$;\n")
    assert comment.isascii()


@given(text=HOSTILE)
def test_a_comment_text_stays_one_literal(text: Any) -> None:
    if "\x00" in text:
        with pytest.raises(ConfigError):
            render(st.CommentOnTable(TABLE, text), TAG)
        return

    sql = COMMENT.sub("", render(st.CommentOnTable(TABLE, text), TAG).text)

    (statement,) = parsed(sql)
    (literal,) = statement.find_all(exp.Literal)
    assert literal.this == text


@given(label=HOSTILE)
def test_a_label_stays_one_literal(label: Any) -> None:
    if "\x00" in label:
        return

    sql = COMMENT.sub("", render(st.SetQueryGroup(label), TAG).text)

    tokens = sqlglot.tokenize(sql, read="redshift")
    strings = [token.text for token in tokens if token.token_type == sqlglot.TokenType.STRING]
    assert strings == [label] or label == ""
    assert all(token.text != ";" or token.token_type == sqlglot.TokenType.STRING for token in tokens)


@given(values=some.lists(some.one_of(some.none(), HOSTILE), min_size=1, max_size=5))
def test_slice_values_are_parameters_and_never_text(values: Any) -> None:
    sql = render(st.DeleteSlices(TABLE, slices(*values)), TAG)

    known = [value for value in values if value is not None]
    assert list(sql.parameters) == known
    assert sql.text.count("%s") == len(known)
    (statement,) = parsed(sql.text.replace("%s", "NULL"))
    assert isinstance(statement, exp.Delete)
    assert not list(statement.find_all(exp.Literal))


@given(name=HOSTILE)
def test_a_name_outside_the_grammar_is_refused_before_any_sql(name: Any) -> None:
    if re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        return

    for statement in (
        st.CreateSchema(name),
        st.LockLoads(TableName(name, "loads")),
        st.LockLoads(TableName("marts", name)),
        st.GrantSelect(TABLE, name),
        st.CommentOnColumn(TABLE, name, ""),
        st.CreateTable(table=TABLE, columns=(), distkey=name),
        st.CreateTable(table=TABLE, columns=(), sortkey=(name,)),
    ):
        with pytest.raises(ConfigError, match="is not a name"):
            render(statement, TAG)


@given(uri=HOSTILE)
def test_copy_takes_no_uri_but_a_plain_one(uri: Any) -> None:
    for whole in (uri, f"s3://bucket/{uri}", f"s3://{uri}/key"):
        if re.fullmatch(r"s3://[a-z0-9.-]{3,63}/[A-Za-z0-9!_.()=+@/-]+", whole):
            continue
        with pytest.raises(ConfigError, match="cannot stand in COPY"):
            render(st.CopyParquet(whole, ROLE), TAG)


@given(role=HOSTILE)
def test_copy_takes_no_role_but_an_arn(role: Any) -> None:
    for whole in (role, f"{ROLE}{role}", f"{ROLE},{role}"):
        if re.fullmatch(r"default|arn:aws:iam::\d{12}:role/[\w+=,.@/-]+", whole, re.ASCII):
            continue
        with pytest.raises(ConfigError, match="is not the ARN"):
            render(st.CopyParquet(MANIFEST, whole), TAG)


def test_a_very_long_list_of_slices_becomes_several_statements() -> None:
    many = slices(*(f"2015-01-{i:05d}" for i in range(2500)))

    sizes = [len(render(st.DeleteSlices(TABLE, part), TAG).parameters) for part in many.chunks()]

    assert sizes == [1000, 1000, 500]


def test_no_slice_is_no_statement_and_the_whole_table_is_one() -> None:
    assert list(slices().chunks()) == []
    assert len(list(Slices(column=None, type=None, values=None).chunks())) == 1


def test_a_list_of_no_slices_never_becomes_a_statement() -> None:
    with pytest.raises(InternalError, match="no slices"):
        render(st.DeleteSlices(TABLE, slices()), TAG)
