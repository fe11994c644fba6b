"""The change feed: every entry in commit order, once, whatever happens in between."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from api.app import end_waits
from api.changes import handlers as changes
from api.changes.waiters import CHANGE_WAITERS
from api.http.auth import FRESH_FOR
from api.http.keys import AUTHENTICATOR, STORE
from api.wire.entries import cursor_at
from ledger import log
from ledger.directory.api_keys import list_keys, revoke_key
from ledger.entry import Kind
from ledger.store import open_store
from projections.feed import pages as feed
from tests.kit import build
from tests.kit.receiver import until

FEED = "/a/demo/api/ledger/v1/changes"
STREAM = f"{FEED}/stream"


def fill(store, forms=12):
    """Append entries of several kinds; some change no case, some change many."""
    for number in range(forms):
        blocks = [build.a_create(f"c{number}-{n}") for n in range(number % 4)]
        build.submit(store, build.a_form(blocks, form_id=f"f{number}"))
    build.submit(store, build.a_form([build.a_block("")], form_id="broken"))
    build.submit(store, b"no form")
    build.write(store, build.a_flag("c1-0"))
    build.write(store, build.a_flag("c1-0", kind=Kind.CASE_RESTORE))


def entries_of(store):
    """Return the log: positions with kinds."""
    with store.snapshot("demo") as reader:
        items = log.entries_after(reader, 0, limit=10_000)
    return [(entry.position, entry.kind.value) for entry, _ in items]


def told(page):
    """Return positions with kinds of what a page tells."""
    return [(change["position"], change["kind"]) for change in page["changes"]]


async def pages(api, cursor="", *, limit=100):
    """Yield the pages from a cursor to the end of the log."""
    more = True
    while more:
        page = (await api.get(f"{FEED}/?after={cursor}&limit={limit}")).json
        yield page
        cursor, more = page["cursor"], page["more"]


def joined(pages):
    """Return what several pages tell, one after the other."""
    return [change for page in pages for change in page]


async def test_an_entry_is_told_with_the_cases_it_changed(api):
    """The shape of a change, of a form as well as of a deletion."""
    store = api.members.store
    blocks = [build.a_create("c2"), build.a_create("c1")]
    build.submit(store, build.a_form(blocks, form_id="f1"))
    build.write(store, build.a_flag("c1"))
    page = (await api.get(f"{FEED}/?limit=1000")).json
    form, deletion = page["changes"][-2:]
    assert form == {
        "position": deletion["position"] - 1,
        "kind": "normal",
        "form_id": "f1",
        "orig_form_id": None,
        "xmlns": build.XMLNS,
        "user_id": build.USER,
        "received_on": form["appended_on"],
        "appended_on": form["appended_on"],
        "problem": None,
        "case_ids": ["c1", "c2"],
        "cursor": form["cursor"],
    }
    assert (deletion["kind"], deletion["case_ids"]) == ("case_delete", ["c1"])
    assert page["cursor"] == deletion["cursor"]
    assert page["more"] is False


@pytest.mark.parametrize("limit", [1, 2, 5, 1000])
async def test_pages_of_any_size_are_the_log(api, limit):
    """Nothing is left out, nothing comes twice, everything in commit order."""
    fill(api.members.store)
    found = [told(page) async for page in pages(api, limit=limit)]
    assert all(0 < len(page) <= limit for page in found)
    assert joined(found) == entries_of(api.members.store)


async def test_a_consumer_goes_on_from_any_cursor_it_stored(api):
    """Whatever it stored last, what follows is exactly the rest of the log."""
    fill(api.members.store)
    whole = entries_of(api.members.store)
    [page] = [page async for page in pages(api, limit=1000)]
    for number, change in enumerate(page["changes"], start=1):
        rest = [told(p) async for p in pages(api, change["cursor"])]
        assert joined(rest) == whole[number:]


async def test_a_page_is_bounded_whatever_its_entries_hold(api, monkeypatch):
    """A page ends where it has become large; one entry always fits."""
    fill(api.members.store)
    for name in ("MOST_TEXT", "MOST_XML"):
        with monkeypatch.context() as patch:
            patch.setattr(feed, name, 700)
            found = [told(page) async for page in pages(api, limit=1000)]
        assert len(found) > 3
        assert joined(found) == entries_of(api.members.store)


async def test_now_begins_at_the_present(api):
    """``after=now`` answers no entry, but the cursor behind the last one."""
    fill(api.members.store, 2)
    page = (await api.get(f"{FEED}?after=now")).json
    assert (page["changes"], page["more"]) == ([], False)
    assert (await api.get(f"{FEED}?after=latest")).json == page
    await api.create(case_name="Ada")
    [form] = (await api.get(f"{FEED}?after={page['cursor']}")).json["changes"]
    assert form["kind"] == "normal"


async def test_a_domain_tells_its_own_entries_alone(api):
    """A cursor of one domain means nothing in another."""
    build.a_domain(api.members.store, "other")
    page = (await api.get(f"{FEED}?after=now")).json
    there = api.members.join("o@example.org", domain="other")
    path = f"/a/other/api/ledger/v1/changes?after={page['cursor']}"
    answer = await api.get(path, headers=there)
    assert answer.status == 400
    assert answer.json["errors"][0]["field"] == "after"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=nonsense", "after"),
        ("after=%00", "after"),
        ("after=" + "A" * 24, "after"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("limit=ten", "limit"),
        ("wait=61", "wait"),
        ("wait=soon", "wait"),
        ("wait=%E2%91%A0", "wait"),
    ],
)
async def test_a_bad_parameter_is_named(api, query, field):
    """A 400 that names the field, never a guess and never a 500."""
    answer = await api.get(f"{FEED}?{query}")
    assert answer.status == 400
    assert answer.json["errors"][0]["field"] == field
    assert f"'{field}'" in answer.error


async def test_a_parameter_that_does_not_exist_is_refused(api):
    """A misspelled one would otherwise begin at the beginning."""
    for path in (FEED, STREAM):
        answer = await api.get(f"{path}?cursor=x")
        assert (answer.status, answer.error) == (
            400,
            "'cursor' is not a valid parameter.",
        )


async def test_a_cursor_beyond_a_restored_log_is_refused(api):
    """A log that lost entries must not let a consumer believe that nothing is new."""
    with api.members.store.reading("demo") as reader:
        head = reader.head
    ahead = cursor_at("demo", head.position + 3, head.digest).text
    other = cursor_at("demo", head.position, b"x" * 32).text
    for cursor in (ahead, other):
        answer = await api.get(f"{FEED}?after={cursor}")
        assert answer.status == 400
        assert "restored" in answer.error


async def test_reading_needs_the_right_to_read(api):
    """A viewer with a read-only key may, a phone may not."""
    viewer = api.members.join("v@example.org", role="viewer", read_only=True)
    phone = api.members.join("p@example.org", role="mobile")
    assert (await api.get(FEED, headers=viewer)).status == 200
    for path in (FEED, STREAM):
        assert (await api.get(path, headers=phone)).status == 403
        assert (await api.get(path, anonymous=True)).status == 401


# Waiting


async def waiting(api, path, count=1, **more):
    """Begin a request and return once the server has it wait."""
    asked = asyncio.create_task(api.get(path, **more))
    await until(lambda: len(api.app[CHANGE_WAITERS]) == count or asked.done())
    assert not asked.done()
    return asked


async def test_a_wait_ends_at_once_when_something_is_there(api):
    """Who is behind need not wait."""
    page = (await api.get(f"{FEED}?wait=60")).json
    assert page["changes"]
    assert len(api.app[CHANGE_WAITERS]) == 0


async def test_a_wait_ends_with_the_commit_of_this_process(api):
    """The writer says so; nobody has to look."""
    api.app[CHANGE_WAITERS].look_seconds = 3600
    cursor = (await api.get(f"{FEED}?after=now")).json["cursor"]
    asked = await waiting(api, f"{FEED}?after={cursor}&wait=60")
    case = await api.create(case_name="Ada")
    page = (await asked).json
    assert [c["case_ids"] for c in page["changes"]] == [[case["case_id"]]]


async def test_a_wait_ends_with_the_commit_of_another_process(api, url):
    """Processes that share the database hear of each other."""
    asked = await waiting(api, f"{FEED}?after=now&wait=60")
    other = open_store(url)
    build.submit(other, build.a_form([build.a_create("c1")], form_id="f1"))
    other.close()
    assert [c["form_id"] for c in (await asked).json["changes"]] == ["f1"]


async def test_a_wait_that_is_up_gives_the_same_cursor_again(api):
    """An empty page is no step; the next wait begins at the same place."""
    cursor = (await api.get(f"{FEED}?after=now")).json["cursor"]
    page = (await api.get(f"{FEED}?after={cursor}&wait=1")).json
    assert page == {"changes": [], "cursor": cursor, "more": False}
    assert len(api.app[CHANGE_WAITERS]) == 0


async def test_a_client_that_hangs_up_frees_its_place(api):
    """Nobody waits for somebody who has gone."""
    asked = await waiting(api, f"{FEED}?after=now&wait=60")
    asked.cancel()
    await until(lambda: len(api.app[CHANGE_WAITERS]) == 0)


async def test_a_server_that_stops_answers_those_who_wait(api):
    """They get an empty page and their cursor, and ask another server."""
    cursor = (await api.get(f"{FEED}?after=now")).json["cursor"]
    asked = await waiting(api, f"{FEED}?after={cursor}&wait=60")
    await end_waits(api.app)
    assert (await asked).json == {"changes": [], "cursor": cursor, "more": False}
    again = await api.get(f"{FEED}?after={cursor}&wait=60")
    assert again.json["cursor"] == cursor


@pytest.mark.parametrize("path", [f"{FEED}?after=now&wait=9", f"{STREAM}?after=now"])
async def test_no_more_may_wait_than_a_process_can_serve(api, path):
    """The next one is told when to come again; who does not wait is answered."""
    api.app[CHANGE_WAITERS].most = 0
    answer = await api.get(path)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert (await api.get(FEED)).status == 200


async def test_a_key_that_is_revoked_during_a_wait_learns_nothing(api):
    """What comes after the end of a right is not told."""
    store = api.members.store
    headers = api.members.join("leaver@example.org", role="viewer")
    asked = await waiting(api, f"{FEED}?after=now&wait=60", headers=headers)
    revoke_newest(api, store)
    build.submit(store, build.a_form([build.a_create("c1")]))
    assert (await asked).status == 401


def revoke_newest(api, store):
    """Revoke the key that was made last, and let no memory of it be fresh."""
    with store.writing("demo") as writer:
        newest = max(list_keys(writer), key=lambda key: key.created_on)
        revoke_key(writer, newest.key_id, author=build.Author(user_id="root"))
    forget(api)


def forget(api):
    """Let the server look at its credentials anew, as it does every few seconds."""
    authenticator = api.app[AUTHENTICATOR]
    later = authenticator.clock() + FRESH_FOR + 1
    authenticator.clock = lambda: later


# Streams


class Listener:
    """A client of the stream: events as they come."""

    def __init__(self, response):
        """Keep the answer that does not end."""
        self.response = response

    async def lines(self):
        """Return the lines of the next event, a comment included."""
        async with asyncio.timeout(20):
            event = await self.response.content.readuntil(b"\n\n")
        return event.decode().strip("\n").split("\n")

    async def entry(self):
        """Return the next entry and its id."""
        while True:
            lines = await self.lines()
            if lines[-1].startswith("data: "):
                assert lines[1] == "event: entry"
                return json.loads(lines[2][6:]), lines[0].removeprefix("id: ")


async def listen(api, query="", **headers):
    """Open a stream."""
    response = await api.session.get(
        f"{api.base}{STREAM}{query}", headers={**api.credentials, **headers}
    )
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert response.headers["X-Request-Id"]
    return Listener(response)


async def test_a_stream_sends_the_log_and_then_what_comes(api):
    """From the first entry on, past the present, each with its cursor as id."""
    store = api.members.store
    fill(store, 3)
    listener = await listen(api)
    whole = entries_of(store)
    found = [await listener.entry() for _ in whole]
    assert [(e["position"], e["kind"]) for e, _ in found] == whole
    assert [e["cursor"] for e, _ in found] == [place for _, place in found]
    case = await api.create()
    entry, _ = await listener.entry()
    assert entry["case_ids"] == [case["case_id"]]
    listener.response.close()
    await until(lambda: len(api.app[CHANGE_WAITERS]) == 0)


async def test_a_stream_goes_on_behind_the_last_event(api):
    """The header of a browser that reconnects goes before the query."""
    fill(api.members.store, 3)
    listener = await listen(api)
    events = [await listener.entry() for _ in range(4)]
    listener.response.close()
    _, third = events[2]
    again = await listen(api, "?after=now", **{"Last-Event-ID": third})
    assert await again.entry() == events[3]
    again.response.close()


async def test_a_stream_tells_at_once_where_it_stands(api):
    """Who loses the connection before the first event has missed nothing."""
    cursor = (await api.get(f"{FEED}?after=now")).json["cursor"]
    listener = await listen(api, "?after=now")
    assert await listener.lines() == [f"id: {cursor}"]
    listener.response.close()


async def test_a_bad_last_event_id_is_named(api):
    """It is refused before the stream begins."""
    answer = await api.get(STREAM, headers={"Last-Event-ID": "17"})
    assert answer.status == 400
    assert "'Last-Event-ID'" in answer.error


async def test_a_silent_stream_says_that_it_lives(api, monkeypatch):
    """A comment every now and then keeps proxies from cutting it."""
    monkeypatch.setattr(changes, "KEEP_ALIVE_SECONDS", 0.05)
    listener = await listen(api, "?after=now")
    await listener.lines()
    assert await listener.lines() == [": nothing new"]
    listener.response.close()


async def test_a_stream_ends_cleanly_when_the_server_stops(api):
    """The body ends as a body should; the client reconnects elsewhere."""
    listener = await listen(api, "?after=now")
    await listener.lines()
    await end_waits(api.app)
    assert await listener.response.read() == b""


async def test_a_client_that_takes_nothing_holds_up_no_shutdown(api):
    """Back-pressure: what is not taken is not piled up, and not waited for."""
    store = api.members.store
    ids = [build.an_update(f"{'x' * 200}{n}") for n in range(4000)]
    for number in range(10):
        build.submit(store, build.a_form(ids, form_id=f"large-{number}"))
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", int(api.base.rpartition(":")[2])))
        key = api.credentials["Authorization"]
        asked = f"GET {STREAM} HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\n\r\n"
        client.sendall(asked.encode())
        client.settimeout(0)
        begun = await asyncio.get_running_loop().sock_recv(client, 100)
        assert begun.startswith(b"HTTP/1.1 200")
        # What is left is more than the buffers of both sides together.
        await asyncio.sleep(0.2)
        assert len(api.app[CHANGE_WAITERS]) == 1
        await end_waits(api.app)
        await until(lambda: len(api.app[CHANGE_WAITERS]) == 0)


async def test_a_stream_ends_with_the_right_to_read(api, monkeypatch):
    """A revoked key is refused everywhere, streams included."""
    monkeypatch.setattr(changes, "KEEP_ALIVE_SECONDS", 0.05)
    headers = api.members.join("leaver@example.org", role="viewer")
    listener = await listen(api, "?after=now", **headers)
    await listener.lines()
    revoke_newest(api, api.members.store)
    async with asyncio.timeout(20):
        rest = await listener.response.read()
    # That the key was revoked may be told, if it is found before it is missed.
    kinds = [
        json.loads(line[6:])["kind"]
        for line in rest.splitlines()
        if line[:6] == b"data: "
    ]
    assert kinds in ([], ["directory"])


async def test_a_failure_in_a_stream_ends_it_without_a_second_answer(
    api, monkeypatch, caplog
):
    """The client sees the end, never another status in the middle of a body."""
    listener = await listen(api, "?after=now")
    await listener.lines()

    def fail(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr(api.app[STORE], "snapshot", fail)
    await api.create()
    assert await listener.response.read() == b""
    assert [r.message for r in caplog.records if r.levelname == "ERROR"] == [
        "stream_failed"
    ]
