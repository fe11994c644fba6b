"""``caseledger demo``: what ``make run`` starts, a ledger with a sample to look at."""

from __future__ import annotations

from functools import partial

import click

from api.cli.database import OPERATOR, make_folder, opened, unchecked
from api.cli.domain import add_domain
from api.cli.progress import progress
from api.cli.submit import FormFile, append_forms
from api.config import Config
from api.http.logs import set_up_logging
from api.process import serve
from api.sample import forms
from ledger.directory.api_keys import create_key, keys_of_user
from ledger.directory.domains import DomainSettings, find_domain, get_settings
from ledger.directory.users import create_user, find_user
from ledger.entry import Kind
from ledger.log import count_kinds
from ledger.migrations import migrate
from ledger.store import Store

_DOMAIN = "demo"
_ADMIN = "admin"
_OPEN = (
    f"Whoever reaches this server may submit forms to the demo. To end that:\n"
    f"  caseledger domain settings {_DOMAIN} --secure-submissions\n"
)


def demo(config: Config, *, host: str | None, port: int | None, no_serve: bool) -> int:
    given = {"host": host, "port": port}
    asked = {name: str(value) for name, value in given.items() if value is not None}
    config = config.with_options(**asked)
    set_up_logging(config)
    make_folder(config)
    with unchecked(config) as store:
        migrate(store)
    with opened(config) as store:
        _prepare(store)
        key = _first_key(store)
        with store.reading(_DOMAIN) as reader:
            is_open = not get_settings(reader).secure_submissions
    click.echo(_greeting(config, key))
    if is_open:
        click.echo(_OPEN)
    return 0 if no_serve else serve(config)


def _prepare(store: Store) -> None:
    """Make what is missing; a first run that was stopped is taken up where it was."""
    if store.look(partial(find_domain, name=_DOMAIN)) is None:
        add_domain(store, _DOMAIN, settings=DomainSettings(secure_submissions=False))
    with store.writing(_DOMAIN) as writer:
        if find_user(writer, _ADMIN) is None:
            create_user(writer, _ADMIN, role="admin", password=None, author=OPERATOR)
        kinds = count_kinds(writer)
    appended = sum(n for kind, n in kinds.items() if kind != Kind.DIRECTORY)
    sample = [FormFile(form.name, form.xml) for form in forms()]
    # The sample is appended in one order and before anything is served, so what is
    # there is its beginning.
    missing = sample[appended:]
    if not missing:
        return
    with progress("loading the sample") as tell:
        for done, _ in enumerate(append_forms(store, _DOMAIN, missing), start=1):
            tell(done, len(missing))


def _first_key(store: Store) -> str | None:
    """Return a new key if the admin has none yet; afterwards nobody can know it."""
    with store.writing(_DOMAIN) as writer:
        admin = find_user(writer, _ADMIN)
        if admin is None or keys_of_user(writer.conn, _DOMAIN, admin.user_id):
            return None
        _, secret = create_key(
            writer, admin, name="demo", read_only=False, author=OPERATOR
        )
        return secret


def _greeting(config: Config, key: str | None) -> str:
    base = config.public_url or f"http://{config.host}:{config.port}"
    if key is None:
        return (
            f"{base} serves the demo; its API key was printed by the first run.\n"
            f"Another one: caseledger api-key create {_ADMIN} --domain {_DOMAIN}"
        )
    url = f"{base}/a/{_DOMAIN}/api/case/v2/?limit=3"
    return (
        f"API key of {_ADMIN} (shown this once): {key}\n\n"
        f"Try it:\n"
        f"  curl -H 'Authorization: ApiKey {_ADMIN}:{key}' '{url}'\n\n"
        f"The API as a page: {base}/api/docs\n"
    )
