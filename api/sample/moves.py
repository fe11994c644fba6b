"""Forms about people on the move: a change of worker, a household that leaves."""

from __future__ import annotations

from collections.abc import Iterator

from api.sample.care import drop_planned_visit
from api.sample.journey import Journey
from api.sample.people import Household
from api.sample.sheet import FormKind, Sheet

HANDOVER = FormKind(slug="take-over-household", title="Take over a household")
DEPARTURE = FormKind(slug="household-leaves", title="A household leaves")


def fill_handover(
    household: Household, journeys: tuple[Journey, ...], *, sheet: Sheet
) -> None:
    """Make the worker who sends the form the owner of a household's cases.

    Pregnancies are extensions and follow their mothers without an owner of their own.
    """
    sheet.ask(reason="new_area", told_family="yes")
    moved = sheet.group("moved")
    for case_id in _owned_cases(household, journeys, sheet=sheet):
        moved.case(case_id).update(owner_id=sheet.at.worker.user_id)


def fill_departure(
    household: Household, journeys: tuple[Journey, ...], *, sheet: Sheet
) -> None:
    """Close the cases of a household that moves out of the area."""
    sheet.ask(destination="outside_area", records_given_to_mother="yes")
    for journey in journeys:
        sheet.case(journey.case_id).update(outcome="moved_away").close()
        drop_planned_visit(journey, sheet)
    for mother in household.mothers:
        sheet.case(mother.case_id).update(status="moved_away").close()
    for person in household.members:
        sheet.case(person.case_id).close()
    sheet.case(household.case_id).update(left_on=sheet.at.day).close()


def _owned_cases(
    household: Household, journeys: tuple[Journey, ...], *, sheet: Sheet
) -> Iterator[str]:
    """Yield the open cases that have an owner; no child was born there by then."""
    yield household.case_id
    yield from (mother.case_id for mother in household.mothers)
    yield from (person.case_id for person in household.members)
    for journey in journeys:
        planned = journey.open_visit_on(sheet.at.day)
        if planned is not None:
            yield planned.case_id
