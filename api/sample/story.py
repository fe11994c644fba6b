"""In which order it all happens: every form of the sample, as it was sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone
from functools import partial
from itertools import groupby
from operator import attrgetter

from api.sample.care import (
    ANTENATAL,
    BIRTH,
    POSTNATAL,
    fill_antenatal,
    fill_birth,
    fill_postnatal,
    fill_unknown_pregnancy,
)
from api.sample.journey import Journey, journey_of
from api.sample.moves import DEPARTURE, HANDOVER, fill_departure, fill_handover
from api.sample.people import (
    FIRST_DAY,
    HANDOVER_DAY,
    SOREL,
    VILLAGES,
    Household,
    Worker,
    households,
    sample_id,
)
from api.sample.registration import (
    HOUSEHOLD,
    PREGNANCY,
    VILLAGE,
    fill_household,
    fill_pregnancy,
    fill_village,
)
from api.sample.sheet import Encounter, Fill, FormKind, form_bytes

_ZONE = timezone(timedelta(hours=2))
_BROKEN_DAY = date(2026, 7, 21)
_BROKEN_SUBJECT = "MH-0099-1"
_RESENT_SUBJECT = "MH-0012-2"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleForm:
    """One submission: a name that tells what it is, and the bytes to send."""

    name: str
    xml: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """A form that somebody fills in on a day."""

    day: date
    worker: Worker
    kind: FormKind
    subject: str
    fill: Fill


BROKEN = sample_id("form", ANTENATAL.slug, _BROKEN_SUBJECT)
RESENT = sample_id("form", ANTENATAL.slug, _RESENT_SUBJECT)


def forms() -> Iterator[SampleForm]:
    """Yield every form in the order in which the phones sent it.

    Exactly one, with the id ``BROKEN``, refers to a case that does not exist, and
    exactly one, with the id ``RESENT``, comes twice with the same bytes.
    """
    for serial, (at, fill) in enumerate(_encounters(), start=1):
        name = f"{serial:03}-{at.kind.slug}-{at.subject}"
        form = SampleForm(name=name, xml=form_bytes(at, fill))
        yield form
        if at.form_id == RESENT:
            yield replace(form, name=f"{name}-again")


def _encounters() -> Iterator[tuple[Encounter, Fill]]:
    """Give the events of each day their hours; the sort keeps causes first."""
    by_day = attrgetter("day")
    for _, events in groupby(sorted(_events(), key=by_day), key=by_day):
        for turn, event in enumerate(events):
            yield _encounter(event, turn), event.fill


def _encounter(event: _Event, turn: int) -> Encounter:
    """Let a form begin in the turn-th stretch of 35 minutes of the working day."""
    minutes = timedelta(minutes=turn * 35 + event.day.day % 9)
    seconds = timedelta(seconds=(turn * 17 + event.day.day * 7) % 60)
    started = datetime.combine(event.day, time(7, 40), _ZONE) + minutes + seconds
    lasted = timedelta(minutes=6 + (turn * 5 + event.day.day) % 14, seconds=turn * 3)
    return Encounter(
        worker=event.worker,
        kind=event.kind,
        subject=event.subject,
        started=started,
        ended=started + lasted,
    )


def _events() -> Iterator[_Event]:
    """Yield what happens, causes before effects where both fall on one day."""
    for village in VILLAGES:
        yield _Event(
            day=FIRST_DAY,
            worker=village.worker,
            kind=VILLAGE,
            subject=village.name,
            fill=partial(fill_village, village),
        )
    for household in households():
        yield from _household_events(household)
    yield _Event(
        day=_BROKEN_DAY,
        worker=SOREL,
        kind=ANTENATAL,
        subject=_BROKEN_SUBJECT,
        fill=fill_unknown_pregnancy,
    )


def _household_events(household: Household) -> Iterator[_Event]:
    journeys = tuple(
        journey
        for mother in household.mothers
        if (journey := journey_of(household, mother)) is not None
    )
    yield _registration(household)
    if household.is_handed_over:
        yield _handover(household, journeys)
    for journey in journeys:
        yield from _journey_events(journey)
    left_on = next((journey.left_on for journey in journeys), None)
    if left_on is not None:
        yield _departure(household, journeys, left_on=left_on)


def _registration(household: Household) -> _Event:
    return _Event(
        day=household.registered_on,
        worker=household.worker_on(household.registered_on),
        kind=HOUSEHOLD,
        subject=_title(household),
        fill=partial(fill_household, household),
    )


def _handover(household: Household, journeys: tuple[Journey, ...]) -> _Event:
    return _Event(
        day=HANDOVER_DAY,
        worker=household.worker_on(HANDOVER_DAY),
        kind=HANDOVER,
        subject=_title(household),
        fill=partial(fill_handover, household, journeys),
    )


def _departure(
    household: Household, journeys: tuple[Journey, ...], *, left_on: date
) -> _Event:
    return _Event(
        day=left_on,
        worker=household.worker_on(left_on),
        kind=DEPARTURE,
        subject=_title(household),
        fill=partial(fill_departure, household, journeys),
    )


def _journey_events(journey: Journey) -> Iterator[_Event]:
    yield _care(
        journey,
        journey.registered_on,
        kind=PREGNANCY,
        fill=partial(fill_pregnancy, journey),
    )
    for visit in journey.visits:
        if visit.made_on is not None:
            fill = partial(fill_antenatal, journey, visit)
            yield _care(
                journey, visit.made_on, kind=ANTENATAL, fill=fill, turn=visit.number
            )
    if journey.birth_reported_on is not None:
        fill = partial(fill_birth, journey)
        yield _care(journey, journey.birth_reported_on, kind=BIRTH, fill=fill)
    for turn, day in enumerate(journey.postnatal_days, start=1):
        fill = partial(fill_postnatal, journey, turn)
        yield _care(journey, day, kind=POSTNATAL, fill=fill, turn=turn)


def _care(
    journey: Journey, day: date, *, kind: FormKind, fill: Fill, turn: int = 1
) -> _Event:
    return _Event(
        day=day,
        worker=journey.household.worker_on(day),
        kind=kind,
        subject=f"{journey.mother.external_id}-{turn}",
        fill=fill,
    )


def _title(household: Household) -> str:
    return f"{household.number + 1:03}"
