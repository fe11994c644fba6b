"""CSQL texts into nodes, and every text of its errors (rules/case-api-v2.md 6.3)."""

from __future__ import annotations

from datetime import date

import pytest

from projections.csql import MAX_DEPTH, Node, QueryError, parse
from projections.csql.nodes import (
    AncestorExists,
    And,
    Comparator,
    CompareDay,
    CompareInstant,
    CompareNumber,
    Constant,
    Equals,
    FuzzyMatch,
    Not,
    Or,
    PhoneticMatch,
    SelectedAll,
    SelectedAny,
    StartsWith,
    SubcaseCount,
    WithinDistance,
)

NOW = "2024-02-29T12:34:56.789012Z"
NO_OPERATOR = (
    "Your search query is required to have at least one boolean operator "
    "(=, !=, >, >=, <, <=)"
)
NOT_COMPARABLE = (
    "The right hand side of a comparison must be a number or date. "
    "Dates must be surrounded in quotation marks"
)


def read(text: str) -> Node:
    return parse(text, now=NOW)


def problem(text: str) -> str:
    with pytest.raises(QueryError) as caught:
        read(text)
    return caught.value.text


def equals(name: str, value: str) -> Equals:
    return Equals(name=name, value=value)


A, B, C = equals("a", "1"), equals("b", "2"), equals("c", "3")


@pytest.mark.parametrize(
    "text",
    [
        "a = '1'",
        'a = "1"',
        "a='1'",
        " \t\n a\n=\n'1' ",
        "(a = '1')",
        "((a = '1'))",
        "a = 1",
        "a = 01",
    ],
)
def test_equality_is_with_a_quoted_text_or_a_number(text):
    """Rule 6.3.1: texts in either quotation marks, numbers; blanks do not count."""
    assert read(text) == A


def test_a_number_keeps_its_sign_and_its_fraction():
    """Rule 6.3.1: numbers, as CommCare HQ writes them."""
    assert read("a = -5") == equals("a", "-5")
    assert read("a = 2.50") == equals("a", "2.5")
    assert read("a = .5") == equals("a", "0.5")
    assert read("a = -0") == equals("a", "0")


def test_a_text_keeps_blanks_zeros_and_the_other_quotation_mark():
    """Rule 6.3.2: exact."""
    assert read("""a = " 007 'x' " """) == equals("a", " 007 'x' ")
    assert read("a = ''") == equals("a", "")


def test_unequal_is_the_negation_of_equal():
    """Rule 6.3.2: ``p != 'v'``."""
    assert read("a != '1'") == Not(part=A)


def test_and_binds_stronger_than_or_and_chains_stay_flat():
    """Rule 6.3.1: ``and``, ``or``, parentheses."""
    assert read("a = 1 and b = 2 and c = 3") == And(parts=(A, B, C))
    assert read("a = 1 or b = 2 and c = 3") == Or(parts=(A, And(parts=(B, C))))
    assert read("(a = 1 or b = 2) and c = 3") == And(parts=(Or(parts=(A, B)), C))


def test_not_negates_an_expression():
    """Rule 6.3.1: ``not(expr)``."""
    assert read("not(a = 1 or b = 2)") == Not(part=Or(parts=(A, B)))
    assert read("not (a = 1)") == Not(part=A)


@pytest.mark.parametrize(
    "name",
    [
        "name",
        "case_name",
        "external_id",
        "@case_id",
        "@case_type",
        "@owner_id",
        "@status",
        "with-dash",
        "with.dot",
        "_x",
        "é",
        "名前",
        "नाम",
        "and",
        "or",
        "not",
        "selected",
    ],
)
def test_a_property_or_pseudo_property_stands_on_the_left(name):
    """Rule 6.3.3: any XML name; a word of the language is one too where it fits."""
    assert read(f"{name} = '1'") == equals(name, "1")
    assert read(f"a = '1' and {name} = '1'") == And(parts=(A, equals(name, "1")))


