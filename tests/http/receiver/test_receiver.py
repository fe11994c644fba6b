"""The OpenRosa receiver (``rules/submission.md``) over HTTP."""

from __future__ import annotations

import gzip
import socket
import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from urllib.parse import urlsplit

import aiohttp
import pytest

from ledger.entry import Kind
from ledger.forms.check import check_response
from ledger.log import entries_after
from tests.kit.build import a_block, a_create, a_form, act, an_update

RECEIVER = "/a/demo/receiver"
STRICT = {"X-OpenRosa-Version": "3.0"}
PASSWORD = "correct horse"
MIB = 1024 * 1024

OPEN = ("/", "", "/app-1/", "/app-1", "/submission", "/submission/")
SECURE = ("/secure/", "/secure", "/secure/app-1/", "/secure/app-1")
SERVER = ("/api/", "/api")


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def form_of(form_id: str = "f1", *blocks: str, **more) -> bytes:
    return a_form(blocks or [a_create("c1")], form_id=form_id, **more)


def text_of(answer) -> str:
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert check_response(answer.body) == ()
    return answer.body.decode()


def nature_of(answer) -> str:
    return text_of(answer).partition('nature="')[2].partition('"')[0]


def basic(username: str, password: str = PASSWORD) -> dict[str, str]:
    coded = b64encode(f"{username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {coded}"}


def entries_of(api) -> list:
    with api.members.store.reading("demo") as r:
        entries = entries_after(r, 0, limit=1000)
    return [entry for entry, _ in entries if entry.kind is not Kind.DIRECTORY]


async def send(api, body, path: str = "/", headers=None) -> Answer:
    """Post bytes, parts or a stream to the receiver, without credentials."""
    async with api.session.post(
        api.base + RECEIVER + path,
        data=BytesIO(body) if isinstance(body, bytes) else body,
        headers=headers,
        allow_redirects=False,
    ) as response:
        return Answer(response.status, response.headers, await response.read())


# -- addresses and who may use them (rules 1.1 and 1.2) ------------------------


@pytest.mark.parametrize("path", OPEN)
async def test_the_open_receiver_takes_forms_from_anybody(api, path):
    """Rule 1.1.1: without authentication, with and without a final slash."""
    answer = await send(api, form_of(), path)
    assert answer.status == 201
    assert "   √   " in text_of(answer)
    assert answer.headers["X-CommCareHQ-FormID"] == "f1"
    assert (await api.get(f"{api.cases}/c1/")).status == 200


@pytest.mark.parametrize("path", SECURE)
async def test_the_secure_receiver_takes_forms_from_members(api, members, path):
    """Rules 1.1.1 and 1.2.4: with a password."""
    members.join("amina", role="mobile", password=PASSWORD)
    answer = await send(api, form_of(), path, headers=basic("amina"))
    assert answer.status == 201
    (entry,) = entries_of(api)
    assert entry.details["auth_context"]["domain"] == "demo"


@pytest.mark.parametrize("path", [*SECURE, *SERVER])
@pytest.mark.parametrize("headers", [{}, basic("amina", "wrong")])
async def test_nobody_else_gets_through(api, members, path, headers):
    """Rules 1.1.1 and 1.2.3: nothing is kept."""
    members.join("amina", role="mobile", password=PASSWORD)
    answer = await send(api, form_of(), path, headers=headers)
    assert answer.status == 401
    assert entries_of(api) == []


@pytest.mark.parametrize("path", SERVER)
async def test_servers_need_the_permission_to_edit(api, members, path):
    """Rule 1.1.1: the permission to edit data."""
    mobile = members.join("amina", role="mobile")
    assert (await send(api, form_of(), path, headers=mobile)).status == 403
    answer = await api.post(RECEIVER + path, data=form_of())
    assert answer.status == 201


