"""Wishes of the case API, and what they are resolved to."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from ledger.cases.case import Case
from ledger.cases.change import CaseChange, IndexRef, Intent
from ledger.cases.upsert import resolve
from ledger.errors import Conflict

NOW = "2024-05-06T07:08:09.000000Z"
BODY = {"case_type": "patient", "case_name": "Ann", "owner_id": "o"}


def change(intent, **fields):
    """Return a wish of an intent."""
    return CaseChange(intent=intent, **fields)


def create(**fields):
    """Return the wish to create a case."""
    return change(Intent.CREATE, **BODY | fields)


def update(**fields):
    """Return the wish to update a case."""
    return change(Intent.UPDATE, **fields)


def upsert(external_id, **fields):
    """Return the wish to update the case with an external id, or to create it."""
    return change(Intent.UPSERT, external_id=external_id, **BODY | fields)


def put(**fields):
    """Return the wish to put a case."""
    return change(Intent.PUT, **fields)


def put_external(selector, **fields):
    """Return the wish to put the case that an external id selects."""
    return change(Intent.PUT_EXTERNAL, selector=selector, **fields)


def to(**ids):
    """Return the wish to point at a case."""
    return IndexRef(case_type="patient", relationship="child", **ids)


def existing(case_id, external_id=None, **fields):
    """Return a case that there is."""
    return Case(domain="d", case_id=case_id, external_id=external_id, **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesFound:
    """A ``Lookup`` in memory."""

    cases: Mapping[str, Case] = field(default_factory=dict)
    external: Mapping[str, Sequence[Case]] = field(default_factory=dict)

    @classmethod
    def of(cls, cases: Iterable[Case]) -> CasesFound:
        """Return the lookup that finds these cases under both their ids."""
        by_id = {case.case_id: case for case in cases}
        external: dict[str, list[Case]] = {}
        for case in by_id.values():
            if case.external_id:
                external.setdefault(case.external_id, []).append(case)
        return cls(cases=by_id, external=external)

    def case(self, case_id: str) -> Case | None:
        """Return the case with an id."""
        return self.cases.get(case_id)

    def by_external(self, external_id: str) -> Sequence[Case]:
        """Return the cases that hold an external id."""
        return self.external.get(external_id, ())


def resolved(*changes, cases=()):
    """Return what wishes come to, new cases being ``new1`` and so on."""
    numbers = itertools.count(1)
    rows = [change._replace(row=row) for row, change in enumerate(changes, 1)]
    return resolve(
        rows,
        CasesFound.of(cases),
        new_id=lambda: f"new{next(numbers)}",
        now=NOW,
        user_id="u",
    )


def refusal(*changes, cases=()):
    """Return text, row and field of the refusal of wishes."""
    with pytest.raises(Conflict) as caught:
        resolved(*changes, cases=cases)
    return caught.value.text, caught.value.row, caught.value.field
