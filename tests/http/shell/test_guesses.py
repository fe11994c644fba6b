"""Guesses at passwords are limited (rules/operator.md 5.9)."""

from __future__ import annotations

import asyncio
import threading
import time
from base64 import b64encode
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from ipaddress import ip_network

import pytest
from aiohttp import web
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from api.app import create_app
from api.cli.domain import add_domain
from api.http.auth import VERIFIED_FOR
from api.http.guesses import Guess
from api.http.keys import AUTHENTICATOR
from api.process import app_runner
from ledger.directory.users import find_user
from ledger.store import Store

PASSWORD = "correct horse"
HOME, CAFE, EVIL = "192.0.2.1", "192.0.2.2", "203.0.113.9"
SECOND = 1_000_000
TRIES, OF_ACCOUNT, AT_ADDRESS, MINUTES = 3, 6, 7, 15


CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
COSTS = "m=8,t=1,p=1"


@pytest.fixture
def config(config):
    """Serve behind a proxy that says where requests come from, with low limits."""
    return replace(
        config,
        trusted_proxies=(ip_network("127.0.0.0/8"),),
        login_tries=TRIES,
        login_tries_per_account=OF_ACCOUNT,
        login_tries_per_address=AT_ADDRESS,
        login_minutes=MINUTES,
    )


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """Have a password cost little: what is counted and refused is the matter here."""
    hashed, verify = PasswordHasher.hash, PasswordHasher.verify

    def verified(hasher, encoded, password):
        if COSTS not in encoded:
            raise VerifyMismatchError  # it is the hash of nobody
        return verify(hasher, encoded, password)

    monkeypatch.setattr(PasswordHasher, "hash", lambda _, text: hashed(CHEAP, text))
    monkeypatch.setattr(PasswordHasher, "verify", verified)


@pytest.fixture(autouse=True)
def people(members, cheap):
    for name in ("ann", "ben", "eve"):
        members.join(name, password=PASSWORD)
    members.join("amina", role="mobile", password=PASSWORD)


@pytest.fixture(autouse=True)
def moments(api):
    """Give the counts a clock that a test moves: no window ends by itself."""
    found = [1_000_000 * SECOND]
    api.app[AUTHENTICATOR].guesses.clock = lambda: found[-1]
    return found


@pytest.fixture
def verified(monkeypatch, cheap):
    """Return the hashes against which a password was verified."""
    found: list[str] = []
    verify = PasswordHasher.verify

    def counting(hasher, encoded, password):
        found.append(encoded)
        # As long as a password takes: or one thread looks at several before the other
        # has begun, and the order of turns cannot be seen.
        time.sleep(0.05)
        return verify(hasher, encoded, password)

    monkeypatch.setattr(PasswordHasher, "verify", counting)
    return found


def basic(name, password):
    coded = b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {coded}"}


async def asked(api, headers, *, at, path=None):
    """Ask for cases with credentials from an address; return the answer."""
    sent = {**headers, "X-Forwarded-For": at}
    return await api.get(path or api.cases, headers=sent, anonymous=True)


async def guess(api, name="ann", *, at=EVIL, times=1, path=None):
    """Guess that often, each time anew; return the statuses."""
    guess.number = getattr(guess, "number", 0)
    statuses = []
    for _ in range(times):
        guess.number += 1
        headers = basic(name, f"guess {guess.number}")
        statuses.append((await asked(api, headers, at=at, path=path)).status)
    return statuses


async def signed_in(api, name="ann", *, at=HOME):
    """Sign in with the right password, after a long break; return the status."""
    keeper = api.app[AUTHENTICATOR]
    later = keeper.clock() + VERIFIED_FOR + 1
    keeper.clock = lambda: later
    return (await asked(api, basic(name, PASSWORD), at=at)).status


def rows(api, columns="tries"):
    """Return what is stored of failures."""
    return api.members.store.connection.raw.execute(
        f"SELECT {columns} FROM failed_tries"  # noqa: S608 - a table of ours
    ).fetchall()


async def test_a_guesser_is_told_to_come_again_later(api, verified):
    """An empty 429 with ``Retry-After``; no password is looked at any longer."""
    assert await guess(api, times=TRIES) == [401] * TRIES
    looked_at = len(verified)
    answer = await asked(api, basic("ann", PASSWORD), at=EVIL)
    assert (answer.status, answer.body) == (429, b"")
    assert 0 < int(answer.headers["Retry-After"]) <= MINUTES * 60
    assert await guess(api, times=3) == [429] * 3
    assert len(verified) == looked_at


