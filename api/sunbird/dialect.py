"""The envelope of Sunbird's answers, and how that API says no. Pure.

``rules/batch-imports.md`` 2.2 and 2.3.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from typing import Any

import orjson

from api.wire.dialects import JSON_TYPE, Dialect, Rendered
from api.wire.problems import Problem
from importers.sunbird.rules.columns import Code, Refused
from importers.sunbird.rules.known import FAILED
from ledger.clock import now_micros
from ledger.ids import new_hex_id
from ledger.times import Micros, format_micros

USER_UPLOAD = "api.user.upload"
ORG_UPLOAD = "api.org.upload"
LOCATION_UPLOAD = "api.bulk.location.upload"
STATUS = "api.upload.status"

_UNAUTHORIZED = "UNAUTHORIZED_USER"
_NOT_AUTHORIZED = "You are not authorized."
_NOT_FOUND = "RESOURCE_NOT_FOUND"
_DEFECT = "INTERNAL_ERROR"
_SERVER_ERROR = "SERVER_ERROR"
_CLIENT_ERROR = "CLIENT_ERROR"

MESSAGE_ID: ContextVar[str] = ContextVar("message_id", default="")
"""What a request calls itself; its answer says it again."""


def envelope(api_id: str, *, now: Micros) -> tuple[bytes, bytes]:
    """Return what stands before and behind the result of an answer that says yes."""
    params = {"err": None, "status": "success", "errmsg": None}
    body = orjson.dumps(_body(api_id, params, "OK", now=now))
    return body[: -len(b"{}}")], b"}"


def refusal(refused: Refused) -> Problem:
    """Return the 400 for a file that cannot be taken (rule 2.3.2)."""
    return Problem(400, refused.text, details={"err": refused.code.value})


def _body(
    api_id: str, params: dict[str, Any], response_code: str, *, now: Micros
) -> dict[str, Any]:
    message_id = MESSAGE_ID.get() or new_hex_id()
    return {
        "id": api_id,
        "ver": "v1",
        "ts": _time(now),
        "params": {"resmsgid": None, "msgid": message_id, **params},
        "responseCode": response_code,
        "result": {},
    }


def _time(now: Micros) -> str:
    """Return a time with a colon before its milliseconds, as the service has it."""
    text = format_micros(now)
    return f"{text[:10]} {text[11:19]}:{text[20:23]}+0000"


def _render(api_id: str, problem: Problem) -> Rendered:
    code, text = _told(problem)
    response_code = _CLIENT_ERROR
    if problem.status >= 500:  # noqa: PLR2004
        response_code = _SERVER_ERROR
    elif code == _NOT_FOUND:
        response_code = _NOT_FOUND
    # The service says so of those who are nobody, and of nothing else.
    status = _SERVER_ERROR if problem.status == 401 else code  # noqa: PLR2004
    params = {"err": code, "status": status, "errmsg": text}
    body = _body(api_id, params, response_code, now=now_micros())
    return Rendered(problem.status, orjson.dumps(body), JSON_TYPE)


def _told(problem: Problem) -> tuple[str, str]:
    """Return the code and the text of a problem in the words of the service."""
    if "err" in problem.details:
        return problem.details["err"], problem.text
    if problem.status in {401, 403}:
        return _UNAUTHORIZED, _NOT_AUTHORIZED
    if problem.status == 404:  # noqa: PLR2004
        return _NOT_FOUND, "Requested resource not found"
    if problem.status == 413:  # noqa: PLR2004
        return Code.TOO_LARGE.value, problem.text
    if problem.status >= 500:  # noqa: PLR2004
        return _DEFECT, FAILED
    return Code.INVALID_DATA.value, problem.text


def dialect_of(api_id: str) -> Dialect:
    """Return how one of the four addresses says no."""
    return Dialect(api_id, partial(_render, api_id))
