"""What the translator must leave alone, whatever surrounds it: strings, quoted names, parameters, numbers, casts, comments."""

from __future__ import annotations

import contextlib

from hypothesis import example, given, settings
from hypothesis import strategies as st

from localshift.errors import SqlError
from localshift.queries.dialect import translate
from localshift.queries.resolving import inlined, used_names
from localshift.sql.lex import Token, quote_literal, tokenize

# Words that mean something outside of a string.
TEMPTING = st.sampled_from(
    [
        "getdate()",
        "sysdate",
        " qualify x",
        "a pivot (sum(b) for c in ('d'))",
        "t.doc.name",
        "top 5",
        "string_agg(a)",
        "/* ",
        "-- ",
        "*/",
        "$$",
        "$1",
        ";",
        "\\\\",
        "ä€😀",
        "\n",
        " ",
        "::super",
        '"',
        "minus select",
        "on conflict",
        "(",
        ")",
        "e'",
    ]
)
CONTENT = st.lists(
    TEMPTING | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=4), max_size=5
).map("".join)
STRING = CONTENT.map(quote_literal)
DOLLARS = CONTENT.filter(lambda text: "$" not in text).map(lambda text: f"$q${text}$q$")
NAME = CONTENT.filter(bool).map(lambda text: '"' + text.replace('"', '""') + '"')
PLAIN = st.sampled_from(
    [
        "a",
        "a + 1",
        "$1",
        "1.5e3",
        ".5",
        "$2::varchar(10)",
        "cast(a as int)",
        "a::date",
        "coalesce(a, b)",
        "(a)",
        "tab.b",
    ]
)
COMMENT = CONTENT.filter(lambda text: "*/" not in text and "/*" not in text).map(lambda text: f"/*{text}*/")
GAP = st.sampled_from([" ", "\n", "\t ", " -- x\n"]) | COMMENT.map(lambda text: f" {text} ")
ITEM = STRING | DOLLARS | NAME | PLAIN


def shown(tokens: list[Token]) -> list[str]:
    """Return the tokens with names folded as Redshift folds them."""
    return [token.name if token.kind in ("word", "quoted") else token.text for token in tokens]


@settings(max_examples=60, deadline=None)
@given(st.lists(ITEM, min_size=1, max_size=5), GAP, GAP)
@example(["'sysdate'", '"getdate()"'], " ", "\n")
def test_a_query_of_plain_things_keeps_every_token(items: list[str], before: str, between: str) -> None:
    sql = f"select{before}" + f"{between},{between}".join(items) + f"{between}from tab{before}where a = 1"

    made = translate(sql, builtins=frozenset({"string_agg", "coalesce"})).sql

    assert shown(tokenize(made)) == shown(tokenize(sql))


@settings(max_examples=40, deadline=None)
@given(STRING | DOLLARS)
def test_a_string_in_a_call_that_is_rewritten_stays_the_same_string(text: str) -> None:
    sql = f"select nvl2({text}, decode({text}, 'x', {text}), listagg({text}, {text})) from tab"

    made = [token.value for token in tokenize(translate(sql).sql) if token.kind == "string"]

    assert made.count(tokenize(text)[0].value) == 5 + (tokenize(text)[0].value == "x")


@settings(max_examples=40, deadline=None)
@given(st.lists(ITEM, min_size=1, max_size=4))
def test_names_are_put_in_for_names_only(items: list[str]) -> None:
    sql = "select a + 1 as b, " + ", ".join(items) + ", b * 2 as c from tab"

    made = tokenize(inlined(sql, {(0, "b")}))

    assert used_names(sql) >= {(0, "b")}
    assert [token.text for token in made if token.kind == "string"] == [
        token.text for token in tokenize(sql) if token.kind == "string"
    ]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        TEMPTING | st.sampled_from(["select", "from", ",", "'", "unpivot", "at", "as", "[", "]", "0", "over", "."]),
        max_size=12,
    )
)
def test_text_that_is_no_statement_is_an_error_or_a_statement_and_never_a_crash(pieces: list[str]) -> None:
    sql = " ".join(pieces)

    with contextlib.suppress(SqlError):
        translate(sql)
    with contextlib.suppress(SqlError):
        used_names(sql)
