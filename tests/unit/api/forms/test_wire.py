"""Bodies of requests that change forms and cases: at most a reason."""

from __future__ import annotations

import pytest

from api.wire.json_body import LONGEST_REASON, parse_reason
from ledger.errors import Conflict


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", ""),
        (b"{}", ""),
        (b'{"reason":null}', ""),
        (b'{"reason":"line\\nline \\u00e9"}', "line\nline é"),
        (b'{"reason":"' + b"x" * LONGEST_REASON + b'"}', "x" * LONGEST_REASON),
    ],
)
def test_a_body_gives_a_reason_or_none(body, reason):
    """A reason is any text that is not too long."""
    assert parse_reason(body) == reason


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"\xff", None),
        (b"null", None),
        (b'{"because":"x"}', "because"),
        (b'{"reason":{}}', "reason"),
        (b'{"reason":"\\ud800"}', None),
        (b'{"reason":"\\u0001"}', "reason"),
        (b'{"reason":"' + b"x" * (LONGEST_REASON + 1) + b'"}', "reason"),
    ],
)
def test_a_body_that_gives_none_is_refused(body, field):
    """The field that is at fault is named."""
    with pytest.raises(Conflict) as refused:
        parse_reason(body)
    assert refused.value.field == field
