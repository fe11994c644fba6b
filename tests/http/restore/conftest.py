"""A domain with a phone user in a group, and a phone that knows how to ask."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

import pytest

from tests.kit.directory import People
from tests.kit.phone import Restored, a_form, block, read_restore

PASSWORD = "a long password"


@dataclass
class Phone:
    """A device of a user: what it asks, and what it sends."""

    api: object
    user: object
    headers: dict[str, str]
    token: str = ""

    async def ask(self, query="version=2.0", *, path="restore/", headers=None):
        """Ask for a restore; return the answer."""
        return await self.api.get(
            f"/a/demo/phone/{path}?{query}",
            anonymous=True,
            headers=self.headers | (headers or {}),
        )

    async def restore(self, query="", **more) -> Restored:
        """Ask for a restore that must succeed, and go on from it."""
        answer = await self.ask(f"version=2.0&{query}", **more)
        assert answer.status == 200, answer.body
        found = read_restore(answer.body)
        self.token = found.restore_id
        return found

    async def sync(self, query="") -> Restored:
        """Ask for what is new since the last restore."""
        return await self.restore(f"since={self.token}&{query}")

    async def send(self, *blocks, user=None, token=None, expect=201):
        """Send a form with the token of the last restore."""
        sent = self.token if token is None else token
        answer = await self.api.post(
            "/a/demo/receiver/secure/",
            data=a_form(*blocks, user=user or self.user.user_id),
            headers=self.headers
            | {"Content-Type": "text/xml"}
            | ({"X-CommCareHQ-LastSyncToken": sent} if sent else {}),
            anonymous=True,
        )
        assert answer.status == expect, answer.body
        return answer


def basic(username: str, password: str) -> dict[str, str]:
    """Return the header of a password."""
    raw = b64encode(f"{username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {raw}"}


@pytest.fixture
def people(members) -> People:
    """Return a way to make the people of the domain."""
    return People(members.store, "demo")


@pytest.fixture
def phone_of(api, people):
    """Return a way to make a worker with a phone; a key is quicker than a password."""

    def make(name: str, **more) -> Phone:
        user = people.user(name, role="mobile", **more)
        key = api.members.join(user.username, role="mobile")["Authorization"]
        return Phone(api, user, basic(*key.removeprefix("ApiKey ").split(":")))

    return make


@pytest.fixture
async def amina(phone_of, people) -> Phone:
    """Amina of the group North, with a household, a patient and a referral."""
    phone = phone_of("amina", user_id="u-amina")
    bala = people.user("bala", role="mobile", user_id="u-bala")
    group = people.group("North", phone.user, bala, case_sharing=True)
    phone.north = group.group_id
    await phone.send(
        block(
            "hh-001",
            create={
                "case_type": "household",
                "case_name": "Salma",
                "owner_id": group.group_id,
            },
            user="u-amina",
        ),
        block(
            "pt-001",
            create={
                "case_type": "patient",
                "case_name": "Idris",
                "owner_id": "u-amina",
                "external_id": "P-17",
            },
            update={"dob": "2019-06-01", "village": "Ka & <Bo>"},
            index={"parent": ("hh-001", "household", "child")},
            user="u-amina",
        ),
        block(
            "ref-001",
            create={
                "case_type": "referral",
                "case_name": "Clinic visit",
                "owner_id": "-",
            },
            index={"host": ("pt-001", "patient", "extension")},
            user="u-amina",
        ),
    )
    return phone
