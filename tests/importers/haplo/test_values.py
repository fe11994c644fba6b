"""Values: every row of batch-imports.md 1.6, and how each is written (1.8.2)."""

from __future__ import annotations

import pytest

from importers.haplo.program import RunBroken
from tests.importers.haplo.batches import NEW, a_control, constant, field
from tests.importers.haplo.transforms import (
    a_case,
    messages,
    prepared,
    transformed,
    written,
)

HEAD = (NEW, constant("Ann", "case_name"))
NOTHING = object()


def converted(value, *cases, users=None, mapping=None, **keys):
    """Return what a field makes of a value, ``NOTHING``, or what is said."""
    more = {} if mapping is None else {"mapping": {"m": mapping}}
    control = a_control(*HEAD, field("v", **keys), **more)
    found = transformed(control, {"v": value}, *cases, users=users)
    if found.messages:
        return messages(found)
    return written(found).get("v", NOTHING)


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
    """1.6.1."""
    assert converted(value, type=kind) == result


@pytest.mark.parametrize("value", ["a\0b", "a\ufffe", "\ud800"])
@pytest.mark.parametrize("keys", [{}, {"filters": ["haplo:string-to-ref"]}])
def test_a_character_that_xml_cannot_carry(value, keys):
    """R0.8: it is told, and the value left out; the record is applied."""
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
    """1.8.2: without a type, dateFormat and its like tell it."""
    mapping = {"using": "title", "types": ["patient"], "values": {}}
    assert converted(value, mapping=mapping, **keys) == result


@pytest.mark.parametrize("keys", [{"type": "datetime"}, {"dateFormat": "YYYY"}])
def test_a_date_without_a_format(keys):
    """Told once, at the start, and the instruction is dropped."""
    program = prepared(a_control(*HEAD, field("v", **keys)))
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
    """1.6."""
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
    """1.6.2."""
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
    """1.6.2: what finds nothing drops the value; of several the open one is meant."""
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
        *HEAD, field("v", type="ref", filters=["ledger:external-id-to-ref"])
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
    """1.6.3."""
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
    control = a_control(*HEAD, *twice, **more)
    counts = {"patient": 4096, "crowd": 4097}
    assert prepared(control, counts).problems == (problem,)


def test_a_type_that_the_batch_itself_makes_is_known():
    mapping = {"m": {"using": "title", "types": ["patient"], "values": {}}}
    control = a_control(*HEAD, field("v", refMapping="m"), mapping=mapping)
    assert prepared(control, {}).problems == ()


@pytest.mark.parametrize(
    ("instruction", "problem"),
    [
        (field("v", destination="nowhere"), "Unknown destination in field: nowhere"),
        (
            constant(1, "v", destination="value:x"),
            "Unknown destination in set-value: value:x",
        ),
        (
            {"action": "if-has-value", "destination": "x", "name": "v"},
            "Unknown destination in if-has-value: x",
        ),
        (
            {"action": "assert-destination", "destination": "x", "exists": True},
            "Unknown destination in assert-destination: x",
        ),
        (field("v", "1"), "Unknown name in field 1 for destination object"),
        (
            field("v", "x", destination="load:by-ref"),
            "Unknown name in field x for destination load:by-ref",
        ),
        (
            {"action": "remove-values", "destination": "object", "name": "1"},
            "Unknown name in remove-values for destination object",
        ),
        (
            field("v", type="magic"),
            "Couldn't create value transformer for field object/v",
        ),
        (
            field("v", type="text or ref"),
            "Couldn't create value transformer for field object/v",
        ),
        (
            field("v", mapInputValue=5),
            "Couldn't create value transformer for field object/v",
        ),
        (
            constant(1, "v", filters=["x"]),
            "Couldn't create value transformer for set-value object/v",
        ),
        (
            field("v", "index:a", relationship="cousin"),
            "Couldn't create value transformer for field object/index:a",
        ),
        (
            field("v", joiner=5),
            "Couldn't create value transformer for field object/v",
        ),
        (
            {
                "action": "field-structured",
                "structured": "object",
                "destination": "object",
                "name": "v",
            },
            "Unknown structured value destination in field-structured: object",
        ),
        (
            {"action": "assert-destination", "destination": "object", "exists": True},
            "Can only use dependent destinations in assert-destination: object",
        ),
        (
            field("v", qualifier="a b"),
            "Invalid qualifier 'a b' in field object/v",
        ),
    ],
)
def test_each_preparation_error(instruction, problem):
    """1.7: found once, before the first record."""
    assert prepared(a_control(*HEAD, instruction)).problems == (problem,)


def test_a_dropped_instruction_does_not_stop_the_others():
    inner = {
        "action": "if-exists",
        "source": "v",
        "then": [field("v", destination="x"), field("v")],
    }
    found = transformed(a_control(*HEAD, inner), {"v": "a"})
    assert written(found)["v"] == "a"


@pytest.mark.parametrize(
    "instruction",
    [
        {"action": "new", "destination": "x"},
        {"action": "load", "destination": "x", "using": "load:by-ref"},
        {"action": "load", "destination": "object", "using": "x"},
        {"action": "load", "destination": "object", "using": "value:person-name"},
    ],
)
def test_new_and_load_of_an_unknown_destination_break_the_run(instruction):
    """1.7."""
    with pytest.raises(RunBroken, match=r"^Unknown destination: (x|value:.*)$"):
        prepared(a_control(*HEAD, instruction))


