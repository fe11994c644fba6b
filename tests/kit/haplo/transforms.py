"""Records through instructions without a database: cases are a list."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from importers.haplo.command import Batch, Numbered, transform
from importers.haplo.rules.blocks import Setting
from importers.haplo.rules.control import read_control
from importers.haplo.rules.mappings import Census
from importers.haplo.rules.program import Program, prepare
from importers.haplo.rules.record import Transformed
from ledger.cases.case import Case, CaseIndex
from ledger.entry import Author
from tests.kit import build

NOW = "2024-03-05T09:00:00.000000Z"


def a_case(case_id: str = "c1", **fields: Any) -> Case:
    """Return an open case of a patient; ``parent`` is what its index points at."""
    indices = {}
    if "parent" in fields:
        about = {"case_type": "patient", "relationship": "child"}
        indices["parent"] = CaseIndex(case_id=fields.pop("parent"), **about)
    known = {"case_type": "patient", "case_name": "Idris", "owner_id": "u-owner"}
    return Case(
        domain=build.DOMAIN,
        case_id=case_id,
        indices=indices,
        **{"opened_on": NOW, **known, **fields},
    )


@dataclass
class Known:
    """Cases and users that records may ask for."""

    cases: Sequence[Case] = ()
    users: Mapping[str, str] = field(default_factory=dict)

    def case(self, case_id: str) -> Case | None:
        """Return the case with an id."""
        return next((c for c in self.cases if c.case_id == case_id), None)

    def by_external(self, external_id: str) -> Sequence[Case]:
        """Return the cases with an external id."""
        return [c for c in self.cases if c.external_id == external_id]

    def dependents(self, case_id: str, index: str) -> Sequence[Case]:
        """Return the cases whose index points at a case."""
        found = [(c, c.indices.get(index)) for c in self.cases]
        return [c for c, i in found if i is not None and i.case_id == case_id]

    def titled(self, case_types: Collection[str], title: str) -> Sequence[Case]:
        """Return the cases of some types with a name."""
        named = [c for c in self.cases if c.case_name == title]
        return [c for c in named if c.case_type in case_types]

    def user_id(self, username: str) -> str | None:
        """Return the id of a user."""
        return self.users.get(username.lower())


def prepared(control: Any, counts: Mapping[str, int] | None = None) -> Program:
    """Return the program of a control file; a few patients are there."""
    found = read_control(orjson.dumps(control))
    own = frozenset(d.case_type for d in found.model.destinations.values())
    census = Census(counts={"patient": 3} if counts is None else counts, own=own)
    return prepare(found, census, this_year=2024)


def transformed(
    control: Any,
    record: Any,
    *cases: Case,
    users: Mapping[str, str] | None = None,
    said: set[str] | None = None,
) -> Transformed:
    """Return what becomes of a record."""
    batch = Batch(
        domain=build.DOMAIN,
        job_id="batch",
        control="digest",
        author=Author(user_id=build.USER),
        program=prepared(control),
    )
    return transform(
        batch,
        Numbered(0, record, 0),
        Known(cases, users or {}),
        setting=Setting(user_id=build.USER, now=NOW),
        said=set() if said is None else said,
    )


def written(found: Transformed) -> dict[str, str]:
    """Return the names that the only block of a record sets."""
    (block,) = found.blocks
    return {**(block.create or {}), **(block.update or {})}


def messages(found: Transformed) -> list[str]:
    """Return what was said of a record."""
    return list(found.messages)


def names(blocks: Iterable[Any]) -> list[str]:
    """Return the case names that blocks make, in their order."""
    return [block.create["case_name"] for block in blocks if block.create]
