"""The composition root: settings in, a server application out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from functools import lru_cache, partial
from pathlib import Path

from aiohttp import web

from api.about.handlers import describe
from api.changes.waiters import CHANGE_WAITERS, ChangeWaiters
from api.config import Config
from api.http.access_log import access_log
from api.http.auth import Authenticator
from api.http.connections import ConnectionLimits, Connections
from api.http.domain_settings import SettingsReader
from api.http.guesses import Guesses, TryLimits
from api.http.keys import (
    AUTHENTICATOR,
    CLOCK_GUARD,
    CONFIG,
    CONNECTIONS,
    DESCRIPTION,
    INDEX_KEEPER,
    PAST,
    POINT_READS,
    RATES,
    SETTINGS,
    SHELL,
    SIGNING_KEY,
    STATE,
    STORE,
    WORKER,
    WRITER,
)
from api.http.logs import wants_console
from api.http.metrics import WORKERS, count_commit, sample
from api.http.middleware import Shell
from api.http.outages import end_outages, tell
from api.http.rates import Rates
from api.http.router import install
from api.http.state import DatabaseState
from api.openapi.document import document
from api.release import release
from api.routes import ROUTES
from api.webhooks.delivery import WEBHOOK_DELIVERY, Deliverer
from api.wire.own_hosts import OwnHosts
from importers.job_kinds import HANDLERS
from importers.jobs.worker import Worker
from ledger.clock import now_micros
from ledger.clock_guard import ClockGuard
from ledger.errors import StoreUnavailable
from ledger.proof.signing import load_signing_key
from ledger.storage.write_ahead import WriteAheadLog, shorten
from ledger.store import Store, open_store
from ledger.submit import Ledger
from ledger.writer import LedgerWriter
from projections.cases.gathered import PointReads
from projections.commit.projector import LiveProjector
from projections.lists.index_keeper import IndexKeeper
from projections.past.lists import Past
from projections.rebuild.generations import VersionGuard
from projections.rebuild.replay import prune

_TIDY_SECONDS = 300
IDLE_SECONDS = 5.0
"""How long nobody has written before the write-ahead log is made small."""

logger = logging.getLogger(__name__)


def create_app(config: Config) -> web.Application:
    """Return the application that serves a database whose schema is current.

    Raises ``StoreUnavailable`` for a database URL that means nothing, ``Untrusted``
    for a file that holds no signing key.
    """
    app = web.Application(client_max_size=config.body_limit)
    store = open_store(config.database)
    store.guard = VersionGuard()
    store.watch.tell = tell
    app[CLOCK_GUARD] = ClockGuard(limit=config.clock_jump)
    store.watch_clock = app[CLOCK_GUARD].look
    app[CONFIG] = config
    app[STORE] = store
    app[AUTHENTICATOR] = Authenticator(store, limits=_try_limits(config))
    app[CONNECTIONS] = Connections(
        _connection_limits(config), trusted=config.trusted_proxies
    )
    app[WRITER] = LedgerWriter(store, Ledger(LiveProjector(), now_micros))
    app[WRITER].on_committed = count_commit
    app[WORKER] = Worker(store, app[WRITER], HANDLERS)
    app[STATE] = DatabaseState(store)
    app[SETTINGS] = SettingsReader(store)
    app[RATES] = Rates(store, app[SETTINGS])
    app[POINT_READS] = PointReads(store)
    app[INDEX_KEEPER] = IndexKeeper(store, app[WRITER])
    app[PAST] = Past(store, most_entries=config.as_of_limit)
    app[CHANGE_WAITERS] = ChangeWaiters(store)
    app[WRITER].on_commit.append(app[CHANGE_WAITERS].note)
    app[WEBHOOK_DELIVERY] = Deliverer(
        store, app[WRITER], private=config.webhook_private
    )
    app[WRITER].on_commit.append(app[WEBHOOK_DELIVERY].note)
    app[SIGNING_KEY] = (
        load_signing_key(Path(config.signing_key)) if config.signing_key else None
    )
    app[DESCRIPTION] = _description(config.public_url or "/")
    shell = Shell(
        app[AUTHENTICATOR],
        rates=app[RATES],
        body_limit=config.body_limit,
        trusted=config.trusted_proxies,
        hosts=OwnHosts(config.allowed_hosts, public_url=config.public_url),
        access_log=access_log(wanted=config.access_log, console=wants_console(config)),
    )
    app[SHELL] = shell
    install(app, shell, ROUTES, below=config.public_path)
    app.cleanup_ctx.append(_running)
    app.on_shutdown.append(end_waits)
    return app


def _connection_limits(config: Config) -> ConnectionLimits:
    return ConnectionLimits(
        head_seconds=config.head_seconds,
        body_seconds=config.body_seconds,
        body_rate=config.body_rate,
        per_address=config.connections_per_address,
    )


def _try_limits(config: Config) -> TryLimits:
    return TryLimits(
        of_account_at_address=config.login_tries,
        of_account=config.login_tries_per_account,
        at_address=config.login_tries_per_address,
        minutes=config.login_minutes,
    )


@lru_cache(maxsize=8)
def _description(address: str) -> bytes:
    """Return the description of the API as it is served at an address."""
    return describe(document(ROUTES, version=release(), address=address))


async def end_waits(app: web.Application) -> None:
    """Answer those who wait for entries, and let no chunk of a job begin."""
    app[CHANGE_WAITERS].stop()
    app[PAST].stop()
    app[WORKER].leave()


async def _running(app: web.Application) -> AsyncIterator[None]:
    """Run what serves requests; stop it when the last request was answered."""
    app[WRITER].start()
    app[POINT_READS].start()
    app[INDEX_KEEPER].start()
    app[CHANGE_WAITERS].start()
    app[WEBHOOK_DELIVERY].start()
    app[WORKER].start()
    tidying = asyncio.create_task(_tidy(app[STORE], app[AUTHENTICATOR].guesses))
    mending = asyncio.create_task(end_outages(app[STORE]))
    shortening = asyncio.create_task(_shorten(app[STORE]))
    watching = asyncio.create_task(app[CONNECTIONS].keep_watch())
    sampling = asyncio.create_task(sample(app[STORE], app[WRITER], app[CONNECTIONS]))
    WORKERS.inc()
    yield
    WORKERS.dec()
    tidying.cancel()
    mending.cancel()
    shortening.cancel()
    sampling.cancel()
    watching.cancel()
    app[SHELL].account.settle()
    await app[CHANGE_WAITERS].aclose()
    await app[WORKER].aclose()
    await app[WEBHOOK_DELIVERY].aclose()
    await app[PAST].aclose()
    await app[INDEX_KEEPER].aclose()
    await app[POINT_READS].stop()
    await app[WRITER].stop()
    app[AUTHENTICATOR].close()
    app[RATES].close()
    app[STORE].close()


async def _tidy(store: Store, guesses: Guesses) -> None:
    """Drop, every now and then, what nobody needs any longer.

    That is the generations that a replay has retired, and counts of long ago.
    """
    while True:
        try:
            await store.aside(partial(prune, store))
            await store.aside(guesses.sweep)
        except StoreUnavailable:
            logger.debug("prune_put_off")
        except Exception:
            # Tables that stay a little longer harm nobody.
            logger.exception("prune_failed")
        await asyncio.sleep(_TIDY_SECONDS)


async def _shorten(store: Store) -> None:
    """Make the write-ahead log of SQLite small again, whenever nobody writes."""
    written = WriteAheadLog(store.url)
    while written.is_a_file:
        await asyncio.sleep(IDLE_SECONDS)
        try:
            if written.lies_idle():
                await store.aside(lambda: shorten(store.connection))
        except Exception:
            # It stays as long as it is; the next look may find it free.
            logger.exception("write_ahead_log_not_shortened")
