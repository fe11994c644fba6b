"""What a row of the table of routes is. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.wire.dialects import CASE_V2, HQ, Dialect
from api.wire.hq_paths import HQ_SPELLINGS
from api.wire.permissions import Permission

LEDGER = "/a/{domain}/api/ledger/v1"
"""Where our own API lives, next to those that others defined."""

SPELLINGS: Mapping[str, Sequence[str]] = {
    "case_api": ("api/case/v2", "api/v0.6/case"),
    "bulk_fetch": ("bulk-fetch", "bulk_fetch"),
    "user_upload": ("api/user/v1/upload", "user/v1/upload"),
    "org_upload": ("api/org/v1/upload", "org/v1/upload"),
    "location_upload": (
        "api/data/v1/bulk/location/upload",
        "data/v1/bulk/location/upload",
    ),
    "upload_status": ("api/data/v1/upload/status", "data/v1/upload/status"),
    **HQ_SPELLINGS,
}
"""The placeholders that only stand for spellings of one thing; documents write the
first."""

SHAPES: Mapping[str, str] = {"app_id": r"[\w-]+"}
"""What a path segment must be at a placeholder, where not everything is good."""

TAILS: Mapping[str, str] = {
    "external_id": r"[\s\S]+",
    "file": r"[\w./-]+",
    "attachment": r"[\s\S]+",
}
"""The placeholders at the end of a path that take all that is left, slashes too."""

_READING = frozenset({"GET", "HEAD", "OPTIONS", "*"})
"""Methods that change nothing; the rows for any method refuse."""

PLACEHOLDER = re.compile(r"\{(\w+)\}")

Shape = Mapping[str, Any]
"""What ``api/openapi/shapes.py`` makes, for the description of the API."""

Content = Shape
"""What a body may be: a schema for each media type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row of the table.

    ``answers`` lists every status that the route itself can answer; what the shell
    around it answers is added by ``api/openapi/document.py``. ``listed`` rows are
    described there. ``problem`` is what an answer of 400 and more says, where that is
    not what its dialect does everywhere.
    ``identify`` finds out who is asking where an API has a way of its own to say so.
    Where it ``takes_files``, the handler itself says how long a body may be.
    """

    method: str
    path: str
    handler: Callable[..., Any]
    permission: Permission
    dialect: Dialect
    summary: str = ""
    tag: str = ""
    answers: tuple[int, ...] = (200,)
    parameters: tuple[Shape, ...] = ()
    body: Content | None = None
    result: Content | None = None
    problem: Content | None = None
    listed: bool = True
    operation: str = ""
    identify: Callable[..., Any] | None = None
    takes_files: bool = False
    is_rated: bool = True
    """Whether calls count against the rate limits of the domain, if it has any."""

    @property
    def name(self) -> str:
        """Return the id of the operation: the handler's name where nothing is said."""
        return self.operation or self.handler.__name__

    @property
    def writes(self) -> bool:
        """Tell whether the method is one that may change something."""
        return self.method not in _READING

    @property
    def written_path(self) -> str:
        """Return the path as documents write it."""
        return PLACEHOLDER.sub(
            lambda found: SPELLINGS.get(found[1], found)[0], self.path
        )


def json_route(
    method: str,
    path: str,
    handler: Callable[..., Any],
    summary: str,
    *,
    permission: Permission,
    tag: str,
    answers: tuple[int, ...] = (200,),
    parameters: tuple[Shape, ...] = (),
    body: Content | None = None,
    result: Content | None = None,
    problem: Content | None = None,
) -> Route:
    """Return a row whose problems are JSON objects, where it says nothing else."""
    return Route(
        method=method,
        path=path,
        handler=handler,
        permission=permission,
        dialect=CASE_V2,
        summary=summary,
        tag=tag,
        answers=answers,
        parameters=parameters,
        body=body,
        result=result,
        problem=problem,
    )


def hq_route(
    method: str,
    path: str,
    handler: Callable[..., Any],
    summary: str,
    *,
    permission: Permission,
    tag: str,
    identify: Callable[..., Any],
    answers: tuple[int, ...] = (200, 400),
    parameters: tuple[Shape, ...] = (),
    body: Content | None = None,
    result: Content | None = None,
    listed: bool = True,
    is_rated: bool = True,
    operation: str = "",
) -> Route:
    """Return a row of HQ's other APIs (``rules/hq-frame.md`` 1).

    ``identify`` is ``api/http/hq.identify`` where a key may come in the query.
    """
    return Route(
        method=method,
        path=path,
        handler=handler,
        permission=permission,
        dialect=HQ,
        summary=summary,
        tag=tag,
        answers=answers,
        parameters=parameters,
        body=body,
        result=result,
        listed=listed,
        is_rated=is_rated,
        operation=operation,
        identify=identify,
    )


def preflight(path: str, handler: Callable[..., Any]) -> Route:
    """Return the row in which a browser asks what it may ask."""
    return Route(
        method="OPTIONS",
        path=path,
        handler=handler,
        permission=Permission.OPEN,
        dialect=CASE_V2,
        listed=False,
    )
