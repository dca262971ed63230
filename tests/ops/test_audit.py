"""The audit as it is kept: what was altered, removed or cut off is found by the row."""

from pathlib import Path

import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from bridge.errors import ConfigError
from bridge.fhir.audit_event import audit_event
from bridge.ops.audit import FILE, Broken, HeadKeeper, append, heads, read_heads, verify
from bridge.security.audit import AuditChain
from bridge.security.keyring import KeyRing
from bridge.store import audit
from bridge.store.audit import Hand
from bridge.store.tables import audit as table
from bridge.store.unit import Store, Tx

ROWS = 5


@pytest.fixture
def chain(ring: KeyRing) -> AuditChain:
    """The product's own chain."""
    return AuditChain(ring)


async def fill(store: Store, chain: AuditChain, rows: int = ROWS) -> None:
    """Somebody did something, so many times."""

    def work(tx: Tx) -> None:
        for n in range(rows):
            Hand(actor="op", why="fixed", node="n1", chain=chain).sign(tx, "release", f"id{n}")

    await store.run(work)


def alter(tx: Tx) -> None:
    """Somebody else did it."""
    tx.run(table.update().where(table.c.n == 3).values(actor="nobody"))


def remove(tx: Tx) -> None:
    """It was not done."""
    tx.run(table.delete().where(table.c.n == 3))


def truncate(tx: Tx) -> None:
    """The newest was not done."""
    tx.run(table.delete().where(table.c.n >= 4))


def clear(tx: Tx) -> None:
    """Nothing was ever done."""
    tx.run(table.delete())


@pytest.mark.parametrize(
    ("change", "row"), [(alter, 3), (remove, 3), (truncate, 4), (clear, 1)], ids=lambda each: str(each)[:16]
)
async def test_what_was_changed_is_found(
    store: Store, chain: AuditChain, tmp_path: Path, change: object, row: int
) -> None:
    """With the heads that were told before."""
    await fill(store, chain)
    keeper = HeadKeeper(store=store, file=tmp_path / FILE, node="n1")
    await keeper.tell()
    assert await store.read(lambda tx: verify(tx, chain, read_heads(tmp_path / FILE))) == []
    await store.run(change)  # type: ignore[arg-type]

    found = await store.read(lambda tx: verify(tx, chain, read_heads(tmp_path / FILE)))

    assert found == [Broken(node="n1", row=row)]


async def test_a_chain_made_anew_behind_our_back_is_found_by_an_old_head(
    store: Store, chain: AuditChain, tmp_path: Path
) -> None:
    """Whoever has the key can link again, but not change what was told of it."""
    await fill(store, chain)
    append(tmp_path / FILE, await store.read(heads))
    await store.run(clear)
    await fill(store, chain, rows=9)
    told = read_heads(tmp_path / FILE)

    same = (await store.read(lambda tx: audit.rows(tx, "n1")))[ROWS - 1][1] == told["n1"][0].link
    assert same or await store.read(lambda tx: verify(tx, chain, told)) == [Broken(node="n1", row=ROWS)]


async def test_heads_are_told_once_a_day_and_kept_private(
    store: Store, chain: AuditChain, tmp_path: Path
) -> None:
    """By one node, to a file nobody else reads."""
    await fill(store, chain)
    keeper = HeadKeeper(store=store, file=tmp_path / FILE, node="n1")

    assert [list(await keeper.tell()), list(await keeper.tell())] == [["n1"], []]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_line_that_is_no_head_is_told_by_its_number(tmp_path: Path) -> None:
    """Somebody's editor was there."""
    (tmp_path / FILE).write_text('{"node": "n1"}\n')

    with pytest.raises(ConfigError, match="Line 1"):
        read_heads(tmp_path / FILE)


async def test_rows_are_valid_audit_events(store: Store, chain: AuditChain) -> None:
    """Also one without a reason or an actor."""
    await fill(store, chain, rows=1)
    await store.run(lambda tx: Hand(actor="", why="", node="n1", chain=chain).sign(tx, "hold", ""))
    rows = [row for row, _ in await store.read(lambda tx: audit.rows(tx, "n1"))]
    made = [AuditEvent.model_validate(audit_event(row, base="https://bridge.test")) for row in rows]

    assert [event.action for event in made] == ["E", "E"]
