"""Keys that open the batch import and nothing else (``rules/batch-imports.md`` 1.2).

They belong to a service user of the domain, who owns what is imported with them.
"""

from __future__ import annotations

from ledger.directory.api_keys import create_key, keys_of_user, revoke_key
from ledger.directory.users import create_user, users_by_name
from ledger.directory.values import ApiKey, User
from ledger.entry import Author
from ledger.errors import NotFound
from ledger.ids import new_token
from ledger.store import Reader, Writer

USERNAME = "batch-data-import"
NAME = "Batch Data Import"
SCOPE = "/api/haplo-data-import-batch/"


def create_batch_key(w: Writer, *, author: Author) -> tuple[ApiKey, str]:
    """Make a batch key; return its row and, this once, the key itself.

    Raises ``Conflict`` when somebody deleted the service user.
    """
    return create_key(
        w,
        _service_user(w, author=author),
        name=NAME,
        read_only=False,
        author=author,
        scope=SCOPE,
        secret=new_token(),
    )


def list_batch_keys(r: Reader) -> list[ApiKey]:
    """Return the batch keys in use, oldest first."""
    user = users_by_name(r, [USERNAME]).get(USERNAME)
    if user is None:
        return []
    keys = keys_of_user(r.conn, r.domain, user.user_id)
    in_use = [key for key in keys if key.revoked_on is None]
    return sorted(in_use, key=lambda key: (key.created_on, key.key_id))


def get_batch_key(r: Reader, key_id: str) -> ApiKey:
    """Return a batch key in use; raises ``NotFound``."""
    for key in list_batch_keys(r):
        if key.key_id == key_id:
            return key
    raise NotFound(f"There is no API key '{key_id}' in use")


def delete_batch_key(w: Writer, key_id: str, *, author: Author) -> ApiKey:
    """Make a batch key worthless; raises ``NotFound``."""
    return revoke_key(w, get_batch_key(w, key_id).key_id, author=author)


def _service_user(w: Writer, *, author: Author) -> User:
    """Return the user behind the batch keys, who is made on first use."""
    found = users_by_name(w, [USERNAME]).get(USERNAME)
    if found is not None:
        return found
    return create_user(w, USERNAME, role="editor", password=None, author=author)
