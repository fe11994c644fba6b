"""Mixed load, and a book of what was acknowledged.

Each writer sends the same bytes until they are acknowledged, as a phone does: on a 503
and on a connection that breaks. So whatever was sent must be there in the end, once.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from sqlalchemy import func, select

from ledger.storage.connection import Statement
from ledger.store import Reader, Store
from ledger.tables import entries
from projections.tables import case_tables, form_tables
from tests.kit import build
from tests.siege.city import LOAD, SECONDS_TO_RECOVER, City
from tests.siege.tally import Tally

ME = "load"
WRITERS = 3
"""Of each kind."""
SHARED = 5
"""External ids that all upserting writers write to."""
BULK = 20

_RECEIVER = f"/a/{LOAD}/receiver/"
_CASES = f"/a/{LOAD}/api/case/v2/"
_PATIENCE = 30
_AGAIN = 0.3


@dataclass
class Book:
    """What was acknowledged: ids of forms, and the last number written to a case.

    ``values`` has them by external id and property: each property has one writer.
    """

    forms: set[str] = field(default_factory=set)
    values: dict[tuple[str, str], int] = field(default_factory=dict)
    sent: int = 0
    """How many acknowledgements there were."""


class Load:
    """Writers that write until they are told to stop."""

    def __init__(self, city: City, tally: Tally, seed: int) -> None:
        """Begin with an empty book."""
        self.book = Book()
        self._city = city
        self._tally = tally
        self._rng = random.Random(seed)
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Let all writers begin."""
        timeout = aiohttp.ClientTimeout(total=_PATIENCE)
        self._session = aiohttp.ClientSession(timeout=timeout)
        for n in range(WRITERS):
            rng = random.Random(self._rng.random())
            writers: list[Coroutine[Any, Any, None]] = [
                self._forms(n),
                self._creates(n, rng),
                self._upserts(n, rng),
                self._bulks(n),
            ]
            self._tasks += map(asyncio.create_task, writers)

    async def stop(self) -> None:
        """Let each writer finish what it has sent; a fault if it cannot."""
        self._stopping.set()
        _, late = await asyncio.wait(self._tasks, timeout=SECONDS_TO_RECOVER)
        for task in late:
            task.cancel()
            self._tally.fault(ME, "drain", f"never acknowledged: {task.get_coro()}")
        for result in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(result, Exception):
                self._tally.fault(ME, "drain", repr(result))
        assert self._session is not None
        await self._session.close()

    async def progress(self, more: int = 5) -> bool:
        """Wait until some more writes are acknowledged; tell whether they were."""
        wanted = self.book.sent + more
        for _ in range(10 * SECONDS_TO_RECOVER):
            if self.book.sent >= wanted:
                return True
            await asyncio.sleep(0.1)
        return False

    async def _forms(self, writer: int) -> None:
        turn = 0
        while not self._stopping.is_set():
            turn += 1
            name, case = f"form-{writer}-{turn}", f"c-form-{writer}"
            block = build.a_create(case, update={"turn": str(turn)})
            body = build.a_form([block], form_id=name)
            kind = {"Content-Type": "text/xml"}
            if await self._send("form", "POST", _RECEIVER, body, kind):
                self.book.forms.add(name)

    async def _creates(self, writer: int, rng: random.Random) -> None:
        turn = 0
        while not self._stopping.is_set():
            turn += 1
            name = f"e-{writer}-{turn}"
            new = _new(name, "n", 0)
            answer = await self._write("create", "POST", _CASES, new, key=name)
            if answer is None:
                continue
            self.book.values[name, "n"] = 0
            for number in range(1, rng.randrange(1, 4)):
                path = f"{_CASES}{answer['case']['case_id']}/"
                change = {"properties": {"n": str(number)}}
                key = f"{name}-{number}"
                if await self._write("update", "PUT", path, change, key=key):
                    self.book.values[name, "n"] = number

    async def _upserts(self, writer: int, rng: random.Random) -> None:
        turn = 0
        while not self._stopping.is_set():
            turn += 1
            name, mine = f"shared-{rng.randrange(SHARED)}", f"w{writer}"
            change = _new(name, mine, turn)
            del change["external_id"]
            if await self._write("upsert", "PUT", f"{_CASES}ext/{name}/", change):
                self.book.values[name, mine] = turn

    async def _bulks(self, writer: int) -> None:
        turn = 0
        while not self._stopping.is_set():
            turn += 1
            names = [f"b-{writer}-{turn}-{n}" for n in range(BULK)]
            rows = [_new(name, "n", turn) | {"create": True} for name in names]
            if await self._write("bulk", "POST", _CASES, rows, key=names[0]):
                self.book.values.update({(name, "n"): turn for name in names})

    async def _write(
        self, kind: str, method: str, path: str, value: Any, *, key: str = ""
    ) -> Any:
        headers = {**self._city.keys[f"editor@{LOAD}"]}
        headers["Content-Type"] = "application/json"
        if key:
            headers["Idempotency-Key"] = key
        body = json.dumps(value).encode()
        answer = await self._send(kind, method, path, body, headers)
        return json.loads(answer) if answer else None

    async def _send(
        self, kind: str, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> bytes | None:
        """Send the same bytes until they are taken; nothing if they are refused."""
        while True:
            answer = await self._once(kind, method, path, body, headers)
            if answer is not None:
                status, told = answer
                if status not in {200, 201}:
                    text = f"{method} {path} {body[:300]!r}: {status} {told[:300]!r}"
                    self._tally.fault(ME, kind, text)
                    return None
                self.book.sent += 1
                return told
            await asyncio.sleep(_AGAIN)

    async def _once(
        self, kind: str, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes] | None:
        self._tally.note(ME, kind)
        assert self._session is not None
        try:
            async with self._session.request(
                method, self._city.base + path, data=body, headers=headers
            ) as answer:
                told = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError):
            self._tally.note(ME, "not answered")
            return None
        if answer.status == 503:
            self._tally.note(ME, "503")
            if "Retry-After" not in answer.headers:
                self._tally.fault(ME, kind, f"503 without Retry-After: {told!r}")
            return None
        return answer.status, told


