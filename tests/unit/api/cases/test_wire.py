"""Bodies of Case Data API v2 (``rules/case-api-v2.md`` 0, 4.2 and 5)."""

from __future__ import annotations

import codecs
import json

import pytest

from api.cases.wire import parse_bulk_fetch, parse_write
from api.wire.problems import RowProblem
from ledger.cases.change import CaseChange, IndexRef, Intent
from tests.kit.case_bodies import (
    INDEX,
    NEW,
    NEW_ROW,
    NOT_JSON,
    SINGLE,
    body,
    create_refusal,
    only,
    parse_bulk,
    parse_put,
    parse_single_create,
    problem,
    put_external,
    refusal,
    row_refusal,
    single_update,
)

MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# The body


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xef\xbb\xbf",
        b"\xff\xfe{\x00",
        b"\xff\xfe{",
        b"\xff",
        b"{",
        b"nope",
        b'{"case_name": NaN}',
        b'{"properties": {"a": 1e999}}',
        b'{"properties": {"a": ' + b"9" * 3000 + b"}}",
        b'{"case_name": "\\ud800"}',
        b'{"case_name": "\\udc00"}',
        b'{"case_name": "\x00"}',
        b'{"case_name": "\xed\xa0\x80"}',
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    ],
)
@pytest.mark.parametrize("parse", [*SINGLE, parse_bulk, parse_bulk_fetch])
def test_what_is_not_json_is_refused(parse, raw):
    """Rules 5.4.1 and 5.7: no JSON, BOM, empty, surrogates, nested deep, NaN, 1e999."""
    assert refusal(parse, raw) == NOT_JSON


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("parse", [parse_single_create, parse_bulk, parse_bulk_fetch])
def test_a_byte_order_mark_changes_nothing(parse, mark):
    """Rule 5.4.1a: a single write, a bulk and a fetch read the same behind a mark."""
    asked = {
        parse_single_create: {**NEW, "case_name": "Zo\u00eb"},
        parse_bulk: [NEW_ROW],
        parse_bulk_fetch: {"case_ids": ["a"]},
    }[parse]
    encoding = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
    text = json.dumps(asked, ensure_ascii=False)
    marked = mark + text.encode(encoding.get(mark, "utf-8"))
    assert parse(marked) == parse(text.encode())


@pytest.mark.parametrize("value", [None, 1, "x", True, [], [{}]])
@pytest.mark.parametrize("parse", [single_update, put_external])
def test_a_single_write_takes_one_object(parse, value):
    """Rules 5.4.1, 9.6 and 9.7: an array, or no object."""
    assert refusal(parse, value) == "Payload must be a single JSON object"


@pytest.mark.parametrize("value", [None, 1, 1.5, "x", True])
def test_a_scalar_is_neither_a_case_nor_a_bulk(value):
    """Rule 5.4.1: JSON scalar or null as body."""
    text = "Payload must be a JSON object or a list of objects"
    assert refusal(parse_bulk, value) == text


@pytest.mark.parametrize("single", [Intent.CREATE, Intent.PUT])
def test_an_array_is_a_bulk_and_an_object_is_not(single):
    """Rule 1.2: by POST and by PUT."""
    bulk = parse_write(body([NEW_ROW]), single=single)
    assert bulk.is_bulk
    assert [change.intent for change in bulk.changes] == [Intent.CREATE]
    one = parse_write(body(NEW | {"external_id": "x"}), single=single)
    assert only(one).intent is single


def test_an_empty_array_is_an_empty_bulk():
    """Rule 5.3.1."""
    request = parse_bulk(b"[]")
    assert request.is_bulk
    assert request.changes == ()


@pytest.mark.parametrize("rows", [[{}] * 101, [1] * 101])
def test_too_many_rows_are_refused_before_anything_else(rows):
    """Rules 5.3.1 and D7."""
    text = "You cannot submit more than 100 updates in a single request"
    assert refusal(parse_bulk, rows) == text


def test_the_limit_of_rows_is_said_as_it_is_set():
    """Rule 10.4: a configurable limit is reported in the text."""
    assert len(parse_bulk(body([NEW_ROW] * 100)).changes) == 100
    text = "You cannot submit more than 2 updates in a single request"
    assert refusal(lambda raw: parse_bulk(raw, limit=2), [{}] * 3) == text