@pytest.mark.parametrize("comparator", ["<", "<=", ">", ">="])
def test_order_is_of_numbers_days_or_instants(comparator):
    """Rule 6.3.2: the right side decides."""
    number = CompareNumber(name="p", comparator=Comparator(comparator), bound=3.5)
    assert read(f"p {comparator} 3.5") == number
    assert read(f"p {comparator} '3.5'") == number
    assert read(f"p {comparator} '2020-01-31'") == CompareDay(
        name="p", comparator=Comparator(comparator), bound=date(2020, 1, 31)
    )
    assert read(f"p {comparator} '2020-01-31T10:00+02:00'") == CompareInstant(
        name="p",
        comparator=Comparator(comparator),
        bound="2020-01-31T08:00:00.000000Z",
    )


@pytest.mark.parametrize("name", ["date_opened", "closed_on", "last_modified"])
def test_equality_of_a_time_is_with_its_day_or_the_instant(name):
    """Rule 6.3.3: a quoted date means the whole day."""
    assert read(f"{name} = '2020-01-31'") == CompareDay(
        name=name, comparator=Comparator.EQ, bound=date(2020, 1, 31)
    )
    assert read(f"{name} != '2020-01-31T10:00'") == Not(
        part=CompareInstant(
            name=name,
            comparator=Comparator.EQ,
            bound="2020-01-31T10:00:00.000000Z",
        )
    )
    assert read(f"{name} = ''") == equals(name, "")


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("selected(p, 'a b')", SelectedAny(name="p", words=("a", "b"))),
        ("selected-any(p,' a  b ')", SelectedAny(name="p", words=("a", "b"))),
        ("selected-all(p, 'a b')", SelectedAll(name="p", words=("a", "b"))),
        ("selected(p, 7)", SelectedAny(name="p", words=("7",))),
        ("starts-with(p, 'x')", StartsWith(name="p", prefix="x")),
        ("fuzzy-match(p, 'x')", FuzzyMatch(name="p", text="x")),
        ("phonetic-match(p, 'x')", PhoneticMatch(name="p", text="x")),
        ("match-all()", Constant(value=True)),
        ("match-none( )", Constant(value=False)),
        (
            "within-distance(p, '42.4 -71.1', 2, 'kilometers')",
            WithinDistance(name="p", latitude=42.4, longitude=-71.1, metres=2000.0),
        ),
        (
            "starts-with(parent/p, 'x')",
            AncestorExists(
                path=("parent",), condition=StartsWith(name="p", prefix="x")
            ),
        ),
    ],
)
def test_each_function_has_its_node(text, node):
    """Rule 6.3.5: ``selected`` to ``match-none``, also on a path."""
    assert read(text) == node


@pytest.mark.parametrize(
    ("unit", "metres"),
    [
        ("miles", 1609.344),
        ("yards", 0.9144),
        ("feet", 0.3048),
        ("inch", 0.0254),
        ("kilometers", 1000),
        ("meters", 1),
        ("centimeters", 0.01),
        ("millimeters", 0.001),
        ("nauticalmiles", 1852),
    ],
)
def test_every_unit_of_distance_has_its_length(unit, metres):
    """Rule 6.3.5: the units of ``within-distance``."""
    node = read(f"within-distance(p, '0 0', 1, '{unit}')")
    assert isinstance(node, WithinDistance)
    assert node.metres == pytest.approx(metres)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("date('2021-08-20')", "2021-08-20"),
        ("date(18859)", "2021-08-20"),
        ("date(-1)", "1969-12-31"),
        ("today()", "2024-02-29"),
        ("date(today())", "2024-02-29"),
    ],
)
def test_value_functions_are_days(value, text):
    """Rule 6.3.1: dates and times; a number is days since 1970-01-01."""
    assert read(f"p = {value}") == equals("p", text)
    assert read(f"p < {value}") == CompareDay(
        name="p", comparator=Comparator.LT, bound=date.fromisoformat(text)
    )


