"""Values: every row of rules/batch-imports.md 1.6, and how each is written."""

from __future__ import annotations

import pytest

from tests.kit.haplo.batches import a_control, field
from tests.kit.haplo.instructions import (
    ANN,
    NOTHING,
    converted,
)
from tests.kit.haplo.transforms import (
    a_case,
    prepared,
    transformed,
)


def invalid(kind, value):
    return [f"Invalid {kind} for input field v: {value}"]


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        ("text", "a b", "a b"),
        ("text", 42, "42"),
        ("text", 42.5, "42.5"),
        ("text", 1e21, "1e+21"),
        ("text", True, "true"),
        ("text", 0, "0"),
        ("text", {"a": 1}, NOTHING),
        ("text", [1], NOTHING),
        ("text-paragraph", "a", "a"),
        ("text-multiline", "a\nb", "a\nb"),
        ("configuration-name", "a", "a"),
        ("isbn", "978-3", "978-3"),
        ("integer", "42", "42"),
        ("integer", "-42", "-42"),
        ("integer", 42, "42"),
        ("integer", 42.0, "42"),
        ("integer", "0", "0"),
        ("integer", "042", invalid("integer", "042")),
        ("integer", "42.0", invalid("integer", "42.0")),
        ("integer", " 42", invalid("integer", " 42")),
        ("integer", "-0", invalid("integer", "-0")),
        ("integer", "+1", invalid("integer", "+1")),
        ("integer", 1e21, invalid("integer", "1e+21")),
        ("integer", True, invalid("integer", "true")),
        ("integer", [5], invalid("integer", "5")),
        ("number", "12abc", "12"),
        ("number", " -1.50", "-1.5"),
        ("number", ".5", "0.5"),
        ("number", "1e3", "1000"),
        ("number", "12345678901234567890", "12345678901234567890"),
        ("number", 1.25, "1.25"),
        ("number", "abc", invalid("number", "abc")),
        ("number", "1e999", invalid("number", "1e999")),
        ("number", True, invalid("number", "true")),
        ("boolean", True, "true"),
        ("boolean", "true", "true"),
        ("boolean", "false", "false"),
        ("boolean", "yes", invalid("boolean value", "yes")),
        ("boolean", 1, invalid("boolean value", "1")),
        ("email-address", "a@b", "a@b"),
        ("email-address", "@b", invalid("email address", "@b")),
        ("email-address", "ab", invalid("email address", "ab")),
        ("email-address", 5, invalid("email address", "5")),
        ("url", "https://x", "https://x"),
        ("url", "a+b.c-d:", "a+b.c-d:"),
        ("url", "x.org", invalid("URL", "x.org")),
        ("url", "1:", invalid("URL", "1:")),
        ("telephone-number", "any +1", "any +1"),
        ("telephone-number", 5, NOTHING),
        ("ref", "c1", NOTHING),
        ("object-type", "patient", "patient"),
        ("object-type", "other", NOTHING),
        ("json", {"a": [1, "é"]}, '{"a":[1,"é"]}'),
        ("json", [1], "[1]"),
        ("json", "x", NOTHING),
        ("person-name", {"last": "B", "first": "A", "title": "Dr"}, "Dr A B"),
        ("person-name", {"first": "A"}, NOTHING),
        ("person-name", "A B", NOTHING),
        (
            "postal-address",
            {"street1": "1 Rd", "city": "Ely", "country": "GB"},
            "1 Rd\nEly\nGB",
        ),
        (
            "postal-address",
            {"city": "Ely"},
            [
                (
                    "Missing or invalid country code in postal address, must be two "
                    'letter ISO code: {"city":"Ely"}'
                )
            ],
        ),
        (
            "postal-address",
            {"city": ["Ely"], "country": "GB"},
            [
                (
                    'Invalid postal address: {"city":["Ely"],"country":"GB"} '
                    "(city is not a text)"
                )
            ],
        ),
        ("postal-address", "Ely", NOTHING),
    ],
)
def test_each_type(kind, value, result):
    """Rule 1.6.1."""
    assert converted(value, type=kind) == result


@pytest.mark.parametrize("value", ["a\0b", "a\ufffe", "\ud800"])
@pytest.mark.parametrize("keys", [{}, {"filters": ["haplo:string-to-ref"]}])
def test_a_character_that_xml_cannot_carry(value, keys):
    """Rule R0.8: it is told, and the value left out; the record is applied."""
    keys = {"type": "ref", **keys} if keys else keys
    assert converted(value, **keys) == ["Invalid character in input field v"]


