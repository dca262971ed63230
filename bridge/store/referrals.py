"""Referrals and the source keys that lead to them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, bindparam, exists, func, insert, or_, select, update

from bridge.domain.journey import REFERRAL_MOVES, ReferralState, ReferralStep, move
from bridge.domain.referral import Referral
from bridge.errors import Problem, Unacceptable
from bridge.store import documents, stances
from bridge.store.tables import feed, person, referral
from bridge.store.unit import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A referral as stored: where it stands, and the canonical record opened."""

    id: str
    scheme: str
    practice: str
    service: str
    state: ReferralState
    code: str
    shadow: bool
    patient: str
    local: str
    version: int
    correlation_id: str
    service_ref: str
    service_patient: str
    task_status: str
    task_version: str
    opened_at: int
    updated_at: int
    closed_at: int | None
    record: Referral


_BY_ID = select(referral).where(referral.c.id == bindparam("row"))


def get(tx: Tx, referral_id: str) -> Stored | None:
    """One referral, opened."""
    row = tx.run(_BY_ID, {"row": referral_id}).first()
    return None if row is None else _stored(tx, row)


def hold(tx: Tx, referral_id: str) -> Stored | None:
    """The same, with every other unit that would change what this person has at this service kept away."""
    found = get(tx, referral_id)
    if found is None:
        return None
    tx.lock(f"{found.patient}|{found.service}")
    return get(tx, referral_id) if tx.dialect == "postgresql" else found


@dataclass(frozen=True, slots=True)
class About:
    """The few facts that the last look needs, without opening a record; `known_at` is the practice's feed."""

    practice: str
    state: ReferralState
    deceased: bool
    stance: str  # what the person last said of sharing
    registered: bool | None
    known_at: int | None


# The practice may have said so under its own key of the person: a message may come without that key.
_holder = person.alias("holder")
_HAS_DIED = exists(
    select(_holder.c.local).where(
        _holder.c.nhs == referral.c.patient, _holder.c.practice == referral.c.practice, _holder.c.deceased
    )
).correlate(referral)
_ABOUT = (
    select(
        referral.c.id,
        referral.c.practice,
        referral.c.state,
        or_(func.coalesce(person.c.deceased, False), _HAS_DIED).label("deceased"),
        stances.of_referral().label("stance"),
        person.c.registered,
        select(func.max(feed.c.extracted_at))
        .where(feed.c.practice == referral.c.practice)
        .scalar_subquery()
        .label("known_at"),
    )
    .outerjoin(person, and_(person.c.local == referral.c.local, referral.c.local != ""))
    .where(referral.c.id.in_(bindparam("rows", expanding=True)))
)


def about(tx: Tx, referral_ids: Collection[str]) -> dict[str, About]:
    """What is known of each of these referrals, in one statement."""
    return {
        row.id: About(
            practice=row.practice,
            state=ReferralState(row.state),
            deceased=bool(row.deceased),
            stance=row.stance or "",
            registered=row.registered,
            known_at=row.known_at,
        )
        for row in tx.run(_ABOUT, {"rows": list(referral_ids)})
    }


def of_patient(tx: Tx, patient: str, service: str) -> list[Stored]:
    """Every referral of a person to one service, newest first."""
    rows = tx.run(_OF_PATIENT, {"patient": patient, "service": service}).all()
    return [_stored(tx, row) for row in rows]


_OF_PATIENT = (
    select(referral)
    .where(referral.c.patient == bindparam("patient"), referral.c.service == bindparam("service"))
    .order_by(referral.c.opened_at.desc())
)


def of_local(tx: Tx, local: str) -> list[Stored]:
    """Every referral of a practice's own patient key, newest first."""
    query = select(referral).where(referral.c.local == local).order_by(referral.c.opened_at.desc())
    return [_stored(tx, row) for row in tx.run(query).all()]


def of_holder(tx: Tx, patient: str, practice: str) -> list[Stored]:
    """Every referral a practice, or with "" any, made for one person."""
    query = select(referral).where(referral.c.patient == patient)
    if practice:
        query = query.where(referral.c.practice == practice)
    return [_stored(tx, row) for row in tx.run(query).all()]


