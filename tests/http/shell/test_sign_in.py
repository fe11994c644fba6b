"""Mobile workers sign in with the full name or the short one."""

from __future__ import annotations

import base64

import pytest

from ledger.directory.users import delete_user, find_user
from tests.kit.directory import OPERATOR

FULL = "amina@demo.commcarehq.org"


@pytest.fixture
def worker(api):
    """Make a mobile worker with a password; return the header of a key."""
    return api.members.join("amina", role="mobile", password="pw")


async def answered(api, headers):
    """Return the status of a read that a worker, once known, has no right to."""
    return (await api.get(api.cases, headers=headers)).status


def basic(username, secret):
    text = base64.b64encode(f"{username}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {text}"}


@pytest.mark.parametrize("name", ["amina", FULL, "Amina", FULL.upper()])
async def test_every_way_to_write_the_name_will_do(api, worker, name):
    """``NAME@DOMAIN.commcarehq.org`` is what phones send, people type less."""
    key = worker["Authorization"].partition(":")[2]
    for headers in (basic(name, "pw"), {"Authorization": f"ApiKey {name}:{key}"}):
        assert await answered(api, headers) == 403


async def test_another_name_or_password_will_not(api, worker):
    """The suffix of another domain is another name."""
    for headers in (basic("amina", "x"), basic("amina@other.commcarehq.org", "pw")):
        assert await answered(api, headers) == 401


async def test_a_deleted_user_is_shut_out(api, worker):
    """Nobody has this name any longer."""
    with api.members.store.writing(api.domain) as writer:
        delete_user(writer, find_user(writer, "amina"), author=OPERATOR)
    assert await answered(api, basic("amina", "pw")) == 401
