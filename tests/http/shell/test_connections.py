"""Slow clients and crowds are cut off, and nobody else is (rules/operator.md 4.10).

No test waits: the clock of the connections is the test's, and so is each look at them.
"""

from __future__ import annotations

import asyncio
import logging
from base64 import b64encode
from contextlib import AsyncExitStack
from dataclasses import replace
from ipaddress import ip_network

import pytest

from api.http.guesses import Guess
from api.http.keys import AUTHENTICATOR, CONNECTIONS
from tests.kit.metrics import samples

HEAD_SECONDS, BODY_SECONDS, MOST_SECONDS = 10, 30, 90
PER_ADDRESS = 5
RECEIVER = "/a/demo/receiver"
FORM = (
    b"<data xmlns='http://example.org/f'><meta><instanceID>i</instanceID></meta>"
    b"<x>%s</x></data>"
)


async def until(happened) -> None:
    """Let the server work until something has happened."""
    while not happened():  # noqa: ASYNC110 - the server under test tells nobody
        await asyncio.sleep(0.002)


class Line:
    """A raw connection to the server."""

    def __init__(self, api, reader, writer) -> None:
        """Keep both ends of it."""
        self.api, self.reader, self.writer = api, reader, writer

    async def send(self, data: bytes) -> None:
        """Send bytes, and wait until they are there."""
        connections = self.api.app[CONNECTIONS]
        before = connections.received
        self.writer.write(data)
        await until(lambda: connections.received >= before + len(data))

    async def post(self, length: int, *, path: str = RECEIVER, headers="") -> None:
        """Send the head of a POST whose body will be so long."""
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {length}"
        await self.send(f"{head}\r\n\r\n".encode())

    async def answer(self) -> bytes:
        """Return the first line of an answer, and let the rest of its head go by."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        return head.partition(b"\r\n")[0]

    async def rest(self) -> bytes:
        """Return what comes until the server closes the connection."""
        try:
            return await self.reader.read()
        except ConnectionResetError:
            return b""


class Watch:
    """The test's clock, and its look at the connections."""

    def __init__(self, api) -> None:
        """Begin at some time."""
        self.connections, self.now = api.app[CONNECTIONS], 1000.0
        self.connections.clock = lambda: self.now

    def passes(self, seconds: float) -> None:
        """Let time pass, with a look each second as the server has it."""
        for _ in range(int(seconds)):
            self.connections.look()
            self.now += 1
        self.connections.look()


@pytest.fixture
def config(config, request):
    """Serve with the limits as they are, but for the number of connections."""
    trusted = (request.param,) if hasattr(request, "param") else ()
    return replace(config, connections_per_address=PER_ADDRESS, trusted_proxies=trusted)


@pytest.fixture
def watch(api):
    return Watch(api)


@pytest.fixture
async def connect(api, watch):
    """Return how to open a raw connection."""
    host, port = api.base.removeprefix("http://").split(":")
    async with AsyncExitStack() as stack:

        async def opened() -> Line:
            reader, writer = await asyncio.open_connection(host, int(port))
            stack.callback(writer.close)
            return Line(api, reader, writer)

        yield opened


async def settled(api, count):
    """Wait until so many connections are open."""
    await until(lambda: len(api.app[CONNECTIONS]) == count)


async def cut(api, reason):
    """Return how many connections were cut off or refused for a reason."""
    text = (await api.get("/metrics")).body.decode()
    labels = frozenset({("reason", reason)})
    return samples(text)["caseledger_connections_cut_total", labels]


# -- heads -------------------------------------------------------------------


async def test_half_a_head_is_cut_off(api, watch, connect):
    """Ten seconds after the connection was made, with an answer that says why."""
    before = await cut(api, "head")
    line = await connect()
    await line.send(b"POST /a/demo/receiver HTTP/1.1\r\nHost: x\r\n")
    watch.passes(HEAD_SECONDS - 1)
    await line.send(b"X-More: ")
    watch.passes(1)
    assert (await line.rest()).startswith(b"HTTP/1.1 408 ")
    assert await cut(api, "head") == before + 1


async def test_a_head_in_time_is_answered(watch, connect):
    """However it came."""
    line = await connect()
    await line.send(b"GET /healthz HTTP/1.1\r\n")
    watch.passes(HEAD_SECONDS - 1)
    await line.send(b"Host: x\r\n\r\n")
    assert b" 200 " in await line.answer()


async def test_a_connection_that_says_nothing_is_closed(api, watch, connect):
    """Without a word."""
    line = await connect()
    await settled(api, 1)
    watch.passes(HEAD_SECONDS)
    assert await line.rest() == b""


async def test_a_later_head_has_its_own_time(watch, connect):
    """It begins with the first byte; before it, a connection may rest."""
    line = await connect()
    for pause in (0, HEAD_SECONDS + 5, HEAD_SECONDS + 5):
        watch.passes(pause)
        await line.send(b"GET /readyz HTTP/1.1\r\n")
        watch.passes(HEAD_SECONDS - 1)
        await line.send(b"Host: x\r\n\r\n")
        assert b" 200 " in await line.answer()
        await line.reader.readexactly(len('{"status":"ready"}'))
        # Some clients end a body with an empty line that belongs to nothing.
        await line.send(b"\r\n")
    await line.send(b"GET")
    watch.passes(HEAD_SECONDS)
    assert (await line.rest()).startswith(b"HTTP/1.1 408 ")


