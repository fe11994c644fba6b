"""Mappings: refs by what a control file says about inputs. Pure.

``rules/batch-imports.md`` 1.6.3.
"""

from __future__ import annotations

from collections.abc import Mapping as Object
from dataclasses import dataclass, field
from typing import Any

from importers.haplo.rules.lookup import Lookup, Ref, is_possible, oldest, preferred
from importers.haplo.rules.scripting import shown, text_of
from importers.haplo.rules.values import ValueProblem

MOST_TITLED = 4096
"""How many cases a mapping by title may choose from."""

BEHAVIOUR = "behaviour"
TITLE = "title"


class BadMapping(ValueError):
    """A mapping cannot be used; the name that wants it then only accepts refs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Inputs with the external ids or the names of the cases that they mean."""

    name: str
    using: str
    case_types: frozenset[str] = field(default=frozenset())
    values: Object[str, str]

    def ref_of(self, value: Any, lookup: Lookup, source: str) -> Ref | None:
        """Return the case that an input means; raises ``ValueProblem``.

        An input that a mapping by title does not have means nothing.
        """
        identifier = self.values.get(text_of(value))
        if identifier is None and self.using == TITLE:
            return None
        found = None if identifier is None else self._found(identifier, lookup)
        if found is None:
            text = f"Value in input data cannot be mapped for {source}"
            raise ValueProblem(f"{text}: {shown(value)}")
        return found

    def _found(self, identifier: str, lookup: Lookup) -> Ref | None:
        if self.using == TITLE:
            case = oldest(preferred(lookup.titled(self.case_types, identifier)))
            return None if case is None else Ref(case.case_id)
        cases = lookup.by_external(identifier)
        if self.case_types:
            cases = [case for case in cases if case.case_type in self.case_types]
        cases = preferred(cases)
        return Ref(cases[0].case_id) if len(cases) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """How many cases of a type there were when the batch began.

    ``own`` are the types that the batch itself may make.
    """

    counts: Object[str, int] = field(default_factory=dict)
    own: frozenset[str] = field(default=frozenset())


def read_mapping(name: str, mappings: Any, census: Census) -> Mapping:
    """Return the mapping of a name; raises ``BadMapping``."""
    given = mappings.get(name) if isinstance(mappings, dict) else None
    using = given.get("using") if isinstance(given, dict) else None
    if not isinstance(given, dict) or using not in {BEHAVIOUR, TITLE}:
        raise BadMapping(f"Unknown mapping: {shown(name)}")
    types = _types_of(given)
    _check_types(name, types, using, census)
    values = given.get("values")
    return Mapping(
        name=name,
        using=using,
        case_types=frozenset(types),
        values=(
            {key: text_of(value) for key, value in values.items()}
            if isinstance(values, dict)
            else {}
        ),
    )


def mapped_types(mappings: Any) -> set[str]:
    """Return the types that mappings name, as far as they may be types."""
    found = mappings.values() if isinstance(mappings, dict) else ()
    types = (t for given in found if isinstance(given, dict) for t in _types_of(given))
    return {t for t in types if is_possible(t)}


def _types_of(given: Object[str, Any]) -> list[str]:
    types = given.get("types")
    return list(map(text_of, types)) if isinstance(types, list) else []


def _check_types(name: str, types: list[str], using: str, census: Census) -> None:
    if using == TITLE and not types:
        raise BadMapping(f"Mapping {shown(name)} does not specify types")
    for case_type in types:
        if not census.counts.get(case_type) and case_type not in census.own:
            text = f"Mapping {shown(name)} refers to unknown type {shown(case_type)}"
            raise BadMapping(text)
    count = sum(census.counts.get(t, 0) for t in set(types))
    if using == TITLE and count > MOST_TITLED:
        text = "too many objects in store to use this method."
        raise BadMapping(f"Mapping {shown(name)} uses title mapping, but {text}")
