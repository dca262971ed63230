"""What is shown of one event, delivery, message or referral, and of lists of them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from bridge.domain.dates import LONDON
from bridge.domain.journey import DeliveryState, EventState, ReferralState
from bridge.errors import NotFound
from bridge.ops.page.office import Office
from bridge.ops.page.visitors import Person
from bridge.ops.story import Moment, moments, what_of
from bridge.store import audit, pages, views
from bridge.store.pages import Place
from bridge.store.unit import Tx

Told = dict[str, Any]

PER_PAGE = 25
MOST_MOMENTS = 200  # of one story; the newest are shown
MOST_EVENTS = 100  # of one message
MOST_ACTS = 20  # of the audit, about one thing
# What is done with what: the states in which release, discard and replay are offered.
RELEASED = {
    "events": (EventState.PARKED, EventState.NOT_SENT),
    "referrals": (ReferralState.PARKED,),
    "deliveries": (DeliveryState.PARKED,),
}
DISCARDED = {kind: states[:1] for kind, states in RELEASED.items()}
REPLAYED = (
    DeliveryState.DELIVERED,
    DeliveryState.WITHHELD,
    DeliveryState.DISCARDED,
    DeliveryState.SUPERSEDED,
)


async def event(office: Office, person: Person, item: str) -> Told:
    """One event; NotFound for nobody's and another practice's."""
    found = await office.store.read(lambda tx: _with_acts(tx, person, item, pages.event_of(tx, item)))
    return _seen(person, found) | _offers(person, "events", found["state"])


async def delivery(office: Office, person: Person, item: str) -> Told:
    """One delivery; NotFound for nobody's and another practice's."""
    found = await office.store.read(lambda tx: _with_acts(tx, person, item, pages.delivery_of(tx, item)))
    told = _seen(person, found) | _offers(person, "deliveries", found["state"])
    again = person.operates and found["state"] in REPLAYED
    return told | {"what": what_of(found, office.partners()), "may_replay": again}


async def is_seen(office: Office, person: Person, kind: str, item: str) -> bool:
    """Whether somebody sees one thing of a kind; messages are for operators."""
    looks = {"events": event, "deliveries": delivery, "referrals": referral}
    try:
        await looks[kind](office, person, item)
    except (KeyError, NotFound):
        return False
    return True


async def message(office: Office, item: str) -> Told:
    """One message and what became of each thing it said, for operators."""
    found = await office.store.read(lambda tx: views.message_story(tx, item))
    if found is None:
        raise NotFound
    events = found["events"]
    return {"thing": found, "events": events[:MOST_EVENTS], "hidden": max(0, len(events) - MOST_EVENTS)}


async def referral(office: Office, person: Person, item: str) -> Told:
    """One referral and its story, by day; NotFound for nobody's and another practice's."""
    found = await office.store.read(lambda tx: _with_acts(tx, person, item, views.referral_story(tx, item)))
    told = _seen(person, found) | _offers(person, "referrals", found["state"])
    story = moments(found, office.partners())
    deliveries = [each | {"what": what_of(each, office.partners())} for each in found["deliveries"]]
    return told | {
        "days": _days(story[-MOST_MOMENTS:]),
        "hidden": max(0, len(story) - MOST_MOMENTS),
        "deliveries": deliveries[-MOST_EVENTS:],
    }


async def referrals(office: Office, person: Person, asked: Mapping[str, str]) -> Told:
    """Referrals of a practice, or for an operator in a state; NotFound for another's practice."""
    practice, state = asked.get("practice", ""), asked.get("state", "")
    if not practice and not person.operates:
        practice = person.practices[0]
    if practice and not person.may_see(practice):
        raise NotFound
    if state not in set(ReferralState):
        state = ReferralState.OPEN
    before = place_of(asked, pages.NEWEST_OF_ALL)

    def look(tx: Tx) -> list[Told]:
        if practice:
            return pages.referrals_of(tx, practice, before, PER_PAGE + 1)
        return pages.referrals_in(tx, state, before, PER_PAGE + 1)

    rows = await office.store.read(look)
    kept = {"practice": practice} if practice else {"state": state}
    return {
        "rows": rows[:PER_PAGE],
        "practice": practice,
        "state": "" if practice else state,
        "states": list(ReferralState),
        "following": kept | _after(rows),
    }


async def parked(office: Office, code: str, asked: Mapping[str, str]) -> Told:
    """What is parked for one reason, oldest first."""
    after = place_of(asked, pages.OLDEST)
    rows = await office.store.read(lambda tx: pages.parked_page(tx, code, after, PER_PAGE + 1))
    names = office.partners()
    for row in rows:
        if row["kind"] == "delivery":
            row["what"] = what_of({**row, "kind": row["what"]}, names)
    return {"code": code, "rows": rows[:PER_PAGE], "following": {"code": code} | _after(rows)}


async def acts(office: Office, asked: Mapping[str, str]) -> Told:
    """What people did, the newest first."""
    at, node = place_of(asked, pages.NEWEST_OF_ALL)
    n = _whole(asked.get("n", ""), 1 << 62)
    rows = await office.store.read(lambda tx: audit.page(tx, (at, node, n), PER_PAGE + 1))
    last = rows[PER_PAGE - 1] if len(rows) > PER_PAGE else None
    following = {"at": last["at"], "id": last["node"], "n": last["n"]} if last else {}
    return {"rows": rows[:PER_PAGE], "following": following}


def place_of(asked: Mapping[str, str], otherwise: Place) -> Place:
    """Where a page begins, as the link to it says."""
    if "at" not in asked or "id" not in asked:
        return otherwise
    return Place(_whole(asked["at"], otherwise.at), asked["id"][:64])


def _whole(said: str, otherwise: int) -> int:
    return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else otherwise


def _after(rows: list[Told]) -> dict[str, Any]:
    """Where the next page begins; nothing on the last one."""
    if len(rows) <= PER_PAGE:
        return {}
    last = rows[PER_PAGE - 1]
    return {"at": last["at"], "id": last["id"]}


def _with_acts(tx: Tx, person: Person, item: str, found: Told | None) -> Told:
    """With what people did about it, for those whom that concerns."""
    if found is None:
        raise NotFound
    told = audit.about(tx, item, MOST_ACTS) if person.operates or person.answers else []
    return found | {"acts": told}


def _seen(person: Person, found: Told) -> Told:
    practice = found["practice"]
    if not person.may_see(practice):
        raise NotFound
    return {"thing": found, "acts": found["acts"], "may_read": person.may_read(practice)}


def _offers(person: Person, kind: str, state: str) -> Told:
    return {
        "kind": kind,
        "may_release": person.operates and state in RELEASED[kind],
        "may_discard": person.operates and state in DISCARDED[kind],
    }


def _days(story: Iterable[Moment]) -> list[tuple[str, list[Moment]]]:
    """The moments of each day in London."""
    return [(day, list(told)) for day, told in groupby(story, key=_day)]


def _day(moment: Moment) -> str:
    return f"{datetime.fromtimestamp(moment.at / 1000, UTC).astimezone(LONDON):%A %-d %B %Y}"