async def test_the_owner_signs_in_meanwhile(api):
    """From the usual address, and from one where nobody has guessed."""
    await guess(api, times=TRIES + 1)
    assert await signed_in(api, at=HOME) == 200
    assert await signed_in(api, at=CAFE) == 200


async def test_guesses_from_many_addresses_are_limited_by_account(api, verified):
    """Then it is open where its owner signed in well before, and there alone."""
    assert await signed_in(api, at=HOME) == 200
    for number in range(OF_ACCOUNT):
        assert await guess(api, at=f"203.0.113.{number}") == [401]
    assert await guess(api, at=CAFE) == [429]
    assert await signed_in(api, at=CAFE) == 429
    assert await signed_in(api, at=HOME) == 200
    assert await signed_in(api, "ben", at=CAFE) == 200


async def test_the_usual_address_has_the_limit_of_a_pair(api):
    """A good sign-in there opens no door for guesses."""
    assert await signed_in(api, at=HOME) == 200
    assert await guess(api, at=HOME, times=TRIES + 1) == [401] * TRIES + [429]


async def test_guesses_at_many_accounts_are_limited_by_address(api):
    """Then nobody signs in there who did not before."""
    assert await signed_in(api, "eve", at=EVIL) == 200
    for number in range(AT_ADDRESS):
        assert await guess(api, f"user{number}") == [401]
    assert await guess(api, "ann") == [429]
    assert await signed_in(api, "ben", at=EVIL) == 429
    assert await signed_in(api, "eve", at=EVIL) == 200
    assert await signed_in(api, "ben", at=HOME) == 200


async def test_a_site_of_ipv6_is_one_address(api):
    """Whoever has one could choose another one for each guess."""
    told = [await guess(api, at=f"2001:db8::{n}") for n in range(1, TRIES + 2)]
    assert told == [[401]] * TRIES + [[429]]
    assert await guess(api, at="2001:db8:0:1::1") == [401]


@pytest.mark.parametrize("name", ["ann", "nobody"])
async def test_a_name_that_nobody_has_is_limited_alike(api, name):
    """Whether there is such a user is not told by the limits either."""
    assert await guess(api, name, times=TRIES + 1) == [401] * TRIES + [429]
    again = await guess(api, name, path="/a/nix/api/case/v2", times=TRIES + 1)
    assert again == [401] * TRIES + [429]


async def test_other_domains_are_no_way_around(api, verified):
    """A password can be tried at any address, also of a domain that is none."""
    for number in range(OF_ACCOUNT):
        path = f"/a/nix{number}/api/case/v2"
        assert await guess(api, path=path, at=f"203.0.113.{number % 2}") == [401]
    with api.members.store.reading("demo") as reader:
        ann = find_user(reader, "ann").password_hash
    assert verified.count(ann) == OF_ACCOUNT
    verified.clear()
    for number in range(3):
        path = f"/a/nix{number}/api/case/v2"
        assert await guess(api, path=path, at=f"198.51.100.{number}") == [401]
    assert ann not in verified
    assert len(verified) == 3


@pytest.mark.parametrize("name", ["amina", "AMINA", "amina@demo.commcarehq.org"])
async def test_every_way_to_write_a_name_is_one_account(api, name):
    """A worker's name can be written in several."""
    assert await guess(api, "Amina", times=TRIES) == [401] * TRIES
    assert await guess(api, name) == [429]


async def test_a_good_sign_in_writes_nothing(api):
    """Failures alone do, and say nobody's name."""
    assert await signed_in(api) == 200
    assert rows(api) == []
    await guess(api)
    assert rows(api) == [(1,)] * 3


async def test_what_guesses_leave_behind_names_nobody(api):
    """Neither the account nor the address."""
    await guess(api)
    told = repr(rows(api, "*"))
    assert "ann" not in told
    assert EVIL not in told


@pytest.fixture
async def other_process(api, config, moments):
    """Serve the same database once more; return a client of that server."""
    app = create_app(config)
    app[AUTHENTICATOR].guesses.clock = lambda: moments[-1]
    runner = app_runner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    yield replace(api, base=f"http://{host}:{port}", app=app)
    await runner.cleanup()


async def test_all_processes_count_as_one(api, other_process):
    """What was guessed at one server counts at the other."""
    assert await guess(api, times=TRIES - 1) == [401] * (TRIES - 1)
    assert await guess(other_process, times=2) == [401, 429]
    assert await guess(api) == [429]
    assert await signed_in(other_process, at=HOME) == 200


