"""Back-pressure at the doors: what senders hear, and that nothing is kept meanwhile."""

from typing import Any

from bridge.config import Limits
from bridge.store import hold
from bridge.store.hold import Hold
from tests.journeys.conftest import Site
from tests.journeys.test_json_event import an_event


async def test_a_full_queue_is_answered_with_429_and_a_time_to_come_again(open_site: Any) -> None:
    """The sender keeps what it has; when the queue is shorter it is served."""
    site: Site = await open_site(limits=Limits(most_unsettled=1))
    first = await site.post("/events/json-event", an_event())
    await site.bridge.gauge.look()
    refused = await site.post("/events/json-event", an_event(id="SPR-2"))
    await site.drain()
    await site.bridge.gauge.look()
    again = await site.post("/events/json-event", an_event(id="SPR-2"))

    assert [first.status_code, refused.status_code, again.status_code] == [202, 429, 202]
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.json()["issue"][0]["code"] == "throttled"


async def test_a_held_bridge_answers_503_and_sends_nothing(site: Site) -> None:
    """What was queued before waits; what comes is kept by its sender."""
    await site.post("/events/json-event", an_event())
    await site.bridge.store.run(lambda tx: hold.put(tx, Hold(by="op", why="looking", at=tx.now)))
    await site.bridge.gauge.look()
    await site.drain()
    refused = await site.post("/events/json-event", an_event(id="SPR-2"))

    assert refused.status_code == 503
    assert "Retry-After" in refused.headers
    assert site.service.resources("ServiceRequest") == []
    await site.bridge.store.run(hold.lift)
    await site.drain()
    assert len(site.service.resources("ServiceRequest")) == 1


async def test_a_full_queue_says_nothing_about_readiness(open_site: Any) -> None:
    """A balancer that took the node away would help nobody: it can keep what it is given."""
    site: Site = await open_site(limits=Limits(most_unsettled=1))
    await site.post("/events/json-event", an_event())
    await site.bridge.gauge.look()

    assert (await site.get("/ready")).status_code == 200
