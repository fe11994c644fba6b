"""The file that a job is about, out of the store into a folder of the job."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from importers.jobs.worker import JobContext
from ledger.bodies import get_blob


async def write_stored(context: JobContext, sha256: str, path: Path) -> bool:
    """Write stored bytes to a path; tell whether they are still there."""
    content = await context.read(partial(get_blob, sha256=sha256))
    if content is None:
        return False
    await asyncio.to_thread(path.write_bytes, content)
    return True
