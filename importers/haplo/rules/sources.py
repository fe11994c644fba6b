"""Which fields of records the instructions name, and which of them a file has. Pure.

``rules/batch-imports.md`` 1.4e.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from importers.rows.rules.names import advice, fitting
from importers.tables.notices import Notice

_MOST_NAMES = 10_000


@dataclass(slots=True)
class Names:
    """The fields that the records of a file have."""

    found: dict[str, None] = field(default_factory=dict)

    def take(self, data: Any) -> None:
        """Take those of a record; of an endless number only the first ones."""
        if not isinstance(data, dict) or len(self.found) >= _MOST_NAMES:
            return
        if not data.keys() <= self.found.keys():
            self.found.update(dict.fromkeys(data))


def taken_as(sources: Iterable[str], names: Names) -> dict[str, str]:
    """Return the fields that are meant by others, by the one that a record has."""
    wanted = list(dict.fromkeys(sources))
    left = [name for name in names.found if name not in wanted]
    fits = {source: fitting(source, left) for source in _missing(wanted, names)}
    return {found[0]: source for source, found in fits.items() if len(found) == 1}


def nowhere(
    sources: Iterable[str], files: Iterable[tuple[Names, Mapping[str, str]]]
) -> list[str]:
    """Return the fields that no record of any file has, not by another name either."""
    had: set[str] = set()
    for names, renamed in files:
        had.update(names.found, renamed.values())
    return [source for source in dict.fromkeys(sources) if source not in had]


def told_of(
    missing: Iterable[str], names: Names, renamed: Mapping[str, str]
) -> Iterator[Notice]:
    """Yield what is to be known of fields that are missing or have other names."""
    if not names.found:
        return
    for name, source in renamed.items():
        text = f'It is taken as "{source}"'
        yield Notice("Column taken as another", text, column=name)
    for source in missing:
        text = f"No record has it. {advice(source, names.found)}"
        yield Notice("Missing column", text, column=source)


def renamed_in(data: Any, renamed: Mapping[str, str]) -> Any:
    """Return a record with its fields under the names that instructions use."""
    if not renamed or not isinstance(data, dict):
        return data
    return {renamed.get(name, name): value for name, value in data.items()}


def _missing(sources: Iterable[str], names: Names) -> list[str]:
    return [source for source in dict.fromkeys(sources) if source not in names.found]