def test_names_of_haplo_persons_have_their_types():
    """1.8.2."""
    names = {
        "std:attribute:email": "x",
        "std:attribute:url": "x",
        "std:attribute:telephone": "1",
        "std:attribute:address": "x",
        "std:attribute:notes": "x",
        "std:attribute:job-title": "x",
    }
    fields = [field("v", name, destination="profile") for name in names]
    control = a_control(
        {**NEW, "destination": "profile"},
        constant("Ann", "case_name", destination="profile"),
        *fields,
        model="haplo:person",
    )
    found = transformed(control, {"v": "x"})
    assert messages(found) == [
        "Invalid email address for input field v: x",
        "Invalid URL for input field v: x",
    ]
    names = written(found)
    assert names["case_type"] == "person"
    assert {n: names.get(n) for n in ("telephone", "address", "notes")} == {
        "telephone": "x",
        "address": None,
        "notes": "x",
    }
    assert names["job_title"] == "x"


def test_a_qualifier_makes_another_property_of_the_same_type():
    """1.8.2: the property's name, and the last part of the qualifier's code."""
    control = a_control(
        {**NEW, "destination": "profile"},
        constant("Ann", "case_name", destination="profile"),
        field(
            "v",
            "std:attribute:email",
            destination="profile",
            qualifier="std:qualifier:at-home",
        ),
        model="haplo:person",
    )
    assert written(transformed(control, {"v": "a@b"}))["email_at_home"] == "a@b"
    assert messages(transformed(control, {"v": "x"}))


def test_an_unusable_qualifier_is_left_out():
    assert (
        written(transformed(a_control(*HEAD, field("v", qualifier="a b")), {"v": "x"}))[
            "v"
        ]
        == "x"
    )


def structured(name, **more):
    about = {"action": "field-structured", "destination": "object", "name": name}
    return {**about, **more}


def test_structured_values_are_collected_and_cleared():
    """1.6.1: person names and postal addresses from their pseudo destinations."""
    control = a_control(
        NEW,
        field("f", "first", destination="value:person-name"),
        field("l", "last", destination="value:person-name"),
        structured("case_name", structured="value:person-name"),
        structured("again", structured="value:person-name"),
        field("c", "city", destination="value:postal-address"),
        constant("GB", "country", destination="value:postal-address"),
        structured("home", structured="value:postal-address"),
    )
    found = written(transformed(control, {"f": "Ann", "l": "Bo", "c": "Ely"}))
    assert found["case_name"] == "Ann Bo"
    assert found["home"] == "Ely\nGB"
    assert "again" not in found


def test_a_structured_value_that_cannot_be_converted():
    control = a_control(
        *HEAD,
        field("c", "city", destination="value:postal-address"),
        structured("home", structured="value:postal-address", type="integer"),
    )
    assert messages(transformed(control, {"c": "Ely"})) == [
        (
            "Invalid integer for structured input field value:postal-address: "
            "[object Object]"
        )
    ]


def test_new_and_remove_values_of_a_pseudo_destination():
    control = a_control(
        *HEAD,
        field("v", "last", destination="value:person-name"),
        {"action": "new", "destination": "value:person-name"},
        structured("a", structured="value:person-name"),
        field("v", "last", destination="value:person-name"),
        field("v", "first", destination="value:person-name"),
        {
            "action": "remove-values",
            "destination": "value:person-name",
            "name": "first",
        },
        {
            "action": "if-has-value",
            "destination": "value:person-name",
            "name": "first",
            "then": [constant("yes", "b")],
            "else": [constant("no", "b")],
        },
        structured("c", structured="value:person-name"),
    )
    found = written(transformed(control, {"v": "x"}))
    assert {n: found.get(n) for n in "abc"} == {"a": None, "b": "no", "c": "x"}


def test_a_bad_constant_is_reported_once_in_a_batch():
    """1.5: constants are converted once."""
    control = a_control(*HEAD, constant("x", "v", type="integer"))
    said: set[str] = set()
    first = transformed(control, {}, said=said)
    second = transformed(control, {}, said=said)
    assert messages(first) == ["Invalid integer for set value object/v: x"]
    assert messages(second) == []
    assert not second.aborted


def test_a_constant_that_means_no_case_aborts_every_record():
    filters = ["ledger:external-id-to-ref"]
    control = a_control(*HEAD, constant("x", "v", type="ref", filters=filters))
    said: set[str] = set()
    for _ in range(2):
        found = transformed(control, {}, said=said)
        assert messages(found) == ["No case with external_id x for set value object/v"]
        assert found.aborted


def test_json_that_is_too_deep_to_be_written_is_nothing():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    assert converted(deep, type="json") is NOTHING
    assert converted([float("inf")], type="json") is NOTHING


def test_a_constant_may_be_anything():
    control = a_control(
        *HEAD,
        constant(value=False, name="a"),
        constant(value=False, name="b", type="boolean"),
        constant(None, "c"),
        constant("", "d"),
        constant({"x": 1}, "e", type="json"),
    )
    found = written(transformed(control, {}))
    assert {n: found.get(n) for n in "abcde"} == {
        "a": "false",
        "b": "false",
        "c": None,
        "d": "",
        "e": '{"x":1}',
    }
