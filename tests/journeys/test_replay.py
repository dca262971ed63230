"""Replay and release of many: the ordinary way again, under a label, nothing doubled."""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select, update

from bridge.domain.identifiers import NhsNumber
from bridge.domain.outcome import Outcome, OutcomeKind
from bridge.pipeline import outcomes, replay
from bridge.pipeline.outcomes import Sender
from bridge.pipeline.replay import Replayer, Step
from bridge.simulators.fhir_server import utc_now
from bridge.simulators.fhir_store import FhirStore
from bridge.store import keys, replays
from bridge.store.audit import Hand
from bridge.store.replays import Filter, Run
from bridge.store.tables import audit, body, delivery, event, event_key, message, referral, settled
from bridge.store.unit import Tx
from tests.journeys.conftest import Site
from tests.journeys.test_fhir import a_request
from tests.journeys.test_json_event import a_person, an_event
from tests.journeys.test_outcomes import a_patient

LABEL = "replay-20260302T093000"


def a_run(kinds: tuple[str, ...] = ("message",), **changes: Any) -> Run:
    values: dict[str, Any] = {"label": LABEL, "verb": "replay", "by": "op", "why": "mended", "kinds": kinds}
    return Run(**(values | changes))


def a_hand(site: Site) -> Hand:
    return Hand(actor="op", why="mended", node="n1", chain=site.bridge.chain)


async def carry_out(site: Site, run: Run, *, dry: bool = False) -> list[Step]:
    """The whole run, step by step."""
    replayer = Replayer(translator=site.bridge.translator, hand=a_hand(site), dry=dry)
    if not dry:
        await site.bridge.store.run(lambda tx: replay.begin(tx, a_hand(site), run))
    steps: list[Step] = []
    while True:
        run, step = await replayer.step(run)
        if step is None:
            return steps
        steps.append(step)


async def everything(site: Site) -> dict[str, int]:
    """How many rows the tables of the journey hold."""
    tables = (message, event, referral, delivery, settled, audit, body)
    return {
        t.name: await site.bridge.store.read(
            lambda tx, t=t: tx.run(select(func.count()).select_from(t)).scalar_one()
        )
        for t in tables
    }


def outcomes_of(steps: list[Step]) -> list[tuple[str, str]]:
    return [(step.now, step.code) for step in steps]


async def a_message(site: Site, **changes: Any) -> str:
    answer = await site.post("/events/json-event", an_event(**changes))
    found: str = answer.headers["X-Receipt-ID"]
    return found


async def test_a_message_that_was_applied_is_a_repeat_when_it_is_replayed(site: Site) -> None:
    """Same ids: nothing is sent twice."""
    told = await a_message(site)
    await site.drain()
    steps = await carry_out(site, a_run(only=told))
    await site.drain()

    assert outcomes_of(steps) == [("duplicate", "")]
    assert len([seen for seen in site.service.seen if seen.method == "POST" and not seen.path]) == 1


async def test_a_message_that_was_parked_goes_out_once_what_parked_it_is_mended(
    open_site: Callable[..., Any],
) -> None:
    """The replay takes the ordinary way, the list is empty afterwards, and the delivery carries the label."""
    site: Site = await open_site()
    told = await a_message(site, patient=a_person(birth_date="2020-01-01"))
    before = (await site.get(f"/messages/{told}")).json()["events"]
    await loosen(site)
    steps = await carry_out(site, a_run(filter=Filter(state=before[0]["state"])))
    labels = await site.bridge.store.read(lambda tx: tx.run(select(delivery.c.label)).scalars().all())
    await site.drain()
    after = (await site.get(f"/messages/{told}")).json()["events"]

    assert before[0]["code"] == "under-age"
    assert outcomes_of(steps) == [("applied", "")]
    assert labels == [LABEL]
    assert [e["state"] for e in after][-1] == "applied"
    assert "parked" not in {e["state"] for e in after}
    assert len(site.service.resources("ServiceRequest")) == 1


async def loosen(site: Site) -> None:
    """The scheme takes children too."""
    rulebook = site.bridge.context.rulebook
    rulebook.schemes = tuple(s.model_copy(update={"minimum_age": 0}) for s in rulebook.schemes)


async def test_a_dry_run_says_what_would_happen_and_changes_nothing(site: Site) -> None:
    """Not a row, not an audit entry."""
    told = await a_message(site, patient=a_person(birth_date="2020-01-01"))
    await loosen(site)
    before = await everything(site)
    steps = await carry_out(site, a_run(only=told), dry=True)

    assert outcomes_of(steps) == [("applied", "")]
    assert await everything(site) == before


