"""What makes a database refuse to change a log: triggers, and rights taken away.

Correctness never depends on them; the chain is the proof. They stop whoever writes past
the program by mistake, and make it an act for whoever means it.
"""

from __future__ import annotations


class SqliteGuards:
    """Triggers of SQLite."""

    overwriting: tuple[str, ...] = ()
    """What has freed bytes overwritten."""

    def append_only(self, table: str, *key: str) -> tuple[str, ...]:
        """Return triggers that refuse UPDATE, DELETE and REPLACE.

        SQLite has no TRUNCATE, and an INSERT OR REPLACE fires no trigger of DELETE.
        """
        same = " AND ".join(f"{name} = NEW.{name}" for name in ("domain", *key))
        taken = f" WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"
        return tuple(
            f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table}"
            f"{when} BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"
            for verb, when in (("UPDATE", ""), ("DELETE", ""), ("INSERT", taken))
        )

    def undeletable(self, table: str) -> tuple[str, ...]:
        """Return a trigger that refuses DELETE; rows may change."""
        trigger = (
            f"CREATE TRIGGER {table}_refuses_delete BEFORE DELETE ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"
        )
        return (trigger,)

    def changeable(self, table: str) -> tuple[str, ...]:
        """Return what drops the triggers, and has freed bytes overwritten."""
        drops = (
            f"DROP TRIGGER {table}_refuses_{verb}"
            for verb in ("update", "delete", "insert")
        )
        return *self.overwriting, *drops

    def unchangeable(self, table: str, *key: str) -> tuple[str, ...]:
        """Return the triggers again."""
        return self.append_only(table, *key)


class PostgresqlGuards:
    """Triggers of PostgreSQL, and rights."""

    def append_only(self, table: str, *key: str) -> tuple[str, ...]:  # noqa: ARG002 - as SQLite's
        """Return a trigger for UPDATE, DELETE and TRUNCATE, and revoke the rights."""
        function = (
            "CREATE OR REPLACE FUNCTION caseledger_append_only() RETURNS trigger "
            "LANGUAGE plpgsql AS "
            "$$BEGIN IF current_setting('caseledger.erasing', true) = 'on' "
            "AND TG_OP <> 'TRUNCATE' AND TG_TABLE_NAME IN "
            "('bodies', 'dictionaries', 'blobs', 'blob_parts') "
            "THEN RETURN NULL; END IF; "
            "RAISE EXCEPTION 'the log is append-only'; END$$"
        )
        trigger = (
            f"CREATE TRIGGER {table}_refuses_change "
            f"BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION caseledger_append_only()"
        )
        rights = f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC"
        return function, trigger, rights

    def undeletable(self, table: str) -> tuple[str, ...]:
        """Return a trigger for DELETE and TRUNCATE; rows may change."""
        trigger = (
            f"CREATE TRIGGER {table}_refuses_delete "
            f"BEFORE DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION caseledger_append_only()"
        )
        return trigger, f"REVOKE DELETE, TRUNCATE ON {table} FROM PUBLIC"

    def changeable(self, table: str) -> tuple[str, ...]:  # noqa: ARG002 - as SQLite's
        """Return what the guard's function takes for leave, until the commit.

        No change of the schema: the driver forgets its prepared statements over one,
        also those which are on their way in the pipeline.
        """
        return ("SET LOCAL caseledger.erasing = 'on'",)

    def unchangeable(self, table: str, *key: str) -> tuple[str, ...]:  # noqa: ARG002 - as SQLite's
        """Return what takes the leave back."""
        return ("SET LOCAL caseledger.erasing = 'off'",)
