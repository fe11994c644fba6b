"""Whom a restore is for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ledger.times import Micros


class SharingGroup(NamedTuple):
    """A group, or a place, that owns cases for its users, as a device is told of it."""

    group_id: str
    name: str


class Account(NamedTuple):
    """A user as a device is told of them; ``data`` is what is known beside that."""

    user_id: str
    short_name: str
    created_on: Micros
    data: Mapping[str, str]
    groups: Sequence[SharingGroup]

    @property
    def owner_ids(self) -> list[str]:
        """Return whose cases the user sees."""
        return [self.user_id, *(group.group_id for group in self.groups)]