# -- bodies ------------------------------------------------------------------


async def test_a_body_that_stands_still_is_cut_off(api, watch, connect):
    """Thirty seconds after its last byte; nothing of it is kept."""
    before = await cut(api, "body_still")
    line = await connect()
    await line.post(1000)
    watch.passes(BODY_SECONDS - 1)
    await line.send(FORM[:50])
    watch.passes(BODY_SECONDS - 1)
    watch.passes(3)
    assert await line.rest() == b""
    assert await cut(api, "body_still") == before + 1
    with api.members.store.snapshot("demo") as reader:
        assert reader.head.position == 3


@pytest.mark.parametrize("path", [RECEIVER, "/a/demo/api/case/v2"])
async def test_a_body_that_trickles_is_cut_off(api, watch, connect, path):
    """A byte every ten seconds keeps no connection open, at whatever address."""
    before = await cut(api, "body_slow")
    key = api.credentials["Authorization"]
    line = await connect()
    await line.post(1000, path=path, headers=f"Authorization: {key}\r\n")
    for _ in range(MOST_SECONDS // 10):
        watch.passes(10)
        if not len(api.app[CONNECTIONS]):
            break
        line.writer.write(b" ")
        await asyncio.sleep(0)
    assert await line.rest() == b""
    assert await cut(api, "body_slow") == before + 1


@pytest.mark.parametrize("rate", [1_000, 20_000])
async def test_an_honest_slow_line_gets_through(watch, connect, rate):
    """A photo over a line of twenty kilobytes a second, and worse."""
    body = FORM % (b"x" * rate * 150)
    line = await connect()
    await line.post(len(body))
    for start in range(0, len(body), rate):
        await line.send(body[start : start + rate])
        watch.passes(1)
    assert b" 201 " in await line.answer()


async def test_who_waits_for_us_is_not_cut_off(api, watch, connect):
    """Neither a long poll nor the next request behind it."""
    key = api.credentials["Authorization"]
    changes = "/a/demo/api/ledger/v1/changes?after="
    cursor = (await api.get(f"{changes}now")).json["cursor"]
    line = await connect()
    await line.send(
        f"GET {changes}{cursor}&wait=50 HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {key}\r\n\r\n".encode()
    )
    await line.send(b"GET /heal")
    watch.passes(1000)
    await api.create()
    assert b" 200 " in await line.answer()


async def test_a_body_that_we_do_not_read_on_is_not_cut_off(
    api, members, watch, connect
):
    """While a password waits for its turn, a large body has to wait as well."""
    members.join("ann", password="pw")
    keeper = api.app[AUTHENTICATOR]
    coded = b64encode(b"ann:pw").decode()
    body = FORM % (b"x" * 5_000_000)
    async with AsyncExitStack() as stack:
        for _ in range(keeper.turns.at_once):
            await stack.enter_async_context(keeper.turns.turn(Guess("", "others")))
        line = await connect()
        path, headers = f"{RECEIVER}/secure", f"Authorization: Basic {coded}\r\n"
        await line.post(len(body), path=path, headers=headers)
        line.writer.write(body)
        received = -1
        while received < api.app[CONNECTIONS].received:
            received = api.app[CONNECTIONS].received
            await asyncio.sleep(0.05)
        assert received < len(body)
        watch.passes(1000)
    assert b" 201 " in await line.answer()


# -- crowds ------------------------------------------------------------------


async def test_one_address_has_only_so_many_connections(api, connect):
    """One more is refused at once; a place that gets free can be had."""
    assert b"ready" in (await api.get("/readyz")).body
    await api.session.close()
    await settled(api, 0)
    lines = [await connect() for _ in range(PER_ADDRESS)]
    await settled(api, PER_ADDRESS)
    refused = await (await connect()).rest()
    assert refused.startswith(b"HTTP/1.1 429 ")
    assert b"Retry-After: " in refused
    lines[0].writer.close()
    await settled(api, PER_ADDRESS - 1)
    line = await connect()
    await line.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 200 " in await line.answer()


@pytest.mark.parametrize("config", [ip_network("127.0.0.0/8")], indirect=True)
async def test_a_trusted_proxy_has_as_many_as_it_needs(api, connect):
    """All clients come through it."""
    lines = [await connect() for _ in range(PER_ADDRESS * 2)]
    await settled(api, len(lines))
    await lines[-1].send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 200 " in await lines[-1].answer()


async def test_what_was_cut_off_is_told_once_a_minute(api, watch, connect, caplog):
    """By reason and number, and not a line for each."""
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            await connect()
            await settled(api, 1)
            watch.passes(HEAD_SECONDS)
            await settled(api, 0)
        watch.passes(60)
    told = [r for r in caplog.records if r.message == "connections_cut"]
    assert [record.head for record in told] == [1, 2]
