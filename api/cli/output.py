"""How commands print what they found (``rules/operator.md`` 2.9).

A script gets lines with tabs between, people at a terminal a table with a header, and
whoever says ``--json`` the same as JSON.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple, Protocol

import click
import orjson

Record = Mapping[str, Any]
"""What is told of one thing, by the keys that JSON has."""


def shown(value: object) -> str:
    """Return a value as a column has it."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "-"
    return str(value)


class Column(NamedTuple):
    """A column of a list.

    ``label`` stands before the value in a line, which has no header to tell it.
    """

    title: str
    key: str
    show: Callable[[Any], str] = shown
    label: str = ""


class Output(Protocol):
    """Where a command prints to; ``rows`` a list, ``document`` one thing."""

    def rows(self, found: Iterable[Record], columns: Sequence[Column]) -> None:
        """Print a list."""

    def row(self, record: Record, columns: Sequence[Column]) -> None:
        """Print one thing of many that come one after the other, without a header."""

    def each(self, record: Record, lines: Iterable[str]) -> None:
        """Print one thing of many, for which people read some lines."""

    def document(self, found: Record, lines: Iterable[str]) -> None:
        """Print one thing: JSON has all of it, ``lines`` what people read."""


class Lines:
    """Lines for scripts: the values of the columns, tabs between."""

    def rows(self, found: Iterable[Record], columns: Sequence[Column]) -> None:
        """Print a line for each record, as soon as it is there."""
        for record in found:
            self.row(record, columns)

    def row(self, record: Record, columns: Sequence[Column]) -> None:
        """Print the line of a record."""
        click.echo("\t".join(c.label + c.show(record[c.key]) for c in columns))

    def each(self, _record: Record, lines: Iterable[str]) -> None:
        """Print the lines."""
        echo(lines)

    def document(self, _found: Record, lines: Iterable[str]) -> None:
        """Print the lines."""
        echo(lines)


class Table(Lines):
    """A table for people, with a header."""

    def rows(self, found: Iterable[Record], columns: Sequence[Column]) -> None:
        """Print all records below their header; nothing of none."""
        cells = [[c.show(record[c.key]) for c in columns] for record in found]
        if cells:
            titles = [column.title for column in columns]
            tabulate = import_module("tabulate").tabulate
            click.echo(tabulate(cells, headers=titles, disable_numparse=True))


class Json:
    """JSON: an object a line for a list, else one document."""

    def rows(self, found: Iterable[Record], _columns: Sequence[Column]) -> None:
        """Print an object for each record."""
        for record in found:
            self.row(record, ())

    def row(self, record: Record, _columns: Sequence[Column]) -> None:
        """Print the object of a record."""
        click.echo(orjson.dumps(record))

    def each(self, record: Record, _lines: Iterable[str]) -> None:
        """Print the object of a record."""
        self.row(record, ())

    def document(self, found: Record, _lines: Iterable[str]) -> None:
        """Print the document."""
        echo_json(found)


def echo_json(found: Record) -> None:
    """Print a document, as people can read it."""
    click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())


def output(*, as_json: bool) -> Output:
    """Return where a command prints to."""
    if as_json:
        return Json()
    return Table() if sys.stdout.isatty() else Lines()


def echo(lines: Iterable[str]) -> None:
    """Print lines."""
    for line in lines:
        click.echo(line)
