"""EMIS extracts by the drop folder: each case becomes what the generator says, and nothing else is kept."""

import asyncio
import csv
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.simulators.emis import Fate, Plan, Truth, everyone, known_by
from bridge.simulators.emis_cases import Becomes, Case
from bridge.simulators.emis_tables import Version
from bridge.sources.emis_tables import IN_ORDER
from tests.journeys.conftest import Ground
from tests.journeys.surgery import Surgery, bare, key_of, surgeries

PLAN = Plan(seed=11, referrals=2, noise_rows=60, patients=12)
FLAGGED = (Case.CONFIDENTIAL_PATIENT, Case.S_FLAG, Case.DUMMY)


@pytest.fixture
async def surgery(ground: Ground) -> AsyncIterator[Callable[..., Surgery]]:
    """Makes practices; their bridges are closed at the end."""
    async with surgeries(ground, PLAN) as make:
        yield make


SHOULD: dict[Becomes, tuple[str, str, str]] = {
    Becomes.FORWARDED: ("applied", "", "active"),
    Becomes.CHANGED: ("applied", "", "active"),
    Becomes.SAME: ("duplicate", "repeated", "active"),
    Becomes.UNREADABLE: ("parked", "emis-row-columns", ""),
    **dict.fromkeys((Becomes.ECHO, Becomes.WAITING, Becomes.WITHHELD, Becomes.IGNORED), ("", "", "")),
}
"""State and code of the newest event of its key, and the status at the service; "" for none."""

SHOULD_CASE: dict[tuple[Case, Becomes], tuple[str, str, str]] = {
    (Case.DELETED, Becomes.CLOSED): ("applied", "cancelled", "revoked"),
    (Case.DECLINED, Becomes.CLOSED): ("applied", "declined", "revoked"),
    (Case.MOVED, Becomes.PARKED): ("parked", "key-moved-patient", "revoked"),
}


def should(fate: Fate) -> tuple[str, str, str]:
    """What must have become of a fate."""
    said = SHOULD_CASE.get((fate.case, fate.becomes)) or SHOULD.get(fate.becomes)
    return said or (fate.becomes.value, fate.reason, "")


async def became(practice: Surgery, fate: Fate) -> tuple[str, str, str]:
    """What became of it: the newest event of its key, or of its row, and its status at the service."""
    at_row = f"CareRecord_Observation row {fate.row}"
    wanted = {(key_of(fate), None), ("", at_row if fate.becomes is Becomes.UNREADABLE else "-")}
    mine = [e for e in await practice.events() if {(e["key_id"], None), ("", e["position"])} & wanted]
    if not mine:
        return ("", "", "")
    newest = mine[-1]
    there = practice.at_service().get(newest["referral_id"] or "")
    return (newest["state"], newest["code"], there["status"] if there else "")


def named(truth: Truth) -> dict[str, Fate]:
    """The fates of a day by a name of their own."""
    return {f"{n} {fate.case} {fate.becomes}": fate for n, fate in enumerate(truth.fates)}


async def check_days(practice: Surgery, days: int) -> list[Truth]:
    """So many days arrive, each judged by its truth."""
    seen = []
    for number in range(1, days + 1):
        truth = await practice.day(number)
        seen.append(truth)

        became_of = {name: await became(practice, fate) for name, fate in named(truth).items()}
        assert became_of == {name: should(fate) for name, fate in named(truth).items()}
    return seen


@pytest.mark.parametrize("version", ["8.2", "5.1"])
async def test_every_case_becomes_what_it_should(surgery: Callable[..., Surgery], version: Version) -> None:
    """Three days of every case, each day judged in the events and at the service, one referral for each."""
    plan = Plan(seed=11, referrals=2, noise_rows=60, patients=12, version=version)
    practice = await surgery(plan).open()
    days = await check_days(practice, 3)

    there = Counter(s for truth in days for s in (should(f)[2] for f in truth.of(Becomes.FORWARDED)))
    revoked = sum(should(f)[2] == "revoked" for truth in days for f in truth.fates)
    assert practice.statuses() == Counter(active=there["active"] - revoked, revoked=revoked)


@pytest.mark.postgres
async def test_postgresql_comes_to_the_same(surgery: Callable[..., Surgery], postgres_url: str) -> None:
    """The other database, same truth."""
    practice = await surgery(changes={"database": postgres_url}).open()

    await check_days(practice, 2)


async def test_the_verdict_counts_what_became_of_the_rows(surgery: Callable[..., Surgery]) -> None:
    """Whoever delivers the files reads the tally beside them, without a look into the database."""
    practice = await surgery().open()
    truth = await practice.day(1)
    (verdict,) = practice.verdicts("done")
    counts = verdict["counts"]

    states = Counter(f"event.{should(fate)[0]}" for fate in truth.fates if should(fate)[0])
    assert {name: n for name, n in counts.items() if name.startswith("event.")} == states
    reasons = Counter(f"{f.becomes}.{f.reason}" for f in truth.of(Becomes.NOT_SENT, Becomes.PARKED))
    assert {name: counts[name] for name in reasons} == reasons
    assert counts["rows"] == sum(rows_of(practice, table.name) for table in IN_ORDER)
    assert (verdict["state"], counts["unreadable"]) == ("done", 1)