def test_a_value_that_is_too_long_for_xml():
    assert converted("x" * 10_000_001) == ["Value is too long in input field v"]


@pytest.mark.parametrize(
    ("keys", "value", "result"),
    [
        ({"trueValue": "yes"}, "yes", "true"),
        ({"falseValue": "no"}, "no", "false"),
        ({"trueValue": 1}, 1, "true"),
        ({"trueValue": 1}, True, "true"),
        ({"trueValue": "yes"}, "true", invalid("boolean value", "true")),
        ({"dateFormat": "dd/MM/yyyy"}, "1/2/2020", "2020-02-01"),
        ({"dateFormat": "dd/MM/yyyy HH"}, "1/2/2020 5", "2020-02-01T05:00:00Z"),
        ({"dateFormat": "dd/MM/yyyy"}, "soon", invalid("date value", "soon")),
        ({"dateFormat": "dd/MM/yyyy"}, 5, NOTHING),
        ({"country": "GB"}, "123", "123"),
        ({"country": "GB"}, 123, NOTHING),
        ({"refMapping": "m"}, "x", NOTHING),
        ({"type": "text", "dateFormat": "yyyy"}, "x", "x"),
    ],
)
def test_the_type_that_the_keys_tell(keys, value, result):
    """Rule 1.8.2: without a type, dateFormat and its like tell it."""
    mapping = {"using": "title", "types": ["patient"], "values": {}}
    assert converted(value, mapping=mapping, **keys) == result


@pytest.mark.parametrize("keys", [{"type": "datetime"}, {"dateFormat": "YYYY"}])
def test_a_date_without_a_format(keys):
    """Told once, at the start, and the instruction is dropped."""
    program = prepared(a_control(*ANN, field("v", **keys)))
    assert program.problems == ("Date format not specified for input field v",)


@pytest.mark.parametrize(
    ("keys", "value", "result"),
    [
        ({"mapInputValue": {"m": "male"}}, "m", "male"),
        ({"mapInputValue": {"m": "male"}}, "f", "f"),
        ({"mapInputValue": {"1": "one"}}, 1, "one"),
        ({"mapInputValue": {"1.5": "x"}}, 1.5, "x"),
        ({"mapInputValue": {"true": "x"}}, True, "x"),
        ({"mapInputValue": {}, "mapInputValueDefault": "none"}, "f", "none"),
        ({"mapInputValue": {"m": None}}, "m", NOTHING),
        ({"mapInputValue": {"m": ""}}, "m", ""),
        ({"mapInputValue": {"m": 5}, "type": "integer"}, "m", "5"),
        (
            {"mapInputValue": {"m": "MALE"}, "filters": ["haplo:to-lower-case"]},
            "m",
            "male",
        ),
    ],
)
def test_inputs_are_mapped_first(keys, value, result):
    """Rule 1.6."""
    assert converted(value, **keys) == result


AMINA = {"amina": "u-1"}


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("haplo:to-lower-case", "AbÉ", "abé"),
        ("haplo:to-lower-case", 5, "5"),
        ("haplo:to-upper-case", "abé", "ABÉ"),
        ("haplo:to-upper-case", True, "true"),
        ("haplo:to-string", 42, "42"),
        ("haplo:to-string", {"a": 1}, "[object Object]"),
        ("haplo:fix-up-url", "www.x.org/a", "https://www.x.org/a"),
        ("haplo:fix-up-url", "http://x", "http://x"),
        ("haplo:fix-up-url", "1x.org", "1x.org"),
        ("haplo:fix-up-url", 5, NOTHING),
    ],
)
def test_each_filter_of_texts(name, value, result):
    """Rule 1.6.2."""
    assert converted(value, filters=[name]) == result


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("haplo:string-to-ref", "nowhere", "nowhere"),
        ("haplo:string-to-ref", "a b", NOTHING),
        ("haplo:string-to-ref", "x" * 256, NOTHING),
        ("haplo:string-to-ref", 5, NOTHING),
        ("haplo:code-to-ref", "x1", "c1"),
        ("haplo:code-to-ref", "none", NOTHING),
        ("haplo:code-to-ref", "twice", NOTHING),
        ("haplo:code-to-ref", "half", "c5"),
        ("haplo:code-to-ref", 7, "c6"),
        ("haplo:username-to-ref", "AMINA", "u-1"),
        ("haplo:username-to-ref", "nobody", NOTHING),
        ("haplo:username-to-ref", 5, NOTHING),
        ("ledger:external-id-to-ref", "x1", "c1"),
        (
            "ledger:external-id-to-ref",
            "none",
            ["No case with external_id none for input field v"],
        ),
        (
            "ledger:external-id-to-ref",
            "twice",
            ["More than one case with external_id twice for input field v"],
        ),
        ("ledger:external-id-to-ref", "half", "c5"),
    ],
)
def test_each_filter_that_makes_a_ref(name, value, result):
    """Rule 1.6.2: what finds nothing drops the value; of several the open one is it."""
    cases = [
        a_case("c1", external_id="x1"),
        a_case("c2", external_id="twice"),
        a_case("c3", external_id="twice"),
        a_case("c4", external_id="half", closed=True),
        a_case("c5", external_id="half"),
        a_case("c6", external_id="7"),
    ]
    found = converted(value, *cases, users=AMINA, type="ref", filters=[name])
    assert found == result


