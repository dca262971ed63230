"""The numbered migrations make exactly the tables the code uses, on both dialects."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from bridge.errors import ConfigError
from bridge.security.sealing import Sealer
from bridge.store import open_store
from bridge.store.migrate import HEAD
from bridge.store.tables import metadata


def differences(url: str) -> list[object]:
    """What autogenerate would still want to change."""
    engine = create_engine(url)
    with engine.connect() as conn:
        found = compare_metadata(MigrationContext.configure(conn), metadata)
    engine.dispose()
    return list(found)


async def test_a_new_sqlite_file_has_the_tables_of_the_code(tmp_path: Path, sealer: Sealer) -> None:
    """SQLite migrates when it is opened."""
    file = tmp_path / "bridge.sqlite"
    await open_store(f"sqlite:{file}", sealer).close()

    assert differences(f"sqlite:///{file}") == []


@pytest.mark.postgres
def test_a_migrated_postgres_database_has_the_tables_of_the_code(postgres_url: str) -> None:
    """`bridge migrate` brings it there."""
    assert differences(postgres_url.replace("postgresql://", "postgresql+psycopg://")) == []


@pytest.mark.postgres
def test_postgres_without_the_schema_is_refused_with_the_command_to_run(
    postgres_url: str, sealer: Sealer
) -> None:
    """Nobody's database is changed by starting a service."""
    engine = create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    engine.dispose()

    with pytest.raises(ConfigError, match="bridge migrate"):
        open_store(postgres_url, sealer)


def test_a_database_of_a_newer_bridge_is_refused(tmp_path: Path, sealer: Sealer) -> None:
    """Going back needs the older database, not a guess."""
    file = tmp_path / "bridge.sqlite"
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE alembic_version (version_num TEXT)")
        db.execute("INSERT INTO alembic_version VALUES ('9999')")
    db.close()

    with pytest.raises(ConfigError, match=f"newer than this bridge knows .{HEAD}."):
        open_store(f"sqlite:{file}", sealer)


async def test_a_second_process_on_the_same_file_is_refused(tmp_path: Path, sealer: Sealer) -> None:
    """One process serves a file."""
    url = f"sqlite:{tmp_path / 'bridge.sqlite'}"
    first = open_store(url, sealer)

    with pytest.raises(ConfigError, match="in use"):
        open_store(url, sealer)
    await first.close()
