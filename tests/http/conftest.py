"""An in-process server over a fresh database, and a client that knows a key.

Every test runs on both databases. The server listens on a real port with the limits
of the wire that the product sets, so that what is tested is what clients meet.
"""

from __future__ import annotations

import json as stdlib_json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from io import BytesIO

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDictProxy
from yarl import URL

from api.app import create_app
from api.cli.database import OPERATOR
from api.config import Config
from api.process import app_runner
from ledger.directory.api_keys import create_key
from ledger.directory.users import create_user, find_user
from ledger.store import Store
from tests.kit.directory import People
from tests.kit.domains import an_open_domain

DOMAIN = "demo"
PASSWORD = "correct horse"
JSON_TYPES = {("application/json", ""), ("application/json", "charset=utf-8")}
"""HQ's own APIs name the charset of what they answer."""


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self):
        """The body, decoded; fails the test when it is no JSON."""
        kind, _, charset = self.headers["Content-Type"].partition("; ")
        assert (kind, charset) in JSON_TYPES, self.body
        return stdlib_json.loads(self.body)

    @property
    def error(self) -> str:
        """The text of the problem."""
        return self.json["error"]


@dataclass
class Members:
    """Users of the test's domains and the headers that let them in."""

    store: Store

    def join(
        self,
        username: str,
        *,
        role: str = "editor",
        domain: str = DOMAIN,
        read_only: bool = False,
        password: str | None = None,
    ) -> dict[str, str]:
        """Make a user, if there is none, and a key; return the header of the key."""
        with self.store.writing(domain) as writer:
            if find_user(writer, username) is None:
                create_user(
                    writer, username, role=role, password=password, author=OPERATOR
                )
            user = find_user(writer, username)
            assert user is not None
            _, secret = create_key(
                writer, user, name="", read_only=read_only, author=OPERATOR
            )
        return {"Authorization": f"ApiKey {username}:{secret}"}


@dataclass
class Api:
    """A client of the server under test; an editor's key goes with every request."""

    base: str
    session: aiohttp.ClientSession
    credentials: dict[str, str]
    members: Members
    app: web.Application
    domain: str = DOMAIN

    @property
    def cases(self) -> str:
        """The path of the case API."""
        return f"/a/{self.domain}/api/case/v2"

    async def request(
        self,
        method: str,
        path: str,
        *,
        json=None,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        anonymous: bool = False,
    ) -> Answer:
        """Send a request whose path is taken as it is written, percent signs too."""
        sent = {} if anonymous else dict(self.credentials)
        sent |= headers or {}
        body = stdlib_json.dumps(json).encode() if json is not None else data
        async with self.session.request(
            method,
            URL(self.base + path, encoded=True),
            data=BytesIO(body) if isinstance(body, bytes) else body,
            headers=sent,
            allow_redirects=False,
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str, **more) -> Answer:
        """Send a GET."""
        return await self.request("GET", path, **more)

    async def post(self, path: str, json=None, **more) -> Answer:
        """Send a POST."""
        return await self.request("POST", path, json=json, **more)

    async def put(self, path: str, json=None, **more) -> Answer:
        """Send a PUT."""
        return await self.request("PUT", path, json=json, **more)

    async def create(self, **fields):
        """Create a case with sensible fields and return it as the wire has it."""
        answer = await self.post(self.cases, a_case(**fields))
        assert answer.status == 200, answer.body
        return answer.json["case"]


def a_case(**fields):
    """Return a body that creates a case; fields of a test replace the defaults."""
    return {"case_type": "patient", "case_name": "Ada", "owner_id": "team"} | fields


@pytest.fixture
def members(store: Store) -> Iterator[Members]:
    """Make the domain, which is open to devices, and a way to let users in."""
    an_open_domain(store, DOMAIN)
    return Members(store)


@pytest.fixture
def config(url: str) -> Config:
    """Return the settings of the server; a module may say otherwise."""
    return Config(database=url, access_log=False)


@pytest.fixture
async def api(config: Config, members: Members) -> AsyncIterator[Api]:
    """Start a server and return a client for it."""
    credentials = members.join("editor@example.org")
    app = create_app(config)
    runner = app_runner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    session = aiohttp.ClientSession(
        auto_decompress=False, skip_auto_headers=["Accept-Encoding"]
    )
    try:
        yield Api(f"http://{host}:{port}", session, credentials, members, app)
    finally:
        await session.close()
        await runner.cleanup()


@pytest.fixture
def people(api: Api) -> People:
    """Return the people of the domain."""
    return People(api.members.store, api.domain)


@pytest.fixture
def admin(api: Api) -> Api:
    """Return the client with the key of an admin."""
    api.credentials = api.members.join("admin@example.org", role="admin")
    return api
