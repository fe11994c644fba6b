"""Workers are made and changed: a body is judged in the transaction that fulfils it.

All that is wrong with it is told at once (``rules/hq-apis.md`` 6.3 and 6.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from api.users.fields import GROUPS, WorkerWish, require_way_in, username_of, wish_of
from api.users.wire import Worker, system_data, worker_to_wire
from ledger.directory.domains import get_settings
from ledger.directory.groups import check_groups, groups_of
from ledger.directory.users import (
    create_user,
    delete_user,
    get_user,
    require_free,
    update_user,
)
from ledger.directory.values import MOBILE, NOWHERE, User, UserChange
from ledger.directory.workplaces import check_workplaces, workplaces_of
from ledger.entry import Author
from ledger.errors import NotFound
from ledger.forms.names import printable
from ledger.store import Reader, Writer

Body = Mapping[str, Any]


def workers_of(r: Reader, users: Iterable[User]) -> list[Worker]:
    """Return users with the groups and the places that they are in."""
    found = list(users)
    ids = [user.user_id for user in found]
    groups, places = groups_of(r, ids), workplaces_of(r, ids)
    return [
        Worker(
            user,
            tuple(group.group_id for group in groups.get(user.user_id, ())),
            places.get(user.user_id, NOWHERE),
        )
        for user in found
    ]


def the_worker(r: Reader, user_id: str) -> User:
    """Return the mobile worker with an id; raises ``NotFound``."""
    found = get_user(r, user_id)
    if found is None or not found.is_worker:
        raise NotFound(f"User '{printable(user_id)}' not found")
    return found


def judge_new(r: Reader, body: Body) -> tuple[str, WorkerWish]:
    """Return the full username of a new worker and what is wished of them.

    Raises ``Conflict`` with all that is wrong with the body.
    """
    username = username_of(body, r.domain)
    require_free(r, username)
    connected = get_settings(r).connect_usernames
    require_way_in(body, connected=connected)
    system = system_data(r.domain, NOWHERE)
    wish = wish_of(body, system=system, connected=connected)
    _judge(r, wish, body)
    return username, wish


def create_worker(
    w: Writer, body: Body, *, password_hash: str | None, author: Author
) -> Worker:
    """Make a worker of a body; raises as ``judge_new`` does."""
    username, wish = judge_new(w, body)
    made = create_user(
        w,
        username,
        role=MOBILE,
        password=None,
        password_hash=password_hash,
        profile=wish.profile,
        workplaces=wish.workplaces or NOWHERE,
        group_ids=wish.group_ids or (),
        author=author,
    )
    return workers_of(w, [made])[0]


def judge_change(
    r: Reader, user_id: str, body: Body, *, path: str
) -> tuple[User, WorkerWish]:
    """Return a worker and what is wished of them; ``path`` is that of their list.

    Raises ``NotFound`` for an unknown one, ``Conflict`` with all that is wrong.
    """
    user = the_worker(r, user_id)
    [worker] = workers_of(r, [user])
    wish = wish_of(
        body,
        before=user.profile,
        shown=worker_to_wire(worker, path=path),
        system=system_data(r.domain, worker.workplaces),
        connected=get_settings(r).connect_usernames,
    )
    _judge(r, wish, body)
    return user, wish


def change_worker(
    w: Writer,
    user_id: str,
    body: Body,
    *,
    password_hash: str | None,
    path: str,
    author: Author,
) -> Worker:
    """Change what a body names of a worker; raises as ``judge_change`` does."""
    user, wish = judge_change(w, user_id, body, path=path)
    change = UserChange(
        password_hash=password_hash,
        profile=wish.profile,
        workplaces=wish.workplaces,
        group_ids=wish.group_ids,
    )
    return workers_of(w, [update_user(w, user, change, author=author)])[0]


def open_or_close(w: Writer, user_id: str, *, active: bool, author: Author) -> None:
    """Open or close the account of a worker; raises ``NotFound``."""
    user = the_worker(w, user_id)
    update_user(w, user, UserChange(active=active), author=author)


def delete_worker(w: Writer, user_id: str, *, author: Author) -> None:
    """Take a worker away; the name stays taken. Raises ``NotFound``."""
    delete_user(w, the_worker(w, user_id), author=author)


def _judge(r: Reader, wish: WorkerWish, body: Body) -> None:
    """Ask what the directory says of a wish; raises ``Conflict`` if all is not well."""
    if wish.group_ids is not None:
        with wish.judging(GROUPS):
            check_groups(r, wish.group_ids)
    if wish.workplaces is not None:
        with wish.judging(wish.places_key):
            check_workplaces(r, wish.workplaces)
    wish.require_sound(body)
