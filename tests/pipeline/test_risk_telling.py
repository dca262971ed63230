"""Somebody hears of a risk, and the next one does while nobody has said that it was seen."""

from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest

from bridge.errors import NotFound, NotTold, Unacceptable
from bridge.fhir.risks import STATED, Risk
from bridge.partners.alerts import Message
from bridge.pipeline import risks as raising
from bridge.pipeline.risk_telling import RiskTeller
from bridge.security.audit import AuditChain
from bridge.security.keyring import create_key_ring, load_key_ring
from bridge.store import Store, risks
from bridge.store.audit import Hand
from tests.pipeline.desk import a_context, a_message, an_event, tell

FIRST = {"name": "Duty clinician", "email": "duty@example.test", "acknowledge_within_minutes": 30}
NEXT = {"name": "Clinical lead", "email": "lead@example.test", "acknowledge_within_minutes": 10}
MINUTE = 60_000


@dataclass
class Heard:
    """A way to tell people that keeps what it was told, or is out of order."""

    name: str = "heard"
    told: list[Message] = field(default_factory=list)
    broken: bool = False

    async def tell(self, message: Message) -> None:
        """Hear it."""
        if self.broken:
            raise NotTold("not reached")
        self.told.append(message)


@dataclass
class Watch:
    """A teller with its clock in the test's hand."""

    store: Store
    heard: Heard
    teller: RiskTeller

    async def after(self, minutes: float) -> int:
        """So many minutes pass; how many risks somebody was to hear of."""
        await self.store.run(lambda tx: _age(tx, int(minutes * MINUTE)))
        return await self.teller.tell_due()

    async def raised(self, flag: str = "1") -> str:
        """A service speaks of a risk; its id."""
        risk = Risk(kind=STATED, position="Flag", resource={"resourceType": "Flag", "id": flag})
        known = {str(row["id"]) for row in await self.store.read(risks.listed)}
        message = a_message(source="prescribing", content=b"{}")
        await raising.raise_first(self.store, self.teller.context, message, [risk])
        rows = [str(row["id"]) for row in await self.store.read(risks.listed)]
        return next((row for row in rows if row not in known), rows[0])


def _age(tx: risks.Tx, ms: int) -> None:
    for row in risks.listed(tx):
        moved = {name: row[name] - ms for name in ("due_at", "next_at")}
        risks.note(tx, str(row["id"]), **moved)


@pytest.fixture
def watch(store: Store) -> Watch:
    """Two contacts, one after the other."""
    context = a_context(risk_contact=FIRST, risk_escalation=[NEXT])
    heard = Heard()
    return Watch(store, heard, RiskTeller(store=store, context=context, ways=lambda _contact: (heard,)))


async def test_the_first_contact_hears_at_once_and_once(watch: Watch) -> None:
    """The same message again is the same risk."""
    risk = await watch.raised()
    assert await watch.after(0) == 1
    assert await watch.raised() == risk
    assert await watch.after(0) == 0

    (message,) = watch.heard.told
    assert "Duty clinician" in message.text
    assert risk in message.text
    assert message.loud


async def test_a_risk_that_cannot_be_told_keeps_no_other_from_being_told(watch: Watch) -> None:
    """Nobody knows its kind, and it is the oldest."""
    lost, other = await watch.raised(), await watch.raised("2")

    await watch.store.run(lambda tx: risks.note(tx, lost, kind="unknown", next_at=0))
    await watch.after(0)

    (message,) = watch.heard.told
    assert other in message.text


async def test_a_risk_whose_scheme_is_gone_is_told_to_who_works_with_the_service(watch: Watch) -> None:
    """A scheme was renamed while nobody had seen it yet."""
    risk = await watch.raised()
    await watch.store.run(lambda tx: risks.note(tx, risk, scheme="gone"))
    await watch.after(0)

    (message,) = watch.heard.told
    assert risk in message.text


async def test_a_risk_of_a_referral_whose_scheme_is_gone_is_raised(watch: Watch) -> None:
    """A scheme was renamed; its referrals are still of the old one."""
    await tell(watch.store, an_event(1), a_context(name="gone"))
    ours = {"system": "https://bridge.test/Id/referral", "value": str(an_event(1).key.id)}
    risk = Risk(kind=STATED, position="Flag", resource={"resourceType": "Flag", "identifier": [ours]})
    await raising.raise_first(watch.store, watch.teller.context, a_message(source="prescribing"), [risk])
    await watch.after(0)

    (message,) = watch.heard.told
    assert ours["value"] in message.text


async def test_the_next_contact_hears_when_the_time_is_over_and_the_last_one_again(watch: Watch) -> None:
    """Silence is nobody's answer."""
    await watch.raised()
    heard = []
    for minutes in (0, 29, 2, 5, 6, 11):
        await watch.after(minutes)
        heard.append([m.text.partition(":")[0] for m in watch.heard.told])

    assert heard[1] == ["Duty clinician"]
    assert heard[3] == ["Duty clinician", "Clinical lead"]
    assert heard[-1] == ["Duty clinician", "Clinical lead", "Clinical lead", "Clinical lead"]


async def test_a_contact_who_cannot_be_reached_is_tried_again_and_then_the_next_is_told(watch: Watch) -> None:
    """Never given up."""
    watch.heard.broken = True
    await watch.raised()
    assert await watch.after(0) == 1
    assert await watch.after(0.1) == 0
    assert await watch.after(1) == 1
    watch.heard.broken = False
    await watch.after(31)

    assert [m.text.partition(":")[0] for m in watch.heard.told] == ["Clinical lead"]


async def test_a_list_of_risks_can_be_written_as_json(watch: Watch) -> None:
    """For whoever watches by a script."""
    risk = await watch.raised()
    listed = await watch.store.read(risks.listed)

    assert orjson.loads(orjson.dumps(listed))[0]["id"] == risk


async def test_an_acknowledged_risk_is_told_no_more(watch: Watch, tmp_path: Path) -> None:
    """Once, by whoever it was, with a reason in the audit."""
    create_key_ring(tmp_path / "keys.json")
    chain = AuditChain(load_key_ring(f"file:{tmp_path / 'keys.json'}"))
    hand = Hand(actor="Dr Example", why="The practice has called", node="test", chain=chain)
    risk = await watch.raised()
    await watch.store.run(lambda tx: raising.acknowledge(tx, hand, risk))
    with pytest.raises(Unacceptable):
        await watch.store.run(lambda tx: raising.acknowledge(tx, hand, risk))
    with pytest.raises(NotFound):
        await watch.store.run(lambda tx: raising.acknowledge(tx, hand, "unknown"))

    assert await watch.after(60) == 0
    assert await watch.store.read(risks.listed) == []
    (row,) = await watch.store.read(lambda tx: risks.listed(tx, seen=True))
    assert row["seen_by"] == "Dr Example"


async def test_a_notice_holds_ids_and_no_name(watch: Watch) -> None:
    """E-mail and webhooks are not safe for a person."""
    await tell(watch.store, an_event(1))
    flag = {"resourceType": "Flag", "subject": {"display": "Testfamily"}, "note": "Testgiven"}
    ours = {"system": "https://bridge.test/Id/referral", "value": str(an_event(1).key.id)}
    risk = Risk(kind=STATED, position="Flag", resource=flag | {"identifier": [ours]})
    await raising.raise_first(watch.store, watch.teller.context, a_message(source="prescribing"), [risk])
    await watch.after(0)

    (message,) = watch.heard.told
    assert ours["value"] in message.text
    assert not any(word in f"{message.text}{message.body}" for word in ("Testfamily", "Testgiven", "9990000"))
