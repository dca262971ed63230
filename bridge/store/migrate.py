"""Bring a database to the schema of this version: numbered, forward only, each in one transaction."""

from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from bridge.errors import ConfigError, Unavailable

HEAD = "0001"
_FOLDER = Path(__file__).parent / "migrations"


def current(conn: Connection) -> str:
    """The schema version of this database; "" for an empty one."""
    if not inspect(conn).has_table("alembic_version"):
        return ""
    return str(conn.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or "")


def migrate(conn: Connection) -> None:
    """Upgrade to HEAD; a database from a newer bridge is refused."""
    version = current(conn)
    if version == HEAD:
        conn.rollback()
        return
    if version > HEAD:
        raise ConfigError(f"the database has schema {version}, newer than this bridge knows ({HEAD})")
    from alembic import command  # noqa: PLC0415 - costs 0.2 s and is needed once per upgrade
    from alembic.config import Config  # noqa: PLC0415

    conn.rollback()
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
    conn.commit()


def upgrade(url: str) -> None:
    """Bring a PostgreSQL database to HEAD (`bridge migrate`); SQLite is brought there when it is opened.

    Unavailable when it does not answer or refuses; the driver's words stay here, and nothing has changed.
    """
    engine = create_engine(driver_url(url), poolclass=NullPool)
    try:
        with engine.connect() as conn:
            migrate(conn)
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        said = f"PostgreSQL refused ({state}); nothing was changed" if state else "PostgreSQL does not answer"
        raise Unavailable(said) from None
    finally:
        engine.dispose()


def driver_url(url: str) -> str:
    """The address for SQLAlchemy of a `postgresql://…` or `postgres://…` one: by psycopg 3."""
    return f"postgresql+psycopg://{url.partition('://')[2]}"
