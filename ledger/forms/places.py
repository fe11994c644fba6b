"""Where something stands in a document: a path and a line. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ledger.forms.xml import Element, local_name


class Place(NamedTuple):
    """A path of local names, such as ``/data/case[2]/@case_id``, and a line."""

    path: str = ""
    line: int | None = None


NOWHERE = Place()
"""The place of what is wrong with the whole document."""


def place_of(element: Element, attribute: str = "") -> Place:
    """Return where an element stands, or one of its attributes."""
    path = "/" + "/".join(reversed(list(_steps(element))))
    # The stubs of lxml do not say what a line is.
    line: Any = element.sourceline
    return Place(f"{path}/@{attribute}" if attribute else path, line)


def _steps(element: Element) -> Iterator[str]:
    """Yield the names from an element up to the root.

    One that has sisters of its name is numbered among them, from 1.
    """
    above: Element | None = element
    while above is not None:
        name = local_name(above)
        same = f"{{*}}{name}"
        before = sum(1 for _ in above.itersiblings(same, preceding=True))
        alone = before == 0 and next(above.itersiblings(same), None) is None
        yield name if alone else f"{name}[{before + 1}]"
        above = above.getparent()
