"""A bulk extract, chunk by chunk: each chunk's effects and how far it was read are one commit.

Killed anywhere, the next run goes on behind the last committed chunk. An extract that would cancel more
than max(5, 2 % of the open referrals) is parked whole: a feed that broke looks like everyone got better.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from sqlalchemy import func, select

from bridge.domain.journey import EventState
from bridge.errors import Problem
from bridge.events import Event, emit
from bridge.pipeline import accept, translate
from bridge.pipeline.context import Context, local_index
from bridge.schemes import Rulebook
from bridge.sources import Reading, Source, emis
from bridge.store import feeds, messages, people
from bridge.store.feeds import Batch
from bridge.store.messages import Message
from bridge.store.people import Person
from bridge.store.tables import referral
from bridge.store.unit import Store, Tx

FEWEST, SHARE = 5, 0.02
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """How an extract ended: done, repeated, parked (too many cancellations); its tally."""

    state: str
    batch: str
    message_id: str
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


async def import_extract(importer: Importer, folder: Path, progress: Progress | None = None) -> Imported:
    """Import the extract in a folder; raises Unreadable or Unacceptable with every problem, or Unavailable.

    `progress` is told bytes read and bytes in all.
    """
    store, source = importer.store, importer.source
    extract, begun = await _opened(importer, folder)
    if begun is not None and begun.state == "done":
        return _ended("repeated", begun)
    codes = code_context(importer.context.rulebook)
    known = await store.read(emis.known_of)
    survey = await asyncio.to_thread(extract.prescan, known, codes)
    batch = await store.run(lambda tx: _begin(tx, importer, extract)) if begun is None else begun
    emit(Event.BATCH_STARTED, batch=batch.id, source=source.name)
    if not importer.many_cancellations and await store.read(lambda tx: _too_many(tx, source.name, survey)):
        parked = replace(batch, state="parked")
        await store.run(lambda tx: feeds.put_batch(tx, parked))
        return _ended("parked", parked, (Problem(code="extract-cancels-too-many"),))
    chunks = extract.chunks(survey, (batch.table, batch.row) if batch.table else emis.START)
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        batch = await store.run(partial(_take, importer=importer, codes=codes, chunk=chunk, batch=batch))
        if progress is not None:
            progress(chunk.bytes_read, extract.size)
    done = replace(batch, state="done")
    await store.run(lambda tx: feeds.put_batch(tx, done))
    emit(Event.BATCH_DONE, batch=done.id, source=source.name, events=done.counts.get("events", 0))
    return _ended("done", done)


async def _opened(importer: Importer, folder: Path) -> tuple[emis.Extract, Batch | None]:
    """The extract, and how far an earlier run got with it; a new one may not be older than the last."""
    extract = await asyncio.to_thread(emis.open_extract, folder)
    begun = await importer.store.read(lambda tx: feeds.get_batch(tx, extract.id))
    newest = await importer.store.read(lambda tx: feeds.newest_batch(tx, importer.source.name))
    if begun is None and newest is not None:
        after = importer.context.from_ms(newest.extracted_at)
        extract = await asyncio.to_thread(partial(emis.open_extract, folder, after=after))
    return extract, begun


def code_context(rulebook: Rulebook) -> emis.Context:
    """The trigger and decline codes of every scheme; a practice's own come on top for it alone."""
    schemes = rulebook.schemes
    if not schemes:
        return emis.Context()
    by_practice = {p.ods: scheme.triggers_of(p) for scheme in schemes for p in scheme.practices}
    common = frozenset.intersection(*(frozenset(s.triggers) for s in schemes))
    declines = frozenset(code for scheme in schemes for code in scheme.declines)
    return emis.Context(triggers=common, declines=declines, by_practice=by_practice)


