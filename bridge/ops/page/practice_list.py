"""The practice's own list: what became of its referrals, and the letters it puts into the record itself."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from bridge import letters
from bridge.errors import BridgeError, NotFound, Unacceptable
from bridge.ops.page.office import Office
from bridge.ops.page.rendering import HEADERS, Renderer, said_of, see
from bridge.ops.page.visitors import Person, Visitors, reason_of, sealed_form
from bridge.pipeline import worklist
from bridge.store import reports
from bridge.store.unit import Tx

Told = dict[str, Any]

DAY = 86_400_000
SINCE = {"24h": ("24 hours", 1), "7d": ("7 days", 7), "28d": ("28 days", 28)}
USUAL_DAYS = 28  # of silence, in a scheme that is gone
ENTRIES = 10  # of one reason on the list


def add_to(router: APIRouter, renderer: Renderer, visitors: Visitors, office: Office) -> None:
    """Its addresses."""

    @router.get("/list")
    async def practice_list(request: Request) -> Response:
        """The list of one practice, as it gets it."""
        return await listed(renderer, office, await visitors.person(request), request.query_params)

    @router.post("/list/print")
    async def print_letters(request: Request) -> Response:
        """The letters the practice puts into its record, as one PDF."""
        person = await visitors.person(request)
        form = await sealed_form(request, person)
        try:
            content = await printed(office, person, form.get("practice", ""), reason_of(form))
        except Unacceptable as error:
            return await listed(renderer, office, person, form, error)
        name = {"Content-Disposition": 'attachment; filename="letters.pdf"'}
        return Response(content, 200, HEADERS | name, "application/pdf")

    @router.post("/list/filed")
    async def file_letter(request: Request) -> Response:
        """Somebody at the practice put a letter into the record."""
        person = await visitors.person(request)
        form = await sealed_form(request, person)
        practice = form.get("practice", "")
        try:
            await filed(office, person, practice, form.get("letter", ""), "in the record")
        except Unacceptable as error:
            return await listed(renderer, office, person, form, error)
        return see(f"/ops/list?{urlencode({'practice': practice})}")


async def listed(
    renderer: Renderer,
    office: Office,
    person: Person,
    asked: Mapping[str, str],
    error: BridgeError | None = None,
) -> Response:
    """The list of a practice, with why nothing was done when that is so."""
    told = await practice_of(office, person, asked)
    status, told["error"] = said_of(error)
    return renderer.page("list", person, told, status)


async def practice_of(office: Office, person: Person, asked: Mapping[str, str]) -> Told:
    """The list of one practice; NotFound for another's. An operator chooses one first."""
    names = office.practices()
    mine = names if person.operates else {ods: names.get(ods, "") for ods in person.practices}
    chosen = asked.get("practice", "") or (next(iter(mine)) if len(mine) == 1 else "")
    since = asked.get("since", "")
    since = since if since in SINCE else "24h"
    told: Told = {"mine": mine, "chosen": chosen, "since": since, "choices": SINCE}
    if not chosen:
        return told | {"list": None}
    if not person.may_see(chosen):
        raise NotFound

    terms = office.context.rulebook.terms_of_silence()

    def look(tx: Tx) -> tuple[int, list[reports.Practice], list[dict[str, str | int]]]:
        begin = tx.now - SINCE[since][1] * DAY
        found = reports.report(tx, since=begin, practice=chosen, quiet_days=USUAL_DAYS, terms=terms)
        to_file = worklist.of_practice(tx, chosen) if person.may_read(chosen) else []
        return begin, found, [item.plain() for item in to_file]

    begin, found, to_file = await office.store.read(look)
    listed = next((each for each in found if each.ods == chosen), reports.Practice(ods=chosen))
    return told | {"list": listed, "begin": begin, "shown": ENTRIES, "letters": to_file}


async def printed(office: Office, person: Person, practice: str, why: str) -> bytes:
    """The letters a practice has to file, as one PDF, each audited as read; NotFound for none of theirs."""
    if not person.may_read(practice):
        raise NotFound
    hand = office.hand(person.name, why)
    items = await office.store.run(lambda tx: worklist.shown(tx, hand, practice))
    found = [item.letter for item in items if item.letter is not None]
    if not found:
        raise NotFound
    return await letters.pdf_aside(found, title=letters.WORKLIST if len(found) > 1 else "")


async def filed(office: Office, person: Person, practice: str, letter: str, why: str) -> None:
    """A letter is in the record now; NotFound for another's, Unacceptable for one not on the list."""
    if not person.may_read(practice):
        raise NotFound
    hand = office.hand(person.name, why)
    await office.store.run(lambda tx: worklist.filed(tx, hand, practice, letter))
    office.wake()
