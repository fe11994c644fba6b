"""Bodies that ask for an undo: whoever does what a refusal says is heard."""

from __future__ import annotations

import json

import pytest

from api.undo.wire import parse_undo
from api.wire.problems import Problem

SPAN = {"from": "2024-01-01T00:00:00Z", "to": "2024-01-02T00:00:00Z"}


def asked(**given):
    return parse_undo(json.dumps(given).encode())


@pytest.mark.parametrize("given", [{}, {"form_id": "f", "job_id": "j"}])
def test_one_of_three_is_undone(given):
    """Each of those that the text offers can be given alone."""
    with pytest.raises(Problem, match="Give one of 'form_id', 'job_id' and 'user_id'"):
        asked(**given)
    assert asked(form_id="f")[0].form_id == "f"
    assert asked(job_id="j")[0].job_id == "j"
    assert asked(user_id="u", **SPAN)[0].user == "u"


@pytest.mark.parametrize(
    "given", [{"user_id": "u"}, {"form_id": "f", **SPAN}, {"user_id": "u", "from": ""}]
)
def test_a_user_goes_with_a_span_and_nothing_else_does(given):
    """As the text says: both bounds with a user, none without."""
    with pytest.raises(Problem, match="Give 'from' and 'to' with 'user_id', and only"):
        asked(**given)
    asked(user_id="u", **SPAN)
    asked(form_id="f")
