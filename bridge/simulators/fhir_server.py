"""A FHIR R4 server in memory that speaks real HTTP, remembers its callers and misbehaves on request.

The FHIR base is `/fhir`. `POST /_control/script` takes steps of `bridge.simulators.trouble` as a JSON list,
`DELETE /_control/script` ends the trouble. Synthetic data only: the door has no lock.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from bridge.simulators import fhir_answers as answers
from bridge.simulators.fhir_answers import Manners, fhir
from bridge.simulators.fhir_rules import broken
from bridge.simulators.fhir_search import check
from bridge.simulators.fhir_store import STALE, FhirStore, NotAccepted, Resource, Write
from bridge.simulators.trouble import FHIR_JSON, STORES, Script, Step, outcome, troubled

_READABLE = (FHIR_JSON, "application/json")
_ECHOED = ("x-request-id", "x-correlation-id")
_RACE = 0.05  # seconds between looking and storing, for a server that is not race-safe


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as it arrived. `path` starts behind the FHIR base; header names are lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; ValueError when it is not."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request, read whole."""

    method: str
    parts: tuple[str, ...]
    pairs: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes
    base: str


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class FhirServer:
    """`app` to serve, `store` to look into, `seen` and `resources` for tests, `script` for trouble.

    It remembers the last `remembers` requests. `on_write` is called in the server's loop after each resource
    that a caller created or changed.
    """

    def __init__(
        self,
        *,
        manners: Manners | None = None,
        now: Callable[[], datetime] = utc_now,
        remembers: int = 10_000,
        on_write: Callable[[Resource], None] = lambda _: None,
    ) -> None:
        self.manners = manners or Manners()
        self.store = FhirStore(now=now, ids=self.manners.ids)
        self.seen: deque[Seen] = deque(maxlen=remembers)
        self._now = now
        self._on_write = on_write
        self._script = Script()
        self._cached: dict[object, tuple[float, dict[str, Any]]] = {}
        self.app = FastAPI(openapi_url=None)
        _add_routes(self)

    def resources(self, kind: str) -> list[Resource]:
        """The newest version of everything held of one type, oldest first."""
        return self.store.all(kind)

    def script(self, *steps: Step) -> None:
        """Plan trouble for the requests to come."""
        self._script.extend(*steps)

    def recover(self) -> None:
        """End all trouble."""
        self._script.clear()

    async def answer(self, request: Request) -> Response:
        """Carry out one FHIR request, or play what the script says."""
        call = await _read(request)
        path = "/".join(call.parts)
        self.seen.append(
            Seen(
                method=call.method,
                path=path,
                query=request.url.query,
                headers=call.headers,
                body=call.body,
            )
        )
        step = self._script.next(call.method, path)
        if step is not None and step.trouble not in STORES:
            return troubled(step, None, self._now)
        earned = await self._carried_out(call)
        earned.headers.update({name: call.headers[name] for name in _ECHOED if name in call.headers})
        return earned if step is None else troubled(step, earned, self._now)

    async def _carried_out(self, call: Call) -> Response:
        try:
            _check_media(call)
            if call.method == "GET":
                return self._get(call)
            return await self._write(call)
        except NotAccepted as no:
            stale = (no.status, no.code) == STALE
            return fhir(outcome(no.code, no.text), self.manners.stale if stale else no.status)
        except (ValueError, KeyError, TypeError, AttributeError):  # JSON that is no FHIR resource
            return fhir(outcome("structure", "the request cannot be read as FHIR"), 400)

    def _get(self, call: Call) -> Response:
        prefer = call.headers.get("prefer", "")
        match call.parts:
            case ("metadata",):
                return fhir(answers.capability(self._now().date().isoformat()))
            case (kind,):
                return self._search(call, kind, call.pairs)
            case (kind, id_):
                held = Write(status=200, resource=self.store.read(kind, id_))
            case (kind, id_, "_history"):
                return fhir(answers.history_bundle(self.store.history(kind, id_), call.base))
            case (kind, id_, "_history", version):
                held = Write(status=200, resource=self.store.read(kind, id_, version))
            case _:
                raise NotAccepted(404, "not-found", "no such place")
        return answers.resource_answer(held, call.base, self.manners, prefer)

    async def _write(self, call: Call) -> Response:
        prefer = call.headers.get("prefer", "")
        match (call.method, *call.parts):
            case ("POST",):
                bundle = _resource(call, "Bundle")
                if bundle.get("type") != "transaction":
                    raise NotAccepted(400, "not-supported", "Bundle.type is not transaction")
                for entry in bundle.get("entry") or []:
                    self._check(entry.get("resource") or {})
                writes = await self._stored(lambda: self.store.plan_transaction(bundle))
                return answers.transaction_answer(writes, call.base, self.manners, prefer)
            case ("POST", kind, "_search"):
                form = parse_qsl(call.body.decode(), keep_blank_values=True)
                return self._search(call, kind, call.pairs + form)
            case ("POST" | "PUT", kind, *_):
                body = _resource(call, kind)
                self._check(body)
                write = (await self._stored(lambda: [self._plan(call, body)]))[0]
                return answers.resource_answer(write, call.base, self.manners, prefer)
        raise NotAccepted(405, "not-supported", "no such interaction here")

    def _plan(self, call: Call, body: Resource) -> Write:
        condition, version = call.headers.get("if-none-exist", ""), call.headers.get("if-match", "")
        match (call.method, *call.parts):
            case ("POST", kind):
                return self.store.plan_create(kind, body, condition)
            case ("PUT", kind) if call.pairs:
                return self.store.plan_conditional_update(kind, call.pairs, body, version)
            case ("PUT", kind, id_):
                return self.store.plan_update(kind, id_, body, version)
        raise NotAccepted(405, "not-supported", "no such interaction here")

    async def _stored(self, plan: Callable[[], list[Write]]) -> list[Write]:
        if self.manners.race_safe:
            writes = self.store.carry_out(plan)
        else:
            planned = plan()
            await asyncio.sleep(_RACE)
            writes = self.store.carry_out(lambda: self._after_a_race(planned, plan))
        for write in writes:
            if write.stored:
                self._on_write(write.resource)
        return writes

    def _after_a_race(self, planned: list[Write], plan: Callable[[], list[Write]]) -> list[Write]:
        if self.manners.unique_index and [w.status for w in plan()] != [w.status for w in planned]:
            raise NotAccepted(409, "processing", "a unique index was violated")
        return planned

    def _check(self, body: Resource) -> None:
        found = broken(body) if self.manners.validates else None
        if found is not None:
            code, at = found
            raise NotAccepted(self.manners.refusal, code, f"{at} breaks its rule")

    def _search(self, call: Call, kind: str, pairs: list[tuple[str, str]]) -> Response:
        check(kind, pairs)
        key = (kind, tuple(pairs))
        until, bundle = self._cached.get(key, (0.0, {}))
        fresh = any(word in call.headers.get("cache-control", "") for word in ("no-cache", "no-store"))
        if fresh or time.monotonic() >= until:
            found = self.store.search(kind, pairs)
            url = f"{call.base}/{kind}"
            bundle = answers.searchset(found, pairs, url=url, base=call.base, manners=self.manners)
            if self.manners.search_cache:
                self._cached[key] = (time.monotonic() + self.manners.search_cache, bundle)
        return fhir(bundle)