# Fields


def test_a_create_holds_everything():
    """Rule 5.1: ``user_id`` is ignored."""
    wish = {"temporary_id": "t", "case_type": "c", "relationship": "extension"}
    given = {
        "external_id": "x",
        "temporary_id": "t",
        "properties": {"a": "1", "é": ""},
        "indices": {"host": wish | {"unknown": 1}},
        "close": True,
        "user_id": "someone",
    }
    assert only(parse_single_create(body(NEW | given))) == CaseChange(
        intent=Intent.CREATE,
        external_id="x",
        temporary_id="t",
        **NEW,
        properties={"a": "1", "é": ""},
        indices={"host": IndexRef(**wish)},
        close=True,
    )


def test_null_means_absent():
    """Rule 5.1: JSON null in any field but ``create`` is treated as absent."""
    names = ("external_id", "temporary_id", "properties", "indices", "close", "user_id")
    nulls = dict.fromkeys(names)
    plain = only(parse_single_create(body(NEW)))
    assert only(parse_single_create(body(NEW | nulls))) == plain


@pytest.mark.parametrize("value", ["c", None, 5])
def test_a_create_may_not_name_its_case(value):
    """Rule 5.1: forbidden, even null."""
    text = "You cannot specify case_id when creating a new case"
    assert create_refusal(case_id=value) == text
    assert row_refusal(NEW_ROW | {"case_id": value}) == text


@pytest.mark.parametrize("name", list(NEW))
def test_a_create_needs_its_fields(name):
    """Rule 5.4.1: missing or null."""
    text = f"Property {name} is required."
    rest = {key: value for key, value in NEW_ROW.items() if key != name}
    assert row_refusal(rest) == row_refusal(rest | {name: None}) == text
    assert create_refusal(**{name: None}) == text


def test_the_first_missing_field_is_named():
    """Rule 5.4.1."""
    assert refusal(parse_single_create, {}) == "Property case_type is required."


def test_an_empty_field_is_there():
    """Rule 5.1: ``""`` is accepted for case_type, case_name and owner_id."""
    empty = dict.fromkeys(NEW, "")
    assert only(parse_single_create(body(empty))).case_name == ""


@pytest.mark.parametrize("parse", SINGLE)
@pytest.mark.parametrize("name", ["nope", "create", "", "case-id", "Case_type"])
def test_an_unknown_field_is_refused(parse, name):
    """Rules 5.1 and 5.4.1: also ``create`` on a single object."""
    given = NEW | {"external_id": "x", name: None}
    assert refusal(parse, given) == f"'{name}' is not a valid field."


@pytest.mark.parametrize("parse", [single_update, parse_put, put_external])
def test_a_temporary_id_is_for_creating(parse):
    """Rule D10: refused on single updates and update rows, accepted on upsert rows."""
    text = "'temporary_id' is not a valid field."
    assert refusal(parse, {"temporary_id": "t", "external_id": "x"}) == text
    row = {"temporary_id": "t", "external_id": "x"}
    assert row_refusal(row | {"create": False, "case_id": "c"}) == text
    assert parse_bulk(body([row])).changes[0].temporary_id == "t"


@pytest.mark.parametrize(
    "name", ["case_type", "case_name", "owner_id", "external_id", "temporary_id"]
)
@pytest.mark.parametrize(
    ("value", "shown"),
    [(5, "5"), (True, "True"), ([], "[]"), ({"a": None}, "{'a': None}")],
)
def test_a_field_must_be_a_string(name, value, shown):
    """Rule 5.4.1: the field and value are named."""
    text = f"'{name}' must be a string, received '{shown}'"
    assert create_refusal(**{name: value}) == text
    found = problem(parse_single_create, NEW | {name: value})
    assert found.errors == (RowProblem(row=1, field=name, message=text),)


@pytest.mark.parametrize(("value", "shown"), [("true", "true"), (1, "1"), (0, "0")])
def test_close_must_be_a_boolean(value, shown):
    """Rule 5.4.1."""
    text = f"'close' must be true, false or null, received '{shown}'"
    assert create_refusal(close=value) == text


