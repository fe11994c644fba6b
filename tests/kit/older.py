"""A ledger with every kind of entry, its backup and what its server answers.

``python -m tests.kit.older FOLDER``, run before a change of the program, writes a
backup and answers that the program after it must still give. What may be looked up
stands in the log: the sample, every kind of entry, imports, an undo and an erasure.
"""

from __future__ import annotations

import asyncio
import gzip
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice
from pathlib import Path

import aiohttp
import orjson
from aiohttp import web

from api.app import create_app
from api.config import Config
from api.process import app_runner
from api.sample import forms
from importers.jobs.undo import enqueue_undo
from importers.jobs.values import UndoRequest
from ledger.backup.write import write_backup
from ledger.cases.change import Intent
from ledger.commands.completions import ChangeFiles
from ledger.directory.api_keys import create_key
from ledger.directory.users import create_user
from ledger.entry import Author, Kind
from ledger.log import count_kinds
from ledger.migrations import migrate
from ledger.store import Store, open_store
from projections.rebuild.fresh import silent
from tests.kit import build
from tests.kit.directory import People
from tests.kit.erasing import erase_wholly
from tests.kit.haplo.batches import HANDLERS, NAME, a_control, imported, upsert
from tests.kit.jobs import working
from tests.kit.spreadsheets import imported_rows
from tests.kit.sunbird.uploads import places

BACKUP, ANSWERS = "ledger.backup", "answers.json.gz"
MOST = 130
"""How many forms of the sample are taken: its beginning."""
_CASES = f"/a/{build.DOMAIN}/api/case/v2"
_LEDGER = f"/a/{build.DOMAIN}/api/ledger/v1"
_SOMEBODY = Author(user_id="u-somebody", username="somebody")
_ID = b"<n:instanceID>"
_DEVICE_LOG = "http://code.javarosa.org/devicereport"


async def fill(store: Store) -> None:
    """Write a domain with the sample and with every kind of entry; nothing waits."""
    build.a_domain(store)
    _people(store)
    for form in islice(forms(), MOST):
        build.submit(store, form.xml)
    _forms_and_their_life(store)
    _cases_flagged(store)
    await _imports(store)
    await _undone(store)
    build.submit(store, build.a_form([build.a_create("secret")], form_id="secret"))
    erase_wholly(store, "secret")
    with store.reading(build.DOMAIN) as reader:
        lacking = set(Kind) - {Kind(kind) for kind in count_kinds(reader)}
    if lacking:
        raise AssertionError(f"there is no entry of {lacking}")


def _people(store: Store) -> None:
    people = People(store)
    ann = people.user("ann", password="a password")
    people.group("carers", ann, case_sharing=True)
    region = people.type("region")
    people.works_at(ann, people.place("North", region))


def _forms_and_their_life(store: Store) -> None:
    """Forms that are edited, archived, deleted, completed, refused and taken late."""
    for turn in "123":
        block = build.a_create("edited", update={"turn": turn})
        build.submit(store, build.a_form([block], form_id="edited"))
    child = build.a_block(
        "child", update={"a": "1"}, index={"parent": "edited"}, close=True
    )
    build.submit(store, build.a_form([child, build.an_update("edited", b="2")]))
    same = build.a_form([build.an_update("edited", c="3")], form_id="same")
    build.submit(store, same)
    build.submit(store, same)
    build.submit(store, build.a_form([build.an_update("edited", c="0")]), submit_time=9)
    again = build.a_form([build.an_update("edited", c="4")], form_id="same again")
    old = b"<n:deprecatedID>same</n:deprecatedID>"
    build.submit(store, again.replace(_ID, old + _ID))
    build.submit(store, b"<no form \xff")
    build.submit(store, build.a_form(xmlns=_DEVICE_LOG))
    _completed(store)
    waiting = build.a_form(
        [build.a_block("late", index={"parent": "nobody"})], form_id="waiting"
    )
    build.submit(store, waiting)
    build.submit(store, build.a_form([build.a_create("nobody")]))
    build.act(store, Kind.REPROCESS, "waiting")
    for name, act, back in (
        ("archived", Kind.ARCHIVE, Kind.UNARCHIVE),
        ("deleted", Kind.FORM_DELETE, Kind.FORM_RESTORE),
    ):
        for form_id in (name, f"not {name}"):
            block = build.an_update("edited", **{name: form_id})
            build.submit(store, build.a_form([block], form_id=form_id))
            build.act(store, act, form_id)
        build.act(store, back, f"not {name}")
    build.write(
        store,
        build.changes(build.a_change(external_id="x", properties={"p": "1"})),
        build.changes(
            build.a_change(external_id="x", properties={"p": "2"}),
            build.a_change(Intent.CREATE, indices={"host": build.an_index("edited")}),
        ),
    )


