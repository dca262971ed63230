"""Whole extracts: what the simulator knows comes out, and a death between two chunks loses nothing."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.referral import Shape
from bridge.errors import IntakeError, Problem, Unacceptable, Unreadable
from bridge.security.sealing import Sealer
from bridge.simulators.emis import Plan, Truth, day
from bridge.simulators.emis_cases import Becomes, Case
from bridge.simulators.emis_tables import Version
from bridge.sources import load
from bridge.sources.emis import START, Context, Known, known_of, lapse, open_extract, practices_in
from bridge.sources.emis_extract import ROWS
from bridge.sources.emis_record import ALIASES
from bridge.sources.emis_tables import IN_ORDER
from bridge.store import Store, open_store
from bridge.store.held import get
from tests.conftest import Clock
from tests.sources.emis_site import (
    BACKGROUND,
    MAPPING,
    ROOT,
    Came,
    agreement,
    deleted,
    file_of,
    half,
    key,
    observation,
    patient,
    read,
    write,
)

DAY = 86_400

# What the reader itself must say of each fate; gates on age, author or identity are the pipeline's.
TOLD: dict[Becomes, set[str]] = {
    Becomes.FORWARDED: {"referred"},
    Becomes.CHANGED: {"changed"},
    Becomes.CLOSED: {"cancelled", "declined"},
    Becomes.SAME: {"changed"},
    Becomes.ECHO: {"nothing"},
    Becomes.WAITING: {"nothing"},
    Becomes.NOT_SENT: {"referred"},
    Becomes.PARKED: {"referred", "changed", "nhs-number-placeholder", "nhs-number-check-digit"},
    Becomes.WITHHELD: {"nothing"},
    Becomes.UNREADABLE: {"nothing"},
    Becomes.IGNORED: {"nothing"},
}
ADDED = {Case.REFERRAL_HALF_FIRST, Case.CODE_HALF_FIRST, Case.LATE_CODE}


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    return sqlite_store


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def either(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


def told(came: Came, truth: Truth) -> dict[str, str]:
    """What was said of each case of the day, by its Observation."""
    rows = {f"CareRecord_Observation row {f.row}": f.observation.strip("{}") for f in truth.fates if f.row}
    found = {}
    for reading in came.readings:
        name = reading.event.key.record if reading.event else rows[reading.position]
        assert name not in found, "one case is told once"
        found[name] = reading.event.kind.value if reading.event else reading.problems[0].code
    return found


@pytest.mark.parametrize("version", ["8.2", "5.1"])
@pytest.mark.parametrize("quote_all", [False, True])
async def test_what_is_true_in_the_extract_is_told(
    store: Store,
    tmp_path: Path,
    version: Version,
    quote_all: bool,  # noqa: FBT001
) -> None:
    """Three days of every case there is, in either version of the header."""
    plan = Plan(seed=7, referrals=4, version=version, quote_all=quote_all)
    for number in (1, 2, 3):
        folder = tmp_path / str(number)
        folder.mkdir()
        truth = day(folder, plan, number)

        came = await read(store, folder)

        said = told(came, truth)
        for fate in truth.fates:
            assert said.pop(fate.observation.strip("{}"), "nothing") in TOLD[fate.becomes], fate
        assert said == {}
        unreadable = [f"CareRecord_Observation row {f.row}" for f in truth.of(Becomes.UNREADABLE)]
        assert [(p.code, p.at) for p in came.problems] == [("emis-row-columns", at) for at in unreadable]
        assert all(reading.unmapped == () for reading in came.readings)


async def test_halves_of_all_days_find_each_other(either: Store, tmp_path: Path) -> None:
    """Whichever came first, in the end there is one record with both; on either dialect."""
    plan = Plan(seed=8, cases=dict.fromkeys(ADDED, 3), noise_rows=20)
    shapes: dict[str, Shape] = {}
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        day(folder, plan, number)
        for reading in (await read(either, folder)).readings:
            if reading.event is not None and reading.event.referral is not None:
                shapes[reading.event.key.record] = reading.event.referral.shape

    first_day = 9
    assert list(shapes.values()).count(Shape.RECORD) == first_day


async def test_a_death_between_any_two_chunks_changes_nothing(
    tmp_path: Path, sealer: Sealer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Effects and resume point are one commit, so what is told in two lives is what is told in one."""
    monkeypatch.setattr("bridge.sources.emis_extract.ROWS", 7)
    monkeypatch.setattr("bridge.sources.emis_extract.SPAN", 40)
    plan = Plan(seed=9, noise_rows=60, patients=5)
    folders = [tmp_path / "1", tmp_path / "2"]
    for number, folder in enumerate(folders, 1):
        folder.mkdir()
        day(folder, plan, number)

    async def lived(name: str, deaths: int) -> list[tuple[object, ...]]:
        """Everything told by both days, dying after each `deaths` chunks; 0 never dies."""
        opened = open_store(f"sqlite:{tmp_path / name}", sealer, clock=clock)
        found: list[tuple[object, ...]] = []
        for folder in folders:
            resume, whole = START, False
            while not whole:
                came = await read(opened, folder, resume=resume, stop_after=deaths or None)
                whole = came.resume == resume or not deaths or came.resume[0] == "waiting"
                resume = came.resume
                found += [(r.position, r.event, r.problems) for r in came.readings]
        await opened.close()
        return found

    whole = await lived("whole", 0)

    assert len(whole) > 30
    assert await lived("one", 1) == whole
    assert await lived("three", 3) == whole


