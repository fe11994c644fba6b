"""The query string of the case list (rules/case-api-v2.md 6, 6.1, 5.7)."""

from __future__ import annotations

from datetime import date, timedelta, timezone
from urllib.parse import parse_qsl

import pytest

from api.cases.query import (
    ListRequest,
    is_field_filter,
    parse_list_query,
)
from ledger.errors import Conflict
from ledger.times import parse_datetime
from projections.csql.nodes import Comparator, CompareDay, Equals, Or
from projections.lists.filter import CaseFilter, Operator, TimeRange
from projections.lists.narrow import is_impossible

NOW = "2024-02-29T12:34:56.789012Z"


def asked(query: str) -> ListRequest:
    """Read a query string as HTTP does: ``+`` is a blank."""
    return parse_list_query(parse_qsl(query, keep_blank_values=True), now=NOW)


def wanted(query: str) -> CaseFilter:
    return asked(query).filter


def problem(query: str) -> str:
    with pytest.raises(Conflict) as caught:
        asked(query)
    assert caught.value.text.encode()
    return caught.value.text


# -- rule 6.0: filters -----------------------------------------------------------------


def test_nothing_asked_is_everything():
    """Rule 6.0.3: a list without filter; deleted cases are never listed."""
    request = asked("")
    assert request.filter == CaseFilter()
    assert not request.filter.include_deleted
    assert (request.page.limit, request.page.after) == (20, None)


@pytest.mark.parametrize("name", ["case_type", "case_name", "owner_id", "external_id"])
def test_a_field_is_exact(name):
    """Rule 6.0.2: ``case_type``, ``case_name``, ``owner_id``, ``external_id``."""
    assert wanted(f"{name}=%20Ab%20") == CaseFilter(equals={name: (" Ab ",)})
    assert wanted(f"{name}=") == CaseFilter(equals={name: ("",)})


def test_different_names_combine_and_one_name_repeated_means_any():
    """Rule 6.0.1: AND between different names; repeating one name ORs its values."""
    assert wanted("case_type=a&owner_id=o&case_type=b&case_type=a") == CaseFilter(
        equals={"case_type": ("a", "b"), "owner_id": ("o",)}
    )


@pytest.mark.parametrize("value", ["", "false", "f", "no", "n", "0", "FALSE", "No"])
def test_some_words_are_false(value):
    """Rule 6.0.3: empty or a word of refusal, in any letter case."""
    assert wanted(f"closed={value}") == CaseFilter(closed=(False,))
    assert not wanted(f"include_deleted={value}").include_deleted


@pytest.mark.parametrize("value", ["true", "maybe", "2", "yes", "off", "%20"])
def test_everything_else_is_true(value):
    """Rule 6.0.3."""
    assert wanted(f"closed={value}") == CaseFilter(closed=(True,))
    assert wanted(f"include_deleted={value}").include_deleted


def test_open_or_closed_is_every_case():
    """Rule 6.0.1: ``closed``, repeated."""
    assert wanted("closed=true&closed=false") == CaseFilter()


@pytest.mark.parametrize("value", ["", "true", "false"])
def test_include_deprecated_changes_nothing(value):
    """Rule 6.0.3: accepted and ignored without a data dictionary."""
    assert wanted(f"include_deprecated={value}") == CaseFilter()


def test_an_index_is_asked_by_the_id_it_points_at():
    """Rule 6.0.2: ``indices.<name>``."""
    assert wanted("indices.parent=a&indices.parent=b&indices.host=c") == CaseFilter(
        indices={"parent": ("a", "b"), "host": ("c",)}
    )
    assert is_impossible(wanted("indices.parent="))


def test_a_property_is_named_by_all_behind_the_first_dot():
    """Rule 6.0.2: any characters, exact, empty means not set."""
    assert wanted("properties.a.b%20c%20%26=%20X%20") == CaseFilter(
        properties={"a.b c &": (" X ",)}
    )
    assert wanted("properties.p=") == CaseFilter(properties={"p": ("",)})
    assert wanted("properties.=x") == CaseFilter(properties={"": ("x",)})


@pytest.mark.parametrize(
    "name", ["name", "closed_on", "last_modified", "case_name", "case_type", "@other"]
)
def test_other_names_are_ordinary_properties(name):
    """Rules 3.4 and 6.0.2: one called like a pseudo-property is an ordinary one."""
    assert wanted(f"properties.{name}=x") == CaseFilter(properties={name: ("x",)})


