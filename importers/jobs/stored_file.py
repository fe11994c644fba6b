"""The file that a job is about, out of the store into a folder of the job."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from importers.jobs.worker import JobContext
from ledger.bodies import parts_of_blob
from ledger.store import Reader


async def write_stored(context: JobContext, sha256: str, path: Path) -> bool:
    """Write stored bytes to a path; tell whether they are still there.

    What this process has just received is moved there instead. Raises ``Damaged`` when
    they are not what was stored: no row of them is used then.
    """
    if context.take_upload(sha256, path):
        return True
    return await context.read(partial(_write, sha256=sha256, path=path))


def _write(r: Reader, *, sha256: str, path: Path) -> bool:
    found = False
    with path.open("wb") as file:
        for part in parts_of_blob(r, sha256):
            found = True
            file.write(part)
    return found
