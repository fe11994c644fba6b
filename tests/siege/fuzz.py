"""Seeded mutations of valid requests: nothing that is sent makes the server fail.

The Excel import says 500 of files that it refuses, by the rules of its dialect
(``docs/errors.md``): that is told from a defect by the text, which is one of its own.
A busy server may say 503, with ``Retry-After``.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from tests.kit import build
from tests.kit.haplo.client import PEOPLE, a_control
from tests.kit.spreadsheets import a_csv, an_xlsx
from tests.kit.sunbird.client import PEOPLE as USERS
from tests.kit.sunbird.client import STATES
from tests.siege.city import FUZZED, City
from tests.siege.tally import Tally

ME = "fuzz"
DEFECT = b"Something went wrong"

_PATIENCE = 90
"""Seconds after which an answer is not slow any more, but missing."""
_AT_ONCE = 4
_BUSY = 429
"""What a busy server may say; a 503 with ``Retry-After`` counts as this."""
_REFUSED = {"a.ods", "a.xls", "p.tsv"}
"""Files that are what their names do not say, or of nothing that is there."""

_A = f"/a/{FUZZED}"
_CASE = {
    "case_type": "patient",
    "case_name": "Ada",
    "owner_id": "team",
    "external_id": "x1",
    "properties": {"age": "36", "note": "e\u0301 \U0001f600"},
    "indices": {"up": {"external_id": "p", "case_type": "t", "relationship": "child"}},
}
_PARENT = {"case_type": "t", "case_name": "P", "owner_id": "o", "external_id": "p"}
_UNDO = {
    "user_id": "nobody",
    "from": "2024-01-01T00:00:00Z",
    "to": "2024-01-02T00:00:00Z",
    "dry_run": True,
}
_QUERIES = (
    "age > 3 and (name = 'Ada' or not(selected(tags, 'x y')))",
    "parent/name = \"Bo\" and @case_type != 'patient'",
    "starts-with(name, 'A') or fuzzy-match(name, 'Ada')",
    "date_opened >= date-add('2024-01-01', 'days', -1)",
    "within-distance(place, '1.5 2.5', 10, 'kilometers')",
    "subcase-exists('parent', age = 3) or ancestor-exists(parent, a = 'b')",
)
_SHEET = (["case_id", "name", "age"], ["", "Ada", "36"], ["", "Bo", "7"])
_KINDS = (
    "application/json",
    "text/xml",
    "text/plain; charset=utf-16",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "application/json; charset=no-such",
    "/",
)
_NASTY = (
    b"\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"&lol;",
    b"<!DOCTYPE d [<!ENTITY a 'b'>]>",
    b"<![CDATA[",
    b"1" + b"0" * 400,
    b"-1e999",
    b"NaN",
    b"9223372036854775808",
    b"null",
    b"\\ud800",
    b"'\"",
    b"%00%ff",
    b"\r\n\r\n",
    b"[" * 3000,
    b'{"a":' * 3000,
    b"(" * 3000,
    b"<a>" * 3000,
    b"not(" * 800,
)


@dataclass(frozen=True)
class Valid:
    """A request that is taken as it is; ``file`` is the field that its body goes to."""

    kind: str
    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
    name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


def corpus(keys: Mapping[str, dict[str, str]]) -> list[Valid]:
    """Return requests of every kind that takes a body, a query or a file."""
    admin = keys[f"admin@{FUZZED}"]
    secret = admin["Authorization"].partition(":")[2]
    bearer = {
        "Authorization": f"Bearer {secret}",
        "X-Authenticated-User-Token": secret,
    }
    found: list[Valid] = []

    def add(*words: Any, **more: Any) -> None:
        found.append(Valid(*words, **{"headers": admin, **more}))

    form = build.a_form([build.a_create("c1", update={"a": "1"})], form_id="f1")
    xml = {"headers": {"Content-Type": "text/xml"}}
    add("receiver", "POST", f"{_A}/receiver/", form, **xml)
    part = {"file": "xml_submission_file", "name": "form.xml"}
    add("receiver, multipart", "POST", f"{_A}/receiver/", form, **part)
    cases, json_body = f"{_A}/api/case/v2/", {"Content-Type": "application/json"}
    as_json = {"headers": {**admin, **json_body}}
    fetch = {"case_ids": ["c1"], "external_ids": ["x1"]}
    for method, path, value in (
        ("POST", cases, _PARENT),
        ("POST", cases, {**_CASE, "external_id": "x2"}),
        ("PUT", cases, _CASE),
        (
            "POST",
            cases,
            [{**_CASE, "create": True, "external_id": f"r{n}"} for n in (1, 2)],
        ),
        ("PUT", f"{cases}ext/x1/", _CASE),
        ("POST", f"{cases}bulk-fetch/", fetch),
        ("POST", f"{_A}/api/ledger/v1/dry-run", _CASE),
        ("POST", f"{_A}/api/ledger/v1/undo", _UNDO),
    ):
        add("json", method, path, json.dumps(value).encode(), **as_json)
    for text in _QUERIES:
        add("csql", "GET", f"{cases}?query=", text.encode())
    excel = f"{_A}/importer/excel/bulk_upload_api/"
    fields = {"case_type": "patient", "create_new_cases": "on"}
    for name, content in (
        ("a.csv", a_csv(*_SHEET)),
        ("a.xlsx", an_xlsx(Sheet=_SHEET)),
        ("a.ods", an_xlsx(Sheet=_SHEET)),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)),
    ):
        add("excel", "POST", excel, content, file="file", name=name, fields=fields)
    pages = f"{_A}/do/haplo-data-import-batch"
    said = {"fields": {"comment": "a comment"}}
    control = {"file": "file", "name": "c.json", **said}
    add("haplo", "POST", f"{pages}/new-control-file", a_control(), **control)
    add(
        "haplo",
        "POST",
        f"{pages}/new-batch/for-control/x",
        PEOPLE,
        file="people",
        name="p.tsv",
    )
    for path, content, name in (
        ("user/v1/upload", USERS, "user"),
        ("data/v1/bulk/location/upload", STATES, "location"),
    ):
        sent = {"file": name, "name": "a.csv", "headers": bearer}
        kinds = {"fields": {"type": "state"} if name == "location" else {}}
        add("sunbird", "POST", f"{_A}/api/{path}", content, **sent, **kinds)
    return found


def mutated(rng: random.Random, body: bytes) -> bytes:
    """Return a body with something wrong, or some things."""
    for _ in range(rng.randrange(1, 4)):
        body = rng.choice(_WAYS)(rng, body)
    return body


def _flip(rng: random.Random, body: bytes) -> bytes:
    found = bytearray(body)
    for _ in range(rng.randrange(1, 9)):
        if found:
            found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
    return bytes(found)


def _cut(rng: random.Random, body: bytes) -> bytes:
    return body[: rng.randrange(len(body) + 1)]


def _insert(rng: random.Random, body: bytes) -> bytes:
    place = rng.randrange(len(body) + 1)
    return body[:place] + rng.choice(_NASTY) + body[place:]


def _replace(rng: random.Random, body: bytes) -> bytes:
    first = rng.randrange(len(body) + 1)
    return body[:first] + rng.choice(_NASTY) + body[first + rng.randrange(40) :]


def _repeat(rng: random.Random, body: bytes) -> bytes:
    first, last = sorted(rng.randrange(len(body) + 1) for _ in range(2))
    return body[:last] + body[first:last] * rng.randrange(1, 50) + body[last:]


def _recode(rng: random.Random, body: bytes) -> bytes:
    coding = rng.choice(["utf-16", "utf-32", "utf-7", "utf-8-sig", "cp037"])
    text = body.decode("utf-8", "replace")
    return text.encode(coding, "replace")


def _value(rng: random.Random, body: bytes) -> bytes:
    """Put another value into a place of a JSON document."""
    try:
        document = json.loads(body)
    except ValueError:
        return _flip(rng, body)
    strange = [None, [], {}, 1e308, -0.0, 2**70, "\0", "\ud800", True, "x" * 70_000]
    inside = document
    while isinstance(inside, list | dict) and inside:
        at = rng.choice(
            list(inside) if isinstance(inside, dict) else range(len(inside))
        )
        if rng.random() < 0.5 or not isinstance(inside[at], list | dict):
            inside[at] = rng.choice(strange)
            break
        inside = inside[at]
    return json.dumps(document).encode("utf-8", "surrogatepass")


_WAYS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _flip,
    _cut,
    _insert,
    _insert,
    _replace,
    _repeat,
    _recode,
    _value,
    _value,
)


async def attack(city: City, tally: Tally, *, seed: int, seconds: float) -> None:
    """Send mutations until the time is over; the server must still be well then."""
    requests = corpus(city.keys)
    until = time.monotonic() + seconds
    timeout = aiohttp.ClientTimeout(total=_PATIENCE)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for request in requests:
            status, told = await _send(session, city, request)
            valid = status in {200, 201, 303} or request.name in _REFUSED
            text = None if valid else f"{request.path}: {status} {told[:300]!r}"
            tally.check(ME, "as it is", fault=text)

        async def fuzz(rng: random.Random) -> None:
            while time.monotonic() < until and city.alive():
                request = changed(rng, rng.choice(requests))
                fault = _fault(city, request, *await _send(session, city, request))
                text = fault and f"{fault} to {request}"
                tally.check(ME, request.kind, fault=text)

        await asyncio.gather(*(fuzz(random.Random(seed + n)) for n in range(_AT_ONCE)))
    well = city.alive() and city.wait_for("/healthz") is not None
    tally.check(ME, "the server lives", fault=None if well else "it ended")


def changed(rng: random.Random, request: Valid) -> Valid:
    """Return a request with another body, some with another media type."""
    headers = request.headers
    if rng.random() < 0.1 and not request.file:
        headers = {**headers, "Content-Type": rng.choice(_KINDS)}
    return replace(request, body=mutated(rng, request.body), headers=headers)


async def _send(
    session: aiohttp.ClientSession, city: City, request: Valid
) -> tuple[int, bytes]:
    """Return status and body; -1 when the server hung up, -2 when it says nothing."""
    path, data = request.path, _data(request)
    if request.kind == "csql":
        path, data = path + quote(request.body[:4000]), None
    url = URL(city.base + path, encoded=True)
    try:
        async with session.request(
            request.method,
            url,
            data=data,
            headers=request.headers,
            allow_redirects=False,
        ) as answer:
            told = await answer.read()
            waits = answer.status == 503 and "Retry-After" in answer.headers
            return (_BUSY if waits else answer.status), told
    except aiohttp.ClientConnectionError as error:
        return -1, repr(error).encode()
    except TimeoutError:
        return -2, b""


def _fault(city: City, request: Valid, status: int, told: bytes) -> str | None:
    if status == -2:
        return f"no answer in {_PATIENCE} seconds"
    # A server may hang up on what it refuses to read; not if it has ended.
    if status == -1 and not city.alive():
        return "the server ended"
    documented = request.kind == "excel" and status == 500 and DEFECT not in told
    return f"{status} {told[:300]!r}" if status >= 500 and not documented else None


def _data(request: Valid) -> Any:
    body = request.body
    if not request.file:
        return BytesIO(body)
    form = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
    for name, value in request.fields.items():
        form.add_field(name, value)
    form.add_field(request.file, BytesIO(body), filename=request.name or "a.tsv")
    return form
