"""How the Excel import says no (``rules/excel-import.md`` 1 and 3.2). Pure."""

from __future__ import annotations

import orjson

from api.wire.dialects import JSON_TYPE, Dialect, Rendered
from api.wire.problems import Problem

_UNAUTHORIZED = 401
_TOO_LARGE = 413


def _render(problem: Problem) -> Rendered:
    if problem.status == _UNAUTHORIZED:
        text = problem.text.encode("utf-8", "backslashreplace")
        return Rendered(problem.status, text, "text/plain")
    # Clients know one code for whatever is wrong with a file.
    code = 500 if problem.status == _TOO_LARGE else problem.status
    body = {"code": code, "message": problem.text, **problem.details}
    return Rendered(problem.status, orjson.dumps(body), JSON_TYPE)


EXCEL = Dialect("excel", _render, tells_methods=True)
"""``{"code": number, "message": text}``; plain text where credentials are missing."""
