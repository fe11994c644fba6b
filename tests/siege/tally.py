"""What was tried and what did not hold, by kind; and the table of both."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tabulate import tabulate

_SHOWN = 2_000
"""Characters of a fault that are kept: an answer may be long."""


@dataclass
class Tally:
    """Counts tries by attacker and kind, and keeps every fault with its words."""

    tried: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[tuple[str, str, str]] = field(default_factory=list)

    def note(self, attacker: str, kind: str, count: int = 1) -> None:
        """Count what was tried."""
        self.tried[attacker, kind] += count

    def fault(self, attacker: str, kind: str, text: str) -> None:
        """Keep what did not hold, with all that is needed to see it again."""
        self.faults.append((attacker, kind, text[:_SHOWN]))

    def check(self, attacker: str, kind: str, *, fault: str | None) -> None:
        """Count a try, and keep its fault if it has one."""
        self.note(attacker, kind)
        if fault is not None:
            self.fault(attacker, kind, fault)

    def attackers(self) -> set[str]:
        """Return who has tried anything."""
        return {attacker for attacker, _ in self.tried}

    def table(self) -> str:
        """Return the counts as a person reads them, and every fault below."""
        failed = Counter((attacker, kind) for attacker, kind, _ in self.faults)
        rows = [
            (*what, self.tried[what], failed[what])
            for what in sorted(self.tried.keys() | failed.keys())
        ]
        told = [f"FAULT {a}: {kind}: {text}" for a, kind, text in self.faults]
        head = ["attacker", "kind", "tried", "faults"]
        return "\n".join([tabulate(rows, headers=head), *told])
