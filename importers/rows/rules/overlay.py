"""What rows have left, for the rows behind them: no table shows it yet. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

Key = tuple[str, str]
"""A name and a value that something is looked up by."""


class Overlay(Generic[T]):
    """What rows have left, by its id and by its keys.

    A real run notes ``None`` for what can be looked at where it is stored: then the
    overlay only says where to look.
    """

    def __init__(self, below: Overlay[T] | None = None) -> None:
        """Begin empty, over another one that is only read."""
        self._below = below
        self._left: dict[str, tuple[T | None, tuple[Key, ...]]] = {}
        self._ids: dict[Key, dict[str, None]] = {}

    def note(self, left_id: str, left: T | None, *, keys: Iterable[Key]) -> None:
        """Remember something as a row left it."""
        kept = tuple(keys)
        self._left[left_id] = left, kept
        for key in kept:
            self._ids.setdefault(key, {})[left_id] = None

    def get(self, left_id: str) -> T | None:
        """Return something as it was left."""
        found = self._left.get(left_id)
        if found is not None:
            return found[0]
        return None if self._below is None else self._below.get(left_id)

    def ids(self, key: Key) -> Iterator[str]:
        """Yield the ids of what has a key or had it, those of the one below last."""
        yield from self._ids.get(key, ())
        if self._below is not None:
            yield from self._below.ids(key)

    def take(self, other: Overlay[T]) -> None:
        """Remember what another one holds itself."""
        for left_id, (left, keys) in other._left.items():
            self.note(left_id, left, keys=keys)


class View(Generic[T]):
    """What rows find: as rows before have left it, or else as it is stored."""

    def __init__(self, known: Overlay[T], stored: Callable[[str], T | None]) -> None:
        """Look into what was left, then ask ``stored`` for what has an id.

        ``known`` is what earlier commands of a dry run would have left.
        """
        self.left = Overlay(known)
        """What the rows of this command leave."""
        self._stored = stored

    def get(self, found_id: str) -> T | None:
        """Return what has an id."""
        left = self.left.get(found_id)
        return self._stored(found_id) if left is None else left

    def those(self, ids: Iterable[str], wanted: Callable[[T], bool]) -> list[T]:
        """Return what has one of some ids and is as wanted now, each once."""
        found = map(self.get, dict.fromkeys(ids))
        return [one for one in found if one is not None and wanted(one)]
