"""What the two dialects write differently."""

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from bridge.store.unit import Tx


def insert(tx: Tx, table: Table) -> sqlite.Insert:
    """An INSERT that knows ON CONFLICT, in the dialect of the transaction."""
    if tx.dialect == "postgresql":
        return postgresql.insert(table)  # type: ignore[return-value]  # same methods, no common base
    return sqlite.insert(table)
