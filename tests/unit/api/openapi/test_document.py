from __future__ import annotations

import pytest
from openapi_spec_validator import validate

from api.haplo.pages import BELOW
from api.openapi.document import document, statuses
from api.openapi.shapes import (
    FLAG,
    TEXT,
    Reference,
    any_of,
    as_json,
    closed,
    content,
    list_of,
    parameter,
    query,
    schema,
    wish,
)
from api.routes import ROUTES
from api.wire.dialects import CASE_V2, HQ, OPENROSA
from api.wire.permissions import Permission
from api.wire.route import Route

DOCUMENT = document(ROUTES, version="1.2.3")
LISTED = [route for route in ROUTES if route.listed]

LEAF = schema("Leaf", closed({"name": TEXT}))
TREE = schema("Tree", closed({"leaves": list_of(LEAF)}))
DEEP = parameter("tree_deep", query("deep", "All of it.", FLAG))

every_route = pytest.mark.parametrize(
    "route", LISTED, ids=lambda r: f"{r.method} {r.path}"
)


def test_the_document_is_valid_openapi_3_1():
    """rules/operator.md 4.5."""
    assert DOCUMENT["openapi"].startswith("3.1")
    validate(DOCUMENT)


@every_route
def test_every_listed_route_is_described(route):
    """The description is made from the table, so none can be forgotten."""
    operation = DOCUMENT["paths"][route.written_path][route.method.lower()]
    assert operation["summary"]
    assert set(operation["responses"]) == {str(s) for s in statuses(route)}


@every_route
def test_every_status_that_the_shell_can_answer_is_listed(route):
    """rules/libraries.md 6.1: a client must not meet a status nobody named."""
    if route.permission is not Permission.OPEN:
        assert {401, 403, 429, 500, 503} <= set(statuses(route))
    if "{domain}" in route.path:
        assert {500, 503} <= set(statuses(route))


@every_route
def test_every_body_that_the_case_api_takes_may_be_too_large(route):
    """rules/case-api-v2.md 1.8: the size of a body."""
    if route.dialect is CASE_V2 and route.body:
        assert {400, 413} <= set(statuses(route))


def test_operations_have_names_of_their_own():
    """A generated client has one function for each operation."""
    names = [route.name for route in LISTED]
    assert len(names) == len(set(names))


def test_routes_that_nobody_needs_to_see_stay_out():
    """Preflights and the files of the page are served but not described."""
    assert all("options" not in item for item in DOCUMENT["paths"].values())
    assert "/api/docs" not in DOCUMENT["paths"]


def test_the_document_is_that_of_the_release():
    """rules/operator.md 4.5: whoever reads it knows which program it is about."""
    assert DOCUMENT["info"]["version"] == "1.2.3"


def test_what_a_row_names_is_collected():
    """A row is all that must be written: what stands in its shapes is found."""
    told = described(a_row(body=as_json(TREE), parameters=(DEEP,)))
    schemas, parameters = sections(told)
    assert schemas["Tree"]["properties"]["leaves"]["items"] == LEAF
    assert schemas["Leaf"] == LEAF.definition
    assert parameters == {"tree_deep": DEEP.definition}
    operation = told["paths"]["/tree"]["post"]
    assert operation["parameters"] == [DEEP]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == TREE


@pytest.mark.parametrize("place", ["body", "result", "problem"])
def test_a_shape_is_found_wherever_a_row_names_it(place):
    """Deep in a list of alternatives, in any media type."""
    shape = content("text/json", any_of(TEXT, closed({"tree": TREE})))
    schemas, _ = sections(described(a_row(**{place: shape})))
    assert {"Tree", "Leaf"} <= set(schemas)


@pytest.mark.parametrize(
    ("shape", "needed"),
    [
        (wish({"reason": TEXT}), False),
        (schema("Wish", wish({"reason": TEXT})), False),
        (closed({"url": TEXT}, optional=("url",)), True),
        (TREE, True),
        (any_of(TEXT, TREE), True),
    ],
)
def test_a_body_may_be_missing_where_it_is_a_mere_wish(shape, needed):
    """The reason of an act may be left out, and then so may the body."""
    told = described(a_row(body=as_json(shape)))
    assert told["paths"]["/tree"]["post"]["requestBody"]["required"] is needed


