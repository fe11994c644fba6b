"""Several commands as one, each with its own verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from itertools import chain
from typing import Any

from ledger.errors import LedgerError
from ledger.submit import Command, Needs, Session


@dataclass(frozen=True, slots=True)
class Together:
    """Commands that run in order; one that is refused does not stop those behind it.

    The outcome of each is what it returned, or the ``LedgerError`` that refused it.
    """

    commands: tuple[Command, ...]

    @property
    def size(self) -> int:
        """Return how many bytes they bring."""
        return sum(command.size for command in self.commands)

    def needs(self) -> Needs:
        """Look up what any of them needs."""
        return merged([command.needs() for command in self.commands])

    def run(self, session: Session) -> tuple[Any, ...]:
        """Run them in order."""
        return tuple(_run(command, session) for command in self.commands)

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: whoever joined them is told."""


def merged(needs: Iterable[Needs]) -> Needs:
    """Return the needs of several commands as one."""
    found = list(needs)
    names = [field.name for field in fields(Needs)]
    return Needs(
        **{
            name: tuple(chain.from_iterable(getattr(need, name) for need in found))
            for name in names
        }
    )


def _run(command: Command, session: Session) -> Any:
    try:
        return command.run(session)
    except LedgerError as refused:
        return refused