async def test_a_window_ends(api, moments):
    """After it a guess counts anew, and old counts are swept away."""
    assert await guess(api, times=TRIES + 1) == [401] * TRIES + [429]
    moments.append(moments[-1] + MINUTES * 60 * SECOND)
    assert await signed_in(api, at=EVIL) == 200
    await asyncio.to_thread(api.app[AUTHENTICATOR].guesses.sweep)
    assert rows(api) == []


async def test_wrong_keys_count_by_address_alone(api, members):
    """A right one is never refused, nor is a password for wrong keys."""
    key = members.join("ann")
    told = [
        (await asked(api, {"Authorization": f"ApiKey ann:{n}"}, at=EVIL)).status
        for n in range(AT_ADDRESS + 1)
    ]
    assert told == [401] * AT_ADDRESS + [429]
    assert (await asked(api, key, at=EVIL)).status == 200
    assert await signed_in(api, at=EVIL) == 200


async def test_guesses_at_the_same_moment_are_counted_too(api, verified):
    """Not more than as many as are verified at once come through beyond the limit."""
    headers = [basic("ann", f"at once {n}") for n in range(12)]
    answers = await asyncio.gather(*(asked(api, h, at=EVIL) for h in headers))
    statuses = sorted(answer.status for answer in answers)
    assert set(statuses) == {401, 429}
    assert statuses.count(401) <= TRIES + 1
    assert len(verified) == statuses.count(401)


async def test_none_is_counted_twice_while_it_is_written(api, monkeypatch):
    """As many are let through as the limit says, however long a commit's end takes."""
    administering = Store.administering
    committed = threading.Semaphore(0)

    @contextmanager
    def dawdling(store):
        with administering(store) as conn:
            yield conn
        committed.release()
        time.sleep(0.2)

    monkeypatch.setattr(Store, "administering", dawdling)
    first = asyncio.create_task(guess(api))
    await asyncio.to_thread(committed.acquire)
    others = [asyncio.create_task(guess(api)) for _ in range(TRIES - 1)]
    assert await asyncio.gather(first, *others) == [[401]] * TRIES
    assert await guess(api) == [429]


async def test_a_flood_of_wrong_passwords_keeps_nobody_waiting(api, verified):
    """A right one is verified after one wrong one, however many came before it."""
    assert await place_behind(api, verified, [EVIL] * (AT_ADDRESS - 1)) <= 2


async def test_nor_does_a_flood_from_many_addresses(api, verified):
    """Where somebody failed, the next turn is after those of all who did not fail."""
    flood = [f"203.0.113.{number}" for number in range(8)]
    for address in flood:
        assert await guess(api, f"user at {address}", at=address) == [401]
    assert await place_behind(api, verified, flood) <= 1


async def test_nor_one_from_addresses_that_were_never_seen(api, verified):
    """Where an account signed in well before, it goes before all others."""
    assert await signed_in(api) == 200
    # Also where a neighbour guesses.
    assert await guess(api, "ben", at=HOME) == [401]
    flood = [f"203.0.113.{number}" for number in range(8)]
    assert await place_behind(api, verified, [HOME, *flood]) <= 1


async def place_behind(api, verified, addresses):
    """Sign in when somebody guesses from each address already.

    Returns how many passwords were verified before.
    """
    verified.clear()
    with api.members.store.reading("demo") as reader:
        of_ann = find_user(reader, "ann").password_hash
    turns = api.app[AUTHENTICATOR].turns
    async with AsyncExitStack() as stack:
        for _ in range(turns.at_once):
            await stack.enter_async_context(turns.turn(Guess("", "others")))
        flood = [
            asyncio.create_task(guess(api, f"user{number}", at=address))
            for number, address in enumerate(addresses)
        ]
        await waiting(turns, len(flood))
        owner = asyncio.create_task(signed_in(api))
        await waiting(turns, len(flood) + 1)
    assert await owner == 200
    assert await asyncio.gather(*flood) == [[401]] * len(flood)
    return verified.index(of_ann)


async def waiting(turns, number):
    """Let the server work until so many wait."""
    while turns.waiting < number:  # noqa: ASYNC110 - they tell nobody
        await asyncio.sleep(0.002)


async def test_a_member_of_another_domain_is_no_guesser(api, members):
    """The password is right, only not here."""
    add_domain(members.store, "other")
    members.join("zoe", domain="other", password=PASSWORD)
    for _ in range(TRIES + 1):
        answer = await asked(api, basic("zoe", PASSWORD), at=HOME)
        assert answer.status == 403
    assert rows(api) == []
