"""Cursors of the case list (rules/case-api-v2.md 6.2 and 9.14)."""

from __future__ import annotations

import base64
import zlib
from urllib.parse import parse_qsl

import orjson
import pytest

from api.cases.query import (
    ListRequest,
    decode_cursor,
    encode_cursor,
    parse_list_query,
)
from ledger.errors import Conflict
from projections.lists.filter import CaseFilter

NOW = "2024-02-29T12:34:56.789012Z"


def asked(query: str) -> ListRequest:
    """Read a query string as HTTP does: ``+`` is a blank."""
    return parse_list_query(parse_qsl(query, keep_blank_values=True), now=NOW)


def test_a_cursor_carries_everything_but_the_position():
    """Rule 6.2.3: filters, limit and field selection."""
    first = asked(
        "case_type=a&case_type=b&limit=7&fields=case_id&fields.properties=p"
        "&query=p=1&closed=false&include_deleted=1&properties.é=%20😀%01"
    )
    cursor = first.cursor(1_700_000_000_000_001)
    second = asked(f"cursor={cursor}")
    assert second.filter == first.filter
    assert second.page.limit == 7
    assert second.page.after == 1_700_000_000_000_001
    assert second.field_filter_pairs == first.field_filter_pairs
    assert second.pairs == first.pairs


def test_a_cursor_can_be_followed_verbatim():
    """Rule 6.2.2: nothing in it needs encoding."""
    cursor = asked("case_name=" + "%C3%BF" * 300).cursor(1)
    assert parse_qsl(f"cursor={cursor}") == [("cursor", cursor)]
    assert asked(f"cursor={cursor}==").page.after == 1


def test_with_a_cursor_all_else_is_ignored():
    """Rule 6.2.3: even parameters that are wrong; of several the last."""
    cursor = asked("case_type=a").cursor(5)
    request = asked(f"nonsense=1&limit=x&case_type=b&cursor=bad&cursor={cursor}")
    assert request.filter == CaseFilter(equals={"case_type": ("a",)})
    assert request.page.after == 5


def test_the_clients_indexed_on_and_the_position_are_kept_apart():
    """Rules 6.2.3 and 9.14: the filter stays what the client asked on every page."""
    first = asked("indexed_on.gte=2020-01-19&indexed_on.lt=2020-02-01")
    second = asked(f"cursor={first.cursor(1_579_500_000_000_000)}")
    third = asked(f"cursor={second.cursor(1_579_600_000_000_000)}")
    assert first.filter == second.filter == third.filter
    assert second.page.after == 1_579_500_000_000_000
    assert third.page.after == 1_579_600_000_000_000


def test_a_cursor_of_many_ids_stays_shorter_than_their_url():
    """Rule 6.2: a filter that fits into a URL must fit when it travels in a cursor."""
    query = "&".join(f"owner_id={n:032x}" for n in range(0, 10**40, 10**38))
    assert len(asked(query).cursor(1)) < len(query)


def packed(document: object) -> str:
    return base64.urlsafe_b64encode(zlib.compress(orjson.dumps(document))).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!!!!",
        "é",
        "\ud800",
        "a b",
        base64.b64encode(b"indexed_on.gte=2020-01-01&last_case_id=x").decode(),
        base64.urlsafe_b64encode(zlib.compress(b"no json")).decode(),
        base64.urlsafe_b64encode(zlib.compress(b"[" * 100_000)).decode(),
        base64.urlsafe_b64encode(zlib.compress(b"[1,1,[]]" + b" " * 10**7)).decode()[
            :-8
        ],
        packed({}),
        packed([]),
        packed([1, 2]),
        packed([2, 1, []]),
        packed([1, -1, []]),
        packed([1, 1 << 63, []]),
        packed([1, True, []]),
        packed([1, "1", []]),
        packed([1, 1.5, []]),
        packed([1, 1, None]),
        packed([1, 1, [["a"]]]),
        packed([1, 1, [["a", 1]]]),
        packed([1, 1, ["abc"]]),
        packed([1, 1, [["nonsense", "x"]]]),
        packed([1, 1, [["limit", "-1"]]]),
        packed([1, 1, [["query", "x"]]]),
        packed([1, 1, [["cursor", "x"]]]),
    ],
)
def test_a_cursor_that_we_did_not_make_is_refused(cursor):
    """Rules 6.0.5 and 9.7: undecodable."""
    with pytest.raises(Conflict) as caught:
        parse_list_query([("cursor", cursor)], now=NOW)
    assert "cursor" in caught.value.text
    assert caught.value.field == "cursor"


def test_a_cursor_that_unpacks_to_megabytes_is_refused():
    """Rule 5.7: a small cursor must not fill the memory."""
    bomb = packed([1, 1, [["case_type", "a" * 10**7]]])
    assert len(bomb) < 20_000
    with pytest.raises(Conflict):
        decode_cursor(bomb)


def test_a_cursor_is_made_of_pairs_and_a_position():
    """Rule 6.2: what was encoded is decoded."""
    pairs = (("a", "1"), ("a", "2"), ("", ""))
    assert decode_cursor(encode_cursor(pairs, after=0)) == (pairs, 0)
