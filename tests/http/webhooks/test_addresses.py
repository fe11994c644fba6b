"""Webhooks reach nobody inside: neither when they are made nor when they are sent."""

from __future__ import annotations

import asyncio
import socket

import pytest

from api.webhooks.sender import Sender
from api.webhooks.urls import is_url
from ledger.clock import now_micros
from ledger.webhooks.values import PENDING, Delivery, Webhook
from tests.kit.receiver import receiving

HOOKS = "/a/demo/api/ledger/v1/webhooks"
DELIVERY = Delivery("demo", "w", 1, PENDING, 0, 0, 0)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/",
        "https://localhost/hook",
        "http://[::1]:8000/",
        "http://169.254.169.254/latest/meta-data",
        "http://2130706433/",
        "http://0x7f.1/",
    ],
)
async def test_an_address_inside_is_refused(api, address):
    """Without the operator's leave no webhook reaches into the network."""
    admin = api.members.join("admin@example.org", role="admin")
    assert is_url(address)
    answer = await api.post(HOOKS, {"url": address}, headers=admin)
    assert answer.status == 400
    assert answer.json["errors"][0]["field"] == "url"
    waiting = {"url": "https://127.0.0.1:9/", "active": False}
    made = (await api.post(HOOKS, waiting, headers=admin)).json
    path = f"{HOOKS}/{made['webhook_id']}"
    moved = await api.put(path, {"url": address, "active": True}, headers=admin)
    assert moved.status == 400
    assert (await api.get(path, headers=admin)).json["url"] == waiting["url"]


@pytest.fixture
async def sender():
    """Return a sender that may call public addresses only."""
    made = Sender(seconds=5, private=False, clock=now_micros)
    yield made
    await made.close()


def hook(url):
    return Webhook(domain="demo", webhook_id="w", url=url, secret="s" * 16)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_what_was_accepted_is_looked_at_again_when_it_is_sent(sender, host):
    """A name may have come to mean this machine since then (rebinding)."""
    async with receiving() as receiver:
        port = receiver.url.split(":")[2]
        answer = await sender.send(hook(f"http://{host}:{port}"), DELIVERY, b"{}")
    assert answer.status is None
    assert "not public" in answer.error
    assert receiver.requests == []


@pytest.fixture
async def free_sender():
    """Return a sender that may call any address."""
    made = Sender(seconds=0.3, private=True, clock=now_micros)
    yield made
    await made.close()


async def test_redirects_are_not_followed(free_sender):
    """A receiver cannot send us elsewhere."""
    async with receiving() as receiver:
        receiver.answer = lambda _body: 307
        answer = await free_sender.send(hook(receiver.url), DELIVERY, b'{"position":1}')
    assert (answer.status, answer.error) == (307, "the receiver answered 307")
    assert len(receiver.requests) == 1


async def test_a_receiver_that_does_not_answer_is_left(free_sender):
    """The wait has an end."""
    async with receiving() as receiver:
        receiver.hang = asyncio.Event()
        answer = await free_sender.send(hook(receiver.url), DELIVERY, b'{"position":1}')
    assert answer.error == "no answer within 0.3 s"


async def test_nobody_there_is_told_in_words_of_ours(free_sender):
    """No text of a receiver, no address, no secret in what is kept of a failure."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    answer = await free_sender.send(hook(f"http://127.0.0.1:{port}/"), DELIVERY, b"{}")
    assert answer.error.startswith("cannot connect: ")
    assert str(port) not in answer.error


async def test_a_receiver_that_talks_nonsense_fails(free_sender):
    """Something that is no HTTP is a failure like any other."""

    async def babble(_reader, writer):
        writer.write(b"220 mail ready\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/"
        answer = await free_sender.send(hook(url), DELIVERY, b"{}")
        secured = await free_sender.send(
            hook(url.replace("http", "https")), DELIVERY, b""
        )
    assert answer.status is None
    assert "mail" not in answer.error
    assert secured.error == "the connection could not be secured"
