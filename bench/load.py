"""The load generator: a process of its own with N kept connections, closed loop.

Requests are finished bytes made before the clock starts. A source (``sources.py``)
yields *groups*: the requests of one group go over one connection, one after the other,
so that a child is never sent before its parent was answered.

Run as ``python -m bench.load`` with a ``Plan`` as JSON on standard input; prints a
``Result`` as JSON.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import chain, cycle, islice
from typing import Any, cast

import orjson

from bench.http import Target
from bench.sources import SOURCES, Group

try:
    from uvloop import run as run_loop
except ImportError:  # it is optional, as it is for the product
    from asyncio import run as run_loop  # type: ignore[assignment]

CHUNKED = -1
LAST_CHUNK = b"\r\n0\r\n\r\n"
HOPELESS = 200
"""After how many failures and no answer nothing more is sent."""
HEAD = 1000
"""How far into an answer a closing server may say that it closes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send: where, from which source, over how many connections, how long.

    Without ``seconds`` everything the source has is sent. ``rate`` makes it an open
    loop of so many requests a second. ``ready`` is how many groups are made ahead.
    ``wanted`` is the first digit of the statuses that are no failure. The connections
    come from the ``addresses`` in turn, without any from where the machine chooses.
    """

    target: Target
    source: str
    options: dict[str, Any] = field(default_factory=dict)
    connections: int = 1
    seconds: float | None = None
    warmup: float = 0.0
    rate: float | None = None
    ready: int = 20_000
    keep_ordinals: bool = False
    wanted: str = "2"
    addresses: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came back; ``total`` counts the warm-up too, the rest does not."""

    total: int
    measured: int
    failed: int
    seconds: float
    p50: float
    p99: float
    received: int
    sent: int
    first_failure: str = ""
    ordinals: list[int] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Return answered requests per second."""
        return self.measured / self.seconds if self.seconds else 0.0


def run(plan: Plan) -> Result:
    """Run a plan in a process of its own and return its result."""
    return start(plan)()


def start(plan: Plan) -> Waiting:
    """Start a plan in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.load"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None  # noqa: S101 - asked for just above
    process.stdin.write(orjson.dumps(asdict(plan)))
    process.stdin.close()
    return Waiting(process)


class Waiting:
    """A running load; calling it waits for the result."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def __call__(self) -> Result:
        """Wait for the end. Raises RuntimeError when the generator failed."""
        assert self._process.stdout is not None  # noqa: S101 - piped by ``start``
        output = self._process.stdout.read()
        if self._process.wait():
            message = "the load generator failed"
            raise RuntimeError(message)
        return Result(**orjson.loads(output))


class Tally:
    """What all connections share: the requests left and the answers counted."""

    def __init__(self, groups: Iterator[Group], *, wanted: str) -> None:
        self.groups = groups
        self.wanted = wanted.encode()
        self.stop = False
        self.sent = 0
        self.received = 0
        self.failed = 0
        self.first_failure = ""
        self.answers: list[tuple[float, float]] = []
        self.ordinals: list[int] = []
        self.schedule: Iterator[float] | None = None

    def end(self) -> None:
        """Let every connection stop when its answer has come."""
        self.stop = True


class Connection(asyncio.Protocol):
    """One kept connection that sends its next request when the last was answered."""

    def __init__(self, tally: Tally, ended: asyncio.Future[None]) -> None:
        self._tally = tally
        self._ended = ended
        self._group: Iterator[bytes] = iter(())
        self._chunks: list[bytes] = []
        self._length = 0
        self._needed = 0
        self._started = 0.0
        self._ordinal = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way out; sending starts when all are connected."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count an answer that never came."""
        if not self._ended.done():
            self._fail(f"connection lost: {exc}")
            self._ended.set_result(None)

    def send(self) -> None:
        """Send the next request, at its time when there is a schedule."""
        tally = self._tally
        request = None if tally.stop else self._next()
        if request is None:
            self._end()
        elif tally.schedule is None:
            self._write(request, time.perf_counter())
        else:
            self._write_at(request, next(tally.schedule))

    def data_received(self, data: bytes) -> None:
        """Collect an answer; when it is whole, count it and send again."""
        self._chunks.append(data)
        self._length += len(data)
        if not self._needed:
            self._chunks = [b"".join(self._chunks)]
            self._needed = whole_length(self._chunks[0])
        if self._needed == CHUNKED:
            if b"".join(self._chunks[-2:]).endswith(LAST_CHUNK):
                self._finish()
        elif 0 < self._needed <= self._length:
            self._finish()

    def _finish(self) -> None:
        now = time.perf_counter()
        tally, head = self._tally, self._chunks[0]
        if head[9:10] == tally.wanted:
            tally.answers.append((now, now - self._started))
            tally.ordinals.append(self._ordinal)
        else:
            self._fail(b"".join(self._chunks)[:600].decode(errors="replace"))
        tally.received += self._length
        self._chunks, self._length, self._needed = [], 0, 0
        if b"nnection: close\r" in head[:HEAD]:
            self._end()
        else:
            self.send()

    def _next(self) -> bytes | None:
        request = next(self._group, None)
        while request is None:
            group = next(self._tally.groups, None)
            if group is None:
                return None
            self._ordinal = group.first - 1
            self._group = iter(group.requests)
            request = next(self._group, None)
        self._ordinal += 1
        return request

    def _write_at(self, request: bytes, moment: float) -> None:
        delay = moment - time.perf_counter()
        if delay > 0:
            loop = asyncio.get_running_loop()
            loop.call_later(delay, self._write, request, moment)
        else:
            self._write(request, moment)

    def _write(self, request: bytes, started: float) -> None:
        assert self._transport is not None  # noqa: S101 - connected before sending
        self._started = started
        self._tally.sent += 1
        self._transport.write(request)

    def _fail(self, text: str) -> None:
        tally = self._tally
        tally.failed += 1
        tally.first_failure = tally.first_failure or text
        if tally.failed >= HOPELESS and not tally.answers:
            tally.end()

    def _end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)
        assert self._transport is not None  # noqa: S101 - connected before sending
        self._transport.close()


