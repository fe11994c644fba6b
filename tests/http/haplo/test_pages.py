"""The admin pages of the batch import (``rules/batch-imports.md`` 1.9, 1.3)."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from tests.kit.haplo.client import (
    ADMIN,
    DOMAIN,
    JSON,
    PEOPLE,
    a_control,
    a_form,
    a_haplo,
    basic,
)

NOBODY = "x" * 44
TWO = {"people": {"read": "tsv-with-name-row"}, "more": {"read": "tsv-with-name-row"}}


@pytest.fixture
def haplo(api, members):
    """Return a client with a batch key."""
    return a_haplo(api, members)


async def new_batch(haplo, digest, *parts, accept=JSON):
    """Post the form of a new batch: fields as texts, files as pairs."""
    form = a_form()
    for name, *value in parts:
        if len(value) == 1:
            form.add_field(name, value[0])
        else:
            form.add_field(name, value[0], filename=value[1])
    return await haplo.page(
        f"new-batch/for-control/{digest}", method="POST", data=form, accept=accept
    )


async def ready(haplo, **control):
    """Make a batch that is ready and return its identifier."""
    digest = await haplo.control(a_control(**control))
    answer = await new_batch(haplo, digest, ("file", PEOPLE, "people.tsv"))
    assert answer.status == 200, answer.body
    return answer.json["identifier"]


class TestControlFiles:
    """Rules 1.9a and 1.9b: control files."""

    async def test_the_list(self, haplo):
        """Newest first, with these keys and no others."""
        assert (await haplo.page("control-files")).json == {"controlFiles": []}
        first = await haplo.control(comment="one")
        content = a_control(model="TYPE:place")
        second = await haplo.control(content, comment="two")
        listed = (await haplo.page("control-files")).json["controlFiles"]
        assert [control["digest"] for control in listed] == [second, first]
        assert set(listed[0]) == {"digest", "fileSize", "comment", "created"}
        assert (listed[0]["fileSize"], listed[0]["comment"]) == (len(content), "two")

    async def test_one_control_file(self, haplo):
        """What it says comes as an object; a mark at its start does not matter."""
        content = b"\xef\xbb\xbf" + a_control()
        digest = await haplo.control(content)
        shown = (await haplo.page(f"control-file/{digest}")).json
        assert shown["control"] == json.loads(a_control())
        assert set(shown) == {"digest", "fileSize", "comment", "created", "control"}
        assert (await haplo.page(f"control-file/{'0' * 64}")).status == 404

    async def test_a_new_control_file(self, haplo):
        """As the API's, but the comment is required."""
        file = ("file", a_control(), "c.json")

        async def post(*files, **fields):
            form = a_form(*files, **fields)
            return await haplo.page("new-control-file", method="POST", data=form)

        answer = await post(file, comment="mine")
        assert answer.json["digest"] == sha256(a_control()).hexdigest()
        assert (await post(file)).status == 400
        assert (await post(comment="mine", other="x")).status == 400
        bad = ("file", a_control(model=None), "c.json")
        assert (await post(bad, comment="mine")).error == (
            "Invalid control file:\n"
            "  Control file does not specify model in the model property"
        )
        assert (await haplo.page("new-control-file")).status == 200