@pytest.mark.parametrize(
    ("name", "column"),
    [("@case_id", "case_id"), ("@case_type", "case_type"), ("@owner_id", "owner_id")],
)
def test_pseudo_properties_are_columns(name, column):
    """Rule 6.0.2: CommCare HQ answers for its pseudo-properties."""
    assert wanted(f"properties.{name}=x") == CaseFilter(equals={column: ("x",)})
    both = wanted(f"properties.{name}=x&properties.{name}=y")
    assert both == CaseFilter(equals={column: ("x", "y")})


def test_a_column_asked_in_two_ways_must_agree():
    """Rule 6.0.1: AND between different names."""
    assert wanted("case_type=a&case_type=b&properties.@case_type=b") == CaseFilter(
        equals={"case_type": ("b",)}
    )
    assert is_impossible(wanted("case_type=a&properties.@case_type=b"))


@pytest.mark.parametrize(
    ("query", "closed"),
    [
        ("properties.@status=open", (False,)),
        ("properties.@status=closed", (True,)),
        ("properties.@status=open&properties.@status=closed", ()),
        ("properties.@status=open&properties.@status=ajar", (False,)),
        ("properties.@status=open&closed=false", (False,)),
    ],
)
def test_status_is_open_or_closed(query, closed):
    """Rule 6.0.2: ``properties.@status=open``."""
    assert wanted(query) == CaseFilter(closed=closed)


@pytest.mark.parametrize(
    "query",
    [
        "properties.@status=ajar",
        "properties.@status=",
        "properties.@status=open&closed=true",
    ],
)
def test_no_case_is_neither_open_nor_closed(query):
    """Rule 6.0.2: ``properties.@status``."""
    assert is_impossible(wanted(query))


# -- rule 6.3: query -------------------------------------------------------------------


def test_a_query_is_parsed_and_combines_with_the_other_filters():
    """Rule 6.3.1: it combines by AND and knows the day."""
    assert wanted("case_type=a&query=p%20=%20'v'") == CaseFilter(
        equals={"case_type": ("a",)}, query=Equals(name="p", value="v")
    )
    assert wanted("query=p>today()").query == CompareDay(
        name="p", comparator=Comparator.GT, bound=date(2024, 2, 29)
    )


def test_a_query_repeated_means_any():
    """Rule 6.0.1: repeating one name ORs its values."""
    assert wanted("query=p=1&query=q=2").query == Or(
        parts=(Equals(name="p", value="1"), Equals(name="q", value="2"))
    )


def test_a_bad_query_is_told_why():
    """Rule 6.0.5: bad CSQL."""
    assert problem("query=gibberish") == (
        "Bad query: Your search query is required to have at least one boolean "
        "operator (=, !=, >, >=, <, <=)"
    )
    assert problem("query=") == "Bad query: Malformed search query"
    assert problem("query=" + "(" * 5000) == "Bad query: Malformed search query"
    assert problem("query=p='%00'") == "Bad query: Malformed search query"


# -- rule 6.0.5: bad requests ----------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "nonsense",
        "last_case_id",
        "offset",
        "page",
        "properties",
        "indices",
        "date_opened",
        "case_name.gte",
        "limit.x",
        "cursor.x",
        "query.x",
        "Case_type",
        "",
        ".gte",
    ],
)
def test_an_unknown_parameter_is_refused(name):
    """Rule 6.0.5: unknown parameter."""
    with pytest.raises(Conflict) as caught:
        parse_list_query([(name, "x")], now=NOW)
    assert caught.value.text == f"'{name}' is not a valid parameter."


@pytest.mark.parametrize(
    "value", ["ten", "", "1.5", "-1", "-0", "1e3", " 5", "5_0", "٣", "0x10", "5,"]
)
def test_a_limit_that_is_no_number_is_refused(value):
    """Rule 6.0.5: limit not an integer, limit negative."""
    with pytest.raises(Conflict) as caught:
        parse_list_query([("limit", value)], now=NOW)
    assert caught.value.text == f"'{value}' is not a valid value for 'limit'"
    assert caught.value.field == "limit"


@pytest.mark.parametrize("value", ["5001", "99999", "9" * 400, "9" * 10_000])
def test_a_limit_above_the_most_is_refused(value):
    """Rules 6.0.5 and 5.7: above 5000, also with 400 digits."""
    expected = "You cannot request more than 5000 cases per request."
    assert problem(f"limit={value}") == expected


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        ("limit=0", 0),
        ("limit=1", 1),
        ("limit=5000", 5000),
        ("limit=0020", 20),
        ("limit=1&limit=2", 2),
        (f"limit={'0' * 6000}", 0),
    ],
)
def test_a_limit_is_taken(query, limit):
    """Rules 6.0.1 and 6.0.4: 0 to 5000; of several the last."""
    assert asked(query).page.limit == limit