async def test_a_key_acts_for_who_edits(api, members):
    """Rule 1.2.4: the permission to edit data."""
    mobile = members.join("amina", role="mobile")
    secure = "/secure/?authtype=api_key"
    assert (await send(api, form_of(), secure, headers=mobile)).status == 403
    assert (await api.post(RECEIVER + secure, data=form_of())).status == 201


async def test_an_unknown_authtype_is_refused(api):
    """Rule 1.2.1: an unknown value."""
    answer = await send(api, form_of(), "/secure/?authtype=magic")
    assert answer.status == 400
    assert answer.body.startswith(b"authtype must be one of: basic")


@pytest.mark.parametrize("path", ["/", "/app-1/", "/submission", "/secure/", "/api/"])
async def test_a_head_says_how_large_a_form_may_be(api, path):
    """Rules 1.1.4 and D-a."""
    answer = await api.request("HEAD", RECEIVER + path)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["X-OpenRosa-Accept-Content-Length"] == "10485760"
    assert answer.headers["X-OpenRosa-Version"] == "1.0"
    assert answer.headers["Location"] == api.base + RECEIVER + path


@pytest.mark.parametrize("query", ["", "?authtype=noauth&deviceID=collect%3Aa%C3%A9"])
async def test_a_form_goes_where_the_head_says(api, query):
    """Rule D-a: clients submit to the ``Location`` they got, query string and all."""
    asked = await api.request("HEAD", f"{RECEIVER}/submission{query}", anonymous=True)
    place = asked.headers["Location"]
    assert place == f"{api.base}{RECEIVER}/submission{query}"
    answer = await send(api, form_of(), place.removeprefix(api.base + RECEIVER))
    assert (answer.status, nature_of(answer)) == (201, "submit_success")


@pytest.mark.parametrize("path", ["/secure/", "/api/"])
async def test_a_head_asks_for_what_the_post_asks_for(api, path):
    """Rule 1.1.4: as POST."""
    answer = await api.request("HEAD", RECEIVER + path, anonymous=True)
    assert answer.status == 401


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused(api, method):
    """Rule 1.1.4: other methods."""
    answer = await api.request(method, RECEIVER + "/")
    assert answer.status == 405


@pytest.mark.parametrize("domain", ["nowhere", "%00", "%FF", "x" * 300])
async def test_an_unknown_domain_is_named(api, domain):
    """Rule 1.1.5: to members of another."""
    answer = await api.post(f"/a/{domain}/receiver/", data=form_of())
    assert answer.status == 400
    assert answer.body.startswith(b"No domain with name ")


# -- the demo user (rules 1.2 and 1.3) -----------------------------------------


DEMO = {"user_id": "demo_user"}


def demo_case(case_id: str, owner_id: str = "demo_user") -> str:
    create = {"case_type": "t", "case_name": "n", "owner_id": owner_id}
    return a_block(case_id, create=create, user_id="demo_user")


async def test_the_demo_user_needs_no_credentials(api):
    """Rule 1.2.6."""
    body = form_of("d1", demo_case("d"), **DEMO)
    answer = await send(api, body, "/secure/?authtype=noauth")
    assert answer.status == 201
    again = form_of("d2", demo_case("d"), **DEMO)
    assert (await send(api, again, "/secure/?authtype=noauth")).status == 201


async def test_forms_of_others_need_them(api):
    """Rule 1.2.7: else 403; with `submit_mode=demo` ignored."""
    path = "/secure/?authtype=noauth"
    await send(api, form_of("f1", a_create("c1")))
    touching = form_of("d1", demo_case("c1"), **DEMO)
    for body in (form_of("f2"), b"<no xml", touching):
        assert (await send(api, body, path)).status == 403
        ignored = await send(api, body, path + "&submit_mode=demo")
        assert ignored.status == 201
        assert "√ (this submission was ignored)" in text_of(ignored)
    assert len(entries_of(api)) == 1


async def test_practice_is_not_kept(api):
    """Rule 1.3.6."""
    answer = await send(api, form_of(), "/?submit_mode=demo")
    assert answer.status == 201
    assert "√ (this submission was ignored)" in text_of(answer)
    assert "X-CommCareHQ-FormID" not in answer.headers
    assert entries_of(api) == []


