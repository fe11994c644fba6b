"""What is measured at a visit, and the risk that follows from it.

The rules are made up to give histories that change; they are no medical advice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from api.sample.journey import Journey

_HIGH_PRESSURE = 140
_SEVERE_ANAEMIA = 9.0
_ANAEMIA = 10.5
_GRAVE = frozenset({"high_blood_pressure", "severe_anaemia", "caesarean", "twins"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The measurements of one antenatal visit."""

    systolic: int
    diastolic: int
    haemoglobin: float
    weight_kg: float
    danger_signs: str
    risk_factors: tuple[str, ...]

    @property
    def risk(self) -> str:
        """Return the risk that the factors add up to."""
        return risk_of(self.risk_factors)

    @property
    def blood_pressure(self) -> str:
        """Return the pressure as it is written on a card."""
        return f"{self.systolic}/{self.diastolic}"


def finding(journey: Journey, visit: int) -> Finding:
    """Return what is measured at an antenatal visit; visits count from 1."""
    number = journey.mother.number
    systolic = _systolic(number, visit)
    haemoglobin = _haemoglobin(number, visit)
    return Finding(
        systolic=systolic,
        diastolic=systolic * 5 // 8,
        haemoglobin=haemoglobin,
        weight_kg=round(50 + number * 1.7 % 21 + visit * 1.6, 1),
        danger_signs=_danger_signs(systolic),
        risk_factors=(
            *known_factors(journey),
            *(("high_blood_pressure",) if systolic >= _HIGH_PRESSURE else ()),
            *_anaemia(haemoglobin),
            *(("twins",) if journey.has_twins and visit > 1 else ()),
        ),
    )


def known_factors(journey: Journey) -> tuple[str, ...]:
    """Return the risk factors that are known before anything is measured."""
    mother = journey.mother
    is_older = mother.born < date(1990, 3, 1)
    has_scar = mother.number % 9 == 5  # noqa: PLR2004 - about one in nine
    return (*(("age",) if is_older else ()), *(("caesarean",) if has_scar else ()))


def risk_of(factors: tuple[str, ...]) -> str:
    """Return ``high`` for any grave factor, ``medium`` for another, else ``low``."""
    if _GRAVE.intersection(factors):
        return "high"
    return "medium" if factors else "low"


def _systolic(number: int, visit: int) -> int:
    """Let the pressure of every eighth mother climb from visit to visit."""
    if number % 8 == 3:  # noqa: PLR2004 - see above
        return 117 + 8 * visit
    return 102 + (number * 7 + visit * 5) % 25


def _haemoglobin(number: int, visit: int) -> float:
    """Let every seventh mother recover from anaemia as she takes her iron."""
    if number % 7 == 2:  # noqa: PLR2004 - see above
        return round(8.0 + 0.6 * visit, 1)
    return round(10.6 + (number * 3 + visit) % 18 / 10, 1)


def _anaemia(haemoglobin: float) -> tuple[str, ...]:
    if haemoglobin < _SEVERE_ANAEMIA:
        return ("severe_anaemia",)
    return ("anaemia",) if haemoglobin < _ANAEMIA else ()


def _danger_signs(systolic: int) -> str:
    return "headache swelling" if systolic >= _HIGH_PRESSURE else "none"
