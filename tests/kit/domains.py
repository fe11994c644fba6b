"""Domains that take forms of whoever sends them: for tests of what devices send."""

from __future__ import annotations

from api.cli.domain import add_domain
from ledger.directory.domains import DomainSettings
from ledger.store import Store


def an_open_domain(store: Store, name: str = "demo") -> str:
    """Make a domain whose receiver asks nobody who sends; return its name."""
    add_domain(store, name, settings=DomainSettings(secure_submissions=False))
    return name
