"""What the page asks of the store: the same on both databases, in pages, and by an index."""

from typing import Any

import pytest
from sqlalchemy import insert, text

from bridge.store import Store, ageing, audit, flow, pages, reports, views
from bridge.store.pages import NEWEST_OF_ALL, OLDEST, Place
from bridge.store.tables import audit as audits
from bridge.store.tables import delivery, event, message, referral, settled
from bridge.store.unit import Tx

ROW: dict[str, Any] = {"source": "s", "practice": "A99999"}


def a_message(n: int, at: int, source: str = "s") -> dict[str, Any]:
    return {
        "id": f"m{n}",
        "source": source,
        "door": "http",
        "caller": "gp",
        "media_type": "",
        "received_at": at,
        "size": 1,
    }


def an_event(n: int, code: str, at: int, state: str = "parked", problems: str = "") -> dict[str, Any]:
    return ROW | {
        "id": f"e{n:03}",
        "message_id": "m1",
        "n": n,
        "position": "",
        "kind": "referred",
        "state": state,
        "code": code,
        "problems": problems,
        "at": at,
    }


def a_referral(n: int, at: int, state: str = "open", code: str = "") -> dict[str, Any]:
    return ROW | {
        "id": f"r{n:03}",
        "scheme": "x",
        "service": "sp",
        "state": state,
        "code": code,
        "shadow": False,
        "patient": f"p{n}",
        "version": 1,
        "mapping": "s@1",
        "opened_at": at,
        "updated_at": at,
        "sealed": b"",
    }


def a_delivery(n: int, at: int, code: str, state: str = "parked", leg: str = "forward") -> dict[str, Any]:
    return {
        "id": f"d{n:03}",
        "lane_id": n,
        "referral_id": "r001",
        "partner": "sp",
        "leg": leg,
        "kind": "create",
        "seq": 1,
        "state": state,
        "code": code,
        "request_id": "q",
        "correlation_id": "c",
        "frozen": True,
        "replaces": False,
        "created_at": at,
    }


async def put(store: Store, table: Any, *rows: dict[str, Any]) -> None:
    """Put rows into a table."""
    await store.run(lambda tx: tx.run(insert(table), list(rows)) and None)


@pytest.fixture
async def parked(store: Store) -> Store:
    """Seven parked things for three reasons, one of them without a reason, and some that are not parked."""
    await put(store, message, a_message(1, 5))
    await put(store, referral, a_referral(1, 5), a_referral(2, 40, "parked", "b"))
    await put(
        store,
        event,
        an_event(1, "a", 10),
        an_event(2, "b", 20),
        an_event(3, "b", 20),
        an_event(4, "", 60),
        an_event(5, "a", 1, "discarded"),
    )
    await put(store, delivery, a_delivery(1, 30, "b"), a_delivery(2, 5, "a"), a_delivery(3, 1, "a", "queued"))
    return store


async def test_what_is_parked_is_piled_by_reason(parked: Store) -> None:
    """Of every kind together, what has waited longest first; what has no reason is there as well."""
    piles = await parked.read(pages.parked_piles)

    assert [(pile.code, pile.n, pile.since) for pile in piles] == [("a", 2, 5), ("b", 4, 20), ("", 1, 60)]


