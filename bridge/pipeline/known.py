"""What may be read back of a referral: the little that a cancellation needs, and where it stands."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from bridge.domain.journey import LIVING, ReferralState
from bridge.domain.referral import EventKind, Referral, ReferralKey
from bridge.domain.systems import canonical_system
from bridge.fhir.answers import known_request
from bridge.fhir.bars import key_of
from bridge.fhir.patient import known_by
from bridge.fhir.released import Released
from bridge.fhir.trees import Json
from bridge.pipeline import forward
from bridge.pipeline.context import Context
from bridge.store import keys, messages, referrals
from bridge.store.referrals import Stored
from bridge.store.unit import Tx

ACTIVE = "active"
# A parked referral still stands for the GP: a person decides, and a cancellation must find it.
STATUS = forward.STATUS | {ReferralState.PARKED: ACTIVE}
_ENDED = {
    EventKind.CANCELLED.value: "revoked",
    EventKind.DECLINED.value: "revoked",
    EventKind.ENTERED_IN_ERROR.value: "entered-in-error",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A referral under the id a caller knows it by; no `state` and no `service` while a person holds it."""

    identity: str
    referral_id: str
    record: Referral
    status: str
    practice: str
    version: int = 1
    updated_at: int = 0  # milliseconds
    scheme: str = ""
    service: str = ""
    state: ReferralState | None = None

    def resource(self, ctx: Context, released: Released) -> Json:
        """It as a ServiceRequest, as far as its fields may leave."""
        record = self.record if "identifiers" in released else replace(self.record, identifiers=())
        return known_request(
            record,
            identity=self.identity,
            status=self.status,
            version=str(self.version),
            updated=ctx.from_ms(self.updated_at).isoformat(timespec="milliseconds"),
            subject=known_by(self.record, released=released, naming=ctx.naming),
            naming=ctx.naming,
        )


def by_id(tx: Tx, bars: Collection[str], identity: str) -> Known | None:
    """The referral of our id, or of the id under which one of these BaRS sources knows it."""
    keys = (identity, *(str(key_of(source, identity).id) for source in bars))
    return next((found for key in keys if (found := _by_key(tx, key, identity))), None)


def by_identifier(
    tx: Tx, ctx: Context, sources: Collection[str], bars: Collection[str], token: str
) -> Known | None:
    """The referral of `system|value`: our identifier, or the one that names it in one of these sources."""
    system, _, value = token.partition("|")
    if system == ctx.naming.referral:
        keys = [str(UUID(value))] if _is_uuid(value) else []
    else:
        owner = canonical_system(system)
        keys = [str(ReferralKey(source=s, owner=owner, record=value).id) for s in sources]
    found = next((found for key in keys if (found := _by_key(tx, key, key))), None)
    if found is None or found.record.key.source not in bars:
        return found
    return replace(found, identity=found.record.key.record)


def _is_uuid(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _by_key(tx: Tx, key_id: str, identity: str) -> Known | None:
    key = keys.key_of(tx, key_id)
    stored = referrals.get(tx, key.referral_id if key and key.referral_id else key_id)
    if stored is not None:
        ended = _ENDED.get(key.kind, "") if key and stored.state in LIVING else ""
        return _of_stored(stored, identity, ended)
    return next(_held(tx, key_id, identity), None)


def _of_stored(stored: Stored, identity: str, ended: str) -> Known:
    return Known(
        identity=identity,
        referral_id=stored.id,
        record=stored.record,
        status=ended or STATUS[stored.state],
        practice=stored.practice,
        version=stored.version,
        updated_at=stored.updated_at,
        scheme=stored.scheme,
        service=stored.service,
        state=stored.state,
    )


def _held(tx: Tx, key_id: str, identity: str) -> Iterator[Known]:
    """What a person has still to decide on, newest first."""
    for parked in messages.parked_under(tx, key_id):
        event = messages.open_event(tx, parked.id)
        record = event.referral if event else None
        if record is not None and record.practice.ods is not None:
            yield Known(
                identity=identity,
                referral_id=key_id,
                record=record,
                status=ACTIVE,
                practice=record.practice.ods.code,
                updated_at=parked.at,
            )
