"""Groups: users who belong together, and own cases together if they share them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import Select, bindparam, func, select

from ledger.clock import now_micros
from ledger.directory.texts import checked_text, listed
from ledger.directory.values import Group, GroupChange
from ledger.entry import Author
from ledger.errors import Conflict
from ledger.ids import new_hex_id
from ledger.log import record_directory
from ledger.stated import drop, put
from ledger.storage.connection import Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader, Writer
from ledger.tables import group_members, groups, users


def _where(*conditions: Any) -> Select[Any]:
    return select(*groups.c).where(groups.c.domain == bindparam("domain"), *conditions)


_IN_USE = groups.c.deleted_on.is_(None)
_ALL = Statement(_where(_IN_USE).order_by(groups.c.name))
_COUNT = Statement(
    select(func.count())
    .select_from(groups)
    .where(groups.c.domain == bindparam("domain"), _IN_USE)
)
_PAGE = Statement(
    _where(_IN_USE)
    .order_by(groups.c.name)
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_BY_NAMES = Statement(_where(_IN_USE, in_list(groups.c.name, "wanted")))
# Not told that only those in use are meant: a planner would walk the index of those.
_BY_IDS = Statement(_where(in_list(groups.c.group_id, "wanted")))
_MEMBERS = Statement(
    select(
        group_members.c.group_id, group_members.c.place, group_members.c.user_id
    ).where(
        group_members.c.domain == bindparam("domain"),
        in_list(group_members.c.group_id, "group_ids"),
    )
)
_OF_USERS = Statement(
    select(group_members.c.user_id, group_members.c.group_id).where(
        group_members.c.domain == bindparam("domain"),
        in_list(group_members.c.user_id, "user_ids"),
    )
)
_KNOWN_USERS = Statement(
    select(users.c.user_id).where(
        users.c.domain == bindparam("domain"),
        in_list(users.c.user_id, "user_ids"),
        users.c.deleted_on.is_(None),
    )
)


def get_group(r: Reader, group_id: str) -> Group | None:
    """Return the group of the domain with this id; served by the primary key."""
    return groups_by_id(r, [group_id]).get(group_id)


def find_group(r: Reader, name: str) -> Group | None:
    """Return the group of the domain with this name; served by ``ix_groups_name``."""
    return groups_by_name(r, [name]).get(name)


def groups_by_id(r: Reader, ids: Iterable[str]) -> dict[str, Group]:
    """Return the groups with these ids."""
    return {group.group_id: group for group in _asked(r, _BY_IDS, ids)}


def groups_by_name(r: Reader, names: Iterable[str]) -> dict[str, Group]:
    """Return the groups with these names."""
    return {group.name: group for group in _asked(r, _BY_NAMES, names)}


def list_groups(r: Reader) -> list[Group]:
    """Return the groups of the domain in the order of their names."""
    return [Group(*row) for row in r.conn.rows(_ALL, domain=r.domain)]


def count_groups(r: Reader) -> int:
    """Return how many groups the domain has."""
    counted: int = r.conn.value(_COUNT, domain=r.domain)
    return counted


def groups_from(r: Reader, *, limit: int, offset: int) -> list[Group]:
    """Return a page of the groups by name; served by ``ix_groups_name``."""
    found = r.conn.rows(_PAGE, domain=r.domain, limit=limit, offset=offset)
    return [Group(*row) for row in found]


def members_of(r: Reader, group_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return the ids of the members of each group, in the order they were put there."""
    found: dict[str, list[str]] = {}
    rows = r.conn.rows(_MEMBERS, domain=r.domain, group_ids=list(group_ids))
    for group_id, _, user_id in sorted(rows):
        found.setdefault(group_id, []).append(user_id)
    return found


def groups_of(r: Reader, user_ids: Iterable[str]) -> dict[str, list[Group]]:
    """Return the groups of each user in the order of their names."""
    rows = r.conn.rows(_OF_USERS, domain=r.domain, user_ids=list(user_ids))
    known = groups_by_id(r, {group_id for _, group_id in rows})
    found: dict[str, list[Group]] = {}
    for user_id, group_id in rows:
        if group_id in known:
            found.setdefault(user_id, []).append(known[group_id])
    return {user_id: sorted(g, key=lambda of: of.name) for user_id, g in found.items()}


def create_group(
    w: Writer,
    name: str,
    *,
    author: Author,
    case_sharing: bool = False,
    reporting: bool = True,
    metadata: Mapping[str, Any] | None = None,
    user_ids: Sequence[str] = (),
) -> Group:
    """Add a group; raises ``Conflict`` for a name that is taken and unknown users.

    Other groups of its members stay as they are (``rules/hq-apis.md`` 9.2).
    """
    name = _checked_name(name)
    if find_group(w, name) is not None:
        raise Conflict(f"A group with name {name} already exists", field="name")
    _check_users(w, user_ids)
    now = now_micros()
    made = Group(
        w.domain,
        new_hex_id(),
        name,
        int(case_sharing),
        int(reporting),
        orjson.dumps(metadata or {}).decode(),
        now,
        now,
    )
    put(w, groups, [made])
    _put_members(w, made.group_id, user_ids)
    details = {"group": made.group_id, **_told(made), "added": list(user_ids)}
    record_directory(w, "group created", details, user_id=author.user_id, now=now)
    return made


def update_group(
    w: Writer, group: Group, change: GroupChange, *, author: Author
) -> Group:
    """Change a group and its members; raises ``Conflict`` as ``create_group``."""
    after = _changed(w, group, change)
    before = _told(group)
    details = {k: value for k, value in _told(after).items() if value != before[k]}
    if change.user_ids is not None:
        details |= _changed_members(w, group, change.user_ids)
    if not details:
        return group
    now = now_micros()
    after = after._replace(changed_on=now)
    put(w, groups, [after])
    told = {"group": group.group_id, **details}
    record_directory(w, "group changed", told, user_id=author.user_id, now=now)
    return after


