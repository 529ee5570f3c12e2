"""Names and literals: the one place where an identifier or a text becomes SQL."""

from __future__ import annotations

import doctest

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from lakemart import names
from lakemart.errors import ConfigError
from lakemart.names import GRAMMAR, TableName, checked, is_name, literal, quoted

WRONG = [
    "", "A", "Name", "1a", "_a", "a-b", "a b", "a.b", "a;b", 'a"b', "a'b", "a\n", "\na", "a\x00", "ä", "аdmin", "a" * 64, "drop table x", "a--", "a/*", "é", "ａ",
]  # fmt: skip


def test_the_examples_hold() -> None:
    assert doctest.testmod(names).failed == 0


@pytest.mark.parametrize("text", ["a", "a1", "a_b", "select", "a" * 63, "z9_"])
def test_a_name_is_itself(text: str) -> None:
    assert is_name(text)
    assert checked(text) == text
    assert quoted(text) == f'"{text}"'


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_name_is_refused_with_the_grammar_and_never_quoted(text: str) -> None:
    assert not is_name(text)
    for use in (checked, quoted):
        with pytest.raises(ConfigError, match="is not a name") as caught:
            use(text)
        assert repr(text) in caught.value.what
        assert "lower-case" in caught.value.next_step


@given(st.from_regex(GRAMMAR, fullmatch=True))
def test_a_quoted_name_is_one_identifier(name: str) -> None:
    parsed = sqlglot.parse(f"SELECT 1 AS {quoted(name)}", dialect="redshift")

    assert len(parsed) == 1
    assert parsed[0].selects[0].alias == name


@pytest.mark.parametrize("text", ["marts", "a.b.c", ".a", "a.", "A.b", 'a."b"', "a. b", "a.b;", ""])
def test_a_table_name_is_two_names(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a"):
        TableName.parse(text)


def test_a_table_is_quoted_part_by_part_and_tells_its_name() -> None:
    table = TableName.parse("marts.hourly_activity")

    assert (table.schema, table.name, table.quoted, str(table)) == (
        "marts",
        "hourly_activity",
        '"marts"."hourly_activity"',
        "marts.hourly_activity",
    )


@pytest.mark.parametrize("table", [TableName("a; drop", "b"), TableName("a", 'b" --')])
def test_a_table_made_by_hand_is_checked_when_it_becomes_sql(table: TableName) -> None:
    with pytest.raises(ConfigError):
        assert table.quoted


def as_redshift_reads(text: str) -> str:
    """The value of a string literal by the rules of Redshift: '' is a quote, a backslash takes the next sign as it is."""
    assert text[0] == text[-1] == "'"
    value = []
    signs = iter(text[1:-1])
    for sign in signs:
        if sign in {"'", "\\"}:
            following = next(signs)
            assert sign == "\\" or following == "'", "the literal ends before its end"
            value.append(following)
        else:
            value.append(sign)
    return "".join(value)


@given(
    st.text(
        alphabet=st.one_of(
            st.sampled_from("'\\;-\n\"%$ü"), st.characters(exclude_characters="\x00", exclude_categories=["Cs"])
        )
    )
)
def test_a_literal_is_one_string_with_the_text_as_its_value(text: str) -> None:
    assert as_redshift_reads(literal(text)) == text


def test_no_literal_holds_a_nul() -> None:
    with pytest.raises(ConfigError, match="NUL"):
        literal("a\x00b")
