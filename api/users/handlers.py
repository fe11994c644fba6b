"""Handlers of mobile workers (``rules/hq-apis.md`` 6): parse, one call, render."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, NoReturn

from aiohttp import web
from aiohttp.hdrs import LOCATION

from api.http.directory import changed, looked_up
from api.http.hq import answer, format_of, object_of, query_of, resource_path
from api.http.keys import PRINCIPAL, STORE
from api.http.requests import place_of
from api.users import changes
from api.users.fields import PASSWORD
from api.users.query import bulk_query, has_words, which_workers
from api.users.wire import Worker, bulk_to_wire, worker_to_wire
from api.wire.formats import Format
from api.wire.list_v0_5 import Page, listed, single
from api.wire.problems import invalid
from ledger.directory.groups import get_group
from ledger.directory.passwords import hash_password
from ledger.directory.user_lists import count_users, users_from
from ledger.directory.values import User, WhichUsers
from ledger.errors import Conflict
from ledger.forms.names import printable
from ledger.store import Reader

_EVERY = WhichUsers(workers=True)
_ALL_AT_ONCE = 1_000_000


async def list_workers(request: web.Request) -> web.Response:
    """Answer a page of the workers, by username (rule 6.2)."""
    query, domain = query_of(request), request[PRINCIPAL].domain
    page, which = query.page(), which_workers(query, domain)
    total, found = await looked_up(request, _page, which=which, page=page)
    path, asked = _path(request), format_of(request, query)
    shown = [worker_to_wire(worker, path=path) for worker in found]
    meta = query.meta(page, total=total)
    return answer(listed(meta, shown, asked=asked), written=asked)


async def get_worker(request: web.Request) -> web.Response:
    """Answer one worker."""
    query, user_id = query_of(request), place_of(request, "user_id")
    which_workers(query, request[PRINCIPAL].domain)
    found = await looked_up(request, _one, user_id=user_id)
    asked = format_of(request, query)
    shown = worker_to_wire(found, path=_path(request))
    return answer(single(shown, asked=asked), written=asked)


async def create_worker(request: web.Request) -> web.Response:
    """Make a worker and answer it, with where it is from now on (rule 6.3)."""
    body = await object_of(request)
    await looked_up(request, changes.judge_new, body=body)
    hashed = await _hashed(body)
    made = await changed(
        request, changes.create_worker, body=body, password_hash=hashed
    )
    shown = worker_to_wire(made, path=_path(request))
    response = answer(single(shown, asked=Format.JSON), status=201)
    response.headers[LOCATION] = shown["resource_uri"]
    return response


async def change_worker(request: web.Request) -> web.Response:
    """Change what the body names and answer the worker (rule 6.4)."""
    body, path = await object_of(request), _path(request)
    wish = {"user_id": place_of(request, "user_id"), "body": body, "path": path}
    await looked_up(request, changes.judge_change, **wish)
    hashed = await _hashed(body)
    worker = await changed(request, changes.change_worker, password_hash=hashed, **wish)
    return answer(single(worker_to_wire(worker, path=path), asked=Format.JSON))


async def delete_worker(request: web.Request) -> web.Response:
    """Take a worker away; forms and cases stay as they are (rule 6.5)."""
    user_id = place_of(request, "user_id")
    await changed(request, changes.delete_worker, user_id=user_id)
    return web.Response(status=204)


async def activate_worker(request: web.Request) -> web.Response:
    """Open the account of a worker again."""
    return await _open_or_close(request, active=True)


async def deactivate_worker(request: web.Request) -> web.Response:
    """Close the account of a worker, who leaves the list and cannot sign in."""
    return await _open_or_close(request, active=False)


async def reset_password(request: web.Request) -> NoReturn:
    """Refuse to send a link: there is no mail here; raises a 400 ``Problem``."""
    user_id = place_of(request, "user_id")
    await looked_up(request, _one, user_id=user_id)
    raise invalid("This server sends no mail: set a password with PUT instead")


async def list_in_bulk(request: web.Request) -> web.Response:
    """Answer a page of the workers that have some words, with a few keys of each."""
    query = query_of(request)
    page, wanted = query.page(), bulk_query(query)
    store, domain = request.app[STORE], request[PRINCIPAL].domain
    total, found = await store.scan(
        domain, partial(_with_words, words=wanted.words, page=page)
    )
    # What is shown of a worker here is one of the list of users.
    path = resource_path(request, "hq_bulk_user").replace("bulk-user", "user")
    shown = [bulk_to_wire(user, wanted.keys, path=path) for user in found]
    asked, meta = format_of(request, query), query.meta(page, total=total)
    return answer(listed(meta, shown, asked=asked), written=asked)


# -- reads -------------------------------------------------------------------


def _page(r: Reader, *, which: WhichUsers, page: Page) -> tuple[int, list[Worker]]:
    group_id = which.group_id
    if group_id is not None and get_group(r, group_id) is None:
        text = f"Project {r.domain} has no group with id={printable(group_id)}"
        raise Conflict(text, field="group")
    total = count_users(r, which)
    found = users_from(r, which, limit=page.limit, offset=page.offset)
    return total, changes.workers_of(r, found)


def _one(r: Reader, *, user_id: str) -> Worker:
    return changes.workers_of(r, [changes.the_worker(r, user_id)])[0]


def _with_words(
    r: Reader, *, words: tuple[str, ...], page: Page
) -> tuple[int, list[User]]:
    if not words:
        found = users_from(r, _EVERY, limit=page.limit, offset=page.offset)
        return count_users(r, _EVERY), found
    every = users_from(r, _EVERY, limit=_ALL_AT_ONCE, offset=0)
    found = [user for user in every if has_words(user, words)]
    return len(found), found[page.offset : page.offset + page.limit]


# -- on the way --------------------------------------------------------------


async def _open_or_close(request: web.Request, *, active: bool) -> web.Response:
    user_id = place_of(request, "user_id")
    await changed(request, changes.open_or_close, user_id=user_id, active=active)
    return answer(b"{}", status=202)


async def _hashed(body: Mapping[str, Any]) -> str | None:
    """Return the hash of a body's password, made beside the transaction.

    It takes long on purpose, and other writes would wait for it. So a body is judged
    once before: what is refused shall not cost it.
    """
    password = body.get(PASSWORD)
    if not isinstance(password, str) or not password:
        return None
    return await asyncio.to_thread(hash_password, password)


def _path(request: web.Request) -> str:
    """Return the path of the list of workers as it was asked by."""
    known = (name for name in ("hq_user", "hq_user_read") if name in request.match_info)
    return resource_path(request, next(known))
