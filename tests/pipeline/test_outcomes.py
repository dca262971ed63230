"""Outcomes: who may say what of whom, and what happens while we do not know yet."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.delivery import Delivery
from bridge.domain.journey import DeliveryState, DeliveryStep, EventState, ReferralState
from bridge.domain.outcome import Outcome, OutcomeKind, Value
from bridge.domain.referral import Coding, Concept
from bridge.domain.systems import SNOMED
from bridge.pipeline import outcomes
from bridge.pipeline.outcomes import NotYet, Recorded, Sender
from bridge.store import Store, claims, referrals
from bridge.store.claims import Try
from bridge.store.outcomes import already_coded
from tests.conftest import Clock, a_referral
from tests.pipeline.desk import CLOSED, SCORE, a_context, an_event, tell

REFERRAL = str(a_referral(1).key.id)


def an_outcome(kind: OutcomeKind = OutcomeKind.CLOSED, **changes: Any) -> Outcome:
    """The service closes the referral, naming it by our identifier and its person by NHS number."""
    told = Outcome(
        kind=kind,
        identifier="Task/1",
        version="2026-03-02T09:00:00",
        status="completed",
        referral_ref=f"https://bridge.test/Id/referral|{REFERRAL}",
        subject=a_referral(1).patient.nhs_number,
        effective="2026-03-02T09:00:00+00:00",
    )
    said = replace(told, **changes)
    return said if "clock" in changes else replace(said, clock=said.version)


def a_score(value: Value | None, code: str = SCORE, **changes: Any) -> Outcome:
    """A questionnaire's total."""
    concept = Concept(codings=(Coding(system=SNOMED, code=code),))
    said = {"identifier": "Observation/1", "status": "final", "code": concept, "value": value}
    return an_outcome(OutcomeKind.MEASURE, **(said | changes))


async def record(store: Store, outcome: Outcome, service: str = "prescribing") -> Recorded:
    """Record one outcome in a unit of its own."""
    sender = Sender(service=service, message_id="m")
    return await store.run(lambda tx: outcomes.record(tx, a_context(), sender, outcome))


@pytest.fixture
async def referred(store: Store) -> Store:
    """A store with one open referral."""
    await tell(store, an_event(1))
    return store


async def test_while_the_delivery_is_under_way_the_service_is_asked_to_come_again(referred: Store) -> None:
    """It knows its Patient id before we do: refusing would lose what it says for good."""
    outcome = an_outcome(subject=None, subject_ref="Patient/45")
    await referred.run(lambda tx: claims.claim(tx, "prescribing", limit=9, lease_ms=60_000))
    with pytest.raises(NotYet):
        await record(referred, outcome)
    await referred.run(lambda tx: referrals.note(tx, REFERRAL, service_patient="Patient/45"))

    assert (await record(referred, outcome)).state is EventState.APPLIED


async def test_an_outcome_does_not_prove_a_version_that_took_the_place_of_the_first(
    referred: Store, clock: Clock
) -> None:
    """The service speaks of what it has; whether the newer content arrived only a look can say."""

    async def claimed() -> Delivery:
        (head,) = await referred.run(lambda tx: claims.claim(tx, "prescribing", limit=9, lease_ms=60_000))
        return head.opened(lambda sealed, bound_to: sealed)  # noqa: ARG005

    tried = Try(took_ms=1, result="ambiguous", status=None, code="partner-late", node="n1")
    first = await claimed()
    await referred.run(lambda tx: claims.park(tx, first, tried))
    await tell(referred, an_event(1, clock="02", note="now uses a wheelchair"))
    newer = await claimed()
    await referred.run(lambda tx: claims.postpone(tx, newer, DeliveryStep.DOUBT, delay_ms=1_000, tried=tried))
    became = await record(referred, an_outcome(OutcomeKind.ACCEPTED, status="accepted"))
    clock.forward(1)
    looked_for = await claimed()

    assert became.state is EventState.APPLIED
    assert (looked_for.id, looked_for.state) == (newer.id, DeliveryState.IN_DOUBT)


