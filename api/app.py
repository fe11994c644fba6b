"""The composition root: settings in, a server application out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from functools import partial

from aiohttp import web

from api.access_log import access_log
from api.auth import Authenticator
from api.config import Config
from api.domain_settings import SettingsReader
from api.keys import (
    AUTHENTICATOR,
    CONFIG,
    DESCRIPTION,
    INDEX_KEEPER,
    POINT_READS,
    SETTINGS,
    SHELL,
    STORE,
    WRITER,
)
from api.logs import wants_console
from api.metrics import WORKERS
from api.middleware import Shell
from api.openapi import document
from api.process_pages import describe
from api.routes import ROUTES, install
from ledger.clock import now_micros
from ledger.store import Store, open_store
from ledger.submit import Ledger
from ledger.writer import LedgerWriter
from projections.generations import VersionGuard
from projections.index_keeper import IndexKeeper
from projections.point_reads import PointReads
from projections.projector import LiveProjector
from projections.replay import prune

_TIDY_SECONDS = 300

logger = logging.getLogger(__name__)


def create_app(config: Config) -> web.Application:
    """Return the application that serves a database whose schema is current.

    Raises ``StoreUnavailable`` for a database URL that means nothing.
    """
    app = web.Application(client_max_size=config.body_limit)
    store = open_store(config.database)
    store.guard = VersionGuard()
    app[CONFIG] = config
    app[STORE] = store
    app[AUTHENTICATOR] = Authenticator(store)
    app[WRITER] = LedgerWriter(store, Ledger(LiveProjector(), now_micros))
    app[SETTINGS] = SettingsReader(store)
    app[POINT_READS] = PointReads(store)
    app[INDEX_KEEPER] = IndexKeeper(store, app[WRITER])
    app[DESCRIPTION] = describe(document(ROUTES))
    shell = Shell(
        app[AUTHENTICATOR],
        body_limit=config.body_limit,
        access_log=access_log(wanted=config.access_log, console=wants_console(config)),
    )
    app[SHELL] = shell
    install(app, shell, ROUTES)
    app.cleanup_ctx.append(_running)
    return app


async def _running(app: web.Application) -> AsyncIterator[None]:
    """Run what serves requests; stop it when the last request was answered."""
    app[WRITER].start()
    app[POINT_READS].start()
    app[INDEX_KEEPER].start()
    tidying = asyncio.create_task(_tidy(app[STORE]))
    WORKERS.inc()
    yield
    WORKERS.dec()
    tidying.cancel()
    app[SHELL].access_log.flush()
    await app[INDEX_KEEPER].aclose()
    await app[POINT_READS].stop()
    await app[WRITER].stop()
    app[AUTHENTICATOR].close()
    app[STORE].close()


async def _tidy(store: Store) -> None:
    """Drop the generations that a replay has retired, every now and then."""
    while True:
        try:
            await store.aside(partial(prune, store))
        except Exception:
            # Tables that stay a little longer harm nobody.
            logger.exception("prune_failed")
        await asyncio.sleep(_TIDY_SECONDS)
