"""The load generator of the bench reads answers as HTTP/1.1 writes them."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from bench.http import Target
from bench.load import CHUNKED, Plan, Result, drive, percentile, whole_length

HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "length"),
    [
        (HEAD + b"Content-Length: 5\r\n\r\n12345", len(HEAD) + 26),
        (HEAD + b"content-length: 500\r\n\r\n12345", len(HEAD) + 523),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n", CHUNKED),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 27),
        (HEAD + b"Content-Le", 0),
    ],
)
def test_the_length_of_an_answer_is_known_from_its_head(answer, length):
    """A length, the word chunked, or not enough of the head yet."""
    assert whole_length(answer) == length


def test_the_percentile_is_a_value_that_was_measured():
    """p50 and p99 of a hundred values are the 51st and the 100th."""
    values = [float(n) for n in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99)) == (51.0, 100.0)
    assert percentile([], 0.5) == 0.0


async def _driven(answers: list[bytes], **plan: object) -> Result:
    """Send to a server that gives each request the next answer, piece by piece."""
    waiting = iter(answers)
    served = asyncio.Event()

    async def serve(reader, writer):
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                for piece in next(waiting).split(b"|"):
                    writer.write(piece)
                    await asyncio.sleep(0.001)
        writer.close()
        await writer.wait_closed()
        served.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    options = {"paths": ["/"], "requests": len(answers)}
    made = Plan(
        target=Target("127.0.0.1", port), source="paths", options=options, **plan
    )
    result = await drive(made)
    await served.wait()
    server.close()
    await server.wait_closed()
    return result


async def test_answers_in_pieces_and_in_chunks_are_counted_once():
    """A large answer comes in several packets, a streamed one in chunks."""
    whole = HEAD + b"Content-Length: 6\r\n\r\nabcdef"
    pieces = HEAD + b"Content-|Length: 6\r\n\r\nabc|def"
    chunks = HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc|\r\n0\r\n|\r\n"
    result = await _driven([whole, pieces, chunks, whole])
    assert (result.total, result.failed) == (4, 0)


async def test_a_refusal_is_a_failure_and_its_text_is_kept():
    """What is not 2xx is no answer, and the first one can be read."""
    refused = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno"
    result = await _driven([HEAD + b"Content-Length: 0\r\n\r\n", refused])
    assert (result.total, result.failed) == (1, 1)
    assert result.first_failure.endswith("no")


async def test_a_connection_that_closes_is_left_without_a_failure():
    """A server that stops says so with its last answer; nothing is lost then."""
    last = HEAD + b"Connection: close\r\nContent-Length: 0\r\n\r\n"
    result = await _driven([last, last])
    assert (result.total, result.failed, result.sent) == (1, 0, 1)


async def test_a_refusal_is_an_answer_where_it_is_wanted():
    """Guesses at passwords are there to be refused (A1)."""
    refused = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
    result = await _driven([refused, refused], wanted="4")
    assert (result.total, result.failed) == (2, 0)


async def test_connections_come_from_the_addresses_that_are_named():
    """One after the other, and from the first again (A1)."""
    found: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.append(writer.get_extra_info("peername")[0])
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(HEAD + b"Content-Length: 0\r\n\r\n")
        writer.close()

    addresses = ["127.0.0.2", "127.0.0.3"]
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        target = Target("127.0.0.1", server.sockets[0].getsockname()[1])
        plan = Plan(
            target=target,
            source="guesses",
            options={"requests": 6},
            connections=3,
            addresses=addresses,
        )
        assert (await drive(plan)).total == 6
    assert sorted(found) == ["127.0.0.2", "127.0.0.2", "127.0.0.3"]
