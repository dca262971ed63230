"""What a simulated FHIR R4 server holds, as plain JSON: versions, conditions, all-or-nothing writes.

Every public method is atomic. A write is planned first (conditions met, links rewritten) and applied after,
so that a server which checks and stores in two steps can be imitated. Rules: hl7.org/fhir/R4/http.html.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl
from uuid import uuid4

import orjson

from bridge.simulators.fhir_search import matches

Resource = dict[str, Any]
Pairs = list[tuple[str, str]]

STALE = (412, "conflict")  # status and issue code of an If-Match that names another version
_WEAK = re.compile(r'W/"(.+)"\Z')


class NotAccepted(Exception):
    """The server says no: HTTP status, FHIR issue code and a sentence without values."""

    def __init__(self, status: int, code: str, text: str) -> None:
        self.status, self.code, self.text = status, code, text
        super().__init__(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One planned write. `status` 200 with `stored=False` is a conditional create that found its resource."""

    status: int
    resource: Resource
    stored: bool = True


@dataclass(slots=True, kw_only=True)
class Shelf:
    """All resources of one type: versions by id, oldest first, and ids by business identifier."""

    versions: dict[str, list[Resource]] = field(default_factory=dict)
    by_identifier: dict[str, set[str]] = field(default_factory=dict)