@pytest.mark.parametrize("operation", ["eq", "", "GTE", "gte.x"])
def test_a_bad_date_operator_is_refused(operation):
    """Rule 6.0.5: bad date operator."""
    expected = f"'{operation}' is not a valid type of date range."
    assert problem(f"date_opened.{operation}=2020-01-01") == expected


# -- rule 6.1: dates -------------------------------------------------------------------

EARLY, LATE = "2020-01-19T08:00:00-03:00", "2020-01-19T10:00:00-03:00"
OPENED = {
    day: f"2020-01-{day}T12:00:00.000000Z" for day in ("17", "18", "19", "20", "21")
}
COMPARE = {
    Operator.GT: str.__gt__,
    Operator.GTE: str.__ge__,
    Operator.LT: str.__lt__,
    Operator.LTE: str.__le__,
}


def opened(query: str) -> str:
    """Return the days of the cases that ranges let through."""
    ranges = wanted(query).ranges
    assert all(range_.column == "opened_on" for range_ in ranges)
    return " ".join(
        day
        for day, instant in OPENED.items()
        if all(
            any(COMPARE[range_.operator](instant, value) for value in range_.values)
            for range_ in ranges
        )
    )


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("date_opened.lt=2020-01-19", "17 18"),
        ("date_opened.lte=2020-01-19", "17 18 19"),
        ("date_opened.lte=2020-01-19T00:00:00", "17 18"),
        ("date_opened.gt=2020-01-18&date_opened.lt=2020-01-20", "19"),
        ("date_opened.gt=2020-01-19T11:00:00&date_opened.lt=2020-01-19T13:00:00", "19"),
        ("date_opened.gt=2020-01-19T08:00-03&date_opened.lt=2020-01-19T10:00-03", "19"),
        (f"date_opened.gt={EARLY}&date_opened.lt={LATE}", "19"),
        ("date_opened.gt=2020-01-19", "20 21"),
        ("date_opened.gte=2020-01-19", "19 20 21"),
        ("date_opened.gt=2020-01-19T12:00:00", "20 21"),
        ("date_opened.gte=2020-01-19T12:00:00", "19 20 21"),
        ("date_opened.lt=2020-01-19T12:00:00", "17 18"),
        ("date_opened.lte=2020-01-19T12:00:00", "17 18 19"),
        ("date_opened.lte=2020-01-17&date_opened.lte=2020-01-19", "17 18 19"),
        ("date_opened.gt=2020-01-20&date_opened.gt=2020-01-18", "19 20 21"),
        ("date_opened.lte=9999-12-31", "17 18 19 20 21"),
        ("date_opened.gt=9999-12-31", ""),
        ("date_opened.gte=0001-01-01", "17 18 19 20 21"),
        ("date_opened.lt=0001-01-01", ""),
    ],
)
def test_the_proof_vectors_hold(query, days):
    """Rules 6.1.1 and 5.7: a bare date is a whole day, to the ends of the calendar."""
    assert opened(query) == days


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("last_modified", "modified_on"),
        ("server_last_modified", "server_modified_on"),
        ("date_opened", "opened_on"),
        ("date_closed", "closed_on"),
        ("indexed_on", "indexed_on"),
    ],
)
@pytest.mark.parametrize("operator", list(Operator))
def test_every_time_can_be_asked_in_four_ways(name, column, operator):
    """Rule 6.1.1: ``last_modified.<op>`` to ``indexed_on.<op>``, to the microsecond."""
    value = "2020-01-19T12:00:00.123456Z"
    expected = TimeRange(column=column, operator=operator, values=(value,))
    assert wanted(f"{name}.{operator}={value}") == CaseFilter(ranges=(expected,))


@pytest.mark.parametrize(
    "text",
    [
        "2020-01-19T11:00",
        "2020-01-19 11:00",
        "2020-01-19T11:00:00",
        "2020-01-19T11:00:00.0",
        "2020-01-19T11:00:00Z",
        "2020-01-19T13:00:00+02:00",
        "2020-01-19T13:00:00+0200",
        "2020-01-19T13:00:00+02",
        "2020-01-19T08:00-03:00",
    ],
)
def test_iso_8601_is_accepted(text):
    """Rule 6.1.2: T or blank, optional seconds and fraction, offsets."""
    request = parse_list_query([("indexed_on.gte", text)], now=NOW)
    assert request.filter.ranges[0].values == ("2020-01-19T11:00:00.000000Z",)


