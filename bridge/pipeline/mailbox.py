"""Answers to letters: each message of the MESH mailbox is kept, matched to its letter, and then acknowledged.

MESH offers a message until it is acknowledged, so it is kept first: one commit holds the message, the step of
the letter and the further attempt that waits for a person. Read twice it changes nothing. What answers no
letter of ours is kept and parked.
"""

import asyncio
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple, Protocol
from uuid import UUID, uuid5

import orjson

from bridge.domain.itk import Mail, Meaning, after_working_days, of_report, of_response
from bridge.domain.journey import DeliveryState, DeliveryStep, EventState
from bridge.domain.letter import LetterState, LetterStep
from bridge.errors import DeliveryError, IntakeError
from bridge.events import Event, emit
from bridge.fhir import itk3_response
from bridge.pipeline import keeping, letters
from bridge.pipeline.context import Context
from bridge.pipeline.keeping import Done
from bridge.pipeline.letters import Desk
from bridge.pipeline.turning import turn
from bridge.pipeline.verdict import Became
from bridge.schemes.routes import RecordRoute
from bridge.store import lanes, messages, referrals
from bridge.store import letters as shelf
from bridge.store.letters import Kept
from bridge.store.messages import EventRow, Message
from bridge.store.referrals import Stored
from bridge.store.unit import Store, Tx

DOOR = "mesh"
KIND = "mail"  # of an event row
_SPACE = UUID("b7a8a3cc-8b43-5a63-9a3b-0c6d6a1d5d11")  # of the ids of kept mail
_UNKNOWN = "mesh-mail-unknown"


class Inbox(Protocol):
    """What a reader needs of its mailbox: bridge.partners.mesh."""

    async def mail(self) -> tuple[Mail, ...]:
        """What lies there, oldest first; DeliveryError when it cannot be asked."""
        ...

    async def acknowledge(self, mail_id: str) -> None:
        """It may be forgotten there."""
        ...


class Heard(NamedTuple):
    """What became of one message."""

    state: EventState
    code: str = ""
    kept: Kept | None = None
    failed: str = ""  # why the letter did not arrive


@dataclass(frozen=True, slots=True, kw_only=True)
class MailReader:
    """Reads one mailbox every so often, and looks which answers are overdue.

    `told` hears after each reading why the mailbox could not be read, by code; "" when it could.
    """

    store: Store
    context: Context
    route: str
    inbox: Inbox
    every: timedelta
    wake: Callable[[], None] = field(default=lambda: None)
    told: Callable[[str], None] = field(default=lambda _code: None)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; a mailbox that cannot be read is told of and read again."""
        await turn(stop, f"mail {self.route}", self._turn, every_s=self.every.total_seconds())

    async def _turn(self) -> bool:
        try:
            await self.read_once()
        except DeliveryError as error:
            self.told(error.code)
            emit(Event.POLL_FAILED, partner=self.route, code=error.code)
        else:
            self.told("")
        return False

    async def read_once(self) -> Counter[str]:
        """Read what there is and expire what is overdue; how many messages became what, and `overdue`."""
        counts: Counter[str] = Counter()
        try:
            for mail in await self.inbox.mail():
                heard = await self.store.run(partial(self._take, mail=mail))
                await self.inbox.acknowledge(mail.id)
                counts[heard.state.value] += 1
                self._tell(heard)
        finally:
            overdue = await self.store.run(lambda tx: expire(tx, self.context, self.route))
            for heard in overdue:
                self._tell(heard)
        counts["overdue"] = len(overdue)
        emit(Event.POLLED, partner=self.route, resource="mail", found=sum(counts.values()) - len(overdue))
        self.wake()
        return counts

    def _tell(self, heard: Heard) -> None:
        if heard.failed and heard.kept is not None:
            emit(Event.LETTER_FAILED, letter=heard.kept.id, partner=self.route, code=heard.failed)

    def _take(self, tx: Tx, mail: Mail) -> Heard:
        """Keep it with what became of it; a message that is kept already was acknowledged in vain."""
        tx.lock(f"mail|{self.route}")
        message = self._message(mail)
        if messages.is_kept(tx, message.id):
            return Heard(EventState.DUPLICATE)
        messages.keep(tx, message)
        heard = hear(tx, self.context, mail)
        keeping.note(tx, _done(self.context, message, 0, heard))
        return heard

    def _message(self, mail: Mail) -> Message:
        told = asdict(mail) | {"content": b64encode(mail.content).decode()}
        content = orjson.dumps(told)
        return Message(
            id=str(uuid5(_SPACE, f"{self.route}|{mail.id}")),
            source=self.route,
            door=DOOR,
            caller=f"mesh:{self.route}"[:64],
            media_type="application/json",
            content=content,
            size=len(content),
        )


def _done(ctx: Context, message: Message, n: int, heard: Heard) -> Done:
    kept = heard.kept
    row = EventRow(
        id=ctx.new_id(),
        message_id=message.id,
        n=n,
        position="",
        kind=KIND,
        state=heard.state,
        source=message.source,
        practice=kept.practice if kept else "",
        code=heard.code,
        referral_id=kept.referral_id if kept else None,
    )
    return Done(row=row)


def heard(tx: Tx, ctx: Context, message: Message, n: int) -> list[Became]:
    """Match a kept message in a replay, as its event `n`."""
    return [keeping.note(tx, _done(ctx, message, n, hear_again(tx, ctx, message.id)))]


def hear_again(tx: Tx, ctx: Context, message_id: str) -> Heard:
    """Match a kept message once more, on a person's word."""
    body = messages.get_body(tx, message_id)
    if body is None:
        return Heard(EventState.PARKED, "body-not-kept")
    told = orjson.loads(body)
    return hear(tx, ctx, Mail(**told | {"content": b64decode(told["content"])}))


