"""Which requests come from pages of others (rules/operator.md 5.7)."""

from __future__ import annotations

import pytest

from api.wire.problems import Problem
from api.wire.same_origin import comes_from_a_page, require_same_origin

OWN = ("cases.example.org", "10.0.0.7:8000")
HERE = "https://cases.example.org"
EVIL = "https://evil.test"
REMEMBERED = [
    {"Authorization": "Basic YTpi"},
    {"Authorization": " basic YTpi"},
    {"Authorization": "Digest username=a"},
    {"Authorization": "Negotiate abc"},
    {"Cookie": "a=b"},
]
CHOSEN = [
    {"Authorization": "ApiKey a:b"},
    {"Authorization": "apikey a:b"},
    {"Authorization": "Bearer b"},
    {"Authorization": "ApiKey a:b", "Cookie": "a=b"},
    {"X-ONEIS-Key": "b"},
    {},
]
OF_OTHERS = [
    {"Origin": EVIL},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://[x"},
    {"Origin": "https://cases.example.org:444"},
    {"Origin": EVIL, "Referer": f"{HERE}/x"},
    {"Origin": EVIL, "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "what comes next"},
    {"Sec-Fetch-Site": "cross-site", "Origin": HERE},
    {"Referer": f"{EVIL}/cases.example.org"},
    {"Referer": "https://cases.example.org@evil.test/"},
    {"Referer": "about:blank"},
]
OUR_OWN = [
    {},
    {"Origin": HERE},
    {"Origin": f"{HERE}:443"},
    {"Origin": "http://10.0.0.7:8000"},
    {"Origin": HERE, "Sec-Fetch-Site": "same-origin"},
    {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin", "Referer": f"{EVIL}/"},
    {"Origin": HERE, "Referer": f"{EVIL}/"},
    {"Referer": f"{HERE}/ledger/a/demo"},
    {"Referer": ""},
]


@pytest.mark.parametrize("credentials", REMEMBERED)
@pytest.mark.parametrize("told", OF_OTHERS)
def test_a_page_of_others_is_refused(told, credentials):
    """Rule 5.7: whatever it is that a browser adds by itself."""
    headers = {**told, **credentials}
    assert comes_from_a_page(headers)
    with pytest.raises(Problem) as refused:
        require_same_origin(headers, OWN)
    assert refused.value.status == 403


@pytest.mark.parametrize("credentials", CHOSEN)
@pytest.mark.parametrize("told", OF_OTHERS)
def test_what_a_page_sets_itself_is_its_own_to_use(told, credentials):
    """Rule 5.7: a key, or nothing at all."""
    require_same_origin({**told, **credentials}, OWN)


@pytest.mark.parametrize("credentials", REMEMBERED)
@pytest.mark.parametrize("told", OUR_OWN)
def test_our_own_pages_and_programs_come_through(told, credentials):
    """Rule 5.7: same origin, or nothing said of one."""
    require_same_origin({**told, **credentials}, OWN)
