"""An extract as a whole: begun, repeated, refused, parked, let through, ended.

One event of its message stands for it: why it was refused, why it waits, or what was odd about it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import orjson
from sqlalchemy import func, select

from bridge.domain.journey import LIVING, EventState, EventStep
from bridge.domain.referral import ReferralKey
from bridge.errors import Problem, Unacceptable
from bridge.pipeline import keeping
from bridge.pipeline.context import Context, local_index
from bridge.pipeline.keeping import Done
from bridge.sources import Source, emis
from bridge.store import feeds, keys, messages, referrals
from bridge.store.feeds import Batch
from bridge.store.messages import EventRow, Message
from bridge.store.tables import event, message, referral
from bridge.store.unit import Store, Tx

FEWEST, SHARE = 5, 0.02
TOO_MANY = (Problem(code="extract-cancels-too-many"),)
TOLD = 200  # of what a person must look at, in one verdict
KIND = "extract"  # of the event that stands for a whole extract


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """How an extract ended: done, repeated, refused, parked (takes back too many); its tally.

    `problems` are what is odd about the extract and the first of what a person must look at.
    """

    state: str
    batch: str = ""
    message_id: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """What importing needs. `many_cancellations`: a person has looked and lets them through."""

    store: Store
    context: Context
    source: Source
    caller: str
    many_cancellations: bool = False

    def message(self, message_id: str, size: int = 0) -> Message:
        """The message an extract is kept as, without its rows."""
        return Message(
            id=message_id,
            source=self.source.name,
            door=keys.BULK_DOOR,
            caller=self.caller,
            media_type="text/csv",
            content=None,
            size=size,
            mapping=self.source.version,
        )


def repeated(tx: Tx, extract: emis.Extract) -> Imported | None:
    """How it ended, for an extract that was read to its end; Unacceptable when it is another one by now."""
    done = feeds.get_batch(tx, extract.id)
    if done is None or done.state != "done":
        return None
    size = tx.run(select(message.c.size).where(message.c.id == done.message_id)).scalar_one()
    if size != extract.size:
        raise Unacceptable(problems=(Problem(code="extract-changed"),))
    return replace(ended(done), state="repeated")


def begin(tx: Tx, importer: Importer, extract: emis.Extract, survey: emis.Survey) -> Batch:
    """Where an earlier run stood, or a new start; parked when the extract takes back too many."""
    begun = feeds.get_batch(tx, extract.id)
    if begun is not None and begun.table:
        return begun  # this was asked before its first chunk
    starts = begun is None or begun.state == "refused"
    batch = _first(tx, importer, extract, survey) if begun is None or starts else begun
    if importer.many_cancellations:
        _let_through(tx, batch.message_id)
        batch = replace(batch, state="released")
    elif batch.state != "released" and _takes_back_too_many(tx, batch.source, survey):
        if batch.state != "parked":
            note(tx, importer.context, batch, EventState.PARKED, TOO_MANY)
        batch = replace(batch, state="parked")
    feeds.put_batch(tx, batch)
    return batch


def _first(tx: Tx, importer: Importer, extract: emis.Extract, survey: emis.Survey) -> Batch:
    """Keep the extract as a message without its rows."""
    kept = importer.message(importer.context.new_id(), extract.size)
    messages.keep(tx, kept)
    noted = Counter(f"noted.{problem.code}" for problem in (*extract.warnings, *survey.problems))
    return Batch(
        id=extract.id,
        source=importer.source.name,
        series=extract.agreement,
        message_id=kept.id,
        extracted_at=int(extract.extracted_at.timestamp() * 1000),
        state="reading",
        counts={"rows": sum(survey.rows.values()), "unreadable": survey.damaged, **noted},
        started_at=tx.now,
    )


def _takes_back_too_many(tx: Tx, source: str, survey: emis.Survey) -> bool:
    """Whether more open referrals than the limit would end: entries deleted or recoded, patients gone."""
    if emis.would_cancel(tx, survey) + len(survey.gone) <= FEWEST:
        return False
    ending = [keys.key_of(tx, str(key.id)) for key in _ending(source, survey)]
    ids = {key.referral_id for key in ending if key is not None and key.referral_id}
    taken = {r for r, known in referrals.about(tx, ids).items() if known.state in LIVING}
    for owner, patient in {(e.owner, e.patient) for _, e in survey.known.all_entries()}:
        if (owner, patient) in survey.gone:
            local = local_index(tx, emis.ods_of(tx, owner), patient)
            taken |= {stored.id for stored in referrals.of_local(tx, local) if stored.state in LIVING}
    is_open = (referral.c.source == source, referral.c.state == "open")
    opened = tx.run(select(func.count()).select_from(referral).where(*is_open)).scalar_one()
    return len(taken) > max(FEWEST, SHARE * int(opened))


def _ending(source: str, survey: emis.Survey) -> list[ReferralKey]:
    return [ReferralKey(source=source, owner=e.owner, record=own) for (_, own), e in survey.ending.items()]


def to_look_at(tx: Tx, message_id: str) -> list[Problem]:
    """The first of what is parked of an extract, each with its place."""
    query = select(event.c.code, event.c.position, event.c.problems).where(
        event.c.message_id == message_id, event.c.state == EventState.PARKED.value
    )
    rows = tx.run(query.order_by(event.c.n).limit(TOLD)).all()
    told = (orjson.loads(row.problems or "[]") or [{"code": row.code, "at": row.position}] for row in rows)
    return [Problem(**problem) for problems in told for problem in problems]


def refuse(tx: Tx, importer: Importer, batch_id: str, problems: tuple[Problem, ...]) -> Imported:
    """Keep that an extract came and why nothing of it was used, or nothing more of it."""
    begun = feeds.get_batch(tx, batch_id) if batch_id else None
    if begun is not None and begun.state != "done":
        refused = replace(begun, state="refused", table="", row=0)
        feeds.put_batch(tx, refused)
    else:
        refused = Batch(
            id=batch_id,
            source=importer.source.name,
            message_id=importer.context.new_id(),
            extracted_at=0,
            state="refused",
            counts={},
        )
        messages.keep(tx, importer.message(refused.message_id))
    note(tx, importer.context, refused, EventState.REFUSED, problems)
    return ended(refused, problems)


def note(tx: Tx, ctx: Context, batch: Batch, state: EventState, problems: tuple[Problem, ...]) -> None:
    """The event that stands for the extract itself."""
    last = tx.run(select(func.max(event.c.n)).where(event.c.message_id == batch.message_id)).scalar_one()
    row = EventRow(
        id=ctx.new_id(),
        message_id=batch.message_id,
        n=0 if last is None else last + 1,
        position="",
        kind=KIND,
        state=state,
        source=batch.source,
        code=problems[0].code,
    )
    keeping.note(tx, Done(row=row, problems=problems))


def _let_through(tx: Tx, message_id: str) -> None:
    is_parked = (event.c.kind == KIND, event.c.state == EventState.PARKED.value)
    for found in tx.run(select(event.c.id).where(event.c.message_id == message_id, *is_parked)).scalars():
        messages.move_event(tx, found, EventStep.RELEASE)
        messages.move_event(tx, found, EventStep.APPLY)


def release(tx: Tx, event_id: str, message_id: str) -> EventState:
    """A person lets a parked extract through, its event just released: it is read when it is met next."""
    feeds.release_batch(tx, message_id)
    return messages.move_event(tx, event_id, EventStep.APPLY)


def ended(batch: Batch, problems: tuple[Problem, ...] = ()) -> Imported:
    """What is told of where an extract stands."""
    return Imported(
        state=batch.state,
        batch=batch.id,
        message_id=batch.message_id,
        counts=batch.counts,
        problems=problems,
    )
