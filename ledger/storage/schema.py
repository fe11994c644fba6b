"""Making and dropping the tables and indexes of a metadata."""

from __future__ import annotations

from sqlalchemy import Index, MetaData
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from ledger.storage.connection import Connection


def create_tables(conn: Connection, metadata: MetaData) -> None:
    """Create the tables of a metadata without their secondary indexes."""
    for table in metadata.sorted_tables:
        conn.execute(str(CreateTable(table).compile(dialect=conn.dialect.sql)))
        for statement in conn.dialect.statistics(table):
            conn.execute(statement)


def create_indexes(conn: Connection, metadata: MetaData) -> None:
    """Create the secondary indexes of a metadata's tables."""
    for index in indexes_of(metadata):
        create_index(conn, index)


def indexes_of(metadata: MetaData) -> list[Index]:
    """Return the secondary indexes of a metadata's tables, by name."""
    found = [index for table in metadata.sorted_tables for index in table.indexes]
    return sorted(found, key=lambda index: str(index.name))


def create_index(conn: Connection, index: Index) -> None:
    """Create a secondary index unless it is there."""
    create = CreateIndex(index, if_not_exists=True)
    conn.execute(str(create.compile(dialect=conn.dialect.sql)))


def drop_tables(conn: Connection, metadata: MetaData) -> None:
    """Drop the tables of a metadata that exist."""
    for table in reversed(metadata.sorted_tables):
        drop = DropTable(table, if_exists=True)
        conn.execute(str(drop.compile(dialect=conn.dialect.sql)))