# -- bodies (rule 1.3) ---------------------------------------------------------


def multipart(form: bytes, **files: tuple[str, str, bytes]) -> aiohttp.FormData:
    data = aiohttp.FormData()
    data.add_field(
        "xml_submission_file", form, filename="form.xml", content_type="text/xml"
    )
    for name, (filename, content_type, content) in files.items():
        data.add_field(name, content, filename=filename, content_type=content_type)
    return data


async def test_attachments_are_kept_with_the_form(api):
    """Rule 1.3.2."""
    photo = ("p.jpg", "image/jpeg", b"\xff\xd8")
    answer = await send(api, multipart(form_of(), photo=photo))
    assert answer.status == 201
    (entry,) = entries_of(api)
    (attachment,) = entry.attachments
    assert (attachment.name, attachment.length) == ("photo", 2)


class TestKindsOfFiles:
    """Rule 1.3.5: a server that is told to keep media only."""

    @pytest.fixture
    def config(self, config):
        """Return the settings of the server."""
        return replace(config, attachments=("media",))

    async def test_a_file_that_is_not_kept_costs_no_form(self, api):
        """It is named in the answer and in the entry, and the form is in force."""
        body = multipart(form_of(), **{"a.exe": ("a.exe", "text/html", b"x")})
        answer = await send(api, body)
        assert (answer.status, nature_of(answer)) == (201, "submit_success")
        assert "a.exe" in text_of(answer)
        (entry,) = entries_of(api)
        assert (entry.kind, entry.attachments) == (Kind.NORMAL, ())
        assert entry.details["refused_files"] == ["a.exe"]


async def test_pictures_may_come_in_several_submissions(api):
    """Rules 1.6.1 and ``rules/case-xml.md`` 13.20: each is a success."""
    files = {name: (f"{name}.jpg", "image/jpeg", name.encode()) for name in "abc"}
    for name, headers in (("a", {}), ("b", {}), ("c", STRICT)):
        body = multipart(form_of(), **{name: files[name]})
        body.add_field("*isIncomplete*", "yes")
        answer = await send(api, body, headers=headers)
        assert (answer.status, nature_of(answer)) == (201, "submit_success")
        assert answer.headers["X-CommCareHQ-FormID"] == "f1"
    form = (await api.get("/a/demo/api/ledger/v1/forms/f1/")).json
    assert sorted(a["name"] for a in form["attachments"]) == ["a", "b", "c"]
    assert [step["kind"] for step in form["history"]] == [
        "normal",
        "complete",
        "complete",
    ]
    for attachment in form["attachments"]:
        got = await api.get(attachment["url"].removeprefix(api.base))
        assert got.body == attachment["name"].encode()


async def test_a_form_that_was_deleted_is_let_go_of(api):
    """Rule 1.6.2: the device is told, whatever its version, and nothing comes back."""
    await send(api, form_of())
    act(api.members.store, Kind.FORM_DELETE, "f1")
    for headers in ({}, STRICT):
        answer = await send(api, form_of(), headers=headers)
        assert answer.status == 201
        assert "It was deleted on 20" in text_of(answer)
    assert (await api.get(f"{api.cases}/c1/")).status == 404


async def test_fields_beside_the_form_cost_no_form(api):
    """Rule 1.3.2: their names are noted in the entry."""
    body = multipart(form_of(), audit=("audit.csv", "text/csv", b"event\n"))
    body.add_field("__csrf", "secret")
    answer = await send(api, body)
    assert (answer.status, nature_of(answer)) == (201, "submit_success")
    (entry,) = entries_of(api)
    assert [attachment.name for attachment in entry.attachments] == ["audit"]
    assert entry.details["fields"] == ["__csrf"]
    assert "secret" not in str(entry)


