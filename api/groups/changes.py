"""Groups are made and changed by bodies, one alone or many in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from api.groups.wire import ID, NAME, Team, group_to_wire, parse_group
from ledger.directory.groups import (
    create_group,
    delete_group,
    get_group,
    members_of,
    update_group,
)
from ledger.directory.values import Group
from ledger.entry import Author
from ledger.errors import Conflict, LedgerError, NotFound
from ledger.forms.names import printable
from ledger.store import Reader, Writer

Body = Mapping[str, Any]


class Outcome(NamedTuple):
    """What became of one body of many: the id of its group, or why there is none."""

    group_id: str | None
    problem: str = ""


def teams_of(r: Reader, groups: Iterable[Group]) -> list[Team]:
    """Return groups with their members."""
    found = list(groups)
    members = members_of(r, [group.group_id for group in found])
    return [Team(one, tuple(members.get(one.group_id, ()))) for one in found]


def the_team(r: Reader, group_id: str) -> Team:
    """Return the group with an id and its members; raises ``NotFound``."""
    found = get_group(r, group_id)
    if found is None:
        raise NotFound(f"Group '{printable(group_id)}' not found")
    return teams_of(r, [found])[0]


def create(w: Writer, body: Body, *, author: Author) -> Team:
    """Make a group of a body; raises ``Conflict``. Nobody leaves another group."""
    wish = parse_group({NAME: None, **body})
    made = create_group(
        w,
        wish.name or "",
        author=author,
        case_sharing=bool(wish.case_sharing),
        reporting=wish.reporting is not False,
        metadata=wish.metadata,
        user_ids=wish.user_ids or (),
    )
    return teams_of(w, [made])[0]


def change(w: Writer, group_id: str, body: Body, *, path: str, author: Author) -> Team:
    """Change what a body names of a group; raises ``NotFound`` and ``Conflict``.

    ``path`` is that of the list of groups.
    """
    team = the_team(w, group_id)
    wish = parse_group(body, shown=group_to_wire(team, path=path))
    return teams_of(w, [update_group(w, team.group, wish, author=author)])[0]


def delete(w: Writer, group_id: str, *, author: Author) -> None:
    """Take a group away; raises ``NotFound``."""
    delete_group(w, the_team(w, group_id).group, author=author)


def put_all(
    w: Writer, bodies: Sequence[Any], *, path: str, author: Author
) -> list[Outcome]:
    """Make or change a group for each body; what is refused keeps no other back.

    Whatever refuses a body does so before it has written anything.
    """
    return [_put(w, body, path, author) for body in bodies]


def _put(w: Writer, body: Any, path: str, author: Author) -> Outcome:
    try:
        if not isinstance(body, dict):
            raise Conflict("A group must be an object", field=None)
        if body.get(ID) is None:
            return Outcome(create(w, body, author=author).group.group_id)
        team = change(w, str(body[ID]), body, path=path, author=author)
        return Outcome(team.group.group_id)
    except LedgerError as refused:
        return Outcome(None, printable(str(refused)))
