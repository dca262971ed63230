"""The list of a practice: what was sent, what was not and why, what waits; on both dialects."""

from dataclasses import asdict
from typing import Any

import orjson
from sqlalchemy import select, update

from bridge.delivery import outbox
from bridge.domain.delivery import Kind, Leg
from bridge.domain.journey import EventState, OutcomeState, ReferralStep
from bridge.domain.outcome import Outcome, OutcomeKind
from bridge.store import Store, claims, feeds, keys, lanes, messages, outcomes, referrals, risks
from bridge.store.ageing import Quiet
from bridge.store.keys import Key
from bridge.store.outcomes import Told
from bridge.store.reports import Practice, report
from bridge.store.risks import Raised
from bridge.store.tables import referral
from tests.contracts.keeping import DAY, a_message, an_event, deliver, refer
from tests.contracts.test_lanes import an_order, claim, opened

OTHER = "B88888"


async def told(
    store: Store, clock: Any, *, days: int = 1, practice: str | None = None
) -> dict[str, Practice]:
    since = clock.ms - days * DAY * 1000
    found = await store.read(lambda tx: report(tx, since=since, practice=practice, quiet_days=28))
    return {each.ods: each for each in found}


async def test_what_reached_the_service_is_counted_by_what_it_was(store: Store, clock: Any) -> None:
    """New referrals, changes and filings each for themselves; what waits beside them."""
    first = await refer(store, 1)
    await refer(store, 2)
    await deliver(store)
    await store.run(lambda tx: outbox.enqueue(tx, an_order(first, "p1", kind=Kind.CHANGE, version=2)))
    await store.run(lambda tx: outbox.enqueue(tx, an_order(first, "p1", kind=Kind.FILE, leg=Leg.WRITE_BACK)))
    await deliver(store)
    await refer(store, 3)
    practice = (await told(store, clock))["A99999"]

    counts = (practice.referred, practice.sent, practice.changed, practice.filed, practice.waiting)
    assert counts == (3, 2, 1, 1, 1)


async def test_what_happened_before_is_not_counted_but_what_waits_is(store: Store, clock: Any) -> None:
    """The list of today; a parked entry stays on it until somebody has dealt with it."""
    await refer(store, 1)
    await deliver(store)
    parked = an_event("message-1", EventState.PARKED, 1, code="identity-differs")
    late = an_event("message-1", EventState.NOT_SENT, 2, code="under-age")
    for row in (parked, late):
        await store.run(lambda tx, row=row: messages.add_event(tx, row))
    clock.forward(3 * DAY)
    practice = (await told(store, clock))["A99999"]

    assert (practice.sent, practice.not_sent) == (0, [])
    assert [(reason.code, reason.n) for reason in practice.parked] == [("identity-differs", 1)]


async def test_what_was_not_sent_is_listed_by_its_reason(store: Store, clock: Any) -> None:
    """Counted, with each entry's place; and of each practice only its own."""
    await store.run(lambda tx: messages.keep(tx, a_message(1)))
    for n in range(3):
        row = an_event("message-1", EventState.NOT_SENT, n, code="under-age", position=f"row {n}")
        await store.run(lambda tx, row=row: messages.add_event(tx, row))
    other = an_event("message-1", EventState.NOT_SENT, 9, code="not-a-trigger", practice=OTHER)
    await store.run(lambda tx: messages.add_event(tx, other))
    found = await told(store, clock)
    alone = await told(store, clock, practice=OTHER)

    listed = [(r.code, r.n, r.entries[0]["position"]) for r in found["A99999"].not_sent]
    assert listed == [("under-age", 3, "row 0")]
    assert [(r.code, r.n) for r in found[OTHER].not_sent] == [("not-a-trigger", 1)]
    assert list(alone) == [OTHER]


async def test_what_was_not_sent_at_first_and_led_to_a_referral_since_is_off_the_list(
    store: Store, clock: Any
) -> None:
    """The practice has nothing to do any more."""
    row = an_event("message-1", EventState.NOT_SENT, code="under-age", key_id="k1")

    def work(tx: Any) -> None:
        messages.keep(tx, a_message(1))
        messages.add_event(tx, row)
        keys.put_key(
            tx, Key(id="k1", referral_id=None, clock="1", content="c", kind="referred", event_id=row.id)
        )

    await store.run(work)
    before = (await told(store, clock))["A99999"].not_sent
    key = Key(id="k1", referral_id="r1", clock="2", content="d", kind="referred", event_id="e")
    await store.run(lambda tx: keys.put_key(tx, key))

    assert [reason.n for reason in before] == [1]
    assert await told(store, clock) == {}


async def test_a_parked_delivery_and_a_parked_referral_wait_for_somebody_too(
    store: Store, clock: Any
) -> None:
    """Whatever kind of thing it is."""
    await refer(store, 1)
    stuck = opened(store, (await claim(store))[0])
    refused = claims.Try(took_ms=1, result="refused", status=422, code="partner-refused", node="n1")
    await store.run(lambda tx: claims.park(tx, stuck, refused))
    other = await refer(store, 2)

    def park(tx: Any) -> None:
        stored = referrals.get(tx, other)
        assert stored is not None
        referrals.step(tx, stored, ReferralStep.PARK, code="fhir-invariant")

    await store.run(park)
    practice = (await told(store, clock))["A99999"]

    assert {reason.code for reason in practice.parked} == {"partner-refused", "fhir-invariant"}


