"""Keys change while the bridge runs, indexes while it stands still; nothing kept is lost or left readable."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from bridge.app import open_bridge
from bridge.cli.commands import app as command_line
from bridge.config import Settings, read_settings
from bridge.errors import ConfigError
from bridge.intake import control
from bridge.pipeline.reindexing import reindex
from bridge.security import keyring
from bridge.security.audit import AuditChain
from bridge.security.keyring import KeyRing, Use, load_key_ring, save_key_ring
from bridge.security.sealing import Sealer
from bridge.store import (
    Store,
    audit,
    facts,
    held,
    messages,
    open_store,
    outcomes,
    people,
    referrals,
    resealing,
)  # fmt: skip
from bridge.store.held import Row
from bridge.store.people import Person
from bridge.store.tables import body, event, filed, lane, person, referral
from tests.security import requests
from tests.security.trap import Trap


async def ring_of(trap: Trap) -> KeyRing:
    """The ring as its file is now."""
    return load_key_ring(trap.bridge.settings.key_ring)


async def listed(trap: Trap) -> dict[str, dict[str, Any]]:
    """What `bridge keys list` says, by id."""
    await trap.command("keys", "list", "--json")
    return {row["id"]: row for row in json.loads(trap.seen[-1][1])}


async def refer(trap: Trap, n: int) -> str:
    """Send a referral of the n-th person; its id."""
    answer = await trap.ask("POST", "/events/json-event", "gp", json=requests.an_event(n))
    return str(answer.json()["events"][0]["referral"])


async def test_a_sealing_key_is_rotated_used_and_retired_while_the_bridge_runs(trap: Trap) -> None:
    """Both open meanwhile; the older one goes only when nothing needs it."""
    first = await refer(trap, 1)
    older = (await ring_of(trap)).of(Use.SEAL)[0].id
    await trap.command("keys", "rotate", "--why", "yearly")
    second = await refer(trap, 2)
    newer = (await ring_of(trap)).of(Use.SEAL)[0].id

    keys = await listed(trap)
    assert (keys[older]["current"], keys[newer]["current"]) == (False, True)
    assert min(keys[older]["rows"], keys[newer]["rows"]) > 0
    await trap.command("keys", "retire", older, "--why", "too early")
    assert older in await listed(trap)

    await trap.command("keys", "reseal", "--why", "yearly")
    assert (await listed(trap))[older]["rows"] == 0
    await trap.command("keys", "retire", older, "--why", "yearly")

    assert older not in await listed(trap)
    for known in (first, second):
        stored = await trap.bridge.store.read(lambda tx, known=known: referrals.get(tx, known))
        assert stored is not None
        assert stored.record.patient.family == "Testfamily"
    actions = {row["action"] for row, _ in await trap.bridge.store.read(lambda tx: rows_of(tx, trap))}
    assert {"keys-rotate", "keys-reseal", "keys-retire"} <= actions


def rows_of(tx: Any, trap: Trap) -> list[Any]:
    """The audit rows of this node."""
    return audit.rows(tx, trap.bridge.settings.node)


async def test_a_prepared_key_is_used_only_when_it_is_said_so(trap: Trap) -> None:
    """So that every node has it before one seals with it."""
    before = (await ring_of(trap)).of(Use.SEAL)[0].id
    await trap.command("keys", "rotate", "--prepare", "--why", "three nodes")
    prepared = (await ring_of(trap)).of(Use.SEAL)[-1].id
    await refer(trap, 1)
    assert (await listed(trap))[prepared] == {"id": prepared, "use": "seal", "current": False, "rows": 0}

    await trap.command("keys", "use", prepared, "--why", "all have it")
    await refer(trap, 2)

    keys = await listed(trap)
    assert keys[prepared]["current"]
    assert min(keys[prepared]["rows"], keys[before]["rows"]) > 0


async def test_the_audit_chain_holds_across_its_keys(trap: Trap) -> None:
    """Older links verify with the older key, which therefore stays."""
    await trap.command("keys", "rotate", "--why", "a first row")
    older = (await ring_of(trap)).of(Use.AUDIT)[0].id
    await trap.command("keys", "rotate", "--use", "audit", "--why", "yearly")
    await trap.command("keys", "rotate", "--why", "a row under the newer")
    rows = await trap.bridge.store.read(lambda tx: rows_of(tx, trap))

    assert AuditChain(await ring_of(trap)).verify(rows) is None
    await trap.command("keys", "retire", older, "--why", "no")
    assert older in await listed(trap)


@pytest.mark.parametrize("words", [("rotate", "--use", "index"), ("use", "INDEX")])
async def test_an_index_key_does_not_change_under_a_running_bridge(
    trap: Trap, words: tuple[str, ...]
) -> None:
    """Look-ups would miss what is there: that takes the store alone."""
    ring = await ring_of(trap)
    prepared = keyring.prepare(ring, Use.INDEX)
    save_key_ring(ring_file(trap.bridge.settings), prepared, replaces=ring)
    said = [prepared.keys[-1].id if word == "INDEX" else word for word in words]
    await trap.command("keys", *said, "--why", "no")

    assert "bridge keys reindex" in trap.seen[-1][1] + trap.seen[-2][1]
    assert (await ring_of(trap)).index_key == ring.index_key


async def fill(store: Store) -> None:
    """A referral with all that is indexed about its person, and held rows of two kinds."""

    def work(tx: Any) -> None:
        known = Person(
            local=tx.sealer.index("local", "A99999|P1"), nhs=tx.sealer.index("nhs", requests.number(1)),
            practice="A99999", registered=True, deceased=False, known_at=1,
        )  # fmt: skip
        people.put_person(tx, known)
        row = Row(kind="emis.half", owner="o", key="k", also="second", fields={"a": "b"}, clock="1")
        held.put(
            tx,
            [row, *(Row(kind="emis.user", owner="", key=f"u{n}", fields={}, clock="1") for n in range(900))],
        )

    await store.run(work)


async def test_indexes_are_made_anew_with_the_bridge_stopped(trap: Trap, tmp_path: Path) -> None:
    """Everybody is found again: by number, by key, in the lanes, in what was held and what was reported."""
    stored_id = await refer(trap, 1)
    task = requests.a_task(1, stored_id)
    await trap.ask("POST", "/fhir/Task", "service", json=task)
    site = trap.bridge.settings
    older = (await ring_of(trap)).index_key
    await fill(trap.bridge.store)
    before = await trap.bridge.store.read(indexes)
    await stop(trap)

    result = await in_thread(partial(CliRunner().invoke, command_line, ["keys", "reindex", "--why", "leak"]))
    assert result.exit_code == 0, result.output
    assert "1 indexes" in result.output  # of a patient key that no referral and no held row names
    ring = load_key_ring(site.key_ring)
    assert ring.index_key != older
    async with open_bridge(read_settings(Path(site.data.parent / "bridge.toml"))) as again:
        after = await again.store.read(indexes)
        assert await again.store.read(partial(found, referral_id=stored_id)) == {
            "nhs": True, "person": True, "half": True, "also": True, "user": True, "outcome": True,
        }  # fmt: skip

    assert len(after) == len(before)
    assert before.isdisjoint(after)
    retire = ["keys", "retire", older, "--why", "done"]
    refused = await in_thread(partial(CliRunner().invoke, command_line, retire))
    lost = await in_thread(partial(CliRunner().invoke, command_line, [*retire, "--although-lost"]))
    assert (refused.exit_code, lost.exit_code) == (1, 0)


async def stop(trap: Trap) -> None:
    """As if the process had ended: nobody holds the store, and no control socket answers a command."""
    await trap.bridge.store.close()
    control.socket_in(trap.bridge.settings.data).unlink()


async def in_thread(work: Callable[[], Any]) -> Any:
    """Run a command beside the loop."""
    return await asyncio.to_thread(work)


def indexes(tx: Any) -> frozenset[tuple[str, str]]:
    """Every index in use, with where it stands."""
    columns = (referral.c.patient, event.c.patient, lane.c.patient, filed.c.patient)
    return frozenset((str(c), value) for c in columns for value in tx.run(select(c)).scalars() if value)


def found(tx: Any, *, referral_id: str) -> dict[str, bool]:
    """Whether each way of looking up finds what is there."""
    number = tx.sealer.index("nhs", requests.number(1))
    stored = referrals.of_patient(tx, number, "prescribing")
    second = held.by_second_key(tx, "emis.half", "o", "second")
    told = outcomes.of_referral(tx, referral_id)
    return {
        "nhs": [s.id for s in stored] == [referral_id],
        "person": tx.run(select(person.c.nhs)).scalars().all() == [number],
        "half": held.get(tx, "emis.half", "o", "k") is not None,
        "also": [row.also for row in second] == ["second"],
        "user": all(held.get(tx, "emis.user", "", f"u{n}") for n in range(0, 900, 90)),
        "outcome": len(outcomes.of_identifier(tx, referral_id, told[0].outcome.identifier)) == 1,
    }


async def test_a_ring_whose_index_key_is_another_is_refused_at_start(trap: Trap) -> None:
    """Every look-up would miss, and everybody would be referred twice."""
    site, ring = trap.bridge.settings, await ring_of(trap)
    made = keyring.rotate(ring, Use.INDEX)
    await trap.bridge.store.close()
    save_key_ring(ring_file(site), made, replaces=ring)

    with pytest.raises(ConfigError, match="keys reindex"):
        async with open_bridge(site):
            pass


async def test_a_reindex_that_was_cut_off_before_the_ring_is_finished_by_the_next(trap: Trap) -> None:
    """The store says which key it is indexed with; the ring follows."""
    site, ring = trap.bridge.settings, await ring_of(trap)
    await trap.bridge.store.close()
    made = keyring.prepare(ring, Use.INDEX)
    save_key_ring(ring_file(site), made, replaces=ring)
    await in_thread(partial(CliRunner().invoke, command_line, ["keys", "reindex", "--why", "one"]))
    done = load_key_ring(site.key_ring)
    cut = KeyRing(tuple(sorted(done.keys, key=lambda key: key.id == done.index_key)))
    save_key_ring(ring_file(site), cut, replaces=done)

    result = await in_thread(partial(CliRunner().invoke, command_line, ["keys", "reindex", "--why", "go on"]))

    assert result.exit_code == 0, result.output
    assert load_key_ring(site.key_ring).index_key == done.index_key


def ring_file(site: Settings) -> Path:
    """Where the key ring of a site lies."""
    return Path(site.key_ring.removeprefix("file:"))


def spoilt(path: Path, ring: KeyRing, spoil: str) -> None:
    """Take the ring away, put another in its place, or one with another audit key."""
    path.unlink()
    if spoil == "missing":
        return
    other = keyring.create_key_ring(path)
    if spoil == "without":
        replaced = (*(key for key in ring.keys if key.use is not Use.AUDIT), other.of(Use.AUDIT)[0])
        save_key_ring(path, KeyRing(replaced), replaces=other)


@pytest.mark.parametrize("spoil", ["missing", "another", "without"])
async def test_a_wrong_ring_is_told_apart_before_anything_is_touched(trap: Trap, spoil: str) -> None:
    """Missing, of another site, or without a key that was used: the bridge does not start, and says which."""
    site, ring = trap.bridge.settings, await ring_of(trap)
    await refer(trap, 1)
    await trap.bridge.store.close()
    spoilt(ring_file(site), ring, spoil)

    words = {"missing": "cannot be read", "another": "lacks key", "without": ring.of(Use.AUDIT)[0].id}
    with pytest.raises(ConfigError, match=words[spoil]):
        async with open_bridge(site):
            pass


async def test_every_sealed_column_is_sealed_anew(store: Store, ring: KeyRing) -> None:
    """On both databases, page by page; what was damaged is left and counted."""
    newer = Sealer(keyring.rotate(ring))
    await fill_sealed(store)
    older = next(iter(await store.read(resealing.rows_by_key)))
    before = sum((await store.read(resealing.rows_by_key)).values())

    def work(tx: Any) -> tuple[int, int]:
        tx.sealer = newer
        place, after, done, damaged = resealing.PLACES[0], (), 0, 0
        while place:
            step = resealing.reseal(tx, newer.key_id, place=place, after=after, limit=3)
            place, after, done, damaged = step.place, step.after, done + step.done, damaged + step.damaged
        return done, damaged

    done, damaged = await store.run(work)

    assert (done, damaged) == (before - 1, 1)
    assert await store.read(resealing.rows_by_key) == {newer.key_id: before - 1, older: 1}


async def fill_sealed(store: Store) -> None:
    """Some held rows, and one value that was altered."""

    def work(tx: Any) -> None:
        held.put(tx, [Row(kind="k", owner="o", key=str(n), fields={"a": "b"}, clock="1") for n in range(10)])
        for n in range(5):
            messages.put_body(tx, f"body-{n}", "message", b"plain")
        tx.run(
            body.update().where(body.c.id == "body-3").values(sealed=tx.seal("body.sealed", "other", b"x"))
        )

    await store.run(work)


async def test_a_second_node_does_not_reindex_beside_the_first(postgres_url: str, ring: KeyRing) -> None:
    """Another connection to the database means that somebody may be writing under the older key."""
    old = Sealer(ring)
    new_ring = keyring.rotate(ring, Use.INDEX)
    first, second = (open_store(postgres_url, old, connections=2) for _ in range(2))
    try:
        await second.read(facts.index_key)
        with pytest.raises(ConfigError, match="stop every node"):
            await first.run(lambda tx: reindex(tx, new_ring, old, Sealer(new_ring)))
    finally:
        await first.close()
        await second.close()
