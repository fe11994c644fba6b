"""Webhooks over HTTP: who may make them, what is shown, and that they are told."""

from __future__ import annotations

import asyncio
import logging

import pytest
from standardwebhooks import Webhook as StandardWebhook

from api.config import Config
from api.webhooks.signing import is_secret
from ledger import log
from ledger.entry import Kind
from ledger.tables import webhook_deliveries
from ledger.webhooks import subscriptions as webhooks
from ledger.webhooks.values import DEAD
from tests.kit import build
from tests.kit.receiver import receiving, signature, until

HOOKS = "/a/demo/api/ledger/v1/webhooks"
SECRET = "correct horse battery staple"


@pytest.fixture
def config(url):
    """Let webhooks call this machine."""
    return Config(database=url, access_log=False, webhook_private=True)


@pytest.fixture
def admin(members):
    """Return the header of a key that may manage."""
    return members.join("admin@example.org", role="admin")


async def make(api, admin, **fields):
    """Make a webhook and return it as it is shown."""
    body = {"url": "http://127.0.0.1:9/hook", "active": False} | fields
    answer = await api.post(HOOKS, body, headers=admin)
    assert answer.status == 201, answer.body
    return answer.json


async def test_a_webhook_is_made_shown_changed_and_deleted(api, admin):
    """The life of a webhook."""
    made = await make(
        api, admin, case_types=["patient"], xmlns=["http://x", "http://x"]
    )
    path = f"{HOOKS}/{made['webhook_id']}"
    shown = (await api.get(path, headers=admin)).json
    assert shown == {n: v for n, v in made.items() if n != "secret"}
    assert (shown["case_types"], shown["xmlns"]) == (["patient"], ["http://x"])
    assert (await api.get(f"{HOOKS}/", headers=admin)).json == {"webhooks": [shown]}
    changed = (await api.put(path, {"xmlns": [], "active": True}, headers=admin)).json
    assert (changed["xmlns"], changed["active"]) == ([], True)
    assert changed["url"] == shown["url"]
    deleted = await api.request("DELETE", path, headers=admin)
    assert deleted.json == {"deleted": made["webhook_id"]}
    for method in ("GET", "DELETE"):
        gone = await api.request(method, path, headers=admin)
        assert gone.status == 404
    assert (await api.put(path, {}, headers=admin)).status == 404
    assert (await api.get(f"{path}/deliveries", headers=admin)).status == 404
    assert (await api.post(f"{path}/retry", headers=admin)).status == 404


async def test_every_change_is_an_entry_without_the_secret(api, admin, caplog):
    """Who did what is in the log; secrets are in no entry, no answer, no log line."""
    caplog.set_level(logging.DEBUG)
    url = "http://127.0.0.1:9/hook?token=hidden-token"
    made = await make(api, admin, secret=SECRET, url=url)
    assert "secret" not in made
    path = f"{HOOKS}/{made['webhook_id']}"
    answers = [
        await api.put(path, {"secret": SECRET + "2"}, headers=admin),
        await api.get(path, headers=admin),
        await api.get(HOOKS, headers=admin),
        await api.request("DELETE", path, headers=admin),
    ]
    assert not any(SECRET.encode() in answer.body for answer in answers)
    with api.members.store.snapshot("demo") as reader:
        items = log.entries_after(reader, 0, limit=100)
    noted = [e for e, _ in items if "webhook" in e.details.get("action", "")]
    assert [e.details["action"] for e in noted] == [
        "webhook created",
        "webhook changed",
        "webhook deleted",
    ]
    assert {e.kind for e in noted} == {Kind.DIRECTORY}
    assert all(e.user_id and e.details["webhook"] == made["webhook_id"] for e in noted)
    for hidden in (SECRET, "hidden-token"):
        assert hidden not in str([e.details for e in noted])
        assert hidden not in caplog.text


async def test_a_secret_that_the_server_makes_is_shown_once(api, admin):
    """It is there when the webhook is made, and never again."""
    made = await make(api, admin)
    assert is_secret(made["secret"])
    path = f"{HOOKS}/{made['webhook_id']}"
    for answer in (
        await api.get(path, headers=admin),
        await api.get(HOOKS, headers=admin),
    ):
        assert made["secret"].encode() not in answer.body


