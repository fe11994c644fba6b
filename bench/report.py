"""The table that a person reads and the JSON that a script reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from bench.figures import Figure

HEADER = [
    *("workload", "case", "measure", "value", "floor"),
    *("ratio", "goal", "reach", "verdict"),
]
_ALIGN = "<<<>>>>><"


@dataclass(frozen=True, slots=True)
class Section:
    """What one kind of database gave: figures, units, and what came out wrong."""

    database: str
    version: str
    figures: list[Figure]
    units: dict[str, float]
    problems: list[str] = field(default_factory=list)


def as_json(section: Section) -> dict[str, object]:
    """Return a section as JSON values."""
    return {
        "database": section.database,
        "version": section.version,
        "units": section.units,
        "figures": [
            {**asdict(line), "verdict": line.verdict} for line in section.figures
        ],
        "problems": section.problems,
    }


def as_table(section: Section) -> str:
    """Return a section as text in columns."""
    units = "  ".join(
        f"{name} {number(value)}" for name, value in section.units.items()
    )
    lines = [f"{section.version}   units: {units}", ""]
    lines += columns([HEADER, *(_cells(line) for line in section.figures)], _ALIGN)
    lines += [f"WRONG: {problem}" for problem in section.problems]
    return "\n".join([*lines, ""])


def _cells(line: Figure) -> list[str]:
    floor = "" if line.floor is None else f"{line.floor_name} {number(line.floor)}"
    return [
        line.workload,
        line.case,
        line.measure,
        number(line.value),
        floor,
        "" if line.ratio is None else f"{line.ratio:.2f}",
        _mark(line.bound, line.goal),
        _mark(line.bound, line.reach),
        line.verdict,
    ]


def _mark(bound: str, mark: float | None) -> str:
    return "" if mark is None else f"{bound} {mark:.2f}"


def number(value: float) -> str:
    """Return a figure as people read it."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def columns(rows: Iterable[list[str]], align: str) -> list[str]:
    """Return rows as lines; ``align`` has ``<`` or ``>`` for each column."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:{side}{width}}"
            for cell, side, width in zip(row, align, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
