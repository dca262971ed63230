"""Mappings and schemes read anew: all of them or none, without a restart and without a lost referral."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bridge.app import Bridge
from bridge.domain.journey import EventState
from bridge.errors import ConfigError
from bridge.store import audit, reports
from bridge.store.audit import Hand
from bridge.store.tables import event
from tests.journeys.conftest import OPERATOR_KEY, Ground, Site
from tests.journeys.test_json_event import an_event
from tests.journeys.test_replay import a_run, carry_out, outcomes_of

OVERLAY = """
version = {version}
extends = "hub"
practices = ["A99999"]
[codes.urgency]
"soonish" = "{meaning}"
"""
HUB = """
version = {version}
format = "json"
[fields]
event.kind = {{ at = "$.type" }}
event.record = {{ at = "$.id" }}
event.version = {{ at = "$.version" }}
event.extracted_at = {{ at = "$.time" }}
practice.ods = {{ at = "$.practice.ods_code", required = true }}
patient.nhs_number = {{ at = "$.patient.nhs_number" }}
patient.family = {{ at = "$.patient.family" }}
patient.birth_date = {{ at = "$.patient.birth_date" }}
referral.requested.snomed = {{ at = "$.referral.requested.snomed" }}
referral.priority = {{ at = "$.referral.priority", codes = "urgency" }}
[codes.urgency]
"routine" = "{routine}"
"""


def hand(bridge: Bridge) -> Hand:
    """Who reloads."""
    return Hand(actor="test", why="a new code", node="test", chain=bridge.chain)


def write(site_folder: Path, *, version: int = 1, routine: str = "routine", overlay: str = "") -> None:
    """The site's own mapping, and an overlay of one practice."""
    sources = site_folder / "mappings" / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    (sources / "hub.toml").write_text(HUB.format(version=version, routine=routine), "utf-8")
    if overlay:
        (sources / "leeds.toml").write_text(OVERLAY.format(version=version, meaning=overlay), "utf-8")


@pytest.fixture
async def hub(ground: Ground, open_site: Any) -> Site:
    """A site with a mapping of its own."""
    write(ground.folder)
    callers = ground.settings().callers
    mine = callers[0].model_copy(update={"sources": ("hub", "json-event")})
    found: Site = await open_site(callers=(mine, *callers[1:]))
    return found


async def post(site: Site, record: str, priority: str = "routine", number: str = "9990000018") -> Any:
    """One event in the hub's format; what the bridge answers."""
    patient = an_event()["patient"] | {"nhs_number": number}
    referral = an_event()["referral"] | {"priority": priority}
    return await site.post("/events/hub", an_event(id=record, patient=patient, referral=referral))


async def mapping_of(site: Site, answer: Any) -> str:
    """The mapping that a kept message was translated by."""
    story = await site.get(answer.headers["Location"], OPERATOR_KEY)
    return str(story.json()["mapping"])


async def test_a_new_mapping_counts_from_the_next_message_on(hub: Site, ground: Ground) -> None:
    """And each message remembers which one translated it."""
    first = await post(hub, "R-1")
    write(ground.folder, version=2, routine="urgent")
    in_force = await hub.bridge.reload(hand(hub.bridge))
    second = await post(hub, "R-2", number="9990000026")
    await hub.drain()

    assert in_force.mappings["hub"] == "hub@2"
    assert [await mapping_of(hub, answer) for answer in (first, second)] == ["hub@1", "hub@2"]
    assert sorted(r["priority"] for r in hub.service.resources("ServiceRequest")) == ["routine", "urgent"]


async def test_a_practice_overlay_comes_and_changes(hub: Site, ground: Ground) -> None:
    """A code of one practice needs no restart."""
    refused = await post(hub, "R-1", "soonish")
    write(ground.folder, overlay="asap")
    await hub.bridge.reload(hand(hub.bridge))
    taken = await post(hub, "R-1", "soonish")
    await hub.drain()

    assert (refused.status_code, taken.status_code) == (422, 202)
    assert [r["priority"] for r in hub.service.resources("ServiceRequest")] == ["asap"]


async def test_a_code_that_nobody_mapped_is_on_the_list_of_its_practice(hub: Site) -> None:
    """Counted by practice and reason, so that whoever keeps the mapping sees which practice needs a line."""
    await post(hub, "R-1", "soonish")
    await post(hub, "R-2", "whenever", number="9990000026")
    (told,) = await hub.bridge.store.read(
        lambda tx: reports.report(tx, since=0, practice="A99999", quiet_days=28)
    )

    assert [(reason.code, reason.n) for reason in told.refused] == [("code-not-in-table", 2)]


