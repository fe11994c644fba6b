"""The owners that an import has met: each is looked up once.

See ``rules/excel-import.md`` 10.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from importers.excel.rules.wishes import RowError, Wish
from ledger.directory.locations import locations_by_name
from ledger.directory.owners import (
    OwnerProblem,
    Verdict,
    resolve_owner_ids,
    resolve_owners,
)
from ledger.entry import Author
from ledger.store import Reader

_MOST_CANDIDATES = 10


class OwnerBook:
    """Names and ids of owners with what each means."""

    def __init__(self, importer: Author) -> None:
        """Begin with none."""
        self._importer = importer
        self._names: dict[str, Verdict] = {}
        self._ids: dict[str, Verdict] = {}
        self._alike: dict[str, tuple[str, ...]] = {}

    def look_up(self, r: Reader, wishes: Iterable[Wish]) -> None:
        """Learn whom the rows name, as far as that is not known yet."""
        names, ids = set(), set()
        for wish in wishes:
            name, owner_id = wish.filled("owner_name"), wish.filled("owner_id")
            if name is not None:
                names.add(name)
            elif owner_id is not None:
                ids.add(owner_id)
        new_names, new_ids = names - self._names.keys(), ids - self._ids.keys()
        if new_names:
            self._names |= resolve_owners(r, new_names, importer=self._importer)
            self._learn_codes(r, new_names)
        if new_ids:
            self._ids |= resolve_owner_ids(r, new_ids, importer=self._importer)

    def by_name(self, name: str) -> str | RowError:
        """Return the id of the owner with a name, or what is wrong with it."""
        found = _owner(self._names, name, "owner_name")
        if isinstance(found, RowError) and name in self._alike:
            return RowError(
                found.title,
                found.column,
                found.text,
                found.value,
                self._alike[name],
            )
        return found

    def by_id(self, owner_id: str) -> str | RowError:
        """Return the id if its owner may own cases, or what is wrong with it."""
        return _owner(self._ids, owner_id, "owner_id")

    def _learn_codes(self, r: Reader, names: Iterable[str]) -> None:
        """Learn the site codes of places that share a name, to tell them apart."""
        twice = [n for n in names if self._names[n] is OwnerProblem.DUPLICATE_NAME]
        for name in twice:
            alike = locations_by_name(r, [name])
            codes = sorted(
                place.site_code
                for found in alike.values()
                for place in found
                if place.archived_on is None
            )
            self._alike[name] = tuple(codes[:_MOST_CANDIDATES])


def _owner(known: Mapping[str, Verdict], value: str, column: str) -> str | RowError:
    verdict = known[value]
    if not isinstance(verdict, OwnerProblem):
        return verdict.owner_id
    shown = column if verdict.has_column else ""
    return RowError(verdict.title, shown, verdict.description, value)