def hear(tx: Tx, ctx: Context, mail: Mail) -> Heard:
    """The letter that a message is about takes the step it calls for."""
    named, meaning = _about(tx, mail)
    stored = referrals.hold(tx, named.referral_id) if named else None
    kept = shelf.get(tx, named.id) if named else None
    if kept is None or stored is None or meaning is None:
        return Heard(EventState.PARKED, _UNKNOWN)
    _prove(tx, kept)
    desk = _desk(ctx, stored, kept)
    if meaning.step is LetterStep.REFUSE:
        if shelf.step(tx, kept, meaning.step, code=meaning.code) is None:
            return Heard(EventState.DUPLICATE, "repeated", kept)
        if desk is not None:
            letters.send_again(tx, desk, kept, meaning.code)
        return Heard(EventState.APPLIED, meaning.code, kept, meaning.code)
    due_at = _practice_due(ctx, desk.route if desk else None) if meaning.step is LetterStep.RECEIVE else None
    if shelf.step(tx, kept, meaning.step, due_at=due_at) is None:
        return Heard(EventState.DUPLICATE, "repeated", kept)
    letters.close_attempts(tx, kept, "letter-answered")
    return Heard(EventState.APPLIED, "", kept)


def _desk(ctx: Context, stored: Stored, kept: Kept) -> Desk | None:
    """Who could write the letter again; None once its scheme or its route is gone."""
    scheme = ctx.rulebook.by_name(stored.scheme)
    route = next((r for r in scheme.records if r.name == kept.route), None) if scheme else None
    if scheme is None or route is None:
        return None
    return Desk(ctx=ctx, scheme=scheme, route=route, stored=stored, cause="")


def _about(tx: Tx, mail: Mail) -> tuple[Kept | None, Meaning | None]:
    """The letter a message names, and what it says of it."""
    if mail.report:
        return shelf.by_reference(tx, mail.linked) or shelf.get(tx, mail.local), of_report(mail.status)
    try:
        response = itk3_response.read(mail.content)
    except IntakeError:
        return None, None
    if response is None:
        return None, None
    return shelf.get(tx, response.answers), of_response(response.code)


def _prove(tx: Tx, kept: Kept) -> None:
    """An answer to a letter that is in doubt shows that MESH had it."""
    found = lanes.in_lane(tx, kept.id)
    if found is None or not found[1].sent:
        return
    if found[1].state in (DeliveryState.IN_DOUBT, DeliveryState.PARKED):
        lanes.step_unclaimed(tx, *found, DeliveryStep.PROVE)


def _practice_due(ctx: Context, route: RecordRoute | None) -> int:
    days = route.mesh.practice_days if route is not None and route.mesh is not None else 5
    return _ms(after_working_days(ctx.now(), days))


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


_LATE = {LetterState.ACCEPTED: "letter-unanswered", LetterState.RECEIVED: "letter-unanswered-practice"}


def expire(tx: Tx, ctx: Context, route: str) -> list[Heard]:
    """Letters of a route whose answer is overdue: unanswered, and a further attempt is parked."""
    told = []
    for late in shelf.overdue(tx, route):
        stored = referrals.hold(tx, late.referral_id)
        kept = shelf.get(tx, late.id)
        if stored is None or kept is None or kept.state not in _LATE:
            continue
        code = _LATE[kept.state]
        shelf.step(tx, kept, LetterStep.EXPIRE, code=code)
        desk = _desk(ctx, stored, kept)
        if desk is not None:
            letters.send_again(tx, desk, kept, code)
        told.append(Heard(EventState.APPLIED, code, replace(kept, code=code), code))
    return told