def whole_length(data: bytes) -> int:
    """Return how long the whole answer is, ``CHUNKED``, or 0 before its head is whole.

    A chunked answer is whole when it ends with the empty chunk: nothing is pipelined,
    so nothing can come behind it.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return 0
    head = data[:end].lower()
    place = head.find(b"\r\ncontent-length:")
    if place >= 0:
        return end + 4 + int(head[place + 17 :].split(b"\r\n", 1)[0])
    if b"\r\ntransfer-encoding:" in head:
        return CHUNKED
    return end + 4


async def drive(plan: Plan) -> Result:
    """Connect, send, count; the heart of the load generator."""
    groups = SOURCES[plan.source](plan.target, **plan.options)
    ready = list(islice(groups, plan.ready if plan.seconds else None))
    tally = Tally(chain(ready, groups), wanted=plan.wanted)
    addresses = cycle([(address, 0) for address in plan.addresses] or [None])
    loop = asyncio.get_running_loop()
    connections = []
    for _ in range(plan.connections):
        ended: asyncio.Future[None] = loop.create_future()
        _, connection = await loop.create_connection(
            lambda ended=ended: Connection(tally, ended),  # type: ignore[misc]
            plan.target.host,
            plan.target.port,
            local_addr=next(addresses),
        )
        connections.append((connection, ended))
    started = time.perf_counter()
    if plan.rate:
        tally.schedule = _schedule(started, plan.rate)
    if plan.seconds:
        loop.call_later(plan.warmup + plan.seconds, tally.end)
    for connection, _ in connections:
        connection.send()
    await asyncio.gather(*(ended for _, ended in connections))
    return _result(plan, tally, started)


def _schedule(started: float, rate: float) -> Iterator[float]:
    number = 0
    while True:
        yield started + number / rate
        number += 1


def _result(plan: Plan, tally: Tally, started: float) -> Result:
    begin = started + plan.warmup
    last = max((moment for moment, _ in tally.answers), default=begin)
    end = begin + plan.seconds if plan.seconds else last
    times = sorted(took for moment, took in tally.answers if begin <= moment <= end)
    return Result(
        total=len(tally.answers),
        measured=len(times),
        failed=tally.failed,
        seconds=end - begin,
        p50=percentile(times, 0.50),
        p99=percentile(times, 0.99),
        received=tally.received,
        sent=tally.sent,
        first_failure=tally.first_failure,
        ordinals=sorted(tally.ordinals) if plan.keep_ordinals else [],
    )


def percentile(ordered: list[float], share: float) -> float:
    """Return the value that ``share`` of the sorted values do not exceed."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> None:
    """Read a plan, run it, print the result."""
    fields = orjson.loads(sys.stdin.buffer.read())
    plan = Plan(**{**fields, "target": Target(**fields["target"])})
    result = run_loop(drive(plan))
    sys.stdout.buffer.write(orjson.dumps(asdict(result)))


if __name__ == "__main__":
    main()
