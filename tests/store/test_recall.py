"""What a bulk source needs of many rows at once, on both dialects."""

from bridge.store import Store, Tx
from bridge.store.held import Row, get, put
from bridge.store.keys import Key, put_key
from bridge.store.recall import every, forget, last_kinds


def a_row(n: int, kind: str = "emis.half", also: str = "Bea") -> Row:
    return Row(kind=kind, owner="practice", key=f"row {n}", fields={"n": str(n)}, clock="1", also=also)


async def test_every_row_of_a_kind_is_opened(store: Store) -> None:
    """Also of more rows than one fetch brings, and of no other kind."""
    await store.run(lambda tx: put(tx, [*(a_row(n) for n in range(1_201)), a_row(9, kind="other")]))

    rows = await store.read(lambda tx: list(every(tx, "emis.half")))

    assert {(row.owner, row.key, row.fields["n"]) for row in rows} == {
        ("practice", f"row {n}", str(n)) for n in range(1_201)
    }


async def test_the_newest_kind_of_many_keys_is_looked_up_at_once(store: Store) -> None:
    """Keys that never had an event are not among them."""
    ids = [f"key {n}" for n in range(1_100)]

    def said(tx: Tx) -> None:
        for n, key in enumerate(ids[:600]):
            kind = "referred" if n % 2 else "cancelled"
            put_key(tx, Key(id=key, referral_id=None, clock="1", content="c", kind=kind, event_id="e"))

    await store.run(said)
    found = await store.read(lambda tx: last_kinds(tx, ids))

    assert len(found) == 600
    assert (found["key 0"], found["key 599"]) == ("cancelled", "referred")
    assert await store.read(lambda tx: last_kinds(tx, [])) == {}


async def test_everything_under_a_second_key_is_forgotten(store: Store) -> None:
    """And nothing else: not of another person, kind or owner."""
    await store.run(lambda tx: put(tx, [a_row(1), a_row(2), a_row(3, also="Cyd"), a_row(4, kind="other")]))

    gone = await store.run(lambda tx: forget(tx, "emis.half", "practice", "Bea"))

    assert gone == 2
    assert await store.read(lambda tx: get(tx, "emis.half", "practice", "row 1")) is None
    assert await store.read(lambda tx: get(tx, "emis.half", "practice", "row 3")) is not None
    assert await store.read(lambda tx: get(tx, "other", "practice", "row 4")) is not None
    assert await store.run(lambda tx: forget(tx, "emis.half", "elsewhere", "Cyd")) == 0