async def test_wrong_parts_are_answered_in_plain_text(api):
    """Rule 1.3.4: what is answered with 400."""
    data = aiohttp.FormData()
    data.add_field("x", b"x", filename="x.jpg")
    answer = await send(api, data)
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.body.startswith(b"If you use multipart/form-data, please name")


async def test_an_empty_body_is_refused(api):
    """Rule 1.3.4: a body without parts that is empty."""
    answer = await send(api, b"")
    assert (answer.status, answer.body) == (400, b"Post may not have an empty body\n")


@pytest.mark.parametrize("squeeze", [gzip.compress, zlib.compress])
async def test_compressed_bodies_are_taken(api, squeeze):
    """Rule D-c."""
    encoding = "gzip" if squeeze is gzip.compress else "deflate"
    headers = {"Content-Encoding": encoding}
    answer = await send(api, squeeze(form_of()), headers=headers)
    assert answer.status == 201


async def test_the_limit_counts_decompressed_bytes(api):
    """Rules D-b and D-c: a bomb is refused long before it is unpacked."""
    bomb = gzip.compress(b" " * (200 * MIB))
    assert len(bomb) < MIB
    headers = {"Content-Encoding": "gzip"}
    answer = await send(api, bomb, headers=headers)
    assert (answer.status, answer.body) == (413, b"Form exceeds 10MB size limit\n")


async def test_a_broken_encoding_is_a_clear_400(api):
    """Rule 1.3.3: broken bodies."""
    answer = await send(api, b"no gzip", headers={"Content-Encoding": "gzip"})
    assert answer.status == 400


async def test_a_form_over_ten_mebibytes_is_refused(api):
    """Rule D-b."""
    answer = await send(api, b"x" * (10 * MIB + 1))
    assert (answer.status, answer.body) == (413, b"Form exceeds 10MB size limit\n")


async def test_a_large_form_is_taken(api):
    """rules/libraries.md 3.4.7: forms above 100 kB are parsed beside the event loop."""
    body = form_of("f1", an_update("c1", notes="x" * 400_000))
    assert (await send(api, body)).status == 201


async def test_chunked_bodies_are_taken(api):
    """Rule 1.3.3: bodies in chunks."""

    async def pieces():
        body = form_of()
        for start in range(0, len(body), 100):
            yield body[start : start + 100]

    answer = await send(api, pieces())
    assert answer.status == 201


async def test_a_client_that_hangs_up_leaves_nothing(api):
    """Nothing half-written."""
    host = urlsplit(api.base)
    with socket.create_connection((host.hostname, host.port)) as wire:
        wire.sendall(
            b"POST /a/demo/receiver/ HTTP/1.1\r\nHost: h\r\nContent-Length: 99999\r\n"
            b"\r\n" + form_of()
        )
    assert (await send(api, form_of("f2"))).status == 201
    assert [entry.form_id for entry in entries_of(api)] == ["f2"]


# -- outcomes (rules 1.5 and 1.6) ----------------------------------------------


async def test_headers_of_an_answer(api):
    """Rules 1.5 and D-e."""
    answer = await send(api, form_of())
    assert answer.headers["Location"] == api.base
    assert answer.headers["X-OpenRosa-Version"] == "1.0"
    assert answer.headers["HTTP_X_OPENROSA_VERSION"] == "1.0"


async def test_a_duplicate_is_a_success_for_version_3_only(api):
    """Rules 1.5.3 and 1.6: the new id is told."""
    await send(api, form_of())
    older = await send(api, form_of())
    assert (older.status, nature_of(older)) == (201, "submit_error")
    assert "Form is a duplicate of another! (f1)" in text_of(older)
    assert older.headers["X-CommCareHQ-FormID"] != "f1"
    strict = await send(api, form_of(), headers=STRICT)
    assert (strict.status, nature_of(strict)) == (201, "submit_success")


