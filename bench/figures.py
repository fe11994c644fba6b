"""What a workload measures: figures beside their floors, goals and verdicts. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

Bound = Literal[">=", "<="]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measure of one case of a workload, beside what it is judged by.

    ``goal`` and ``reach`` bound the ratio of ``value`` to ``floor`` in the direction
    of ``bound``; a figure without them is told for information.
    """

    workload: str
    case: str
    measure: str
    value: float
    floor_name: str = ""
    floor: float | None = None
    bound: Bound = ">="
    goal: float | None = None
    reach: float | None = None
    ratio: float | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Return what makes two readings readings of the same figure."""
        return (self.workload, self.case, self.measure, self.floor_name)

    @property
    def verdict(self) -> str:
        """Return ``reach``, ``ok``, ``miss``, or nothing when there is no goal."""
        if self.ratio is None or (self.goal is None and self.reach is None):
            return ""
        if self.reach is not None and self._meets(self.ratio, self.reach):
            return "reach"
        if self.goal is None:
            return "below reach"
        return "ok" if self._meets(self.ratio, self.goal) else "miss"

    def _meets(self, ratio: float, mark: float) -> bool:
        return ratio >= mark if self.bound == ">=" else ratio <= mark


def compared(figure: Figure) -> Figure:
    """Return a figure of one round with its ratio filled in."""
    if not figure.floor:
        return figure
    return replace(figure, ratio=figure.value / figure.floor)


def medians(rounds: Iterable[Iterable[Figure]]) -> list[Figure]:
    """Return each figure with the median of its values, floors and per-round ratios.

    What stands beside a floor is not told a second time for information.
    """
    by_key: dict[tuple[str, ...], list[Figure]] = {}
    for figures in rounds:
        for figure in figures:
            by_key.setdefault(figure.key, []).append(compared(figure))
    judged = {key[:3] for key in by_key if key[3]}
    return [
        _median(readings)
        for key, readings in by_key.items()
        if key[3] or key[:3] not in judged
    ]


def _median(readings: list[Figure]) -> Figure:
    first = readings[0]
    floors = [figure.floor for figure in readings if figure.floor is not None]
    ratios = [figure.ratio for figure in readings if figure.ratio is not None]
    return replace(
        first,
        value=median(figure.value for figure in readings),
        floor=median(floors) if floors else None,
        ratio=median(ratios) if ratios else None,
    )
