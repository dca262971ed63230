"""Keep a message with what became of each thing it said, in one commit; then the door answers.

A failure of ours keeps the message with one event in state kept: a worker takes it from there and the sender
is told it is safe. A message the sender must mend is kept as refused, with a receipt.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import orjson

from bridge.domain.journey import EventState
from bridge.errors import BridgeError, Problem
from bridge.events import Event, emit, failed_at
from bridge.pipeline.context import Context
from bridge.pipeline.telling import tell
from bridge.pipeline.verdict import Also, Became, Terms, Verdict, nothing_more
from bridge.store import messages
from bridge.store.messages import EventRow, Message
from bridge.store.unit import Store, Tx

T = TypeVar("T")
CONFIDENTIAL = "fhir-confidential"  # of a message with this problem nothing is kept but that it came


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One event as it will be recorded, and what the sender is told of it beside that."""

    row: EventRow
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    opened: bool = False
    unmapped: int = 0

    @property
    def became(self) -> Became:
        """What became of it."""
        row = self.row
        return Became(
            event_id=row.id,
            position=row.position,
            kind=row.kind,
            state=row.state,
            code=row.code,
            referral_id=row.referral_id,
            problems=self.problems,
            warnings=self.warnings,
            key_id=row.key_id,
            opened=self.opened,
            unmapped=self.unmapped,
            practice=row.practice,
            unmapped_codes=row.unmapped_codes,
        )


class _Undone(Exception):
    """One event failed and the sender wants all of them or none: the unit is rolled back."""

    def __init__(self, done: list[Done]) -> None:
        self.done = done
        super().__init__()


async def keep(
    store: Store,
    ctx: Context,
    message: Message,
    *,
    read: Callable[[], Sequence[T]],
    apply: Callable[[Tx, int, T], Done],
    terms: Terms,
) -> Verdict:
    """Keep the message and apply all that `read` finds in it. Raises Unavailable when nothing was kept."""
    return await _told(message, _durable(store, ctx, message, read=read, apply=apply, terms=terms))


async def _told(message: Message, keeping: Awaitable[Verdict]) -> Verdict:
    """Tell of what became of the message once that is durable, and how long it took."""
    started = time.monotonic()
    verdict = await keeping
    tell(message, verdict, took_ms=round((time.monotonic() - started) * 1000, 1))
    return verdict


async def _durable(
    store: Store,
    ctx: Context,
    message: Message,
    *,
    read: Callable[[], Sequence[T]],
    apply: Callable[[Tx, int, T], Done],
    terms: Terms,
) -> Verdict:
    try:
        said = read()
        return await store.run(lambda tx: _keep(tx, message, said, apply, terms))
    except BridgeError:
        raise
    except _Undone as undone:
        refused = [done if done.became.failed else _not_done(done) for done in undone.done]
        return await store.run(lambda tx: _kept(tx, message, refused, terms.also))
    except Exception as error:  # noqa: BLE001 - a fault of ours is never the sender's loss
        emit(Event.WORKER_FAILED, worker="translate", error=failed_at(error))
        return await store.run(lambda tx: keep_for_later(tx, ctx, message, terms.also))


def _keep(
    tx: Tx, message: Message, said: Sequence[T], apply: Callable[[Tx, int, T], Done], terms: Terms
) -> Verdict:
    messages.keep(tx, message)
    done = [apply(tx, n, each) for n, each in enumerate(said)]
    if terms.whole and any(each.became.failed for each in done):
        raise _Undone(done)
    return _noted(tx, message, done, terms.also)


def _not_done(done: Done) -> Done:
    row = replace(done.row, state=EventState.REFUSED, code="transaction-refused", referral_id=None)
    return replace(done, row=row, opened=False)


def _kept(tx: Tx, message: Message, done: list[Done], also: Also) -> Verdict:
    messages.keep(tx, message)
    return _noted(tx, message, done, also)


def _noted(tx: Tx, message: Message, done: Iterable[Done], also: Also) -> Verdict:
    became = tuple(note(tx, each) for each in done)
    verdict = Verdict(message_id=message.id, events=became)
    also(tx, verdict)
    return verdict


def note(tx: Tx, done: Done) -> Became:
    """Record what became of one event of a kept message; of a restricted one the content goes."""
    messages.add_event(tx, replace(done.row, problems=problems_json((*done.problems, *done.warnings))))
    if any(problem.code == CONFIDENTIAL for problem in done.problems):
        messages.forget_body(tx, done.row.message_id)
    return done.became


def problems_json(problems: Iterable[Problem]) -> str:
    """Value-free JSON for the journey; "" for none."""
    listed = list(problems)
    return orjson.dumps(listed).decode() if listed else ""


async def refuse(
    store: Store, ctx: Context, message: Message, problems: tuple[Problem, ...], also: Also = nothing_more
) -> Verdict:
    """Keep a message that the sender must mend, with what is wrong with it."""
    row = EventRow(
        id=ctx.new_id(),
        message_id=message.id,
        n=0,
        position="",
        kind="unreadable",
        state=EventState.REFUSED,
        source=message.source,
        code=problems[0].code,
    )
    done = [Done(row=row, problems=problems)]
    return await _told(message, store.run(lambda tx: _kept(tx, message, done, also)))


async def keep_only(store: Store, ctx: Context, message: Message) -> Verdict:
    """Keep the message now and translate it later. Raises Unavailable when it was not kept."""
    return await _told(message, store.run(lambda tx: keep_for_later(tx, ctx, message)))


def keep_for_later(tx: Tx, ctx: Context, message: Message, also: Also = nothing_more) -> Verdict:
    """Keep the message untranslated; the translator takes it from here."""
    row = EventRow(
        id=ctx.new_id(),
        message_id=message.id,
        n=0,
        position="",
        kind="message",
        state=EventState.KEPT,
        source=message.source,
        practice=message.practice,
        until=tx.now,
    )
    return _kept(tx, message, [Done(row=row)], also)