@pytest.mark.parametrize("role", ["editor", "viewer", "mobile"])
async def test_webhooks_are_for_those_who_manage(api, admin, role):
    """Whoever may send a domain's data away is an admin with a full key."""
    made = await make(api, admin)
    other = api.members.join(f"{role}@example.com", role=role)
    reader = api.members.join("admin@example.org", role="admin", read_only=True)
    for headers in (other, reader):
        for method, path in (
            ("GET", HOOKS),
            ("POST", HOOKS),
            ("PUT", f"{HOOKS}/{made['webhook_id']}"),
            ("DELETE", f"{HOOKS}/{made['webhook_id']}"),
            ("POST", f"{HOOKS}/{made['webhook_id']}/retry"),
        ):
            answer = await api.request(method, path, headers=headers, json={})
            assert answer.status == 403


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": None}, "url"),
        ({"url": 7}, "url"),
        ({"url": "example.org"}, "url"),
        ({"url": "ftp://example.org/"}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "https://user:pass@example.org/"}, "url"),
        ({"url": "http://"}, "url"),
        ({"url": "http://a b/"}, "url"),
        ({"url": "http://example.org:99999/"}, "url"),
        ({"url": "http://example.org/\r\nX: y"}, "url"),
        ({"url": "http://example.org/" + "x" * 2000}, "url"),
        ({"case_types": "patient"}, "case_types"),
        ({"case_types": [1]}, "case_types"),
        ({"xmlns": ["x" * 1001]}, "xmlns"),
        ({"xmlns": ["x"] * 101}, "xmlns"),
        ({"active": "yes"}, "active"),
        ({"secret": "short"}, "secret"),
        ({"secret": "é" * 20}, "secret"),
        ({"secret": "whsec_is no base64"}, "secret"),
        ({"after": "nonsense"}, "after"),
        ({"after": 1}, "after"),
        ({"nope": 1}, "nope"),
        ({"url": "\ud800"}, "url"),
    ],
)
async def test_a_bad_field_is_named(api, admin, fields, field):
    """A 400 that says where, and nothing is made."""
    body = {"url": "http://127.0.0.1:9/", "active": False} | fields
    answer = await api.post(HOOKS, body, headers=admin)
    assert answer.status == 400
    if fields != {"url": "\ud800"}:
        assert answer.json["errors"][0]["field"] == field
    assert (await api.get(HOOKS, headers=admin)).json == {"webhooks": []}


async def test_a_webhook_needs_an_address(api, admin):
    """One that is missing is named as one that is null."""
    answer = await api.post(HOOKS, {"active": False}, headers=admin)
    assert (answer.status, answer.error) == (400, "Property url is required.")
    assert answer.json["errors"][0]["field"] == "url"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"\xff"])
async def test_a_body_that_is_no_object_is_refused(api, admin, body):
    """Both where a webhook is made and where it is changed."""
    made = await make(api, admin)
    for method, path in (("POST", HOOKS), ("PUT", f"{HOOKS}/{made['webhook_id']}")):
        answer = await api.request(method, path, headers=admin, data=body)
        assert answer.status == 400
        assert answer.error.startswith("Payload must be")


async def test_a_domain_has_a_limited_number_of_webhooks(api, admin, monkeypatch):
    """Each of them reads the log."""
    monkeypatch.setattr(webhooks, "MOST", 2)
    await make(api, admin)
    await make(api, admin)
    body = {"url": "http://127.0.0.1:9/", "active": False}
    answer = await api.post(HOOKS, body, headers=admin)
    assert (answer.status, answer.error) == (400, "A domain can have 2 webhooks")


@pytest.mark.parametrize("query", ["state=lost", "below=0", "limit=1001", "limit=x"])
async def test_a_bad_parameter_of_a_listing_is_named(api, admin, query):
    """Never a guess, never a 500."""
    made = await make(api, admin)
    path = f"{HOOKS}/{made['webhook_id']}/deliveries?{query}"
    answer = await api.get(path, headers=admin)
    assert answer.status == 400
    assert answer.json["errors"][0]["field"] == query.partition("=")[0]
    unknown = await api.get(path.partition("?")[0] + "?x=1", headers=admin)
    assert unknown.status == 400


