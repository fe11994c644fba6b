"""Sees to it that an outage of the store is told once, and ends by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from ledger.errors import StoreUnavailable
from ledger.store import Store

_LOOK_SECONDS = 0.25
"""How soon a write is tried after an outage began: most are a connection that broke."""
_AGAIN_SECONDS = 1.0

logger = logging.getLogger(__name__)


def tell(event: str, values: Mapping[str, Any]) -> None:
    """Log that an outage has begun or ended."""
    level = logging.ERROR if event == "store_away" else logging.WARNING
    logger.log(level, event, extra=dict(values))


async def end_outages(store: Store) -> None:
    """Try a write now and then while the store is away, for ever."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        if store.away is None:
            continue
        try:
            await asyncio.to_thread(store.probe)
        except StoreUnavailable:
            await asyncio.sleep(_AGAIN_SECONDS)
        except Exception:
            logger.exception("probe_failed")
            await asyncio.sleep(_AGAIN_SECONDS)
