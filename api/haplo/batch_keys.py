"""Handlers of the pages on which batch keys are made and deleted.

``rules/batch-imports.md`` 1.2 and 1.9.
"""

from __future__ import annotations

from functools import partial

from aiohttp import web

from api.haplo.pages import Answer, page
from api.haplo.wire import key_wire
from api.http.keys import PRINCIPAL, STORE, WRITER
from api.http.requests import author_of
from api.wire.permissions import Permission
from ledger.directory.batch_keys import (
    create_batch_key,
    delete_batch_key,
    get_batch_key,
    list_batch_keys,
)


@page
async def create_api_key(request: web.Request) -> Answer:
    """Make a batch key and answer it, this once."""
    create = partial(create_batch_key, author=author_of(request))
    _, secret = await request.app[WRITER].run(request[PRINCIPAL].domain, create)
    return Answer("new-api-key", "New API key", {"key": secret})


@page
async def list_api_keys(request: web.Request) -> Answer:
    """Answer the batch keys, without anything of the keys themselves."""
    principal = request[PRINCIPAL]
    found = await request.app[STORE].read(principal.domain, list_batch_keys)
    manages = Permission.MANAGE in principal.permissions
    told = {"apiKeys": [key_wire(key) for key in found]}
    return Answer("api-keys", "API keys", told, beside={"manages": manages})


@page
async def show_api_key(request: web.Request) -> Answer:
    """Answer one batch key, without anything of the key itself."""
    principal, key_id = request[PRINCIPAL], request.match_info["key_id"]
    read = partial(get_batch_key, key_id=key_id)
    key = key_wire(await request.app[STORE].read(principal.domain, read))
    manages = Permission.MANAGE in principal.permissions
    beside = {"apiKeys": [key], "manages": manages}
    return Answer("api-keys", "API key", key, beside=beside)


@page
async def delete_api_key(request: web.Request) -> Answer:
    """Make a batch key worthless."""
    return await _deleted(request)


@page
async def post_deleted_api_key(request: web.Request) -> Answer:
    """Make a batch key worthless; a form of a page can only post."""
    return await _deleted(request)


async def _deleted(request: web.Request) -> Answer:
    key_id = request.match_info["key_id"]
    delete = partial(delete_batch_key, key_id=key_id, author=author_of(request))
    await request.app[WRITER].run(request[PRINCIPAL].domain, delete)
    return Answer("api-keys", "API keys", {"deleted": key_id}, then="/api-keys")
