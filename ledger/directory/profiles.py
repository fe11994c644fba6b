"""What is known of a user beside the account: names, telephones, custom data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace

import orjson

from ledger.directory.texts import checked_text, checked_value
from ledger.errors import Conflict

SYSTEM_KEYS = (
    "commcare_project",
    "commcare_profile",
    "commcare_location_id",
    "commcare_location_ids",
    "commcare_primary_case_sharing_id",
)
"""Keys of ``user_data`` that the server makes (``rules/hq-apis.md`` 6.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The fields of a user that no query asks for.

    ``access_all_locations`` is false for one who may only reach the places where they
    work, and what lies below (``rules/excel-import.md`` 10).
    """

    first_name: str = ""
    last_name: str = ""
    email: str = ""
    language: str | None = None
    phone_numbers: tuple[str, ...] = ()
    default_phone_number: str | None = None
    user_data: Mapping[str, str] = field(default_factory=dict)
    connect_username: str | None = None
    access_all_locations: bool = True


EMPTY = Profile()


def read_profile(text: str | None) -> Profile:
    """Return the profile that a row of ``users`` holds."""
    if text is None:
        return EMPTY
    found = orjson.loads(text)
    found["phone_numbers"] = tuple(found.get("phone_numbers", ()))
    return Profile(**found)


def profile_text(profile: Profile) -> str | None:
    """Return a profile as a row holds it."""
    return None if profile == EMPTY else orjson.dumps(asdict(profile)).decode()


def cleaned(profile: Profile) -> Profile:
    """Return a profile as it is kept; raises ``Conflict`` for what cannot be.

    E-mail addresses are in lower case, telephones without a leading ``+``; the default
    telephone is one of them, the first if none is named (``rules/hq-apis.md`` 6.3).
    """
    phones = dict.fromkeys(_phone(number) for number in profile.phone_numbers)
    default = profile.default_phone_number
    if default is not None:
        phones.setdefault(_phone(default))
    numbers = tuple(number for number in phones if number)
    first = next(iter(numbers), None)
    return replace(
        profile,
        first_name=checked_text("first_name", profile.first_name),
        last_name=checked_text("last_name", profile.last_name),
        email=checked_text("email", profile.email).lower(),
        phone_numbers=numbers,
        default_phone_number=first if default is None else _phone(default) or first,
        user_data=_user_data(profile.user_data),
    )


def changed_fields(before: Profile, after: Profile) -> list[str]:
    """Return the names of the fields that differ."""
    names = (found.name for found in fields(Profile))
    return [name for name in names if getattr(before, name) != getattr(after, name)]


def _phone(number: str) -> str:
    return checked_text("phone_numbers", number).removeprefix("+")


def _user_data(data: Mapping[str, str]) -> dict[str, str]:
    for key in data:
        if key in SYSTEM_KEYS:
            raise Conflict(f"'{key}' is set by the server", field="user_data")
    return {
        checked_text("user_data", key): checked_value("user_data", value)
        for key, value in data.items()
    }