def test_filters_run_from_left_to_right_and_keep_refs():
    filters = ["haplo:to-lower-case", "haplo:string-to-ref", "haplo:code-to-ref"]
    assert converted("ABC", type="ref", filters=filters) == "abc"
    assert converted("ABC", filters=[*filters, "haplo:to-string"]) == "abc"
    more = [*filters, "haplo:string-to-ref", "ledger:external-id-to-ref"]
    assert converted("ABC", type="ref", filters=more) == "abc"


def test_a_record_whose_external_id_means_nothing_is_aborted():
    control = a_control(
        *ANN, field("v", type="ref", filters=["ledger:external-id-to-ref"])
    )
    assert transformed(control, {"v": "x"}).aborted


BEHAVIOUR = {"using": "behaviour", "values": {"a": "x1", "b": "nowhere", "1": "x1"}}
TITLE = {
    "using": "title",
    "types": ["patient"],
    "values": {"a": "Idris", "b": "Nobody", "c": "idris"},
}
UNMAPPED = "Value in input data cannot be mapped for input field v: "


@pytest.mark.parametrize(
    ("mapping", "value", "result"),
    [
        (BEHAVIOUR, "a", "c1"),
        (BEHAVIOUR, 1, "c1"),
        (BEHAVIOUR, "b", [f"{UNMAPPED}b"]),
        (BEHAVIOUR, "z", [f"{UNMAPPED}z"]),
        ({**BEHAVIOUR, "types": ["patient"]}, "a", "c1"),
        (TITLE, "a", "c1"),
        (TITLE, "b", [f"{UNMAPPED}b"]),
        (TITLE, "c", [f"{UNMAPPED}c"]),
        (TITLE, "z", NOTHING),
    ],
)
def test_each_mapping(mapping, value, result):
    """Rule 1.6.3."""
    cases = [a_case("c1", external_id="x1"), a_case("c0", opened_on="2025")]
    assert converted(value, *cases, mapping=mapping, refMapping="m") == result


def test_a_mapping_lets_refs_through():
    found = converted(
        "c9", mapping=TITLE, refMapping="m", filters=["haplo:string-to-ref"]
    )
    assert found == "c9"


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        (None, "Unknown mapping: m"),
        ({"using": "magic"}, "Unknown mapping: m"),
        (5, "Unknown mapping: m"),
        ({"using": "title", "values": {}}, "Mapping m does not specify types"),
        (
            {"using": "title", "types": ["ghost"]},
            "Mapping m refers to unknown type ghost",
        ),
        (
            {"using": "behaviour", "types": [5]},
            "Mapping m refers to unknown type 5",
        ),
        (
            {"using": "title", "types": ["crowd"]},
            (
                "Mapping m uses title mapping, but too many objects in store to use "
                "this method."
            ),
        ),
    ],
)
def test_mappings_that_cannot_be_used(mapping, problem):
    """Told once; the name then only accepts refs."""
    more = {} if mapping is None else {"mapping": {"m": mapping}}
    twice = [field("v", refMapping="m"), field("w", refMapping="m")]
    control = a_control(*ANN, *twice, **more)
    counts = {"patient": 4096, "crowd": 4097}
    assert prepared(control, counts).problems == (problem,)


def test_a_type_that_the_batch_itself_makes_is_known():
    mapping = {"m": {"using": "title", "types": ["patient"], "values": {}}}
    control = a_control(*ANN, field("v", refMapping="m"), mapping=mapping)
    assert prepared(control, {}).problems == ()
