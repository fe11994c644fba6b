from __future__ import annotations

import pytest
from openapi_spec_validator import validate

from api.openapi.document import document, statuses
from api.routes import ROUTES
from api.wire.dialects import CASE_V2
from api.wire.permissions import Permission

DOCUMENT = document(ROUTES, version="1.2.3")
LISTED = [route for route in ROUTES if route.listed]

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
