"""Extracts as they really come: in parts, cut, twice, late, from a feed gone wrong, and amid a crash."""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bridge.simulators import gp
from bridge.simulators.emis import Plan
from bridge.simulators.emis_cases import Case
from bridge.simulators.loopback import running
from bridge.store import Store, views
from bridge.store.unit import Work
from tests.journeys.conftest import Ground
from tests.journeys.surgery import Surgery, surgeries
from tests.sources.emis_site import BACKGROUND, agreement, deleted, half, observation, patient

T = TypeVar("T")
PLAN = Plan(seed=5, referrals=3, noise_rows=20, patients=5)
PEOPLE = [f"9990000{n:03}" for n in (18, 26, 34, 42, 50, 69, 77, 85, 93, 107)]  # synthetic


@pytest.fixture
async def surgery(ground: Ground) -> AsyncIterator[Callable[..., Surgery]]:
    """Makes practices; their bridges are closed at the end."""
    async with surgeries(ground, PLAN) as make:
        yield make


# Whole or not


async def test_an_extract_is_taken_when_its_last_table_is_there(surgery: Callable[..., Surgery]) -> None:
    """Not before: the tables of one moment belong together."""
    practice = await surgery().open()
    await practice.day(1, held_back={"Admin_Patient"})
    before = await practice.events()
    gp.finish(practice.folder)
    await practice.read()

    assert before == []
    assert len(practice.verdicts("done")) == 1
    assert practice.statuses()["active"] > 0


async def test_a_file_that_still_grows_is_waited_for(surgery: Callable[..., Surgery]) -> None:
    """A transfer that writes in place is over when nobody has written for a while."""
    practice = await surgery().open()
    gp.drop(practice.folder, PLAN, 1)
    slow = replace(practice.watch, settled_s=60)

    assert await slow.import_next() is False
    assert practice.verdicts("done") == []


async def test_a_file_from_the_future_is_not_waited_for_till_then(surgery: Callable[..., Surgery]) -> None:
    """The clock of this machine went back since it came, or the one that wrote it is ahead."""
    practice = await surgery().open()
    gp.drop(practice.folder, PLAN, 1)
    later = time.time() + 3 * 3600
    for file in practice.folder.glob("*.csv"):
        os.utime(file, (later, later))

    assert await practice.watch.import_next()
    assert len(practice.verdicts("done")) == 1


@pytest.mark.parametrize("table", ["CareRecord_Observation", "Admin_Patient", "Coding_ClinicalCode"])
async def test_a_cut_file_refuses_the_whole_extract(surgery: Callable[..., Surgery], table: str) -> None:
    """Half of a practice's referrals would be missing, and nobody would know; whole, it is then read."""
    practice = await surgery().open()
    await practice.day(1, cut=table)
    (refused,) = practice.verdicts("refused")
    nothing = (await practice.referrals(), practice.at_service())
    await practice.day(1)

    assert [(p["code"], p["at"].partition(" ")[0]) for p in refused["problems"]] == [("emis-file-cut", table)]
    assert nothing == ([], {})
    assert practice.statuses()["active"] > 0


async def test_a_refused_extract_has_a_receipt(surgery: Callable[..., Surgery]) -> None:
    """The message that was kept of it says why, and where, for whoever asks later."""
    practice = await surgery().open()
    await practice.day(1, cut="CareRecord_Observation")
    (refused,) = practice.verdicts("refused")
    story = await practice.bridge.store.read(lambda tx: views.message_story(tx, refused["message_id"]))

    assert story is not None
    assert [(e["kind"], e["state"], e["code"]) for e in story["events"]] == [
        ("extract", "refused", "emis-file-cut")
    ]


async def test_encrypted_files_are_refused_in_words(surgery: Callable[..., Surgery]) -> None:
    """The bridge holds no key for them; it does not wait for ever either."""
    practice = await surgery().open()
    gp.drop(practice.folder, PLAN, 1)
    for file in practice.folder.glob("*.csv"):
        file.rename(f"{file}.gpg")
    await practice.read()
    (refused,) = practice.verdicts("refused")

    assert {p["code"] for p in refused["problems"]} >= {"emis-encrypted"}
    assert list(practice.folder.glob("*.gpg")) == []


async def test_a_newer_extract_waits_for_an_older_that_is_still_arriving(
    surgery: Callable[..., Surgery],
) -> None:
    """Else the older would be refused as soon as it is whole, and its referrals would be missing."""
    practice = await surgery().open()
    await practice.day(1, held_back={"Admin_Patient"})
    await practice.day(2)
    waited = practice.verdicts("done")
    gp.finish(practice.folder)
    await practice.read()

    assert waited == []
    assert [v["state"] for v in practice.verdicts("done")] == ["done", "done"]
    assert practice.verdicts("refused") == []


