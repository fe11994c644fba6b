"""The people of a domain: what is known of users, their groups and their places."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.columns import Sortable
from ledger.storage.dialect import PostgresqlDialect, SqliteDialect
from ledger.tables import metadata

revision = "0005"
down_revision = "0004"

_IN_USE = sa.text("deleted_on IS NULL")
_TOLD = (
    "users",
    "user_locations",
    "groups",
    "group_members",
    "location_types",
    "locations",
)


def upgrade() -> None:
    """Create groups, places and who belongs to them; users get a profile."""
    op.add_column("users", sa.Column("profile", Sortable))
    op.add_column("users", sa.Column("deleted_on", sa.BigInteger))
    _create_groups()
    _create_locations()
    _create_user_locations()
    is_sqlite = op.get_bind().dialect.name == SqliteDialect.name
    dialect = SqliteDialect() if is_sqlite else PostgresqlDialect()
    for name in _TOLD:
        for statement in dialect.statistics(metadata.tables[name]):
            op.execute(sa.text(statement))


def _create_groups() -> None:
    op.create_table(
        "groups",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("group_id", Sortable, primary_key=True),
        sa.Column("name", Sortable, nullable=False),
        sa.Column("case_sharing", sa.SmallInteger, nullable=False),
        sa.Column("reporting", sa.SmallInteger, nullable=False),
        sa.Column("data", Sortable, nullable=False),
        sa.Column("created_on", sa.BigInteger, nullable=False),
        sa.Column("changed_on", sa.BigInteger, nullable=False),
        sa.Column("deleted_on", sa.BigInteger),
    )
    op.create_index(
        "ix_groups_name",
        "groups",
        ["domain", "name"],
        unique=True,
        sqlite_where=_IN_USE,
        postgresql_where=_IN_USE,
    )
    op.create_table(
        "group_members",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("group_id", Sortable, primary_key=True),
        sa.Column("user_id", Sortable, primary_key=True),
        sa.Column("place", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_group_members_user", "group_members", ["domain", "user_id"])


def _create_locations() -> None:
    op.create_table(
        "location_types",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("type_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("code", Sortable, nullable=False),
        sa.Column("name", Sortable, nullable=False),
        sa.Column("parent_id", sa.Integer),
        sa.Column("administrative", sa.SmallInteger, nullable=False),
        sa.Column("shares_cases", sa.SmallInteger, nullable=False),
        sa.Column("view_descendants", sa.SmallInteger, nullable=False),
        sa.Column("created_on", sa.BigInteger, nullable=False),
        sa.Column("changed_on", sa.BigInteger, nullable=False),
    )
    op.create_index(
        "ix_location_types_code", "location_types", ["domain", "code"], unique=True
    )
    op.create_table(
        "locations",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("location_id", Sortable, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("name", Sortable, nullable=False),
        sa.Column("name_key", Sortable, nullable=False),
        sa.Column("site_code", Sortable, nullable=False),
        sa.Column("type_id", sa.Integer, nullable=False),
        sa.Column("parent_id", Sortable),
        sa.Column("external_id", Sortable),
        sa.Column("latitude", Sortable),
        sa.Column("longitude", Sortable),
        sa.Column("data", Sortable, nullable=False),
        sa.Column("created_on", sa.BigInteger, nullable=False),
        sa.Column("changed_on", sa.BigInteger, nullable=False),
        sa.Column("archived_on", sa.BigInteger),
    )
    unique = {"ix_locations_number": "number", "ix_locations_code": "site_code"}
    for name, column in unique.items():
        op.create_index(name, "locations", ["domain", column], unique=True)
    op.create_index("ix_locations_name", "locations", ["domain", "name_key"])
    op.create_index("ix_locations_parent", "locations", ["domain", "parent_id"])


def _create_user_locations() -> None:
    op.create_table(
        "user_locations",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("user_id", Sortable, primary_key=True),
        sa.Column("location_id", Sortable, primary_key=True),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("is_primary", sa.SmallInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_user_locations_location", "user_locations", ["domain", "location_id"]
    )
