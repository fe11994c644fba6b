"""How often the APIs of a domain may be called (rules/operator.md 5.11)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from api.app import create_app
from api.cli.database import OPERATOR
from api.http.keys import RATES, SETTINGS, STORE
from api.wire.permissions import Principal
from api.wire.problems import Problem
from ledger.clock import now_micros
from ledger.directory.domains import get_settings, save_settings
from ledger.directory.users import create_user
from tests.http.conftest import DOMAIN
from tests.kit.build import a_create, a_form
from tests.kit.domains import an_open_domain

_SECOND = 1_000_000


def limit(api, **changes) -> None:
    """Have an operator say what holds, and the server look at once."""
    with api.members.store.writing(DOMAIN) as writer:
        after = replace(get_settings(writer), **changes)
        save_settings(writer, after, author=OPERATOR, now=now_micros())
    reader = api.app[SETTINGS]
    later = reader.clock() + 60
    reader.clock = lambda: later


def wait(api, *, seconds: int) -> None:
    """Let time pass for the limits."""
    rates = api.app[RATES]
    now = rates.clock()
    rates.clock = lambda: now + seconds * _SECOND


def stop_the_clock(api) -> None:
    """Let a minute begin, and stay there."""
    now = now_micros() // (3600 * _SECOND) * 3600 * _SECOND
    api.app[RATES].clock = lambda: now


async def call(api, **more) -> int:
    """Call an API; return the status."""
    return (await api.get(api.cases, **more)).status


async def test_calls_beyond_a_limit_come_again_later(api):
    """Nothing is counted of what is refused, and the next window lets in again."""
    stop_the_clock(api)
    assert [await call(api) for _ in range(5)] == [200] * 5
    limit(api, rate_limits="3/minute; 5/hour")
    assert [await call(api) for _ in range(3)] == [200] * 3
    refused = await api.get(api.cases)
    assert (refused.status, refused.body) == (429, b"")
    assert refused.headers["Retry-After"] == "60"
    wait(api, seconds=45)
    assert (await api.get(api.cases)).headers["Retry-After"] == "15"
    wait(api, seconds=15)
    assert [await call(api) for _ in range(3)] == [200, 200, 429]
    fullest = await api.get(api.cases)
    assert fullest.headers["Retry-After"] == str(3600 - 60)


async def test_who_is_counted(api):
    """All of a domain together, but whom its operator leaves out, and no other one."""
    stop_the_clock(api)
    other = api.members.join("bot@example.org")
    limit(api, rate_limits="1/day", unlimited_users=("bot@example.org",))
    assert [await call(api, headers=other) for _ in range(3)] == [200] * 3
    assert [await call(api) for _ in range(2)] == [200, 429]
    assert [await call(api, headers=other) for _ in range(2)] == [200] * 2
    an_open_domain(api.members.store, "clinic")
    away = api.members.join("cleo@example.org", domain="clinic")
    found = await api.get("/a/clinic/api/case/v2/", headers=away)
    assert found.status == 200


async def test_what_is_not_counted(api):
    """Forms of devices, strangers, refused methods, and what the process tells."""
    stop_the_clock(api)
    limit(api, rate_limits="1/day")
    for _ in range(3):
        form = a_form([a_create("c1")], form_id="f1")
        sent = await api.post(f"/a/{DOMAIN}/receiver/", data=form)
        assert sent.status == 201
        assert await call(api, anonymous=True) == 401
        assert (await api.request("DELETE", api.cases)).status == 405
        assert (await api.get("/healthz", anonymous=True)).status == 200
    assert [await call(api) for _ in range(2)] == [200, 429]


async def test_limits_grow_with_the_workers(api):
    """Ten calls a minute, and three more for each mobile worker."""
    stop_the_clock(api)
    with api.members.store.writing(DOMAIN) as writer:
        for name in ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j"):
            create_user(
                writer, f"worker{name}", role="mobile", password=None, author=OPERATOR
            )
    limit(api, rate_limits="commcare")
    assert [await call(api) for _ in range(5)] == [200] * 4 + [429]
    wait(api, seconds=1)
    assert await call(api) == 200


async def test_processes_count_as_one(api, config):
    """Two servers, many calls at once: as many get through as one would let."""
    limit(api, rate_limits="7/day")
    now = now_micros()
    other = create_app(config)
    for app in (api.app, other):
        app[RATES].clock = lambda: now
    principal = Principal(
        domain=DOMAIN, user_id="u", username="a", key_id=None, permissions=frozenset()
    )

    async def get_through(app) -> bool:
        try:
            await app[RATES].admit(principal)
        except Problem:
            return False
        return True

    let_in = await asyncio.gather(*(get_through(app) for app in (api.app, other) * 10))
    other[RATES].close()
    other[STORE].close()
    assert sum(let_in) == 7