async def test_a_referral_the_service_did_not_take_is_listed(store: Store, clock: Any) -> None:
    """The practice has to know."""
    referral_id = await refer(store, 1)
    await deliver(store)

    def reject(tx: Any) -> None:
        stored = referrals.get(tx, referral_id)
        assert stored is not None
        referrals.step(tx, stored, ReferralStep.REJECT, code="rejected")

    await store.run(reject)

    assert [r["id"] for r in (await told(store, clock))["A99999"].rejected] == [referral_id]


async def test_an_open_referral_nobody_has_news_of_is_ageing(store: Store, clock: Any) -> None:
    """Until the service says something."""
    silent = await refer(store, 1)
    heard = await refer(store, 2)
    await deliver(store)
    clock.forward(29 * DAY)
    await store.run(lambda tx: referrals.note(tx, heard, heard_at=tx.now))
    practice = (await told(store, clock))["A99999"]

    assert practice.n_ageing == 1
    assert [r["id"] for r in practice.ageing] == [silent]


async def test_how_old_our_knowledge_of_a_practice_is_stands_on_its_list(store: Store, clock: Any) -> None:
    """A quiet list may be a feed that stopped."""
    await store.run(lambda tx: feeds.heard(tx, "emis", "A99999", clock.ms - 1))

    assert (await told(store, clock))["A99999"].feeds == {"emis": clock.ms - 1}


async def test_a_shadow_practice_sees_what_would_have_been_sent(store: Store, clock: Any) -> None:
    """Before it goes live."""
    referral_id = await refer(store, 1)
    await deliver(store)

    def shadow(tx: Any) -> None:
        lane_id = lanes.lane_of(tx, referral_id, "sp", "p1")
        lanes.record_shadow(tx, an_order(referral_id, "p1"), lane_id)

    await store.run(shadow)

    assert (await told(store, clock))["A99999"].shadow == 1


async def test_no_patient_is_on_the_list(store: Store, clock: Any) -> None:
    """Ids of ours, places and reasons; never a name, a number or a blind index."""
    await refer(store, 1, note="a note")
    await deliver(store)
    text = orjson.dumps([asdict(each) for each in (await told(store, clock)).values()]).decode()

    for word in ("Testfamily", "Testgiven", "999000", "1950", "a note", '"p1"', '"l1"'):
        assert word not in text


async def test_a_practice_nothing_is_known_of_has_an_empty_list(store: Store, clock: Any) -> None:
    """Asked for by name it is there, and says so."""
    assert await told(store, clock, practice=OTHER) == {OTHER: Practice(ods=OTHER)}


async def test_silence_is_long_by_scheme_and_urgency_and_has_an_owner(store: Store, clock: Any) -> None:
    """An urgent referral is ageing sooner; a scheme that is gone counts by the usual days."""
    slow, urgent = await refer(store, 1), await refer(store, 2)
    await store.run(
        lambda tx: tx.run(update(referral).where(referral.c.id == urgent).values(priority="urgent"))
    )
    clock.forward(10 * DAY)
    since = clock.ms
    terms = (Quiet(scheme=await _scheme(store), days=28, urgent_days=7, owner="Hub manager"),)

    async def ageing(**how: Any) -> list[tuple[str, str]]:
        asked = {"since": since, "practice": None, "quiet_days": 5} | how
        (found,) = await store.read(lambda tx: report(tx, **asked))
        assert found.n_ageing == len(found.ageing)
        return sorted((entry["id"], entry["owner"]) for entry in found.ageing)

    assert await ageing(terms=terms) == [(urgent, "Hub manager")]
    assert await ageing() == sorted([(slow, ""), (urgent, "")])


async def _scheme(store: Store) -> str:
    return str(await store.read(lambda tx: tx.run(select(referral.c.scheme).limit(1)).scalar_one()))


async def test_who_cannot_be_reached_and_a_risk_are_on_the_list_the_same_day(
    store: Store, clock: Any
) -> None:
    """A person the service gave no news of is somebody's to look for."""
    found = await refer(store, 1)
    said = Outcome(
        kind=OutcomeKind.UNREACHABLE, identifier="i", version="1", status="on-hold", referral_ref=""
    )
    told_of = Told(id="o", referral_id=found, message_id="m", outcome=said, state=OutcomeState.CURRENT)
    raised = Raised(
        id="r", scheme="s", service="p", practice="A99999", referral_id=found, message_id="m", kind="stated",
        position="$",
    )  # fmt: skip
    await store.run(lambda tx: outcomes.add(tx, told_of))
    await store.run(lambda tx: risks.add(tx, raised, within_ms=1000))
    practice = (await told(store, clock))["A99999"]

    assert [entry["id"] for entry in practice.unreachable] == [found]
    assert [entry["referral_id"] for entry in practice.risks] == [found]
