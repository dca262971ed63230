"""Back up, run on, lose the machine, put back, reconcile, resume: nothing doubled, the lost is listed."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from bridge.app import open_bridge
from bridge.errors import ConfigError, Conflict
from bridge.security.keyring import create_key_ring, load_key_ring
from bridge.simulators.fhir_server import utc_now
from bridge.simulators.fhir_store import FhirStore
from bridge.simulators.loopback import running
from bridge.simulators.trouble import Step, Trouble
from bridge.store import copying, hold, restoring, views
from bridge.store.audit import Hand
from bridge.store.hold import Hold
from bridge.store.tables import delivery, settled
from tests.journeys.conftest import Ground, Site
from tests.journeys.test_json_event import a_person, an_event, cancel
from tests.journeys.test_replay import NUMBERS

HELD = asdict(Hold(by="op", why="the disk died", at=1, restored=True))


@asynccontextmanager
async def serving(ground: Ground) -> AsyncIterator[Site]:
    """The bridge on its ground until the block ends; opened again it is the same site."""
    async with AsyncExitStack() as stack:
        bridge = await stack.enter_async_context(open_bridge(ground.settings()))
        url = await stack.enter_async_context(running(bridge.http()))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, trust_env=False))
        yield Site(bridge, ground.service, ground.record, client)


def database(ground: Ground) -> Path:
    return ground.folder / "var" / "bridge.sqlite"


def lose(ground: Ground) -> None:
    """The machine is gone with everything since the backup."""
    for file in database(ground).parent.glob("bridge.sqlite*"):
        file.unlink()


def put_back(ground: Ground, file: Path) -> None:
    ring = load_key_ring(f"file:{ground.folder / 'var' / 'keys.json'}")
    copying.put_back(file, database(ground), ring, HELD)


async def verb(site: Site, name: str, **said: Any) -> dict[str, Any]:
    """What a person has the bridge do."""
    hand = Hand(actor="op", why="restore", node="n1", chain=site.bridge.chain)
    return await site.bridge.works.verbs()[name](hand, said)


async def reconcile(site: Site) -> dict[str, str]:
    """By delivery: what its partner knows of it."""
    await site.bridge.store.run(note_newest)
    found: dict[str, str] = {}
    after: str | None = ""
    while after is not None:
        done = await verb(site, "reconcile-step", after=after)
        found |= {each["id"]: each["now"] for each in done["looked"]}
        after = done["after"]
    return found


def note_newest(tx: Any) -> None:
    standing = hold.standing(tx)
    assert standing is not None
    hold.put(tx, Hold(**{**asdict(standing), "newest": restoring.newest(tx)}))


def event(n: int, version: int = 1, priority: str = "routine") -> dict[str, Any]:
    """The n-th referral, of the n-th person."""
    asked = an_event()["referral"] | {"priority": priority}
    return an_event(version, id=f"SPR-{n}", patient=a_person(nhs_number=NUMBERS[n]), referral=asked)


def held_there(ground: Ground) -> dict[str, str]:
    """NHS number and priority of every referral the service holds."""
    people = {f"Patient/{p['id']}": p["identifier"][0]["value"] for p in ground.service.resources("Patient")}
    requests = ground.service.resources("ServiceRequest")
    found = {people[r["subject"]["reference"]]: r["priority"] for r in requests}
    assert len(found) == len(requests)
    return found


async def test_nothing_is_doubled_and_what_was_lost_is_listed(ground: Ground, tmp_path: Path) -> None:
    """The whole story: delivered before the backup, between backup and loss, and never told again."""
    file = tmp_path / "backup.sqlite"
    async with serving(ground) as site:
        await site.post("/events/json-event", event(0))
        await site.post("/events/json-event", event(2))
        await site.drain()
        await site.post("/events/json-event", event(1))  # waits when the backup is made
        await site.post("/events/json-event", event(2, version=2, priority="asap"))  # and so does this change
        copying.back_up(database(ground), file, node="n1")
        await site.drain()
        await site.post("/events/json-event", event(2, version=3, priority="urgent"))
        await site.post("/events/json-event", event(3))
        await site.drain()
        before = held_there(ground)
    lose(ground)
    put_back(ground, file)

    async with serving(ground) as site:
        refused = await site.post("/events/json-event", event(3))
        await site.drain()
        assert refused.status_code == 503
        assert held_there(ground) == before

        with pytest.raises(Conflict):
            await verb(site, "resume", park=False)
        found = await reconcile(site)
        lost = await site.bridge.store.read(restoring.ends)
        states = await site.bridge.store.read(
            lambda tx: tx.run(select(delivery.c.kind, delivery.c.state, delivery.c.code)).all()
        )
        assert sorted(found.values()) == ["delivered", "parked", "there", "there"]
        assert [tuple(row) for row in states] == [("change", "parked", "restored")]
        assert [(row["source"], row["caller"]) for row in lost["senders"]] == [("json-event", "gp")]

        await verb(site, "resume", park=False)
        await site.drain()
        assert held_there(ground) == before
        for told in (event(1), event(2, version=3, priority="urgent"), event(3)):
            await site.post("/events/json-event", told)
        await site.drain()

        assert held_there(ground) == before
        assert await site.bridge.store.read(views.parked) == []
        assert (await site.get("/health")).json()["status"] == "pass"


async def test_what_did_not_arrive_goes_out_the_ordinary_way(ground: Ground, tmp_path: Path) -> None:
    """With the last look, as if it had never been tried."""
    file = tmp_path / "backup.sqlite"
    async with serving(ground) as site:
        await site.post("/events/json-event", event(0))
        copying.back_up(database(ground), file, node="n1")
    lose(ground)
    put_back(ground, file)
    async with serving(ground) as site:
        found = await reconcile(site)
        row = await site.bridge.store.read(
            lambda tx: tx.run(select(delivery.c.state, delivery.c.first_sent_at)).one()
        )
        await verb(site, "resume", park=False)
        await site.drain()

        assert list(found.values()) == ["waiting"]
        assert tuple(row) == ("queued", None)
        assert len(held_there(ground)) == 1


async def test_a_cancel_that_waited_is_delivered_after_all(ground: Ground, tmp_path: Path) -> None:
    """It overwrites nothing that could be newer."""
    file = tmp_path / "backup.sqlite"
    async with serving(ground) as site:
        await site.post("/events/json-event", an_event())
        await site.drain()
        await site.post("/events/json-event", cancel())
        copying.back_up(database(ground), file, node="n1")
    lose(ground)
    put_back(ground, file)
    async with serving(ground) as site:
        await reconcile(site)
        await verb(site, "resume", park=False)
        await site.drain()

        assert [r["status"] for r in ground.service.resources("ServiceRequest")] == ["revoked"]


async def test_a_partner_that_does_not_answer_keeps_the_bridge_held(ground: Ground, tmp_path: Path) -> None:
    """Until it does, or until a person takes on what nobody could look up."""
    file = tmp_path / "backup.sqlite"
    async with serving(ground) as site:
        await site.post("/events/json-event", event(0))
        copying.back_up(database(ground), file, node="n1")
    lose(ground)
    put_back(ground, file)
    async with serving(ground) as site:
        ground.service.script(Step(trouble=Trouble.STATUS, status=503, times=0))
        found = await reconcile(site)
        with pytest.raises(Conflict):
            await verb(site, "resume", park=False)
        lifted = await verb(site, "resume", park=True)
        ground.service.recover()
        await site.drain()

        assert list(found.values()) == ["unlooked"]
        assert lifted["parked"] == 1
        assert held_there(ground) == {}
        assert [row["code"] for row in await site.bridge.store.read(views.parked)] == ["restored"]


async def test_what_a_service_lost_itself_is_told(ground: Ground, tmp_path: Path) -> None:
    """It was delivered in the hour before the backup and is not there any more."""
    file = tmp_path / "backup.sqlite"
    async with serving(ground) as site:
        await site.post("/events/json-event", event(0))
        await site.drain()
        copying.back_up(database(ground), file, node="n1")
    lose(ground)
    put_back(ground, file)
    ground.service.store = FhirStore(now=utc_now)
    async with serving(ground) as site:
        assert list((await reconcile(site)).values()) == ["gone"]


async def test_what_arrived_is_settled_as_if_we_had_heard(ground: Ground, tmp_path: Path) -> None:
    """The service's own ids are noted, so that what it reports is matched."""
    file = tmp_path / "backup.sqlite"
    async with serving(ground) as site:
        await site.post("/events/json-event", event(0))
        copying.back_up(database(ground), file, node="n1")
        await site.drain()
    lose(ground)
    put_back(ground, file)
    async with serving(ground) as site:
        await reconcile(site)
        row = await site.bridge.store.read(lambda tx: tx.run(select(settled)).one())
        story = await site.bridge.store.read(lambda tx: views.referral_story(tx, row.referral_id))

        assert (row.state, row.code, row.reference.split("/")[0]) == (
            "delivered",
            "restored",
            "ServiceRequest",
        )
        assert row.first_sent_at is not None
        assert story is not None
        assert story["service_ref"] == row.reference


