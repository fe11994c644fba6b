"""Stored bytes that were altered are a defect of the store, told in each dialect."""

from __future__ import annotations

import hashlib

from ledger import bodies, log
from tests.http.conftest import DOMAIN
from tests.kit import build
from tests.kit.excel import ended, sent
from tests.kit.haplo.client import a_control, a_haplo
from tests.kit.intruder import intrude, put_body, put_file

PHOTO = build.a_file(content=b"\xff\xd8what the phone saw")
SECRET = "kwashiorkor"


def altered_form(store, position):
    """Put another form into the place of one."""
    with store.writing(DOMAIN) as writer:
        body = log.bodies_at(writer, [position])[position]
        other = body.replace(b"c1", SECRET.encode())
        _, packed = bodies.pack(writer.conn, DOMAIN, other)
    intrude(store, "bodies")
    put_body(store, position, packed)
    return f"The form at position {position} of '{DOMAIN}' is not what was stored"


def altered_file(store, sha256):
    """Put other bytes into the place of a file."""
    put_file(store, sha256, SECRET.encode())
    return f"The file with the digest {sha256} of '{DOMAIN}' is not what was stored"


def last_position(store):
    """Return the position of the head."""
    with store.reading(DOMAIN) as reader:
        return reader.head.position


def tells(answer, text):
    """Tell whether an answer is a 500 that names the place and the remedy."""
    assert (answer.status, SECRET.encode() in answer.body) == (500, False)
    return f"{text}; run caseledger verify"


async def device(api, *blocks, form_id="f1"):
    """Submit a form as a device does."""
    return await api.post(
        f"/a/{DOMAIN}/receiver/",
        data=build.a_form(blocks, form_id=form_id),
        headers={"Content-Type": "text/xml", "X-OpenRosa-Version": "3.0"},
    )


async def test_an_attachment_that_was_altered(api, store):
    """It is not served as if it were true; the form that has it is."""
    form = build.a_form([build.a_create("c1")], form_id="f1")
    build.submit(store, form, attachments=[PHOTO], domain=DOMAIN)
    path = f"/a/{DOMAIN}/api/ledger/v1/forms/f1/"
    served = await api.get(f"{path}attachments/{PHOTO.name}")
    assert (served.status, served.body) == (200, PHOTO.content)
    text = altered_file(store, hashlib.sha256(PHOTO.content).hexdigest())
    answer = await api.get(f"{path}attachments/{PHOTO.name}")
    assert answer.error == tells(answer, text)
    assert (await api.get(path)).status == 200


async def test_a_form_that_was_altered(api, store):
    """Neither its bytes nor what they say are shown, nor does the feed tell them."""
    await device(api, build.a_create("c1"))
    text = altered_form(store, last_position(store))
    for path in ("", "xml/"):
        answer = await api.get(f"/a/{DOMAIN}/api/ledger/v1/forms/f1/{path}")
        assert answer.error == tells(answer, text), path
    answer = await api.get(f"/a/{DOMAIN}/api/ledger/v1/changes/?limit=9")
    assert answer.error == tells(answer, text)


async def test_an_edit_of_a_form_that_was_altered(api, store):
    """A device hears it in its own words, and keeps its copy."""
    await device(api, build.a_create("c1"))
    text = altered_form(store, last_position(store))
    answer = await device(api, build.a_create("c1", update={"a": "1"}))
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.body.decode() == tells(answer, text)


async def test_the_file_of_an_import_that_was_altered(api, store):
    """An uploaded sheet cannot be downloaded again, nor its failed rows."""
    path, _ = await ended(api, await sent(api))
    digest = (await api.get(path)).body
    text = altered_file(store, hashlib.sha256(digest).hexdigest())
    for place in ("", "failed_rows.xlsx"):
        answer = await api.get(f"{path}{place}")
        assert text in answer.body.decode(), place
        assert tells(answer, text) in answer.body.decode()


async def test_a_control_file_that_was_altered(api, store):
    """Pages and files of the batch import tell it, and no batch of it is made."""
    haplo = a_haplo(api, api.members)
    digest = await haplo.control()
    assert (await haplo.page(f"control-file/{digest}")).status == 200
    text = altered_file(store, digest)
    assert digest == hashlib.sha256(a_control()).hexdigest()
    answer = await haplo.page(f"control-file/{digest}")
    assert tells(answer, text) in answer.body.decode()


async def test_a_batch_whose_file_was_altered_before_its_start(api, store):
    """What siege found: no invented case, and the batch says why."""
    haplo = a_haplo(api, api.members)
    batch = await haplo.batch()
    content = b"ref\tname\tage\np1\tAda\t36\n"
    assert (await haplo.file(batch, content)).status == 200
    sha256 = hashlib.sha256(content).hexdigest()
    text = altered_file(store, sha256)
    told = await haplo.scheduled(batch)
    assert told["state"] == "error"
    assert f"{text}; run caseledger verify" in str(told)
    assert build.cases_of(store, DOMAIN) == {}
