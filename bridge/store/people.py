"""The people referrals are about, as practices last told us, and the codes we put into their records."""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select

from bridge.store import dialect
from bridge.store.tables import filed, person
from bridge.store.unit import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What we know of a practice's patient, for the last look."""

    local: str
    nhs: str
    practice: str
    registered: bool | None
    deceased: bool
    known_at: int


def put_person(tx: Tx, known: Person) -> None:
    """Remember the newest facts about a person; older facts never overwrite newer ones."""
    columns = ("nhs", "practice", "registered", "deceased", "known_at")
    tx.run(
        dialect.upsert(tx, person, *columns, newer="known_at"),
        {"local": known.local, **{c: getattr(known, c) for c in columns}},
    )


def forget_person(tx: Tx, local: str) -> None:
    """Nothing more may be kept of the person."""
    tx.run(delete(person).where(person.c.local == local))


def person_of(tx: Tx, local: str) -> Person | None:
    """What we know of one practice's patient key."""
    row = tx.run(select(person).where(person.c.local == local)).first()
    return None if row is None else Person(**row._mapping)  # noqa: SLF001


def remember_filed(tx: Tx, patient: str, code: str, on: str, referral_id: str) -> None:
    """Remember a code we put into a record on that day (YYYY-MM-DD), to know our echo in a later extract."""
    tx.run(
        dialect.insert_or_ignore(tx, filed),
        {"patient": patient, "code": code, "on": on, "referral_id": referral_id},
    )


def was_filed(tx: Tx, patient: str, code: str, on: str) -> bool:
    """Whether we filed that code for that person on that day."""
    return tx.run(_WAS_FILED, {"patient": patient, "code": code, "day": on}).first() is not None


_WAS_FILED = select(filed.c.code).where(
    filed.c.patient == bindparam("patient"),
    filed.c.code == bindparam("code"),
    filed.c.on == bindparam("day"),
)
