"""People who may sign in at the page, and their sessions. A session is found by the SHA-256 of its token."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, insert, select, update

from bridge.errors import NotFound, Problem, Unacceptable
from bridge.store.tables import account, session
from bridge.store.unit import Tx

STEP_MS = 60_000  # a session is noted as used at most so often


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who may sign in. `password` is the Argon2 hash; times are milliseconds."""

    name: str
    roles: tuple[str, ...]
    practices: tuple[str, ...] = ()
    password: str = ""
    disabled: bool = False
    created_at: int = 0
    password_at: int = 0
    seen_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long a session lasts without being used, and at the very most; milliseconds."""

    idle: int
    longest: int


def add(tx: Tx, new: Account) -> None:
    """Add somebody; Unacceptable when the name is taken."""
    if get(tx, new.name) is not None:
        raise Unacceptable(problems=(Problem(code="account-known"),))
    values = {
        "name": new.name,
        "roles": " ".join(new.roles),
        "practices": " ".join(new.practices),
        "password": new.password,
        "disabled": False,
        "created_at": tx.now,
        "password_at": tx.now,
    }
    tx.run(insert(account), values)


def get(tx: Tx, name: str) -> Account | None:
    """One account."""
    row = tx.run(_BY_NAME, {"known_as": name}).first()
    return None if row is None else _account(row)


def every(tx: Tx) -> list[Account]:
    """All of them, by name."""
    return [_account(row) for row in tx.run(select(account).order_by(account.c.name))]


def disable(tx: Tx, name: str, *, disabled: bool) -> None:
    """Keep somebody out from now on, signed in or not, or let them in again; NotFound."""
    _change(tx, name, disabled=disabled)


def set_password(tx: Tx, name: str, password: str) -> None:
    """Change the hash; whoever is signed in under the old one is out. NotFound."""
    _change(tx, name, password=password, password_at=tx.now)


def _change(tx: Tx, name: str, **columns: object) -> None:
    if not tx.run(update(account).where(account.c.name == name).values(**columns)).rowcount:
        raise NotFound
    tx.run(delete(session).where(session.c.account == name))


def begin_session(tx: Tx, name: str, token: str, terms: Terms) -> None:
    """Let somebody in under a new token; sessions that are over are forgotten."""
    tx.run(_OVER, {"now": tx.now})
    values = {
        "id": _digest(token),
        "account": name,
        "began_at": tx.now,
        "seen_at": tx.now,
        "until": tx.now + min(terms.idle, terms.longest),
    }
    tx.run(insert(session), values)
    tx.run(update(account).where(account.c.name == name).values(seen_at=tx.now))


def of_session(tx: Tx, token: str) -> tuple[Account, int] | None:
    """Who is signed in under this token and when they were last noted (ms); None once it is over."""
    row = tx.run(_BY_TOKEN, {"digest": _digest(token), "now": tx.now}).first()
    return None if row is None or row.disabled else (_account(row), row.used_at)


def keep_session(tx: Tx, token: str, terms: Terms) -> None:
    """It was used just now: it lasts for another idle time, up to the longest."""
    row = tx.run(_BEGAN, {"digest": _digest(token)}).first()
    if row is not None:
        until = min(tx.now + terms.idle, row.began_at + terms.longest)
        tx.run(_KEEP, {"digest": _digest(token), "seen": tx.now, "end": until})


def end_session(tx: Tx, token: str) -> None:
    """Signed out."""
    tx.run(delete(session).where(session.c.id == _digest(token)))


_BY_NAME = select(account).where(account.c.name == bindparam("known_as"))
_BY_TOKEN = (
    select(account, session.c.seen_at.label("used_at"))
    .join(session, session.c.account == account.c.name)
    .where(session.c.id == bindparam("digest"), session.c.until > bindparam("now"))
)
_BEGAN = select(session.c.began_at).where(session.c.id == bindparam("digest"))
_KEEP = (
    update(session)
    .where(session.c.id == bindparam("digest"))
    .values(seen_at=bindparam("seen"), until=bindparam("end"))
)
_OVER = delete(session).where(session.c.until <= bindparam("now"))


def _account(row: object) -> Account:
    columns = {name: getattr(row, name) for name in Account.__dataclass_fields__}
    texts = {name: tuple(columns[name].split()) for name in ("roles", "practices")}
    return Account(**{**columns, **texts, "disabled": bool(columns["disabled"])})


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
