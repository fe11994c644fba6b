"""Every row of the table of routes, asked with every kind of credential.

Nobody gets in where their permissions do not allow it, nothing of another domain is in
any answer, a page of another site writes nothing, and nothing makes the server fail.
Placeholders are filled with the ids of what the other domain has.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from api.routes import ROUTES
from api.wire.permissions import READING, ROLES, Permission
from api.wire.problems import page_of_others
from api.wire.route import PLACEHOLDER, SPELLINGS, Route
from tests.kit import build
from tests.kit.routes import IN_DOMAINS, WRITING, name_of
from tests.siege.city import MARKER, OTHERS, OURS, PASSWORD, City
from tests.siege.tally import Tally

ME = "credentials"
NOBODY: frozenset[Permission] = frozenset({Permission.OPEN})
FORM, CASE, EXTERNAL = "form-of-south", "case-of-south", "external-of-south"
"""Ids say nothing: whoever asks knows them already."""

_STREAMS = 2.0
_MOST = 256 * 1024


@dataclass(frozen=True)
class Credential:
    """A way to sign in at a domain, and what it allows there."""

    name: str
    domain: str
    headers: Mapping[str, str]
    allows: frozenset[Permission]


def plant(city: City) -> None:
    """Give the other domain a form, a case and an error that carry the marker."""
    new = {"case_type": MARKER, "case_name": MARKER, "owner_id": "team"}
    block = build.a_create(
        CASE, create=new, update={"secret": MARKER, "external_id": EXTERNAL}
    )
    inside = f"<note>{MARKER}</note>"
    broken = build.a_create("c2", index={"host": "nowhere"}, update={"x": MARKER})
    clock = time.time_ns
    for form_id, blocks in ((FORM, [block]), ("error-of-south", [broken])):
        body = build.a_form(blocks, form_id=form_id, inside=inside)
        build.submit(city.store, body, domain=OTHERS, clock=lambda: clock() // 1000)


def credentials(city: City) -> list[Credential]:
    """Return all ways to ask that are tried."""
    keys = city.keys
    admin = frozenset(Permission)

    def key(name: str, allows: frozenset[Permission], *, at: str = OURS) -> Credential:
        return Credential(f"{name} at {at}", at, keys[name], allows)

    def other(name: str, value: str) -> Credential:
        return Credential(name, OURS, {"Authorization": value}, NOBODY)

    user = keys[f"admin@{OURS}"]["Authorization"].split()[1].split(":")[0]
    return [
        Credential("none", OURS, {}, NOBODY),
        other("malformed", "ApiKey :::"),
        other("not base64", "Basic %%%"),
        other("unknown scheme", "Negotiate abc"),
        other("wrong key", f"ApiKey {user}:{'0' * 40}"),
        Credential("wrong password", OURS, basic(user, "guess"), NOBODY),
        key(f"gone@{OURS}", NOBODY),
        key(f"reader@{OURS}", ROLES["editor"] & READING),
        key(f"viewer@{OURS}", ROLES["viewer"]),
        key(f"mobile@{OURS}", ROLES["mobile"]),
        key(f"editor@{OURS}", ROLES["editor"]),
        key(f"admin@{OURS}", admin),
        key(f"admin@{OTHERS}", NOBODY),
        key(f"admin@{OURS}", NOBODY, at=OTHERS),
        key(f"mobile@{OURS}", NOBODY, at=OTHERS),
    ]


def basic(username: str, password: str) -> dict[str, str]:
    """Return what a browser sends of what it remembers."""
    text = b64encode(f"{username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {text}"}


async def attack(city: City, tally: Tally, *, seed: int, seconds: float) -> None:
    """Ask in a random order until all has been asked or the time is over."""
    rng = random.Random(seed)
    asked = [(route, who) for route in IN_DOMAINS for who in credentials(city)]
    asked += [(r, c) for r in ROUTES if r not in IN_DOMAINS for c in credentials(city)]
    rng.shuffle(asked)
    until = time.monotonic() + seconds
    async with aiohttp.ClientSession() as session:
        siege = _Siege(city, tally, session)
        await siege.foreign_pages(rng)
        for route, who in asked:
            if time.monotonic() > until:
                break
            await siege.ask(route, who)


class _Siege:
    """Asks and judges what is answered."""

    def __init__(
        self, city: City, tally: Tally, session: aiohttp.ClientSession
    ) -> None:
        self._city = city
        self._tally = tally
        self._session = session

    async def ask(self, route: Route, who: Credential) -> None:
        status, told = await self._send(route, who.domain, who.headers)
        fault = _fault(route, who, status, told)
        text = fault and f"{name_of(route)}: {fault} {status} {told[:300]!r}"
        self._tally.check(ME, who.name, fault=text)

    async def foreign_pages(self, rng: random.Random) -> None:
        """Have a page of another site use what the browser of an admin remembers."""
        name = f"admin-{OURS}"
        headers = {**basic(name, PASSWORD), "Origin": "https://evil.test"}
        for route in rng.sample(WRITING, len(WRITING)):
            wanted = route.dialect.render(page_of_others()).status
            status, told = await self._send(route, OURS, headers)
            text = f"{name_of(route)}: {status} {told[:300]!r}, not {wanted}"
            fault = None if status == wanted else text
            self._tally.check(ME, "foreign page", fault=fault)

    async def _send(
        self, route: Route, domain: str, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        url = URL(self._city.base + _address(route, domain), encoded=True)
        body, kind = _body(route)
        sent = {**headers, "Content-Type": kind}
        async with self._session.request(
            route.method if route.method != "*" else "GET",
            url,
            data=body if route.writes else None,
            headers=sent,
            allow_redirects=False,
        ) as answer:
            told = b""
            try:
                # What streams never ends.
                async with asyncio.timeout(_STREAMS):
                    while len(told) < _MOST and (
                        part := await answer.content.readany()
                    ):
                        told += part
            except TimeoutError:
                pass
            lines = b"\n".join(b": ".join(pair) for pair in answer.raw_headers)
            return answer.status, told + lines


def _fault(route: Route, who: Credential, status: int, told: bytes) -> str | None:
    if status >= 500 and route.dialect.name != "excel":
        return "fails"
    if status >= 500 and b"Something went wrong" in told:
        return "fails"
    if route.permission not in who.allows and status < 400:
        return "lets in"
    if MARKER.encode() in told and who.name != f"admin@{OTHERS} at {OURS}":
        return "tells of another domain"
    return None


def _address(route: Route, domain: str) -> str:
    known = {
        "domain": domain,
        "case_id": CASE,
        "form_id": FORM,
        "external_id": EXTERNAL,
        "file": "docs.js",
        "schema": "case-transaction-v2.xsd",
        "position": "1",
    }
    return PLACEHOLDER.sub(
        lambda found: SPELLINGS.get(found[1], [known.get(found[1], "x")])[0],
        route.path,
    )


def _body(route: Route) -> tuple[bytes, str]:
    """Return a body that the row may take."""
    if "/receiver" in route.path:
        return build.a_form(
            [build.a_create("c-matrix")], form_id="f-matrix"
        ), "text/xml"
    case = {"case_type": "t", "case_name": "n", "owner_id": "o", "case_ids": [CASE]}
    if "bulk_fetch" in route.path:
        case = {"case_ids": [CASE], "external_ids": [EXTERNAL]}
    return json.dumps(case).encode(), "application/json"
