"""What a partner's answers hold, read so that every wording real servers use means the same.

A status is `201` or `201 Created`; a location relative or absolute, with a version or without; `Bundle.total`
present or absent; an empty PUT answer is fine when its ETag says what was stored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import httpx

from bridge.domain import strict_json
from bridge.errors import Unreadable
from bridge.fhir.trees import text, tree_at, trees
from bridge.partners.operation_outcome import Voice, voice_of
from bridge.partners.waiting import http_date

Resource: TypeAlias = dict[str, Any]

_BOM = b"\xef\xbb\xbf"
_ID = r"[A-Za-z0-9\-.]{1,64}"  # R4 id
_PLACE = re.compile(rf"(?:^|/)([A-Z][A-Za-z]{{1,63}})/({_ID})(?:/_history/({_ID}))?/?$")
_STATUS = re.compile(r"\s*(\d{3})\b")
_QUOTED = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{1,200}"')
_ENDED = re.compile(r"[\\,|$]")  # they separate values in a search: R4 search.html, escaping


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that went well. `said` DUPLICATE: a BaRS partner had processed this request before."""

    status: int
    said: Voice
    body: Resource
    version: str  # of the resource it is about, as an ETag; "" when it does not say
    reference: str  # "ServiceRequest/12" from the Location header; ""
    date: datetime | None  # the partner's clock


@dataclass(frozen=True, slots=True)
class Key:
    """A business identifier, as a search names it."""

    system: str
    value: str

    @property
    def token(self) -> str:
        """`system|value`, each escaped."""
        return "|".join(_ENDED.sub(lambda m: "\\" + m[0], part) for part in (self.system, self.value))

    @classmethod
    def of_token(cls, token: str) -> "Key":
        """The identifier of a `system|value` token; the system is "" when there is no bar."""
        parts = re.findall(r"((?:\\.|[^|\\])*)(?:\||$)", token)
        plain = [re.sub(r"\\(.)", r"\1", part) for part in parts]
        return cls(plain[0], plain[1]) if "|" in token and len(plain) > 1 else cls("", plain[0])

    def on(self, resource: Mapping[str, Any]) -> bool:
        """Whether the resource carries it."""
        return any(
            text(i, "value") == self.value and self.system in ("", text(i, "system"))
            for i in trees(resource, "identifier")
        )


def reading_of(raw: bytes, headers: httpx.Headers, *, status: int, limit: int) -> tuple[Voice, Resource]:
    """What the body of an answer is, judged by the body itself: labels are often wrong."""
    body = raw.removeprefix(_BOM).strip()
    if not body:
        stored = status == 204 or "etag" in headers or "location" in headers
        return (Voice.BARE if stored else Voice.EMPTY), {}
    if not body.startswith(b"{"):
        return Voice.FOREIGN, {}
    try:
        value = strict_json.loads(body, limit=limit)
    except Unreadable:
        return Voice.HALF, {}
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        return Voice.FOREIGN, {}
    resource: Resource = value
    return voice_of(resource), resource


def answer_of(response: httpx.Response, said: Voice, body: Resource) -> Answer:
    """The parts of a good answer that anybody reads."""
    reference, version = place_of(response.headers.get("location", ""))
    return Answer(
        status=response.status_code,
        said=said,
        body=body,
        version=etag_of(response.headers.get("etag", "")) or version or version_of(body),
        reference=reference,
        date=http_date(response.headers.get("date", "")),
    )


def place_of(location: str) -> tuple[str, str]:
    """`Type/id` and the version as an ETag from a location in any wording; "" for what it does not say."""
    match = _PLACE.search(location.strip())
    if match is None:
        return "", ""
    return f"{match[1]}/{match[2]}", _weak(match[3] or "")


def etag_of(value: str) -> str:
    """The ETag as it was given, or a weak one of a plain version id; "" when it is neither."""
    if _QUOTED.fullmatch(value.strip()):
        return value.strip()
    return _weak(value.strip()) if re.fullmatch(_ID, value.strip()) else ""


def version_of(resource: Mapping[str, Any]) -> str:
    """The version of a resource as an ETag; "" when it has none."""
    return etag_of(text(resource, "meta", "versionId"))


def reference_of(resource: Mapping[str, Any]) -> str:
    """`Type/id` of a resource; "" when it lacks either."""
    return place_of(f"{text(resource, 'resourceType')}/{text(resource, 'id')}")[0]


def status_of(entry: Mapping[str, Any]) -> int:
    """The HTTP status of a response entry, `201` or `201 Created`; 0 when there is none."""
    said = tree_at(entry, "response").get("status")
    match = _STATUS.match(str(said))
    return int(match[1]) if match else 0


def _weak(version: str) -> str:
    return f'W/"{version}"' if version else ""