async def test_an_older_extract_that_never_gets_whole_is_told_of_and_given_up(
    surgery: Callable[..., Surgery], caplog: pytest.LogCaptureFixture
) -> None:
    """After an hour in the log; after a day the newer ones go on without it."""
    practice = await surgery().open()
    await practice.day(1, held_back={"Admin_Patient"})
    long_ago = time.time() - 90_000
    for file in practice.folder.glob("*.csv"):
        os.utime(file, (long_ago, long_ago))
    await practice.day(2)

    told = [r.__dict__["fields"] for r in caplog.records if r.__dict__.get("event") == "batch_late"]
    assert told == [{"source": "emis", "stamp": "20260302021500", "missing": 1}]
    assert [v["state"] for v in practice.verdicts("done")] == ["done"]


async def test_files_that_belong_to_no_extract_are_told_of_once(
    surgery: Callable[..., Surgery], caplog: pytest.LogCaptureFixture
) -> None:
    """After an hour: a copy under way has another name for a while, and goes away again."""
    practice = await surgery().open()
    practice.folder.mkdir(parents=True, exist_ok=True)
    for name in ("referral.hl7", "2_Admin_Patient.csv", "on-its-way.part"):
        (practice.folder / name).write_text("x", "utf-8")
    long_ago = time.time() - 4_000
    for name in ("referral.hl7", "2_Admin_Patient.csv"):
        os.utime(practice.folder / name, (long_ago, long_ago))
    await practice.day(1)
    await practice.day(2)

    told = [r.__dict__["fields"] for r in caplog.records if r.__dict__.get("event") == "files_stray"]
    assert told == [{"source": "emis", "files": 2}]
    assert [v["state"] for v in practice.verdicts("done")] == ["done", "done"]


# Again, and out of order


async def test_the_same_extract_twice_is_repeated(surgery: Callable[..., Surgery]) -> None:
    """Nothing of it is looked into a second time."""
    practice = await surgery().open()
    await practice.day(1)
    before = (await practice.events(), practice.at_service())
    await practice.day(1)

    assert [v["state"] for v in practice.verdicts("done")] == ["done", "repeated"]
    assert (await practice.events(), practice.at_service()) == before


async def test_other_content_under_the_same_names_is_refused(surgery: Callable[..., Surgery]) -> None:
    """One of the two is wrong, and nobody here can know which."""
    practice = await surgery().open()
    await practice.day(1)
    gp.drop(practice.folder, replace(PLAN, noise_rows=40), 1)
    await practice.read()
    (refused,) = practice.verdicts("refused")

    assert [p["code"] for p in refused["problems"]] == ["extract-changed"]


async def test_an_extract_older_than_the_last_is_refused(surgery: Callable[..., Surgery]) -> None:
    """It would undo what the newer one said."""
    practice = await surgery().open()
    await practice.day(2)
    before = practice.statuses()
    await practice.day(1)
    (refused,) = practice.verdicts("refused")

    assert [p["code"] for p in refused["problems"]] == ["emis-batch-old"]
    assert practice.statuses() == before


async def test_an_extract_of_a_year_to_come_is_refused_and_the_right_one_read(
    surgery: Callable[..., Surgery],
) -> None:
    """Once read, it would have made every right one older, and the feed silent, until that year."""
    ahead = datetime.now(UTC).date() + timedelta(days=30)
    practice = await surgery(replace(PLAN, start=ahead)).open()
    await practice.day(1)
    (refused,) = practice.verdicts("refused")
    practice.plan = PLAN
    await practice.day(1)

    assert [p["code"] for p in refused["problems"]] == ["emis-batch-ahead"]
    assert practice.statuses()["active"] > 0


async def test_a_full_extract_of_what_is_known_says_nothing_new(surgery: Callable[..., Surgery]) -> None:
    """The supplier sends everything again: each referral is met as a repeat, and nothing is sent."""
    cases = {
        case: 1 for case in Case if case not in (Case.UNREADABLE, Case.REFERRAL_HALF_FIRST, Case.LATE_CODE)
    }
    practice = await surgery(replace(PLAN, cases=cases)).open()
    await practice.day(1)
    sent = len(practice.ground.service.seen)
    states = Counter(row["state"] for row in await practice.referrals())
    for file in practice.folder.glob("done/*/*.csv"):
        again = file.name.replace("_20260302", "_20260309")
        (practice.folder / again).write_bytes(file.read_bytes())
    await practice.read()
    counts = practice.verdicts("done")[-1]["counts"]

    assert {name for name in counts if name.startswith("event.")} == {"event.duplicate"}
    assert len(practice.ground.service.seen) == sent
    assert Counter(row["state"] for row in await practice.referrals()) == states


