"""Which domains there are is told to members alone (rules/operator.md 5.8)."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from api.cli.database import OPERATOR
from ledger.clock import now_micros
from ledger.directory.domains import DomainSettings, save_settings
from tests.kit.routes import IN_DOMAINS, address_of, name_of

UNKNOWN = "nix"
FORM = (
    b"<data xmlns='http://example.org/f'><meta><instanceID>i</instanceID></meta></data>"
)
CHANGES_EACH_TIME = re.compile(rb'"(ts|msgid)":"[^"]*"')
NOBODY = {
    "none": {},
    "wrong key": {"Authorization": "ApiKey ann:wrong"},
    "wrong password": {
        "Authorization": "Basic " + b64encode(b"ann:wrong").decode(),
    },
    "wrong Bearer": {"Authorization": "Bearer wrong"},
    "wrong batch key": {"X-ONEIS-Key": "wrong"},
}


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """Have wrong passwords cost nothing: what is told of them is compared, for long."""

    def wrong(_hasher, _hash, _password):
        raise VerifyMismatchError

    monkeypatch.setattr(PasswordHasher, "verify", wrong)


@pytest.fixture
def config(config):
    """Let wrong credentials be tried at every route."""
    many = 1_000_000
    return replace(
        config,
        login_tries=many,
        login_tries_per_account=many,
        login_tries_per_address=many,
    )


def settle(members, *, secure):
    """Say whether the domain takes forms from everybody."""
    settings = DomainSettings(secure_submissions=secure)
    with members.store.writing("demo") as writer:
        save_settings(writer, settings, author=OPERATOR, now=now_micros())


@pytest.fixture
def closed(members):
    """Make the domain one that does not take forms from everybody."""
    settle(members, secure=True)


async def told(api, route, domain, *, headers, query=""):
    """Return all that an answer says but the name that was asked for."""
    path = address_of(route, domain=domain) + query
    body = FORM if route.writes else None
    answer = await api.request(
        route.method, path, data=body, headers=headers, anonymous=True
    )
    name = domain.encode()
    text = CHANGES_EACH_TIME.sub(b"", answer.body).replace(name, b"DOMAIN")
    names = sorted(answer.headers.keys())
    told = {
        name: answer.headers[name].replace(domain, "DOMAIN")
        for name in ("Content-Type", "WWW-Authenticate", "Location", "Allow")
        if name in answer.headers
    }
    return answer.status, names, told, text


@pytest.mark.parametrize("who", NOBODY)
async def test_every_route_says_the_same_of_any_name(api, closed, members, who):
    """Status, headers and text."""
    members.join("ann", password="right")
    for route in IN_DOMAINS:
        real, unknown = [
            await told(api, route, domain, headers=NOBODY[who])
            for domain in ("demo", UNKNOWN)
        ]
        assert real == unknown, name_of(route)
        assert route.method == "OPTIONS" or real[0] in {401, 403}, name_of(route)


@pytest.mark.parametrize(
    "query", ["?authtype=noauth", "?authtype=basic", "?authtype=x"]
)
async def test_a_receiver_says_the_same_however_one_signs_in(api, closed, query):
    """Forms that are not the demo user's, and what is asked before them."""
    receivers = [route for route in IN_DOMAINS if "/receiver" in route.path]
    assert receivers
    for route in receivers:
        real, unknown = [
            await told(api, route, domain, headers={}, query=query)
            for domain in ("demo", UNKNOWN)
        ]
        assert real == unknown, name_of(route)


async def test_an_open_receiver_tells_that_it_is_there(api, members):
    """It takes forms from everybody, which a name alone cannot."""
    settle(members, secure=False)
    for domain, status in (("demo", 201), (UNKNOWN, 401)):
        answer = await api.post(f"/a/{domain}/receiver", data=FORM, anonymous=True)
        assert answer.status == status


async def test_members_of_other_domains_hear_that_there_is_none(api):
    """Rules of Haplo and Sunbird R0.1, and of the receiver 1.1.5."""
    for path, text in (
        ("/receiver/secure", b"No domain with name nix"),
        ("/api/user/v1/upload", b"RESOURCE_NOT_FOUND"),
        ("/api/haplo-data-import-batch/batch", b"No domain with name nix"),
    ):
        answer = await api.post(f"/a/{UNKNOWN}{path}", data=FORM)
        assert answer.status in {400, 404}
        assert text in answer.body
