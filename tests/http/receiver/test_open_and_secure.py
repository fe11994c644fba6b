"""Members may submit to a domain; all, if it is open (rules/submission.md 1.1.2)."""

from __future__ import annotations

import pytest

from api.cli.domain import add_domain
from api.http.keys import STORE
from ledger.directory.domains import DomainSettings, get_settings
from tests.kit import build
from tests.kit.domains import an_open_domain

OPEN = ("/", "", "/app-1/", "/submission", "/submission/")
NAME = "clinic"


async def send(api, place, **more):
    """Submit a form to the domain."""
    body = build.a_form([build.a_create()])
    return await api.post(f"/a/{NAME}/receiver{place}", data=body, **more)


@pytest.mark.parametrize("place", OPEN)
async def test_a_new_domain_asks_who_sends(api, members, place):
    """Nobody had to say so; nothing of a stranger's form is kept."""
    add_domain(members.store, NAME)
    worker = members.join("nima", role="mobile", domain=NAME, password="a b c")
    store = api.app[STORE]
    before = build.entries_of(store, NAME)
    answer = await send(api, place, anonymous=True)
    assert answer.status == 401
    assert "WWW-Authenticate" in answer.headers
    head = await api.request("HEAD", f"/a/{NAME}/receiver{place}", anonymous=True)
    assert head.status == 401
    assert build.entries_of(store, NAME) == before
    assert worker
    basic = {"Authorization": "Basic bmltYTphIGIgYw=="}
    assert (await send(api, place, headers=basic)).status == 201
    assert build.entries_of(store, NAME)[-1].user_id


@pytest.mark.parametrize("place", OPEN)
async def test_an_open_domain_asks_nobody(api, members, place):
    """It was made so, and its log says it."""
    an_open_domain(members.store, NAME)
    assert (await send(api, place, anonymous=True)).status == 201
    created = build.entries_of(api.app[STORE], NAME)[0]
    assert created.details["secure_submissions"] is False


async def test_a_domain_that_an_older_release_made_stays_open(api, members):
    """Nothing is stored of it: its phones go on as before."""
    add_domain(members.store, NAME)
    with members.store.administering() as conn:
        conn.execute("UPDATE domains SET settings = '{}' WHERE domain = 'clinic'")
    with members.store.reading(NAME) as reader:
        assert get_settings(reader) == DomainSettings()
    assert (await send(api, "/", anonymous=True)).status == 201
