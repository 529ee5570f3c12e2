from __future__ import annotations

import pytest

from localshift.queries.decimals import Size, added, divided, literal, merged, multiplied, of_modifier
from localshift.queries.scaling import divides, scales, with_scales, with_types
from localshift.queries.trees import integer, parsed, plain


def size(precision: int, scale: int) -> Size:
    return Size(precision=precision, scale=scale)


RULES = [
    (divided, (8, 2), (8, 2), (17, 9)),
    (divided, (19, 0), (19, 0), (38, 19)),
    (divided, (19, 2), (38, 19), (38, 4)),
    (divided, (38, 2), (19, 0), (38, 4)),
    (divided, (38, 9), (19, 0), (38, 9)),
    (divided, (4, 1), (1, 1), (8, 4)),
    (multiplied, (8, 2), (5, 0), (14, 2)),
    (multiplied, (19, 2), (38, 19), (38, 21)),
    (added, (8, 2), (5, 3), (10, 3)),
    (added, (38, 2), (1, 0), (38, 2)),
    (merged, (7, 2), (15, 3), (15, 3)),
    (merged, (19, 0), (19, 9), (19, 9)),
    (merged, (38, 2), (10, 0), (38, 2)),
]


@pytest.mark.parametrize(("rule", "a", "b", "expected"), RULES, ids=[f"{r.__name__} {a} {b}" for r, a, b, _ in RULES])
def test_precision_and_scale_follow_the_rules(rule, a, b, expected) -> None:  # type: ignore[no-untyped-def]
    assert rule(size(*a), size(*b)) == size(*expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("100.0 / x", (4, 1)), ("0.5", (1, 1)), (".25)", (2, 2)), ("-7.50", (3, 2)), ("- 12.", (2, 0)), ("- ((3.00)) ", (3, 2)), ("0.00", (2, 2)), ("0", (1, 0))],
)  # fmt: skip
def test_a_literal_has_the_digits_that_are_written(text: str, expected: tuple[int, int]) -> None:
    assert literal(text) == size(*expected)


@pytest.mark.parametrize("text", ["1e5", "1.5E-3", "'2'", "x", ""])
def test_what_is_no_plain_number_has_no_size(text: str) -> None:
    assert literal(text) is None


def test_a_modifier_holds_precision_and_scale() -> None:
    assert of_modifier(524294) == size(8, 2)
    assert of_modifier((38 << 16 | 0) + 4) == size(38, 0)
    assert of_modifier(-1) is None


def test_a_tree_is_read_with_its_nodes_lists_and_constants() -> None:
    tree = parsed(
        '{A :name a\\ b :list (1 {B :x <>} (o 1700)) :text ":c d" :constvalue 4 [ 6 0 8 0 0 0 0 0 ] :after :odd :last -1}'
    )

    assert tree == {
        "": "A",
        "name": "a\\ b",
        "list": ["1", {"": "B", "x": "<>"}, ["o", "1700"]],
        "text": '":c d"',
        "constvalue": ["6", "0", "8", "0", "0", "0", "0", "0"],
        "after": ":odd",
        "last": "-1",
    }
    assert plain(tree["name"]) == "a b"
    assert integer({"": "CONST", "constvalue": tree["constvalue"]}) == 524294
    assert integer({"": "CONST", "constvalue": "<>"}) is None


def test_a_tree_that_is_deeper_than_the_stack_is_read() -> None:
    assert parsed("{A :b " * 20_000 + "{C}" + "}" * 20_000)[""] == "A"


def test_positions_in_a_tree_are_bytes_and_those_in_the_text_characters() -> None:
    sql = "select 'äö', a / b from t"
    variable = "{VAR :vartype 1700 :vartypmod 524294 :varlevelsup 0}"
    tree = f"{{QUERY :x ({{OPEXPR :opresulttype 1700 :opfuncid 1727 :location 17 :args ({variable} {variable})}})}}"

    assert scales(sql, parsed(tree)) == {sql.index("/"): 9}


def test_a_scale_is_written_between_two_signs() -> None:
    sql = "select a / b, i / 2, '/' from t -- /"

    assert with_scales(sql, {9: 9, 16: None}) == (
        "select a / '(9)'::rs.places / b, i / 2, '/' from t -- /",
        False,
    )


def test_an_expression_that_postgresql_left_out_is_divided_as_the_nearest_that_reads_the_same() -> None:
    sql = "select round(a / b, 2), a / c from t group by round(A / B, 2), a / d"
    one, two = sql.index("a / b") + 2, sql.index("a / c") + 2

    changed, alike = with_scales(sql, {one: 5, two: 7})

    assert alike
    assert changed == (
        "select round(a / '(5)'::rs.places / b, 2), a / '(7)'::rs.places / c from t "
        "group by round(A / '(5)'::rs.places / B, 2), a / d"
    )


def test_computed_columns_are_cast_by_position_and_keep_their_names() -> None:
    columns = [("g", None), ("?column?", size(38, 4))]

    assert with_types("select g, sum(a) / 2 from t", columns) == (
        'SELECT c0 AS "g", c1::numeric(38, 4) AS "?column?" FROM (select g, sum(a) / 2 from t\n) AS computed (c0, c1)'
    )
    assert with_types("select g from t", columns[:1]) == "select g from t"


def test_only_signs_outside_of_strings_and_comments_divide() -> None:
    assert divides("select a/b")
    assert not divides("select '/' -- a / b")
    assert not divides("select 1 /* one */")