async def test_a_receiver_is_told_of_what_is_committed(api, admin):
    """The whole way: a write over HTTP, a signed POST, a delivery that is listed."""
    async with receiving() as receiver:
        made = await make(api, admin, url=receiver.url, active=True)
        case = await api.create(case_name="Ada")
        await until(lambda: receiver.requests)
        [(headers, body)] = receiver.requests
        [told] = receiver.bodies
        feed = "/a/demo/api/ledger/v1/changes?limit=1000"
        change = (await api.get(feed)).json["changes"][-1]
        hook_id = made["webhook_id"]
        assert told == change | {
            "delivery_id": f"{hook_id}:{change['position']}",
            "webhook_id": hook_id,
            "domain": "demo",
        }
        assert told["case_ids"] == [case["case_id"]]
        assert headers["X-Caseledger-Delivery"] == told["delivery_id"]
        assert headers["Idempotency-Key"] == told["delivery_id"]
        assert headers["Content-Type"] == "application/json"
        expected = signature(made["secret"], headers, body)
        assert headers["X-Caseledger-Signature"] == expected
        assert headers["webhook-id"] == told["delivery_id"]
        assert StandardWebhook(made["secret"]).verify(body, headers) == told
        path = f"{HOOKS}/{hook_id}/deliveries"
        await until_listed(api, admin, path, "delivered")
        [shown] = (await api.get(path, headers=admin)).json["deliveries"]
    assert shown["delivery_id"] == told["delivery_id"]
    assert (shown["attempts"], shown["status"], shown["error"]) == (1, 200, None)
    assert shown["delivered_on"] == shown["attempted_on"]


async def until_listed(api, admin, path, state):
    """Wait until a delivery in this state is listed."""
    found: list[dict] = []
    async with asyncio.timeout(30):
        while not found:
            await asyncio.sleep(0.02)
            answer = await api.get(f"{path}?state={state}", headers=admin)
            found = answer.json["deliveries"]


async def test_dead_deliveries_can_be_sent_again(api, admin):
    """One by its position, or all of them."""
    store = api.members.store
    async with receiving() as receiver:
        made = await make(api, admin, url=receiver.url)
        hook_id = made["webhook_id"]
        path = f"{HOOKS}/{hook_id}"
        kill_all(store, hook_id, forms=3)
        dead = (await api.get(f"{path}/deliveries?state=dead", headers=admin)).json
        positions = [d["position"] for d in dead["deliveries"]]
        assert positions == sorted(positions, reverse=True)
        await api.put(path, {"active": True}, headers=admin)
        one = f"{path}/deliveries/{positions[-1]}/retry"
        assert (await api.post(one, headers=admin)).json["state"] == "pending"
        await until(lambda: positions[-1] in receiver.positions)
        retried = (await api.post(f"{path}/retry/", headers=admin)).json
        assert retried == {"retried": 2}
        await until(lambda: set(positions) <= set(receiver.positions))
        for strange in ("0", "x", "9" * 30, "%00"):
            wrong = f"{path}/deliveries/{strange}/retry"
            assert (await api.post(wrong, headers=admin)).status == 404


def kill_all(store, hook_id, *, forms):
    """Give a webhook that is switched off some deliveries that died."""
    positions = [
        build.submit(store, build.a_form([build.a_create(f"c{n}")])).position
        for n in range(forms)
    ]
    rows = [("demo", hook_id, p, DEAD, None, 10, 0, 0, 500, "no") for p in positions]
    with store.writing("demo") as writer:
        writer.conn.insert(webhook_deliveries, rows)


async def test_deliveries_are_paged(api, admin):
    """The latest first; ``next`` leads on to the end."""
    made = await make(api, admin)
    kill_all(api.members.store, made["webhook_id"], forms=5)
    path, found, below = f"{HOOKS}/{made['webhook_id']}/deliveries", [], ""
    while below is not None:
        query = f"?limit=2&state=dead{below and f'&below={below}'}"
        page = (await api.get(path + query, headers=admin)).json
        found += [d["position"] for d in page["deliveries"]]
        below = page["next"]
    everything = (await api.get(path, headers=admin)).json["deliveries"]
    assert found == [d["position"] for d in everything]
    assert len(found) == 5


async def test_a_webhook_may_begin_at_a_stored_cursor(api, admin):
    """Whoever read the feed so far goes on without a gap."""
    cursor = (await api.get("/a/demo/api/ledger/v1/changes?after=now")).json["cursor"]
    before = await api.create(case_name="before")
    async with receiving() as receiver:
        await make(api, admin, url=receiver.url, active=True, after=cursor)
        after = await api.create(case_name="after")
        await until(lambda: len(receiver.requests) >= 3)
    told = [body["case_ids"] for body in receiver.bodies]
    assert told == [[before["case_id"]], [], [after["case_id"]]]