async def test_what_goes_nowhere_is_counted_by_its_system(hub: Site) -> None:
    """A rising number says that a system sends more than its mapping knows; no field or value is named."""
    await post(hub, "R-1")
    told = (await hub.get("/metrics", OPERATOR_KEY)).text
    (line,) = [line for line in told.splitlines() if line.startswith("bridge_unmapped_fields_total{")]

    assert line.startswith('bridge_unmapped_fields_total{source="hub"} ')
    assert float(line.rpartition(" ")[2]) > 0


async def test_a_mapping_that_a_caller_sends_by_is_not_taken_away(hub: Site, ground: Ground) -> None:
    """Its messages would be turned away from then on; the rules that are in force stay."""
    (ground.folder / "mappings" / "sources" / "hub.toml").unlink()
    with pytest.raises(ConfigError) as refused:
        await hub.bridge.reload(hand(hub.bridge))
    answer = await post(hub, "R-1")

    assert [(p.code, p.rule) for p in refused.value.problems] == [("caller-source", "hub")]
    assert answer.status_code == 202


async def test_wrong_rules_change_nothing_and_are_all_told(hub: Site, ground: Ground) -> None:
    """One wrong file keeps the right ones out too; every problem of every file is named with its line."""
    write(ground.folder, version=2, routine="whenever", overlay="never")
    scheme = ground.folder / "mappings" / "schemes" / "journey.toml"
    scheme.write_text(scheme.read_text().replace('mode = "live"', 'mode = "alive"'))
    with pytest.raises(ConfigError) as refused:
        await hub.bridge.reload(hand(hub.bridge))
    answer = await post(hub, "R-1")

    assert {Path(p.at.split(":")[0]).name for p in refused.value.problems} == {
        "hub.toml",
        "leeds.toml",
        "journey.toml",
    }
    assert await mapping_of(hub, answer) == "hub@1"
    assert hub.bridge.context.rulebook.by_name("journey") is not None


async def test_a_scheme_changes_what_is_sent(hub: Site, ground: Ground) -> None:
    """A practice that was set to shadow sends nothing more, at the last look already."""
    await post(hub, "R-1")
    ground.settings(mode="shadow")
    await hub.bridge.reload(hand(hub.bridge))
    await hub.drain()

    assert hub.service.resources("ServiceRequest") == []


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('name = "journey"', 'name = "other"', "reload-scheme-gone"),
        ("/fhir", "/other", "reload-needs-restart"),
        ('name = "record"\nendpoint', 'name = "elsewhere"\nendpoint', "reload-needs-restart"),
    ],
    ids=["a scheme taken away", "an address", "another partner"],
)
async def test_what_is_wired_at_start_is_not_changed_under_way(
    hub: Site, ground: Ground, old: str, new: str, code: str
) -> None:
    """The word is to restart; the old rules go on."""
    scheme = ground.folder / "mappings" / "schemes" / "journey.toml"
    text = scheme.read_text().replace(old, new)
    if "elsewhere" in new:
        text = text.replace('record = "record"', 'record = "elsewhere"')
    scheme.write_text(text)
    with pytest.raises(ConfigError) as refused:
        await hub.bridge.reload(hand(hub.bridge))

    assert code in {problem.code for problem in refused.value.problems}
    assert (await post(hub, "R-1")).status_code == 202


async def test_a_reload_is_audited(hub: Site) -> None:
    """Who changed the rules, and why."""
    await hub.bridge.reload(hand(hub.bridge))
    rows = await hub.bridge.store.read(lambda tx: audit.rows(tx, "test"))

    assert [(row["actor"], row["action"], row["why"]) for row, _ in rows] == [
        ("test", "reload", "a new code")
    ]


async def test_health_tells_the_versions_in_force(hub: Site, ground: Ground) -> None:
    """Whoever asks which mapping and which scheme count is told the newest."""
    write(ground.folder, version=7)
    scheme = ground.folder / "mappings" / "schemes" / "journey.toml"
    scheme.write_text(
        re.sub(r'^version = ".*"', 'version = "2026-11"', scheme.read_text(), flags=re.MULTILINE)
    )
    await hub.bridge.reload(hand(hub.bridge))
    checks = (await hub.get("/health", OPERATOR_KEY)).json()["checks"]
    told = {(check["name"], check["of"]): check["value"] for check in checks if "version" in check["name"]}

    assert told["mapping:version", "hub"] == "hub@7"
    assert told["scheme:version", "journey"] == "2026-11"


