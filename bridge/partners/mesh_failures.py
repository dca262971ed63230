"""What a failed exchange with MESH means: one class, decided where it happened.

A send is ambiguous as soon as MESH may have it; anything else can be asked again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import requests
from mesh_client import MeshClient

from bridge.errors import (
    Ambiguous,
    DeliveryError,
    NotThePartner,
    Refused,
    Throttled,
    Transient,
    Unauthorised,
)
from bridge.partners.failures import failure
from bridge.partners.waiting import asked_wait


@contextmanager
def exchange(connect: Callable[[], MeshClient], *, writes: bool) -> Iterator[MeshClient]:
    """A client for one exchange; whatever goes wrong in it is a DeliveryError."""
    late = Ambiguous if writes else Transient
    try:
        with connect() as client:
            yield client
    except requests.HTTPError as error:
        raise_for(error.response, writes=writes)
        raise failure(late, "partner-failed") from None
    except (requests.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError):
        raise failure(Transient, "partner-unreached") from None
    except requests.ConnectionError as error:
        unreached = "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error)
        raise failure(Transient if unreached else late, _lost(unreached=unreached)) from None
    except requests.Timeout:
        raise failure(late, "partner-late") from None
    except requests.RequestException:
        raise failure(late, "partner-lost") from None


def _lost(*, unreached: bool) -> str:
    return "partner-unreached" if unreached else "partner-lost"


def json_of(answer: requests.Response) -> dict[str, Any]:
    """The JSON object of an answer; empty when there is none."""
    try:
        said = answer.json()
    except requests.RequestException:
        return {}
    return said if isinstance(said, dict) else {}


def raise_for(answer: requests.Response | None, *, writes: bool) -> None:
    """What a status of MESH means; nothing for a success."""
    status = 0 if answer is None else answer.status_code
    if answer is None or 200 <= status < 300:
        return
    error, code = _class_of(status, writes=writes, spoke=bool(json_of(answer)))
    after = asked_wait(answer.headers, datetime.now(UTC)) if error is Throttled else None
    raise error(code=code, status=status, after=after)


def _class_of(status: int, *, writes: bool, spoke: bool) -> tuple[type[DeliveryError], str]:
    """The failure class of a status; `spoke`: there is a JSON body, so it was MESH that answered."""
    if status in (401, 403):
        return Unauthorised, "partner-unauthorised"
    if status in (429, 503):
        return Throttled, "partner-throttled"
    if status == 425:
        return Transient, "partner-not-ready"
    if status == 408 or status >= 500:
        return (Ambiguous if writes else Transient), "partner-failed"
    return (Refused, "mesh-refused") if spoke else (NotThePartner, "partner-answer-foreign")