@pytest.mark.parametrize("name", ["properties", "indices"])
@pytest.mark.parametrize(("value", "shown"), [([], "[]"), ("x", "x"), (False, "False")])
def test_properties_and_indices_must_be_objects(name, value, shown):
    """Rule 5.4.1."""
    text = f"'{name}' must be an object, received '{shown}'"
    assert create_refusal(**{name: value}) == text


# Properties


@pytest.mark.parametrize(
    "name", ["1a", "a b", "a:b", "", " ", "xmlfoo", 'a x="1"', "a\n"]
)
def test_a_property_name_must_be_an_xml_name(name):
    """Rules 5.4.2 and 9.12."""
    text = (
        f"Error with case property '{name}'. "
        "Case property names must be valid XML identifiers."
    )
    assert create_refusal(properties={name: "v"}) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (72, "72"),
        (1.5, "1.5"),
        (True, "True"),
        (None, "None"),
        (["a", 1], "['a', 1]"),
        ({"a": False}, "{'a': False}"),
    ],
)
def test_a_property_value_must_be_a_string(value, shown):
    """Rule 5.4.1: printed as Python prints it."""
    text = f"Error with case property 'age'. Values must be strings, received '{shown}'"
    found = problem(parse_single_create, NEW | {"properties": {"age": value}})
    assert found.text == text
    assert found.field == "properties.age"


def test_a_deeply_nested_value_is_refused_without_recursion():
    """Rule 5.7: nested deep, but not too deep to be JSON."""
    raw = b'{"properties":{"a":' + b"[" * 1000 + b"]" * 1000 + b"}}"
    text = refusal(single_update, raw)
    assert text.startswith("Error with case property 'a'. Values must be strings")


@pytest.mark.parametrize("name", ["case_type", "case_name", "owner_id", "external_id"])
def test_a_top_level_name_is_no_property(name):
    """Rules 5.4.1 and 9.10: and whoever follows the advice succeeds."""
    text = (
        f"Error with case property '{name}'. This must be specified at the top level."
    )
    assert create_refusal(properties={name: "patient"}) == text
    assert parse_single_create(body({**NEW, name: "patient"}))


def test_when_a_case_was_opened_is_no_property():
    """Rule 9.10: there is no other place for it either, so none is advised."""
    text = "Error with case property 'date_opened'. It cannot be set by this API."
    assert create_refusal(properties={"date_opened": "2026-01-01"}) == text
    assert "valid field" in refusal(
        parse_single_create, NEW | {"date_opened": "2026-01-01"}
    )


# Indices


@pytest.mark.parametrize("name", ["1a", "a b", ""])
def test_an_index_name_must_be_an_xml_name(name):
    """Rule 5.4.1."""
    text = f"Error with index '{name}'. Index names must be valid XML identifiers."
    assert create_refusal(indices={name: INDEX}) == text


@pytest.mark.parametrize("value", [None, "p", []])
def test_an_index_must_be_an_object(value):
    """Rule 5.1: object of objects."""
    text = "Error with index 'p'. It must be an object."
    assert create_refusal(indices={"p": value}) == text


def test_an_index_has_one_id():
    """Rule 5.4.1: one of case_id, external_id, temporary_id."""
    text = "Indices must specify case_id, external_id, or temporary ID, and only one"
    for more in ({"external_id": "x"}, {"temporary_id": "t"}):
        assert create_refusal(indices={"p": INDEX | more}) == text
    other = INDEX | {"external_id": "", "temporary_id": None}
    found = only(parse_single_create(body(NEW | {"indices": {"p": other}})))
    assert found.indices == {"p": IndexRef(**INDEX)}


@pytest.mark.parametrize("value", [" ", "\t\r\n "])
def test_an_index_to_blanks_is_no_removal(value):
    """Rule 5.5.1: only an empty case_id removes an index."""
    text = "'indices.p.case_id' must not be blank"
    assert create_refusal(indices={"p": INDEX | {"case_id": value}}) == text


@pytest.mark.parametrize("name", ["case_type", "relationship"])
@pytest.mark.parametrize("gone", [{}, {"value": None}, {"value": ""}])
def test_an_index_needs_a_type_and_a_relationship(name, gone):
    """Rule 5.4.1: an index with one id, but no case_type or relationship."""
    index = {key: value for key, value in INDEX.items() if key != name}
    index |= dict.fromkeys([name] * len(gone), gone.get("value"))
    text = f"Property {name} is required when creating or updating case indices"
    assert create_refusal(indices={"p": index}) == text


