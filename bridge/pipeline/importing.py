"""A bulk extract, chunk by chunk: each chunk's effects and how far it was read are one commit.

Killed anywhere, the next run goes on behind the last committed chunk. An extract that would take back more
than max(5, 2 % of the open referrals) is parked whole: a feed that broke looks like everyone got better.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from bridge.domain.journey import EventState
from bridge.domain.referral import ReferralKey
from bridge.errors import IntakeError, Problem, Unacceptable
from bridge.events import Event, emit
from bridge.pipeline import chunks, extracts
from bridge.pipeline.context import Context
from bridge.pipeline.extracts import TOO_MANY, Imported, Importer
from bridge.pipeline.telling import tell_codes
from bridge.pipeline.verdict import Became
from bridge.schemes import Rulebook
from bridge.sources import emis
from bridge.store import feeds, messages
from bridge.store.feeds import Batch
from bridge.store.messages import EventRow, Message
from bridge.store.unit import Tx

Progress = Callable[[int, int], None]
AHEAD = timedelta(days=7)  # one wrong year in a file name would silence a feed for as long


async def import_extract(importer: Importer, folder: Path, progress: Progress | None = None) -> Imported:
    """Import the extract in a folder; what it is never raises, only Unavailable does.

    `progress` is told bytes read and bytes in all.
    """
    extract: emis.Extract | None = None
    try:
        extract = await _opened(importer, folder)
        return await _imported(importer, extract, progress)
    except IntakeError as error:
        problems = error.problems or (Problem(code="unreadable"),)
        batch_id = extract.id if extract else ""
        refused = await importer.store.run(lambda tx: extracts.refuse(tx, importer, batch_id, problems))
        emit(Event.BATCH_REFUSED, batch=batch_id, source=importer.source.name, code=problems[0].code)
        return refused


async def _opened(importer: Importer, folder: Path) -> emis.Extract:
    """The extract; not from the future, and one never met before not older than the last of its agreement."""
    extract = await asyncio.to_thread(emis.open_extract, folder)
    if extract.extracted_at > importer.context.now() + AHEAD:
        raise Unacceptable(problems=(Problem(code="emis-batch-ahead"),))
    begun, newest = await importer.store.read(
        lambda tx: (
            feeds.get_batch(tx, extract.id),
            feeds.newest_batch(tx, importer.source.name, extract.agreement),
        )
    )
    if newest is None or begun is not None:
        return extract
    after = importer.context.from_ms(newest.extracted_at)
    return await asyncio.to_thread(partial(emis.open_extract, folder, after=after))


async def _imported(importer: Importer, extract: emis.Extract, progress: Progress | None) -> Imported:
    store = importer.store
    repeated = await store.read(lambda tx: extracts.repeated(tx, extract))
    if repeated is not None:
        return repeated
    codes = code_context(importer.context.rulebook)
    known = await store.read(emis.known_of)
    survey = await asyncio.to_thread(extract.prescan, known, codes)
    batch = await store.run(lambda tx: extracts.begin(tx, importer, extract, survey))
    emit(Event.BATCH_STARTED, batch=batch.id, source=batch.source)
    odd = (*extract.warnings, *survey.problems)
    if batch.state == "parked":
        emit(Event.BATCH_PARKED, batch=batch.id, source=batch.source, code=TOO_MANY[0].code)
        return extracts.ended(batch, (*TOO_MANY, *odd))
    take = partial(chunks.take, ctx=importer.context, source=importer.source, codes=codes)
    kept, told = importer.message(batch.message_id), list[Became]()
    read = extract.chunks(survey, (batch.table, batch.row) if batch.table else emis.START)
    while (chunk := await asyncio.to_thread(next, read, None)) is not None:
        batch = await store.run(partial(take, message=kept, chunk=chunk, batch=batch, told=told))
        tell_codes(batch.source, told)
        if progress is not None:
            progress(chunk.bytes_read, extract.size)
    ended = await store.run(lambda tx: _end(tx, importer, batch, survey, odd))
    emit(Event.BATCH_DONE, batch=batch.id, source=batch.source, events=batch.counts.get("events", 0))
    return ended


def code_context(rulebook: Rulebook) -> emis.Context:
    """The codes of every scheme that say something; a practice's own triggers come on top for it alone."""
    schemes = rulebook.schemes
    if not schemes:
        return emis.Context()
    by_practice = {p.ods: scheme.triggers_of(p) for scheme in schemes for p in scheme.practices}
    common = frozenset.intersection(*(frozenset(s.triggers) for s in schemes))
    declines = frozenset(code for scheme in schemes for code in scheme.declines)
    return emis.Context(
        triggers=common,
        declines=declines,
        objections=frozenset(code for scheme in schemes for code in scheme.objections),
        agreements=frozenset(code for scheme in schemes for code in scheme.agreements),
        by_practice=by_practice,
    )


def _end(tx: Tx, importer: Importer, batch: Batch, survey: emis.Survey, odd: tuple[Problem, ...]) -> Imported:
    """Read to its end: the feed of each practice in it is alive, and what waited too long is listed."""
    for practice in emis.practices_in(tx, survey):
        feeds.heard(tx, batch.source, practice, batch.extracted_at)
    list_lapsed(tx, importer.context, batch.source)
    if odd:
        extracts.note(tx, importer.context, batch, EventState.APPLIED, odd)
    done = replace(batch, state="done")
    feeds.put_batch(tx, done)
    return extracts.ended(done, (*odd, *extracts.to_look_at(tx, batch.message_id)))


def list_lapsed(tx: Tx, ctx: Context, source: str) -> int:
    """Rows that waited too long for their other half go on the practice's not-sent list; how many."""
    lapsed = emis.lapse(tx)
    if not lapsed:
        return 0
    waited = Message(
        id=ctx.new_id(), source=source, door="waiting", caller="", media_type="", content=None, size=0
    )
    messages.keep(tx, waited)
    for n, late in enumerate(lapsed):
        row = EventRow(
            id=ctx.new_id(),
            message_id=waited.id,
            n=n,
            position=late.problem.at,
            kind="waited",
            state=EventState.NOT_SENT,
            source=source,
            code=late.problem.code,
            practice=late.practice,
            key_id=str(ReferralKey(source=source, owner=late.owner, record=late.record).id),
        )
        messages.add_event(tx, row)
    return len(lapsed)
