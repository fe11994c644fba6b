"""Control files and files of batches, and a client that sends them."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp

from api.cli.database import OPERATOR
from api.http.keys import WORKER
from ledger.directory.batch_keys import create_batch_key

DOMAIN = "demo"
API = f"/a/{DOMAIN}/api/haplo-data-import-batch"
ADMIN = f"/a/{DOMAIN}/do/haplo-data-import-batch"
JSON = {"Accept": "application/json"}

PEOPLE = b"ref\tname\tage\np1\tAda\t36\np2\tBo\t7\n"


def a_control(**changes: Any) -> bytes:
    """Return a control file of people; a key that is changed to ``None`` goes."""
    found = {
        "dataImportControlFileVersion": 0,
        "model": "TYPE:person",
        "files": {"people": {"read": "tsv-with-name-row"}},
        "instructions": [
            {"action": "new", "destination": "object"},
            {"source": "name", "destination": "object", "name": "case_name"},
            {"source": "ref", "destination": "object", "name": "external_id"},
            {"source": "age", "destination": "object", "name": "age"},
        ],
    } | changes
    return json.dumps({n: v for n, v in found.items() if v is not None}).encode()


def basic(username: str, secret: str) -> dict[str, str]:
    """Return the header of a Basic sign-in."""
    coded = b64encode(f"{username}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {coded}"}


def a_form(*files: tuple[str, bytes, str], **fields: str) -> aiohttp.FormData:
    """Return a multipart form: files as field, content and file name."""
    form = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
    for name, value in fields.items():
        form.add_field(name, value)
    for field, content, file_name in files:
        form.add_field(field, content, filename=file_name)
    return form


@dataclass
class Haplo:
    """A client of the batch import with a batch key, and an admin of its pages."""

    api: Any
    key: str
    admin: dict[str, str]

    async def post(self, place, *, headers=None, query="", **fields):
        """Post an urlencoded form."""
        sent = {"Content-Type": "application/x-www-form-urlencoded"}
        sent |= basic("haplo", self.key) if headers is None else headers
        return await self.api.post(
            f"{API}/{place}{query}",
            data=urlencode(fields).encode(),
            headers=sent,
            anonymous=True,
        )

    async def upload(self, place, *files, headers=None, query="", **fields):
        """Post a multipart form."""
        sent = basic("haplo", self.key) if headers is None else headers
        return await self.api.post(
            f"{API}/{place}{query}",
            data=a_form(*files, **fields),
            headers=sent,
            anonymous=True,
        )

    async def control(self, content=None, **fields) -> str:
        """Upload a control file and return its digest."""
        content = a_control() if content is None else content
        answer = await self.upload("control", ("file", content, "c.json"), **fields)
        assert answer.status == 200, answer.body
        return answer.body.decode()

    async def batch(self, control=None, **fields) -> str:
        """Create a batch and return its identifier."""
        control = await self.control() if control is None else control
        answer = await self.post("batch", control=control, **fields)
        assert answer.status == 200, answer.body
        return answer.body.decode()

    async def file(self, batch, content=PEOPLE, *, name="people", file_name="p.tsv"):
        """Add a file to a batch and return the answer."""
        return await self.upload(
            "file", ("file", content, file_name), batch=batch, name=name
        )

    async def scheduled(self, batch, **fields):
        """Start a batch, see it through, and return what its page tells."""
        answer = await self.post("schedule", batch=batch, **fields)
        assert (answer.status, answer.body) == (200, b"SCHEDULED")
        return await self.ended(batch)

    async def ended(self, batch):
        """See a batch that was started through, and return what its page tells."""
        await self.api.app[WORKER].see_through((DOMAIN, batch))
        return await self.told(batch)

    async def told(self, batch):
        """Return what the page of a batch tells."""
        return (await self.page(f"batch/{batch}")).json

    async def page(self, place, *, method="GET", accept=JSON, **more):
        """Ask for an admin page in JSON."""
        headers = {**self.admin, **accept, **more.pop("headers", {})}
        return await self.api.request(
            method, f"{ADMIN}/{place}", headers=headers, anonymous=True, **more
        )


def a_haplo(api, members) -> Haplo:
    """Return a client with a new batch key."""
    admin = members.join("admin@example.org", role="admin")
    with members.store.writing(DOMAIN) as writer:
        _, key = create_batch_key(writer, author=OPERATOR)
    return Haplo(api, key, admin)
