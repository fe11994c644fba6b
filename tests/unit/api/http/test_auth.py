from __future__ import annotations

from base64 import b64encode

import pytest

from api.http.auth import matching_key, read_header
from api.wire.problems import Problem
from ledger.directory.api_keys import digest_key
from ledger.directory.values import ApiKey


def basic(text: str, encoding: str = "utf-8") -> str:
    return "Basic " + b64encode(text.encode(encoding)).decode()


def a_key(secret: str, *, revoked_on: int | None = None) -> ApiKey:
    return ApiKey("demo", "k1", "u1", "", digest_key(secret), 0, 1, revoked_on, None)


@pytest.mark.parametrize("scheme", ["ApiKey", "apikey", "APIKEY"])
def test_an_api_key_is_read_whatever_the_case_of_its_scheme(scheme):
    """rules/case-api-v2.md 2.2: the word in any letter case."""
    found = read_header(f"{scheme} ann@example.org:s3cret")
    assert found == ("ann@example.org", "s3cret", False)


def test_a_key_may_hold_colons():
    """rules/case-api-v2.md 2.2: only the first colon parts name and key."""
    assert read_header("ApiKey ann:a:b").secret == "a:b"


def test_basic_is_split_at_the_first_colon():
    """rules/case-api-v2.md 2.2: Basic."""
    assert read_header(basic("ann:a:b")) == ("ann", "a:b", True)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_basic_is_read_as_utf_8_and_else_as_latin_1(encoding):
    """rules/case-api-v2.md 2.2: the fallback of older clients."""
    assert read_header(basic("ann:pässword", encoding)).secret == "pässword"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "ApiKey",
        "ApiKey ann",
        "ApiKey ann:",
        "Basic",
        "Basic !!!",
        "Basic é",
        basic("ann"),
        basic("a\x00n:pw"),
        "Bearer abc",
        'Digest username="ann"',
    ],
)
def test_a_malformed_header_is_a_401_that_names_the_realm(header):
    """rules/case-api-v2.md 2.3: one that cannot be read."""
    with pytest.raises(Problem) as refused:
        read_header(header)
    assert refused.value.status == 401
    assert refused.value.headers["WWW-Authenticate"].startswith("Basic realm=")


def test_a_key_is_found_by_its_digest():
    """Only the hash of a key is stored, and that is enough."""
    key = a_key("right")
    assert matching_key([a_key("other"), key], "right") == key


@pytest.mark.parametrize("secret", ["wrong", "", "\udcff"])
def test_a_wrong_key_is_nobodys(secret):
    """rules/case-api-v2.md 2.3: a wrong key."""
    assert matching_key([a_key("right")], secret) is None


def test_a_revoked_key_is_worthless():
    """rules/operator.md 3.5 and 5.4."""
    assert matching_key([a_key("right", revoked_on=5)], "right") is None
