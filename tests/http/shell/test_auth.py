"""Credentials and roles over HTTP (rules/case-api-v2.md 2)."""

from __future__ import annotations

import asyncio
import socket
from base64 import b64encode

import pytest
from argon2 import PasswordHasher

from api.cli.database import OPERATOR
from api.cli.domain import add_domain
from api.http.auth import FRESH_FOR, VERIFIED_FOR
from api.http.keys import AUTHENTICATOR
from ledger.directory.api_keys import list_keys, revoke_key
from ledger.directory.users import find_user
from ledger.log import entries_after
from tests.kit.directory import update

PASSWORD = "correct horse"


def basic(username: str, secret: str) -> dict[str, str]:
    coded = b64encode(f"{username}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {coded}"}


def key_of(header: dict[str, str]) -> str:
    return header["Authorization"].rpartition(":")[2]


@pytest.fixture
def other_domain(members):
    """Make a second domain."""
    add_domain(members.store, "other")
    return "other"


@pytest.fixture
def clock(api):
    """Give the authenticator a clock that a test moves."""
    moments = [1000.0]
    api.app[AUTHENTICATOR].clock = lambda: moments[-1]
    return moments


async def test_without_credentials_nothing_is_answered(api):
    """Rule 2.3: neither a header nor a session."""
    answer = await api.get(api.cases, anonymous=True)
    assert answer.status == 401
    assert answer.error
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")


async def test_an_api_key_lets_in(api):
    """Rule 2.2."""
    assert (await api.get(api.cases)).status == 200


async def test_a_password_lets_in(api, members):
    """Rule 2.2: Basic."""
    members.join("ann", password=PASSWORD)
    assert (await api.get(api.cases, headers=basic("ann", PASSWORD))).status == 200


async def test_an_api_key_may_stand_for_the_password(api, members):
    """rules/operator.md 5.3: Basic with the key as password."""
    key = key_of(members.join("ann"))
    assert (await api.get(api.cases, headers=basic("ann", key))).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "ApiKey ann:wrong"},
        {"Authorization": "ApiKey nobody:wrong"},
        {"Authorization": "Token abc"},
        {"Authorization": ""},
        basic("ann", "wrong"),
        basic("nobody", "wrong"),
        basic("ann", ""),
    ],
)
async def test_every_reason_gives_the_same_401(api, members, headers):
    """Rule 2.3: no hint whether the user exists."""
    members.join("ann", password=PASSWORD)
    answer = await api.get(api.cases, headers=headers)
    anonymous = await api.get(api.cases, anonymous=True)
    assert (answer.status, answer.body) == (401, anonymous.body)


async def test_a_password_is_no_api_key(api, members):
    """The scheme ApiKey takes keys only."""
    members.join("ann", password=PASSWORD)
    headers = {"Authorization": f"ApiKey ann:{PASSWORD}"}
    assert (await api.get(api.cases, headers=headers)).status == 401


async def test_a_key_in_the_query_or_body_is_not_looked_at(api, members):
    """Rule 2.2: not accepted outside the header."""
    key = key_of(members.join("ann"))
    path = f"{api.cases}?username=ann&api_key={key}"
    assert (await api.get(path, anonymous=True)).status == 401
    body = {"username": "ann", "api_key": key}
    assert (await api.post(api.cases, body, anonymous=True)).status == 401


@pytest.mark.parametrize("scheme", ["ApiKey", "Basic"])
async def test_a_member_of_another_domain_is_refused(
    api, members, other_domain, scheme
):
    """Rule 2.4."""
    header = members.join("ann", domain=other_domain, password=PASSWORD)
    headers = header if scheme == "ApiKey" else basic("ann", PASSWORD)
    answer = await api.get(api.cases, headers=headers)
    assert answer.status == 403
    assert "demo" in answer.error