async def test_counting_a_pile_stops(parked: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says that there is more."""
    monkeypatch.setattr(pages, "MOST", 1)
    piles = await parked.read(pages.parked_piles)

    assert {pile.code: (pile.n, pile.more) for pile in piles}["b"] == (3, True)


@pytest.mark.parametrize("size", [1, 2, 3, 10])
async def test_one_reason_is_read_page_by_page(parked: Store, size: int) -> None:
    """Oldest first, each once, whatever the size of the page."""
    seen: list[tuple[str, str]] = []
    after = OLDEST
    while rows := await parked.read(lambda tx, after=after: pages.parked_page(tx, "b", after, size)):
        seen += [(row["kind"], row["id"]) for row in rows]
        after = Place(rows[-1]["at"], rows[-1]["id"])

    assert seen == [("event", "e002"), ("event", "e003"), ("delivery", "d001"), ("referral", "r002")]


async def test_referrals_are_read_page_by_page(store: Store) -> None:
    """By state and by practice, the newest first, those of one moment each once."""
    await put(store, referral, *(a_referral(n, 10 + n // 3) for n in range(10)))
    for ask, of in ((pages.referrals_in, "open"), (pages.referrals_of, "A99999")):
        seen: list[str] = []
        before = NEWEST_OF_ALL
        while rows := await store.read(lambda tx, b=before, ask=ask, of=of: ask(tx, of, b, 4)):
            seen += [row["id"] for row in rows]
            before = Place(rows[-1]["at"], rows[-1]["id"])
        assert seen == [f"r{n:03}" for n in reversed(range(10))]


@pytest.mark.parametrize(
    "chosen", [{}, {"state": "open"}, {"practice": "A99999"}, {"practice": "A99999", "state": "open"}]
)
async def test_the_list_of_referrals_goes_on_behind_any_of_them(store: Store, chosen: dict[str, str]) -> None:
    """Each once, also those of one moment."""
    others = [a_referral(n, 12, "completed") | {"practice": "B88888"} for n in (20, 21)]
    await put(store, referral, *(a_referral(n, 10 + n // 3) for n in range(10)), *others)
    seen: list[str] = []
    after = ""
    while rows := await store.read(
        lambda tx, after=after: views.referral_list(tx, limit=4, after=after, **chosen)
    ):
        seen += [row["id"] for row in rows]
        after = rows[-1]["id"]
    expected = {f"r{n:03}" for n in range(10)} | ({"r020", "r021"} if not chosen else set())

    assert len(seen) == len(expected)
    assert set(seen) == expected


async def test_the_list_of_what_is_parked_begins_with_the_oldest(parked: Store) -> None:
    """Of every kind, however many there are; or for one reason."""
    first = await parked.read(lambda tx: views.parked(tx, limit=3))
    reason = await parked.read(lambda tx: views.parked(tx, code="b"))

    assert [(row["what"], row["id"], row["code"]) for row in first] == [
        ("delivery", "d002", "a"),
        ("event", "e001", "a"),
        ("event", "e002", "b"),
    ]
    assert [row["id"] for row in reason] == ["e002", "e003", "d001", "r002"]


async def test_every_kind_of_id_is_known(parked: Store) -> None:
    """A settled delivery is a delivery still."""
    await put(parked, settled, a_delivery(9, 1, "", "delivered") | {"settled_at": 2})
    ids = ("r001", "e001", "d001", "d009", "m1", "nothing")
    found = await parked.read(lambda tx: [pages.kind_of(tx, item) for item in ids])

    assert found == ["referrals", "events", "deliveries", "deliveries", "messages", ""]
    assert (await parked.read(lambda tx: pages.delivery_of(tx, "d009")) or {})["state"] == "delivered"


async def test_an_hour_counts_what_came_and_what_left(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what was delivered, from its beginning to before its end; and counting stops."""
    await put(store, message, *(a_message(n, at) for n, at in enumerate((9, 10, 19, 20))))
    await put(
        store,
        settled,
        a_delivery(1, 1, "", "delivered") | {"settled_at": 10},
        a_delivery(2, 1, "", "delivered", "write-back") | {"settled_at": 11},
        a_delivery(3, 1, "", "superseded") | {"settled_at": 12},
    )
    hour = await store.read(lambda tx: flow.hour(tx, 10, 20))
    monkeypatch.setattr(flow, "MOST_OF_AN_HOUR", 2)
    cut = await store.read(lambda tx: flow.hour(tx, 10, 20))

    assert (hour.received, hour.forwarded, hour.filed, hour.more) == (2, 1, 1, False)
    assert cut.more


async def test_codes_no_mapping_knows_are_counted_by_place(store: Store) -> None:
    """In the newest messages, by how they look; never what they are."""
    said = '[{"code":"code-not-in-table","at":"PID-8","shape":"A"},{"code":"x","at":"","shape":""}]'
    await put(store, message, a_message(1, 5))
    await put(store, event, *(an_event(n, "a", 5, "applied", said) for n in (1, 2)))
    found = await store.read(flow.unknown_codes)

    assert found == {flow.UnknownCode("s", "PID-8", "A"): 2}


async def test_the_audit_is_read_page_by_page(store: Store) -> None:
    """The newest first, over all nodes."""
    rows = [
        {
            "node": f"n{n % 2}",
            "n": n,
            "at": 10 + n // 4,
            "actor": "a",
            "action": "release",
            "subject": f"s{n % 3}",
            "mac": b"",
        }
        for n in range(9)
    ]
    await put(store, audits, *rows)
    seen: list[int] = []
    before = (1 << 62, "", 0)
    while found := await store.read(lambda tx, before=before: audit.page(tx, before, 4)):
        seen += [row["n"] for row in found]
        before = (found[-1]["at"], found[-1]["node"], found[-1]["n"])

    assert sorted(seen) == list(range(9))
    assert [row["n"] for row in await store.read(lambda tx: audit.about(tx, "s1", 2))] == [7, 4]


ASKED: dict[str, Any] = {
    "code": "a",
    "at": 1,
    "id": "x",
    "most": 10,
    "of": "completed",
    "begin": 1,
    "end": 2,
    "subject": "s",
    "node": "n",
    "n": 1,
    "source": "s",
    "practice": "A99999",
    "state": "not-sent",
    "since": 1,
    "after": "a",
}
STATEMENTS: dict[str, tuple[Any, str]] = {
    **{f"next {kind}": (pages.NEXT_CODE[kind], f"{kind}_parked_ix") for kind in pages.KINDS},
    **{f"count {kind}": (pages.COUNT_CODE[kind], f"{kind}_parked_ix") for kind in pages.KINDS},
    **{f"page {kind}": (pages.PAGE[kind], f"{kind}_parked_ix") for kind in pages.KINDS},
    "by state": (pages.BY_STATE, "referral_state_ix"),
    "by practice": (pages.BY_PRACTICE, "referral_practice_ix"),
    "received": (flow.RECEIVED, "message_received_ix"),
    "settled": (flow.SETTLED, "settled_at_ix"),
    "audit": (audit.PAGE, "audit_at_ix"),
    "audit about": (audit.ABOUT, "audit_subject_ix"),
    "heard": (flow.LAST_HEARD, "message_source_ix"),
}


# Of one practice: PostgreSQL chooses by what its tables hold (tests/contracts/test_plans.py).
OF_A_PRACTICE: dict[str, tuple[Any, str]] = {
    "standing": (pages.STANDING, "referral_standing_ix"),
    "practices by events": (reports.NEXT_PRACTICE["event"], "event_listed_ix"),
    "practices by referrals": (reports.NEXT_PRACTICE["referral"], "USING COVERING INDEX referral_"),
    "referred": (reports.REFERRED, "referral_practice_ix"),
    "sent": (reports.SENT, "settled_practice_ix"),
    "waiting": (reports.WAITING, "delivery_practice_ix"),
    "rejected": (reports.REJECTED, "referral_standing_ix"),
    "unmapped": (reports.UNMAPPED, "event_unmapped_ix"),
    "codes": (reports.NEXT_CODE, "event_listed_ix"),
    "count": (reports.COUNT, "event_listed_ix"),
    "count of not sent": (reports.COUNT_STILL, "event_listed_ix"),
    "entries": (reports.ENTRIES, "event_listed_ix"),
    "entries of not sent": (reports.ENTRIES_STILL, "event_listed_ix"),
    "parked referrals": (reports.PARKED_REFERRALS, "referral_standing_ix"),
    "parked deliveries": (reports.PARKED_DELIVERIES, "delivery_practice_ix"),
    "unreachable": (ageing.UNREACHABLE, "outcome_unreachable_ix"),
}


def plan_of(tx: Tx, statement: Any) -> list[str]:
    """How the database would find it."""
    compiled = statement.compile(dialect=tx.conn.dialect)
    explain = "EXPLAIN QUERY PLAN " if tx.dialect == "sqlite" else "EXPLAIN "
    named = {name: ASKED.get(name, value) for name, value in compiled.params.items()}
    given = tuple(named[name] for name in compiled.positiontup) if compiled.positional else named
    return [str(tuple(row)) for row in tx.conn.exec_driver_sql(explain + str(compiled), given)]


@pytest.mark.parametrize("name", STATEMENTS)
async def test_each_page_is_found_by_its_index(store: Store, name: str) -> None:
    """A scan of a million rows would make everybody wait for one who looks."""
    statement, index = STATEMENTS[name]

    def plan(tx: Tx) -> list[str]:
        if tx.dialect == "postgresql":
            tx.run(text("SET LOCAL enable_seqscan = off"))
            tx.run(text("SET LOCAL enable_bitmapscan = off"))
        return plan_of(tx, statement)

    found = await store.read(plan)

    assert any(index in line for line in found), found


@pytest.mark.parametrize("name", OF_A_PRACTICE)
async def test_the_list_of_a_practice_is_read_by_its_indexes(sqlite_store: Store, name: str) -> None:
    """Not by walking through all that the practice ever referred."""
    statement, index = OF_A_PRACTICE[name]
    found = await sqlite_store.read(lambda tx: plan_of(tx, statement))

    assert any(index in line for line in found), found
