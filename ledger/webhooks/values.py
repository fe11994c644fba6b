"""Who is told of entries, and how that went, as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.times import Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A subscription; empty filters let everything through.

    Everything up to ``position`` has been looked at. ``due_on`` is when the next
    delivery is to be tried. ``stopped`` says why it was switched off, if not by hand.
    """

    domain: str
    webhook_id: str
    url: str
    case_types: tuple[str, ...] = ()
    xmlns: tuple[str, ...] = ()
    active: bool = True
    stopped: str | None = None
    secret: str
    created_by: str = ""
    created_on: Micros = 0
    changed_on: Micros = 0
    position: int = 0
    due_on: Micros | None = None
    lease_owner: str | None = None
    lease_until: Micros = 0


PENDING = "pending"


DELIVERED = "delivered"


DEAD = "dead"


STATES = (PENDING, DELIVERED, DEAD)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of ``webhook_deliveries``, columns in the table's order.

    ``due_on`` is when a pending one is tried next.
    """

    domain: str
    webhook_id: str
    position: int
    state: str
    due_on: Micros | None
    attempts: int
    created_on: Micros
    attempted_on: Micros | None = None
    status: int | None = None
    error: str | None = None

    @property
    def delivery_id(self) -> str:
        """Return the id that every attempt carries, so that repeats can be dropped."""
        return f"{self.webhook_id}:{self.position}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right of one process to deliver a webhook until a time."""

    owner: str
    now: Micros
    until: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How one attempt ended, and what becomes of the delivery."""

    position: int
    state: str
    due_on: Micros | None
    attempted_on: Micros
    status: int | None = None
    error: str | None = None
    gone: bool = False
    """Whether the receiver said that it wants no more (status 410)."""