async def test_a_backup_is_private_whole_and_holds_no_key(ground: Ground, tmp_path: Path) -> None:
    """One file, made beside a bridge that writes, with the fingerprint of the ring that opens it."""
    file = tmp_path / "backup.sqlite"
    async with serving(ground) as site:
        await site.post("/events/json-event", event(0))
        size = copying.back_up(database(ground), file, node="n1")
    ring = load_key_ring(f"file:{ground.folder / 'var' / 'keys.json'}")
    content = file.read_bytes()

    assert file.stat().st_mode & 0o777 == 0o600
    assert size == len(content)
    assert ring.fingerprint().encode() in content
    assert not any(key.master in content for key in ring.keys)
    assert [name for name in os.listdir(tmp_path) if "backup" in name] == ["backup.sqlite"]  # noqa: PTH208


async def test_a_backup_never_overwrites_one(ground: Ground, tmp_path: Path) -> None:
    """Yesterday's may be the good one."""
    file = tmp_path / "backup.sqlite"
    file.write_bytes(b"yesterday")
    async with serving(ground):
        with pytest.raises(ConfigError):
            copying.back_up(database(ground), file, node="n1")

    assert file.read_bytes() == b"yesterday"


async def test_a_backup_is_not_put_back_under_a_running_bridge(ground: Ground, tmp_path: Path) -> None:
    """Two would serve one file."""
    file = tmp_path / "backup.sqlite"
    async with serving(ground):
        copying.back_up(database(ground), file, node="n1")
        with pytest.raises(ConfigError):
            put_back(ground, file)


