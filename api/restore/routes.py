"""The rows of restores in the table of routes."""

from __future__ import annotations

from api.restore import handlers as restore
from api.restore.dialect import RESTORE
from api.restore.openapi import RESTORE_DOCUMENT, RESTORE_PARAMETERS
from api.wire.permissions import Permission
from api.wire.route import Route

_PHONE = "/a/{domain}/phone"
_TAG = "Devices"


def _restore(place: str, operation: str, summary: str) -> Route:
    return Route(
        method="GET",
        path=f"{_PHONE}/restore{place}",
        handler=restore.restore,
        permission=Permission.MEMBER,
        dialect=RESTORE,
        summary=summary,
        tag=_TAG,
        operation=operation,
        answers=(200, 400, 401, 403, 404, 406, 412, 429),
        parameters=RESTORE_PARAMETERS,
        result=RESTORE_DOCUMENT,
        identify=restore.identify_device,
        is_rated=False,
    )


ROUTES: tuple[Route, ...] = (
    _restore("", "restore", "Send a device the cases of its user"),
    _restore("/{app_id}", "restore_app", "Send them to a device with an application"),
)