async def test_content_at_fault_is_kept_and_not_asked_for_again(api):
    """Rules 1.6 and 1.7.2."""
    body = form_of("f1", a_block(""))
    problem = "IllegalCaseId: case_id must not be empty"
    older = await send(api, body)
    assert (older.status, nature_of(older)) == (201, "submit_error")
    assert problem in text_of(older)
    other = form_of("f2", a_block(""))
    strict = await send(api, other, headers=STRICT)
    assert (strict.status, nature_of(strict)) == (422, "processing_failure")
    assert problem in text_of(strict)
    assert [entry.kind for entry in entries_of(api)] == [Kind.ERROR] * 2


async def test_an_error_form_that_fails_again_is_told_as_a_duplicate(api):
    """Rule 1.6.2."""
    body = form_of("f1", a_block(""))
    await send(api, body)
    older = await send(api, body)
    assert (older.status, nature_of(older)) == (201, "submit_error")
    assert "Form is a duplicate of another! (f1)" in text_of(older)
    strict = await send(api, body, headers=STRICT)
    assert (strict.status, nature_of(strict)) == (422, "processing_failure")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<data", "Invalid XML: "),
        (b"\x00\xff", "Invalid XML: "),
        (b"<a>" * 10_000, "Invalid XML: "),
        (b"<!DOCTYPE a><a xmlns='u'/>", "Invalid XML: "),
        (b"<data/>", "Form is missing a required field: XMLNS"),
    ],
)
@pytest.mark.parametrize("headers", [{}, STRICT])
async def test_what_is_no_form_is_kept_and_refused(api, body, problem, headers):
    """Rules 1.6.1 and 1.6.3: 422 in all versions."""
    answer = await send(api, body, headers=headers)
    assert (answer.status, nature_of(answer)) == (422, "processing_failure")
    expected = f"There was an error processing the form: {problem}"
    assert expected in text_of(answer)
    (entry,) = entries_of(api)
    assert entry.kind is Kind.SUBMISSION_ERROR
    assert entry.form_id == answer.headers["X-CommCareHQ-FormID"]


async def test_a_device_log_is_taken_but_is_no_form(api):
    """Rule 1.6.4."""
    log = form_of("l1", xmlns="http://code.javarosa.org/devicereport")
    answer = await send(api, log)
    assert (answer.status, nature_of(answer)) == (201, "submit_success")
    assert "X-CommCareHQ-FormID" not in answer.headers


@pytest.mark.parametrize("form_id", ["a\nb", "é🤰", "a b%", "x" * 255])
async def test_any_form_id_comes_back_in_one_header(api, form_id):
    """Rule 1.5.3: an id is used verbatim and cannot break its header."""
    answer = await send(api, form_of(form_id))
    assert answer.status == 201
    assert answer.headers["X-CommCareHQ-FormID"]
    assert [entry.form_id for entry in entries_of(api)] == [form_id]


# -- the request is remembered (rule 1.4) --------------------------------------


async def test_what_the_request_said_is_kept(api):
    """Rule 1.4; ``rules/case-xml.md`` 14.2."""
    headers = {
        "X-OpenRosa-Version": "2.1",
        "Accept-Language": "fr",
        "Date": "Mon, 11 Apr 2011 18:24:43 GMT",
        "X-CommCareHQ-LastSyncToken": "s1",
    }
    await send(api, form_of(), "/app-1/", headers=headers)
    (entry,) = entries_of(api)
    assert entry.details["date_header"] == "2011-04-11T18:24:43Z"
    assert entry.details["last_sync_token"] == "s1"
    assert entry.details["app_id"] == "app-1"
    assert entry.details["openrosa_headers"]["X-OpenRosa-Version"] == "2.1"


async def test_only_administrators_say_when_a_form_came(api, members):
    """Rule D-d."""
    when = {"X-Submit-Time": "2020-01-01T00:00:00Z"}
    admin = members.join("boss", role="admin")
    await send(api, form_of("f1"), headers=when)
    await send(api, form_of("f2"), "/api/", headers={**admin, **when})
    first, second = entries_of(api)
    assert first.received_on == first.appended_on
    assert second.received_on == 1_577_836_800_000_000