# Feeds gone wrong


async def many_open(practice: Surgery) -> None:
    """Ten people are referred by the first extract."""
    rows = [
        row
        for name, number in zip("ABCDEFGHIJ", PEOPLE, strict=True)
        for row in (patient(name, NhsNumber=number), observation(f"entry {name}", of=name))
    ]
    await practice.extract(*rows, day=2)


def six_deletes() -> list[Any]:
    """One more than may go unasked."""
    return [deleted(f"entry {name}") for name in "ABCDEF"]


async def test_an_extract_that_cancels_too_many_waits_for_a_person(surgery: Callable[..., Surgery]) -> None:
    """A feed that broke looks like everyone got better; released, it is read."""
    practice = await surgery().open()
    await many_open(practice)
    await practice.extract(*six_deletes(), patient("K"), day=3)
    parked = await practice.bridge.store.read(views.parked)
    waited = (practice.statuses(), [v["state"] for v in practice.verdicts("parked")])
    await practice.release(parked[0]["id"])
    await practice.read()

    assert [(row["what"], row["code"]) for row in parked] == [("event", "extract-cancels-too-many")]
    assert waited == (Counter(active=10), ["parked"])
    assert practice.statuses() == Counter(active=4, revoked=6)
    assert [v["state"] for v in practice.verdicts("done")] == ["done", "done"]
    assert await practice.bridge.store.read(views.parked) == []


async def test_five_cancellations_are_an_ordinary_day(surgery: Callable[..., Surgery]) -> None:
    """Nobody is asked for them."""
    practice = await surgery().open()
    await many_open(practice)
    await practice.extract(*six_deletes()[:5], day=3)

    assert practice.statuses() == Counter(active=5, revoked=5)


async def test_an_extract_in_which_everyone_leaves_waits_too(surgery: Callable[..., Surgery]) -> None:
    """A practice that closes or merges sends no deletes of entries, and yet all referrals would end."""
    practice = await surgery().open()
    await many_open(practice)
    left = [
        patient(name, NhsNumber=number, Deleted="true")
        for name, number in zip("ABCDEF", PEOPLE, strict=False)
    ]
    await practice.extract(*left, day=3)

    assert practice.statuses() == Counter(active=10)
    assert [v["state"] for v in practice.verdicts("parked")] == ["parked"]


async def test_deletes_of_what_has_ended_ask_nobody(surgery: Callable[..., Surgery]) -> None:
    """Only open referrals count: old entries are tidied up all the time."""
    practice = await surgery().open()
    await many_open(practice)
    await practice.extract(*six_deletes()[:5], day=3)
    await practice.extract(*[observation(f"entry {name}", of=name) for name in "ABCDE"], day=4)
    await practice.extract(*six_deletes(), day=5)

    assert practice.verdicts("parked") == []


@pytest.mark.parametrize("flag", ["Disabled", "Deleted"])
async def test_an_agreement_that_is_off_is_an_outage(surgery: Callable[..., Surgery], flag: str) -> None:
    """It is told in the verdict, and the practice's feed grows old; nothing is cancelled."""
    practice = await surgery().open()
    await many_open(practice)
    fresh = await practice.feed_of("ZZ9901")
    off = agreement(**{flag: "true"})
    await practice.extract(*six_deletes(), day=3, background=(off, *BACKGROUND[1:]))
    verdict = practice.verdicts("done")[-1]

    assert practice.statuses() == Counter(active=10)
    assert [p["code"] for p in verdict["problems"]] == ["emis-agreement-off"]
    assert (verdict["counts"]["noted.emis-agreement-off"], verdict["counts"]["agreement-off"]) == (1, 6)
    assert await practice.feed_of("ZZ9901") == fresh


async def test_an_empty_extract_is_an_outage(surgery: Callable[..., Surgery]) -> None:
    """Nobody's rows at all: told, and the feed is not taken to be alive."""
    practice = await surgery().open()
    await many_open(practice)
    fresh = await practice.feed_of("ZZ9901")
    await practice.extract(day=3)
    verdict = practice.verdicts("done")[-1]

    assert [p["code"] for p in verdict["problems"]] == ["emis-extract-empty"]
    assert practice.statuses() == Counter(active=10)
    assert await practice.feed_of("ZZ9901") == fresh


