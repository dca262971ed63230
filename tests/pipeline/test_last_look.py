"""What the last look knows of the person of a referral that came without the practice's own key."""

import pytest

from bridge.store import Store, people, referrals
from bridge.store.people import Person
from bridge.store.unit import Tx
from tests.conftest import a_patient, a_referral
from tests.pipeline.desk import an_event, tell

ID = str(a_referral().key.id)


@pytest.mark.parametrize(("practice", "known"), [("A99999", True), ("B99999", False)])
async def test_a_death_is_known_by_the_nhs_number_too(store: Store, practice: str, *, known: bool) -> None:
    """The extract told of it under its own key of the person; the message that refers had none."""
    await tell(store, an_event(patient=a_patient(local_key="")))
    number = a_patient().nhs_number
    assert number is not None

    def died(tx: Tx) -> bool:
        nhs = tx.sealer.index("nhs", number.digits)
        people.put_person(
            tx,
            Person(local="l1", nhs=nhs, practice=practice, registered=True, deceased=True, known_at=1),
        )
        return referrals.about(tx, [ID])[ID].deceased

    assert await store.run(died) is known
