"""What lies in the database: a canary in every field of a person's record is in none of its columns.

On both dialects, row by row as the database gives them; the same for what is left of a person in the audit.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

from bridge.domain.identifiers import NhsNumber, OdsCode
from bridge.domain.referral import Coding, Concept, EventKind, Referral
from bridge.pipeline import subject
from bridge.security.audit import AuditChain
from bridge.security.keyring import KeyRing
from bridge.store import held
from bridge.store.audit import Hand
from bridge.store.tables import metadata
from bridge.store.unit import Store, Tx
from tests.conftest import a_referral, nhs_number
from tests.pipeline.desk import a_context, an_event, tell
from tests.pipeline.test_consent import a_word
from tests.security.canaries import Aviary, traces

KEPT_IN_CLEAR = {"system", "code", "birth_date", "gender", "recorded_at", "key", "requested", "authored_on"}


def with_canaries(value: Any, aviary: Aviary, at: str = "") -> Any:
    """The same record with a canary in every text that a person or a sender could have written."""
    if isinstance(value, str) and type(value) is str:
        return aviary.canary(at)
    if isinstance(value, tuple):
        return tuple(with_canaries(each, aviary, at) for each in value)
    if is_dataclass(value) and not isinstance(value, (NhsNumber, OdsCode, type)):
        changed = {
            field.name: with_canaries(getattr(value, field.name), aviary, f"{at}.{field.name}")
            for field in fields(value)
            if field.name not in KEPT_IN_CLEAR
        }
        return replace(value, **changed)
    return value


def full(aviary: Aviary, n: int) -> Referral:
    """A referral that says much, all of it canaries; the words of codes too."""
    word = Concept(codings=(Coding(system="s", code="c", display="d"),), text="t")
    record = replace(
        a_referral(n),
        reasons=(word, word),
        risks=(word,),
        reason_text="r",
        note="n",
        priority_text="p",
        consent_recipients=("x",),
    )
    marked: Referral = with_canaries(record, aviary)
    return replace(marked, priority="", patient=replace(marked.patient, nhs_number_status="", language=""))


def cells(tx: Tx) -> Iterator[tuple[str, bytes]]:
    """Every value of every table, by column."""
    for table in metadata.sorted_tables:
        for row in tx.run(table.select()).mappings():
            for name, value in row.items():
                raw = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                yield f"{table.name}.{name}", raw


@pytest.fixture
def hand(ring: KeyRing) -> Hand:
    """The data officer."""
    return Hand(actor="officer", why="request", node="node", chain=AuditChain(ring))


async def test_no_column_shows_a_canary_or_a_number(store: Store, hand: Hand) -> None:
    """Referred, changed, not sent, objected, held, looked at, erased."""
    aviary = Aviary()
    people = range(1, 31)
    for n in people:
        told = an_event(n)
        content = str(with_canaries("body", aviary, "body")).encode() + nhs_number(n * 10).digits.encode()
        await tell(store, replace(told, referral=full(aviary, n)), content=content)
        await tell(store, replace(told, clock="02", referral=full(aviary, n)), content=content)
    for n in (31, 32, 33):
        await tell(store, replace(an_event(n), referral=replace(full(aviary, n), recorded_at=None)))
        word = a_word(EventKind.OBJECTED, n=n, record=f"S{n}")
        assert word.referral is not None
        await tell(store, word)

    def look(tx: Tx) -> None:
        fields_ = {"Surname": aviary.canary("held"), "NhsNumber": nhs_number(10).digits}
        held.put(tx, [held.Row(kind="emis.patient", owner="o", key="G1", fields=fields_, clock="1")])
        subject.find(tx, hand, nhs_number(10))
        subject.stand(tx, a_context(), hand, nhs_number(20), "object")

    await store.run(look)
    found = await store.read(lambda tx: list(cells(tx)))
    numbers = [nhs_number(n * 10).digits.encode() for n in (*people, 31, 32, 33)]

    assert len(aviary.said) > 300
    assert [place for place, raw in found if traces(raw)] == []
    assert [place for place, raw in found if any(number in raw for number in numbers)] == []
