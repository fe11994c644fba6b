"""How each family of APIs says no. Pure.

A ``Problem`` is rendered by the dialect of its route, so that handlers of every API
raise the same problems.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import orjson

from api.wire.problems import InactiveUser, Problem

JSON_TYPE = "application/json"
_INACTIVE = "This user account is not active"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A problem as it goes to a client."""

    status: int
    body: bytes
    content_type: str
    charset: str | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """A family of APIs and its way to render a problem.

    Where it ``hides_methods``, one that a path does not serve is a 404 for everybody
    (``rules/batch-imports.md`` 1.1). Where it ``tells_methods``, one is refused before
    anybody is asked who they are (``rules/excel-import.md`` 1).
    Where it ``answers_options``, every path tells anybody its methods. It ``says_all``
    where no problem may go without a body. ``headers`` stand on every answer.
    """

    name: str
    render: Callable[[Problem], Rendered]
    hides_methods: bool = False
    tells_methods: bool = False
    answers_options: bool = False
    says_all: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)


def _json(problem: Problem) -> Rendered:
    body = {"error": problem.text, **problem.details}
    return Rendered(problem.status, orjson.dumps(body), JSON_TYPE)


def _hq(problem: Problem) -> Rendered:
    body = {"error": problem.text}
    if "request_id" in problem.details:
        body["request_id"] = problem.details["request_id"]
    return Rendered(problem.status, orjson.dumps(body), JSON_TYPE, "utf-8")


def _openrosa(problem: Problem) -> Rendered:
    if isinstance(problem, InactiveUser):
        # Phones know this answer and tell their user (rules/submission.md 1.2.5).
        body = {"error": "user.inactive", "default_response": _INACTIVE}
        return Rendered(406, orjson.dumps(body), JSON_TYPE)
    text = problem.text.encode("utf-8", "backslashreplace")
    return Rendered(problem.status, text, "text/plain")


CASE_V2 = Dialect("case_v2", _json)
"""``{"error": text}``, with further keys beside it where the rules name them."""

HQ = Dialect(
    "hq",
    _hq,
    answers_options=True,
    says_all=True,
    headers={
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Headers": "Content-Type, Authorization",
    },
)
"""``{"error": text}`` and nothing beside it (``rules/hq-frame.md`` 1.5)."""

OPENROSA = Dialect("openrosa", _openrosa)
"""Plain text; answers about a stored form are XML and made by the handler."""

PROCESS = Dialect("process", _json)
"""What health probes and the description of the API answer."""
