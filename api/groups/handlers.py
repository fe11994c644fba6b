"""Handlers of groups (``rules/hq-apis.md`` 9): parse, one call, render."""

from __future__ import annotations

import orjson
from aiohttp import web
from aiohttp.hdrs import LOCATION

from api.groups import changes
from api.groups.wire import NAME, Team, group_to_wire, parse_objects
from api.http.directory import changed, looked_up
from api.http.hq import answer, format_of, object_of, query_of, resource_path
from api.http.requests import place_of
from api.wire.formats import Format
from api.wire.list_v0_5 import Page, listed, single
from ledger.directory.groups import count_groups, groups_from
from ledger.errors import Conflict
from ledger.forms.names import printable
from ledger.store import Reader


async def list_groups(request: web.Request) -> web.Response:
    """Answer a page of the groups, by name."""
    query = query_of(request)
    page, asked = query.page(), format_of(request, query)
    total, found = await looked_up(request, _page, page=page)
    path = _path(request)
    shown = [group_to_wire(team, path=path) for team in found]
    meta = query.meta(page, total=total)
    return answer(listed(meta, shown, asked=asked), written=asked)


async def get_group(request: web.Request) -> web.Response:
    """Answer one group."""
    group_id = place_of(request, "group_id")
    found = await looked_up(request, changes.the_team, group_id=group_id)
    asked = format_of(request, query_of(request))
    shown = group_to_wire(found, path=_path(request))
    return answer(single(shown, asked=asked), written=asked)


async def create_group(request: web.Request) -> web.Response:
    """Make a group and answer it (rule 9.2)."""
    body = await object_of(request)
    try:
        made = await changed(request, changes.create, body=body)
    except Conflict as refused:
        if refused.field != NAME:
            raise
        text = printable(refused.text)
        told = orjson.dumps({"error": text, "error_message": text})
        return answer(told, status=400)
    shown = group_to_wire(made, path=_path(request))
    response = answer(single(shown, asked=Format.JSON), status=201)
    response.headers[LOCATION] = shown["resource_uri"]
    return response


async def change_group(request: web.Request) -> web.Response:
    """Change what the body names and answer the group."""
    body, path = await object_of(request), _path(request)
    group_id = place_of(request, "group_id")
    team = await changed(
        request, changes.change, group_id=group_id, body=body, path=path
    )
    return answer(single(group_to_wire(team, path=path), asked=Format.JSON))


async def delete_group(request: web.Request) -> web.Response:
    """Take a group away; cases keep its id as owner."""
    group_id = place_of(request, "group_id")
    await changed(request, changes.delete, group_id=group_id)
    return web.Response(status=204)


async def put_groups(request: web.Request) -> web.Response:
    """Make or change many groups; each place of the answer has the id or the reason."""
    bodies = parse_objects(await object_of(request))
    outcomes = await changed(
        request, changes.put_all, bodies=bodies, path=_path(request)
    )
    told = [found.problem or found.group_id for found in outcomes]
    failed = any(found.problem for found in outcomes)
    return answer(orjson.dumps(told), status=400 if failed else 202)


def _page(r: Reader, *, page: Page) -> tuple[int, list[Team]]:
    found = groups_from(r, limit=page.limit, offset=page.offset)
    return count_groups(r), changes.teams_of(r, found)


def _path(request: web.Request) -> str:
    """Return the path of the list of groups as it was asked by."""
    older = "hq_group_read" in request.match_info
    return resource_path(request, "hq_group_read" if older else "hq_group")
