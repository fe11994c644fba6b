"""What a body may say of a mobile worker (``rules/hq-apis.md`` 6.3 and 6.4). Pure.

All that is wrong is gathered, so that one answer names it; nothing is saved then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from api.wire.permissions import ROLES
from ledger.directory.profiles import EMPTY, Profile, cleaned
from ledger.directory.usernames import check_worker_name, worker_name, worker_suffix
from ledger.directory.values import MOBILE, Workplaces
from ledger.errors import Conflict
from ledger.forms.names import printable

PASSWORD = "password"  # noqa: S105 - the name of a field
USERNAME = "username"
CONNECT = "connect_username"
GROUPS = "groups"
LOCATIONS = "locations"
_PRIMARY = "primary_location"
_PLACES = (_PRIMARY, LOCATIONS)


@dataclass(slots=True)
class WorkerWish:
    """What is wished of a worker; what is None is not said.

    ``connected`` tells whether the domain lets workers come in by ConnectID, and
    ``system`` is the custom data that the server makes. ``problems`` has the text for
    each key of the body that is at fault.
    """

    profile: Profile
    connected: bool = False
    system: Mapping[str, str] = field(default_factory=dict)
    group_ids: list[str] | None = None
    workplaces: Workplaces | None = None
    places_key: str = _PRIMARY
    problems: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def judging(self, key: str) -> Iterator[None]:
        """Note a refusal of what is done with the value of a key."""
        try:
            yield
        except Conflict as refused:
            self.problems.setdefault(key, refused.text)

    def require_sound(self, body: Mapping[str, Any]) -> None:
        """Raise a ``Conflict`` that tells all that is wrong, in the body's order."""
        if self.problems:
            texts = [self.problems[key] for key in body if key in self.problems]
            told = ", ".join(texts)
            raise Conflict(f"The request resulted in the following errors: {told}")


def username_of(body: Mapping[str, Any], domain: str) -> str:
    """Return the full username of a new worker; raises ``Conflict``."""
    name = body.get(USERNAME)
    if name is None or name == "":
        raise Conflict("'username' is required", field=USERNAME)
    if not isinstance(name, str):
        raise _no_string(USERNAME)
    suffix = worker_suffix(domain)
    if "@" in name.strip().lower().removesuffix(suffix):
        text = f"The username of a mobile worker ends in '{suffix}'"
        raise Conflict(text, field=USERNAME)
    full = worker_name(domain, name)
    check_worker_name(domain, full)
    return full


def require_way_in(body: Mapping[str, Any], *, connected: bool) -> None:
    """Refuse a new worker without a password, unless they come by ConnectID.

    Raises ``Conflict``.
    """
    if body.get(CONNECT) and not connected:
        raise _not_connected()
    if not body.get(PASSWORD) and not body.get(CONNECT):
        raise Conflict("Password or connect username required", field=PASSWORD)


def wish_of(
    body: Mapping[str, Any],
    *,
    before: Profile = EMPTY,
    system: Mapping[str, str],
    shown: Mapping[str, Any] | None = None,
    connected: bool = False,
) -> WorkerWish:
    """Return what a body wishes of a worker.

    ``shown`` is the worker as it is shown now, nothing for a new one: a value that is
    the same changes nothing, so that what was read can be sent back.
    """
    now = {} if shown is None else shown
    wish = WorkerWish(before, connected=connected, system=system)
    places = {key: body[key] for key in _PLACES if key in body}
    for key, value in body.items():
        is_same = key in now and now[key] == value
        is_name = shown is None and key == USERNAME
        if not (key in places or is_same or is_name):
            with wish.judging(key):
                _READ.get(key, _unknown)(wish, key, value)
    if any(now.get(key, ...) != value for key, value in places.items()):
        wish.places_key = next(iter(places))
        with wish.judging(wish.places_key):
            wish.workplaces = _workplaces(places)
    phones = body.get("phone_numbers", now.get("phone_numbers"))
    if phones != now.get("phone_numbers") and "default_phone_number" not in body:
        wish.profile = replace(wish.profile, default_phone_number=None)
    return wish


