"""The word to a sender who spoke of a risk: who is being told, and that this is no emergency channel."""

from typing import Any

import orjson
from fastapi import Response

from bridge.errors import Problem
from bridge.errors.catalogue import CATALOGUE
from bridge.fhir.answers import operation_outcome

CODE = "risk-raised"
HEADER = "X-Risk-Notice"


def with_notice(response: Response, raised: int) -> Response:
    """The same answer with the notice in it, in words and as a header, where a risk was raised."""
    if not raised:
        return response
    content = orjson.loads(response.body or b"{}")
    if isinstance(content, dict):
        _put(content)
    headers = {k: v for k, v in response.headers.items() if k not in ("content-length", "content-type")}
    told = Response(orjson.dumps(content), response.status_code, headers, response.media_type)
    told.headers[HEADER] = CODE
    return told


def _put(content: dict[str, Any]) -> None:
    notice = operation_outcome((Problem(code=CODE),), severity="warning")
    match content.get("resourceType"):
        case "OperationOutcome":
            content["issue"] = [*notice["issue"], *content.get("issue", [])]
        case "Bundle" if content.get("type") != "message":
            first = content["entry"][0].setdefault("response", {}) if content.get("entry") else {}
            outcome = first.get("outcome", notice | {"issue": []})
            first["outcome"] = outcome | {"issue": [*notice["issue"], *outcome["issue"]]}
        case None:
            entry = CATALOGUE[CODE]
            content["notice"] = {"code": CODE, "meaning": entry.meaning, "next_step": entry.next_step}
