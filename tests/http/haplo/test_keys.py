"""Who may import batches, with which keys (``rules/batch-imports.md`` R0.9 and 1.2)."""

from __future__ import annotations

import json
import re

import pytest

from api.cli.database import OPERATOR
from api.cli.domain import add_domain
from ledger.directory.api_keys import create_key, list_keys
from ledger.directory.batch_keys import NAME, SCOPE, USERNAME
from ledger.directory.users import delete_user, find_user
from ledger.log import entries_after
from tests.kit.directory import update
from tests.kit.haplo.client import ADMIN, API, DOMAIN, JSON, a_control, a_haplo, basic

NOBODY = {
    "success": False,
    "kind": "UNAUTHORISED",
    "error": {
        "message": "Unauthorised: You are not permitted to perform that action",
    },
}
NO_KEY = {
    "success": False,
    "kind": "INVALID-API-KEY",
    "error": {"message": "Invalid API Key"},
}
BLOCKED = {
    "success": False,
    "kind": "UNAUTHORISED",
    "error": {"message": "Not authorised"},
}
PLACES = ("control", "batch", "file", "schedule")


@pytest.fixture
def haplo(api, members):
    """Return a client with a batch key."""
    return a_haplo(api, members)


def key_of(header):
    return header["Authorization"].rpartition(":")[2]


def refused(answer, body):
    """Fail the test unless an answer is this refusal."""
    assert answer.status == 403
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(answer.body) == body


class TestRefusals:
    """Rule 1.1.1: refusals of keys, which come before everything else."""

    @pytest.mark.parametrize("place", PLACES)
    async def test_no_key_at_all(self, haplo, place):
        """Rule 1.1.1: however the body is encoded."""
        refused(await haplo.post(place, headers={}), NOBODY)
        refused(await haplo.upload(place, other="x", headers={}), NOBODY)

    @pytest.mark.parametrize(
        "headers",
        [
            basic("haplo", "x" * 44),
            basic("haplo", "short"),
            {"X-ONEIS-Key": "x" * 44},
            {"X-ONEIS-Key": ""},
            {"Authorization": f"ApiKey {USERNAME}:wrong"},
            {"Authorization": "ApiKey nobody:wrong"},
        ],
        ids=["unknown", "short", "header", "empty header", "own scheme", "nobody"],
    )
    async def test_a_key_that_is_none(self, haplo, headers):
        """Rule 1.1.1: a key that is nobody's, short ones too."""
        for place in PLACES:
            refused(await haplo.post(place, headers=headers), NO_KEY)

    async def test_a_key_whose_scope_does_not_cover_the_request(self, haplo, members):
        """Rule 1.1.1: a key whose scope does not reach here."""
        with members.store.writing(DOMAIN) as writer:
            user = find_user(writer, USERNAME)
            make = {"name": "", "read_only": False, "author": OPERATOR}
            _, below = create_key(writer, user, scope="/api/case/", **make)
            _, exact = create_key(writer, user, scope=f"={SCOPE}batch", **make)
        answer = await haplo.post("batch", headers=basic("haplo", below))
        refused(answer, NO_KEY)
        answer = await haplo.post("schedule", headers=basic("haplo", exact))
        refused(answer, NO_KEY)
        answer = await haplo.post("batch", headers=basic("haplo", exact))
        assert answer.status == 400

    async def test_a_key_whose_user_is_blocked(self, haplo, members):
        """Rule 1.1.1: the key of a closed account."""
        with members.store.writing(DOMAIN) as writer:
            user = find_user(writer, USERNAME)
            update(writer, user, author=OPERATOR, active=False)
        refused(await haplo.post("batch"), BLOCKED)

    @pytest.mark.parametrize("role", ["viewer", "mobile"])
    async def test_a_key_whose_user_may_not_import(self, haplo, members, role):
        """Rule 1.1.1: the key of a role that may not edit data."""
        header = members.join("ann", role=role)
        refused(await haplo.post("batch", headers=header), NOBODY)
        headers = basic("haplo", key_of(header))
        refused(await haplo.post("batch", headers=headers), NOBODY)

    async def test_a_read_only_key(self, haplo, members):
        """Rule R0.9: gets the same 403."""
        header = members.join("ann", read_only=True)
        refused(await haplo.post("batch", headers=header), NOBODY)
        headers = basic("haplo", key_of(header))
        refused(await haplo.post("batch", headers=headers), NOBODY)

    async def test_credentials_come_before_parameters(self, haplo):
        """The order of checks."""
        answer = await haplo.upload("control", ("x", b"x", "x"), headers={})
        refused(answer, NOBODY)

    async def test_a_page_of_another_origin_cannot_use_what_a_browser_has(self, haplo):
        """Browsers send Basic credentials along by themselves."""
        for sent in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.test"}):
            headers = basic("haplo", haplo.key) | sent
            refused(await haplo.post("schedule", headers=headers), NOBODY)

    async def test_nothing_is_known_of_a_domain_that_does_not_exist(self, haplo):
        """Rule R0.1: 404 for members of others, and else what any domain says."""
        path = API.replace(DOMAIN, "nowhere")
        batch_key = basic("haplo", haplo.key)
        for headers, status in ((batch_key, 403), (haplo.admin, 404), ({}, 403)):
            answer = await haplo.api.post(
                f"{path}/batch", headers=headers, anonymous=True
            )
            assert answer.status == status

    async def test_nothing_is_served_outside_of_domains(self, haplo):
        """Rule R0.1."""
        answer = await haplo.api.post(
            "/api/haplo-data-import-batch/batch",
            headers=basic("haplo", haplo.key),
            anonymous=True,
        )
        assert answer.status == 404