@pytest.mark.parametrize(
    "text",
    [
        "2020-01-19T13:00:00+02:00",
        "2020-01-19+13:00:00+02:00",
        "2020-01-19T13:00+02:00",
        "2020-01-19T13:00:00.000+02:00",
    ],
)
def test_a_plus_that_became_a_blank_is_mended(text):
    """Rule 6.1.2: ``+`` in a query string."""
    values = wanted(f"indexed_on.gte={text}").ranges[0].values
    assert values == ("2020-01-19T11:00:00.000000Z",)


def test_a_blank_before_a_time_is_no_offset():
    """Rule 6.1.2: ``2020-01-19 11:00`` is a time of that day."""
    values = wanted("indexed_on.gte=2020-01-19 11:00").ranges[0].values
    assert values == ("2020-01-19T11:00:00.000000Z",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2020",
        "2020-02",
        "12",
        "2020-02-30",
        "2020-13-01",
        "0000-01-01",
        "20200119",
        "2020-1-9",
        "2020-01-19T25:00",
        "2020-01-19T11",
        "2020-01-19T11:00:00 0200",
        "2020-01-19T11:00:00+99:00",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+12:00",
        "2020-01-19Z",
        "2020-01-19 ",
        "2020-01-19\n",
        "\uff12\uff10\uff12\uff10-01-19",
        "1" * 400,
    ],
)
def test_what_is_no_date_is_refused(text):
    """Rules 6.0.5, 6.1.2 and 5.7: parts of dates, ends of the calendar."""
    with pytest.raises(Conflict) as caught:
        parse_list_query([("date_opened.gte", text)], now=NOW)
    assert caught.value.text == f"Cannot parse datetime '{text}'"
    assert caught.value.field == "date_opened.gte"


# -- rule 5.7: hostile input -----------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "case_type",
        "external_id",
        "indices.parent",
        "properties.p",
        "properties.@case_id",
    ],
)
@pytest.mark.parametrize("character", ["%00", "%01", "%EF%BF%BF"])
def test_a_value_that_no_case_can_hold_matches_nothing(name, character):
    """Rule 5.7: ``%00`` in a filter value; no database is asked."""
    assert is_impossible(wanted(f"{name}=x{character}"))
    assert not is_impossible(wanted(f"{name}=x{character}&{name}=x"))


@pytest.mark.parametrize("prefix", ["", "properties.", "indices.", "fields."])
def test_a_name_that_xml_cannot_carry_is_refused(prefix):
    """Rule 5.7: ``%00`` in a filter name."""
    expected = f"'{prefix}a\\x00' is not a valid parameter."
    assert problem(f"{prefix}a%00=x") == expected


def test_text_that_is_not_utf8_is_refused():
    """Rule 5.7: bytes that are not UTF-8 in a query; the answer can be encoded."""
    for pair in (("case_type", "\udcff"), ("fields", "\udcff"), ("a\udcff", "x")):
        with pytest.raises(Conflict) as caught:
            parse_list_query([pair], now=NOW)
        assert caught.value.text.encode()


def test_a_date_with_a_control_character_is_shown_escaped():
    """Rule 5.7: the error text itself must be encodable."""
    expected = "Cannot parse datetime '2020\\x00'"
    assert problem("date_opened.gte=2020%00") == expected


# -- rule 7: fields and exclude --------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["fields", "exclude", "fields.properties", "exclude.a.b", " fields .x"]
)
def test_field_filters_are_handed_on(name):
    """Rule 7.2: ``fields`` and ``exclude`` with their families, blanks in names."""
    request = parse_list_query(
        [("case_type", "a"), (name, "x,y"), (name, "z")], now=NOW
    )
    assert is_field_filter(name)
    assert request.field_filter_pairs == ((name, "x,y"), (name, "z"))
    assert request.filter == CaseFilter(equals={"case_type": ("a",)})


def test_offsets_are_what_python_thinks_they_are():
    """Rule 6.1.2: against the standard library."""
    for minutes in range(-720, 721, 45):
        when = parse_datetime("2020-01-19T11:00:00").astimezone(
            timezone(timedelta(minutes=minutes))
        )
        request = parse_list_query([("indexed_on.gte", when.isoformat())], now=NOW)
        assert request.filter.ranges[0].values == ("2020-01-19T11:00:00.000000Z",)
