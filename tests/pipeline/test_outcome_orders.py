"""Whatever order outcomes come in, and however often: the same entries stand in the record."""

import random
from collections.abc import Iterable
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from bridge.domain.outcome import Outcome, OutcomeKind, Value
from bridge.pipeline import outcomes
from bridge.pipeline.outcomes import Sender
from bridge.store import Store
from bridge.store.outcomes import current, of_referral
from bridge.store.tables import body, delivery
from bridge.store.unit import Tx
from tests.pipeline.desk import CLOSED, SCORE, a_context, an_event, tell
from tests.pipeline.test_outcomes import REFERRAL, a_score, an_outcome

Entry = tuple[str, str, str, str]


def first() -> list[Outcome]:
    """A score that is told again, corrected and corrected once more; one taken back; one only taken back."""
    return [
        scored("one", "1", "21"),
        scored("one", "2", "22"),
        scored("one", "3", "23", status="corrected"),
        scored("two", "1", "30"),
        scored("two", "2", "30", status="entered-in-error"),
        scored("three", "1", "25", status="entered-in-error"),
        scored("four", "1", "16.36"),
        stood("1", OutcomeKind.ACCEPTED, "accepted"),
        stood("2", OutcomeKind.IN_PROGRESS, "in-progress"),
        stood("3", OutcomeKind.CLOSED, "completed"),
        stood("4", OutcomeKind.IN_PROGRESS, "in-progress"),
    ]


def second() -> list[Outcome]:
    """A closure told as an event of its own and taken back, beside one that stands; two corrections."""
    event = {"identifier": "urn:event|1", "effective": "2026-03-02"}
    return [
        an_outcome(OutcomeKind.CLOSED, **event, status="final", version="1", clock="1"),
        an_outcome(OutcomeKind.ENTERED_IN_ERROR, **event, status="entered-in-error", version="2", clock="2"),
        stood("1", OutcomeKind.ACCEPTED, "accepted"),
        scored("one", "2", "20", status="amended"),
        scored("one", "1", "19", status="amended"),
        scored("one", "9", "18"),
        scored("two", "1", "18"),
        scored("two", "2", "18"),
    ]


def scored(name: str, clock: str, value: str, **changes: Any) -> Outcome:
    """A version of a score."""
    said = {"identifier": f"urn:score|{name}", "version": f"{name}-{clock}", "clock": clock}
    return a_score(Value(quantity=value), **(said | changes))


def stood(clock: str, kind: OutcomeKind, status: str) -> Outcome:
    """A version of the Task."""
    at = f"2026-03-0{clock}T09:00:00"
    return an_outcome(kind, version=at, clock=at, status=status, effective=f"{at}Z")


async def told(store: Store, order: Iterable[Outcome]) -> None:
    """Tell them in that order, each in a unit of its own."""
    context, sender = a_context(), Sender(service="prescribing", message_id="m")
    for outcome in order:
        await store.run(lambda tx, o=outcome: outcomes.record(tx, context, sender, o))  # type: ignore[misc]


def record_of(tx: Tx) -> set[Entry]:
    """What a record holds after all filings, in the order of their lane; what was taken back is not there."""
    query = select(delivery.c.id, delivery.c.body_id).where(delivery.c.partner == "record")
    held: dict[str, dict[str, Any]] = {}
    for row in tx.run(query.order_by(delivery.c.seq)).all():
        sealed = tx.run(select(body.c.sealed).where(body.c.id == row.body_id)).scalar_one()
        bundle = orjson.loads(tx.open("body.sealed", row.body_id, sealed))["bundle"]
        for entry in bundle["entry"]:
            resource, request = entry["resource"], entry["request"]
            name = resource["identifier"][0]["value"]
            if request["method"] == "PUT" or name not in held:
                held[name] = resource
    return {_entry(name, r) for name, r in held.items() if r["status"] != "entered-in-error"}


def _entry(name: str, resource: dict[str, Any]) -> Entry:
    value = resource.get("valueQuantity", {}).get("value", "")
    return name, resource["code"]["coding"][0]["code"], str(value), resource["status"]


@pytest.mark.parametrize("said", [first(), second()], ids=["first", "second"])
@pytest.mark.parametrize("seed", range(3))
async def test_the_record_does_not_depend_on_the_order(store: Store, said: list[Outcome], seed: int) -> None:
    """In the order of their clocks, and shuffled with repeats."""
    await tell(store, an_event(1))
    await told(store, random.Random(seed).sample(said * 2, k=2 * len(said)))  # noqa: S311
    shuffled = await store.read(record_of)
    known = await store.read(lambda tx: current(of_referral(tx, REFERRAL)))
    counting = {outcome.version for outcome in known}
    expected = EXPECTED[said[0].identifier]

    assert {entry[1:] for entry in shuffled} == expected
    assert len(shuffled) == len(expected)
    assert {o.version for o in said if o.identifier == "urn:score|four"} <= counting


EXPECTED = {
    "urn:score|one": {(SCORE, "23", "corrected"), (SCORE, "16", "final"), (CLOSED, "", "final")},
    "urn:event|1": {(SCORE, "20", "amended"), (SCORE, "18", "final")},
}


async def test_a_hundred_times_is_once(store: Store) -> None:
    """All of them, each a hundred times, in one long shuffle."""
    await tell(store, an_event(1))
    await told(store, random.Random(7).sample(first() * 100, k=100 * len(first())))  # noqa: S311

    assert {entry[1:] for entry in await store.read(record_of)} == EXPECTED["urn:score|one"]