async def test_before_anything_left_an_outcome_is_simply_not_ours(referred: Store) -> None:
    """Nobody can report on what nobody was sent."""
    became = await record(referred, an_outcome(subject=None, subject_ref="Patient/45"))

    assert (became.state, became.code) == (EventState.REFUSED, "outcome-not-yours")


@pytest.mark.parametrize(
    ("changes", "service"),
    [
        ({"referral_ref": "https://elsewhere.test/Id|" + REFERRAL}, "prescribing"),
        ({"referral_ref": "ServiceRequest/unknown"}, "prescribing"),
        ({"referral_ref": ""}, "prescribing"),
        ({"subject": None, "subject_ref": ""}, "prescribing"),
        ({"subject": a_referral(2).patient.nhs_number}, "prescribing"),
        ({}, "elsewhere"),
    ],
)
async def test_name_person_and_sender_agree_or_nothing_is_recorded(
    referred: Store, changes: dict[str, Any], service: str
) -> None:
    """Each of the three alone is enough to stop it."""
    became = await record(referred, an_outcome(**changes), service)
    stored = await referred.read(lambda tx: referrals.get(tx, REFERRAL))

    assert (became.state, became.code) == (EventState.REFUSED, "outcome-not-yours")
    assert stored is not None
    assert stored.state is ReferralState.OPEN


@pytest.mark.parametrize(
    ("outcome", "state", "code"),
    [
        (a_score(Value(quantity="21")), EventState.APPLIED, ""),
        (a_score(Value(integer=21)), EventState.APPLIED, ""),
        (a_score(Value(quantity="7")), EventState.APPLIED, ""),
        (a_score(Value(quantity="21"), code="960481000000107"), EventState.APPLIED, ""),
        (a_score(Value(quantity="21"), code="720433000"), EventState.APPLIED, "score-not-signed-off"),
        (a_score(Value(quantity="21"), code=CLOSED), EventState.PARKED, "instrument-unknown"),
        (a_score(Value(quantity="6")), EventState.PARKED, "score-out-of-range"),
        (a_score(Value(quantity="21.00000001")), EventState.PARKED, "score-not-number"),
        (a_score(Value(quantity="21", comparator="<")), EventState.PARKED, "score-not-number"),
        (a_score(Value(text="good")), EventState.PARKED, "score-not-number"),
        (a_score(None), EventState.PARKED, "score-missing"),
        (a_score(Value(quantity="21"), status="entered-in-error"), EventState.APPLIED, ""),
    ],
)
async def test_only_a_possible_score_under_a_signed_code_is_filed(
    referred: Store, outcome: Outcome, state: EventState, code: str
) -> None:
    """Everything is kept; what is odd waits for a person; nothing else goes into the record."""
    became = await record(referred, outcome)
    filings = await referred.run(lambda tx: claims.claim(tx, "record", limit=9, lease_ms=60_000))

    assert (became.state, became.code) == (state, code)
    filed = state is EventState.APPLIED and not code and outcome.status == "final"
    assert len(filings) == int(filed)


async def test_a_closure_without_its_scheme_is_filed_once_the_scheme_is_back(referred: Store) -> None:
    """Released by a person; coded once."""
    bare, sender = a_context(name="other"), Sender(service="prescribing", message_id="m")
    parked = await referred.run(lambda tx: outcomes.record(tx, bare, sender, a_score(Value(quantity="21"))))
    again = await referred.run(lambda tx: outcomes.release(tx, a_context(), parked.outcome_id))

    assert (parked.state, parked.code) == (EventState.PARKED, "scheme-missing")
    assert again.state is EventState.APPLIED
    assert len(await referred.run(lambda tx: claims.claim(tx, "record", limit=9, lease_ms=60_000))) == 1


async def test_a_closure_is_coded_once_for_an_episode(referred: Store) -> None:
    """Also when the service tells of it in two versions."""
    await record(referred, an_outcome())
    second = await record(referred, an_outcome(version="2026-03-03T09:00:00"))

    assert second.state is EventState.APPLIED
    assert await referred.read(lambda tx: already_coded(tx, REFERRAL, CLOSED))
    assert len(await referred.run(lambda tx: claims.claim(tx, "record", limit=9, lease_ms=60_000))) == 1
