"""Who sees what at the page: every address, opened by everybody. The table is checked against the router."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.journeys.conftest import OPERATOR_KEY, Site
from tests.ops.people import PEOPLE, Person, Things, at_the_page, things_of

NOBODY = dict.fromkeys(("nobody", "key"), 303)  # to the form to sign in; an API key is no account
OF_PRACTICE = {"operator": 200, "practice": 200, "officer": 200, "practice-other": 404, "officer-other": 404}
OPERATORS = dict.fromkeys(PEOPLE, 403) | {"operator": 200}
EVERYBODY = dict.fromkeys(PEOPLE, 200)
OPEN = dict.fromkeys((*PEOPLE, *NOBODY), 200)
SHOWN = {"operator": 403, "practice": 200, "officer": 200, "practice-other": 404, "officer-other": 404}
# A form that is not ours is refused before anything else is looked at; an operator's is, and says no reason.
DEEDS = dict.fromkeys(PEOPLE, 403) | {"operator": 422}

ROWS: dict[str, dict[str, int]] = {
    "GET /ops/static/{name}": OPEN,
    "GET /ops/sign-in": OPEN,
    "POST /ops/sign-in": dict.fromkeys(OPEN, 403),  # without the form's own cookie
    "POST /ops/sign-out": NOBODY | dict.fromkeys(PEOPLE, 303),
    "GET /ops": NOBODY | dict.fromkeys(PEOPLE, 303) | {"operator": 200},  # others go to their list
    "GET /ops/list": NOBODY | EVERYBODY,
    "POST /ops/list/print": NOBODY | dict.fromkeys(PEOPLE, 422),  # says no reason
    "POST /ops/list/filed": NOBODY | dict.fromkeys(PEOPLE, 404),  # names no practice
    "GET /ops/parked": NOBODY | OPERATORS,
    "GET /ops/partners": NOBODY | OPERATORS,
    "GET /ops/sources": NOBODY | OPERATORS,
    "GET /ops/audit": NOBODY | OPERATORS,
    "GET /ops/find": NOBODY | {who: 303 if seen == 200 else seen for who, seen in OF_PRACTICE.items()},
    "GET /ops/referrals": NOBODY | EVERYBODY,
    "GET /ops/referrals/{item}": NOBODY | OF_PRACTICE,
    "GET /ops/events/{item}": NOBODY | OF_PRACTICE,
    "GET /ops/deliveries/{item}": NOBODY | OF_PRACTICE,
    "GET /ops/messages/{item}": NOBODY | OPERATORS,
    "GET /ops/{rest:path}": NOBODY | dict.fromkeys(PEOPLE, 404),
    "POST /ops/parked/release": NOBODY | DEEDS,
    "POST /ops/events/{item}/release": NOBODY | DEEDS,
    "POST /ops/events/{item}/discard": NOBODY | DEEDS,
    "POST /ops/referrals/{item}/release": NOBODY | DEEDS,
    "POST /ops/referrals/{item}/discard": NOBODY | DEEDS,
    "POST /ops/deliveries/{item}/release": NOBODY | DEEDS,
    "POST /ops/deliveries/{item}/discard": NOBODY | DEEDS,
    "POST /ops/deliveries/{item}/replay": NOBODY | DEEDS,
    "POST /ops/messages/{item}/replay": NOBODY | DEEDS,
    "POST /ops/events/{item}/patient": NOBODY | SHOWN,
    "POST /ops/referrals/{item}/patient": NOBODY | SHOWN,
}


def addresses(routes: Iterable[Any], prefix: str = "") -> Iterator[str]:
    """Every method and path under /ops."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from addresses(inner.routes, prefix + route.include_context.prefix)
        elif (path := prefix + getattr(route, "path", "")).startswith("/ops"):
            yield from (f"{method} {path}" for method in route.methods - {"HEAD"})


def place(address: str, things: Things) -> str:
    """The address with something of ours in it."""
    _, _, path = address.partition(" ")
    kind = path.split("/")[2] if path.count("/") > 1 else ""
    item = {
        "referrals": things.referral,
        "events": things.event,
        "deliveries": things.delivery,
        "messages": things.message,
    }.get(kind, "")
    filled = path.replace("{item}", item).replace("{name}", "page.css").replace("{rest:path}", "nothing/here")
    return f"{filled}?id={things.referral}" if path == "/ops/find" else filled


async def asked(person: Person, address: str, things: Things) -> int:
    """What this person is answered."""
    if address.startswith("GET"):
        return (await person.get(place(address, things))).status_code
    why = {"why": "asked for by the practice"} if address.endswith("/patient") else {}
    return (await person.send(place(address, things), **why)).status_code


async def test_every_address_of_the_page_says_who_may_open_it(site: Site) -> None:
    """What is not in the table has not been thought about."""
    assert sorted(addresses(site.bridge.http().routes)) == sorted(ROWS)


async def test_each_person_sees_what_the_table_says(site: Site) -> None:
    """Every address, everybody: with an account, with none, with the key of a caller that operates."""
    things = await things_of(site)
    wrong = []
    for who in (*PEOPLE, *NOBODY):
        async with at_the_page(site, who if who in PEOPLE else "") as person:
            person.http.headers.update({"X-API-Key": OPERATOR_KEY} if who == "key" else {})
            for address, row in ROWS.items():
                status = 303 if address == "POST /ops/sign-out" else await asked(person, address, things)
                if status != row[who]:
                    wrong.append(f"{address} by {who}: {status}, not {row[who]}")

    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("who", PEOPLE)
async def test_a_form_of_another_session_does_nothing(site: Site, who: str) -> None:
    """Another site can have a browser send a form, and cannot know what ours carries."""
    things = await things_of(site)
    async with at_the_page(site, who) as person:
        statuses = {
            (await person.http.post(place(address, things), data={"seal": "x", "why": "none"})).status_code
            for address in ROWS
            if address.startswith("POST") and not address.endswith("/sign-in")
        }

    assert statuses == {403}


async def test_no_account_opens_a_door(site: Site) -> None:
    """The cookie of the page is no credential of a caller."""
    things = await things_of(site)
    async with at_the_page(site, "operator") as person:
        statuses = [
            (await person.get(address)).status_code
            for address in (f"/referrals/{things.referral}", "/health", "/metrics")
        ]

    assert statuses == [401, 401, 401]


async def test_who_looks_for_what_is_not_there_stays_signed_in(site: Site) -> None:
    """The parts of the page are there to go on with, as on every other page."""
    async with at_the_page(site, "operator") as person:
        answers = [await person.get(place) for place in ("/ops/find?id=nothing", "/ops/nowhere")]

    assert [(each.status_code, "Sign out" in each.text) for each in answers] == [(404, True)] * 2


async def test_a_practice_sees_only_its_own_lists(site: Site) -> None:
    """Neither by naming another practice in the address."""
    await things_of(site)
    async with at_the_page(site, "practice-other") as person:
        lists = [
            await person.get("/ops/list?practice=A99999"),
            await person.get("/ops/referrals?practice=A99999"),
        ]
        own = await person.get("/ops/referrals?state=open")

    assert [answer.status_code for answer in lists] == [404, 404]
    assert "A99999" not in own.text
    assert "B99999" in own.text
