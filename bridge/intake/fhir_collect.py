"""How a service without a FHIR server collects its work: Tasks that changed, with request and person.

A service sees its own referrals and nothing else, as far as its scheme releases their fields; every referral
that is shown is audited. A parameter we do not know is refused.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlencode

from fastapi import Request, Response

from bridge.domain.dates import fhir_instant
from bridge.errors import Forbidden, NotFound, Problem, Unreadable
from bridge.fhir.answers import searchset
from bridge.fhir.trees import Json
from bridge.intake.answers import fhir
from bridge.intake.desk import Desk
from bridge.intake.fhir_reads import check_accept
from bridge.pipeline import shelf
from bridge.pipeline.shelf import Collected, Place
from bridge.security.caller import Caller, Role
from bridge.store.unit import Tx

Kind = Literal["Task", "Patient", "ServiceRequest"]
USUAL, MOST = 50, 200
_SINCE = re.compile(r"(ge|gt)(.+)")
_PAGE = re.compile(r"(\d{1,15})\.([0-9a-f-]{36})")
_INCLUDES = {"Task:focus": "request", "Task:patient": "person", "Task:subject": "person"}
_KNOWN = frozenset({"owner", "owner:identifier", "_lastUpdated", "_count", "_include", "_page", "_format"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    owner: str
    since: int
    count: int
    includes: frozenset[str]
    after: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """Answers services; what is shown is audited in the unit that finds it."""

    desk: Desk

    async def search(self, request: Request) -> Response:
        """The Tasks of the calling service that changed since, oldest first, page by page."""
        caller = await self._service(request)
        asked = _asked(request.query_params.multi_items())
        if asked.owner and not self._is_known_as(caller.service, asked.owner):
            found: list[Collected] = []
        else:
            found = await self.desk.store.run(lambda tx: self._changed(tx, caller, asked))
        shown, more = found[: asked.count], len(found) > asked.count
        base = f"{request.base_url}fhir"
        said = [(k, v) for k, v in request.query_params.multi_items() if k != "_page"]
        answer = searchset(_resources(shown, asked.includes), base=base, self_url=_url(base, said))
        for entry in answer.get("entry", ()):
            if entry["resource"]["resourceType"] != "Task":
                entry["search"] = {"mode": "include"}
        answer["total"] = len(shown) if not more and asked.after == (0, "") else None
        if answer["total"] is None:
            del answer["total"]
        if more:
            at, last = shown[-1].place
            answer["link"].append({"relation": "next", "url": _url(base, [*said, ("_page", f"{at}.{last}")])})
        return fhir(answer)

    async def read(self, request: Request, kind: Kind, identity: str) -> Response:
        """One of them by our id; NotFound for another service's, and for a person once it was taken back."""
        caller = await self._service(request)
        found = await self.desk.store.run(lambda tx: self._one(tx, caller, identity))
        held = (
            None if found is None else {"Task": found.task, "Patient": found.person}.get(kind, found.request)
        )
        if held is None:
            raise NotFound
        return fhir(held, 200, {"ETag": f'W/"{held["meta"]["versionId"]}"'})

    async def _service(self, request: Request) -> Caller:
        caller = await self.desk.caller(request)
        check_accept(request)
        if Role.SERVICE not in caller.roles:
            raise Forbidden(problems=(Problem(code="caller-not-allowed"),))
        return caller

    def _is_known_as(self, service: str, owner: str) -> bool:
        """Whether the owner asked for is the caller's own service."""
        known = [scheme.service.known_as for scheme in self.desk.context.rulebook.of_service(service)]
        return owner in {service, *(f"{k.system}|{k.value}" for k in known), *(k.value for k in known)}

    def _changed(self, tx: Tx, caller: Caller, asked: _Asked) -> list[Collected]:
        ctx = self.desk.context
        limit = asked.count + 1
        found = shelf.changed(tx, ctx, caller.service, since=asked.since, after=asked.after, limit=limit)
        for each in found[: asked.count]:
            self._audit(tx, caller, each)
        return found

    def _one(self, tx: Tx, caller: Caller, identity: str) -> Collected | None:
        found = shelf.one(tx, self.desk.context, caller.service, identity.lower())
        if found is not None:
            self._audit(tx, caller, found)
        return found

    def _audit(self, tx: Tx, caller: Caller, shown: Collected) -> None:
        self.desk.hand(caller, "collected, by FHIR").sign(tx, "read", shown.referral_id)


def _resources(found: Iterable[Collected], includes: frozenset[str]) -> Iterable[Json]:
    for each in found:
        yield each.task
        if "request" in includes:
            yield each.request
        if "person" in includes and each.person is not None:
            yield each.person


def _asked(said: list[tuple[str, str]]) -> _Asked:
    """What is asked for; Unreadable names every parameter that is not understood."""
    wrong = [f"parameter {n}" for n, (name, _) in enumerate(said, 1) if name not in _KNOWN]
    values = dict(said)
    since = _since(values.get("_lastUpdated", ""), wrong)
    count, page = values.get("_count", str(USUAL)), values.get("_page", "0.")
    if not (count.isascii() and count.isdigit() and 0 < int(count) <= MOST):
        wrong.append("_count")
    place = _PAGE.fullmatch(page)
    if place is None and page != "0.":
        wrong.append("_page")
    includes = [value for name, value in said if name == "_include"]
    wrong += ["_include"] * any(value not in _INCLUDES for value in includes)
    if wrong:
        raise Unreadable(problems=tuple(Problem(code="parameter-wrong", at=at) for at in wrong))
    return _Asked(
        owner=values.get("owner:identifier") or values.get("owner", ""),
        since=since,
        count=int(count),
        includes=frozenset(_INCLUDES[value] for value in includes),
        after=(int(place[1]), place[2]) if place else (0, ""),
    )


def _since(said: str, wrong: list[str]) -> int:
    match = _SINCE.fullmatch(said)
    if not said:
        return 0
    try:
        moment = fhir_instant(match[2].replace(" ", "+")) if match else None
    except ValueError:
        moment = None
    if match is None or moment is None:
        wrong.append("_lastUpdated")
        return 0
    ms = int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
    return ms + (match[1] == "gt")


def _url(base: str, said: list[tuple[str, str]]) -> str:
    return f"{base}/Task?{urlencode(said)}"
