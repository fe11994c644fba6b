"""The data set D(N) and the log L(N), by formula only (rules/design.md 6.4).

Every case and every form is a function of its number, so that no file has to be kept
and every implementation of the formulas makes the same bytes. ``xforms.py`` writes the
XML; here are the values.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

Change = dict[str, object]
"""One row of a bulk request of the Case Data API."""

START = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
FIRST_NAMES = (
    *("Asha", "Bina", "Chitra", "Devi", "Esha", "Farah", "Gita"),
    *("Hema", "Indu", "Jaya", "Kavya", "Lata", "Meena", "Nila"),
)
SURNAMES = (
    *("Sharma", "Patel", "Das", "Nair", "Singh", "Roy", "Bose"),
    *("Khan", "Iyer", "Joshi", "Gupta", "Reddy", "Menon", "Sen"),
)
RISKS = ("low", "medium", "high")
STATES = ["bihar", "kerala", "goa", "punjab", "assam", "sikkim", "odisha", "tripura"]


def case_id(i: int) -> str:
    """Return the id of case ``i``: scattered first digits, readable last ones."""
    return f"{(i * 2654435761) % 2**32:08x}-0000-4000-8000-{i:012x}"


def form_id(i: int) -> str:
    """Return the id of form ``i``; no case has it."""
    return f"{(i * 2654435761) % 2**32:08x}-0000-4000-9000-{i:012x}"


def case_type(i: int) -> str:
    """Return ``household`` for every fourth case, else ``patient``."""
    return "household" if i % 4 == 0 else "patient"


def parent(i: int) -> int | None:
    """Return the number of the household of a patient; a household has none."""
    return i - i % 4 if i % 4 else None


def case_name(i: int) -> str:
    """Return one of 196 names."""
    return f"{FIRST_NAMES[i % 14]} {SURNAMES[i // 14 % 14]}"


def external_id(i: int) -> str:
    """Return the external id of case ``i``; unique."""
    return f"ext-{i}"


def owner_id(i: int) -> str:
    """Return one of 500 owners."""
    return f"owner-{i % 500}"


def is_closed(i: int) -> bool:
    """Tell whether case ``i`` is closed by the form that opens it."""
    return i % 20 == 0


def instant(i: int) -> str:
    """Return the moment ``i`` seconds after the start, as a phone writes it."""
    moment = START + timedelta(seconds=i)
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def ten_properties(i: int, size: int) -> dict[str, str]:
    """Return the ten properties that every case of D(``size``) has."""
    month, day = 1 + i % 12, 1 + i % 28
    return {
        "dob": f"{1950 + i % 60}-{month:02}-{day:02}",
        "village": f"village_{7919 * i % 5000}",
        "phone": f"+91{i:010}",
        "age": str(31 * i % 90),
        "is_testing": "true" if i % 1000 == 0 else "false",
        "risk": RISKS[i % 3],
        "edd": f"2024-{month:02}-{day:02}",
        "visits": str(13 * i % 20),
        "notes": f"visit {i} went as planned, next call in {i % 30} days",
        "batch": f"b{100 * i // size}",
    }


def state(i: int) -> str | None:
    """Return the property ``state``: missing, empty or one of eight names."""
    if i % 10 == 1:
        return None
    return "" if i % 10 == 0 else STATES[i // 10 % 8]


def properties(i: int, size: int) -> dict[str, str]:
    """Return all properties of case ``i`` of D(``size``)."""
    values = ten_properties(i, size)
    where = state(i)
    if where is not None:
        values["state"] = where
    return values


def visit(i: int) -> dict[str, str]:
    """Return the three properties that update number ``i`` sets."""
    return {
        "visits": str(13 * i % 20),
        "risk": RISKS[i % 3],
        "notes": f"visit {i} went as planned, next call in {i % 30} days",
    }


def create_change(i: int, size: int) -> Change:
    """Return the bulk row that creates case ``i``; patients point by temporary id."""
    change: Change = {
        "create": True,
        "case_type": case_type(i),
        "case_name": case_name(i),
        "external_id": external_id(i),
        "owner_id": owner_id(i),
        "properties": ten_properties(i, size),
    }
    household = parent(i)
    if household is None:
        change["temporary_id"] = f"t{i}"
    else:
        change["indices"] = {"parent": parent_index({"temporary_id": f"t{household}"})}
    return change


def parent_index(target: dict[str, str]) -> dict[str, str]:
    """Return an index ``parent`` to a household named in one of the three ways."""
    return {**target, "case_type": "household", "relationship": "child"}


def log_target(i: int) -> int:
    """Return the case that form ``i`` of L creates (even) or changes (odd)."""
    return i // 2 if i % 2 == 0 else 7919 * i % ((i + 1) // 2)


def log_cases(size: int) -> int:
    """Return how many cases L(``size``) creates."""
    return (size + 1) // 2


def log_edits(size: int) -> list[int]:
    """Return one form of L(``size``) in ten, as many creating as changing ones."""
    return [i for i in range(size) if i % 20 in (0, 11)]


def log_properties(size: int) -> list[dict[str, str]]:
    """Return the properties of every case after all of L(``size``)."""
    cases = log_cases(size)
    values = [properties(i, cases) for i in range(cases)]
    for i in range(1, size, 2):
        values[log_target(i)].update(visit(i))
    return values


def document(i: int, size: int, *, domain: str) -> dict[str, object]:
    """Return the case as the wire shows it, server times set to its own."""
    household = parent(i)
    moment = instant(i)[:-1] + ".000000Z"
    target = {} if household is None else {"case_id": case_id(household)}
    return {
        "domain": domain,
        "case_id": case_id(i),
        "case_type": case_type(i),
        "case_name": case_name(i),
        "external_id": external_id(i),
        "owner_id": owner_id(i),
        "date_opened": moment,
        "last_modified": moment,
        "server_last_modified": moment,
        "indexed_on": moment,
        "closed": is_closed(i),
        "date_closed": moment if is_closed(i) else None,
        "properties": properties(i, size),
        "indices": {"parent": parent_index(target)} if target else {},
    }


def blocks_of(total: int, *, length: int, start: int = 0) -> Iterator[range]:
    """Cut ``total`` numbers from ``start`` on into ranges of at most ``length``."""
    for first in range(start, start + total, length):
        yield range(first, min(first + length, start + total))
