"""The rows of groups in the table of routes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from api.groups import handlers as groups
from api.groups.openapi import (
    GROUP,
    GROUP_CHANGE,
    GROUP_IDS,
    GROUPS,
    LIST_QUERY,
    MANY_GROUPS,
    NAME_TAKEN,
    NEW_GROUP,
    SOME_FAILED,
)
from api.http.hq import identify
from api.openapi.hq import FORMAT
from api.openapi.shapes import as_json
from api.wire.permissions import Permission
from api.wire.route import Route, hq_route

_ALL = "/a/{domain}/{hq_group}"
_ONE = f"{_ALL}/{{group_id}}"
_OLDER = "/a/{domain}/{hq_group_read}"

_row = partial(hq_route, tag="Groups", identify=identify)
_reading = partial(_row, permission=Permission.READ_DATA)
_writing = partial(_row, permission=Permission.MANAGE)

_LIST = _reading(
    "GET",
    _ALL,
    groups.list_groups,
    "List groups",
    operation="list_groups",
    parameters=LIST_QUERY,
    result=as_json(GROUPS),
)
_GET = _reading(
    "GET",
    _ONE,
    groups.get_group,
    "Get a group",
    operation="get_group",
    answers=(200, 404),
    parameters=(FORMAT,),
    result=as_json(GROUP),
)

ROUTES: tuple[Route, ...] = (
    _LIST,
    replace(
        _writing(
            "POST",
            _ALL,
            groups.create_group,
            "Make a group",
            answers=(201, 400, 413),
            body=as_json(NEW_GROUP),
            result=as_json(GROUP),
        ),
        problem=NAME_TAKEN,
    ),
    replace(
        _writing(
            "PATCH",
            _ALL,
            groups.put_groups,
            "Make or change many groups",
            answers=(202, 400, 413),
            body=as_json(MANY_GROUPS),
            result=as_json(GROUP_IDS),
        ),
        problem=SOME_FAILED,
    ),
    _GET,
    _writing(
        "PUT",
        _ONE,
        groups.change_group,
        "Change a group",
        answers=(200, 400, 404, 413),
        body=as_json(GROUP_CHANGE),
        result=as_json(GROUP),
    ),
    _writing(
        "DELETE",
        _ONE,
        groups.delete_group,
        "Take a group away",
        answers=(204, 404),
    ),
    replace(_LIST, path=_OLDER, operation="list_groups_v0_4", listed=False),
    replace(
        _GET, path=f"{_OLDER}/{{group_id}}", operation="get_group_v0_4", listed=False
    ),
)
