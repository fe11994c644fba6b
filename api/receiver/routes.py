"""The rows of the device receiver in the table of routes."""

from __future__ import annotations

from typing import Any

from api.http.middleware import Handler
from api.receiver import handlers as receiver
from api.receiver.openapi import OPENROSA_ANSWER, SUBMISSION
from api.wire.dialects import OPENROSA
from api.wire.permissions import Permission
from api.wire.route import Route

_RECEIVER = "/a/{domain}/receiver"
_TAKEN = (201, 400, 401, 403, 404, 406, 413, 422, 429)


def _address(
    place: str,
    take: Handler,
    announce: Handler,
    *,
    operation: str,
    permission: Permission = Permission.OPEN,
) -> tuple[Route, Route]:
    """Return the rows of one receiver address (rules/submission.md 1.1).

    Whether somebody must sign in there depends on the domain, and how on the query
    string. So they authenticate in their handlers, and their rows are open.
    """

    def row(method: str, handler: Handler, **more: Any) -> Route:
        return Route(
            method=method,
            path=_RECEIVER + place,
            handler=handler,
            permission=permission,
            dialect=OPENROSA,
            tag="Devices",
            **more,
        )

    return (
        row(
            "POST",
            take,
            summary="Submit a form",
            operation=operation,
            answers=_TAKEN,
            body=SUBMISSION,
            result=OPENROSA_ANSWER,
        ),
        row(
            "HEAD",
            announce,
            summary="Ask how large a form may be",
            operation=f"announce_{operation}",
            answers=(204, 400, 401, 403, 404, 406, 429),
        ),
    )


ROUTES: tuple[Route, ...] = (
    *_address("", receiver.receive_form, receiver.announce, operation="submit_form"),
    *_address(
        "/submission",
        receiver.receive_form,
        receiver.announce,
        operation="submit_form_as_odk_does",
    ),
    *_address(
        "/secure",
        receiver.receive_secure_form,
        receiver.announce_secure,
        operation="submit_form_securely",
    ),
    *_address(
        "/secure/{app_id}",
        receiver.receive_secure_form,
        receiver.announce_secure,
        operation="submit_form_of_app_securely",
    ),
    *_address(
        "/api",
        receiver.receive_server_form,
        receiver.announce,
        operation="submit_form_from_server",
        permission=Permission.EDIT_DATA,
    ),
    *_address(
        "/{app_id}",
        receiver.receive_form,
        receiver.announce,
        operation="submit_form_of_app",
    ),
)
