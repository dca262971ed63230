"""What a service may collect: the Tasks of its referrals, and of each the request and the person.

Only what was released to it, as it is now, and only what has left: a referral that was taken back shows a
Task that ended and a request without its person.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import and_, or_, select

from bridge.domain.journey import ReferralState
from bridge.fhir.patient import patient
from bridge.fhir.service_request import Service, service_request
from bridge.fhir.task import task
from bridge.fhir.trees import Json
from bridge.pipeline.context import Context
from bridge.pipeline.forward import STATUS
from bridge.schemes import Scheme
from bridge.store import referrals
from bridge.store.referrals import Stored
from bridge.store.tables import referral
from bridge.store.unit import Tx

_ENDED = {
    ReferralState.CANCELLED: "cancelled",
    ReferralState.WITHDRAWN: "cancelled",
    ReferralState.ENTERED_IN_ERROR: "entered-in-error",
    ReferralState.DISCARDED: "cancelled",
}
Place = tuple[int, str]  # milliseconds and id of the last one that was shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """One referral as its service may read it; no `person` once it was taken back."""

    referral_id: str
    place: Place
    task: Json
    request: Json
    person: Json | None


def changed(tx: Tx, ctx: Context, service: str, *, since: int, after: Place, limit: int) -> list[Collected]:
    """What changed from `since` on, in milliseconds, behind `after`; oldest first."""
    at, row_id = referral.c.updated_at, referral.c.id
    behind = or_(at > after[0], and_(at == after[0], row_id > after[1]))
    schemes = [scheme.name for scheme in ctx.rulebook.schemes]
    shown = (referral.c.service == service, referral.c.scheme.in_(schemes), _HAS_LEFT)
    query = select(row_id).where(*shown, at >= since, behind)
    ids = tx.run(query.order_by(at, row_id).limit(limit)).scalars().all()
    return [made for each in ids if (made := one(tx, ctx, service, each))]


_HAS_LEFT = and_(referral.c.service_ref != "", referral.c.shadow.is_(False))


def one(tx: Tx, ctx: Context, service: str, referral_id: str) -> Collected | None:
    """One referral of that service; None for another's, or one that has not left."""
    stored = referrals.get(tx, referral_id)
    if stored is None or stored.service != service or not stored.service_ref or stored.shadow:
        return None
    scheme = ctx.rulebook.by_name(stored.scheme)
    return None if scheme is None else _made(ctx, scheme, stored)


def _made(ctx: Context, scheme: Scheme, stored: Stored) -> Collected:
    released, naming = scheme.released(), ctx.naming
    service = Service(identifier=scheme.service.known_as, name=scheme.service.title)
    focus, subject = ({"reference": f"{kind}/{stored.id}"} for kind in ("ServiceRequest", "Patient"))
    taken_back = stored.state in _ENDED
    status = STATUS.get(stored.state, "active")
    record = stored.record
    made_task = task(record, focus=focus, subject=subject, service=service, released=released, naming=naming)
    request = service_request(
        record, subject=subject, service=service, status=status, released=released, naming=naming
    )
    return Collected(
        referral_id=stored.id,
        place=(stored.updated_at, stored.id),
        task=_named(ctx, stored, made_task | {"status": _task_status(stored)}),
        request=_named(ctx, stored, dict(_bare(request)) if taken_back else request),
        person=None if taken_back else _named(ctx, stored, patient(record, released=released, naming=naming)),
    )


def _task_status(stored: Stored) -> str:
    return _ENDED.get(stored.state) or stored.task_status or "requested"


_KEPT = frozenset({"resourceType", "meta", "identifier", "status", "intent", "code", "authoredOn", "subject"})


def _bare(request: Json) -> Iterator[tuple[str, object]]:
    """What is left of a request that was taken back: which one, and where it stands."""
    return ((name, value) for name, value in request.items() if name in _KEPT)


def _named(ctx: Context, stored: Stored, resource: Json) -> Json:
    updated = ctx.from_ms(stored.updated_at).isoformat(timespec="milliseconds")
    meta = {**resource.get("meta", {}), "versionId": str(stored.version), "lastUpdated": updated}
    kind = resource.pop("resourceType")
    return {"resourceType": kind, "id": stored.id, **resource, "meta": meta}
