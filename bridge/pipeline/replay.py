"""Replay and release of many: one item after the other takes the ordinary way again, under one label.

A message is read once more and what it says is applied under the same ids: what stands already is a repeat
and harmless. A delivery is queued once more at the end of its lane, with a request id of its own; a service
gets the referral as it stands now, never an older version of it. Nothing here sends.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bridge.delivery import outbox
from bridge.domain import strict_json
from bridge.domain.delivery import Kind, Leg
from bridge.domain.journey import DeliveryState, EventState, IllegalMove
from bridge.errors import BridgeError, IntakeError, NotFound, Problem, Unacceptable, Unavailable
from bridge.events import Event, emit, failed_at
from bridge.pipeline import accept, forward, later, mend
from bridge.pipeline.context import Context
from bridge.pipeline.later import Telling, Translator
from bridge.pipeline.outcomes import NotYet
from bridge.pipeline.write_back import unprepared
from bridge.store import lanes, letters, outcomes, referrals, replays
from bridge.store.audit import Hand
from bridge.store.lanes import Order
from bridge.store.messages import Message
from bridge.store.replays import Item, Run, Sent
from bridge.store.unit import Tx

SKIPPED = "skipped"
LARGEST = 4_000_000  # bytes of a body of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What became of one item: `now` is its state afterwards, or "skipped" with the `code` of why."""

    item: Item
    now: str
    code: str = ""


class _Untold(Exception):
    """Carries what a dry run found out past the rollback."""

    def __init__(self, now: str) -> None:
        self.now = now
        super().__init__()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayer:
    """Does one run step by step. With `dry` every step is rolled back after it was done."""

    translator: Translator
    hand: Hand
    dry: bool = False

    async def step(self, run: Run) -> tuple[Run, Step | None]:
        """Deal with the next item: the run behind it and what became of it; None when there is none left.

        Raises Unavailable when the store is away; then nothing of the step has happened.
        """
        store = self.translator.store
        item = await store.read(lambda tx: replays.next_item(tx, run))
        if item is None:
            if not self.dry:
                await store.run(lambda tx: replays.end_run(tx, run.label))
            return run, None
        step = await self._tried(run, item)
        moved = _moved(run, step)
        if step.now == SKIPPED and not self.dry:
            await store.run(lambda tx: replays.put_run(tx, moved))
        return moved, step

    async def _tried(self, run: Run, item: Item) -> Step:
        try:
            return Step(item=item, now=await self._dealt_with(run, item))
        except (NotYet, IntakeError, IllegalMove) as error:
            return Step(item=item, now=SKIPPED, code=_code_of(error))
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one item must not stop the others
            emit(Event.WORKER_FAILED, worker="replay", error=failed_at(error))
            return Step(item=item, now=SKIPPED, code="internal")

    async def _dealt_with(self, run: Run, item: Item) -> str:
        ctx = replace(self.translator.context, label=run.label)
        work = await self._work(ctx, run, item)

        def unit(tx: Tx) -> str:
            now = work(tx)
            if self.dry:
                raise _Untold(now)
            replays.put_run(tx, _moved(run, Step(item=item, now=now)))
            return now

        try:
            return await self.translator.store.run(unit)
        except _Untold as untold:
            return untold.now

    async def _work(self, ctx: Context, run: Run, item: Item) -> Callable[[Tx], str]:
        """What to do with this item in one unit."""
        if item.kind == "message":
            if item.state == EventState.KEPT:
                raise _cannot("not-yet-translated")
            kept = await self.translator.store.read(lambda tx: later.kept_message(tx, item.id))
            told = await self._retold(ctx, run, kept)
            return lambda tx: self._noted(tx, item.id, _tell(tx, kept, told))
        if item.kind == "settled":
            return lambda tx: self._noted(tx, item.id, again(tx, ctx, item.id))
        return lambda tx: mend.release(tx, ctx, self.hand, item.id)

    async def _retold(self, ctx: Context, run: Run, kept: Message) -> Telling:
        """The message read once more, with the mapping the run asks for."""
        if kept.content is None:
            raise _cannot("body-not-kept")
        if kept.mapping:  # what a service reports is read without one
            try:
                source = self.translator.sources.sent_by(kept.caller, kept.source)
            except KeyError:
                raise _cannot("source-not-known") from None
            if run.mapping == "then":
                then = await self.translator.store.read(lambda tx: replays.mappings_of(tx, kept.id))
                now = {reading.mapping or source.version for reading in accept.read(source, kept, ctx)}
                if not now <= then:
                    told = f"{', '.join(sorted(then))}; now it is {', '.join(sorted(now))}"
                    raise _cannot("mapping-not-kept", rule=told)
        return later.telling(replace(self.translator, context=ctx), kept, replayed=True)

    def _noted(self, tx: Tx, subject: str, now: str) -> str:
        hand = self.hand
        hand.sign(tx, "replay", subject)
        return now