async def test_a_row_that_cannot_be_read_is_told_by_table_and_row(surgery: Callable[..., Surgery]) -> None:
    """In the verdict and on the list of what is parked, while the rest of the file goes on."""
    practice = await surgery().open()
    truth = await practice.day(1)
    (fate,) = truth.of(Becomes.UNREADABLE)
    (verdict,) = practice.verdicts("done")

    (problem,) = [p for p in verdict["problems"] if p["code"] == "emis-row-columns"]
    assert problem["at"] == f"CareRecord_Observation row {fate.row}"


def rows_of(practice: Surgery, table: str) -> int:
    """How many rows the one extract that was read has of a table."""
    (file,) = practice.folder.glob(f"done/*/*_{table}_2*.csv")
    with file.open(encoding="utf-8", newline="") as opened:
        return sum(1 for _ in csv.reader(opened)) - 1


async def test_what_is_known_of_people_is_what_the_extract_says(surgery: Callable[..., Surgery]) -> None:
    """For the last look: who died, who is registered; nobody who must not be kept."""
    practice = await surgery().open()
    truth = await practice.day(1)
    people = await practice.people()

    flagged = [fate for fate in truth.fates if fate.case in FLAGGED]
    wrote_a_patient = PLAN.patients + len(truth.fates) - len(flagged)
    assert len(people) == wrote_a_patient
    assert sum(person["deceased"] for person in people) == 1
    assert {person["practice"] for person in people} == {"ZZ9901"}
    assert all(person["registered"] for person in people)


async def test_the_feed_of_the_practice_is_alive(surgery: Callable[..., Surgery]) -> None:
    """As of the midnight that begins the extract's day; the last look asks for it."""
    practice = await surgery().open()
    await practice.day(1)
    extract = next((practice.folder / "done").iterdir()).name

    assert await practice.feed_of("ZZ9901") == "2026-03-02T00:00:00+00:00"
    assert extract.startswith("20260302")


async def test_nothing_is_kept_of_those_who_must_not_be(surgery: Callable[..., Surgery]) -> None:
    """Of confidential, S-flagged and dummy patients a mark, of confidential entries nothing at all."""
    practice = await surgery().open()
    days = [await practice.day(number) for number in (1, 2)]
    kept = b"\n".join(await practice.opened_texts())
    withheld = [fate for truth in days for fate in truth.of(Becomes.WITHHELD)]
    numbers = [fate.nhs_number for fate in withheld if fate.case in FLAGGED]

    assert len(numbers) == 6
    assert [number for number in numbers if number.encode() in kept] == []
    assert [fate.case for fate in withheld if bare(fate.observation).encode() in kept] == []
    marks = [
        await practice.held("emis.patient", f.organisation, f.patient) for f in withheld if f.case in FLAGGED
    ]
    assert [sorted(mark.fields) for mark in marks if mark] == [["Withheld"]] * 6


async def test_no_file_of_the_bridge_shows_a_person(surgery: Callable[..., Surgery]) -> None:
    """Neither the database nor a verdict holds an NHS number or a GUID that can be read without the key."""
    practice = await surgery().open()
    truth = await practice.day(1)
    people = [person for _, person in zip(range(known_by(PLAN, 1)), everyone(PLAN), strict=False)]
    clear = [person.nhs_number for person in people] + [bare(fate.patient) for fate in truth.fates]
    await practice.close()
    data = practice.ground.folder / "var"
    files = [f for f in (*data.iterdir(), *practice.folder.glob("*/*/verdict.json")) if f.is_file()]
    bytes_of = {file.name: file.read_bytes() for file in files}

    assert len(bytes_of) > 2
    assert [name for name, held in bytes_of.items() for text in clear if text.encode() in held] == []


async def test_files_go_when_their_time_is_over_and_the_verdict_stays(
    surgery: Callable[..., Surgery],
) -> None:
    """They hold a whole practice in clear. What waits for a person stays; held, all stays."""
    practice = await surgery().open()
    await practice.day(1)
    parked = practice.folder / "parked" / "20260303-1"
    parked.mkdir(parents=True)
    for name in ("verdict.json", "rows.csv"):
        (parked / name).write_text("{}")
    (done,) = (practice.folder / "done").iterdir()

    async def left(**terms: Any) -> set[str]:
        stop = asyncio.Event()
        cleaning = asyncio.create_task(replace(practice.watch, **terms).clean(stop))
        await asyncio.sleep(0)
        stop.set()
        await cleaning
        return {file.suffix for file in done.iterdir()}

    young = await left(keep_s=3600)
    held = await left(keep_s=0, full=lambda: "held")
    over = await left(keep_s=0)

    assert (young, held, over) == ({".csv", ".json"}, {".csv", ".json"}, {".json"})
    assert {file.name for file in parked.iterdir()} == {"verdict.json", "rows.csv"}


async def test_a_practice_in_shadow_sends_nothing(surgery: Callable[..., Surgery]) -> None:
    """Everything is computed and reported; no partner hears of anyone."""
    practice = await surgery(mode="shadow").open()
    for number in (1, 2):
        await practice.day(number)
    referrals = await practice.referrals()

    assert list(practice.ground.service.seen) == []
    assert list(practice.ground.record.seen) == []
    assert referrals
    assert all(row["shadow"] for row in referrals)
