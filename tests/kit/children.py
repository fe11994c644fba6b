"""Programs that tests run as processes of their own, to race them or to kill them.

Each line they print is an answer that a client would have had at that moment.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from typing import Any

import orjson

from api.webhooks.delivery import Deliverer, Policy
from importers.job_kinds import HANDLERS
from ledger.cases.change import Intent
from ledger.clock import now_micros
from ledger.commands.form_states import ChangeForms
from ledger.entry import Author, Kind
from ledger.store import open_store
from ledger.writer import LedgerWriter
from tests.kit import build, nursery
from tests.kit.jobs import working
from tests.kit.nursery import Child

_CLIENTS = 8
_HASTY = Policy(
    delays=(0.1, 0.1, 0.1, 0.1),
    look=0.02,
    lease=1,
    timeout=0.5,
    batch_seconds=0.3,
    longest_rest=0.1,
)


def start(what: str, *arguments: str) -> Child:
    """Start a program that answers; its answers come through its standard output."""
    answers, told = os.pipe()
    child = nursery.start(__name__, what, *arguments, stdout=told)
    os.close(told)
    child.stdout = os.fdopen(answers)
    return child


def work(what: str, *arguments: str) -> Child:
    """Start a program that answers nobody and works until it is killed."""
    return nursery.start(__name__, what, *arguments)


async def submit(writer: LedgerWriter, prefix: str, most: str) -> None:
    """Submit forms from several clients; print each form id once it is answered."""

    async def client(number: int) -> None:
        for turn in range(int(most) // _CLIENTS):
            name = f"{prefix}-{number}-{turn}"
            blocks = [
                build.a_create(f"{prefix}-{number}"),
                build.an_update("shared", **{f"p{prefix}{number}": str(turn)}),
            ]
            body = build.a_form(blocks, form_id=name)
            await writer.submit(build.DOMAIN, build.a_submission(body))
            print(name, flush=True)  # noqa: T201 - its answer

    await asyncio.gather(*map(client, range(_CLIENTS)))


async def upsert(writer: LedgerWriter, prefix: str, seconds: str) -> None:
    """Count up a property of one's own on a few shared external ids."""
    until = time.monotonic() + float(seconds)
    counted: dict[str, int] = {}

    async def client(number: int) -> None:
        turn = 0
        while time.monotonic() < until:
            external_id = f"x{(number + turn) % 5}"
            name = f"n-{prefix}-{number}-{external_id}"
            counted[name] = counted.get(name, 0) + 1
            change = build.a_change(
                Intent.UPSERT,
                external_id=external_id,
                properties={name: str(counted[name])},
            )
            answer = await writer.submit(build.DOMAIN, build.changes(change))
            if answer.status != 200:
                raise AssertionError(answer)
            turn += 1

    await asyncio.gather(*map(client, range(_CLIENTS)))
    print(orjson.dumps(counted).decode(), flush=True)  # noqa: T201 - its answer


async def live(writer: LedgerWriter, prefix: str, most: str) -> None:
    """Edit, archive and unarchive forms; print each act once it is answered."""
    author = Author(user_id=build.USER)

    async def client(number: int) -> None:
        name = f"{prefix}-{number}"
        for turn in range(int(most) // _CLIENTS):
            blocks = [
                build.a_create(name, update={"turn": str(turn)}),
                build.an_update("shared", **{f"p-{name}": str(turn)}),
            ]
            body = build.a_form(blocks, form_id=name)
            await writer.submit(build.DOMAIN, build.a_submission(body))
            print(f"{name} sent {turn}", flush=True)  # noqa: T201 - its answer
            for kind in (Kind.ARCHIVE, Kind.UNARCHIVE):
                act = ChangeForms(
                    form_ids=(name,), kind=kind, author=author, reason=str(turn)
                )
                await writer.submit(build.DOMAIN, act)
                print(f"{name} {kind} {turn}", flush=True)  # noqa: T201 - its answer

    await asyncio.gather(*map(client, range(_CLIENTS)))


async def undo(url: str, hours: str) -> None:
    """Be a worker, on a clock that is ahead so that no lease need be waited for."""
    store = open_store(url)
    ahead = int(hours) * 3_600_000_000
    async with working(store, HANDLERS, clock=lambda: now_micros() + ahead) as worker:
        await worker.drain()


async def deliver(url: str) -> None:
    """Deliver webhooks, with a lease so short that whoever comes next need not wait."""
    store = open_store(url)
    writer = LedgerWriter(store, build.a_ledger(now_micros))
    writer.start()
    deliverer = Deliverer(store, writer, private=True, policy=_HASTY)
    deliverer.start()
    await asyncio.Event().wait()


_WRITERS: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
    "submit": submit,
    "upsert": upsert,
    "live": live,
}
_OTHERS: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
    "undo": undo,
    "deliver": deliver,
}


async def _write(what: str, url: str, *arguments: str) -> None:
    store = open_store(url)
    writer = LedgerWriter(store, build.a_ledger(now_micros))
    writer.start()
    await _WRITERS[what](writer, *arguments)
    await writer.stop()
    store.close()


def main(words: list[str]) -> int:
    """Be one of the programs."""
    what, *arguments = words
    program = _OTHERS[what](*arguments) if what in _OTHERS else _write(*words)
    asyncio.run(program)
    return 0