async def test_a_run_that_was_interrupted_goes_on_behind_the_last_item(site: Site) -> None:
    """Where it is stands in the database, in the commit of each item."""
    for n in range(4):
        await a_message(site, id=f"SPR-{n}", patient=a_person(nhs_number=NUMBERS[n]))
    run = a_run(filter=Filter(source="json-event"))
    await site.bridge.store.run(lambda tx: replay.begin(tx, a_hand(site), run))
    replayer = Replayer(translator=site.bridge.translator, hand=a_hand(site))
    first, _ = await replayer.step(run)
    await replayer.step(first)
    found = await site.bridge.store.read(lambda tx: replays.run_of(tx, LABEL))
    assert found is not None
    rest = 0
    while (done := await replayer.step(found))[1] is not None:
        found, rest = done[0], rest + 1

    assert rest == 2
    assert found.counts == {"duplicate": 4}
    assert await site.bridge.store.read(lambda tx: replays.run_of(tx, LABEL)) is None


NUMBERS = ("9990000018", "9990000026", "9990000034", "9990000042")


async def test_a_filter_picks_by_state_code_source_practice_and_time(site: Site) -> None:
    """And by nothing it was not asked for."""
    young = await a_message(site, patient=a_person(birth_date="2020-01-01"))
    await a_message(site, id="SPR-2", patient=a_person(nhs_number=NUMBERS[1]))

    async def picked(**wanted: Any) -> list[str]:
        run, found = a_run(filter=Filter(**wanted)), []
        while item := await site.bridge.store.read(lambda tx, run=run: replays.next_item(tx, run)):
            found.append(item.id)
            run = replace(run, kind=item.kind, at=item.at, id=item.id)
        return found

    assert await picked(code="under-age") == [young]
    assert len(await picked(source="json-event")) == 2
    assert await picked(source="emis") == []
    assert len(await picked(practice="A99999")) == 2
    assert await picked(practice="B88888") == []
    assert await picked(since=1 << 50) == []
    assert await picked(state="applied", code="under-age") == []


async def test_a_message_whose_bytes_are_gone_is_skipped_with_the_reason(site: Site) -> None:
    """The rest of the run goes on."""
    told = await a_message(site)
    await site.bridge.store.run(lambda tx: tx.run(update(message).values(body_id=None)))

    assert outcomes_of(await carry_out(site, a_run(only=told))) == [("skipped", "body-not-kept")]


async def test_the_mapping_of_then_is_asked_for_and_not_there_any_more(site: Site) -> None:
    """What would be read otherwise now is not passed off as what was read then."""
    told = await a_message(site)
    await site.bridge.store.run(lambda tx: tx.run(update(event).values(mapping="json-event@0")))
    then = await carry_out(site, a_run(only=told, mapping="then"))
    now = await carry_out(site, a_run(only=told))

    assert outcomes_of(then) == [("skipped", "mapping-not-kept")]
    assert outcomes_of(now) == [("duplicate", "")]


async def test_a_version_conflict_stays_one_when_it_is_replayed(site: Site) -> None:
    """A replay decides nothing that two senders disagree about."""
    await a_message(site)
    other = await a_message(site, patient=a_person(family="Otherfamily"))
    steps = await carry_out(site, a_run(only=other))

    assert outcomes_of(steps) == [("parked", "")]
    assert len(await site.bridge.store.read(lambda tx: tx.run(select(referral.c.id)).all())) == 1


async def test_a_delivery_that_is_replayed_goes_out_once_more_under_a_new_request_id(site: Site) -> None:
    """The service that lost it has it again; the one that did not has it once."""
    await a_message(site)
    await site.drain()
    kept = await site.bridge.store.read(lambda tx: tx.run(select(settled.c.id, settled.c.request_id)).one())
    site.service.store = FhirStore(now=utc_now)
    steps = await carry_out(site, a_run(("settled",), only=kept.id))
    await site.drain()
    rows = await site.bridge.store.read(
        lambda tx: tx.run(select(settled.c.request_id, settled.c.label).order_by(settled.c.settled_at)).all()
    )

    assert outcomes_of(steps) == [("queued", "")]
    assert [row.label for row in rows] == ["", LABEL]
    assert rows[0].request_id != rows[1].request_id
    kinds = [len(site.service.resources(kind)) for kind in ("Patient", "ServiceRequest", "Task")]
    assert kinds == [1, 1, 1]


async def test_a_delivery_is_never_replayed_in_an_older_version(site: Site) -> None:
    """What goes out is the referral as it stands now."""
    await a_message(site)
    await site.drain()
    first = await site.bridge.store.read(lambda tx: tx.run(select(settled.c.id)).scalar_one())
    await a_message(site, version=2, referral=an_event()["referral"] | {"priority": "urgent"})
    await site.drain()
    await carry_out(site, a_run(("settled",), only=first))
    await site.drain()

    assert [r["priority"] for r in site.service.resources("ServiceRequest")] == ["urgent"]


async def test_a_delivery_with_another_behind_it_is_not_replayed(site: Site) -> None:
    """What is under way brings the newest state anyway."""
    await a_message(site)
    await site.drain()
    first = await site.bridge.store.read(lambda tx: tx.run(select(settled.c.id)).scalar_one())
    await a_message(site, version=2, referral=an_event()["referral"] | {"priority": "urgent"})

    steps = await carry_out(site, a_run(("settled",), only=first))
    assert outcomes_of(steps) == [("skipped", "delivery-under-way")]


