"""Where handlers find what the composition root made: typed keys of the application.

The key of what belongs to one family stands beside its class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from api.config import Config

if TYPE_CHECKING:
    from api.http.auth import Authenticator
    from api.http.connections import Connections
    from api.http.domain_settings import SettingsReader
    from api.http.middleware import Shell
    from api.http.rates import Rates
    from api.http.state import DatabaseState
    from api.wire.permissions import Principal
    from importers.jobs.worker import Worker
    from ledger.clock_guard import ClockGuard
    from ledger.proof.signing import SigningKey
    from ledger.store import Store
    from ledger.writer import LedgerWriter
    from projections.cases.gathered import PointReads
    from projections.lists.index_keeper import IndexKeeper
    from projections.past.lists import Past

CONFIG = web.AppKey("config", Config)
STORE: web.AppKey[Store] = web.AppKey("store")
WRITER: web.AppKey[LedgerWriter] = web.AppKey("writer")
CLOCK_GUARD: web.AppKey[ClockGuard] = web.AppKey("clock_guard")
WORKER: web.AppKey[Worker] = web.AppKey("worker")
SETTINGS: web.AppKey[SettingsReader] = web.AppKey("settings")
RATES: web.AppKey[Rates] = web.AppKey("rates")
POINT_READS: web.AppKey[PointReads] = web.AppKey("point_reads")
INDEX_KEEPER: web.AppKey[IndexKeeper] = web.AppKey("index_keeper")
PAST: web.AppKey[Past] = web.AppKey("past")
AUTHENTICATOR: web.AppKey[Authenticator] = web.AppKey("authenticator")
CONNECTIONS: web.AppKey[Connections] = web.AppKey("connections")
STATE: web.AppKey[DatabaseState] = web.AppKey("state")
SHELL: web.AppKey[Shell] = web.AppKey("shell")
DESCRIPTION = web.AppKey("description", bytes)
SIGNING_KEY: web.AppKey[SigningKey | None] = web.AppKey("signing_key")

PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal")
"""Who is asking; set on every request whose route is not open."""
