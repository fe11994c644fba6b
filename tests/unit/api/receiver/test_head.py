"""Heads of submissions (``rules/submission.md`` 1.1, 1.2, 1.4)."""

from __future__ import annotations

import orjson
import pytest

from api.http.auth import Principal
from api.receiver.head import (
    Origin,
    date_header,
    envelope,
    is_practice,
    permission_of,
    submit_time,
)
from api.wire.auth_types import AuthType, auth_type
from api.wire.permissions import Permission, granted
from api.wire.problems import Problem
from ledger.forms.form_xml import parse_form

SUBMITTED = {"X-Submit-Time": "2024-03-05T09:00:00+02:00"}
V2 = "http://commcarehq.org/case/transaction/v2"


def a_principal(role: str = "mobile") -> Principal:
    return Principal(
        domain="demo",
        user_id="u1",
        username="amina",
        key_id=None,
        permissions=granted(role, reading_only=False),
    )


def a_form(inner: str = "", user_id: str = "demo_user", xmlns: str = "urn:f"):
    meta = f"<meta><userID>{user_id}</userID></meta>"
    return parse_form(f'<data xmlns="{xmlns}">{meta}{inner}</data>'.encode())


class TestAuthType:
    """Rule 1.2."""

    @pytest.mark.parametrize(
        ("header", "kind"),
        [
            (None, "basic"),
            ("Basic eA==", "basic"),
            ("BASIC eA==", "basic"),
            ('Digest username="x"', "digest"),
            ("ApiKey a:b", "api_key"),
            ("Bearer t", "oauth2"),
            ("Other t", "basic"),
            ("", "basic"),
        ],
    )
    def test_the_kind_is_guessed_from_the_header(self, header, kind):
        """Without `authtype`, default basic."""
        assert auth_type({}, header) == kind

    def test_noauth_is_only_asked_for(self):
        """`authtype=noauth`, whatever the header says."""
        assert auth_type({"authtype": "noauth"}, None) is AuthType.NOAUTH
        assert auth_type({"authtype": "noauth"}, "Basic eA==") is AuthType.NOAUTH

    def test_an_unknown_kind_is_refused(self):
        """Unknown value: 400 with the list."""
        with pytest.raises(Problem) as caught:
            auth_type({"authtype": "magic"}, None)
        assert caught.value.status == 400
        assert caught.value.text == (
            "authtype must be one of: basic, digest, noauth, api_key, oauth2"
        )

    @pytest.mark.parametrize("header", [None, "Basic eA=="])
    def test_credentials_of_another_kind_do_not_count(self, header):
        """`authtype` names the kind of the credentials."""
        with pytest.raises(Problem) as caught:
            auth_type({"authtype": "api_key"}, header)
        assert caught.value.status == 401

    def test_keys_act_for_users_who_edit(self):
        """Rule 1.2.4: keys are for who edits data, passwords for mobile workers."""
        assert permission_of(AuthType.API_KEY) is Permission.EDIT_DATA
        assert permission_of(AuthType.BASIC) is Permission.SUBMIT_FORMS


def test_practice_is_asked_for():
    """Rule 1.1.6: `submit_mode=demo`."""
    assert is_practice({"submit_mode": "demo"})
    assert not is_practice({"submit_mode": "live"})
    assert not is_practice({})


class TestEnvelope:
    """Rules 1.4.1 to 1.4.4; ``rules/case-xml.md`` 14.2."""

    def test_what_is_there_is_kept(self):
        """Rule 1.4: stored headers."""
        headers = {
            "X-OpenRosa-Version": "3.0",
            "Accept-Language": "fr",
            "Date": "Mon, 11 Apr 2011 18:24:43 GMT",
            "X-CommCareHQ-LastSyncToken": "s1",
            "Authorization": "Basic c2VjcmV0",
        }
        origin = Origin(path="/a/demo/receiver/app/", remote="10.0.0.1", app_id="app")
        assert envelope(headers, origin, a_principal()) == {
            "path": "/a/demo/receiver/app/",
            "submit_ip": "10.0.0.1",
            "app_id": "app",
            "date_header": "2011-04-11T18:24:43Z",
            "last_sync_token": "s1",
            "openrosa_headers": {"X-OpenRosa-Version": "3.0", "Accept-Language": "fr"},
            "auth_context": {"user_id": "u1", "domain": "demo"},
        }

    def test_what_is_not_there_is_left_out(self):
        """``rules/case-xml.md`` 14.2: only what the request said."""
        assert envelope({}, Origin(path="/a"), None) == {"path": "/a"}

    def test_headers_cannot_grow_or_break_the_log(self):
        """Texts of headers are kept for ever: bounded, and always encodable."""
        headers = {"Accept-Language": "\udcff\x00" + "x" * 9000}
        kept = envelope(headers, Origin(path="/\udcff" + "y" * 9000), None)
        assert len(orjson.dumps(kept)) < 1200

    @pytest.mark.parametrize(
        ("text", "stored"),
        [
            ("Mon, 11 Apr 2011 18:24:43 GMT", "2011-04-11T18:24:43Z"),
            ("Mon, 11 Apr 2011 20:24:43 +0200", "2011-04-11T18:24:43Z"),
            ("Mon, 11 Apr 2011 18:24:43 -0000", "2011-04-11T18:24:43Z"),
            ("Mon, 99 Apr 2011 18:24:43 GMT", "Mon, 99 Apr 2011 18:24:43 GMT"),
            ("yesterday", "yesterday"),
            ("", None),
            (None, None),
        ],
    )
    def test_a_date_is_utc_or_stays_as_it_is(self, text, stored):
        """Rule 1.4.2: unparsable is stored as is, never refused."""
        assert date_header(text) == stored


class TestSubmitTime:
    """Rule D-d."""

    def test_an_administrator_may_say_when_a_form_came(self):
        """Rule D-d: honoured for trusted callers."""
        assert submit_time(SUBMITTED, a_principal("admin")) == 1_709_622_000_000_000

    @pytest.mark.parametrize("principal", [None, a_principal(), a_principal("editor")])
    def test_nobody_else_may(self, principal):
        """Rule D-d: else anybody could reorder history."""
        assert submit_time(SUBMITTED, principal) is None

    def test_no_header_is_no_time(self):
        """Rule D-d: X-Submit-Time."""
        assert submit_time({}, a_principal("admin")) is None

    def test_garbage_is_refused(self):
        """Rule D-d: an instant."""
        with pytest.raises(Problem, match="X-Submit-Time") as caught:
            submit_time({"X-Submit-Time": "soon"}, a_principal("admin"))
        assert caught.value.status == 400
