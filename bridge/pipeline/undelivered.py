"""The people of a practice whose referral has not reached the service, for a day on which nothing works.

It is printed and worked off by telephone, so it holds who they are and how it is safe to reach them; every
person on it is audited as shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from sqlalchemy import or_, select

from bridge.domain.delivery import Kind, Leg
from bridge.domain.journey import EventState, ReferralState
from bridge.domain.referral import Patient, Referral
from bridge.errors.catalogue import CATALOGUE
from bridge.store import messages, referrals
from bridge.store.audit import Hand
from bridge.store.tables import delivery, event, referral
from bridge.store.unit import Tx

MOST = 500
PRINTED = "undelivered-printed"  # the action of the audit
_SENDS = (Kind.CREATE.value, Kind.CHANGE.value)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Undelivered:
    """One person, since when (ms) and why; `id` is of the referral or of the event that waits."""

    id: str
    since: int
    code: str
    record: Referral


def of_practice(tx: Tx, hand: Hand, practice: str) -> list[Undelivered]:
    """Everybody whose referral has not arrived, the longest wait first; each is audited."""
    found = sorted((*_referred(tx, practice), *_waiting(tx, practice)), key=lambda each: each.since)[:MOST]
    for each in found:
        hand.sign(tx, PRINTED, each.id)
    return found


def _referred(tx: Tx, practice: str) -> Iterator[Undelivered]:
    query = (
        select(referral.c.id, delivery.c.code, referral.c.code.label("why"), referral.c.opened_at)
        .outerjoin(
            delivery,
            (delivery.c.referral_id == referral.c.id)
            & (delivery.c.leg == Leg.FORWARD.value)
            & delivery.c.kind.in_(_SENDS),
        )
        .where(
            referral.c.practice == practice,
            or_(
                referral.c.state == ReferralState.PARKED.value,
                (referral.c.state == ReferralState.OPEN.value) & delivery.c.id.is_not(None),
            ),
        )
        .order_by(referral.c.opened_at)
        .limit(MOST)
    )
    seen: set[str] = set()
    for row in tx.run(query).all():
        stored = None if row.id in seen else referrals.get(tx, row.id)
        seen.add(row.id)
        if stored is not None:
            yield Undelivered(id=row.id, since=row.opened_at, code=row.code or row.why, record=stored.record)


def _waiting(tx: Tx, practice: str) -> Iterator[Undelivered]:
    """Events that became no referral yet."""
    states = (EventState.PARKED.value, EventState.WAITING.value, EventState.KEPT.value)
    query = select(event.c.id, event.c.code, event.c.at).where(
        event.c.practice == practice,
        event.c.state.in_(states),
        event.c.referral_id.is_(None),
        event.c.sealed.is_not(None),
    )
    for row in tx.run(query.order_by(event.c.at).limit(MOST)).all():
        said = messages.open_event(tx, row.id)
        if said is not None and said.referral is not None:
            yield Undelivered(id=row.id, since=row.at, code=row.code, record=said.referral)


def page(practice: str, people: list[Undelivered], *, made: str, when: dict[str, str]) -> str:
    """The list as one page to print; `when` holds the words for each `since`."""
    rows = "".join(_row(each, when[each.id]) for each in people)
    head = "<tr><th>Person</th><th>NHS number, born</th><th>How to reach them</th><th>Since, why</th></tr>"
    empty = "<p>Everybody's referral has reached the service.</p>"
    body = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>" if people else empty
    title = f"Not yet with the service: {escape(practice)}"
    note = "Patient data: shred it when the service has everybody." if people else ""
    return (
        f'<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>"
        f"<p>Made {escape(made)}. {note}</p>{body}</body></html>"
    )


_STYLE = (
    "body{font:11pt sans-serif;margin:2em}table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid #444;padding:.4em;text-align:left;vertical-align:top}tr{break-inside:avoid}"
)


def _row(each: Undelivered, since: str) -> str:
    patient = each.record.patient
    number = patient.nhs_number.digits if patient.nhs_number else "no NHS number"
    entry = CATALOGUE.get(each.code)
    name = " ".join(part for part in (patient.prefix, *patient.given, patient.family) if part)
    preferred = f" (called {patient.preferred_name})" if patient.preferred_name else ""
    cells = (
        f"{name}{preferred}",
        f"{number}, {patient.birth_date or 'not known'}",
        "; ".join(_reached(patient)) or "no telephone number",
        f"{since}. {entry.meaning if entry else 'It waits for its turn.'} ({each.id})",
    )
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _reached(patient: Patient) -> Iterator[str]:
    safe = patient.safe_contact
    if safe.call is False:
        yield "NOT SAFE TO CALL"
        return
    yield from (telecom.value for telecom in patient.telecoms if telecom.system == "phone")
    if safe.leave_message is False:
        yield "leave no message"
