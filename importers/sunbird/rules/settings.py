"""What an operator may decide about uploads of Sunbird. Pure.

``rules/batch-imports.md`` 2.4b. ``Rules`` is what a job needs of it: it is kept with
the job, so that a server that starts with other settings changes nothing about uploads
it has taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_MB = 1_000_000
LEVELS = ("state", "district", "block", "cluster", "school")
"""The types of locations where nothing is said, the top one first (rule 2.4)."""

SCHOOL = "school"
"""The type that may stand one or two levels below its parent (rule 2.5.1)."""

USER_TYPES = ("teacher", "other")
ROLES = (
    "CONTENT_CREATOR",
    "CONTENT_REVIEWER",
    "BOOK_CREATOR",
    "BOOK_REVIEWER",
    "COURSE_CREATOR",
    "COURSE_MENTOR",
    "ORG_ADMIN",
    "ORG_MODERATOR",
    "ADMIN",
    "REPORT_ADMIN",
    "REPORT_VIEWER",
    "FLAG_REVIEWER",
    "OFFICIAL_TEXTBOOK_BADGE_ISSUER",
    "TEACHER_BADGE_ISSUER",
    "SYSTEM_ADMINISTRATION",
    "PUBLIC",
)
PHONE = "^[6-9][0-9]{9}$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Which values rows may have.

    ``location_types`` are chains of types, the top one of each first.
    """

    location_types: tuple[tuple[str, ...], ...] = (LEVELS,)
    user_types: tuple[str, ...] = USER_TYPES
    roles: tuple[str, ...] = ROLES
    phone_pattern: str = PHONE

    @property
    def types(self) -> tuple[str, ...]:
        """Return every type of location, in order."""
        return tuple(dict.fromkeys(t for chain in self.location_types for t in chain))

    def parents_of(self, location_type: str) -> tuple[str, ...]:
        """Return the types that a parent may have; none for a top level."""
        found: dict[str, None] = {}
        for chain in self.location_types:
            if location_type in chain:
                place = chain.index(location_type)
                reach = 2 if location_type == SCHOOL else 1
                found |= dict.fromkeys(reversed(chain[max(place - reach, 0) : place]))
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class SunbirdSettings:
    """The settings of uploads; a limit of rows that is 0 is none.

    ``as_text`` makes the ids of processes texts in answers (rule 2.3.1).
    """

    rules: Rules = field(default_factory=Rules)
    file_limit_mb: int = 10
    user_rows: int = 0
    organisation_rows: int = 0
    location_rows: int = 0
    as_text: bool = False

    @property
    def file_limit(self) -> int:
        """Return how many bytes a file may have."""
        return self.file_limit_mb * _MB


def rules_to_json(rules: Rules) -> dict[str, Any]:
    """Return rules as they are kept with a job."""
    return {
        "location_types": [list(chain) for chain in rules.location_types],
        "user_types": list(rules.user_types),
        "roles": list(rules.roles),
        "phone_pattern": rules.phone_pattern,
    }


def rules_from_json(kept: Mapping[str, Any]) -> Rules:
    """Return the rules that a job was given."""
    return Rules(
        location_types=tuple(map(tuple, kept["location_types"])),
        user_types=tuple(kept["user_types"]),
        roles=tuple(kept["roles"]),
        phone_pattern=kept["phone_pattern"],
    )