async def test_the_resume_point_moves_on_where_nothing_matters(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restart in the middle of a long table must not begin it again."""
    monkeypatch.setattr("bridge.sources.emis_extract.SPAN", 10)
    noise = [observation(f"noise {n}", code="3999999911") for n in range(35)]
    coding = ("Coding_ClinicalCode", {"CodeId": "3999999911", "SnomedCTConceptId": "48694002", "Term": "x"})
    extract = open_extract(write(tmp_path / "1", coding, *noise))
    survey = extract.prescan(await store.read(known_of), Context())

    chunks = [c for c in extract.chunks(survey) if c.table == "CareRecord_Observation"]

    assert [(c.row, c.lines) for c in chunks] == [(10, ()), (20, ()), (30, ()), (35, ())]
    assert [c.bytes_read for c in chunks] == sorted(c.bytes_read for c in chunks)
    assert chunks[-1].bytes_read == extract.size


async def test_a_chunk_is_bounded(store: Store, tmp_path: Path) -> None:
    """However many rows matter."""
    extract = open_extract(write(tmp_path / "1", *(patient(f"P{n}") for n in range(2 * ROWS + 1))))
    survey = extract.prescan(await store.read(known_of), Context())

    sizes = [len(c.lines) for c in extract.chunks(survey) if c.table == "Admin_Patient"]

    assert sizes == [ROWS, ROWS, 1]


# Before anything takes effect


async def test_what_an_extract_would_cancel_is_counted_first(store: Store, tmp_path: Path) -> None:
    """So that a person is asked before a broken feed ends half the referrals of a town."""
    names = [f"entry {n}" for n in range(12)]
    await read(store, write(tmp_path / "1", patient(), *(observation(n) for n in names)))
    folder = write(tmp_path / "2", *(deleted(n) for n in names), deleted("never seen"), day=3)

    came = await read(store, folder)

    assert came.would_cancel == 12
    assert came.kinds == ["cancelled"] * 12


async def test_nobodys_rows_are_an_outage(store: Store, tmp_path: Path) -> None:
    """An extract without anybody in it says nothing, and is no proof that the feed is alive."""
    extract = open_extract(write(tmp_path / "1"))
    survey = extract.prescan(await store.read(known_of), Context())

    assert survey.empty
    assert [p.code for p in survey.problems] == ["emis-extract-empty"]


async def test_a_coding_table_that_is_not_whole_refuses_the_extract(tmp_path: Path) -> None:
    """Else half of the entries of a practice would be held because nobody knows what they are."""
    strange = [observation(f"e{n}", code=f"{n + 1}99999999911") for n in range(1_001)]
    extract = open_extract(write(tmp_path / "1", patient(), *strange))

    with pytest.raises(Unacceptable) as caught:
        extract.prescan(Known(), Context())
    assert [p.code for p in caught.value.problems] == ["emis-coding-incomplete"]


async def test_a_table_that_cannot_be_read_to_its_end_refuses_the_extract(tmp_path: Path) -> None:
    """Before the first row of any table takes effect."""
    folder = write(tmp_path / "1", patient(), observation())
    with file_of(folder, "CareRecord_Consultation").open("ab") as file:
        file.write(b'"' + b"x" * 1_100_000)
    extract = open_extract(folder)

    with pytest.raises(Unreadable) as caught:
        extract.prescan(Known(), Context())
    assert [str(p) for p in caught.value.problems] == ["emis-row-too-large at CareRecord_Consultation row 2"]


@pytest.mark.parametrize("table", ["CareRecord_Observation", "Agreements_SharingOrganisation"])
async def test_a_table_that_is_cut_off_refuses_the_extract(store: Store, tmp_path: Path, table: str) -> None:
    """EMIS ends every line, so a file that does not has lost its end; the rows before it look whole."""
    file = file_of(write(tmp_path / "1", patient(), observation()), table)
    file.write_bytes(file.read_bytes().removesuffix(b"\r\n"))

    with pytest.raises(Unreadable) as caught:
        await read(store, tmp_path / "1")

    assert [str(p) for p in caught.value.problems] == [f"emis-file-cut at {table} row 2"]


async def test_whose_rows_an_extract_holds_is_known(store: Store, tmp_path: Path) -> None:
    """The practice list and the freshness of its feed need it."""
    extract = open_extract(
        write(tmp_path / "1", patient(), observation(OrganisationGuid="{" + key("other") + "}"))
    )
    survey = extract.prescan(await store.read(known_of), Context())

    assert survey.publishers == {key("practice"), key("other")}


async def test_a_feed_without_news_is_still_alive(store: Store, tmp_path: Path) -> None:
    """Freshness is of the practices in the extract, not of who changed; off or empty is an outage."""
    off = (agreement(Disabled="true"), *BACKGROUND[1:])
    alive = await read(store, write(tmp_path / "1", observation(code="offered")))
    silent = await read(store, write(tmp_path / "2", observation(code="offered"), background=off, day=3))
    empty = await read(store, write(tmp_path / "3", day=4))

    async def speaks_for(came: Came) -> tuple[str, ...]:
        return await store.read(lambda tx: practices_in(tx, came.survey))

    assert [await speaks_for(came) for came in (alive, silent, empty)] == [("ZZ9901",), (), ()]


_TABLES = st.sampled_from([table.name for table in IN_ORDER])


@settings(max_examples=60)
@given(table=_TABLES, content=st.binary(max_size=300), header=st.integers(0, 1), cut=st.integers(0, 400))
def test_any_bytes_as_a_table_are_rows_problems_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, table: str, content: bytes, header: int, cut: int
) -> None:
    """Never another exception, from names to chunks; whatever is refused has a place."""
    folder = write(tmp_path_factory.mktemp("extract"), patient(), observation(), half())
    file = file_of(folder, table)
    start = (file.read_bytes().index(b"\n") + 1) * header
    whole = file.read_bytes()
    file.write_bytes(whole[:start] + content + whole[start + cut :])

    problems, damaged = told_of(folder)

    assert len(problems) >= damaged
    assert all(problem.at for problem in problems)


def told_of(folder: Path) -> tuple[list[Problem], int]:
    """Everything found wrong with an extract, and how many rows of it the first pass could not read."""
    try:
        extract = open_extract(folder)
        survey = extract.prescan(Known(), Context())
        chunks = list(extract.chunks(survey))
    except IntakeError as refusal:
        return list(refusal.problems), 1
    return [problem for chunk in chunks for problem in chunk.problems], survey.damaged


# When the time of what is held is over


async def test_what_waited_too_long_is_listed_once_and_waits_on(
    store: Store, tmp_path: Path, clock: Clock
) -> None:
    """A person hears of it, and the missing row may still come."""
    await read(store, write(tmp_path / "1", observation()))
    early = await store.run(lapse)
    clock.forward(14 * DAY)
    listed = await store.run(lapse)
    again = await store.run(lapse)
    late = await read(store, write(tmp_path / "2", patient(), day=20))

    assert (early, again) == ((), ())
    (one,) = listed
    assert (one.practice, str(one.problem)) == (
        "ZZ9901",
        "emis-patient-unknown at CareRecord_Observation row 2, extract 20260302021500",
    )
    assert late.kinds == ["referred"]


async def test_waiting_ends_after_three_months(store: Store, tmp_path: Path, clock: Clock) -> None:
    """Nothing of a person is held for ever for want of a row; looking at it again does not lengthen it."""
    await read(store, write(tmp_path / "1", observation()))
    clock.forward(14 * DAY)
    await store.run(lapse)
    await read(store, write(tmp_path / "2", day=18))
    clock.forward(76 * DAY)
    ended = await store.run(lapse)

    assert ended == ()
    assert await store.read(lambda tx: get(tx, "emis.waiting", key("practice"), key("entry"))) is None


@pytest.mark.parametrize(("ubrn", "codes"), [("", ["emis-half-alone"]), ("000104458254", [])])
async def test_a_half_whose_entry_never_came_is_listed_and_dropped(
    store: Store, tmp_path: Path, clock: Clock, ubrn: str, codes: list[str]
) -> None:
    """But for those of the e-Referral Service, which adds its number to rows that are not sent again."""
    await read(store, write(tmp_path / "1", patient(), half(ReferralUBRN=ubrn)))
    clock.forward(30 * DAY)

    assert [one.problem.code for one in await store.run(lapse)] == codes
    assert await store.read(lambda tx: get(tx, "emis.half", key("practice"), key("entry"))) is None


# The mapping


def test_every_column_that_is_read_is_mapped_or_ignored_with_a_reason() -> None:
    """A column nobody thought of would go nowhere in silence."""
    known = set(MAPPING.known)
    missing = [
        f"{alias}.{column}"
        for alias, table in ALIASES.items()
        for column in table.columns
        if (alias, column) not in known and (alias, "") not in known
    ]

    assert missing == []


async def test_a_column_that_a_mapping_forgets_is_reported(store: Store, tmp_path: Path) -> None:
    """By its name, which is ours; never by what it holds."""
    source = load(ROOT / "mappings" / "sources")["emis"]
    fewer = tuple(path for path in source.mapping.known if path != ("Observation", "AssociatedText"))
    forgetful = replace(source.mapping, known=fewer)
    came = await read(store, write(tmp_path / "1", patient(), observation()), mapping=forgetful)

    assert came.readings[0].unmapped == ("Observation.AssociatedText",)


def test_an_extract_is_no_message() -> None:
    """A door that takes single messages says so, and keeps a receipt."""
    source = load(ROOT / "mappings" / "sources")["emis"]

    with pytest.raises(Unreadable) as caught:
        next(source.read(b"x", arrived=None))  # type: ignore[arg-type]
    assert [p.code for p in caught.value.problems] == ["emis-not-a-message"]
