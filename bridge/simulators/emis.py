"""Makes EMIS IM1 bulk extracts of a practice that does not exist, and says what must become of each case.

Day n writes the first act of its own cases and the second act of the cases of day n-1, among any number of
rows that concern nobody. The same arguments give the same bytes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random

from bridge.simulators.emis_cases import FIRST, SECOND, Act, Becomes, Case
from bridge.simulators.emis_noise import Noise
from bridge.simulators.emis_rows import Entity, Rows
from bridge.simulators.emis_surroundings import OURS, Practice, write_surroundings
from bridge.simulators.emis_tables import Batch, Extract, Version, guid
from bridge.simulators.people import Person, people

START = date(2026, 3, 2)


def every_case(times: int = 1) -> dict[Case, int]:
    """Each case so many times."""
    return dict.fromkeys(Case, times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What must become of one case on one day.

    GUIDs as in the files; `row` counts in the Observation file from the header, which is 1; 0 is none.
    """

    case: Case
    becomes: Becomes
    reason: str
    organisation: str
    observation: str
    patient: str
    nhs_number: str
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What one batch holds: its files by table and the fate of every case in it."""

    number: int
    extracted: datetime
    practice: Practice
    files: dict[str, Path]
    fates: tuple[Fate, ...]

    def of(self, *becomes: Becomes) -> list[Fate]:
        """The fates of those kinds."""
        return [f for f in self.fates if f.becomes in becomes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run of days holds.

    `referrals` adds plain cases, in turn with a referral record and as bare code. `patients` are registered
    on day 1 and carry the noise. `start` is the extract date of day 1. `own_text` is the text of a closure
    that the bridge is taken to have filed itself.
    """

    seed: int
    referrals: int = 0
    cases: Mapping[Case, int] = field(default_factory=every_case)
    noise_rows: int = 200
    patients: int = 50
    practice: Practice = OURS
    version: Version = "8.2"
    quote_all: bool = False
    start: date = START
    own_text: str = "Social prescribing case closed"


def day(folder: Path, plan: Plan, number: int = 1) -> Truth:
    """Write the batch of day `number` (1 is the first, a bulk) into `folder`, row by row."""
    extracted = datetime.combine(plan.start + timedelta(days=number - 1), time(2, 15))
    agreement = guid("agreement", plan.practice.ods)[1:-1].lower()
    batch = Batch(number=number, extracted=extracted, agreement=agreement)
    with Extract(folder, batch, plan.version, quote_all=plan.quote_all) as extract:
        write_surroundings(extract, plan.practice, number)
        fates = tuple(_care(extract, plan, number))
    return Truth(number=number, extracted=extracted, practice=plan.practice, files=extract.files, fates=fates)


def everyone(plan: Plan, skip: int = 0) -> Iterator[Person]:
    """The people of the practice as they appear: those registered, then two for each case."""
    return people(plan.seed, today=plan.start, skip=skip)


def known_by(plan: Plan, number: int) -> int:
    """How many of `everyone` appear in the batches up to day `number`."""
    return plan.patients + number * 2 * len(_cases(plan))


def _care(extract: Extract, plan: Plan, number: int) -> Iterator[Fate]:
    entered = _entered(plan, number)
    rows = Rows(extract, plan.practice, entered=entered, own_text=plan.own_text)
    pool = [guid(plan.seed, "registered", n) for n in range(plan.patients)]
    if number == 1:
        for patient, person in zip(pool, everyone(plan), strict=False):
            rows.patient(patient, person, {})
    acts = _acts(plan, number)
    noise = Noise(extract, plan.practice, pool, seed=plan.seed, number=number, entered=entered)
    share, left = divmod(plan.noise_rows, len(acts) or 1)
    for entity, act in acts:
        noise.write(share)
        yield _fate(rows, plan.practice, entity, act)
    noise.write(left if acts else plan.noise_rows)


def _fate(rows: Rows, practice: Practice, entity: Entity, act: Act) -> Fate:
    written = rows.play(entity, act, first=act is FIRST[entity.case])
    return Fate(
        case=entity.case,
        becomes=act.becomes,
        reason=act.reason,
        organisation=practice.guid,
        observation=written.observation,
        patient=written.patient,
        nhs_number=entity.person.nhs_number,
        row=written.row,
    )


def _acts(plan: Plan, number: int) -> list[tuple[Entity, Act]]:
    acts = [(entity, FIRST[entity.case]) for entity in _cast(plan, number)]
    if number > 1:
        acts += [(e, SECOND[e.case]) for e in _cast(plan, number - 1) if e.case in SECOND]
    Random(f"{plan.seed}/{number}/order").shuffle(acts)
    return acts


def _cast(plan: Plan, number: int) -> list[Entity]:
    cases = _cases(plan)
    persons = everyone(plan, skip=known_by(plan, number - 1))
    return [
        Entity(
            key=(plan.seed, number, n),
            case=case,
            born=number,
            entered=_entered(plan, number),
            person=next(persons),
            other=next(persons),
        )
        for n, case in enumerate(cases)
    ]


def _entered(plan: Plan, number: int) -> date:
    # Extracts are cut off at midnight: the rows are those of the day before.
    return plan.start + timedelta(days=number - 2)


def _cases(plan: Plan) -> list[Case]:
    plain = [(Case.RECORD, Case.BARE_CODE)[n % 2] for n in range(plan.referrals)]
    return [case for case, times in plan.cases.items() for _ in range(times)] + plain
