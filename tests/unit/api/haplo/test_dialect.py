from __future__ import annotations

import orjson
import pytest

from api.haplo.dialect import HAPLO, by_key, read_haplo_header
from api.wire.credentials import read_header, read_key
from api.wire.problems import InactiveUser, OutOfScope, Problem, UnknownKey
from tests.kit.haplo.client import basic


def presented(headers):
    found = by_key(headers)
    return found.read(found.text)


def test_the_user_haplo_has_a_key_for_password():
    """rules/batch-imports.md 1.2a: literally ``haplo``."""
    assert presented(basic("haplo", "k:1")) == (None, "k:1", False)
    assert presented(basic("Haplo", "k")) == ("Haplo", "k", True)


def test_an_api_key_of_a_user_called_haplo_is_one():
    """The scheme of the product keeps its meaning."""
    headers = {"Authorization": "ApiKey haplo:k"}
    assert presented(headers) == ("haplo", "k", False)


def test_a_key_in_its_own_header_gives_way():
    """rules/batch-imports.md 1.2a: only without an Authorization header."""
    assert presented({"X-ONEIS-Key": "k"}) == read_key("k")
    both = {"X-ONEIS-Key": "k", "Authorization": "Basic"}
    with pytest.raises(Problem):
        presented(both)
    with pytest.raises(Problem):
        by_key({})


def test_elsewhere_the_user_haplo_is_a_user():
    """Only the batch import reads a header so."""
    header = basic("haplo", "k")["Authorization"]
    assert read_header(header) == ("haplo", "k", True)
    assert read_haplo_header(header).username is None


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (Problem(401, "x"), "UNAUTHORISED"),
        (Problem(403, "x"), "UNAUTHORISED"),
        (InactiveUser(), "UNAUTHORISED"),
        (UnknownKey(), "INVALID-API-KEY"),
        (OutOfScope(), "INVALID-API-KEY"),
    ],
)
def test_credentials_that_do_not_reach_are_a_403_in_json(problem, kind):
    """rules/batch-imports.md 1.1.1."""
    rendered = HAPLO.render(problem)
    told = orjson.loads(rendered.body)
    assert (rendered.status, rendered.content_type) == (403, "application/json")
    assert (told["success"], told["kind"]) == (False, kind)


@pytest.mark.parametrize("status", [400, 404, 413, 500, 503])
def test_all_else_is_text(status):
    """rules/batch-imports.md 1.1.1, also for what cannot be encoded."""
    rendered = HAPLO.render(Problem(status, "a\udcff"))
    assert (rendered.status, rendered.content_type) == (status, "text/plain")
    assert rendered.body == b"a\\udcff"
