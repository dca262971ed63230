"""What would become of EMIS extracts, in a store of its own that is thrown away: one day after the other.

An extract says what changed, so a day can only be understood with those before it.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bridge.errors import IntakeError, Problem
from bridge.security.keyring import create_key_ring
from bridge.security.sealing import Sealer
from bridge.sources import Reading, Source, emis
from bridge.store import Store, open_store
from bridge.store.keys import Key, put_key
from bridge.store.unit import Tx


@dataclass(slots=True, kw_only=True)
class Day:
    """What one extract says; `refused` when it cannot be used at all."""

    folder: Path
    refused: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    before: tuple[Problem, ...] = ()
    would_cancel: int = 0
    readings: list[Reading] = field(default_factory=list)
    joined: list[emis.JoinedRecord] = field(default_factory=list)
    people: list[emis.PersonFacts] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    unreadable: list[Problem] = field(default_factory=list)


def rehearse_extracts(source: Source, folders: Sequence[Path]) -> list[Day]:
    """Read the extracts of these folders, oldest first."""
    return asyncio.run(days_of(source, folders))


async def days_of(source: Source, folders: Sequence[Path]) -> list[Day]:
    """The same inside a running loop."""
    with tempfile.TemporaryDirectory(prefix="bridge-map-") as scratch:
        sealer = Sealer(create_key_ring(Path(scratch) / "keys.json"))
        store = open_store(f"sqlite:{Path(scratch) / 'scratch.sqlite'}", sealer)
        try:
            return [await _day(store, source, folder) for folder in folders]
        finally:
            await store.close()


async def _day(store: Store, source: Source, folder: Path) -> Day:
    context = emis.Context()
    try:
        extract = emis.open_extract(folder)
        survey = extract.prescan(await store.read(emis.known_of), context)
    except IntakeError as refusal:
        return Day(folder=folder, refused=refusal.problems)
    day = Day(folder=folder, warnings=extract.warnings, before=survey.problems)
    day.would_cancel = await store.read(lambda tx: emis.would_cancel(tx, survey))
    for chunk in extract.chunks(survey):

        def take(tx: Tx, chunk: emis.Chunk = chunk) -> emis.Taken:
            taken = emis.take(tx, chunk, source.mapping, context)
            _remember(tx, taken.readings)
            return taken

        taken = await store.run(take)
        day.readings += taken.readings
        day.joined += taken.joined
        day.people += taken.people
        day.counts.update(taken.counts)
        day.unreadable += (*chunk.problems, *taken.problems)
    return day


def _remember(tx: Tx, readings: Sequence[Reading]) -> None:
    """Keys are known from then on, as the pipeline knows those it does not park."""
    for event in (reading.event for reading in readings if reading.event):
        put_key(
            tx,
            Key(
                id=str(event.key.id),
                referral_id=None,
                clock=event.clock,
                content=event.content,
                kind=event.kind.value,
                event_id="event",
            ),
        )