class TestBatches:
    """Rules 1.3 and 1.9: batches, ``ready`` ones and copies."""

    async def test_a_new_batch_with_its_files(self, haplo):
        """``ready``; each file has the name before it, or the one of its file."""
        digest = await haplo.control(a_control(files=TWO))
        asked = (await haplo.page(f"new-batch/for-control/{digest}")).json
        assert asked["names"] == ["people", "more"]
        answer = await new_batch(
            haplo,
            digest,
            ("comment", "mine"),
            ("name", "more"),
            ("file", PEOPLE, "x.tsv"),
            ("name", "unused"),
            ("file", b"", ""),
            ("file", PEOPLE, "people.tsv"),
        )
        told = answer.json
        assert (told["state"], told["comment"]) == ("ready", "mine")
        assert [file["name"] for file in told["files"]] == ["more", "people"]

    async def test_duplicate_names_are_refused(self, haplo):
        """All of them are told, and nothing is kept."""
        digest = await haplo.control()
        again = [("file", b"", f"{name}.x") for name in ("a", "b", "c", "a", "b")]
        answer = await new_batch(haplo, digest, *again)
        assert (answer.status, answer.error) == (400, "Duplicate file names: a, b")
        assert (await haplo.page("batches")).json == {"batches": []}

    async def test_a_new_batch_needs_files_and_a_control_file(self, haplo):
        """400, and 404."""
        digest = await haplo.control()
        assert (await new_batch(haplo, digest, ("comment", "x"))).status == 400
        answer = await new_batch(haplo, "0" * 64, ("file", b"", "people"))
        assert answer.status == 404
        answer = await haplo.page(f"new-batch/for-control/{'0' * 64}")
        assert answer.status == 404

    async def test_the_list(self, haplo):
        """Newest first, with these keys and no others; a page at a time if asked."""
        made = [await haplo.batch(comment=str(n)) for n in range(3)]
        await haplo.scheduled(made[0])
        listed = (await haplo.page("batches")).json["batches"]
        assert [batch["identifier"] for batch in listed] == made[::-1]
        keys = {"identifier", "state", "errors", "comment", "created"}
        assert {frozenset(batch) for batch in listed} == {frozenset(keys)}
        assert [batch["state"] for batch in listed[:2]] == ["uploading"] * 2
        page = (await haplo.page("batches?limit=2")).json
        assert page["batches"] == listed[:2]
        place = page["next"].removeprefix(f"{ADMIN}/")
        assert (await haplo.page(place)).json == {"batches": listed[2:]}

    async def test_control_files_have_pages_too(self, haplo):
        """As batches have."""
        for comment in "abc":
            await haplo.control(a_control(model=f"TYPE:{comment}"), comment=comment)
        page = (await haplo.page("control-files?limit=2")).json
        place = page["next"].removeprefix(f"{ADMIN}/")
        rest = (await haplo.page(place)).json
        found = [*page["controlFiles"], *rest["controlFiles"]]
        assert [control["comment"] for control in found] == ["c", "b", "a"]

    async def test_one_batch(self, haplo):
        """The object with all its keys."""
        batch = await ready(haplo)
        told = await haplo.told(batch)
        assert list(told) == [
            "identifier",
            "state",
            "errors",
            "comment",
            "created",
            "control",
            "files",
            "log",
            "records",
            "cases",
        ]
        assert told["control"]["comment"] == "Unnamed control file"
        assert told["files"] == [
            {
                "name": "people",
                "digest": sha256(PEOPLE).hexdigest(),
                "fileSize": len(PEOPLE),
                "filename": "people.tsv",
            }
        ]

    @pytest.mark.parametrize(
        ("method", "place"),
        [
            ("GET", f"batch/{NOBODY}"),
            ("GET", f"batch/{NOBODY}/records"),
            ("GET", "batch/a%00b"),
            ("GET", "batch/%EF%BF%BE"),
            ("GET", "control-file/a%00b"),
            ("GET", "api-keys/a%00b"),
            ("POST", f"schedule-batch/import/{NOBODY}"),
            ("POST", f"schedule-batch/other/{NOBODY}"),
            ("POST", f"copy-batch/{NOBODY}"),
            ("GET", "nothing"),
        ],
    )
    async def test_what_is_not_there(self, haplo, method, place):
        """404, as JSON and as a page."""
        for accept in (JSON, {}):
            answer = await haplo.page(place, method=method, accept=accept)
            assert answer.status == 404

    @pytest.mark.parametrize(
        ("mode", "state"), [("dry-run", "dry-run"), ("import", "complete")]
    )
    async def test_a_batch_that_is_ready_can_be_started(self, haplo, mode, state):
        """Once; the API cannot start it at all."""
        batch = await ready(haplo)
        answer = await haplo.post("schedule", batch=batch)
        assert answer.body.decode() == f"Batch {batch} is not in the 'uploading' state"
        place = f"schedule-batch/{mode}/{batch}"
        answer = await haplo.page(place, method="POST")
        assert answer.status == 200
        assert answer.json["state"] in {"scheduled", "running", state}
        told = await haplo.ended(batch)
        assert (told["state"], told["records"]["applied"]) == (state, 2)
        answer = await haplo.page(place, method="POST")
        assert answer.status == 400
        assert answer.json == {"error": "Batch is in the wrong state"}

    async def test_a_batch_of_the_api_cannot_be_started_here(self, haplo):
        """It is not ``ready``."""
        batch = await haplo.batch()
        place = f"schedule-batch/import/{batch}"
        answer = await haplo.page(place, method="POST")
        assert answer.json == {"error": "Batch is in the wrong state"}

    async def test_a_copy(self, haplo):
        """A new identifier, the same files, and it is ready."""
        batch = await haplo.batch(comment="mine")
        await haplo.file(batch)
        await haplo.scheduled(batch, mode="dry-run")
        copy = (await haplo.page(f"copy-batch/{batch}", method="POST")).json
        before = await haplo.told(batch)
        assert copy["identifier"] != batch
        assert (copy["state"], copy["comment"]) == ("ready", "mine (copy)")
        assert (copy["files"], copy["control"]) == (before["files"], before["control"])
        place = f"schedule-batch/import/{copy['identifier']}"
        await haplo.page(place, method="POST")
        assert (await haplo.ended(copy["identifier"]))["records"]["applied"] == 2