def _completed(store: Store) -> None:
    """Send a form with a file, then another file, which is taken away again."""
    body = build.a_form([build.a_create("files")], form_id="files")
    first, second = build.a_file("a.jpg"), build.a_file("b.jpg", b"b")
    build.submit(store, body, attachments=[first])
    done = build.submit(store, body, attachments=[second])
    taken = ChangeFiles(
        form_ids=("files",),
        kind=Kind.UNCOMPLETE,
        positions=frozenset({done.position}),
        author=_SOMEBODY,
    )
    build.write(store, taken)


def _cases_flagged(store: Store) -> None:
    for case_id in ("gone", "back"):
        build.submit(store, build.a_form([build.a_create(case_id)]))
        build.write(store, build.a_flag(case_id))
    build.write(store, build.a_flag("back", kind=Kind.CASE_RESTORE))
    build.write(store, build.a_rebuild("edited"))


async def _imports(store: Store) -> None:
    """Import a table, records and places; some rows are refused."""
    rows = [["external_id", "name", "age"], ["x", "Ada", 36], ["", "Bo", 7]]
    await imported_rows(store, *rows)
    control = a_control(*upsert(), NAME)
    people = [{"id": str(n), "name": f"n{n}"} for n in range(3)]
    await imported(store, control, *people, 7)
    await places(store, "state", ["s1", "North", "", ""], ["", "", "", ""])


async def _undone(store: Store) -> None:
    """Take back what a job did."""
    job, _ = await imported(store, a_control(*upsert(), NAME), {"id": "u", "name": "u"})
    with store.writing(build.DOMAIN) as w:
        wish = UndoRequest(job_id=job.job_id, reason="by mistake")
        undo = enqueue_undo(w, wish, author=_SOMEBODY, clock=build.FixedClock())
    async with working(store, HANDLERS) as worker:
        await worker.see_through(undo.key)


# What a server answers


async def answers(url: str, position: int) -> dict[str, object]:
    """Return what a server says of all cases, their past and their forms, by path.

    Of the log it is asked for what stands up to a position: asking needs a user.
    """
    async with _asking(url) as ask:
        path = f"{_CASES}?include_deleted=true&limit=1000"
        found = {path: await ask(path)}
        cases = found[path]["cases"]
        entries = (await ask(f"{_LEDGER}/changes?limit=1000"))["changes"]
        entries = [entry for entry in entries if entry["position"] <= position]
        found["changes"] = entries
        paths = [f"{_CASES}/{case['case_id']}/history" for case in cases]
        form_ids = sorted({e["form_id"] for e in entries if e.get("form_id")})
        paths += [f"{_LEDGER}/forms/{form_id}" for form_id in form_ids]
        for path in (*paths, f"{_LEDGER}/errors"):
            found[path] = await ask(path)
        return found


@asynccontextmanager
async def _asking(url: str) -> AsyncIterator[partial]:
    """Serve a database, and lend a way to get JSON as an administrator."""
    store = open_store(url)
    with store.writing(build.DOMAIN) as w:
        user = create_user(
            w, "reader", role="admin", password=None, author=Author(user_id="operator")
        )
        _, secret = create_key(
            w, user, name="", read_only=False, author=Author(user_id="operator")
        )
    store.close()
    runner = app_runner(create_app(Config(database=url, access_log=False)))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    headers = {"Authorization": f"ApiKey reader:{secret}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield partial(_get, session, base=f"http://{host}:{port}")
    await runner.cleanup()


async def _get(session: aiohttp.ClientSession, path: str, *, base: str):
    async with session.get(base + path) as response:
        body = (await response.read()).replace(base.encode(), b"http://server")
        return orjson.loads(body)


def _make(folder: Path) -> None:
    url = f"sqlite:///{folder / 'ledger.db'}"
    store = open_store(url)
    migrate(store)
    asyncio.run(fill(store))
    with (folder / BACKUP).open("wb") as file:
        (head,) = write_backup(store, file, program="0", progress=silent)
    store.close()
    found = asyncio.run(answers(url, head.position))
    body = orjson.dumps(found, option=orjson.OPT_INDENT_2)
    (folder / ANSWERS).write_bytes(gzip.compress(body, mtime=0))


if __name__ == "__main__":
    _make(Path(sys.argv[1]))
