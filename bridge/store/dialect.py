"""What the two dialects write differently. Statements are built once for each dialect."""

from functools import cache

from sqlalchemy import Executable, Table
from sqlalchemy.dialects import postgresql, sqlite

from bridge.store.unit import Tx


def upsert(tx: Tx, table: Table, *columns: str, newer: str = "") -> Executable:
    """INSERT that overwrites `columns` of a row with the same primary key.

    With `newer`, only where the new row's value of that column is not below the old one's.
    """
    return _upsert(tx.dialect, table, columns, newer)


def insert_or_ignore(tx: Tx, table: Table) -> Executable:
    """INSERT that leaves a row with the same primary key alone."""
    return _insert_or_ignore(tx.dialect, table)


@cache
def _upsert(dialect: str, table: Table, columns: tuple[str, ...], newer: str) -> Executable:
    statement = _insert(dialect, table)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={column: new[column] for column in columns},
        where=table.c[newer] <= new[newer] if newer else None,
    )


@cache
def _insert_or_ignore(dialect: str, table: Table) -> Executable:
    return _insert(dialect, table).on_conflict_do_nothing()


def _insert(dialect: str, table: Table) -> sqlite.Insert:
    """The dialects' INSERTs share their methods but no base."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)  # type: ignore[return-value]