@pytest.mark.parametrize("value", ["parent", "Child", "question"])
def test_a_relationship_is_one_of_two(value):
    """Rule 5.4.1: ``child`` or ``extension``."""
    text = f"'{value}' not in choices: ['child', 'extension']"
    assert create_refusal(indices={"p": INDEX | {"relationship": value}}) == text
    removal = {"case_id": "", "relationship": value}
    assert create_refusal(indices={"p": removal}) == text


@pytest.mark.parametrize("name", [*INDEX, "external_id", "temporary_id"])
def test_a_member_of_an_index_must_be_a_string(name):
    """Rule 5.4.1."""
    text = f"'indices.p.{name}' must be a string, received '5'"
    found = problem(single_update, {"indices": {"p": INDEX | {name: 5}}})
    assert (found.text, found.field) == (text, f"indices.p.{name}")


def test_a_type_too_long_for_the_log_is_refused():
    """Rule 5.5.3: the type of a target is a case type."""
    text = "'indices.p.case_type' is longer than 255 characters"
    assert create_refusal(indices={"p": INDEX | {"case_type": "t" * 256}}) == text


@pytest.mark.parametrize(
    "index",
    [
        {"case_id": ""},
        {"case_id": None, "external_id": "", "temporary_id": ""},
        {},
        {"case_id": "", "case_type": "t", "relationship": "child"},
    ],
)
def test_an_index_without_ids_is_a_removal(index):
    """Rules 5.5.1 and 9.9: also without relationship."""
    found = only(single_update(body({"indices": {"p": index}}))).indices["p"]
    assert (found.case_id, found.external_id, found.temporary_id) == (None, None, None)


# Characters


@pytest.mark.parametrize(
    "char", ["\x00", "\x08", "\x0b", "\x0c", "\x1f", "\ufffe", "\uffff"]
)
@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("case_name", {"case_name": "a{}"}),
        ("external_id", {"external_id": "{}"}),
        ("user_id", {"user_id": "{}"}),
        ("properties.a", {"properties": {"a": "x{}y"}}),
        ("properties.a.b", {"properties": {"a": [{"b": ["{}"]}]}}),
        ("properties.a.b", {"properties": {"a": {"b": {"c": "{}"}}}}),
        ("indices.p.case_id", {"indices": {"p": INDEX | {"case_id": "{}"}}}),
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_what_xml_cannot_carry_is_refused(char, field, given, ascii_only):
    """Rules 5.4.4 and 5.7: in any string, naming the field."""
    raw = json.dumps(NEW | given, ensure_ascii=ascii_only)
    escape = json.dumps(char, ensure_ascii=ascii_only)[1:-1]
    found = problem(parse_single_create, raw.replace("{}", escape).encode())
    assert found.text == f"'{field}' contains a character that XML cannot carry"
    assert found.field == field


@pytest.mark.parametrize("place", ["{}", "properties", "indices"])
def test_an_illegal_name_is_shown_escaped(place):
    """Rule 5.7: field names too, with an error text that can be encoded."""
    given = {place: {"a\x00": "v"}} if place != "{}" else {"a\x00": "v"}
    found = problem(parse_single_create, NEW | given)
    assert "a\\x00" in found.text
    assert found.text.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "\r\n\t",
        "]]>&<\"'",
        " a ",
        "😀",
        "\u202e\u0301",
        "\x7f",
        "C:\\users\\bin",
        "\\u0000",
    ],
)
def test_legal_text_arrives_as_it_was_sent(text):
    """Rule 5.4.3: byte for byte, nothing interpreted or normalised."""
    given = NEW | {"case_name": text, "properties": {"a": text}}
    for raw in (body(given), json.dumps(given, ensure_ascii=False).encode()):
        found = only(parse_single_create(raw))
        assert (found.case_name, found.properties) == (text, {"a": text})


def test_a_text_too_long_for_the_parser_is_refused():
    """Rule 5.4.4: what the form could not be read back with is refused before."""
    value = {"properties": {"a": "x" * 10_000_001}}
    assert (
        refusal(single_update, value) == "'properties.a' is longer than 10000000 bytes"
    )
    value = {"properties": {"a": "x" * 10_000_000}}
    assert len(only(single_update(body(value))).properties["a"]) == 10_000_000
