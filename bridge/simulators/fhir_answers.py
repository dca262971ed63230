"""How the simulated FHIR server words its answers, and how real servers differ in that."""

import json
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any, Literal
from urllib.parse import urlencode

from fastapi.responses import Response

from bridge.simulators.fhir_search import instant
from bridge.simulators.fhir_store import Resource, Write
from bridge.simulators.trouble import FHIR_JSON, outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """What differs between real servers that are all right by the standard, or nearly.

    `ids` as in FhirStore. `race_safe=False` checks a condition and stores a moment later; with `unique_index`
    the loser of the race then hears 409, without it both are stored. `search_cache` is for how many seconds a
    search is answered from memory unless the caller says `no-cache`. `entry_outcome` puts an OperationOutcome
    of severity information into every entry of a transaction-response.
    """

    entry_status: Literal["number", "phrase"] = "phrase"  # "201" or "201 Created"
    location: Literal["relative", "absolute"] = "relative"
    versioned: bool = True
    total: bool = True
    next_page: bool = True  # False: cut at _count without a link to the rest
    refusal: Literal[400, 422] = 422
    validates: bool = True
    ids: Literal["refuse", "ignore", "keep"] = "refuse"
    race_safe: bool = True
    unique_index: bool = False
    stale: Literal[412, 409] = 412  # If-Match of another version
    entry_etag: Literal["weak", "bare"] = "weak"  # W/"1" or 1
    entry_outcome: bool = False
    search_cache: float = 0.0


# As observed of HAPI FHIR 7.4.5 (JPA) and of Medplum's router 5.2.13: tests/conformance/README.md.
HAPI = Manners(
    ids="ignore", race_safe=False, unique_index=True, stale=409, entry_etag="bare", entry_outcome=True
)
MEDPLUM = Manners(
    entry_status="number", versioned=False, ids="keep", validates=False, entry_outcome=True, next_page=False
)


def fhir(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A FHIR JSON answer."""
    return Response(json.dumps(body, separators=(",", ":")), status, headers, FHIR_JSON)


def resource_answer(write: Write, base: str, manners: Manners, prefer: str) -> Response:
    """The answer to a create, update or read of one resource, with its version headers."""
    headers = {"ETag": etag(write.resource), "Last-Modified": _http_date(write.resource)}
    if write.status == 201 or not write.stored:
        headers["Location"] = location(write.resource, base, manners)
    if "return=minimal" in prefer:
        return Response(status_code=write.status, headers=headers)
    return fhir(write.resource, write.status, headers)


def transaction_answer(writes: list[Write], base: str, manners: Manners, prefer: str) -> Response:
    """A transaction-response with one entry per write, in the order they were asked for."""
    entries = [_entry(w, base, manners, full="return=representation" in prefer) for w in writes]
    return fhir({"resourceType": "Bundle", "type": "transaction-response", "entry": entries})


def _entry(write: Write, base: str, manners: Manners, *, full: bool) -> dict[str, Any]:
    phrase = {200: "200 OK", 201: "201 Created"}[write.status]
    version = write.resource["meta"]["versionId"]
    response = {
        "status": phrase if manners.entry_status == "phrase" else str(write.status),
        "location": location(write.resource, base, manners),
        "etag": etag(write.resource) if manners.entry_etag == "weak" else version,
        "lastModified": write.resource["meta"]["lastUpdated"],
        **({"outcome": outcome("informational", "done", "information")} if manners.entry_outcome else {}),
    }
    return {"response": response, **({"resource": write.resource} if full else {})}


def searchset(
    found: list[Resource], pairs: list[tuple[str, str]], *, url: str, base: str, manners: Manners
) -> dict[str, Any]:
    """One page of a search as a Bundle; `_count` (default 100) and `_offset` cut it, `next` leads on."""
    asked = dict(pairs)
    size, start = max(int(asked.get("_count", "100")), 0), max(int(asked.get("_offset", "0")), 0)
    newest_first = asked.get("_sort", "").startswith("-")
    page = (found[::-1] if newest_first else found)[start : start + size]
    links = [{"relation": "self", "url": _page_url(url, pairs, start)}]
    if manners.next_page and size and start + size < len(found):
        links.append({"relation": "next", "url": _page_url(url, pairs, start + size)})
    entries = [
        {"fullUrl": f"{base}/{r['resourceType']}/{r['id']}", "resource": r, "search": {"mode": "match"}}
        for r in page
    ]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "link": links}
    total = {"total": len(found)} if manners.total else {}
    return {**bundle, **total, **({"entry": entries} if entries else {})}


def history_bundle(versions: list[Resource], base: str) -> dict[str, Any]:
    """Every version of one resource, newest first."""
    entries = [
        {
            "fullUrl": f"{base}/{v['resourceType']}/{v['id']}",
            "resource": v,
            "request": {"method": "PUT", "url": f"{v['resourceType']}/{v['id']}"},
            "response": {"status": "200", "etag": etag(v), "lastModified": v["meta"]["lastUpdated"]},
        }
        for v in versions
    ]
    return {"resourceType": "Bundle", "type": "history", "total": len(entries), "entry": entries}


def capability(date: str) -> dict[str, Any]:
    """The CapabilityStatement of the simulated server."""
    verbs = ("create", "read", "vread", "update", "history-instance", "search-type")
    kinds = ("Patient", "ServiceRequest", "Task", "Observation")
    resources = [
        {
            "type": kind,
            "interaction": [{"code": verb} for verb in verbs],
            "versioning": "versioned-update",
            "conditionalCreate": True,
            "conditionalUpdate": True,
        }
        for kind in kinds
    ]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": [FHIR_JSON],
        "software": {"name": "bridge simulator"},
        "implementation": {"description": "Synthetic data in memory, for trying the bridge"},
        "rest": [{"mode": "server", "resource": resources, "interaction": [{"code": "transaction"}]}],
    }


def etag(resource: Resource) -> str:
    """The weak ETag of a version."""
    return f'W/"{resource["meta"]["versionId"]}"'


def location(resource: Resource, base: str, manners: Manners) -> str:
    """Where a resource is, worded as this server words it."""
    place = f"{resource['resourceType']}/{resource['id']}"
    if manners.versioned:
        place += f"/_history/{resource['meta']['versionId']}"
    return f"{base}/{place}" if manners.location == "absolute" else place


def _page_url(url: str, pairs: list[tuple[str, str]], start: int) -> str:
    kept = [(n, v) for n, v in pairs if n != "_offset"] + ([("_offset", str(start))] if start else [])
    return f"{url}?{urlencode(kept)}" if kept else url


def _http_date(resource: Resource) -> str:
    return format_datetime(instant(resource["meta"]["lastUpdated"]), usegmt=True)
