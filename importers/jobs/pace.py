"""How much a commit of a job may do without keeping others waiting."""

from __future__ import annotations

from time import monotonic

_FIRST = 25
_CHUNK_SECONDS = 0.5


class Pace:
    """Finds out how many forms or rows a commit may take.

    A case with a long history is folded again for each of its forms, so a hundred
    forms may take a moment or many seconds.
    """

    def __init__(self, most: int) -> None:
        """Begin with a few."""
        self.most = min(_FIRST, most)
        self._limit = most
        self._began = 0.0

    def __enter__(self) -> None:
        """Note when a chunk begins."""
        self._began = monotonic()

    def __exit__(self, *_: object) -> None:
        """Let the next chunk be longer, or shorter when this one took too long."""
        quick = monotonic() - self._began < _CHUNK_SECONDS
        self.most = min(self.most * 2, self._limit) if quick else max(self.most // 2, 1)