def add_members(
    w: Writer, group: Group, user_ids: Sequence[str], *, author: Author
) -> Group:
    """Put users into a group behind those who are there."""
    present = members_of(w, [group.group_id]).get(group.group_id, [])
    wanted = GroupChange(user_ids=(*present, *user_ids))
    return update_group(w, group, wanted, author=author)


def remove_members(
    w: Writer, group: Group, user_ids: Sequence[str], *, author: Author
) -> Group:
    """Take users out of a group; who is not there is no error."""
    present = members_of(w, [group.group_id]).get(group.group_id, [])
    wanted = GroupChange(user_ids=[i for i in present if i not in set(user_ids)])
    return update_group(w, group, wanted, author=author)


def delete_group(w: Writer, group: Group, *, author: Author) -> None:
    """Take a group away; its name is free again, and cases keep its id as owner."""
    now = now_micros()
    put(w, groups, [group._replace(deleted_on=now, changed_on=now)])
    _clear(w, group.group_id)
    details = {"group": group.group_id}
    record_directory(w, "group deleted", details, user_id=author.user_id, now=now)


def check_groups(r: Reader, group_ids: Iterable[str]) -> None:
    """Refuse groups that are not there; raises ``Conflict`` that names them."""
    wanted = list(group_ids)
    missing = set(wanted) - groups_by_id(r, wanted).keys()
    if missing:
        text = f"Could not find group ids: {listed(missing)}."
        raise Conflict(text, field="groups")


def join_groups(
    w: Writer, user_id: str, group_ids: Sequence[str]
) -> dict[str, list[str]]:
    """Have a user be in these groups and no others; whoever calls tells the log.

    Returns what to tell, nothing if all stays. Raises ``Conflict`` as ``check_groups``.
    A user who joins a group comes behind those who are there.
    """
    rows = w.conn.rows(_OF_USERS, domain=w.domain, user_ids=[user_id])
    before, wanted = {group_id for _, group_id in rows}, set(group_ids)
    if before == wanted:
        return {}
    check_groups(w, wanted - before)
    joined, left = sorted(wanted - before), sorted(before - wanted)
    drop(w, group_members, [(group_id, user_id) for group_id in left])
    places = w.conn.rows(_MEMBERS, domain=w.domain, group_ids=joined)
    behind = {group_id: place + 1 for group_id, place, _ in sorted(places)}
    new = [
        (w.domain, group_id, user_id, behind.get(group_id, 0)) for group_id in joined
    ]
    put(w, group_members, new)
    return {"joined": joined, "left": left}


def leave_groups(w: Writer, user_id: str) -> None:
    """Take a user out of every group; whoever calls tells the log."""
    join_groups(w, user_id, ())


def _changed(w: Writer, group: Group, change: GroupChange) -> Group:
    name = group.name if change.name is None else _checked_name(change.name)
    if name != group.name and find_group(w, name) is not None:
        raise Conflict("A group with this name already exists", field="name")
    sharing, reporting = change.case_sharing, change.reporting
    metadata = change.metadata
    return group._replace(
        name=name,
        case_sharing=group.case_sharing if sharing is None else int(sharing),
        reporting=group.reporting if reporting is None else int(reporting),
        data=group.data if metadata is None else orjson.dumps(metadata).decode(),
    )


def _told(group: Group) -> dict[str, Any]:
    """Return what the log is told of a group."""
    return {
        "name": group.name,
        "case_sharing": bool(group.case_sharing),
        "reporting": bool(group.reporting),
        "metadata": group.metadata,
    }


def _changed_members(
    w: Writer, group: Group, user_ids: Sequence[str]
) -> dict[str, list[str]]:
    """Replace the members; return what the log is told, nothing if all stays."""
    before = members_of(w, [group.group_id]).get(group.group_id, [])
    after = list(dict.fromkeys(user_ids))
    if after == before:
        return {}
    added = [user_id for user_id in after if user_id not in set(before)]
    _check_users(w, added)
    _clear(w, group.group_id)
    _put_members(w, group.group_id, after)
    removed = [user_id for user_id in before if user_id not in set(after)]
    return {"added": added, "removed": removed}


def _clear(w: Writer, group_id: str) -> None:
    present = members_of(w, [group_id]).get(group_id, [])
    drop(w, group_members, [(group_id, user_id) for user_id in present])


def _put_members(w: Writer, group_id: str, user_ids: Sequence[str]) -> None:
    rows = [
        (w.domain, group_id, user_id, place)
        for place, user_id in enumerate(dict.fromkeys(user_ids))
    ]
    put(w, group_members, rows)


def _checked_name(name: str) -> str:
    found = checked_text("name", name)
    if not found:
        raise Conflict("Name is required", field="name")
    return found


def _check_users(w: Writer, user_ids: Sequence[str]) -> None:
    wanted = list(user_ids)
    rows = w.conn.rows(_KNOWN_USERS, domain=w.domain, user_ids=wanted)
    missing = set(wanted) - set(map(itemgetter(0), rows))
    if missing:
        text = f"Could not find user ids: {listed(missing)}."
        raise Conflict(text, field="users")


def _asked(r: Reader, statement: Statement, wanted: Iterable[str]) -> list[Group]:
    values = list(wanted)
    if not values:
        return []
    rows = r.conn.rows(statement, domain=r.domain, wanted=values)
    return [group for group in map(Group._make, rows) if group.deleted_on is None]