async def test_what_a_shadow_practice_would_have_sent_is_never_replayed(open_site: Any) -> None:
    """Shadow means that nothing goes."""
    site: Site = await open_site(mode="shadow")
    await a_message(site)
    first = await site.bridge.store.read(lambda tx: tx.run(select(settled.c.id)).scalar_one())

    steps = await carry_out(site, a_run(("settled",), only=first))
    assert outcomes_of(steps) == [("skipped", "never-to-be-sent")]


async def test_many_are_released_by_their_code(site: Site) -> None:
    """Each with who and why in the audit."""
    for n in range(3):
        person = a_person(nhs_number=NUMBERS[n], birth_date="2020-01-01")
        await a_message(site, id=f"SPR-{n}", patient=person)
    wanted = Filter(state="not-sent", code="under-age")
    steps = await carry_out(site, a_run(("event",), verb="release", filter=wanted))
    actions = await site.bridge.store.read(lambda tx: tx.run(select(audit.c.action)).scalars().all())

    assert len(steps) == 3
    assert actions.count("release") == 4


@pytest.mark.parametrize("verb", ["run-begin", "run-step"])
async def test_the_verbs_of_the_control_socket_take_and_give_json(site: Site, verb: str) -> None:
    """The command line and the running bridge speak of runs as JSON."""
    told = await a_message(site)
    verbs = site.bridge.works.verbs()
    run = asdict(a_run(only=told))
    begun = await verbs["run-begin"](a_hand(site), {"run": run, "dry": False, "label": ""})
    done = await verbs["run-step"](a_hand(site), {"run": begun, "dry": False})

    assert begun == run | {"kinds": ("message",)}
    assert done["step"]["now"] == "duplicate"


def read_otherwise(tx: Tx) -> None:
    """What is known of the one key is that it was read in another way."""
    (id_,) = tx.run(select(event_key.c.id)).scalars()
    known = keys.key_of(tx, id_)
    assert known
    keys.put_key(tx, replace(known, content="as it was read then"))


async def test_a_message_the_mapping_now_reads_otherwise_becomes_a_change(site: Site) -> None:
    """Same key and version; what differs is how we read it, and the sender told nothing else."""
    told = await a_message(site)
    await site.drain()
    await site.bridge.store.run(read_otherwise)
    steps = await carry_out(site, a_run(only=told))
    waiting = await site.bridge.store.read(lambda tx: tx.run(select(delivery.c.kind, delivery.c.label)).all())

    assert outcomes_of(steps) == [("applied", "")]
    assert [tuple(row) for row in waiting] == [("change", LABEL)]


async def test_an_old_message_without_a_clock_stays_old_when_it_is_replayed(site: Site) -> None:
    """Its clock is its arrival, not the moment of the replay: what was changed since stays changed."""
    today = datetime.now(UTC).date().isoformat()
    first = await site.post("/fhir/ServiceRequest", a_request(meta={}, authoredOn=today))
    await site.post("/fhir/ServiceRequest", a_request(meta={}, authoredOn=today, priority="urgent"))
    steps = await carry_out(site, a_run(only=first.headers["X-Receipt-ID"]))
    await site.drain()

    assert outcomes_of(steps) == [("stale", "")]
    (held,) = site.service.resources("ServiceRequest")
    assert held["priority"] == "urgent"


async def close_at_the_service(site: Site) -> None:
    """The service says that it is over; the record holds the person."""
    site.record.store.put(a_patient())

    def told(tx: Any) -> None:
        stored = tx.run(select(referral.c.id)).scalar_one()
        outcome = Outcome(
            kind=OutcomeKind.CLOSED, identifier="https://service.test/o|1", version="1", status="completed",
            referral_ref=f"{site.bridge.context.naming.referral}|{stored}",
            subject=NhsNumber.parse("9990000018"), effective="2026-03-02T09:30:00+00:00",
        )  # fmt: skip
        outcomes.record(tx, site.bridge.context, Sender(service="prescribing", message_id="m"), outcome)

    await site.bridge.store.run(told)


async def test_what_was_filed_is_filed_again_only_in_its_newest_version(site: Site) -> None:
    """The subject is read anew from the record, as for the first time."""
    await a_message(site)
    await site.drain()
    await close_at_the_service(site)
    await site.drain()
    filed = await site.bridge.store.read(
        lambda tx: tx.run(select(settled.c.id).where(settled.c.partner == "record")).scalar_one()
    )
    before = site.record.resources("Observation")
    steps = await carry_out(site, a_run(("settled",), only=filed))
    await site.drain()

    assert outcomes_of(steps) == [("queued", "")]
    assert len(before) == 1
    assert site.record.resources("Observation") == before
