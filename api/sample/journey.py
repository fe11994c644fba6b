"""What each pregnancy goes through: planned and made visits, birth, follow-up.

Dates only; what is measured on them is ``findings``, what is sent is ``care``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from api.sample.people import Household, Mother, sample_id, working_day

LAST_DAY = date(2026, 8, 28)
TERM = timedelta(days=280)

_POSTNATAL_DAYS = (3, 8, 28)
_LEAVING_DAYS = {9: date(2026, 5, 11), 22: date(2026, 7, 6)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """An antenatal visit; ``made_on`` is ``None`` for one that is only planned."""

    number: int
    case_id: str
    planned_since: date
    planned_on: date
    made_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """One pregnancy from its registration to the end of the sample."""

    household: Household
    mother: Mother
    registered_on: date
    lmp: date
    visits: tuple[Visit, ...]
    born_on: date | None
    left_on: date | None

    @property
    def case_id(self) -> str:
        """Return the id of the pregnancy's case."""
        return _pregnancy_id(self.mother)

    @property
    def edd(self) -> date:
        """Return the expected date of delivery, 40 weeks after the last period."""
        return self.lmp + TERM

    @property
    def has_twins(self) -> bool:
        """Tell whether two children are on their way."""
        return self.mother.number % 13 == 6  # noqa: PLR2004 - about one in thirteen

    @property
    def baby_ids(self) -> tuple[str, ...]:
        """Return the case ids of the children that this pregnancy leads to."""
        places = ("1", "2") if self.has_twins else ("1",)
        return tuple(
            sample_id("baby", self.mother.external_id, place) for place in places
        )

    @property
    def postnatal_days(self) -> tuple[date, ...]:
        """Return the days on which mother and child are visited after the birth."""
        if self.born_on is None:
            return ()
        days = (
            working_day(self.born_on + timedelta(days=after))
            for after in _POSTNATAL_DAYS
        )
        return tuple(day for day in days if day <= LAST_DAY)

    @property
    def birth_reported_on(self) -> date | None:
        """Return the working day after the birth."""
        if self.born_on is None:
            return None
        return working_day(self.born_on + timedelta(days=1))

    def weeks_on(self, day: date) -> int:
        """Return how many full weeks the pregnancy has lasted on a day."""
        return (day - self.lmp).days // 7

    def open_visit_on(self, day: date) -> Visit | None:
        """Return the visit that is planned, not yet made, when a day begins."""
        for visit in self.visits:
            if visit.planned_since < day and (
                visit.made_on is None or visit.made_on >= day
            ):
                return visit
        return None


def journey_of(household: Household, mother: Mother) -> Journey | None:
    """Return the pregnancy of a mother; one in ten is not expecting."""
    number = mother.number
    if number % 10 == 4:  # noqa: PLR2004 - see above
        return None
    registered_on = working_day(household.registered_on + timedelta(days=number % 6))
    lmp = registered_on - timedelta(days=7 * (8 + number * 5 % 22) + number % 7)
    left_on = _LEAVING_DAYS.get(household.number)
    born_on = _birth(number, lmp, left_on)
    return Journey(
        household=household,
        mother=mother,
        registered_on=registered_on,
        lmp=lmp,
        visits=_visits(mother, registered_on, lmp=lmp, until=born_on or left_on),
        born_on=born_on,
        left_on=left_on,
    )


def _birth(number: int, lmp: date, left_on: date | None) -> date | None:
    """Return the day of birth unless the sample, or the mother's stay, ends first."""
    day = lmp + TERM + timedelta(days=number * 7 % 19 - 9)
    known_until = left_on or LAST_DAY
    return day if day < known_until - timedelta(days=2) else None


def _visits(
    mother: Mother, registered_on: date, *, lmp: date, until: date | None
) -> tuple[Visit, ...]:
    """Plan visits until a day; all but the last have been made."""
    visits: list[Visit] = []
    since, planned_on = registered_on, working_day(registered_on + timedelta(days=12))
    end = until or LAST_DAY + timedelta(days=1)
    made_on: date | None = since
    while made_on is not None:
        number = len(visits) + 1
        due = working_day(planned_on + timedelta(days=_delay(mother, number)))
        made_on = due if due < end else None
        visits.append(
            Visit(
                number=number,
                case_id=sample_id("visit", mother.external_id, str(number)),
                planned_since=since,
                planned_on=planned_on,
                made_on=made_on,
            )
        )
        since, planned_on = due, working_day(due + _interval(due - lmp))
    return tuple(visits)


def _delay(mother: Mother, number: int) -> int:
    """Return by how many days a visit slips; once in a while it is a long time."""
    turn = mother.number + number
    return 11 if turn % 9 == 0 else turn % 4


def _interval(age: timedelta) -> timedelta:
    """Return the time to the next visit, shorter towards the end."""
    if age < timedelta(weeks=30):
        return timedelta(days=28)
    return timedelta(days=21 if age < timedelta(weeks=36) else 14)


def _pregnancy_id(mother: Mother) -> str:
    return sample_id("pregnancy", mother.external_id)