class TestRecords:
    """Rule 1.9d: the results of records."""

    async def test_the_records_in_their_order(self, haplo):
        """With these keys; a page at a time, the last without ``next``."""
        batch = await haplo.batch()
        await haplo.file(batch, b"ref\tname\np1\tAda\np2\t\np3\tCy\n")
        await haplo.scheduled(batch)
        whole = (await haplo.page(f"batch/{batch}/records")).json
        assert whole["next"] is None
        records = whole["records"]
        assert list(records[0]) == [
            "record",
            "file",
            "outcome",
            "form_id",
            "case_ids",
            "xform_error_id",
            "messages",
        ]
        assert [record["record"] for record in records] == [0, 1, 2]
        outcomes = [record["outcome"] for record in records]
        assert outcomes == ["applied", "aborted", "applied"]
        assert (records[1]["form_id"], records[1]["case_ids"]) == (None, [])
        assert records[1]["messages"]
        page = (await haplo.page(f"batch/{batch}/records?limit=2")).json
        assert page["records"] == records[:2]
        assert page["next"].startswith(f"{ADMIN}/batch/{batch}/records?")
        place = page["next"].removeprefix(f"{ADMIN}/")
        rest = (await haplo.page(place)).json
        assert rest == {"records": records[2:], "next": None}

    async def test_a_dry_run_keeps_records_without_forms(self, haplo):
        """The outcomes are there, forms are not."""
        batch = await haplo.batch()
        await haplo.file(batch)
        await haplo.scheduled(batch, mode="dry-run")
        records = (await haplo.page(f"batch/{batch}/records")).json["records"]
        assert [r["outcome"] for r in records] == ["applied", "applied"]
        assert [r["form_id"] for r in records] == [None, None]

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=1001",
            "limit=x",
            "cursor=x",
            "cursor=Wzk5OTk5OTk5OTk5OTk5OTk5OTk5XQ==",
            "cursor=WzE4NDQ2NzQ0MDczNzA5NTUxNjE1XQ==",
            "cursor=WzEsICJcdTAwMDAiXQ==",
            "other=1",
        ],
    )
    @pytest.mark.parametrize("place", ["batches", "control-files", "records"])
    async def test_a_page_that_cannot_be(self, haplo, place, query):
        """400, never a 500."""
        path = f"batch/{await haplo.batch()}/records" if place == "records" else place
        assert (await haplo.page(f"{path}?{query}")).status == 400


