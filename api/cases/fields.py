"""Choosing keys of a case: ``fields`` and ``exclude``. Pure.

The rules are ``rules/case-api-v2.md`` 7. Paths form a tree, in which a path that is
continued by another counts only as the way to it: so a child narrows its parent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from ledger.errors import Conflict

_Tree = dict[str, "_Tree"]

_DEEPEST = 4
"""One more than the levels of a case: a longer path finds nothing either way."""


class Family(Enum):
    """The two families of parameters, which exclude each other."""

    FIELDS = "fields"
    EXCLUDE = "exclude"


def family_of(parameter: str) -> Family | None:
    """Return the family that a query parameter belongs to, ``None`` for any other."""
    name = parameter.partition(".")[0].strip()
    return Family(name) if name in {"fields", "exclude"} else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldFilter:
    """Which keys of every case an answer holds.

    Parameters may be as deep as a query string is long; the tree never is.
    """

    family: Family
    _tree: _Tree = field(repr=False)

    @staticmethod
    def parse(pairs: Iterable[tuple[str, str]]) -> FieldFilter | None:
        """Return the filter that the parameters of a query string ask for.

        Other parameters are passed over; ``None`` means that nothing was asked. Raises
        ``Conflict`` when both families are present.
        """
        asked = [
            (family, name, value)
            for name, value in pairs
            if (family := family_of(name)) is not None
        ]
        if not asked:
            return None
        if len({family for family, _, _ in asked}) > 1:
            raise Conflict("You cannot specify both 'fields' and 'exclude'")
        tree: _Tree = {}
        for _, name, value in asked:
            _plant(tree, name, value)
        return FieldFilter(family=asked[0][0], _tree=tree)

    def apply(self, case: Mapping[str, object]) -> dict[str, object]:
        """Return the part of a case that was asked for; the case itself stays."""
        if self.family is Family.FIELDS:
            return _kept(case, self._tree)
        return _left(case, self._tree)


def _plant(tree: _Tree, parameter: str, value: str) -> None:
    parents = _parts(parameter)[1:]
    for path in value.split(",") if all(parents) else ():
        parts = _parts(path)
        if all(parts):
            node = tree
            for part in (parents[:_DEEPEST] + parts)[:_DEEPEST]:
                node = node.setdefault(part, {})


def _parts(path: str) -> list[str]:
    return [part.strip() for part in path.split(".")]


def _kept(value: Mapping[str, object], tree: _Tree) -> dict[str, object]:
    kept: dict[str, object] = {}
    for name, below in tree.items():
        if name not in value:
            continue
        inner = value[name]
        if not below:
            kept[name] = inner
        elif isinstance(inner, dict):
            kept[name] = _kept(inner, below)
    return kept


def _left(value: Mapping[str, object], tree: _Tree) -> dict[str, object]:
    left = dict(value)
    for name, below in tree.items():
        inner = left.get(name)
        if not below:
            left.pop(name, None)
        elif isinstance(inner, dict):
            left[name] = _left(inner, below)
    return left