async def test_a_backup_of_other_keys_is_refused_and_the_database_stays(
    ground: Ground, tmp_path: Path
) -> None:
    """Nothing of it could be read."""
    file = tmp_path / "backup.sqlite"
    async with serving(ground):
        copying.back_up(database(ground), file, node="n1")
    before = database(ground).read_bytes()
    (ground.folder / "var" / "keys.json").unlink()
    create_key_ring(ground.folder / "var" / "keys.json")
    with pytest.raises(ConfigError):
        put_back(ground, file)

    assert database(ground).read_bytes() == before


@pytest.mark.parametrize("spoil", [slice(5_000), slice(9_000, None)])
async def test_a_damaged_backup_is_refused(ground: Ground, tmp_path: Path, spoil: slice) -> None:
    """Better the old database than half a new one."""
    file = tmp_path / "backup.sqlite"
    async with serving(ground):
        copying.back_up(database(ground), file, node="n1")
    file.write_bytes(file.read_bytes()[spoil])

    with pytest.raises(Exception, match=r"damaged|no backup"):
        put_back(ground, file)
    assert database(ground).exists()


async def test_what_was_there_is_kept_aside(ground: Ground, tmp_path: Path) -> None:
    """Whoever put the wrong file back can go back."""
    file = tmp_path / "backup.sqlite"
    async with serving(ground):
        copying.back_up(database(ground), file, node="n1")
    before = database(ground).read_bytes()
    put_back(ground, file)
    aside = list(database(ground).parent.glob("bridge.sqlite.before-*[0-9]"))

    assert [p.read_bytes() for p in aside] == [before]


async def test_a_hold_by_hand_needs_no_reconciling(site: Site) -> None:
    """Stop, look around, go on."""
    await verb(site, "hold", restored=False)
    held = await site.post("/events/json-event", event(0))
    with pytest.raises(Conflict):
        await verb(site, "hold", restored=False)
    with pytest.raises(Conflict):
        await verb(site, "reconcile-step", after="")
    await verb(site, "resume", park=False)
    again = await site.post("/events/json-event", event(0))
    with pytest.raises(Conflict):
        await verb(site, "resume", park=False)

    assert (held.status_code, again.status_code) == (503, 202)
