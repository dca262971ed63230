"""From what was found to checks: pure, so that every bound has a test."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bridge.delivery.breaker import Breaker, BreakerState
from bridge.ops.checks import Check, Status
from bridge.ops.pulse import Expiry, Pulse
from bridge.ops.silence import Expected
from bridge.store.standing import Pile, Queue, Standing

MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """A durable write that was tried: how long it took, how far the clocks are apart, or why it failed."""

    took_ms: float
    offset_ms: float = 0.0
    held: bool = False
    failed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A read that was tried."""

    took_ms: float
    standing: Standing | None = None
    failed: str = ""


def not_ready(touch: Touch) -> str:
    """The code of why nothing can be kept, as far as the database says."""
    return "unavailable" if touch.failed else "held" if touch.held else ""


def counts(look: Look) -> dict[str, int]:
    """How many events are not settled, and how many referrals there are, by state: `referral.open`."""
    if look.standing is None:
        return {}
    found = {f"event.{state}": pile.n for state, pile in look.standing.events.items()}
    return found | {f"referral.{state}": pile.n for state, pile in look.standing.referrals.items()}


def judged(pulse: Pulse, touch: Touch, look: Look) -> Iterator[Check]:
    """Every check; without an answer of the database only those of the node itself."""
    yield from _database(pulse, touch, look)
    yield from _node(pulse)
    for worker in pulse.workers:
        yield _breaker(worker.name, worker.breaker)
    for service, poll in pulse.polls.items():
        since = poll.since if poll.code else None
        asked = Check(name="partner:poll", of=service, value=poll.code or "answered", since=since)
        yield _warn(poll.is_failing(pulse.now()), asked, "poll-failing")
    for expiry in pulse.expiries:
        yield _expiry(pulse, expiry)
    for route, since in pulse.alert_routes().items():
        found = Check(name="alerts:route", of=route, value="failing" if since else "well", since=since)
        yield _warn(since is not None, found, "alert-unsent")
    if look.standing is not None:
        yield from _stored(pulse, look.standing)
    for source, version in pulse.mappings().items():
        yield Check(name="mapping:version", of=source, value=version)
    for scheme, version in pulse.schemes().items():
        yield Check(name="scheme:version", of=scheme, value=version)


def _database(pulse: Pulse, touch: Touch, look: Look) -> Iterator[Check]:
    for name, failed, took in (
        ("database:write", touch.failed, touch.took_ms),
        ("database:read", look.failed, look.took_ms),
    ):
        if failed:
            yield Check(name=name, status=Status.FAIL, code="unavailable", value=failed)
        else:
            slow = took > pulse.bounds.slow / MS
            yield _warn(slow, Check(name=name, value=took, unit="ms"), "database-slow")
    if not touch.failed:
        apart = touch.offset_ms > pulse.bounds.clock / MS
        yield _warn(apart, Check(name="database:clock", value=touch.offset_ms, unit="ms"), "clock-offset")


def _node(pulse: Pulse) -> Iterator[Check]:
    least = pulse.bounds.least_free
    for name, folder in pulse.folders.items():
        free = pulse.free(folder)
        found = Check(name="disk:free", of=name, value=free, unit="bytes")
        low = _warn(free < 2 * least, found, "disk-filling")
        yield _fail(low, "disk-nearly-full") if free < least else low
    gone = not pulse.ring_in_place()
    yield _warn(gone, Check(name="keys:ring", value="gone" if gone else "in place"), "key-ring-gone")
    closed = pulse.full()
    doors = Check(name="intake:doors", value=closed or "open")
    yield _fail(doors, closed) if closed else doors
    wedged = pulse.wedged()
    beats = {worker.name: worker.beat for worker in pulse.workers} | pulse.hearts.beats
    for name, beat in beats.items():
        turned = Check(name="worker:turn", of=name, value=_age(pulse.running(), beat), unit="s")
        yield _fail(turned, "worker-wedged") if name in wedged else turned


def _breaker(name: str, breaker: Breaker) -> Check:
    found = Check(name="partner:breaker", of=name, value=breaker.state.value, since=breaker.since or None)
    if breaker.state is BreakerState.CLOSED:
        return found
    code = "partner-refusing" if breaker.refusing else "partner-away"
    return replace(found, status=Status.WARN, code=code, until=breaker.until)


def _expiry(pulse: Pulse, expiry: Expiry) -> Check:
    left = expiry.at - pulse.now()
    found = Check(
        name=f"{expiry.kind}:expiry", of=expiry.of, value=round(left / 1000), unit="s", until=expiry.at
    )
    code = f"{expiry.kind}-expired" if left <= 0 else f"{expiry.kind}-expiring"
    return _warn(left < pulse.bounds.expiry / MS, found, code)


def _stored(pulse: Pulse, found: Standing) -> Iterator[Check]:
    for name, queue in found.queues.items():
        yield from _queue(pulse, name, queue, found.now)
    for kind, pile in (("events", found.events["parked"]), ("referrals", found.referrals["parked"])):
        yield _pile(f"parked:{kind}", "", pile, "parked-waiting")
    for expected in pulse.expected:
        yield _heard(expected, found)
    for practice, extracted_at in sorted(found.feeds.items()):
        limit = pulse.feed_limit(practice)
        if limit is not None:
            aged = Check(
                name="feed:age",
                of=practice,
                value=_age(found.now, extracted_at),
                unit="s",
                since=extracted_at,
            )
            yield _warn(found.now - extracted_at > limit / MS, aged, "feed-too-old")


def _queue(pulse: Pulse, name: str, queue: Queue, now: int) -> Iterator[Check]:
    moving = {state: n for state, n in queue.states.items() if state != "parked"}
    yield Check(name="partner:queue", of=name, value=sum(moving.values()), detail=moving)
    for kind, since, bound in (
        ("oldest", queue.oldest, pulse.bounds.queue),
        ("urgent", queue.urgent, pulse.bounds.urgent),
    ):
        age = None if since is None else _age(now, since)
        found = Check(name=f"partner:{kind}", of=name, value=age, unit="s", since=since)
        yield _warn(since is not None and now - since > bound / MS, found, f"queue-{kind}-late")
    yield _pile("parked:deliveries", name, queue.parked, "parked-waiting")
    yield _pile("parked:cancels", name, queue.cancels, "cancel-waiting")


def _pile(name: str, of: str, pile: Pile, code: str) -> Check:
    return _warn(bool(pile.n), Check(name=name, of=of, value=pile.n, since=pile.since), code)


def _heard(expected: Expected, found: Standing) -> Check:
    last = found.heard[expected.source]
    age = None if last is None else _age(found.now, last)
    check = Check(name="source:heard", of=expected.source, value=age, unit="s", since=last)
    overdue = last is None or expected.is_overdue(_moment(last), _moment(found.now))
    return _warn(overdue, check, "source-silent")


def _warn(wrong: bool, check: Check, code: str) -> Check:  # noqa: FBT001 - read at the call
    return replace(check, status=Status.WARN, code=code) if wrong else check


def _fail(check: Check, code: str) -> Check:
    return replace(check, status=Status.FAIL, code=code)


def _age(now: int, at: int) -> float:
    return round((now - at) / 1000, 1)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