def begin(tx: Tx, hand: Hand, run: Run) -> None:
    """Remember a new run, with who and why."""
    replays.put_run(tx, run)
    hand.sign(tx, run.verb, run.label)


def _moved(run: Run, step: Step) -> Run:
    item, counts = step.item, dict(run.counts or {})
    counts[step.now] = counts.get(step.now, 0) + 1
    return replace(run, kind=item.kind, at=item.at, id=item.id, counts=counts)


def _tell(tx: Tx, kept: Message, told: Telling) -> str:
    """Apply it all again; what was left with a person under the same place is told anew."""
    first = replays.next_n(tx, kept.id)
    became = told(tx, first)
    for each in became:
        if each.state not in (EventState.DUPLICATE, EventState.STALE, EventState.REFUSED):
            replays.take_off(tx, kept.id, first, each.position)
    return " ".join(dict.fromkeys(each.state.value for each in became))


def again(tx: Tx, ctx: Context, delivery_id: str) -> str:
    """Queue a settled delivery once more; raises NotFound, or Unacceptable with the reason why not."""
    before = replays.sent(tx, delivery_id)
    stored = referrals.hold(tx, before.referral_id) if before else None
    if before is None or stored is None:
        raise NotFound
    if before.state == DeliveryState.SHADOW or stored.shadow:
        raise _cannot("never-to-be-sent")
    if letters.get(tx, delivery_id) is not None:  # its id is what acknowledgements of it name
        raise _cannot("letter-not-replayed")
    lane_id = lanes.lane_of(tx, stored.id, before.partner, stored.patient)
    if lanes.waiting_in(tx, lane_id):
        raise _cannot("delivery-under-way")
    if before.leg == Leg.FORWARD:
        forward.change(tx, ctx, stored, cause=before.cause)
    else:
        outbox.enqueue(tx, _filing(tx, ctx, stored, before))
    waiting = lanes.waiting_in(tx, lane_id)
    if not waiting:
        raise _cannot("nothing-to-send")
    return waiting[-1].state.value


def _filing(tx: Tx, ctx: Context, stored: referrals.Stored, before: Sent) -> Order:
    """The same Observations with the record's subject to be read anew; only of the newest version told."""
    told = outcomes.get(tx, before.cause)
    if told is not None:
        versions = outcomes.of_identifier(tx, stored.id, told.outcome.identifier)
        if versions[-1].id != told.id:
            raise _cannot("older-version")
    if before.body is None:
        raise _cannot("body-not-kept")
    body = strict_json.loads(before.body, limit=LARGEST) if before.frozen else None
    return Order(
        id=ctx.new_id(),
        referral_id=stored.id,
        partner=before.partner,
        patient=stored.patient,
        leg=Leg.WRITE_BACK,
        kind=Kind(before.kind),
        priority=stored.record.priority,
        request_id=ctx.new_id(),
        correlation_id=stored.correlation_id,
        body=unprepared(stored, body) if isinstance(body, dict) else before.body,
        frozen=False,
        cause=before.cause,
        version=before.version,
        label=ctx.label,
    )


def _cannot(code: str, *, rule: str = "") -> Unacceptable:
    return Unacceptable(problems=(Problem(code=code, rule=rule),))


def _code_of(error: Exception) -> str:
    if isinstance(error, BridgeError) and error.problems:
        return error.problems[0].code
    return "not-found" if isinstance(error, NotFound) else "not-parked"
