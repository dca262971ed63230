"""A value that PostgreSQL cannot hold is somebody's mistake, not an outage that ends by itself."""

import pytest

from bridge.errors import Unacceptable
from bridge.store import Store, facts, messages
from bridge.store.unit import Tx
from tests.contracts.keeping import a_message


@pytest.mark.postgres
@pytest.mark.parametrize("source", ["x" * 300, "a\x00b"], ids=["too long", "NUL"])
async def test_what_cannot_be_stored_is_refused_for_good(postgres_store: Store, source: str) -> None:
    """A sender that is told to come again would come for ever; nothing of the unit is kept."""

    def work(tx: Tx) -> None:
        facts.put(tx, "beside it", {})
        messages.keep(tx, a_message(1, source=source))

    with pytest.raises(Unacceptable) as refused:
        await postgres_store.run(work)

    assert [problem.code for problem in refused.value.problems] == ["value-not-storable"]
    assert source not in str(refused.value)
    assert await postgres_store.read(lambda tx: facts.known(tx, "beside it")) is None