async def test_a_key_of_another_domain_does_not_open_this_one(
    api, members, other_domain
):
    """The same name may be in two domains, but a key belongs to one of them."""
    members.join("ann")
    elsewhere = members.join("ann", domain=other_domain)
    assert (await api.get(api.cases, headers=elsewhere)).status == 401


@pytest.mark.parametrize("domain", ["nowhere", "%00", "a%2Fb", "d%C3%A9mo", "%FF"])
async def test_an_unknown_domain_is_refused_without_a_5xx(api, domain):
    """Rule 2.4: 403 for whoever is a member somewhere, else 401."""
    path = f"/a/{domain}/api/case/v2/"
    assert (await api.get(path)).status in {401, 403, 404}
    assert (await api.get("/a/nowhere/api/case/v2/")).status == 403
    assert (await api.get("/a/nowhere/api/case/v2/", anonymous=True)).status == 401


@pytest.mark.parametrize(
    ("role", "read", "write"),
    [("admin", 200, 200), ("editor", 200, 200), ("viewer", 200, 403)],
)
async def test_a_role_reads_and_writes_as_the_contract_says(
    api, members, role, read, write
):
    """Rule 2.5 and rules/operator.md 5.1."""
    headers = members.join("ann", role=role)
    body = {"case_type": "t", "case_name": "n", "owner_id": "o"}
    assert (await api.get(api.cases, headers=headers)).status == read
    assert (await api.post(api.cases, body, headers=headers)).status == write


async def test_a_mobile_worker_does_not_read_the_case_api(api, members):
    """rules/operator.md 5.1: mobile submits forms and restores."""
    headers = members.join("phone", role="mobile")
    assert (await api.get(api.cases, headers=headers)).status == 403


async def test_a_read_only_key_reads_and_does_not_write(api, members):
    """rules/operator.md 3.5 and 5.2."""
    headers = members.join("ann", role="admin", read_only=True)
    assert (await api.get(api.cases, headers=headers)).status == 200
    assert (await api.post(api.cases, {}, headers=headers)).status == 403
    fetch = {"case_ids": ["x"]}
    path = f"{api.cases}/bulk-fetch"
    assert (await api.post(path, fetch, headers=headers)).status == 200


async def test_a_closed_account_is_out_within_seconds(api, members, clock):
    """The user's row is read again every few seconds."""
    headers = members.join("ann")
    assert (await api.get(api.cases, headers=headers)).status == 200
    with members.store.writing("demo") as writer:
        user = find_user(writer, "ann")
        update(writer, user, author=OPERATOR, active=False)
    clock.append(clock[-1] + FRESH_FOR + 1)
    assert (await api.get(api.cases, headers=headers)).status == 401


async def test_a_revoked_key_is_out_within_seconds(api, members, clock):
    """rules/operator.md 5.4: soon out."""
    headers = members.join("ann")
    assert (await api.get(api.cases, headers=headers)).status == 200
    with members.store.writing("demo") as writer:
        key = list_keys(writer)[-1]
        revoke_key(writer, key.key_id, author=OPERATOR)
    clock.append(clock[-1] + FRESH_FOR + 1)
    assert (await api.get(api.cases, headers=headers)).status == 401


async def test_a_password_in_use_is_verified_once(api, members, clock, monkeypatch):
    """One argon2 for a busy client, however long, and another one after a break."""
    members.join("ann", password=PASSWORD)
    verified = count_verifications(monkeypatch)
    for step in (0, 1, FRESH_FOR, *[VERIFIED_FOR - 1] * 5):
        clock.append(clock[-1] + step)
        answer = await api.get(api.cases, headers=basic("ann", PASSWORD))
        assert answer.status == 200
    assert len(verified) == 1
    clock.append(clock[-1] + VERIFIED_FOR)
    await api.get(api.cases, headers=basic("ann", PASSWORD))
    assert len(verified) == 2