class TestPages:
    """Rule 1.9a: pages for people, and who may see them."""

    async def test_every_page_is_html_without_the_header(self, haplo):
        """What was sent is escaped, and no other server is asked."""
        odd = '<script>alert("x")</script>'
        digest = await haplo.control(comment=odd)
        batch = await haplo.batch(digest, comment=odd)
        await haplo.file(batch, b"ref\tname\np1\tAda\np2\t\n", file_name=odd)
        await haplo.scheduled(batch, mode="dry-run")
        for place in (
            "control-files",
            f"control-file/{digest}",
            "new-control-file",
            f"new-batch/for-control/{digest}",
            "batches",
            f"batch/{batch}",
            f"batch/{batch}/records",
            "batches?limit=1",
            f"batch/{batch}/records?limit=1",
            "api-keys",
        ):
            answer = await haplo.page(place, accept={"Accept": "text/html,*/*"})
            assert answer.status == 200, place
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
            assert b"<script" not in answer.body
            assert b"http" not in answer.body
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
        shown = (await haplo.page(f"batch/{batch}", accept={})).body
        assert b"nothing was imported" in shown
        assert f"{ADMIN}/copy-batch/{batch}".encode() in shown

    async def test_forms_lead_on_to_pages(self, haplo):
        """303, and an admin can do everything from pages alone."""
        form = a_form(("file", a_control(), "c.json"), comment="mine")
        answer = await haplo.page(
            "new-control-file", method="POST", data=form, accept={}
        )
        assert answer.status == 303
        digest = answer.headers["Location"].rpartition("/")[2]
        answer = await new_batch(
            haplo, digest, ("file", PEOPLE, "people.tsv"), accept={}
        )
        assert answer.status == 303
        assert answer.headers["Location"].startswith(f"{ADMIN}/batch/")
        batch = answer.headers["Location"].rpartition("/")[2]
        shown = (await haplo.page(f"batch/{batch}", accept={})).body
        assert b"schedule-batch/import" in shown
        place = f"schedule-batch/import/{batch}"
        answer = await haplo.page(place, method="POST", accept={})
        assert answer.headers["Location"] == f"{ADMIN}/batch/{batch}"
        assert (await haplo.ended(batch))["state"] == "complete"
        answer = await haplo.page(place, method="POST", accept={})
        assert answer.status == 400
        assert b"Batch is in the wrong state" in answer.body
        answer = await haplo.page("create-api-key", method="POST", accept={})
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        (first, _) = (await haplo.page("api-keys")).json["apiKeys"]
        place = f"api-keys/{first['id']}"
        answer = await haplo.page(place, method="POST", accept={})
        assert answer.headers["Location"] == f"{ADMIN}/api-keys"

    @pytest.mark.parametrize(
        ("role", "status"),
        [("admin", 200), ("editor", 200), ("viewer", 403), ("mobile", 403)],
    )
    async def test_who_may_see_them(self, haplo, members, role, status):
        """Rule R0.9: admins and editors."""
        header = members.join(f"a-{role}", role=role)
        for place in ("batches", "control-files", "new-control-file", "api-keys"):
            answer = await haplo.page(place, headers=header)
            assert answer.status == status

    async def test_a_browser_is_asked_for_credentials(self, haplo, members):
        """401 with a challenge; a password then lets in."""
        path = f"{ADMIN}/batches"
        answer = await haplo.api.get(path, anonymous=True)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        members.join("ann", password="correct horse")
        answer = await haplo.api.get(path, headers=basic("ann", "correct horse"))
        assert answer.status == 200
        assert f"/a/{DOMAIN}/".encode() in answer.body


async def test_a_control_file_that_is_nested_deeply(haplo):
    """Taken or refused, shown in JSON and as a page; never a 500."""
    for depth in (100, 200, 300, 480, 900, 5000):
        arrays = b"[" * depth + b"]" * depth
        content = a_control()[:-1] + b', "more": ' + arrays + b"}"
        steps = b'{"action":"within","source":"a","instructions":[' * depth
        nested = a_control(instructions=["HERE"])
        nested = nested.replace(b'["HERE"]', b"[" + steps + b"]}" * depth + b"]")
        for sent in (content, nested):
            answer = await haplo.upload("control", ("file", sent, "c.json"))
            assert answer.status in {200, 400}
            if answer.status == 200:
                place = f"control-file/{answer.body.decode()}"
                assert (await haplo.page(place, accept={})).status == 200
                assert (await haplo.page(place)).status == 200
                place = f"new-batch/for-control/{answer.body.decode()}"
                assert (await haplo.page(place, accept={})).status == 200
