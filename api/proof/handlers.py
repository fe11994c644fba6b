"""Handlers of the proof: the head of a log, and its signed checkpoint."""

from __future__ import annotations

import re
from functools import partial
from tempfile import TemporaryFile
from typing import IO

import orjson
from aiohttp import web
from aiohttp.hdrs import CONTENT_DISPOSITION

from api.http.keys import PRINCIPAL, SIGNING_KEY, STORE
from api.release import program
from api.wire.dialects import JSON_TYPE
from api.wire.parameters import parameters
from api.wire.problems import (
    entry_missing,
    invalid_value,
    no_signing_key,
    position_beyond_head,
)
from ledger.clock import now_micros
from ledger.forms.names import printable
from ledger.log import entry_at
from ledger.proof.checkpoint import make_checkpoint
from ledger.proof.signing import SigningKey
from ledger.store import Reader, Store
from ledger.times import format_micros

LINES_TYPE = "application/x-ndjson"

_POSITION = re.compile(r"0*([1-9][0-9]{0,17})")


async def get_head(request: web.Request) -> web.Response:
    """Answer position and digest of the last entry, or of the one that is asked for."""
    position = _asked_position(request.rel_url.raw_query_string)
    domain = request[PRINCIPAL].domain
    body = await request.app[STORE].read(domain, partial(_head, position=position))
    return web.Response(body=body, content_type=JSON_TYPE)


async def get_checkpoint(request: web.Request) -> web.Response:
    """Answer the signed checkpoint of the log as a file."""
    parameters(request.rel_url.raw_query_string, ())
    key = request.app[SIGNING_KEY]
    if key is None:
        raise no_signing_key()
    store, domain = request.app[STORE], request[PRINCIPAL].domain
    # Written whole before the first byte goes out: a slow client holds no transaction
    # open, and a log that breaks off is a problem with a status.
    file, position = await store.aside(partial(_checkpoint, store, domain, key))
    name = f'attachment; filename="{domain}-{position}.checkpoint"'
    return web.Response(
        body=file, content_type=LINES_TYPE, headers={CONTENT_DISPOSITION: name}
    )


def _head(r: Reader, *, position: int | None) -> bytes:
    last = r.head.position
    if position is not None and position > last:
        raise position_beyond_head(position, last)
    entry = entry_at(r, position or last)
    if entry is None:
        raise entry_missing(position or last)
    return orjson.dumps(
        {
            "domain": r.domain,
            "position": entry.position,
            "digest": entry.digest.hex(),
            "appended_on": format_micros(entry.appended_on),
        }
    )


def _checkpoint(store: Store, domain: str, key: SigningKey) -> tuple[IO[bytes], int]:
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - the answer closes it
    try:
        with store.snapshot(domain) as r:
            file.writelines(
                make_checkpoint(r, key, program=program(), made_on=now_micros())
            )
            position = r.head.position
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file, position


def _asked_position(query: str) -> int | None:
    text = parameters(query, ("position",)).get("position")
    if text is None:
        return None
    found = _POSITION.fullmatch(text)
    if found is None:
        raise invalid_value("position", printable(text))
    return int(found[1])