async def test_a_practice_without_news_has_a_feed_that_is_alive(surgery: Callable[..., Surgery]) -> None:
    """An entry of no interest is enough to know that the feed works."""
    practice = await surgery().open()
    await many_open(practice)
    await practice.extract(observation("other", of="A", code="offered"), half("other", of="A"), day=3)

    assert await practice.feed_of("ZZ9901") == "2026-03-03T00:00:00+00:00"


# Crashes


class Killed(BaseException):
    """The process is gone."""


class Dying:
    """The store of a process that dies right after so many commits."""

    def __init__(self, store: Store, commits: int) -> None:
        self.dialect = store.dialect
        self._store = store
        self._left = commits

    async def run(self, work: Work[T]) -> T:
        """Commit, or be dead."""
        if self._left == 0:
            raise Killed
        self._left -= 1
        return await self._store.run(work)

    async def read(self, work: Work[T]) -> T:
        """As it is."""
        return await self._store.read(work)

    async def close(self) -> None:
        """As it is."""
        await self._store.close()


async def read_dying(practice: Surgery) -> int:
    """Read what lies in the folder, by processes that die after one to three commits; how many died."""
    died = 0
    while True:
        importer = practice.watch.importer()
        dying = replace(importer, store=Dying(importer.store, 1 + died % 3))
        mortal = replace(practice.watch, importer=lambda dying=dying: dying)
        try:
            if not await mortal.import_next():
                return died
        except Killed:
            died += 1
        await practice.open()


async def end_state(practice: Surgery) -> dict[str, Any]:
    """What must be the same however often the process died."""
    columns = ("kind", "state", "code", "position", "practice", "key_id", "referral_id")
    events = [tuple(str(e[c]) for c in columns) for e in await practice.events()]
    kept = ("id", "state", "code", "version", "shadow")
    known = await practice.known()
    return {
        "events": sorted(events),
        "referrals": sorted(tuple(row[c] for c in kept) for row in await practice.referrals()),
        "service": {key: resource["status"] for key, resource in practice.at_service().items()},
        "people": sorted((p["registered"], p["deceased"]) for p in await practice.people()),
        "known": [sorted(part) for part in (known.entries, known.waiting, known.halves, known.private)],
    }


async def test_processes_that_die_between_any_two_commits_come_to_the_same_end(
    surgery: Callable[..., Surgery], tmp_path: Path
) -> None:
    """The next run goes on behind the last commit: nothing twice, nothing left out."""
    expected = await undisturbed(tmp_path / "steady")
    mortal = await surgery().open()
    died = 0
    for number in (1, 2):
        gp.drop(mortal.folder, PLAN, number)
        died += await read_dying(mortal)
        await mortal.send()

    assert died > 10
    assert await end_state(mortal) == expected


async def undisturbed(folder: Path) -> dict[str, Any]:
    """What two days come to where nothing dies."""
    folder.mkdir()
    ground = Ground(folder)
    async with running(ground.service.app) as service, running(ground.record.app) as record:
        ground.urls = {"service": service, "record": record}
        async with surgeries(ground, PLAN) as make:
            practice = await make().open()
            for number in (1, 2):
                await practice.day(number)
            return await end_state(practice)


SCRIPT = """
import asyncio, json, os, sys
from pathlib import Path
from bridge.app import open_bridge
from bridge.app.running import drop_folders
from bridge.config import Settings
from bridge.pipeline.importing import import_extract

async def main(settings, folder):
    async with open_bridge(Settings(**json.loads(settings))) as bridge:
        (watch,) = drop_folders(bridge)
        left = [5]
        def progress(read, of):
            left[0] -= 1
            if not left[0]:
                os._exit(9)
        await import_extract(watch.importer(), Path(folder), progress)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_killed_process_leaves_an_extract_that_is_read_to_its_end(
    surgery: Callable[..., Surgery],
) -> None:
    """A real process, gone between two chunks."""
    practice = await surgery().open()
    settings = practice.bridge.settings.model_dump_json()
    await practice.close()
    truth = gp.drop(practice.folder, PLAN, 1)
    working = practice.folder / "working" / "20260302021500-X"
    working.mkdir(parents=True)
    for file in truth.files.values():
        file.rename(working / file.name)
    died = await asyncio.create_subprocess_exec(sys.executable, "-c", SCRIPT, settings, working)
    code = await died.wait()
    await practice.open()
    half_way = (len(await practice.people()) > 0, await practice.events())
    await practice.read()

    assert code == 9
    assert half_way == (True, [])
    assert [v["state"] for v in practice.verdicts("done")] == ["done"]
    assert practice.statuses()["active"] > 8