class TestSchemes:
    """Rule 1.2: what lets in."""

    async def works(self, haplo, headers):
        """Tell whether a control file is taken."""
        answer = await haplo.upload(
            "control", ("file", a_control(), "c.json"), headers=headers
        )
        return answer.status == 200

    async def test_basic_with_the_user_haplo(self, haplo):
        """Rule 1.2a: its password is a key."""
        assert await self.works(haplo, basic("haplo", haplo.key))

    async def test_another_user_name_is_a_login_of_the_product(self, haplo, members):
        """Rule 1.2a: a batch key behind it is not looked at."""
        members.join("ann", password="correct horse")
        assert await self.works(haplo, basic("ann", "correct horse"))
        refused(await haplo.post("batch", headers=basic("ann", "wrong")), NOBODY)
        refused(await haplo.post("batch", headers=basic("ann", haplo.key)), NOBODY)
        refused(await haplo.post("batch", headers=basic("Haplo", haplo.key)), NOBODY)

    async def test_a_key_in_a_header_of_its_own(self, haplo):
        """Rule 1.2a: without an Authorization header only."""
        assert await self.works(haplo, {"X-ONEIS-Key": haplo.key})
        both = {"X-ONEIS-Key": haplo.key} | basic("haplo", "x" * 44)
        refused(await haplo.post("batch", headers=both), NO_KEY)

    async def test_a_key_among_the_parameters_is_not_looked_at(self, haplo):
        """Rule 1.2a: neither in the body nor in the query string."""
        refused(await haplo.post("batch", headers={}, _ak=haplo.key), NOBODY)
        answer = await haplo.post("batch", headers={}, query=f"?_ak={haplo.key}")
        refused(answer, NOBODY)

    async def test_the_schemes_of_the_product(self, haplo, members):
        """Rule 1.2a: they are what they are everywhere."""
        header = members.join("ann")
        assert await self.works(haplo, header)
        own = {"Authorization": f"ApiKey {USERNAME}:{haplo.key}"}
        assert await self.works(haplo, own)

    async def test_any_key_of_whoever_may_edit_data(self, haplo, members):
        """Rule 1.2b: ``haplo`` with a user's own key."""
        header = members.join("ann")
        assert await self.works(haplo, basic("haplo", key_of(header)))
        add_domain(members.store, "other")
        elsewhere = members.join("bo", domain="other")
        answer = await haplo.post("batch", headers=basic("haplo", key_of(elsewhere)))
        refused(answer, NO_KEY)

    @pytest.mark.parametrize(
        "header", ["Basic", "Basic !!!", "Bearer x", "", "Digest haplo"]
    )
    async def test_a_header_that_says_nothing(self, haplo, header):
        """Is no key at all."""
        answer = await haplo.post("batch", headers={"Authorization": header})
        refused(answer, NOBODY)


class TestScope:
    """Rule 1.2e: the batch import and nothing else."""

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", f"/a/{DOMAIN}/api/case/v2"),
            ("POST", f"/a/{DOMAIN}/api/case/v2"),
            ("GET", f"/a/{DOMAIN}/api/ledger/v1/jobs"),
            ("GET", f"/a/{DOMAIN}/api/ledger/v1/changes"),
            ("POST", f"/a/{DOMAIN}/receiver/secure?authtype=basic"),
            ("POST", f"/a/{DOMAIN}/receiver/secure"),
            ("POST", f"/a/{DOMAIN}/receiver/api"),
            ("POST", f"/a/{DOMAIN}/importer/excel/bulk_upload_api"),
            ("GET", f"/a/{DOMAIN}/importer/history/uploads"),
            ("GET", f"{ADMIN}/batches"),
            ("POST", f"{ADMIN}/create-api-key"),
            ("GET", f"{ADMIN}/api-keys"),
            ("GET", f"/a/{DOMAIN}/api/case/v2/..%2F..%2Fhaplo-data-import-batch%2F"),
            ("GET", f"/a/{DOMAIN}%2Fapi%2Fhaplo-data-import-batch%2F/api/case/v2"),
        ],
    )
    async def test_a_batch_key_opens_nothing_else(self, haplo, method, path):
        """401 or 403 at every other API, whichever way the key is presented."""
        for headers in (
            basic(USERNAME, haplo.key),
            {"Authorization": f"ApiKey {USERNAME}:{haplo.key}"},
            basic("haplo", haplo.key),
            {"X-ONEIS-Key": haplo.key},
        ):
            answer = await haplo.api.request(
                method, path, headers={**headers, **JSON}, data=b"{}", anonymous=True
            )
            assert answer.status in {401, 403}, headers

    async def test_the_user_of_batch_keys_has_no_password(self, haplo):
        """Nobody signs in as the service user."""
        for secret in ("", "x", USERNAME):
            headers = basic(USERNAME, secret)
            answer = await haplo.api.get(
                haplo.api.cases, headers=headers, anonymous=True
            )
            assert answer.status == 401