def _new(name: str, key: str, number: int) -> dict[str, Any]:
    return {
        "case_type": "patient",
        "case_name": name,
        "owner_id": "team",
        "external_id": name,
        "properties": {key: str(number)},
    }


def audit(store: Store, book: Book, tally: Tally) -> None:
    """Compare the book with the database: all of it is there, and nothing twice.

    The book may be behind by what was not answered, never ahead. It is read first:
    what is acknowledged while the database is read is looked at the next time.
    """
    forms, values = frozenset(book.forms), dict(book.values)
    with store.snapshot(LOAD) as reader:
        live = reader.head.live
        table = form_tables(live["forms"]).forms
        asked = select(table.c.form_id).where(table.c.domain == LOAD)
        kept = {form_id for (form_id,) in _rows(reader, asked)}
        of_log = select(entries.c.form_id, func.count()).where(
            entries.c.domain == LOAD, entries.c.kind == "normal"
        )
        logged = dict(_rows(reader, of_log.group_by(entries.c.form_id)))
        cases = case_tables(live["cases"]).cases
        by_id = select(cases.c.external_id, cases.c.properties).where(
            cases.c.domain == LOAD, cases.c.external_id.is_not(None)
        )
        found = [(name, json.loads(text)) for name, text in _rows(reader, by_id)]
    tally.note("audit", "forms", len(forms))
    tally.note("audit", "values", len(values))
    for form_id in sorted(forms - kept):
        tally.fault("audit", "forms", f"the acknowledged form {form_id} is lost")
    for form_id, times in logged.items():
        if times != 1:
            tally.fault("audit", "forms", f"the form {form_id} is there {times} times")
    for name, times in Counter(name for name, _ in found).items():
        if name and times != 1:
            tally.fault("audit", "values", f"{times} cases have external id {name}")
    have = dict(found)
    for (name, key), number in values.items():
        there = int(have.get(name, {}).get(key, -1))
        # Who writes a property sends one number at a time: one may be on its way.
        if there < number:
            text = f"{key} of {name} is {there}, acknowledged was {number}"
            tally.fault("audit", "values", text)


def _rows(reader: Reader, asked: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in reader.conn.rows(Statement(asked))]
