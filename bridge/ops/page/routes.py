"""The addresses of the page. Each names who may open it; each form is ours, and says why."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from bridge.errors import BridgeError, NotFound, Problem, Unacceptable
from bridge.ops.page import acting, lists, overview, practice_list, things
from bridge.ops.page.office import Office
from bridge.ops.page.overview import Flow
from bridge.ops.page.rendering import Renderer, said_of, see, status_of
from bridge.ops.page.visitors import (
    ENTRY,
    SESSION,
    Person,
    Visitors,
    entry_seal,
    form_of,
    give,
    reason_of,
    refuse_foreign_entry,
    sealed_form,
    take_back,
)
from bridge.security.rates import TooOften
from bridge.store import pages

Id = Annotated[str, Path(pattern=r"^[0-9a-z-]{1,40}$")]
AT_ONCE = things.PER_PAGE  # items that one form releases


def routes(office: Office, *, environment: str, version: str) -> APIRouter:
    """Everything under /ops."""
    renderer = Renderer(office, environment=environment, version=version)
    visitors = Visitors(office)
    router = APIRouter(prefix="/ops", include_in_schema=False, route_class=renderer.route())
    _entrance(router, renderer, visitors)
    _overviews(router, renderer, visitors, office)
    practice_list.add_to(router, renderer, visitors, office)
    _things(router, renderer, visitors, office)
    _deeds(router, renderer, visitors, office)

    @router.get("/{rest:path}")
    async def nothing(rest: str, request: Request) -> Response:  # noqa: ARG001 - whatever it is
        """What is not there, told as a page."""
        return renderer.problem(NotFound(), await visitors.person(request))

    return router


def _entrance(router: APIRouter, renderer: Renderer, visitors: Visitors) -> None:
    @router.get("/static/{name}")
    async def static(name: str) -> Response:
        """Style, script and icon: nothing worth a lock."""
        return renderer.static(name)

    @router.get("/sign-in")
    async def entrance(request: Request) -> Response:
        """The form to sign in."""
        visitors.refuse_far(request)
        if not request.cookies.get(ENTRY):
            request.cookies[ENTRY] = secrets.token_urlsafe(32)
        return _entry(renderer, request, _place(request.query_params.get("next", "")))

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        """In, or once more with a word of why not."""
        visitors.refuse_far(request)
        form = await form_of(request)
        refuse_foreign_entry(request, form)
        place = _place(form.get("next", ""))
        try:
            token = await visitors.sign_in(request, form)
        except (Unacceptable, TooOften) as error:
            return _entry(renderer, request, place, error)
        response = see(place)
        give(response, SESSION, token)
        take_back(response, ENTRY)
        return response

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        """Out, and the session is gone."""
        person = await visitors.person(request)
        await sealed_form(request, person)
        await visitors.sign_out(person)
        response = see("/ops/sign-in")
        take_back(response, SESSION)
        return response


def _entry(renderer: Renderer, request: Request, place: str, error: BridgeError | None = None) -> Response:
    status, code = (429, status_of(error)[1]) if isinstance(error, TooOften) else said_of(error)
    told = {"seal": entry_seal(request), "next": place, "code": code}
    response = renderer.page("sign_in", None, told, status)
    give(response, ENTRY, request.cookies[ENTRY])
    if isinstance(error, TooOften):
        response.headers["Retry-After"] = str(error.after)
    return response


def _place(said: str) -> str:
    """Where to go after signing in: a page of ours, whatever the address asked for."""
    ours = said == "/ops" or said.startswith(("/ops/", "/ops?"))
    return said if ours and said.isascii() and said.isprintable() and "\\" not in said else "/ops"


def _overviews(router: APIRouter, renderer: Renderer, visitors: Visitors, office: Office) -> None:
    flows = Flow()

    @router.get("")
    async def now(request: Request) -> Response:
        """How everything is; for others than operators, their practice's list."""
        person = await visitors.person(request)
        if not person.operates:
            return see("/ops/list")
        return renderer.page("overview", person, await overview.told(office, flows))

    @router.get("/parked")
    async def parked(request: Request) -> Response:
        """What waits for a person, by reason; with `code`, all of one reason."""
        person = await visitors.operator(request)
        asked = dict(request.query_params)
        if "code" in asked:
            return renderer.page("pile", person, await things.parked(office, asked["code"][:60], asked))
        piles = await office.store.read(pages.parked_piles)
        return renderer.page("parked", person, {"piles": piles})

    @router.get("/partners")
    async def partners(request: Request) -> Response:
        """Every partner: in use or not, what waits for it."""
        person = await visitors.operator(request)
        return renderer.page("partners", person, await lists.partners(office))

    @router.get("/sources")
    async def sources(request: Request) -> Response:
        """Every source: when it was heard of, which mapping reads it, which codes nobody knows."""
        person = await visitors.operator(request)
        return renderer.page("sources", person, await lists.sources(office))

    @router.get("/audit")
    async def audit(request: Request) -> Response:
        """Who did what, and why."""
        person = await visitors.operator(request)
        return renderer.page("audit", person, await things.acts(office, request.query_params))