class TestKeys:
    """Rules 1.2c and 1.2d, and the pages of rule 1.9 for keys."""

    async def test_a_key_is_shown_once(self, haplo):
        """44 characters of the alphabet; never in a list."""
        answer = await haplo.page("create-api-key", method="POST")
        key = answer.json["key"]
        assert list(answer.json) == ["key"]
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{42}[A-Za-z0-9]", key)
        assert (await haplo.post("batch", headers=basic("haplo", key))).status == 400
        listed = (await haplo.page("api-keys")).json["apiKeys"]
        assert len(listed) == 2
        assert set(listed[0]) == {"id", "name", "scope", "created"}
        assert {(one["name"], one["scope"]) for one in listed} == {(NAME, SCOPE)}
        shown = (await haplo.page(f"api-keys/{listed[1]['id']}")).json
        assert shown == listed[1]

    async def test_a_deleted_key_is_worthless(self, haplo):
        """At once for whoever has not used it just now."""
        (one,) = (await haplo.page("api-keys")).json["apiKeys"]
        answer = await haplo.page(f"api-keys/{one['id']}", method="DELETE")
        assert answer.json == {"deleted": one["id"]}
        refused(await haplo.post("batch"), NO_KEY)
        assert (await haplo.page("api-keys")).json == {"apiKeys": []}
        for method in ("DELETE", "GET"):
            answer = await haplo.page(f"api-keys/{one['id']}", method=method)
            assert answer.status == 404

    async def test_only_batch_keys_can_be_deleted_here(self, haplo, members):
        """The keys of people are none of this page's."""
        with members.store.reading(DOMAIN) as reader:
            keys = {key.name: key.key_id for key in list_keys(reader)}
        answer = await haplo.page(f"api-keys/{keys['']}", method="DELETE")
        assert answer.status == 404

    async def test_keys_are_made_and_deleted_by_admins(self, haplo, members):
        """Rule R0.9: an editor sees the list."""
        editor = members.join("ann")
        (one,) = (await haplo.page("api-keys")).json["apiKeys"]
        for method, place, status in (
            ("POST", "create-api-key", 403),
            ("DELETE", f"api-keys/{one['id']}", 403),
            ("POST", f"api-keys/{one['id']}", 403),
            ("GET", "api-keys", 200),
        ):
            answer = await haplo.page(place, method=method, headers=editor)
            assert answer.status == status

    async def test_one_service_user_for_a_domain(self, haplo, members):
        """Made on first use, an editor, and an entry of the log."""
        await haplo.page("create-api-key", method="POST")
        with members.store.reading(DOMAIN) as reader:
            user = find_user(reader, USERNAME)
            entries = [entry for entry, _ in entries_after(reader, 0, limit=100)]
        assert (user.role, user.password_hash) == ("editor", None)
        made = [e for e in entries if e.details.get("username") == USERNAME]
        assert [e.details["action"] for e in made] == ["user created"]

    async def test_a_deleted_service_user_is_told(self, haplo, members):
        """Its name stays taken, so no key can be made; that is said."""
        with members.store.writing(DOMAIN) as writer:
            delete_user(writer, find_user(writer, USERNAME), author=OPERATOR)
        refused(await haplo.post("batch"), NO_KEY)
        answer = await haplo.page("create-api-key", method="POST")
        assert answer.status == 400
        assert USERNAME in answer.error

    async def test_a_key_is_neither_kept_nor_logged(self, haplo, members, caplog):
        """No table, no entry and no line of the log holds it, nor its first part."""
        caplog.set_level(0)
        key = (await haplo.page("create-api-key", method="POST")).json["key"]
        assert (await haplo.post("batch", headers=basic("haplo", key))).status == 400
        refused(await haplo.post("batch", headers=basic("haplo", f"{key}x")), NO_KEY)
        with members.store.reading(DOMAIN) as reader:
            kept = repr((list_keys(reader), entries_after(reader, 0, limit=100)))
        assert key[:16] not in kept
        assert key[:16] not in caplog.text