async def _read(request: Request) -> Call:
    path = str(request.path_params.get("path", ""))
    return Call(
        method=request.method,
        parts=tuple(part for part in path.split("/") if part),
        pairs=parse_qsl(request.url.query, keep_blank_values=True),
        headers=dict(request.headers),
        body=await request.body(),
        base=f"{request.base_url}fhir",
    )


def _check_media(call: Call) -> None:
    accepts = call.headers.get("accept", "*/*")
    if not any(media in accepts for media in (*_READABLE, "*/*", "application/*")):
        raise NotAccepted(406, "not-supported", "only FHIR JSON is spoken here")
    form = call.parts[-1:] == ("_search",)
    readable = ("application/x-www-form-urlencoded",) if form else _READABLE
    media = call.headers.get("content-type", "").partition(";")[0].strip()
    if call.method in {"POST", "PUT"} and media not in readable:
        raise NotAccepted(415, "not-supported", "the content type is not understood")


def _resource(call: Call, kind: str) -> Resource:
    body = json.loads(call.body)
    if not isinstance(body, dict) or body.get("resourceType") != kind:
        raise NotAccepted(400, "structure", "resourceType does not fit the URL")
    return body


def _add_routes(server: FhirServer) -> None:
    async def control(request: Request) -> Response:
        if request.method == "DELETE":
            server.recover()
        else:
            try:
                server.script(*(Step.model_validate(s) for s in await request.json()))
            except ValueError:
                return fhir(outcome("invalid", "a step of the script is not understood"), 400)
        return Response(status_code=204)

    async def requests(_: Request) -> Response:
        rows = [
            {"method": s.method, "path": s.path, "query": s.query, "headers": s.headers} for s in server.seen
        ]
        return Response(json.dumps(rows), media_type="application/json")

    async def lost(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return fhir(outcome("not-found" if status == 404 else "not-supported", "no such place"), status)

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    server.app.add_route("/fhir", server.answer, methods=methods)
    server.app.add_route("/fhir/{path:path}", server.answer, methods=methods)
    server.app.add_route("/_control/script", control, methods=["POST", "DELETE"])
    server.app.add_route("/_control/requests", requests, methods=["GET"])
    server.app.add_exception_handler(HTTPException, lost)
