"""What people do at the page: release, discard, replay, and be shown a person; audited, with a reason.

It is the same that the command line does, by the same functions; nothing here sends.
"""

from datetime import UTC, datetime

from bridge.domain.journey import IllegalMove
from bridge.domain.letter_writing import words_of_day
from bridge.domain.referral import Patient, Referral, SafeContact
from bridge.errors import Forbidden, NotFound, Problem, Unacceptable
from bridge.ops.page.office import Office
from bridge.ops.page.visitors import Person
from bridge.pipeline import mend, replay
from bridge.pipeline.outcomes import NotYet
from bridge.pipeline.replay import Replayer
from bridge.sources import emis
from bridge.store import messages, outcomes, pages, referrals
from bridge.store.audit import Hand
from bridge.store.replays import Run
from bridge.store.unit import Tx

Fact = tuple[str, str]
REPLAYS = {"messages": "message", "deliveries": "settled"}


async def mended(office: Office, person: Person, verb: str, item: str, why: str) -> str:
    """Release or discard one item; its state now. Unacceptable with the reason why not, NotFound."""
    hand = office.hand(person.name, why)

    def work(tx: Tx) -> str:
        if verb == "release":
            return mend.release(tx, office.context, hand, item)
        return mend.discard(tx, office.context, hand, item)

    try:
        state = await office.store.run(work)
    except IllegalMove:
        raise _cannot("not-parked") from None
    except NotYet:
        raise _cannot("delivery-under-way") from None
    office.wake()
    return state


async def released(office: Office, person: Person, items: list[str], why: str) -> tuple[int, int]:
    """Release several, one after the other: how many were, and how many could not be."""
    done = 0
    for item in items:
        try:
            await mended(office, person, "release", item, why)
        except (Unacceptable, NotFound):
            continue
        done += 1
    return done, len(items) - done


async def replayed(office: Office, person: Person, kind: str, item: str, why: str) -> str:
    """Replay a message or a settled delivery; its state now. Unacceptable with why not, NotFound."""
    hand = office.hand(person.name, why)
    label = f"replay-{datetime.now(UTC):%Y%m%dT%H%M%S}-{item[:8]}"
    run = Run(label=label, verb="replay", by=hand.actor, why=why, kinds=(REPLAYS[kind],), only=item)
    await office.store.run(lambda tx: replay.begin(tx, hand, run))
    replayer = Replayer(translator=office.translator, hand=hand)
    run, step = await replayer.step(run)
    if step is None:
        raise NotFound
    await replayer.step(run)  # there is no second: it notes that the run is over
    office.wake()
    if step.now == replay.SKIPPED:
        raise _cannot(step.code)
    return step.now


async def patient_of(office: Office, person: Person, kind: str, item: str, why: str) -> list[Fact]:
    """Who a referral or an event is about, for their own practice, audited; NotFound, Forbidden."""
    hand = office.hand(person.name, why)
    return await office.store.run(lambda tx: _shown(tx, person, hand, kind, item))


def _shown(tx: Tx, person: Person, hand: Hand, kind: str, item: str) -> list[Fact]:
    practice, record, said = _held(tx, kind, item)
    if not person.may_see(practice):
        raise NotFound
    if not person.may_read(practice):
        raise Forbidden(problems=(Problem(code="page-not-yours"),))
    hand.sign(tx, "show-patient", item)
    return [*([] if record is None else _facts(record)), *said]


def _held(tx: Tx, kind: str, item: str) -> tuple[str, Referral | None, list[Fact]]:
    """The practice of a referral or event, what is still kept of it, and the reasons its service gave."""
    if kind == "referrals":
        stored = referrals.get(tx, item)
        if stored is None:
            raise NotFound
        return stored.practice, stored.record, _reasons(tx, item)
    row = pages.event_of(tx, item)
    if row is None:
        raise NotFound
    said = messages.open_event(tx, item)
    if said is not None:
        return row["practice"], said.referral, []
    return row["practice"], None, emis.patient_behind(tx, row["practice"], row["source"], row["key_id"])


def _reasons(tx: Tx, item: str) -> list[Fact]:
    """Why the service moved it to where it stands or stood, in the service's own words."""
    told = outcomes.current(outcomes.of_referral(tx, item))
    return [(f"Service: {each.kind.value.replace('-', ' ')}", each.reason) for each in told if each.reason]


def _facts(record: Referral) -> list[Fact]:
    """What a person at the practice needs to know whom it is about; nothing that the source did not say."""
    patient = record.patient
    number = patient.nhs_number.digits if patient.nhs_number else ""
    address = patient.address
    where = () if address is None else (*address.lines, address.town, address.county, address.postcode)
    facts = (
        ("Name", " ".join((patient.prefix, *patient.given, patient.family)).strip()),
        ("Known as", patient.preferred_name),
        ("Date of birth", words_of_day(patient.birth_date) if patient.birth_date else ""),
        ("NHS number", f"{number[:3]} {number[3:6]} {number[6:]}".strip()),
        ("Id in the GP system", patient.local_key),
        ("Address", ", ".join(part for part in where if part)),
        *_contact(patient),
        ("Referred for", record.reason_text),
    )
    return [(name, value) for name, value in facts if value]


def _contact(patient: Patient) -> list[Fact]:
    words = {"phone": "Telephone", "sms": "Text messages", "email": "E-mail"}
    found = [(words.get(each.system, each.system), each.value) for each in patient.telecoms]
    return [*found, *_safe(patient.safe_contact)]


def _safe(safe: SafeContact) -> list[Fact]:
    said = {"call": safe.call, "leave a message": safe.leave_message, "write": safe.post}
    never = [what for what, allowed in said.items() if allowed is False]
    return [("Not safe to", ", ".join(never))] if never else []


def _cannot(code: str) -> Unacceptable:
    return Unacceptable(problems=(Problem(code=code),))