def test_rows_that_are_not_listed_bring_nothing():
    """What nobody can see needs no words."""
    told = described(a_row(body=as_json(TREE), listed=False))
    assert sections(told) == ({}, {})


def test_one_definition_may_be_named_twice():
    """Rows share shapes; those that say the same are one component."""
    again = schema("Leaf", closed({"name": TEXT}))
    schemas, _ = sections(described(a_row(body=as_json(LEAF), result=as_json(again))))
    assert schemas["Leaf"] == LEAF.definition


@pytest.mark.parametrize(
    "rest",
    [
        {"result": as_json(schema("Leaf", TEXT))},
        {"result": as_json(schema("Hidden", list_of(schema("Leaf", TEXT))))},
        {"parameters": (DEEP, parameter("tree_deep", query("deep", "Some of it.")))},
    ],
    ids=["beside", "inside", "parameters"],
)
def test_two_definitions_under_one_name_are_refused(rest):
    """The server does not start: one of the two would be told wrongly."""
    with pytest.raises(ValueError, match=r"two definitions of (Leaf|tree_deep)"):
        described(a_row(body=as_json(TREE), **rest))


def test_a_schema_and_a_parameter_may_have_one_name():
    """They are listed apart."""
    named = parameter("Leaf", query("leaf", "Which."))
    schemas, parameters = sections(
        described(a_row(body=as_json(LEAF), parameters=(named,)))
    )
    assert (schemas["Leaf"], parameters["Leaf"]) == (LEAF.definition, named.definition)


@pytest.mark.parametrize("section", ["schemas", "parameters"])
def test_every_component_is_pointed_to_and_every_pointer_leads_somewhere(section):
    """What no endpoint takes or answers is not there, and nothing is missing."""
    start = f"#/components/{section}/"
    pointers = {place for place in references(DOCUMENT) if place.startswith(start)}
    assert pointers == {start + name for name in DOCUMENT["components"][section]}


def test_the_document_is_plain():
    """No definition hides in what is served, and any JSON writer takes it."""
    assert not [part for part in parts(DOCUMENT) if isinstance(part, Reference)]


@every_route
def test_every_problem_with_a_body_of_its_own_is_described(route):
    """A client of the case API or of the Excel import meets JSON that it can expect."""
    responses = DOCUMENT["paths"][route.written_path][route.method.lower()]["responses"]
    told = {int(s) for s, said in responses.items() if "content" in said}
    problems = {status for status in statuses(route) if status >= 400 and status != 429}
    if route.problem is not None:
        assert problems - {401} <= told
        assert (401 in told) == (route.dialect in {CASE_V2, HQ})
    elif route.dialect in {CASE_V2, HQ}:
        assert problems <= told


@pytest.mark.parametrize(
    "route",
    [r for r in LISTED if BELOW in r.path],
    ids=lambda r: f"{r.method} {r.path}",
)
def test_pages_are_described_for_people_and_for_programs(route):
    """rules/batch-imports.md 1.9: JSON for who asks for it, otherwise HTML."""
    item = DOCUMENT["paths"][route.written_path]
    responses = item[route.method.lower()]["responses"]
    told = {
        int(status): set(said.get("content", ())) for status, said in responses.items()
    }
    both = {"application/json", "text/html"}
    assert {status for status, kinds in told.items() if kinds == both} == set(told) - {
        303,  # leads on
        401,  # is answered before the page is asked for, as JSON
        429,  # as 401, and has no body
    }


def a_row(**more):
    """Make the row of an API that answers no problem as JSON."""
    row = {"method": "POST", "path": "/tree", "summary": "Grow", "operation": "grow"}
    row |= {"permission": Permission.OPEN, "dialect": OPENROSA, "answers": (200, 400)}
    return Route(handler=a_row, **row | more)


def described(*rows):
    return document(rows, version="1.2.3")


def sections(told):
    """Return what a document lists: its schemas and its parameters."""
    return told["components"]["schemas"], told["components"]["parameters"]


def parts(shape):
    """Yield a value and all that stands in it."""
    yield shape
    inside = shape.values() if isinstance(shape, dict) else shape
    if isinstance(shape, dict | list):
        for part in inside:
            yield from parts(part)


def references(shape):
    """Return where the pointers of a document lead."""
    return {
        part["$ref"]
        for part in parts(shape)
        if isinstance(part, dict) and "$ref" in part
    }
