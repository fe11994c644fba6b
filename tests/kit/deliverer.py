"""A process that delivers webhooks, for tests to kill.

``python -m tests.deliverer URL``: it works until it is ended, with a lease so short
that whoever comes after it need not wait.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from api.webhooks.delivery import Deliverer, Policy
from ledger.clock import now_micros
from ledger.store import open_store
from ledger.writer import LedgerWriter
from tests.kit import build

_ROOT = Path(__file__).parents[2]
_HASTY = Policy(
    delays=(0.1, 0.1, 0.1, 0.1),
    look=0.02,
    lease=1,
    timeout=0.5,
    batch_seconds=0.3,
    longest_rest=0.1,
)


def start(url: str) -> subprocess.Popen[bytes]:
    """Start the process."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.kit.deliverer", url], cwd=_ROOT
    )


async def _run(url: str) -> None:
    store = open_store(url)
    writer = LedgerWriter(store, build.a_ledger(now_micros))
    writer.start()
    deliverer = Deliverer(store, writer, private=True, policy=_HASTY)
    deliverer.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1]))