def _things(router: APIRouter, renderer: Renderer, visitors: Visitors, office: Office) -> None:
    @router.get("/find")
    async def find(request: Request) -> Response:
        """To the page of whatever has this id."""
        person = await visitors.person(request)
        item = request.query_params.get("id", "").strip().lower()[:64]
        kind = await office.store.read(lambda tx: pages.kind_of(tx, item))
        if not kind or not (person.operates or await things.is_seen(office, person, kind, item)):
            raise NotFound(problems=(Problem(code="id-unknown"),))
        return see(f"/ops/{kind}/{item}")

    @router.get("/referrals")
    async def referrals(request: Request) -> Response:
        """Where referrals stand, by state or by practice."""
        person = await visitors.person(request)
        return renderer.page(
            "referrals", person, await things.referrals(office, person, request.query_params)
        )

    @router.get("/referrals/{item}")
    async def referral(item: Id, request: Request) -> Response:
        """One referral and its story."""
        return await shown(renderer, office, await visitors.person(request), "referrals", item)

    @router.get("/events/{item}")
    async def event(item: Id, request: Request) -> Response:
        """One thing a message said, and what became of it."""
        return await shown(renderer, office, await visitors.person(request), "events", item)

    @router.get("/deliveries/{item}")
    async def delivery(item: Id, request: Request) -> Response:
        """One thing to be sent to one partner."""
        return await shown(renderer, office, await visitors.person(request), "deliveries", item)

    @router.get("/messages/{item}")
    async def message(item: Id, request: Request) -> Response:
        """What arrived, and what became of each thing it said."""
        return await shown(renderer, office, await visitors.operator(request), "messages", item)


async def shown(
    renderer: Renderer, office: Office, person: Person, kind: str, item: str, error: BridgeError | None = None
) -> Response:
    """The page of one thing, with why nothing was done when that is so."""
    if kind == "messages":
        told = await things.message(office, item)
    elif kind == "referrals":
        told = await things.referral(office, person, item)
    else:
        told = await (things.event if kind == "events" else things.delivery)(office, person, item)
    status, told["error"] = said_of(error)
    return renderer.page(TEMPLATES[kind], person, told, status)


def _deeds(router: APIRouter, renderer: Renderer, visitors: Visitors, office: Office) -> None:
    """What is done with one thing: a form of its page, sent to its address and the deed."""

    def deed(kind: str, verb: str) -> None:
        @router.post(f"/{kind}/{{item}}/{verb}", name=f"{verb}-{kind}")
        async def done(item: Id, request: Request) -> Response:
            person = await (visitors.person if verb == "patient" else visitors.operator)(request)
            form = await sealed_form(request, person)
            try:
                why = reason_of(form)
                if verb == "patient":
                    facts = await acting.patient_of(office, person, kind, item, why)
                    return renderer.page("patient", person, {"facts": facts, "kind": kind, "id": item})
                if verb == "replay":
                    await acting.replayed(office, person, kind, item, why)
                else:
                    await acting.mended(office, person, verb, item, why)
            except Unacceptable as error:
                return await shown(renderer, office, person, kind, item, error)
            return see(f"/ops/{kind}/{item}")

    for kind, verbs in DEEDS.items():
        for verb in verbs:
            deed(kind, verb)

    @router.post("/parked/release")
    async def release_several(request: Request) -> Response:
        """Release the items of one page, one after the other."""
        person = await visitors.operator(request)
        form = await sealed_form(request, person)
        code, items = form.get("code", "")[:60], form.get("items", "").split()[:AT_ONCE]
        done, skipped = await acting.released(office, person, items, reason_of(form))
        told: dict[str, Any] = {"done": str(done), "skipped": str(skipped)}
        page = told | await things.parked(office, code, {})
        return renderer.page("pile", person, page)


TEMPLATES = {
    "events": "event",
    "referrals": "referral",
    "deliveries": "delivery",
    "messages": "message",
}
DEEDS = {
    "events": ("release", "discard", "patient"),
    "referrals": ("release", "discard", "patient"),
    "deliveries": ("release", "discard", "replay"),
    "messages": ("replay",),
}