def test_a_path_walks_indices_upward():
    """Rule 6.3.4: ``parent/p = 'v'`` and longer paths."""
    assert read("parent/a = 1") == AncestorExists(path=("parent",), condition=A)
    assert read("parent/host/a != 1") == AncestorExists(
        path=("parent", "host"), condition=Not(part=A)
    )
    assert read("parent/@case_id = 'x'") == AncestorExists(
        path=("parent",), condition=equals("@case_id", "x")
    )


def test_functions_ask_for_other_cases():
    """Rule 6.3.4: ``ancestor-exists``, ``subcase-exists``, ``subcase-count``."""
    assert read("ancestor-exists(parent/host, a = 1 and b = 2)") == AncestorExists(
        path=("parent", "host"), condition=And(parts=(A, B))
    )
    assert read("subcase-exists('parent', a = 1)") == SubcaseCount(
        index="parent", condition=A, comparator=Comparator.GT, count=0
    )
    for comparator in Comparator:
        assert read(f"subcase-count('parent', a = 1) {comparator} 3") == SubcaseCount(
            index="parent", condition=A, comparator=comparator, count=3
        )


@pytest.mark.parametrize(
    "text",
    [
        "gibberish",
        "(gibberish)",
        "'text'",
        "5",
        "a = 1 and gibberish",
        "gibberish or a = 1",
        "not(gibberish)",
        "parent/gibberish",
    ],
)
def test_a_query_without_operator_is_told_so(text):
    """Rule 6.3.5: no operator."""
    assert problem(text) == NO_OPERATOR


@pytest.mark.parametrize(
    "text",
    ["", "   ", "a =", "(a = 1", "a = 1 and", "not(", "a = 'x' or (", "parent/", "a=-"],
)
def test_a_query_that_ends_too_early_is_malformed(text):
    """Rule 6.3.5: syntax."""
    assert problem(text) in {"Malformed search query", misunderstood("parent/")}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a ~ 'b'", "~"),
        ("a == 'b'", "="),
        ("a = 1 = 2", "="),
        ("a = 'b", "'b"),
        ("a = 1)", ")"),
        ("a b", "b"),
        ("a = 1 b = 2", "b"),
        ("a = 1 AND b = 2", "AND"),
        ("a = 1 and and", None),
        ("'a' = 'b'", "a"),
        ("5 > 3", "5"),
        ("/a = 1", "/"),
        ("//a = 1", "/"),
        ("@a/b = 1", "@a/b"),
        ("a[1] = 2", "[1]"),
        ("a = ('1')", "("),
        ("a = - b", "b"),
        ("selected(p, 'a') = 1", "="),
        (", = 1", ","),
        ("a = 5abc", "abc"),
    ],
)
def test_a_part_that_fits_nowhere_is_named(text, part):
    """Rule 6.3.5: syntax, with the part that was not understood."""
    assert problem(text) == (misunderstood(part) if part else NO_OPERATOR)


def misunderstood(part: str) -> str:
    return (
        f"We didn't understand what you were trying to do with {part}. Please try "
        "reformatting your query. The operators we accept are: "
        "=, !=, >, >=, <, <=, and, or"
    )


@pytest.mark.parametrize("right", ["b", "parent/b", "@owner_id", "date(b)"])
@pytest.mark.parametrize("operator", ["=", "!=", "<", ">="])
def test_a_property_cannot_stand_on_the_right(right, operator):
    """Rule 6.3.5: a property on the right."""
    assert problem(f"a {operator} {right}").startswith(
        "You cannot reference a case property on the right side "
    )