# -- one key -----------------------------------------------------------------


def _unknown(_wish: WorkerWish, key: str, _value: Any) -> None:
    text = f"Attempted to update unknown or non-editable field '{printable(key)}'"
    raise Conflict(text, field=key)


def _text(wish: WorkerWish, key: str, value: Any) -> None:
    if value is not None and not isinstance(value, str):
        raise _no_string(key)
    _set(wish, key, value or ("" if isinstance(getattr(EMPTY, key), str) else None))


def _connect(wish: WorkerWish, key: str, value: Any) -> None:
    if value and not wish.connected:
        raise _not_connected()
    _text(wish, key, value)


def _password(_wish: WorkerWish, key: str, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise Conflict(f"'{key}' must be a string that is not empty", field=key)


def _phones(wish: WorkerWish, key: str, value: Any) -> None:
    _set(wish, key, tuple(_texts(key, value)))


def _phone(wish: WorkerWish, key: str, value: Any) -> None:
    if not isinstance(value, str):
        raise _no_string(key)
    _set(wish, key, value)


def _groups(wish: WorkerWish, key: str, value: Any) -> None:
    wish.group_ids = list(dict.fromkeys(_texts(key, value)))


def _user_data(wish: WorkerWish, key: str, value: Any) -> None:
    is_data = isinstance(value, dict)
    if not is_data or not all(isinstance(v, str) for v in value.values()):
        raise Conflict(f"'{key}' must be an object of strings", field=key)
    own = {name: v for name, v in value.items() if wish.system.get(name) != v}
    _set(wish, key, own)


def _role(_wish: WorkerWish, key: str, value: Any) -> None:
    """Take what says that a worker is one: they have no other role."""
    if value is None or value == "":
        return
    if not isinstance(value, str):
        raise _no_string(key)
    if value.lower() not in ROLES:
        text = f"The role '{printable(value)}' does not exist"
        raise Conflict(text, field=key)
    if value.lower() != MOBILE:
        text = f"The role '{printable(value)}' is one of web users"
        raise Conflict(text, field=key)


def _mail(_wish: WorkerWish, key: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise Conflict(f"'{key}' must be true or false", field=key)
    if value:
        text = f"'{key}' must be false: this server sends no mail"
        raise Conflict(text, field=key)


_READ: Mapping[str, Callable[[WorkerWish, str, Any], None]] = {
    "first_name": _text,
    "last_name": _text,
    "email": _text,
    "language": _text,
    CONNECT: _connect,
    PASSWORD: _password,
    "phone_numbers": _phones,
    "default_phone_number": _phone,
    GROUPS: _groups,
    "user_data": _user_data,
    "role": _role,
    "require_account_confirmation": _mail,
    "send_confirmation_email_now": _mail,
}


# -- what they share ---------------------------------------------------------


def _set(wish: WorkerWish, key: str, value: Any) -> None:
    """Set a field of the profile; raises ``Conflict`` where it cannot be kept."""
    given: dict[str, Any] = {key: value}
    cleaned(replace(EMPTY, **given))
    wish.profile = replace(wish.profile, **given)


def _workplaces(places: Mapping[str, Any]) -> Workplaces:
    primary, ids = places.get(_PRIMARY), places.get(LOCATIONS)
    if primary is not None and not isinstance(primary, str):
        raise _no_string(_PRIMARY)
    found = [] if ids is None else _texts(LOCATIONS, ids)
    if len(places) < len(_PLACES):
        raise Conflict(
            "Both primary_location and locations must be provided together.",
            field=_PRIMARY,
        )
    return Workplaces(tuple(dict.fromkeys(found)), primary or None)


def _texts(key: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise Conflict(f"'{key}' must be a list of strings", field=key)
    return value


def _no_string(key: str) -> Conflict:
    return Conflict(f"'{key}' must be a string", field=key)


def _not_connected() -> Conflict:
    text = "You don't have permission to use connect_username field"
    return Conflict(text, field=CONNECT)
