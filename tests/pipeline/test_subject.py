"""A person's rights: all that is held is found, told, corrected and taken away, whatever table it is in."""

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
import pytest

from bridge.domain.journey import ReferralState
from bridge.errors import NotFound, Unacceptable
from bridge.pipeline import leaving, subject
from bridge.schemes import Mode
from bridge.security.audit import AuditChain
from bridge.security.keyring import KeyRing
from bridge.store import audit, claims, held, referrals, subjects
from bridge.store import leaving as stored
from bridge.store.audit import Hand
from bridge.store.tables import delivery, metadata
from bridge.store.unit import Store, Tx
from tests.conftest import a_patient, a_referral, nhs_number
from tests.pipeline.desk import a_context, an_event, tell
from tests.pipeline.test_consent import a_word

NUMBER = nhs_number(10)


@pytest.fixture
def hand(ring: KeyRing) -> Hand:
    """The data officer."""
    return Hand(actor="officer", why="request 7", node="node", chain=AuditChain(ring))


async def settle_all(store: Store) -> None:
    """Everything that waits was sent and taken."""

    def work(tx: Tx) -> int:
        found = claims.claim(tx, "prescribing", limit=10, lease_ms=60_000)
        for each in found:
            tx.run(delivery.delete().where(delivery.c.id == each.row.id))
        return len(found)

    while await store.run(work):
        pass


def names_of(tx: Tx) -> list[str]:
    """Every value of every table that still names or finds the person."""
    hints = {tx.sealer.index("nhs", NUMBER.digits), tx.sealer.index("local", "A99999|P1")}
    found = []
    for table in metadata.sorted_tables:
        for row in tx.run(table.select()).mappings():
            found += [f"{table.name}.{name}" for name, value in row.items() if value in hints]
    return found


def test_every_table_says_how_it_can_hold_a_person() -> None:
    """A new table has not been thought about until it is on the list."""
    assert sorted(subjects.HOLDS) == sorted(table.name for table in metadata.sorted_tables)


async def test_all_that_is_held_is_found_and_told(store: Store, hand: Hand) -> None:
    """Referral, event, message and stance; nobody else's."""
    await tell(store, an_event(), content=b'{"about": "person 1"}')
    await tell(store, an_event(2, patient=a_patient(2)))
    await tell(store, a_word(n=1, record="S9"))
    found = await store.run(lambda tx: subject.find(tx, hand, NUMBER))
    told = await store.run(lambda tx: subject.export(tx, hand, NUMBER))

    assert (found["referrals"], found["events"], found["messages"]) == (1, 2, 2)
    assert told["referrals"][0]["record"]["patient"]["family"] == "Testfamily1"
    assert {"about": "person 1"} in [each["body"] for each in told["messages"]]
    assert [each["kind"] for each in told["stances"]] == ["objected"]
    assert "Testfamily2" not in orjson.dumps(told).decode()


async def test_an_erasure_waits_for_what_is_under_way(store: Store, hand: Hand) -> None:
    """An open referral would go on without a person."""
    await tell(store, an_event())

    with pytest.raises(Unacceptable) as refused:
        await store.run(lambda tx: subject.erase(tx, hand, NUMBER))
    assert [problem.code for problem in refused.value.problems] == ["subject-open"]


async def test_after_an_erasure_nothing_finds_the_person_and_a_repeat_is_no_news(
    store: Store, hand: Hand
) -> None:
    """Also the record of the last objection names nobody in clear."""
    await tell(store, an_event())
    await store.run(
        lambda tx: held.put(
            tx, [held.Row(kind="emis.half", owner="o", key="r", also="P1", fields={"a": "b"}, clock="1")]
        )
    )
    await store.run(lambda tx: subject.stand(tx, a_context(), hand, NUMBER, "object"))
    await settle_all(store)
    await store.run(lambda tx: subject.erase(tx, hand, NUMBER))
    left = set(await store.read(names_of))

    assert left <= {"stance.nhs", "audit.subject"}
    assert (await tell(store, an_event())).state.value == "duplicate"
    found = await store.run(lambda tx: subject.find(tx, hand, NUMBER))
    assert (found["referrals"], found["held_rows"]) == (0, 0)


async def test_a_correction_reaches_the_open_referral(store: Store, hand: Hand) -> None:
    """As if the practice had sent it."""
    await tell(store, an_event())
    ids = await store.run(
        lambda tx: subject.rectify(tx, a_context(), hand, NUMBER, {"given": ["Right"], "gender": "other"})
    )
    stored = await store.read(lambda tx: referrals.get(tx, ids[0]))

    assert stored is not None
    assert (stored.record.patient.given, stored.record.patient.gender) == (("Right",), "other")
    assert stored.record.patient.family == "Testfamily1"


@pytest.mark.parametrize(
    "wrong", [{}, {"shoe_size": "9"}, {"birth_date": "tomorrow"}, {"family": 7}, {"gender": "x"}]
)
async def test_a_wrong_correction_is_refused_without_its_value(
    store: Store, hand: Hand, wrong: dict[str, Any]
) -> None:
    """What was typed may be somebody's name."""
    await tell(store, an_event())

    with pytest.raises(Unacceptable) as refused:
        await store.run(lambda tx: subject.rectify(tx, a_context(), hand, NUMBER, wrong))
    assert "tomorrow" not in repr(refused.value.problems)
    assert "shoe_size" not in repr(refused.value.problems)


