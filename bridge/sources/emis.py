"""The EMIS IM1 bulk extract: the one large feed that says which patients were referred, a day late.

    extract = open_extract(folder, after=…)              names, headers, completeness
    known = await store.read(known_of)                   what earlier extracts left
    survey = extract.prescan(known, context)             everything read once, without effect
    await store.read(partial(would_cancel, survey=…))    ask a person first when it would cancel too many
    for chunk in extract.chunks(survey, resume):
        one unit: take(tx, chunk, …), the effects of what it says, and the resume point

The files are read outside any transaction; `take` is what happens inside one. How keys, clocks, waiting and
deletes are meant is in docs/decisions/0003-emis-extract.md.
"""

from collections.abc import Callable, Iterator

from bridge.errors import Problem, Unreadable
from bridge.sources import emis_background, emis_entries
from bridge.sources.emis_desk import Desk, PersonFacts, Taken
from bridge.sources.emis_extract import START, WAITING_ROWS, Chunk, Extract, open_extract
from bridge.sources.emis_files import Dropped, extracts_in, strays_in
from bridge.sources.emis_known import Context, Known, known_of
from bridge.sources.emis_lapse import Lapsed, lapse
from bridge.sources.emis_record import TRANSFORMS, JoinedRecord, parse_path
from bridge.sources.emis_shelf import ods_of, owners_of, patient_behind, people_held
from bridge.sources.emis_survey import Survey, practices_in, would_cancel
from bridge.sources.emis_tables import (
    CODING,
    CONSULTATION,
    OBSERVATION,
    ORGANISATION,
    PATIENT,
    REFERRAL,
    USER,
)
from bridge.sources.mapping import Mapping
from bridge.store.unit import Tx

__all__ = [
    "START",
    "TRANSFORMS",
    "Chunk",
    "Context",
    "Dropped",
    "Extract",
    "JoinedRecord",
    "Known",
    "Lapsed",
    "PersonFacts",
    "Survey",
    "Taken",
    "extracts_in",
    "known_of",
    "lapse",
    "ods_of",
    "open_extract",
    "owners_of",
    "parse_path",
    "patient_behind",
    "people_held",
    "practices_in",
    "records",
    "strays_in",
    "take",
    "would_cancel",
]

_WORK: dict[str, Callable[[Desk], None]] = {
    CODING.name: emis_background.codes,
    ORGANISATION.name: emis_background.organisations,
    USER.name: emis_background.staff,
    PATIENT.name: emis_background.patients,
    CONSULTATION.name: emis_background.consultations,
    REFERRAL.name: emis_entries.halves,
    OBSERVATION.name: emis_entries.entries,
    WAITING_ROWS: emis_entries.waiting,
}


def take(tx: Tx, chunk: Chunk, mapping: Mapping, context: Context) -> Taken:
    """Hold what is needed later and tell what the rows of one chunk say, inside the caller's unit."""
    desk = Desk(tx, chunk, mapping, context)
    _WORK[chunk.table](desk)
    return desk.taken()


def records(_body: bytes) -> Iterator[JoinedRecord]:
    """Unreadable: an extract is a folder of files and comes by `open_extract`, never as one message."""
    raise Unreadable(problems=(Problem(code="emis-not-a-message"),))
