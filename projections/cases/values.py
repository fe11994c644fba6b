"""What is read of cases beside their rows, as values. Pure."""

from __future__ import annotations

from typing import NamedTuple

from ledger.times import Micros


class Touching(NamedTuple):
    """The forms in force that touch a case, and when the first of them came."""

    form_ids: tuple[str, ...] = ()
    first_received_on: Micros | None = None


NOBODY = Touching()
"""What touches a case that no form in force touches any longer."""