async def test_there_is_nothing_to_correct_without_an_open_referral(store: Store, hand: Hand) -> None:
    """It says so."""
    with pytest.raises(NotFound):
        await store.run(lambda tx: subject.rectify(tx, a_context(), hand, NUMBER, {"family": "Right"}))


def test_a_number_that_is_none_is_refused_unrepeated() -> None:
    """Before anything is looked up."""
    with pytest.raises(Unacceptable) as refused:
        subject.number_of("9434765918")
    assert "9434765918" not in repr(refused.value.problems)


async def test_each_look_is_in_the_audit_without_the_number(store: Store, hand: Hand) -> None:
    """Who, why, and a keyed index of whom."""
    await store.run(lambda tx: subject.find(tx, hand, NUMBER))
    ((row, _),) = await store.read(lambda tx: audit.rows(tx, "node"))

    assert (row["actor"], row["action"], row["why"]) == ("officer", "subject-find", "request 7")
    assert NUMBER.digits not in repr(row)


async def test_an_objection_typed_in_reaches_every_practice(store: Store, hand: Hand) -> None:
    """The person spoke, not one of their practices."""
    await tell(store, an_event())
    code = await store.run(lambda tx: subject.stand(tx, a_context(), hand, NUMBER, "object"))
    stored = await store.read(lambda tx: referrals.get(tx, str(a_referral().key.id)))

    assert code == "person-objected"
    assert stored is not None
    assert stored.state is ReferralState.WITHDRAWN


def off() -> Any:
    """The rules once the practice was switched off."""
    ctx = a_context()
    (scheme,) = ctx.rulebook.schemes
    practices = tuple(p.model_copy(update={"mode": Mode.OFF}) for p in scheme.practices)
    ctx.rulebook.schemes = (scheme.model_copy(update={"practices": practices}),)
    return ctx


async def test_a_practice_does_not_leave_while_anything_is_under_way(store: Store) -> None:
    """Somebody is still being helped."""
    await tell(store, an_event())

    with pytest.raises(Unacceptable):
        await store.run(lambda tx: leaving.delete(tx, off(), "A99999"))


async def test_what_never_became_a_referral_leaves_with_its_practice(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page by page to the end: referrals, then events without one, each once."""
    monkeypatch.setattr(leaving, "AT_ONCE", 2)
    for n in range(1, 4):
        await tell(store, an_event(n, patient=a_patient(n)))
        await tell(store, an_event(n + 10, patient=a_patient(n + 10, registered=False)))
    pages, after = [], ""
    while not pages or after:
        step = await store.read(partial(leaving.export, practice="A99999", after=after))
        pages.append(step["content"])
        after = step["after"]

    told = [event["state"] for page in pages for event in page["events"]]
    assert sum(len(page["referrals"]) for page in pages) == 3
    assert sorted(told) == ["applied"] * 3 + ["not-sent"] * 3


async def test_source_rows_are_paged_in_the_order_of_their_key(store: Store) -> None:
    """Of the named owners alone."""
    rows = [held.Row(kind="emis.half", owner=o, key=k, fields={}, clock="1") for o in "abc" for k in "xyz"]
    await store.run(lambda tx: held.put(tx, rows))

    def paged(tx: Tx) -> list[stored.RowId]:
        found, after = [], ("", "", "")
        while page := stored.rows_held(tx, ("a", "c"), after, 2):
            found += page
            after = page[-1]
        return found

    found = await store.read(paged)
    assert len(set(found)) == len(found) == 6
    assert {owner for _kind, owner, _key in found} == {"a", "c"}


async def test_of_a_practice_that_left_nothing_is_kept_but_the_audit(store: Store, hand: Hand) -> None:
    """And nothing of another practice goes."""
    await tell(store, an_event())
    elsewhere = replace(a_referral(2).practice, ods=type(a_referral().practice.ods)("B99999"))
    await tell(store, an_event(2, patient=a_patient(2), practice=elsewhere, author=elsewhere))
    await store.run(lambda tx: subject.stand(tx, a_context(), hand, NUMBER, "object"))
    await settle_all(store)
    exported = await store.read(lambda tx: leaving.export(tx, "A99999", ""))
    while (await store.run(lambda tx: leaving.delete(tx, off(), "A99999")))["more"]:
        pass
    state = await store.read(lambda tx: leaving.state(tx, off(), "A99999"))
    left = await store.read(
        lambda tx: [row.practice for row in tx.run(metadata.tables["referral"].select()).all()]
    )
    certificate = await store.run(
        lambda tx: leaving.certify(tx, hand, "A99999", Counter({"referral": 1}), "00")
    )

    assert len(exported["content"]["referrals"]) == 1
    assert state["referrals"] == state["events"] == 0
    assert left == ["B99999"]
    assert certificate["audit"]["link"]
    assert set(await store.read(names_of)) <= {"stance.nhs", "audit.subject"}