def _begin(tx: Tx, importer: Importer, extract: emis.Extract) -> Batch:
    message = Message(
        id=importer.context.new_id(),
        source=importer.source.name,
        door="folder",
        caller=importer.caller,
        media_type="text/csv",
        content=None,
        size=extract.size,
        mapping=importer.source.version,
    )
    messages.keep(tx, message)
    batch = Batch(
        id=extract.id,
        source=importer.source.name,
        message_id=message.id,
        extracted_at=int(extract.extracted_at.timestamp() * 1000),
        state="reading",
        counts={},
        started_at=tx.now,
    )
    feeds.put_batch(tx, batch)
    return batch


def _too_many(tx: Tx, source: str, survey: emis.Survey) -> bool:
    is_open = (referral.c.source == source, referral.c.state == "open")
    opened = tx.run(select(func.count()).select_from(referral).where(*is_open)).scalar_one()
    return bool(emis.would_cancel(tx, survey) > max(FEWEST, SHARE * opened))


def _take(tx: Tx, *, importer: Importer, codes: emis.Context, chunk: emis.Chunk, batch: Batch) -> Batch:
    """One chunk: hold its rows, apply what they say, and move the resume point, in one commit."""
    taken = emis.take(tx, chunk, importer.source.mapping, codes)
    counts = Counter(batch.counts)
    counts.update(taken.counts)
    message = Message(
        id=batch.message_id,
        source=batch.source,
        door="folder",
        caller=importer.caller,
        media_type="text/csv",
        content=None,
        size=0,
        mapping=importer.source.version,
    )
    for reading in _readings(chunk, taken):
        counts["events"] += 1
        became = accept.settle(tx, importer.context, message, counts["events"], reading, bulk=True)
        counts[f"event.{became.state.value}"] += 1
    for facts in taken.people:
        _person(tx, importer, batch, facts)
    moved = replace(batch, table=chunk.table, row=chunk.row, counts=dict(counts))
    feeds.put_batch(tx, moved)
    return moved


def _readings(chunk: emis.Chunk, taken: emis.Taken) -> Iterator[Reading]:
    """What the rows say; a row that could not be read is a parked event of its own, and the rest goes on."""
    yield from taken.readings
    for problem in (*chunk.problems, *taken.problems):
        yield Reading(position=problem.at, problems=(problem,))


def _person(tx: Tx, importer: Importer, batch: Batch, facts: emis.PersonFacts) -> None:
    """Remember what is known; a death, a deduction or a new confidentiality takes open referrals back."""
    local = local_index(tx, facts.practice, facts.local_key)
    number = facts.nhs_number
    known = Person(
        local=local,
        nhs=tx.sealer.index("nhs", number.digits) if number else "",
        practice=facts.practice,
        registered=facts.registered,
        deceased=facts.deceased,
        dissent=False,
        known_at=int(facts.known_at.timestamp() * 1000),
    )
    people.put_person(tx, known)
    feeds.heard(tx, batch.source, facts.practice, known.known_at)
    code = _withdrawal(facts)
    if code:
        translate.withdraw(tx, importer.context, local, cause=batch.message_id, code=code)


def _withdrawal(facts: emis.PersonFacts) -> str:
    if facts.deceased:
        return "patient-deceased"
    if facts.withheld:
        return "patient-confidential"
    return "" if facts.registered else "patient-not-registered"


def _ended(state: str, batch: Batch, problems: tuple[Problem, ...] = ()) -> Imported:
    return Imported(
        state=state, batch=batch.id, message_id=batch.message_id, counts=batch.counts, problems=problems
    )


def list_lapsed(tx: Tx, ctx: Context, source: str) -> int:
    """Rows that waited too long for their other half go on the practice's not-sent list; how many."""
    lapsed = emis.lapse(tx)
    if not lapsed:
        return 0
    message = Message(
        id=ctx.new_id(), source=source, door="waiting", caller="", media_type="", content=None, size=0
    )
    messages.keep(tx, message)
    for n, late in enumerate(lapsed):
        messages.add_event(
            tx,
            messages.EventRow(
                id=ctx.new_id(),
                message_id=message.id,
                n=n,
                position=late.problem.at,
                kind="waited",
                state=EventState.NOT_SENT,
                source=source,
                code=late.problem.code,
                practice=late.practice,
            ),
        )
    return len(lapsed)
