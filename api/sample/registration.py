"""Forms that make cases known: village, household with its people, pregnancy."""

from __future__ import annotations

from api.sample.findings import known_factors, risk_of
from api.sample.journey import Journey
from api.sample.people import Household, Mother, Person, Village
from api.sample.sheet import FormKind, Sheet

VILLAGE = FormKind(slug="register-village", title="Register a village")
HOUSEHOLD = FormKind(slug="register-household", title="Register a household")
PREGNANCY = FormKind(slug="register-pregnancy", title="Register a pregnancy")

_BIRTH_PLANS = ("health_centre", "home_with_midwife", "district_hospital")
_TRANSPORT = ("motorcycle", "walking", "neighbour_with_car", "ambulance")


def fill_village(village: Village, sheet: Sheet) -> None:
    """Register a village."""
    facts = {
        "location": village.location,
        "clinic": village.clinic,
        "population": village.population,
    }
    sheet.ask(village_name=village.name, **facts)
    sheet.case(village.case_id).create("village", village.name).update(**facts)


def fill_household(household: Household, sheet: Sheet) -> None:
    """Register a household and, in repeats, everyone in it; children come first.

    The block of the household stands behind those that point at it, as forms of real
    applications have it; the order inside one form does not matter.
    """
    for mother in household.mothers:
        _fill_mother(mother, household, sheet=sheet.group("mothers"))
    for person in household.members:
        _fill_member(person, household, sheet=sheet.group("members"))
    dwelling = sheet.group("dwelling")
    facts = {
        "water_source": household.water_source,
        "minutes_to_clinic": household.minutes_to_clinic,
    }
    dwelling.ask(family_name=household.family, **facts)
    dwelling.case(household.case_id).create(
        "household", f"{household.family} household"
    ).update(
        village=household.village.name,
        people=len(household.mothers) + len(household.members),
        **facts,
    ).child_of("village", household.village.case_id)


def fill_pregnancy(journey: Journey, sheet: Sheet) -> None:
    """Register a pregnancy as an extension of the mother, and plan the first visit."""
    factors = known_factors(journey)
    dates = sheet.group("dates").ask(lmp=journey.lmp)
    dates.ask(edd=journey.edd, weeks=journey.weeks_on(sheet.at.day))
    sheet.group("risk").ask(risk_factors=" ".join(factors) or "none")
    _pregnancy_case(journey, sheet)
    sheet.case(journey.mother.case_id).update(
        status="pregnant", risk=risk_of(factors), risk_factors=" ".join(factors)
    )
    plan_visit(journey, sheet.group("next_visit"))


def plan_visit(journey: Journey, sheet: Sheet) -> None:
    """Create the case of the visit that is planned on the day of the form."""
    for visit in journey.visits:
        if visit.planned_since == sheet.at.day:
            sheet.ask(planned_on=visit.planned_on)
            sheet.case(visit.case_id).create(
                "visit", f"Visit {visit.number}, {journey.mother.name}"
            ).update(
                number=visit.number, status="planned", planned_on=visit.planned_on
            ).child_of("pregnancy", journey.case_id)


def _pregnancy_case(journey: Journey, sheet: Sheet) -> None:
    number = journey.mother.number
    sheet.case(journey.case_id).create_unowned(
        "pregnancy", f"Pregnancy of {journey.mother.name}"
    ).update(
        lmp=journey.lmp,
        edd=journey.edd,
        gravida=1 + number % 4,
        visits_made=0,
        birth_plan=_BIRTH_PLANS[number % len(_BIRTH_PLANS)],
        transport=_TRANSPORT[number * 3 % len(_TRANSPORT)],
    ).extension_of("mother", journey.mother.case_id)


def _fill_mother(mother: Mother, household: Household, *, sheet: Sheet) -> None:
    sheet.ask(full_name=mother.name, born=mother.born, card=mother.external_id)
    sheet.case(mother.case_id).create("mother", mother.name).update(
        external_id=mother.external_id,
        dob=mother.born,
        village=household.village.name,
        status="registered",
    ).child_of("household", household.case_id)


def _fill_member(person: Person, household: Household, *, sheet: Sheet) -> None:
    sheet.ask(full_name=person.name, relation=person.relation)
    sheet.case(person.case_id).create("member", person.name).update(
        dob=person.born, relation=person.relation
    ).child_of("household", household.case_id)