class FhirStore:
    """`ids` says what an id in a create meets: "refuse" (400), "ignore" or, as one real server, "keep"."""

    def __init__(
        self, *, now: Callable[[], datetime], ids: Literal["refuse", "ignore", "keep"] = "refuse"
    ) -> None:
        self._now = now
        self._ids = ids
        self._shelves: dict[str, Shelf] = {}
        self._lock = threading.RLock()

    def all(self, kind: str) -> list[Resource]:
        """The newest version of every resource of a type, oldest first, as copies."""
        with self._lock:
            return [_copy(r) for r in self._newest(kind)]

    def read(self, kind: str, id_: str, version: str = "") -> Resource:
        """One resource, newest or that version; 404 when there is none."""
        return self.history(kind, id_)[0] if not version else self._version(kind, id_, version)

    def history(self, kind: str, id_: str) -> list[Resource]:
        """Every version of one resource, newest first; 404 when there is none."""
        with self._lock:
            versions = self._shelf(kind).versions.get(id_)
            if not versions:
                raise NotAccepted(404, "not-found", f"no such {kind}")
            return [_copy(r) for r in reversed(versions)]

    def search(self, kind: str, pairs: Pairs) -> list[Resource]:
        """Resources that match every parameter, in the order they were last changed."""
        with self._lock:
            found = [_copy(r) for r in self._matching(kind, pairs)]
        return sorted(found, key=lambda r: str(r["meta"]["lastUpdated"]))

    def put(self, resource: Resource) -> Resource:
        """Store it as the owner of the server would, under its own id or a new one; gives what is held."""
        with self._lock:
            held = {**resource, "id": resource.get("id") or uuid4().hex}
            return self._apply(held)

    def plan_create(self, kind: str, body: Resource, if_none_exist: str = "") -> Write:
        """A create, conditional when `if_none_exist` is a search; 412 when that matches several."""
        with self._lock:
            if if_none_exist:
                found = self._only(kind, _pairs(if_none_exist))
                if found is not None:
                    return Write(status=200, resource=found, stored=False)
            return Write(status=201, resource={**body, "id": self._new_id(kind, body)})

    def plan_update(self, kind: str, id_: str, body: Resource, if_match: str = "") -> Write:
        """An update; 404 no such id, 400 another id in the body, 412 If-Match of another version."""
        with self._lock:
            held = self.read(kind, id_)
            if body.get("id") != id_:
                raise NotAccepted(400, "invalid", f"{kind}.id is not the id of the URL")
            _check_version(held, if_match)
            return Write(status=200, resource=dict(body))

    def plan_conditional_update(self, kind: str, search: Pairs, body: Resource, if_match: str = "") -> Write:
        """An update of the one match, a create when there is none, 412 when there are several."""
        with self._lock:
            found = self._only(kind, search)
            if found is None:
                return self.plan_create(kind, body)
            return self.plan_update(kind, found["id"], {"id": found["id"], **body}, if_match)

    def plan_transaction(self, bundle: Resource) -> list[Write]:
        """Every entry planned and the links between them rewritten; the first bad entry refuses them all."""
        with self._lock:
            entries = bundle.get("entry") or []
            plans = [self._plan_entry(entry) for entry in entries]
            links = {
                e["fullUrl"]: _place(p.resource)
                for e, p in zip(entries, plans, strict=True)
                if e.get("fullUrl")
            }
            rewritten = [self._rewritten(p, links) for p in plans]
            _refuse_same_target(rewritten)
            return rewritten

    def apply(self, writes: Iterable[Write]) -> list[Write]:
        """Store all planned writes at one instant; gives them with the versions that are now held."""
        with self._lock:
            return [
                Write(
                    status=w.status,
                    resource=self._apply(w.resource) if w.stored else w.resource,
                    stored=w.stored,
                )
                for w in writes
            ]

    def carry_out(self, plan: Callable[[], list[Write]]) -> list[Write]:
        """Plan and apply as one step."""
        with self._lock:
            return self.apply(plan())

    def _plan_entry(self, entry: Resource) -> Write:
        request, body = entry.get("request") or {}, entry.get("resource") or {}
        method, url = str(request.get("method", "")), str(request.get("url", ""))
        kind, _, rest = url.partition("?")
        kind, _, id_ = kind.partition("/")
        if not kind or body.get("resourceType") != kind:
            raise NotAccepted(
                400, "invalid", "Bundle.entry.request.url does not name the type of its resource"
            )
        if method == "POST" and not id_:
            return self.plan_create(kind, body, str(request.get("ifNoneExist", "")))
        if method == "PUT" and rest:
            return self.plan_conditional_update(kind, _pairs(rest), body, str(request.get("ifMatch", "")))
        if method == "PUT" and id_:
            return self.plan_update(kind, id_, body, str(request.get("ifMatch", "")))
        raise NotAccepted(400, "not-supported", "only POST and PUT entries are supported in a transaction")

    def _rewritten(self, plan: Write, links: dict[str, str]) -> Write:
        if not plan.stored:
            return plan
        body = _copy(plan.resource)
        for holder in _references(body):
            holder["reference"] = self._resolved(str(holder["reference"]), links)
        return Write(status=plan.status, resource=body)

    def _resolved(self, reference: str, links: dict[str, str]) -> str:
        if reference in links:
            return links[reference]
        if reference.startswith("urn:uuid:"):
            raise NotAccepted(400, "not-found", "a urn:uuid reference points at no entry of the Bundle")
        kind, conditional, search = reference.partition("?")
        if not conditional:
            return reference
        found = self._only(kind, _pairs(search))
        if found is None:
            raise NotAccepted(412, "not-found", "a conditional reference matches nothing")
        return _place(found)

    def _new_id(self, kind: str, body: Resource) -> str:
        if "id" not in body or self._ids == "ignore":
            return uuid4().hex
        if self._ids == "refuse":
            raise NotAccepted(400, "invalid", f"{kind}.id has no place in a create")
        if body["id"] in self._shelf(kind).versions:
            raise NotAccepted(500, "exception", "duplicate key")
        return str(body["id"])

    def _apply(self, body: Resource) -> Resource:
        shelf = self._shelf(body["resourceType"])
        versions = shelf.versions.setdefault(body["id"], [])
        held = _copy(body)
        instant = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        held["meta"] = {**held.get("meta", {}), "versionId": str(len(versions) + 1), "lastUpdated": instant}
        for value in _identifier_values(versions[-1]) if versions else ():
            shelf.by_identifier[value].discard(held["id"])
        for value in _identifier_values(held):
            shelf.by_identifier.setdefault(value, set()).add(held["id"])
        versions.append(held)
        return _copy(held)

    def _matching(self, kind: str, pairs: Pairs) -> Iterator[Resource]:
        exact = next(
            (v.rpartition("|")[2] for name, v in pairs if name == "identifier" and "," not in v), None
        )
        shelf = self._shelf(kind)
        held = self._newest(kind) if exact is None else (
            shelf.versions[i][-1] for i in list(shelf.by_identifier.get(exact, ()))
        )  # fmt: skip
        return (r for r in held if matches(r, pairs, self._target))

    def _target(self, reference: str) -> Resource | None:
        kind, _, id_ = reference.partition("/")
        versions = self._shelf(kind).versions.get(id_.partition("/")[0])
        return versions[-1] if versions else None

    def _only(self, kind: str, search: Pairs) -> Resource | None:
        found = list(self._matching(kind, search))
        if len(found) > 1:
            raise NotAccepted(412, "multiple-matches", f"the condition matches several {kind} resources")
        return _copy(found[0]) if found else None

    def _version(self, kind: str, id_: str, version: str) -> Resource:
        for held in self.history(kind, id_):
            if held["meta"]["versionId"] == version:
                return held
        raise NotAccepted(404, "not-found", f"no such version of this {kind}")

    def _newest(self, kind: str) -> Iterator[Resource]:
        return (versions[-1] for versions in list(self._shelf(kind).versions.values()))

    def _shelf(self, kind: str) -> Shelf:
        return self._shelves.setdefault(kind, Shelf())


def _copy(resource: Resource) -> Resource:
    copied: Resource = orjson.loads(orjson.dumps(resource))
    return copied


def _pairs(search: str) -> Pairs:
    return parse_qsl(search.lstrip("?"), keep_blank_values=True)


def _place(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _check_version(held: Resource, if_match: str) -> None:
    if not if_match:
        return
    named = _WEAK.match(if_match)
    if named is None or named[1] != held["meta"]["versionId"]:
        raise NotAccepted(*STALE, "If-Match names another version than the one held")


def _refuse_same_target(plans: list[Write]) -> None:
    places = [_place(p.resource) for p in plans if p.stored]
    if len(places) != len(set(places)):
        raise NotAccepted(400, "duplicate", "two entries of the Bundle write the same resource")


def _references(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node
        for child in node.values():
            yield from _references(child)
    elif isinstance(node, list):
        for child in node:
            yield from _references(child)


def _identifier_values(resource: Resource) -> list[str]:
    found = resource.get("identifier") or []
    return [str(i.get("value", "")) for i in (found if isinstance(found, list) else [found])]
