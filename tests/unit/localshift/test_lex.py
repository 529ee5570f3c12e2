from __future__ import annotations

import pytest

from localshift.errors import SqlError
from localshift.sql.lex import folded, quote_literal, split_statements, tokenize


def test_tokens_leave_out_white_space_and_nested_comments() -> None:
    tokens = tokenize("select /* a /* b */ c */ x -- rest\n, 'it''s' || $1::int")

    assert [token.text for token in tokens] == ["select", "x", ",", "'it''s'", "||", "$1", "::", "int"]


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("'a'", "a"),
        ("''", ""),
        ("'it''s'", "it's"),
        (r"'it\'s'", "it's"),
        (r"'a\\b\n'", "a\\b\n"),
        ("E'x'", "x"),
        ("$$a 'b'$$", "a 'b'"),
        ("$tag$a$$b$tag$", "a$$b"),
    ],
)
def test_a_string_literal_has_the_value_redshift_reads(literal: str, value: str) -> None:
    (token,) = tokenize(literal)

    assert token.value == value


@pytest.mark.parametrize("value", ["", "a", "it's", "back\\slash", "'\\'", "ä\n"])
def test_a_quoted_value_reads_back_as_itself(value: str) -> None:
    (token,) = tokenize(quote_literal(value))

    assert token.value == value


def test_names_fold_to_lower_case_even_in_quotes() -> None:
    assert [token.name for token in tokenize('Foo "Bar" "a""B" #Tmp')] == ["foo", "bar", 'a"b', "#tmp"]
    assert (
        folded('drop table "Foo"."B" cascade', tokenize('drop table "Foo"."B" cascade'))
        == 'drop table "foo"."b" cascade'
    )


def test_statements_split_at_semicolons_outside_of_strings_and_comments() -> None:
    assert split_statements("select ';' ; ; /* ; */ select 2 -- ;\n;") == ["select ';'", "/* ; */ select 2 -- ;"]


@pytest.mark.parametrize("text", ["select 'open", 'select "open', "/* open", "$$ open", "select \x00", "select '\\"])
def test_text_that_ends_in_the_middle_of_a_token_is_a_syntax_error(text: str) -> None:
    with pytest.raises(SqlError) as caught:
        tokenize(text)

    assert caught.value.code == "42601"
