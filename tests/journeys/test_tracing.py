"""Whose conversation it is: on every log line of a request and of its deliveries, and on to both partners."""

import logging
from typing import Any
from uuid import uuid4

import pytest

from tests.journeys.conftest import SERVICE_KEY, Site
from tests.journeys.test_json_event import an_event
from tests.journeys.test_outcomes import Loop, ground, loop, simulated

__all__ = ["ground", "loop", "simulated"]

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-00"


def ids() -> dict[str, str]:
    """The headers of a request that belongs to a conversation."""
    return {"X-Request-ID": str(uuid4()), "X-Correlation-ID": str(uuid4()), "traceparent": PARENT}


def told(caplog: pytest.LogCaptureFixture, *names: str) -> list[Any]:
    """The traces of these log events."""
    return [r.__dict__["trace"] for r in caplog.records if r.__dict__.get("event") in names]


async def test_a_trace_goes_from_the_door_to_the_service(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """Under our own span, with the ids of the conversation on each line."""
    caplog.set_level(logging.INFO)
    headers = ids()
    await site.post("/events/json-event", an_event(), **headers)
    await site.drain()
    sent = [seen.headers for seen in site.service.seen]
    kept, settled = told(caplog, "message_kept")[0], told(caplog, "delivery_settled")[0]

    assert {seen["traceparent"].split("-")[1] for seen in sent} == {TRACE}
    assert PARENT not in {seen["traceparent"] for seen in sent}
    assert {seen["x-correlation-id"] for seen in sent} == {headers["X-Correlation-ID"]}
    assert (kept.request_id, kept.traceparent) == (headers["X-Request-ID"], PARENT)
    assert (settled.correlation_id, settled.traceparent) == (headers["X-Correlation-ID"], PARENT)


async def test_an_outcome_goes_to_the_record_under_the_services_trace(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    """What is filed belongs to the message that caused it, not to the one that referred."""
    await loop.service.complete(loop.task)
    caplog.set_level(logging.INFO)
    task = loop.service.referrals()[0]
    sent = ids() | {"X-API-Key": SERVICE_KEY, "Content-Type": "application/fhir+json"}
    answer = await loop.site.http.put(f"/fhir/Task/{loop.task}", json=task, headers=sent)
    await loop.settled()
    filed = [seen.headers["traceparent"].split("-")[1] for seen in loop.site.record.seen]

    assert answer.status_code == 200, answer.text
    assert set(filed) == {TRACE}
    assert PARENT in {trace.traceparent for trace in told(caplog, "outcome_recorded")}
    assert PARENT in {trace.traceparent for trace in told(caplog, "delivery_settled")}


@pytest.mark.parametrize("said", ["", "999 000 0018", f"00-{'0' * 32}-00f067aa0ba902b7-01"])
async def test_what_is_no_trace_is_neither_kept_nor_sent_on(
    site: Site, caplog: pytest.LogCaptureFixture, said: str
) -> None:
    """The deliveries of the conversation share a trace of ours then."""
    caplog.set_level(logging.INFO)
    await site.post("/events/json-event", an_event(), **(ids() | {"traceparent": said}))
    await site.drain()
    traces = {seen.headers["traceparent"].split("-")[1] for seen in site.service.seen}

    assert len(traces) == 1
    assert traces != {TRACE}
    assert {trace.traceparent for trace in told(caplog, "message_kept", "delivery_settled")} == {""}


async def test_an_id_that_could_say_anything_is_kept_as_another(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """The sender gets its own id back; the log gets one that stands for it."""
    caplog.set_level(logging.INFO)
    answer = await site.post("/events/json-event", an_event(), **{"X-Request-ID": "Testfamily 9990000018"})

    assert answer.headers["X-Request-ID"] == "Testfamily 9990000018"
    assert "9990000018" not in repr(told(caplog, "message_kept"))