async def test_an_event_remembers_the_overlay_that_read_it(hub: Site, ground: Ground) -> None:
    """To read as of then, base and overlay have to be those of then."""
    write(ground.folder, overlay="asap")
    await hub.bridge.reload(hand(hub.bridge))
    answer = await post(hub, "R-1", "soonish")
    message = answer.headers["Location"].rpartition("/")[2]
    story = await hub.get(answer.headers["Location"], OPERATOR_KEY)
    (ground.folder / "mappings" / "sources" / "leeds.toml").write_text(
        OVERLAY.format(version=2, meaning="urgent"), "utf-8"
    )
    same = await carry_out(hub, a_run(only=message, mapping="then"))
    await hub.bridge.reload(hand(hub.bridge))
    other = await carry_out(hub, a_run(only=message, mapping="then"))

    assert [event["mapping"] for event in story.json()["events"]] == ["hub@1+leeds@1"]
    assert outcomes_of(same) == [("duplicate", "")]
    assert outcomes_of(other) == [("skipped", "mapping-not-kept")]


async def test_reloading_under_load_loses_nothing(hub: Site, ground: Ground) -> None:
    """Every event is answered as good, whichever version translated it."""
    numbers = [
        f"{999_000_000 + n}{_check(999_000_000 + n)}" for n in range(60) if _check(999_000_000 + n) < 10
    ]
    sending = [asyncio.create_task(post(hub, f"R-{n}", number=number)) for n, number in enumerate(numbers)]
    for version in range(2, 12):
        write(ground.folder, version=version)
        await hub.bridge.reload(hand(hub.bridge))
    answers = await asyncio.gather(*sending)
    applied = select(event.c.id).where(event.c.state == EventState.APPLIED.value)
    kept = await hub.bridge.store.read(lambda tx: tx.run(applied).all())

    assert {answer.status_code for answer in answers} == {202}
    assert len(kept) == len(numbers)


def _check(nine: int) -> int:
    """The check digit of an NHS number; 10 for none."""
    digits = [int(d) for d in str(nine)]
    return (11 - sum(d * w for d, w in zip(digits, range(10, 1, -1), strict=True)) % 11) % 11


PATH = str(Path(__file__).resolve().parents[2])


@dataclass(frozen=True)
class Served:
    """A bridge as `bridge serve` runs it."""

    ground: Ground
    process: "subprocess.Popen[bytes]"

    async def until(self, words: bytes) -> bytes:
        """The first line of its log that has these words."""
        assert self.process.stderr
        while words not in (line := await asyncio.to_thread(self.process.stderr.readline)):
            assert self.process.poll() is None
        return line


def environment(ground: Ground) -> dict[str, str]:
    """Where a command finds the site."""
    return {"BRIDGE_CONFIG": str(ground.folder / "bridge.toml"), "PYTHONPATH": PATH, "COLUMNS": "300"}


@pytest.fixture
def served(ground: Ground) -> Iterator[Served]:
    """A bridge as a process of its own."""
    settings = ground.settings()
    (ground.folder / "bridge.toml").write_text(
        f'base = "https://bridge.test"\ndata = "{settings.data}"\nmappings = "mappings"\n[http]\nport = 0\n'
    )
    words = [sys.executable, "-m", "bridge", "serve"]
    with subprocess.Popen(
        words, cwd=ground.folder, stderr=subprocess.PIPE, env=environment(ground)
    ) as running:
        yield Served(ground, running)
        running.terminate()
        running.communicate(timeout=30)


async def test_a_signal_reloads_and_the_command_says_what_is_wrong(ground: Ground, served: Served) -> None:
    """SIGHUP for those who edit files, `bridge reload` for those who want to read the outcome."""
    await served.until(b"bridge started")
    write(ground.folder)
    served.process.send_signal(signal.SIGHUP)
    await served.until(b"read anew")
    good = await command(ground)
    write(ground.folder, routine="whenever")
    bad = await command(ground)

    assert (good.returncode, b"hub@1" in good.stdout.replace(b" ", b"")) == (0, True)
    assert (bad.returncode, b"hub.toml" in bad.stderr) == (2, True)


async def command(ground: Ground) -> "subprocess.CompletedProcess[bytes]":
    """`bridge reload` in that site."""
    words = [sys.executable, "-m", "bridge", "reload", "--why", "test"]
    return await asyncio.to_thread(
        subprocess.run, words, cwd=ground.folder, env=environment(ground), capture_output=True, check=False
    )
