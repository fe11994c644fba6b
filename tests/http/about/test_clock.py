"""A jump of the clock over HTTP: told, refused as an outage is, accepted by hand."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import pytest

from api.cli import main
from api.http.keys import STORE, WORKER
from tests.http.conftest import a_case
from tests.kit import build
from tests.kit.excel import sent
from tests.kit.haplo.client import a_haplo
from tests.kit.sunbird.client import send_states

YEARS = 365 * 86_400 * 1_000_000_000
TOLD = "The clock of the server jumped ahead by 36500 days, "


@dataclass
class Wall:
    """The wall clock of this machine, as far ahead as the test sets it."""

    ahead: int = 0


@pytest.fixture
def wall(monkeypatch):
    """Set the wall clock of the server, of the commands, and of the test."""
    found, real = Wall(), time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + found.ahead)
    return found


WRITES = {
    "json": lambda api, _: api.post(api.cases, a_case()),
    "device": lambda api, _: api.post(
        f"/a/{api.domain}/receiver/", data=build.a_form([build.a_create()])
    ),
    "excel": lambda api, _: sent(api),
    "sunbird": lambda api, _: send_states(api),
    "directory": lambda api, boss: api.post(
        f"/a/{api.domain}/api/ledger/v1/webhooks/",
        {"url": "https://example.org/"},
        headers=boss,
    ),
}


async def is_ready(api):
    """Tell whether the probe says so; it tells why not."""
    answer = await api.get("/readyz", anonymous=True)
    if answer.status == 503:
        assert answer.error.startswith(TOLD)
    return answer.status == 200


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_a_write_is_refused_as_in_an_outage(api, wall, write):
    """503 with Retry-After in each dialect; nothing is kept, and reads go on."""
    await api.create()
    boss = api.members.join("boss@example.org", role="admin")
    await api.app[WORKER].aclose()
    before = build.entries_of(api.app[STORE], api.domain)
    wall.ahead = 100 * YEARS
    answer = await write(api, boss)
    assert answer.status == 503, answer.body
    assert int(answer.headers["Retry-After"]) > 0
    assert build.entries_of(api.app[STORE], api.domain) == before
    assert (await api.get(api.cases)).status == 200
    assert not await is_ready(api)
    wall.ahead = 0
    assert await is_ready(api)
    assert (await api.post(api.cases, a_case())).status == 200


async def test_a_client_is_told_why(api, wall):
    """The text says what is wrong and what ends it."""
    await api.create()
    wall.ahead = 100 * YEARS
    answer = await api.post(api.cases, a_case())
    assert answer.error.startswith(TOLD)
    assert answer.error.endswith("until it is right again or an operator accepts it")


async def test_an_operator_accepts_the_clock(api, wall, url, capsys):
    """The running server goes on, and the log says who it was."""
    await api.create()
    wall.ahead = YEARS
    assert (await api.post(api.cases, a_case())).status == 503

    def command(*words):
        return asyncio.to_thread(main, ["--database", url, *words])

    webhook = ("webhook", "create", "https://example.org/", "--domain", "demo")
    assert await command(*webhook) == 1
    assert "jumped ahead" in capsys.readouterr().err
    assert await command("domain", "settings", "demo", "--accept-clock") == 0
    assert "from now on the clock is right: " in capsys.readouterr().err
    [accepted] = [
        entry
        for entry in build.entries_of(api.app[STORE], api.domain)
        if entry.details.get("action") == "clock accepted"
    ]
    assert accepted.user_id == "operator"
    assert (await api.post(api.cases, a_case())).status == 200
    assert (await api.get("/readyz")).status == 200
    wall.ahead = 0
    assert await command("verify", "--domain", "demo") == 0
    assert "demo: the last entry is 36" in capsys.readouterr().err
    assert (await api.post(api.cases, a_case())).status == 200


async def test_haplo_is_told_too(api, members, wall):
    """Its dialect has errors of its own."""
    haplo = a_haplo(api, members)
    control = await haplo.control()
    wall.ahead = 100 * YEARS
    answer = await haplo.post("batch", control=control, comment="c")
    assert answer.status == 503
    assert "Retry-After" in answer.headers
