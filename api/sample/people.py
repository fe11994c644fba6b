"""Who lives where: the workers, villages, households and people of the sample.

Names and places are invented; locations lie in the open sea.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from ledger.ids import derived_id

FIRST_DAY = date(2026, 3, 2)
HANDOVER_DAY = date(2026, 6, 15)
HOUSEHOLDS = 36

_SUNDAY = 6
_HANDED_OVER = range(2, HOUSEHOLDS // 2, 4)

_WOMEN = (
    "Amara", "Belise", "Corin", "Delya", "Esmi", "Fareen", "Ghislane", "Halima",
    "Ilena", "Joveta", "Kalina", "Lioré", "Marisa", "Nadeen", "Oriel", "Pelagia",
    "Quilla", "Rosheen", "Sunniva", "Talia", "Umara", "Vesna", "Wilona", "Zoë",
)  # fmt: skip
_OTHERS = (
    "Anso",
    "Bashir",
    "Davo",
    "Emre",
    "Idris",
    "Jonel",
    "Kesi",
    "Mirel",
    "Sabela",
)
_FAMILIES = (
    "Ardané", "Brevik-Sol", "Chimarro", "Dovale", "Eskuri", "Fenoll", "Garuma",
    "Hadrel", "Istavi", "Jolenta", "Kestrin", "Lomarra", "Merrowe", "Nyadell",
    "Olumar", "Pirenne", "Quessada", "Tovane",
)  # fmt: skip
_RELATIONS = ("partner", "mother", "sister", "partner")
_WATER = ("piped", "protected_well", "borehole", "river")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A community health worker and the phone in her bag."""

    username: str
    device_id: str

    @property
    def user_id(self) -> str:
        """Return the worker's id in the shape that mobile workers have."""
        return sample_id("user", self.username).replace("-", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Village:
    """A village and the worker who looks after it at first."""

    name: str
    worker: Worker
    location: str
    clinic: str
    population: int

    @property
    def case_id(self) -> str:
        """Return the id of the village's case."""
        return sample_id("village", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone who lives in a household; ``relation`` is to its first mother."""

    case_id: str
    name: str
    born: date
    relation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mother:
    """A woman whom the programme accompanies; ``number`` counts from 1."""

    number: int
    name: str
    born: date

    @property
    def case_id(self) -> str:
        """Return the id of her case."""
        return sample_id("mother", self.external_id)

    @property
    def external_id(self) -> str:
        """Return the number on her paper card."""
        return f"MH-{self.number:04}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """A household as found on the day it was registered; numbered from 0."""

    number: int
    family: str
    village: Village
    registered_on: date
    mothers: tuple[Mother, ...]
    members: tuple[Person, ...]
    water_source: str
    minutes_to_clinic: int

    @property
    def case_id(self) -> str:
        """Return the id of the household's case."""
        return sample_id("household", str(self.number))

    @property
    def is_handed_over(self) -> bool:
        """Tell whether the other worker takes it over on the handover day."""
        return self.number in _HANDED_OVER

    def worker_on(self, day: date) -> Worker:
        """Return who looks after the household on a day."""
        if self.is_handed_over and day >= HANDOVER_DAY:
            return SOREL
        return self.village.worker


def sample_id(kind: str, *parts: str) -> str:
    """Return the id that a thing of the sample always has."""
    return derived_id("caseledger sample", kind, *parts)


def working_day(day: date) -> date:
    """Return the day itself, or Monday for a Sunday."""
    return day + timedelta(days=1) if day.weekday() == _SUNDAY else day


def households() -> tuple[Household, ...]:
    """Return every household, in the order in which they are registered."""
    return tuple(_household(number) for number in range(HOUSEHOLDS))


def _household(number: int) -> Household:
    family = _FAMILIES[number * 5 % len(_FAMILIES)]
    return Household(
        number=number,
        family=family,
        village=VILLAGES[number % len(VILLAGES)],
        registered_on=working_day(FIRST_DAY + timedelta(days=1 + number * 3 // 2)),
        mothers=_mothers(number, family),
        members=tuple(
            _member(number, place, family) for place in range(1 + number % 3)
        ),
        water_source=_WATER[number * 3 % len(_WATER)],
        minutes_to_clinic=10 + number * 17 % 95,
    )


def _mothers(household: int, family: str) -> tuple[Mother, ...]:
    """Give each household one mother, and every twelfth one a second."""
    earlier = (household + 6) // 12
    count = 2 if household % 12 == 5 else 1  # noqa: PLR2004 - see above
    first = household + earlier + 1
    return tuple(_mother(number, family) for number in range(first, first + count))


def _mother(number: int, family: str) -> Mother:
    born = date(1985, 1, 9) + timedelta(days=number * 1931 % 7300)
    return Mother(
        number=number, name=f"{_WOMEN[number * 7 % len(_WOMEN)]} {family}", born=born
    )


def _member(household: int, place: int, family: str) -> Person:
    turn = household + place * 2
    relation = _RELATIONS[turn % len(_RELATIONS)]
    youngest = 1952 if relation == "mother" else 1982
    return Person(
        case_id=sample_id("member", str(household), str(place)),
        name=f"{_OTHERS[(household * 2 + place) % len(_OTHERS)]} {family}",
        born=date(youngest, 3, 14) + timedelta(days=turn * 811 % 4200),
        relation=relation,
    )


NIMA = Worker(username="nima", device_id="commcare_3f9d1c07-52a8")
SOREL = Worker(username="sorel", device_id="commcare_b1764ee2-0c9b")

# Households take the villages in turn, so even numbers are Nima's.
VILLAGES = (
    Village(
        name="Tamrisle", worker=NIMA, location="0.0412 0.0377 14 8",
        clinic="Tamrisle health post", population=840,
    ),
    Village(
        name="Kelvasse", worker=SOREL, location="0.0935 -0.0218 31 6",
        clinic="Kelvasse health centre", population=1310,
    ),
    Village(
        name="Oruvale", worker=NIMA, location="-0.0560 0.1043 22 11",
        clinic="Tamrisle health post", population=560,
    ),
    Village(
        name="Besharra", worker=SOREL, location="0.1207 0.0891 47 9",
        clinic="Kelvasse health centre", population=975,
    ),
)  # fmt: skip
