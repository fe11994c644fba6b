"""Where handlers find what the composition root made: typed keys of the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from api.config import Config

if TYPE_CHECKING:
    from api.auth import Authenticator
    from api.permissions import Principal
    from ledger.store import Store
    from ledger.writer import LedgerWriter

CONFIG = web.AppKey("config", Config)
STORE: web.AppKey[Store] = web.AppKey("store")
WRITER: web.AppKey[LedgerWriter] = web.AppKey("writer")
AUTHENTICATOR: web.AppKey[Authenticator] = web.AppKey("authenticator")
DESCRIPTION = web.AppKey("description", bytes)

PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal")
"""Who is asking; set on every request whose route is not open."""
