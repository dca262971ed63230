"""Forward: a referral becomes deliveries to its service; the last look before each leaves; what came back.

What is queued has passed the outgoing check already: a body that fails it parks the referral and nothing
is queued (promises 8 and 10). A shadow practice gets the same computation and no delivery.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypedDict

from bridge.delivery import outbox
from bridge.delivery.port import LastLook
from bridge.domain.delivery import Delivery, Kind, Leg, Receipt
from bridge.domain.journey import DeliveryState, ReferralState, ReferralStep
from bridge.domain.referral import Consent, EventKind
from bridge.errors.catalogue import CATALOGUE
from bridge.fhir import bundles, checks
from bridge.fhir.naming import Naming
from bridge.fhir.released import Released
from bridge.fhir.service_request import Service
from bridge.fhir.trees import Json
from bridge.fhir.writing import to_json
from bridge.pipeline import letters
from bridge.pipeline.context import Context
from bridge.schemes import Mode, PracticeRule, Scheme
from bridge.store import referrals
from bridge.store.claims import Claimed
from bridge.store.lanes import Order
from bridge.store.referrals import About, Stored
from bridge.store.unit import Tx

STATUS = {
    ReferralState.OPEN: "active",
    ReferralState.COMPLETED: "completed",
    ReferralState.CANCELLED: "revoked",
    ReferralState.WITHDRAWN: "revoked",
    ReferralState.REJECTED: "revoked",
    ReferralState.ENTERED_IN_ERROR: "entered-in-error",
    ReferralState.DISCARDED: "revoked",
}
# A cancel of ours is on its way, or was never needed; the service hears nothing else of such a referral.
TAKEN_BACK = frozenset(state for state, status in STATUS.items() if status in ("revoked", "entered-in-error"))
# The person said no: of these a service hears that it ended and why, and of the person nothing again.
_SAID_NO = frozenset({"consent-needed", "consent-refused", "person-objected"})
_WHOSE_IT_IS = frozenset({"identifiers", "nhs-number", "practice"})
_NOT_GIVEN = (Consent.REFUSED, Consent.WITHDRAWN)
# Codes of a last look that waits for the practice or for a letter's content, not for the partner.
HELD_BACK = ("practice-not-live", "feed-too-old", "letter-held")


def create(tx: Tx, ctx: Context, stored: Stored, *, cause: str) -> None:
    """Queue the referral for its service, or park it with the reason it cannot go."""
    body = bundles.create_bundle(stored.record, **_terms(ctx, stored))
    _queue(tx, ctx, stored, Kind.CREATE, body, cause)


def change(tx: Tx, ctx: Context, stored: Stored, *, cause: str) -> None:
    """Queue the newer version: still a create while the first one has not been accepted."""
    if stored.state is ReferralState.PARKED:
        return  # the release sends the newest record
    status = STATUS[stored.state]
    if stored.state in TAKEN_BACK:
        cancel(tx, ctx, stored, cause=cause)
    elif not stored.shadow and outbox.must_create(tx, stored.id, stored.service, stored.patient):
        create(tx, ctx, stored, cause=cause)
    elif status == "active":  # the person's details may have changed too
        _queue(
            tx, ctx, stored, Kind.CHANGE, bundles.create_bundle(stored.record, **_terms(ctx, stored)), cause
        )
    else:
        body = bundles.changed_service_request(stored.record, status=status, **_terms(ctx, stored))
        _queue(tx, ctx, stored, Kind.CHANGE, body, cause)


def cancel(tx: Tx, ctx: Context, stored: Stored, *, cause: str) -> None:
    """Take it back at the service, if it may have left; close what waits."""
    body = bundles.cancelled_service_request(
        stored.record, status=STATUS[stored.state], reason=words_for(stored.code), **_terms(ctx, stored)
    )
    _queue(tx, ctx, stored, Kind.CANCEL, body, cause)


def words_for(code: str) -> str:
    """Why a referral was taken back, in words the service can show to a person."""
    entry = CATALOGUE.get(code)
    return entry.meaning if entry else WORDS.get(code, "The practice took this referral back.")


WORDS = {
    "cancelled": "The practice cancelled this referral.",
    "entered-in-error": "The practice entered this referral by mistake.",
    "declined": "The person does not want this referral.",
    "rejected": "The service did not accept this referral.",
}


class _Terms(TypedDict):
    service: Service
    released: Released
    naming: Naming


def _terms(ctx: Context, stored: Stored) -> _Terms:
    scheme = scheme_of(ctx, stored)
    service = Service(identifier=scheme.service.known_as, name=scheme.service.title)
    return _Terms(service=service, released=_released(scheme, stored), naming=ctx.naming)


def _released(scheme: Scheme, stored: Stored) -> Released:
    """What the scheme lists; once the person said no, only whose it was and that they did."""
    if stored.state not in TAKEN_BACK or stored.code not in _SAID_NO:
        return scheme.released()
    said = {"consent"} if stored.record.consent in _NOT_GIVEN else set[str]()
    return scheme.released() & (_WHOSE_IT_IS | said)


def scheme_of(ctx: Context, stored: Stored) -> Scheme:
    """The scheme a referral was opened under; `bridge check` keeps it from being taken away."""
    scheme = ctx.rulebook.by_name(stored.scheme)
    if scheme is None:
        raise LookupError("the scheme of an open referral is gone")
    return scheme


def _queue(tx: Tx, ctx: Context, stored: Stored, kind: Kind, body: Json, cause: str) -> None:
    problems = checks.check(body)
    if problems and kind is not Kind.CANCEL:
        referrals.step(tx, stored, ReferralStep.PARK, code=problems[0].code)
        return
    order = Order(
        id=ctx.new_id(),
        referral_id=stored.id,
        partner=stored.service,
        patient=stored.patient,
        leg=Leg.FORWARD,
        kind=kind,
        priority=stored.record.priority,
        request_id=ctx.new_id(),
        correlation_id=stored.correlation_id,
        body=to_json(body),
        frozen=kind is Kind.CREATE,
        cause=cause,
        version=stored.version,
        released=" ".join(sorted(_terms(ctx, stored)["released"])),
        label=ctx.label,
    )
    outbox.enqueue(tx, order, shadow=stored.shadow)


def last_look(ctx: Context) -> Callable[[Tx, Sequence[Claimed]], dict[str, LastLook]]:
    """Promise 9, inside the claim: what we know now of each claimed delivery's person and practice."""

    def look(tx: Tx, claimed: Sequence[Claimed]) -> dict[str, LastLook]:
        known = referrals.about(tx, {each.row.referral_id for each in claimed})
        return {each.row.id: _look(tx, ctx, each, known[each.row.referral_id]) for each in claimed}

    return look