@pytest.mark.parametrize(
    "right", ["'abc'", "''", "'2020-02-30'", "'2020-1-5'", "'nan'"]
)
def test_order_needs_a_number_or_a_date(right):
    """Rule 6.3.5: a comparison with neither number nor date."""
    assert problem(f"a > {right}") == NOT_COMPARABLE


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("foo(a, 'b')", "foo"),
        ("today()", "today"),
        ("date('2020-01-01')", "date"),
        ("now()", "now"),
        ("a = selected(b, 'c')", "selected"),
        ("subcase-count('parent', a = 1)", "subcase-count"),
        ("not-a-function()", "not-a-function"),
        ("date-add('2020-01-01', 'days', 1) = a", "date-add"),
    ],
)
def test_an_unknown_or_misplaced_function_is_named(text, name):
    """Rule 6.3.5: never a wrong result."""
    assert problem(text) == f"'{name}' is not a valid standalone function"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("selected(p)", "selected(property, 'text')"),
        ("selected(p, 'a', 'b')", "selected(property, 'text')"),
        ("within-distance(p, '0 0')", "within-distance(property,"),
        ("not(a = 1, b = 2)", "not(condition)"),
        ("a = today(1)", "We didn't understand what you were trying to do with 1"),
        ("a = date('2020-01-01', 2)", "date('YYYY-MM-DD')"),
        ("subcase-exists('parent')", "subcase-exists('index', condition)"),
        ("ancestor-exists(parent)", "ancestor-exists(index, condition)"),
        ("selected('p', 'a')", "'selected' must be a case property"),
        ("selected(date(1), 'a')", "'selected' must be a case property"),
        ("selected(p, q)", "You cannot reference a case property on the right side"),
        ("subcase-exists(parent, a = 1)", "must be the name of an index"),
        ("ancestor-exists('parent', a = 1)", "must be the name of an index"),
        ("ancestor-exists(parent/@case_id, a = 1)", "must be the name of an index"),
        ("subcase-count('parent', a = 1) > 1.5", "a whole number, zero or more"),
        ("subcase-count('parent', a = 1) > -1", "a whole number, zero or more"),
        ("subcase-count('parent', a = 1) > 'x'", "a whole number, zero or more"),
        ("within-distance(p, 'here', 1, 'miles')", "'here' is not a place"),
        ("within-distance(p, '91 0', 1, 'miles')", "'91 0' is not a place"),
        ("within-distance(p, '0 181', 1, 'miles')", "'0 181' is not a place"),
        ("within-distance(p, '0 0', 'far', 'miles')", "must be a number"),
        ("within-distance(p, '0 0', -1, 'miles')", "must be a number, zero or more"),
        ("within-distance(p, '0 0', 1, 'parsec')", "'parsec' is not a valid distance"),
        ("a = date('yesterday')", "Invalid date value"),
        ("a = date('2020-02-30')", "Invalid date value"),
        ("a = date(9999999)", "Invalid date value"),
        ("a = date(99999999999)", "Invalid date value"),
    ],
)
def test_a_wrong_argument_is_explained(text, expected):
    """Rule 6.3.5: a call that cannot be understood is refused, never guessed."""
    assert expected in problem(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "a = 1" + ")" * 5000,
        "not(" * 5000 + "a = 1" + ")" * 5000,
        "subcase-exists('parent', " * 5000 + "a = 1" + ")" * 5000,
        "a = " + "date(" * 5000 + "1" + ")" * 5000,
        "parent/" * 5000 + "a = 1",
        "a = " + "9" * 5000,
    ],
)
def test_hostile_depth_is_malformed(text):
    """Rule 5.7: a query with thousands of parentheses is a 400, no recursion error."""
    assert problem(text) == "Malformed search query"


def test_the_depth_that_is_promised_is_accepted():
    """Rule 5.7: the limit is far above what people write."""
    inner = MAX_DEPTH - 1
    assert read("(" * inner + "a = 1" + ")" * inner) == A


def test_a_long_chain_is_no_deep_tree():
    """Rule 5.7: width is not depth."""
    node = read(" or ".join(f"a = {n}" for n in range(5000)))
    assert isinstance(node, Or)
    assert len(node.parts) == 5000


@pytest.mark.parametrize("character", ["\0", "\x08", "\ufffe", "\ud800"])
def test_a_character_that_no_case_can_hold_is_malformed(character):
    """Rule 5.7: NUL in a filter value never reaches the database."""
    assert problem(f"a = 'x{character}'") == "Malformed search query"