async def test_an_old_password_is_out_within_seconds(api, members, clock):
    """However long it was in use."""
    members.join("ann", password=PASSWORD)
    assert (await api.get(api.cases, headers=basic("ann", PASSWORD))).status == 200
    with members.store.writing("demo") as writer:
        user = find_user(writer, "ann")
        update(writer, user, author=OPERATOR, password="another")
    clock.append(clock[-1] + FRESH_FOR + 1)
    assert (await api.get(api.cases, headers=basic("ann", PASSWORD))).status == 401
    assert (await api.get(api.cases, headers=basic("ann", "another"))).status == 200


async def test_a_burst_of_one_client_is_verified_once(api, members, monkeypatch):
    """Requests that come before the first is verified wait for that one."""
    members.join("ann", password=PASSWORD)
    verified = count_verifications(monkeypatch)
    headers = basic("ann", PASSWORD)
    answers = await asyncio.gather(
        *(api.get(api.cases, headers=headers) for _ in range(10))
    )
    assert {answer.status for answer in answers} == {200}
    assert len(verified) == 1


async def test_too_many_passwords_at_once_are_put_off(api, members):
    """Rule 2.6: 429, empty, with Retry-After."""
    members.join("ann", password=PASSWORD)
    turns = api.app[AUTHENTICATOR].turns
    turns.at_once = turns.most_waiting = 0
    answer = await api.get(api.cases, headers=basic("ann", "guess"))
    assert (answer.status, answer.body) == (429, b"")
    assert int(answer.headers["Retry-After"]) > 0


async def test_secrets_never_reach_the_log(members):
    """rules/operator.md 5.5: no password and no key in an entry, hashed or not."""
    key = key_of(members.join("ann", password=PASSWORD))
    with members.store.reading("demo") as reader:
        entries = entries_after(reader, 0, limit=100)
        user = find_user(reader, "ann")
    told = repr(entries)
    assert [e.details["action"] for e, _ in entries] == [
        "domain created",
        "user created",
        "api key created",
    ]
    for secret in (key, PASSWORD, user.password_hash):
        assert secret not in told


async def test_only_digests_of_keys_are_stored(members):
    """rules/operator.md 3.5: only its hash is stored."""
    key = key_of(members.join("ann"))
    with members.store.reading("demo") as reader:
        [stored] = list_keys(reader)
    assert key.encode() not in stored.key_sha256
    assert len(stored.key_sha256) == 32


@pytest.mark.parametrize("credentials", ["none", "viewer"])
async def test_who_may_not_write_hears_so_before_sending_the_body(
    api, members, credentials
):
    """rules/libraries.md 3.4.4: authenticate first."""
    header = members.join("ann", role="viewer")["Authorization"]
    sent = "" if credentials == "none" else f"Authorization: {header}\r\n"
    status = await ask_to_send(api, sent, length=1_000_000)
    assert status == (401 if credentials == "none" else 403)


async def test_who_announces_too_much_hears_so_before_sending_it(api):
    """rules/libraries.md 3.4.4: check the size first."""
    header = f"Authorization: {api.credentials['Authorization']}\r\n"
    assert await ask_to_send(api, header, length=10**9) == 413


async def test_who_may_write_is_told_to_continue(api):
    """rules/libraries.md 3.4.4: then go on."""
    header = f"Authorization: {api.credentials['Authorization']}\r\n"
    assert await ask_to_send(api, header, length=1000) == 100


async def ask_to_send(api, headers: str, *, length: int) -> int:
    """Send the head of a request and return the status of what comes back."""
    port = int(api.base.rpartition(":")[2])
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, family=socket.AF_INET
    )
    writer.write(
        f"POST {api.cases} HTTP/1.1\r\nHost: x\r\n{headers}"
        f"Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n".encode()
    )
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])


def count_verifications(monkeypatch) -> list[str]:
    """Count the passwords that are really verified."""
    verified: list[str] = []
    verify = PasswordHasher.verify

    def counting(hasher, encoded, password):
        verified.append(encoded)
        return verify(hasher, encoded, password)

    monkeypatch.setattr(PasswordHasher, "verify", counting)
    return verified
