"""The list of domains: what says that a domain was there, also when it is gone."""

from __future__ import annotations

import hashlib

import orjson
import sqlalchemy as sa
from alembic import op

from ledger.columns import Bytes, Sortable
from ledger.storage.dialect import PostgresqlDialect, SqliteDialect

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the list, fill it with the domains that there are, and guard both."""
    made = op.create_table(
        "domain_list",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("created_on", sa.BigInteger, nullable=False),
        sa.Column("digest", Bytes, nullable=False),
    )
    op.create_index("ix_domain_list_number", "domain_list", ["number"], unique=True)
    domains = sa.table("domains", sa.column("domain"), sa.column("created_on"))
    conn = op.get_bind()
    found = conn.execute(
        sa.select(domains.c.domain, domains.c.created_on).order_by(
            domains.c.created_on, domains.c.domain
        )
    )
    digest = bytes(32)
    for number, (domain, created_on) in enumerate(found.all(), start=1):
        line = orjson.dumps([number, domain, created_on])
        digest = hashlib.sha256(digest + line).digest()
        row = {
            "domain": domain,
            "number": number,
            "created_on": created_on,
            "digest": digest,
        }
        conn.execute(made.insert(), row)
    is_sqlite = conn.dialect.name == SqliteDialect.name
    dialect = SqliteDialect() if is_sqlite else PostgresqlDialect()
    for statement in (
        *dialect.append_only("domain_list"),
        *dialect.undeletable("domains"),
    ):
        op.execute(sa.text(statement))