def by_service_ref(tx: Tx, service: str, reference: str) -> Stored | None:
    """The referral a service knows under its own reference ("ServiceRequest/12")."""
    row = tx.run(
        select(referral).where(referral.c.service == service, referral.c.service_ref == reference)
    ).first()
    return None if row is None else _stored(tx, row)


def _stored(tx: Tx, row: Row[Any]) -> Stored:
    record = documents.referral.validate_json(tx.open("referral.sealed", row.id, row.sealed))
    return Stored(
        id=row.id,
        scheme=row.scheme,
        practice=row.practice,
        service=row.service,
        state=ReferralState(row.state),
        code=row.code,
        shadow=row.shadow,
        patient=row.patient,
        local=row.local,
        version=row.version,
        correlation_id=row.correlation_id,
        service_ref=row.service_ref,
        service_patient=_service_patient(tx, row),
        task_status=row.task_status,
        task_version=row.task_version,
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        closed_at=row.closed_at,
        record=record,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a new referral row needs beyond its record."""

    id: str
    scheme: str
    practice: str
    service: str
    shadow: bool
    patient: str
    local: str
    mapping: str
    correlation_id: str


def add(tx: Tx, opening: Opening, record: Referral) -> Stored:
    """Open a referral."""
    recorded = record.recorded_at
    tx.run(
        _ADD,
        {
            "id": opening.id,
            "source": record.key.source,
            "scheme": opening.scheme,
            "practice": opening.practice,
            "service": opening.service,
            "state": ReferralState.OPEN.value,
            "code": "",
            "shadow": opening.shadow,
            "priority": record.priority,
            "patient": opening.patient,
            "local": opening.local,
            "version": 1,
            "mapping": opening.mapping,
            "recorded_at": None if recorded is None else int(recorded.timestamp() * 1000),
            "opened_at": tx.now,
            "updated_at": tx.now,
            "correlation_id": opening.correlation_id,
            "sealed": tx.seal("referral.sealed", opening.id, documents.referral.dump_json(record)),
        },
    )
    return _again(tx, opening.id)


_ADD = insert(referral)


def _again(tx: Tx, referral_id: str) -> Stored:
    found = get(tx, referral_id)
    assert found is not None  # noqa: S101 - this unit has just written it
    return found


def steps_of(stored: Stored) -> frozenset[ReferralStep]:
    """The steps the table allows from where this referral stands."""
    return frozenset(REFERRAL_MOVES.get(stored.state, {}))


def step(
    tx: Tx, stored: Stored, taken: ReferralStep, *, record: Referral | None = None, **columns: Any
) -> Stored:
    """Take one step of the referral table, with the new record where the content changed.

    Unacceptable for opening it again beside another open one of the same person, service and practice.
    """
    state = move(REFERRAL_MOVES, stored.state, taken)
    if state is ReferralState.OPEN and stored.state is not ReferralState.OPEN:
        _refuse_a_second(tx, stored)
    values: dict[str, Any] = {"state": state.value, "updated_at": tx.now, **columns}
    closed = state not in (ReferralState.OPEN, ReferralState.PARKED)
    values["closed_at"] = (stored.closed_at or tx.now) if closed else None
    if record is not None:
        values["sealed"] = tx.seal("referral.sealed", stored.id, documents.referral.dump_json(record))
        values["version"] = stored.version + 1
        values["pared"] = 0
        values["priority"] = record.priority
    tx.run(update(referral).where(referral.c.id == stored.id).values(**values))
    return _again(tx, stored.id)


def _refuse_a_second(tx: Tx, stored: Stored) -> None:
    others = of_patient(tx, stored.patient, stored.service)
    open_there = (o for o in others if o.state is ReferralState.OPEN and o.practice == stored.practice)
    if not stored.shadow and any(not o.shadow for o in open_there):
        raise Unacceptable(problems=(Problem(code="another-is-open"),))


def _service_patient(tx: Tx, row: Row[Any]) -> str:
    if row.service_patient is None:
        return ""
    return tx.open("referral.service_patient", row.id, row.service_patient).decode()


def note(tx: Tx, referral_id: str, **columns: Any) -> None:
    """Record facts that are no step: the service's reference, its Task status, when it was last heard."""
    if "service_patient" in columns:
        said = columns["service_patient"].encode()
        columns["service_patient"] = tx.seal("referral.service_patient", referral_id, said)
    tx.run(update(referral).where(referral.c.id == referral_id).values(**columns))
