"""What all imports of the command line say alike: whom cases belong to, warnings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from importers.excel.rules.report import count_of, row_ranges


class NoOwner(click.UsageError):
    """Cases would be made that belong to nobody."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "say with --owner whom new cases belong to (the id or name of a user, a "
            "group or a place): the file names no owners"
        )


def warn(groups: Iterable[Mapping[str, Any]]) -> None:
    """Tell the warnings of an import on standard error, those of some rows with them.

    A line has the title, the column, how many rows, which, and what it means.
    """
    for group in groups:
        rows = group["rows"]
        told = (
            f"Warning: {group['title']}",
            group["column"] or "-",
            str(count_of(rows)) if rows else "-",
            f"rows {row_ranges(rows)}" if rows else "-",
            group.get("description") or group.get("text") or "",
            group.get("sample") or "",
        )
        click.echo("\t".join(told).rstrip(), err=True)
