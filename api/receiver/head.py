"""What the head of a submission's request says: who, in which mode, from where. Pure.

The rules are those of ``rules/submission.md`` 1.1, 1.2 and 1.4. Texts of headers are
bounded and cleaned here, because they are kept for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

from api.wire.auth_types import AuthType
from api.wire.permissions import Permission, Principal
from api.wire.problems import invalid
from ledger.forms.xml import xml_safe
from ledger.times import Micros, parse_instant, to_micros

_LONGEST: Final = 500
_SUBMIT_TIME: Final = "X-Submit-Time"
_KEPT_HEADERS: Final = ("X-OpenRosa-Version", "Accept-Language")


_ASKS_FOR: Final = {AuthType.API_KEY: Permission.EDIT_DATA}


def permission_of(kind: AuthType) -> Permission:
    """Return what a sender must be allowed: keys act for users of the web."""
    return _ASKS_FOR.get(kind, Permission.SUBMIT_FORMS)


def is_practice(query: Mapping[str, str]) -> bool:
    """Tell whether a device says that its user only practises."""
    return query.get("submit_mode") == "demo"


def submit_time(
    headers: Mapping[str, str], principal: Principal | None
) -> Micros | None:
    """Return the time that replaces the receive time, of administrators only.

    Rule D-d. Raises the 400 ``Problem`` for one that is no time.
    """
    text = None if principal is None else headers.get(_SUBMIT_TIME)
    if text is None or principal is None:
        return None
    if Permission.MANAGE not in principal.permissions:
        return None
    try:
        return to_micros(parse_instant(text))
    except ValueError:
        raise invalid(f"{_SUBMIT_TIME} must be an ISO 8601 time") from None


class Origin(NamedTuple):
    """Where a request came from and where it went."""

    path: str
    remote: str | None = None
    app_id: str | None = None


def envelope(
    headers: Mapping[str, str], origin: Origin, principal: Principal | None
) -> dict[str, Any]:
    """Return what is kept of a request (``rules/case-xml.md`` 14): what is there.

    No credentials, no bodies; each text at most 500 characters.
    """
    path, remote, app_id = origin
    found: dict[str, Any] = {}
    if path:
        found["path"] = _kept(path)
    if remote:
        found["submit_ip"] = _kept(remote)
    if app_id:
        found["app_id"] = _kept(app_id)
    if date := date_header(headers.get("Date")):
        found["date_header"] = date
    if token := headers.get("X-CommCareHQ-LastSyncToken"):
        found["last_sync_token"] = _kept(token)
    said = {name: _kept(text) for name in _KEPT_HEADERS if (text := headers.get(name))}
    if said:
        found["openrosa_headers"] = said
    if principal is not None:
        found["auth_context"] = {
            "user_id": principal.user_id,
            "domain": principal.domain,
        }
    return found


def date_header(text: str | None) -> str | None:
    """Return a ``Date`` header as UTC without fraction; as sent when it is no date."""
    if not text:
        return None
    try:
        when = parsedate_to_datetime(text)
        # A zone of -0000 says "UTC, but not by the clock on the wall": no zone at all.
        utc = when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return _kept(text)
    return utc.strftime("%Y-%m-%dT%H:%M:%SZ")


def _kept(text: str) -> str:
    return xml_safe(text[:_LONGEST])
