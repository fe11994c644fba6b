"""The four steps of the batch import (``rules/batch-imports.md`` 1.1, 1.1.1, 1.3)."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest

from api.cli.domain import add_domain
from api.haplo.body import LONGEST_TEXT
from ledger.directory.batch_keys import USERNAME
from ledger.directory.users import find_user
from tests.kit.haplo.client import (
    ADMIN,
    API,
    DOMAIN,
    PEOPLE,
    a_control,
    a_form,
    a_haplo,
    basic,
)

INVALID = "Bad request (failed validation)"
NOBODY = "x" * 44


@pytest.fixture
def haplo(api, members):
    """Return a client with a batch key."""
    return a_haplo(api, members)


def says(answer, status, text):
    """Fail the test unless an answer is this text and nothing more."""
    assert (answer.status, answer.body.decode()) == (status, text)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


async def test_the_four_steps(haplo, members):
    """Rule 1.1: digest, identifier, digest, SCHEDULED, and the records become cases."""
    content = a_control()
    answer = await haplo.upload("control", ("file", content, "c.json"))
    says(answer, 200, sha256(content).hexdigest())
    answer = await haplo.post("batch", control=answer.body.decode())
    batch = answer.body.decode()
    says(answer, 200, batch)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{42}[A-Za-z0-9]", batch)
    says(await haplo.file(batch), 200, sha256(PEOPLE).hexdigest())
    says(await haplo.post("schedule", batch=batch), 200, "SCHEDULED")
    told = await haplo.ended(batch)
    assert (told["state"], told["errors"]) == ("complete", 0)
    outcomes = {"applied": 2, "unchanged": 0, "aborted": 0, "failed": 0}
    assert told["records"] == {"total": 2, **outcomes}
    listed = (await haplo.api.get(f"{haplo.api.cases}?case_type=person")).json
    assert {case["case_name"] for case in listed["cases"]} == {"Ada", "Bo"}
    with members.store.reading(DOMAIN) as reader:
        service = find_user(reader, USERNAME)
    assert {case["owner_id"] for case in listed["cases"]} == {service.user_id}


class TestParameters:
    """Rules 1.1a to 1.1f."""

    async def test_defaults_of_comments(self, haplo):
        """``comment`` is optional on both endpoints."""
        digest = await haplo.control()
        batch = await haplo.batch(digest)
        told = await haplo.told(batch)
        assert told["comment"] == "Unnamed batch"
        assert told["control"] == {"digest": digest, "comment": "Unnamed control file"}

    async def test_where_parameters_are_read(self, haplo):
        """Query string, urlencoded body and text fields of a multipart one are one."""
        digest = await haplo.control()
        answers = [
            await haplo.post("batch", query=f"?control={digest}&comment=a%20b"),
            await haplo.upload("batch", control=digest, comment="a b"),
            await haplo.post(
                "batch", query="?comment=c", control=digest, comment="a b"
            ),
        ]
        for answer in answers:
            assert answer.status == 200, answer.body
            told = await haplo.told(answer.body.decode())
            assert told["comment"] == "a b"
        batch = answers[0].body.decode()
        query = f"?batch={batch}&name=people"
        answer = await haplo.upload("file", ("file", PEOPLE, "p.tsv"), query=query)
        assert answer.status == 200
        says(await haplo.upload("schedule", batch=batch), 200, "SCHEDULED")

    async def test_the_same_control_file_again(self, haplo):
        """One digest, and one more record for each comment that is new."""
        first = await haplo.control(comment="one")
        assert await haplo.control(comment="two") == first
        assert await haplo.control(comment="one") == first
        listed = (await haplo.page("control-files")).json["controlFiles"]
        assert [control["comment"] for control in listed] == ["two", "one"]
        assert {control["digest"] for control in listed} == {first}

    async def test_mode_is_a_dry_run_only_when_it_says_exactly_so(self, haplo):
        """``dry-run`` and no other value."""
        for mode, state in (("dry-run", "dry-run"), ("Dry-Run", "complete")):
            batch = await haplo.batch()
            assert (await haplo.scheduled(batch, mode=mode))["state"] == state

    @pytest.mark.parametrize("name", ["/data/x/p.tsv", "C:\\data\\p.tsv", "p.tsv"])
    async def test_folders_before_a_file_name_are_dropped(self, haplo, name):
        """Up to the last slash or backslash."""
        batch = await haplo.batch()
        await haplo.file(batch, file_name=name)
        (file,) = (await haplo.told(batch))["files"]
        assert file == {
            "name": "people",
            "digest": sha256(PEOPLE).hexdigest(),
            "fileSize": len(PEOPLE),
            "filename": "p.tsv",
        }

    async def test_a_text_field_has_a_limit(self, haplo):
        """131,072 bytes are taken, one more is not."""
        digest = await haplo.control()
        assert await haplo.batch(digest, comment="c" * LONGEST_TEXT)
        long = "é" * (LONGEST_TEXT // 2 + 1)
        says(await haplo.post("batch", control=digest, comment=long), 400, INVALID)
        says(await haplo.upload("batch", control=digest, comment=long), 400, INVALID)

    @pytest.mark.parametrize("place", ["control", "batch", "file", "schedule"])
    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
    async def test_other_methods_are_not_there(self, haplo, place, method):
        """404, with or without a key."""
        path, header = f"{API}/{place}", basic("haplo", haplo.key)
        for headers in (header, {}):
            answer = await haplo.api.request(
                method, path, headers=headers, anonymous=True
            )
            assert answer.status == 404

    @pytest.mark.parametrize("place", ["", "/", "/status", "/batch/x", "/file/x"])
    async def test_other_paths_are_not_there(self, haplo, place):
        """Nothing else lives below the prefix."""
        for method in ("GET", "POST"):
            answer = await haplo.api.request(
                method, API + place, headers=basic("haplo", haplo.key), anonymous=True
            )
            assert answer.status == 404

    async def test_a_path_may_end_in_a_slash(self, haplo):
        """As every path of the product may."""
        digest = await haplo.control()
        answer = await haplo.post("batch/", control=digest)
        assert answer.status == 200


class TestRefusals:
    """Rule 1.1.1: what is sent is looked at in its turn."""

    @pytest.mark.parametrize(
        ("place", "fields"),
        [
            ("control", {}),
            ("control", {"comment": "c"}),
            ("batch", {}),
            ("batch", {"comment": "c"}),
            ("batch", {"control": ""}),
            ("file", {}),
            ("file", {"name": "people"}),
            ("file", {"batch": NOBODY, "name": "people"}),
            ("schedule", {}),
            ("schedule", {"mode": "dry-run"}),
        ],
    )
    async def test_a_required_parameter_is_missing(self, haplo, place, fields):
        """Whichever way the others come; it is asked for before what they say."""
        says(await haplo.post(place, **fields), 400, INVALID)
        says(await haplo.upload(place, other="x", **fields), 400, INVALID)

    async def test_the_file_is_missing_from_a_whole_form(self, haplo):
        """A batch that is unknown does not matter then."""
        answer = await haplo.upload("file", batch=NOBODY, name="people")
        says(answer, 400, INVALID)
        answer = await haplo.upload("file", ("file", b"x", "x"), batch=NOBODY)
        says(answer, 400, INVALID)

    async def test_a_file_that_comes_as_text(self, haplo):
        """Also under an empty file name."""
        says(await haplo.upload("control", file="{}"), 400, INVALID)
        answer = await haplo.upload("control", ("file", a_control(), ""))
        says(answer, 400, INVALID)

    @pytest.mark.parametrize("place", ["control", "batch", "file", "schedule"])
    async def test_a_file_under_a_name_that_is_not_declared(self, haplo, place):
        """The name is told, and cannot open a tag."""
        answer = await haplo.upload(place, ("<b>", b"x", "x.txt"))
        says(
            answer,
            400,
            "A file was uploaded, but it was not expected by the application. "
            "Field name: '&lt;b&gt;'",
        )

    async def test_batch_and_schedule_take_no_file_at_all(self, haplo):
        """Not even under the name that the others know."""
        for place in ("batch", "schedule"):
            answer = await haplo.upload(place, ("file", b"x", "x.txt"), batch=NOBODY)
            assert answer.status == 400
            assert answer.body.endswith(b"Field name: 'file'")

    @pytest.mark.parametrize("content", [b"", b"{", b'"\xff"', b"\xff\xfe{\0}\0"])
    async def test_a_control_file_that_is_not_json(self, haplo, content):
        """Bytes that are not UTF-8 JSON."""
        answer = await haplo.upload("control", ("file", content, "c.json"))
        says(answer, 400, "Uploaded file is not JSON")

    async def test_a_control_file_that_is_not_valid(self, haplo):
        """Each error on a line of its own, behind two blanks."""
        content = a_control(model="nothing", files=None)
        answer = await haplo.upload("control", ("file", content, "c.json"))
        says(
            answer,
            400,
            "Invalid control file:\n"
            "  Model not implemented: nothing\n"
            "  Control file does not have files property",
        )
        assert (await haplo.page("control-files")).json == {"controlFiles": []}

    async def test_an_unknown_digest(self, haplo):
        """The digest is told."""
        digest = "0" * 64
        answer = await haplo.post("batch", control=digest)
        says(answer, 400, f"Control file not found: {digest}")

    async def test_an_unknown_identifier(self, haplo):
        """The identifier is told."""
        text = f"Batch not found: {NOBODY}"
        says(await haplo.file(NOBODY), 400, text)
        says(await haplo.post("schedule", batch=NOBODY), 400, text)

    @pytest.mark.parametrize("odd", ["a\0b", "\ufffe", "'; --", "€" * 50])
    async def test_ids_that_none_can_have(self, haplo, odd):
        """Refused like every other, never a 500."""
        assert (await haplo.post("batch", control=odd)).status == 400
        assert (await haplo.post("schedule", batch=odd)).status == 400
        assert (await haplo.file(odd)).status == 400
        batch = await haplo.batch(comment=odd)
        named = odd.replace("\0", "")
        answer = await haplo.file(batch, file_name=named)
        assert answer.status == 200
        answer = await haplo.upload("file", ("file", b"x", "x"), batch=batch, name=odd)
        assert answer.status in {200, 400}
        assert (await haplo.page(f"batch/{batch}")).status == 200
        assert (await haplo.page(f"batch/{batch}", accept={})).status == 200

    async def test_a_batch_that_is_not_uploading(self, haplo):
        """Neither a file nor a second start; the deviation for a file is decided."""
        batch = await haplo.batch()
        text = f"Batch {batch} is not in the 'uploading' state"
        says(await haplo.post("schedule", batch=batch), 200, "SCHEDULED")
        says(await haplo.post("schedule", batch=batch), 400, text)
        says(await haplo.file(batch), 400, text)
        await haplo.ended(batch)
        says(await haplo.post("schedule", batch=batch), 400, text)

    async def test_what_is_of_another_domain_is_unknown(self, haplo, members):
        """A digest, and an identifier."""
        add_domain(members.store, "other")
        editor = members.join("ann", domain="other")
        there = "/a/other/api/haplo-data-import-batch"

        async def post(place, **fields):
            return await haplo.api.post(
                f"{there}/{place}",
                data=a_form(**fields),
                headers=editor,
                anonymous=True,
            )

        batch = await haplo.batch()
        digest = (await haplo.told(batch))["control"]["digest"]
        says(
            await post("batch", control=digest),
            400,
            f"Control file not found: {digest}",
        )
        says(await post("schedule", batch=batch), 400, f"Batch not found: {batch}")
        answer = await haplo.api.get(
            f"{ADMIN}/batch/{batch}".replace("/demo/", "/other/"),
            headers={**editor, "Accept": "application/json"},
            anonymous=True,
        )
        assert answer.status == 404

    @pytest.mark.parametrize(
        "body", [b"", b"--x", b"--x\r\n\r\n", b"--x\r\nContent-Disposition: y\r\n\r\n"]
    )
    async def test_a_broken_multipart_body(self, haplo, body):
        """Is a form without parameters."""
        headers = basic("haplo", haplo.key)
        headers["Content-Type"] = "multipart/form-data; boundary=x"
        for place in ("control", "schedule"):
            answer = await haplo.api.post(
                f"{API}/{place}", data=body, headers=headers, anonymous=True
            )
            says(answer, 400, INVALID)

    async def test_more_fields_than_any_form_has(self, haplo):
        """Are refused as well."""
        fields = {f"f{n}": "" for n in range(1100)}
        says(await haplo.post("schedule", batch=NOBODY, **fields), 400, INVALID)


class TestLife:
    """Rule 1.3."""

    async def test_a_new_batch_waits_for_files(self, haplo):
        """State ``uploading``, and no count of errors before the end."""
        told = await haplo.told(await haplo.batch(comment="mine"))
        assert (told["state"], told["errors"], told["log"]) == ("uploading", None, None)
        assert (told["comment"], told["files"]) == ("mine", [])

    async def test_a_batch_of_no_files_is_complete(self, haplo):
        """0 records, 0 errors."""
        told = await haplo.scheduled(await haplo.batch())
        assert (told["state"], told["errors"]) == ("complete", 0)
        assert told["records"]["total"] == 0

    async def test_the_last_upload_of_a_name_wins(self, haplo):
        """Both are listed, in the order of their uploads."""
        batch = await haplo.batch()
        await haplo.file(batch, b"ref\tname\nold\tOld\n")
        await haplo.file(batch, b"ref\tname\nnew\tNew\n", file_name="q.tsv")
        told = await haplo.scheduled(batch)
        assert [file["filename"] for file in told["files"]] == ["p.tsv", "q.tsv"]
        assert told["records"]["applied"] == 1
        (case,) = (await haplo.api.get(f"{haplo.api.cases}?case_type=person")).json[
            "cases"
        ]
        assert case["case_name"] == "New"

    async def test_a_name_that_the_control_file_does_not_know(self, haplo):
        """Not noticed at upload; the run ends in ``error``, and its log says why."""
        batch = await haplo.batch()
        assert (await haplo.file(batch, name="visits")).status == 200
        told = await haplo.scheduled(batch)
        assert (told["state"], told["errors"]) == ("error", 0)
        assert (
            "EXCEPTION: Error during import: Could not find file specification in "
            "control file for file visits (and DEFAULT file entry does not exist)"
        ) in told["log"].split("\n")

    async def test_a_dry_run_keeps_records_and_makes_nothing(self, haplo):
        """State ``dry-run``; the outcomes are those of the import."""
        batch = await haplo.batch()
        await haplo.file(batch)
        told = await haplo.scheduled(batch, mode="dry-run")
        assert (told["state"], told["records"]["applied"]) == ("dry-run", 2)
        listed = (await haplo.api.get(f"{haplo.api.cases}?case_type=person")).json
        assert listed["cases"] == []

    async def test_errors_are_counted_and_logged(self, haplo):
        """A record without a name aborts; the others are applied."""
        batch = await haplo.batch()
        await haplo.file(batch, b"ref\tname\np1\tAda\np2\t\n")
        told = await haplo.scheduled(batch)
        assert (told["state"], told["records"]["applied"]) == ("complete", 1)
        assert told["errors"] >= 1
        log = told["log"].split("\n")
        assert log[0].startswith("START: ")
        assert log[-1].startswith("END: ")
        assert any(line.endswith(" (record 1)") for line in log)