def _look(tx: Tx, ctx: Context, claimed: Claimed, about: About) -> LastLook:
    """A cancel always goes (promise 5), and what waits before it in its lane does not hold it back."""
    kind = Kind(claimed.row.kind)
    if kind is Kind.CANCEL:
        return LastLook(known_at=about.known_at)
    code = _forbidden(kind, about)
    if code:
        return LastLook(withhold=code, known_at=about.known_at)
    found = ctx.rulebook.of_practice(about.practice)
    if found is None or found[1].mode is not Mode.LIVE:
        return LastLook(wait=timedelta(minutes=10), code="practice-not-live")
    if kind is Kind.FILE:
        held = _filing(tx, found[0], claimed, about)
        if held is not None:
            return held
    return _stale(tx, *found, about.known_at)


def _filing(tx: Tx, scheme: Scheme, claimed: Claimed, about: About) -> LastLook | None:
    """What keeps an outcome from going to the practice's record now; None when nothing does.

    MESH finds the practice a person is registered with; any other route leads to the one they left.
    """
    route = next((route for route in scheme.records if route.name == claimed.row.partner), None)
    if about.registered is False and (route is None or route.kind != "mesh"):
        return LastLook(park="patient-moved", known_at=about.known_at)
    if route is None or not route.by_letter:
        return None
    left = claimed.row.created_at + scheme.letter_hold_minutes * 60_000 - tx.now
    if left <= 0:
        return None
    return LastLook(wait=timedelta(milliseconds=left), code="letter-held", known_at=about.known_at)


def _forbidden(kind: Kind, about: About) -> str:
    """Why a referral may no longer leave for the first time, or a version of it be told; "" when it may."""
    if kind is Kind.CHANGE:
        return "already-closed" if about.state in TAKEN_BACK else ""
    if kind is not Kind.CREATE:
        return ""
    if about.deceased:
        return "patient-deceased"
    if about.stance == EventKind.OBJECTED:
        return "person-objected"
    if about.registered is False:
        return "patient-not-registered"
    return "" if about.state is ReferralState.OPEN else "already-closed"


def _stale(tx: Tx, scheme: Scheme, rule: PracticeRule, known_at: int | None) -> LastLook:
    limit = timedelta(hours=scheme.feed_max_age_hours)
    if (
        rule.stale_feed == "hold"
        and known_at is not None
        and tx.now - known_at > limit.total_seconds() * 1000
    ):
        return LastLook(wait=timedelta(minutes=10), code="feed-too-old", known_at=known_at)
    return LastLook(known_at=known_at)


def on_settled(tx: Tx, delivery: Delivery, state: DeliveryState, receipt: Receipt) -> None:
    """In the settle's own commit: what the service calls our referral and its person; where a letter is."""
    letters.on_settled(tx, delivery, state, receipt)
    if state is not DeliveryState.DELIVERED or delivery.leg is not Leg.FORWARD:
        return
    known = {"service_ref": receipt.reference, "service_patient": receipt.subject}
    columns = {name: value for name, value in known.items() if value}
    if columns:  # from now on a service that collects its work is shown it as what changed
        referrals.note(tx, delivery.referral_id, updated_at=tx.now, **columns)
