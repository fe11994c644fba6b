"""Uploaded files on their way to jobs of this process: none is written down twice.

The file of an upload is stored in the commit that adds its job, and most often the same
process runs the job a moment later. What it wrote down to look at it is then handed
over; who finds nothing here reads the stored bytes.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from functools import partial
from pathlib import Path

KEPT_SECONDS = 60.0
"""A file that nobody took is another process's, or its job waits for its turn."""


class Handover:
    """A folder of files that wait for their jobs, by domain and digest."""

    def __init__(self, *, seconds: float = KEPT_SECONDS) -> None:
        """Make no folder before there is a file, and keep each for some seconds."""
        self._folder: Path | None = None
        self._seconds = seconds

    def offer(self, domain: str, sha256: str, path: Path) -> None:
        """Take a file over from whoever received it; needs a running event loop."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="caseledger-uploads-"))
        place = self._place(self._folder, domain, sha256)
        shutil.move(path, place)
        drop = partial(place.unlink, missing_ok=True)
        asyncio.get_running_loop().call_later(self._seconds, drop)

    def take(self, domain: str, sha256: str, path: Path) -> bool:
        """Move a file to a path of its job; tell whether it was here."""
        if self._folder is None:
            return False
        try:
            shutil.move(self._place(self._folder, domain, sha256), path)
        except FileNotFoundError:
            return False
        return True

    def close(self) -> None:
        """Forget every file."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    @staticmethod
    def _place(folder: Path, domain: str, sha256: str) -> Path:
        return folder / f"{sha256}-{domain}"
