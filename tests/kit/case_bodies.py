"""Bodies of the case API, and how they are taken or refused."""

from __future__ import annotations

import json
from functools import partial

import pytest

from api.cases.wire import parse_put_external, parse_single_update, parse_write
from api.wire.problems import InvalidPayload
from ledger.cases.change import Intent

parse_single_create = partial(parse_write, single=Intent.CREATE)
parse_put = partial(parse_write, single=Intent.PUT)
parse_bulk = partial(parse_write, single=Intent.CREATE)


NEW = {"case_type": "patient", "case_name": "Ann", "owner_id": "o"}
NEW_ROW = NEW | {"create": True}
INDEX = {"case_id": "p", "case_type": "t", "relationship": "child"}
NOT_JSON = "Payload must be valid JSON"


def body(value):
    """Return a value as the bytes of a body."""
    return json.dumps(value).encode()


def single_update(raw):
    """Parse an update of the case ``c``."""
    return parse_single_update(raw, case_id="c")


def put_external(raw):
    """Parse a put of the case with the external id ``x``."""
    return parse_put_external(raw, external_id="x")


SINGLE = (parse_single_create, single_update, parse_put, put_external)


def problem(parse, value):
    """Return how a body is refused."""
    with pytest.raises(InvalidPayload) as caught:
        parse(value if isinstance(value, bytes) else body(value))
    assert caught.value.text.encode()
    return caught.value


def refusal(parse, value):
    """Return the text with which a body is refused."""
    return problem(parse, value).text


def row_refusal(row):
    """Return the text with which the only row is refused."""
    text = refusal(parse_bulk, [row])
    assert text.startswith("Error in row 1: ")
    return text.removeprefix("Error in row 1: ")


def create_refusal(**fields):
    """Return the text with which a new case with these fields is refused."""
    return refusal(parse_single_create, NEW | fields)


def only(request):
    """Return the one change of a request that is no bulk."""
    assert not request.is_bulk
    (change,) = request.changes
    return change
