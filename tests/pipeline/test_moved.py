"""A person who has left the practice: MESH finds the new one, every other route waits for a person."""

import pytest
from sqlalchemy import insert

from bridge.delivery import outbox
from bridge.delivery.port import LastLook
from bridge.domain.delivery import Kind, Leg
from bridge.fhir.naming import Naming
from bridge.pipeline import forward
from bridge.pipeline.context import Context
from bridge.schemes import Rulebook, Scheme
from bridge.store import Store, claims
from bridge.store.tables import person
from bridge.store.unit import Tx
from tests.contracts.keeping import refer
from tests.contracts.test_lanes import an_order

MESH = {
    "mailbox": "X26ABC1",
    "organisation": "Z9999",
    "organisation_name": "Example Service",
    "telephone": "01632 960123",
    "document_type": "371531000",
    "document_type_display": "Report of clinical encounter",
}
RECORDS = [
    {"name": "mesh", "kind": "mesh", "endpoint": "http://127.0.0.1:1", "mesh": MESH},
    {"name": "list", "kind": "worklist"},
    {"name": "record", "endpoint": "http://127.0.0.1:1/fhir"},
]
SCHEME = Scheme.model_validate(
    {
        "name": "scheme",
        "version": "1",
        "title": "Scheme",
        "service": {"name": "sp", "title": "Service", "endpoint": "http://127.0.0.1:1/fhir", "ods": "Z9999"},
        "records": RECORDS,
        "practices": [{"ods": "A99999", "mode": "live", "live_from": "2020-01-01"}],
        "risk_contact": {"name": "Duty", "telephone": "01632 960000"},
        "disclosure": {"direct-care": []},
        "letter_hold_minutes": 0,
    }
)


async def looked(store: Store, route: str, *, registered: bool | None, hold: int = 0) -> LastLook:
    """What the last look says of something to be filed by that route."""
    scheme = SCHEME.model_copy(update={"letter_hold_minutes": hold})
    context = Context(
        rulebook=Rulebook((scheme,)), environment="test", naming=Naming(base="https://bridge.test")
    )
    referral = await refer(store)
    known = {"local": "l1", "nhs": "", "practice": "A99999", "registered": registered}

    def look(tx: Tx) -> LastLook:
        tx.run(insert(person), known | {"deceased": False, "dissent": False, "known_at": tx.now})
        outbox.enqueue(
            tx,
            an_order(referral, kind=Kind.FILE, leg=Leg.WRITE_BACK, partner=route, frozen=False),
        )
        [claimed] = claims.claim(tx, route, limit=1, lease_ms=60_000)
        [found] = forward.last_look(context)(tx, [claimed]).values()
        return found

    return await store.run(look)


@pytest.mark.parametrize("route", ["list", "record"])
async def test_what_is_due_for_who_has_left_is_parked(store: Store, route: str) -> None:
    """It would go to a practice that is not theirs any more."""
    assert (await looked(store, route, registered=False)).park == "patient-moved"


async def test_a_letter_by_mesh_follows_the_registration(store: Store) -> None:
    """Its address is the person, not the practice."""
    assert (await looked(store, "mesh", registered=False)).park == ""


@pytest.mark.parametrize("registered", [True, None])
@pytest.mark.parametrize("route", ["mesh", "list", "record"])
async def test_who_has_not_left_is_told_of(store: Store, route: str, *, registered: bool | None) -> None:
    """Nobody said that they had."""
    found = await looked(store, route, registered=registered)

    assert (found.park, found.wait) == ("", None)


@pytest.mark.parametrize(
    ("route", "code"), [("mesh", "letter-held"), ("list", "letter-held"), ("record", "")]
)
async def test_letters_wait_and_codes_do_not(store: Store, route: str, code: str) -> None:
    """A score that comes late belongs into the letter; a code stands alone."""
    assert (await looked(store, route, registered=True, hold=60)).code == code
