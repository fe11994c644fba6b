"""How the batch import API is signed in to, and how it says no. Pure.

``rules/batch-imports.md`` 1.1.1 and 1.2: refusals of credentials are JSON objects with
a 403, everything else is a line of text.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from api.wire.credentials import (
    AUTHORIZATION,
    Credentials,
    Presented,
    read_header,
    read_key,
)
from api.wire.dialects import JSON_TYPE, Dialect, Rendered
from api.wire.problems import (
    InactiveUser,
    OutOfScope,
    Problem,
    UnknownKey,
    unauthenticated,
)

UNAUTHORISED = "Unauthorised: You are not permitted to perform that action"
NOT_AUTHORISED = "Not authorised"
INVALID_KEY = "Invalid API Key"

_KEY_HEADER = "X-ONEIS-Key"
_USERNAME = "haplo"


def by_key(headers: Mapping[str, str]) -> Presented:
    """Return what the headers of a request present; raises the 401 ``Problem``."""
    header = headers.get(AUTHORIZATION)
    if header is not None:
        return Presented(header, read_haplo_header)
    key = headers.get(_KEY_HEADER)
    if key is None:
        raise unauthenticated()
    return Presented(key, read_key)


def read_haplo_header(header: str) -> Credentials:
    """Return what ``Authorization`` says; the user ``haplo`` has a key for password."""
    found = read_header(header)
    if found.may_be_password and found.username == _USERNAME:
        return read_key(found.secret)
    return found


def _render(problem: Problem) -> Rendered:
    if isinstance(problem, UnknownKey | OutOfScope):
        return _refusal("INVALID-API-KEY", INVALID_KEY)
    if isinstance(problem, InactiveUser):
        return _refusal("UNAUTHORISED", NOT_AUTHORISED)
    if problem.status in {401, 403}:
        return _refusal("UNAUTHORISED", UNAUTHORISED)
    text = problem.text.encode("utf-8", "backslashreplace")
    return Rendered(problem.status, text, "text/plain")


def _refusal(kind: str, message: str) -> Rendered:
    body = {"success": False, "kind": kind, "error": {"message": message}}
    return Rendered(403, orjson.dumps(body), JSON_TYPE, charset="utf-8")


HAPLO = Dialect("haplo", _render, hides_methods=True)
"""Text, but JSON with a 403 where credentials do not reach."""
