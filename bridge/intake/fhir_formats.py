"""FHIR answers in XML for whoever wants them so (http://hl7.org/fhir/R4/http.html#mime-type).

Doors answer in JSON. What goes back to a caller that would rather have XML is written anew on its way out.
"""

from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.domain import strict_json
from bridge.fhir.xml_writing import to_xml

FHIR_JSON: Final = "application/fhir+json"
FHIR_XML: Final = "application/fhir+xml"
FORMATS: Final = (FHIR_JSON, FHIR_XML)  # the first when nothing is asked for
JSON_NAMES: Final = frozenset({"json", FHIR_JSON, "application/json", "text/json", "application/*", "*/*"})
XML_NAMES: Final = frozenset({"xml", FHIR_XML, "application/xml", "text/xml"})


def takes_fhir(accept: str) -> bool:
    """Whether an Accept header leaves a format that we can answer in."""
    return any(name in JSON_NAMES | XML_NAMES for name, quality in _ranges(accept) if quality)


def wants_xml(scope: Scope) -> bool:
    """Whether `_format` asks for XML or, where it says nothing, Accept would rather have it."""
    asked = parse_qs(scope["query_string"].decode("latin-1")).get("_format", [])
    if asked:
        return asked[-1].partition(";")[0].strip().replace(" ", "+").lower() in XML_NAMES
    accept = Headers(scope=scope).get("accept", "").lower()
    if "xml" not in accept:
        return False
    ranges = dict(sorted(_ranges(accept), key=lambda r: r[1]))
    xml = max((q for name, q in ranges.items() if name in XML_NAMES), default=0.0)
    return xml > max((q for name, q in ranges.items() if name in JSON_NAMES), default=0.0)


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for said in accept.split(","):
        name, *parameters = (part.strip().lower() for part in said.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            yield name, float(quality)
        except ValueError:
            yield name, 0.0


class InXml:
    """ASGI: every FHIR answer but a 406, which says that there is no such format, in the format asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a way back that writes XML where that is wanted."""
        rewritten = scope["type"] == "http" and wants_xml(scope)
        await self._app(scope, receive, _Rewriting(send) if rewritten else send)


class _Rewriting:
    """Holds a FHIR JSON answer until it is whole, and sends it as XML."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_fhir(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._whole(self._start)

    async def _whole(self, start: Message) -> None:
        try:
            body = _as_xml(self._body)
        except ValueError:  # a character that XML cannot hold: better another format than no answer
            body = self._body
        else:
            headers = MutableHeaders(raw=start["headers"])
            headers["content-type"], headers["content-length"] = FHIR_XML, str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _is_fhir(start: Message) -> bool:
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return start["status"] != 406 and kind.startswith(FHIR_JSON)


def _as_xml(body: bytes) -> bytes:
    resource = strict_json.loads(body, limit=len(body))
    if not isinstance(resource, dict):
        raise TypeError("a FHIR answer is a resource")
    return to_xml(resource)
