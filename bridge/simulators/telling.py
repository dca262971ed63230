"""How a simulated service tells the bridge something: over real HTTP, with its key, again after a bad day."""

import asyncio
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal
from uuid import uuid4

import httpx

from bridge.simulators.trouble import FHIR_JSON

_DEADLINE = 30.0  # seconds for one try


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """Where and how to tell the bridge; `fhir` is its FHIR base URL.

    `form` "transaction" sends everything in a Bundle, "single" posts new Observations one by one. What met a
    broken line, 429 or 5xx is sent again, byte by byte, up to `tries` times; `pause` is the seconds before
    the second try and doubles.
    """

    fhir: str
    api_key: str
    form: Literal["transaction", "single"] = "transaction"
    tries: int = 5
    pause: float = 0.2


async def tell(bridge: Bridge, resource: dict[str, Any]) -> httpx.Response:
    """Send one Task or Observation; the last answer, or httpx.TransportError when no try got one."""
    created = resource["resourceType"] == "Observation" and resource["status"] == "final"
    if created and bridge.form == "single":
        return await _send(bridge, f"{bridge.fhir}/Observation", _without_id(resource))
    entry = _creation(resource) if created else _update(resource)
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    return await _send(bridge, bridge.fhir, bundle)


def _creation(resource: dict[str, Any]) -> dict[str, Any]:
    key = resource["identifier"][0]
    request = {
        "method": "POST",
        "url": "Observation",
        "ifNoneExist": f"identifier={key['system']}|{key['value']}",
    }
    return {"fullUrl": f"urn:uuid:{uuid4()}", "resource": _without_id(resource), "request": request}


def _update(resource: dict[str, Any]) -> dict[str, Any]:
    place = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": place}}


def _without_id(resource: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if name != "id"}


async def _send(bridge: Bridge, url: str, body: dict[str, Any]) -> httpx.Response:
    content = json.dumps(body).encode()
    headers = {
        "Content-Type": FHIR_JSON,
        "X-API-Key": bridge.api_key,
        "X-Request-ID": str(uuid4()),
        "X-Correlation-ID": str(uuid4()),
    }
    async with httpx.AsyncClient(timeout=_DEADLINE, headers=headers) as http:
        for attempt in range(1, bridge.tries):
            try:
                answer = await http.post(url, content=content)
            except httpx.TransportError:
                answer = None
            if answer is not None and not _is_passing(answer.status_code):
                return answer
            await asyncio.sleep(bridge.pause * 2 ** (attempt - 1))
        return await http.post(url, content=content)


def _is_passing(status: int) -> bool:
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
