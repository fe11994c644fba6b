"""Forms of care: antenatal visits, births, visits to mother and newborn."""

from __future__ import annotations

from api.sample.findings import Finding, finding
from api.sample.journey import Journey, Visit
from api.sample.people import sample_id
from api.sample.registration import plan_visit
from api.sample.sheet import FormKind, Sheet

ANTENATAL = FormKind(slug="antenatal-visit", title="Antenatal visit")
BIRTH = FormKind(slug="birth", title="Birth")
POSTNATAL = FormKind(slug="postnatal-visit", title="Postnatal visit")

_GIVEN = (
    "Aurel", "Brisa", "Cael", "Dalia", "Elio", "Fenna", "Ghiora", "Ivo", "Junia",
    "Kiran", "Lucan", "Mirou", "Noor", "Odel", "Peri", "Ravi", "Sanne",
)  # fmt: skip
_PLACES = ("health_centre", "home", "health_centre", "district_hospital")
_NAMING_VISIT = 2
_LAST_VISIT = 3


def fill_antenatal(journey: Journey, visit: Visit, *, sheet: Sheet) -> None:
    """Record a visit: finish its case, bring mother and pregnancy up to date."""
    found = finding(journey, visit.number)
    _ask_findings(found, sheet)
    facts = {
        "blood_pressure": found.blood_pressure,
        "haemoglobin": found.haemoglobin,
        "weight_kg": found.weight_kg,
    }
    weeks = journey.weeks_on(sheet.at.day)
    sheet.case(visit.case_id).update(
        status="done",
        visited_on=sheet.at.day,
        weeks=weeks,
        danger_signs=found.danger_signs,
        **facts,
    ).close()
    sheet.case(journey.case_id).update(
        visits_made=visit.number, weeks=weeks, iron_tablets=visit.number * 30, **facts
    )
    sheet.case(journey.mother.case_id).update(
        risk=found.risk,
        risk_factors=" ".join(found.risk_factors),
        last_visit=sheet.at.day,
    )
    plan_visit(journey, sheet.group("next_visit"))


def fill_birth(journey: Journey, sheet: Sheet) -> None:
    """Report a birth: a case for each child, the end of the pregnancy's."""
    place = _PLACES[journey.mother.number % len(_PLACES)]
    sheet.group("birth").ask(
        born_on=journey.born_on, place=place, children=len(journey.baby_ids)
    )
    for number, case_id in enumerate(journey.baby_ids):
        _fill_newborn(journey, case_id, number=number, sheet=sheet.group("children"))
    sheet.case(journey.case_id).update(
        outcome="live_birth", delivered_on=journey.born_on, birth_place=place
    ).close()
    sheet.case(journey.mother.case_id).update(
        status="delivered", last_birth=journey.born_on
    )
    drop_planned_visit(journey, sheet)


def fill_postnatal(journey: Journey, number: int, *, sheet: Sheet) -> None:
    """Record a visit after the birth; at the second one the children have names."""
    sheet.group("mother").ask(bleeding="no", fever="no", mood="well")
    for place, case_id in enumerate(journey.baby_ids):
        weight = _birth_weight(journey, place) + 60 * number * number
        child = sheet.group("children").ask(weight_g=weight, feeding="breast_milk")
        writer = child.case(case_id)
        vaccines = "bcg" if number < _LAST_VISIT else "bcg polio"
        if number == _NAMING_VISIT:
            name = baby_name(journey, place)
            child.ask(given_name=name)
            writer.update(case_name=name, weight_g=weight, vaccines=vaccines)
        else:
            writer.update(weight_g=weight, vaccines=vaccines)
    mother = {"last_visit": sheet.at.day, "postnatal_visits": number}
    if number == _LAST_VISIT:
        mother |= {"status": "completed", "risk": "low", "risk_factors": ""}
    sheet.case(journey.mother.case_id).update(**mother)


def fill_unknown_pregnancy(sheet: Sheet) -> None:
    """Record a visit for a pregnancy whose registration never left another phone.

    The one broken form of the sample: its index points at a case that does not exist
    (``rules/case-xml.md`` 10), so it is kept as an XFormError.
    """
    sheet.ask(card="MH-0099", weight_kg="58.2", danger_signs="none")
    sheet.case(sample_id("visit", "MH-0099", "1")).create(
        "visit", "Visit 1, card MH-0099"
    ).update(number=1, status="done", visited_on=sheet.at.day).child_of(
        "pregnancy", sample_id("pregnancy", "MH-0099")
    ).close()


def drop_planned_visit(journey: Journey, sheet: Sheet) -> None:
    """Close the case of a visit that will not take place any more."""
    planned = journey.open_visit_on(sheet.at.day)
    if planned is not None:
        sheet.case(planned.case_id).update(status="not_needed").close()


def baby_name(journey: Journey, place: int) -> str:
    """Return the name that a child is given."""
    given = _GIVEN[(journey.mother.number * 5 + place * 3) % len(_GIVEN)]
    return f"{given} {journey.household.family}"


def _ask_findings(found: Finding, sheet: Sheet) -> None:
    sheet.group("measurements").ask(
        systolic=found.systolic,
        diastolic=found.diastolic,
        haemoglobin=found.haemoglobin,
        weight_kg=found.weight_kg,
    )
    sheet.group("danger").ask(danger_signs=found.danger_signs)
    sheet.group("advice").ask(birth_plan_discussed="yes", iron_given=30)


def _fill_newborn(journey: Journey, case_id: str, *, number: int, sheet: Sheet) -> None:
    weight = _birth_weight(journey, number)
    sex = ("female", "male")[(journey.mother.number + number) % 2]
    sheet.ask(sex=sex, weight_g=weight)
    sheet.case(case_id).create("baby", f"Child of {journey.mother.name}").update(
        dob=journey.born_on, sex=sex, birth_weight_g=weight, weight_g=weight
    ).child_of("mother", journey.mother.case_id)


def _birth_weight(journey: Journey, place: int) -> int:
    least = 2310 if journey.has_twins else 2640
    return least + (journey.mother.number * 83 + place * 140) % 1100
