"""Every API while the database is away, and afterwards (``rules/operator.md`` 4.3a)."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from random import Random
from typing import Any

import pytest
from yarl import URL

from api.http.keys import STORE
from ledger.entry import Kind
from ledger.ids import new_id
from ledger.log import entries_after
from projections.rebuild.verify import verify
from tests.http.conftest import DOMAIN, a_case
from tests.kit import build
from tests.kit.excel import sent
from tests.kit.haplo.client import a_haplo
from tests.kit.outages import POSTGRESQL, SQLITE, cut_connections, own_server
from tests.kit.postgres import Unavailable
from tests.kit.receiver import until
from tests.kit.spreadsheets import a_csv
from tests.kit.sunbird.client import send
from tests.kit.sunbird.uploads import ORGS

AWAY = "The database cannot be used now; send the request again later"
STOPPED = "stopped"
MAKERS = SQLITE | POSTGRESQL
QUICK = ["full", "locked", "read-only", "moved", "read-only server", STOPPED]


@pytest.fixture(scope="module")
def server():
    """Run a PostgreSQL that may be stopped."""
    try:
        with own_server() as made:
            yield made
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(params=QUICK)
def kind(request):
    """Name an outage; the database is the one that can have it."""
    return request.param


@pytest.fixture
def url(request, kind):
    """Name a database with every table."""
    if kind == STOPPED:
        lender = request.getfixturevalue("server").lender
        lent = lender.lend_prepared()
        yield lent
        lender.take_back(lent)
        return
    made = "sqlite_url" if kind in SQLITE else "postgresql_url"
    yield request.getfixturevalue(made)


@pytest.fixture
def outage(request, kind, api):
    """Return how to make it; it lasts as long as a block."""
    if kind in MAKERS:
        return lambda: MAKERS[kind](api.app[STORE])
    server = request.getfixturevalue("server")

    @contextmanager
    def stopped():
        server.stop()
        yield
        server.start()

    return stopped


def text(size=100_000):
    """Return a text that does not fit into a file that may not grow."""
    return Random(new_id()).randbytes(size).hex()


def a_form(name, size=100_000):
    """Return a form with such a text."""
    update = {"p": text(size)}
    return build.a_form([build.a_create(name, update=update)], form_id=name)


async def submit(api, body):
    """Send a form as a device does."""
    headers = {"Content-Type": "text/xml"}
    return await api.post(f"/a/{DOMAIN}/receiver/", data=body, headers=headers)


class Everyone:
    """A client of each API; each write of theirs needs room."""

    def __init__(self, api, haplo, batch):
        """Begin with what they had from before the outage."""
        self.api = api
        self.haplo = haplo
        self.batch = batch

    async def answers(self):
        """Return what each hears of the same kind of wish: to write something."""
        rows = [[text(100), text(50), ""] for _ in range(600)]
        table = a_csv(["case_id", "name", "age"], *rows)
        orgs = a_csv(ORGS, *([text(100), "KA", "active"] for _ in range(900)))
        lines = "\n".join(text(100) for _ in range(600)).encode()
        name = new_id()
        return {
            "case": await self.api.post(
                self.api.cases, a_case(properties={"p": text()})
            ),
            "receiver": await submit(self.api, a_form(new_id())),
            "excel": await sent(self.api, table),
            "haplo": await self.haplo.file(self.batch, lines, name=name),
            "sunbird": await send(self.api, f"/a/{DOMAIN}/api/org/v1/upload", orgs),
        }


@pytest.fixture
async def everyone(api, members):
    haplo = a_haplo(api, members)
    return Everyone(api, haplo, await haplo.batch())


async def eventually(condition):
    """Ask until the answer is yes."""
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110 - only asking tells
            await asyncio.sleep(0.05)


async def came_back(api):
    """Wait until the server says that it is ready."""

    async def is_ready():
        return (await api.get("/readyz", anonymous=True)).status == 200

    await eventually(is_ready)


async def is_noticed(api):
    """Write until the server knows that it cannot."""
    async with asyncio.timeout(60):
        while api.app[STORE].away is None:
            await submit(api, a_form(new_id()))


def entries(members):
    """Return the kind of each entry that was appended."""
    with members.store.snapshot(DOMAIN) as reader:
        return [entry.kind for entry, _ in entries_after(reader, 0, limit=100_000)]


def lines_of(caplog):
    """Return the lines of the log about outages, and whether others are errors."""
    told = [r.message for r in caplog.records if r.name == "api.http.outages"]
    others = [
        f"{r.name} {r.message}"
        for r in caplog.records
        if r.levelno >= logging.WARNING
        and r.name not in {"api.http.outages", "psycopg"}
    ]
    return told, others


async def test_every_api_says_503_and_goes_on(api, everyone, outage, caplog):
    """With ``Retry-After`` and in its own words; /readyz tells; the log has a line."""
    caplog.set_level(logging.INFO)
    with outage():
        await is_noticed(api)
        ready = await api.get("/readyz", anonymous=True)
        assert (ready.status, ready.headers["Retry-After"]) == (503, "5")
        assert ready.error.startswith("The database cannot be used now: ")
        found = await everyone.answers()
        told = {
            name: (a.status, a.headers.get("Retry-After")) for name, a in found.items()
        }
        assert told == dict.fromkeys(found, (503, "5"))
        assert found["case"].error == AWAY
        assert found["receiver"].body.decode() == AWAY
        assert found["excel"].json == {"code": 503, "message": AWAY}
        assert found["haplo"].body.decode() == AWAY
        assert found["sunbird"].json["responseCode"] == "SERVER_ERROR"
        assert (await api.get("/healthz")).status == 200
        metrics = (await api.get("/metrics")).body.decode()
        assert "caseledger_store_away" in metrics
        assert lines_of(caplog) == (["store_away"], [])
    await came_back(api)
    found = await everyone.answers()
    assert {name: a.status for name, a in found.items()} == dict.fromkeys(
        found, 200
    ) | {"receiver": 201}
    assert lines_of(caplog) == (["store_away", "store_back"], [])
    assert not set(entries(api.members)) & {Kind.ERROR, Kind.SUBMISSION_ERROR}


@pytest.mark.parametrize("kind", ["full", "read-only server", STOPPED], indirect=True)
async def test_what_goes_on_by_itself(api, outage):
    """A stream that was open, and a job that was begun, need no second start."""
    where = URL(f"{api.base}/a/{DOMAIN}/api/ledger/v1/changes/stream?after=now")
    async with api.session.get(where, headers=api.credentials) as stream:
        assert stream.status == 200
        rows = [["", f"case {n}", n] for n in range(900)]
        answer = await sent(api, a_csv(["case_id", "name", "age"], *rows))
        with outage():
            await is_noticed(api)
        await came_back(api)
        last = new_id()
        assert (await submit(api, a_form(last))).status == 201
        async with asyncio.timeout(60):
            while last.encode() not in await stream.content.readline():
                pass
    path = answer.json["status_url"].removeprefix(api.base)

    async def is_done():
        return (await api.get(path)).json["state"] == 2

    await eventually(is_done)
    assert (await api.get(path)).json["result"]["created_count"] == 900


@pytest.mark.parametrize("kind", [STOPPED], indirect=True)
async def test_who_asks_before_sending_hears_it_too(api, outage):
    """``Expect: 100-continue`` meets the outage before the body is there."""
    with outage():
        async with api.session.post(
            f"{api.base}{api.cases}",
            data=b"{}",
            headers=api.credentials,
            expect100=True,
        ) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    await came_back(api)
    await until(lambda: api.app[STORE].away is None)


@dataclass
class Clients:
    """Clients that send again what they were told 503, until they hear a success."""

    api: Any
    heard: list[int] = field(default_factory=list)
    over: bool = False

    async def device(self, number):
        """Send one form after the other; return how many were taken."""
        return await self._all(
            lambda turn: partial(submit, self.api, a_form(f"{number}-{turn}", size=50))
        )

    async def program(self, number):
        """Create one case after the other; return how many were taken."""
        return await self._all(
            lambda turn: partial(
                self.api.post,
                self.api.cases,
                a_case(),
                headers={"Idempotency-Key": f"{number}-{turn}"},
            )
        )

    async def _all(self, prepare):
        for turn in count():
            if self.over:
                return turn
            send = prepare(turn)  # the same bytes each time
            while (answer := await send()).status == 503:
                self.heard.append(503)
                await asyncio.sleep(0.05)
            self.heard.append(answer.status)
        return None


@pytest.mark.parametrize("kind", [STOPPED], indirect=True)
@pytest.mark.parametrize("trouble", ["restart", "cut"])
async def test_nothing_is_lost_or_doubled(api, url, outage, trouble, caplog):
    """The server restarts under load, or cuts connections wherever they are."""
    caplog.set_level(logging.INFO)
    clients = Clients(api)
    at_work = [asyncio.create_task(clients.device(n)) for n in range(4)]
    at_work += [asyncio.create_task(clients.program(n)) for n in range(4, 8)]
    for _ in range(3):
        await asyncio.sleep(0.2)
        if trouble == "restart":
            with outage():
                await until(lambda: api.app[STORE].away is not None)
        else:
            for _ in range(10):
                await asyncio.to_thread(cut_connections, url)
        await came_back(api)
    clients.over = True
    taken = sum(await asyncio.gather(*at_work))
    assert set(clients.heard) <= {200, 201, 503}
    found = Counter(entries(api.members))
    assert found.keys() <= {Kind.NORMAL, Kind.DUPLICATE, Kind.DIRECTORY}
    assert found[Kind.NORMAL] == taken
    assert verify(api.members.store, DOMAIN).ok
    told, others = lines_of(caplog)
    assert others == []
    assert told == ["store_away", "store_back"] * (len(told) // 2)
    assert trouble == "cut" or len(told) == 6
