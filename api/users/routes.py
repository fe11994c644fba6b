"""The rows of mobile workers in the table of routes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from api.http.hq import identify
from api.openapi.hq import FORMAT
from api.openapi.shapes import as_json
from api.users import handlers as users
from api.users.openapi import (
    BULK_QUERY,
    DONE,
    LIST_QUERY,
    NEW_WORKER,
    NOTHING,
    WORKER,
    WORKER_CHANGE,
    WORKERS,
    WORKERS_IN_BULK,
)
from api.wire.permissions import Permission
from api.wire.route import Route, hq_route

_ALL = "/a/{domain}/{hq_user}"
_ONE = f"{_ALL}/{{user_id}}"
_OLDER = "/a/{domain}/{hq_user_read}"

_row = partial(hq_route, tag="Mobile workers", identify=identify)
_reading = partial(_row, permission=Permission.READ_DATA)
_writing = partial(_row, permission=Permission.MANAGE)

_LIST = _reading(
    "GET",
    _ALL,
    users.list_workers,
    "List mobile workers",
    parameters=LIST_QUERY,
    result=as_json(WORKERS),
)
_GET = _reading(
    "GET",
    _ONE,
    users.get_worker,
    "Get a mobile worker",
    answers=(200, 400, 404),
    parameters=(FORMAT,),
    result=as_json(WORKER),
)

ROUTES: tuple[Route, ...] = (
    _LIST,
    _writing(
        "POST",
        _ALL,
        users.create_worker,
        "Make a mobile worker",
        answers=(201, 400, 413),
        body=as_json(NEW_WORKER),
        result=as_json(WORKER),
    ),
    _GET,
    _writing(
        "PUT",
        _ONE,
        users.change_worker,
        "Change a mobile worker",
        answers=(200, 400, 404, 413),
        body=as_json(WORKER_CHANGE),
        result=as_json(WORKER),
    ),
    _writing(
        "DELETE",
        _ONE,
        users.delete_worker,
        "Take a mobile worker away",
        answers=(204, 404),
    ),
    _writing(
        "POST",
        f"{_ONE}/activate",
        users.activate_worker,
        "Open the account of a mobile worker",
        answers=(202, 404, 413),
        body=as_json(NOTHING),
        result=as_json(DONE),
    ),
    _writing(
        "POST",
        f"{_ONE}/deactivate",
        users.deactivate_worker,
        "Close the account of a mobile worker",
        answers=(202, 404, 413),
        body=as_json(NOTHING),
        result=as_json(DONE),
    ),
    _writing(
        "POST",
        f"{_ONE}/email_password_reset",
        users.reset_password,
        "Ask for a mail with a link, which this server does not send",
        answers=(400, 404, 413),
        body=as_json(NOTHING),
    ),
    replace(_LIST, path=_OLDER, operation="list_workers_v0_4", listed=False),
    replace(
        _GET, path=f"{_OLDER}/{{user_id}}", operation="get_worker_v0_4", listed=False
    ),
    _reading(
        "GET",
        "/a/{domain}/{hq_bulk_user}",
        users.list_in_bulk,
        "List mobile workers with a few keys of each",
        parameters=BULK_QUERY,
        result=as_json(WORKERS_IN_BULK),
    ),
)
