"""How a connection to PostgreSQL is opened, and how it is set.

Imported when the first one is asked for (``connectors.py``), and the driver with it.
"""

from __future__ import annotations

import os
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.errors import StoreUnavailable
from ledger.storage.array_dumpers import register

_POSTGRES_OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "jit=off",
        "timezone=UTC",
        # Every read goes by a key, in the order of its index; no estimate of how many
        # rows a domain has may talk the planner into anything else.
        "plan_cache_mode=force_custom_plan",
        "enable_seqscan=off",
        "enable_bitmapscan=off",
        "enable_sort=off",
        "enable_indexonlyscan=off",
    )
)
_CONNECT_SECONDS = "10"
"""How long a server may take to answer that says nothing at all."""


def connect(url: str) -> Any:
    """Return a connection of the driver; raises ``StoreUnavailable``."""
    try:
        raw = psycopg.connect(_patient(url), autocommit=True, options=_POSTGRES_OPTIONS)
    except psycopg.Error as error:
        raise StoreUnavailable(
            f"cannot reach PostgreSQL: {error}".strip(),
            reason="PostgreSQL cannot be reached",
        ) from None
    register(raw)
    raw.prepare_threshold = 0
    raw.prepared_max = 500
    return raw


def _patient(url: str) -> str:
    """Return where to connect, and for how long to try, unless that was said."""
    if "connect_timeout" in conninfo_to_dict(url):
        return url
    seconds = os.environ.get("PGCONNECT_TIMEOUT", _CONNECT_SECONDS)
    return make_conninfo(url, connect_timeout=seconds)
