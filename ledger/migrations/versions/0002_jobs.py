"""Jobs: work that goes on after the request that asked for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.columns import Sortable
from ledger.storage.dialect import PostgresqlDialect, SqliteDialect
from ledger.tables import metadata

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table of jobs."""
    op.create_table(
        "jobs",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("job_id", Sortable, primary_key=True),
        sa.Column("kind", Sortable, nullable=False),
        sa.Column("state", Sortable, nullable=False),
        sa.Column("user_id", Sortable, nullable=False),
        sa.Column("options", Sortable, nullable=False),
        sa.Column("progress", Sortable, nullable=False),
        sa.Column("result", Sortable),
        sa.Column("problem", Sortable),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("cancel_asked", sa.SmallInteger, nullable=False),
        sa.Column("ready_on", sa.BigInteger),
        sa.Column("lease", Sortable),
        sa.Column("first_position", sa.BigInteger),
        sa.Column("last_position", sa.BigInteger),
        sa.Column("created_on", sa.BigInteger, nullable=False),
        sa.Column("started_on", sa.BigInteger),
        sa.Column("finished_on", sa.BigInteger),
    )
    op.create_index("ix_jobs_ready", "jobs", ["ready_on"])
    op.create_index("ix_jobs_created", "jobs", ["domain", "created_on", "job_id"])
    is_sqlite = op.get_bind().dialect.name == SqliteDialect.name
    dialect = SqliteDialect() if is_sqlite else PostgresqlDialect()
    for statement in dialect.statistics(metadata.tables["jobs"]):
        op.execute(sa.text(statement))
