"""What a token endpoint answered: a token and its life, or the failure class that it means.

The endpoint's own words are never repeated; the rule of a problem is one of the names listed here.
"""

import re
from datetime import datetime, timedelta
from typing import Any

import httpx

from bridge.errors import DeliveryError, NotThePartner, Problem, Throttled, Transient, Unauthorised
from bridge.partners.waiting import asked_wait

TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")  # what can stand in a header

_SECONDS = re.compile(r"\d{1,9}")
_TRY_AGAIN = (408, 425)
_NO = (400, 401, 403)
# Words of the NHS token endpoint (400 and 403) that say which part of a signed JWT it refused.
_PARTS = {
    "'alg'": "alg",
    "'kid'": "kid",
    "'typ'": "typ",
    "'iss'": "iss",
    "'aud'": "aud",
    "'jti'": "jti",
    "'exp'": "exp",
    "signature": "signature",
    "JWKS": "jwks",
    "public key": "public key",
    "client_assertion": "client_assertion",
    "grant_type": "grant_type",
}
# RFC 6749, 5.2
_ERRORS = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
)


def answered(response: httpx.Response, now: datetime) -> tuple[str, timedelta]:
    """The access token and how long it lives (0: for one request); else the DeliveryError of the answer."""
    status = response.status_code
    body = _json(response)
    if status == httpx.codes.OK:
        return _token(body)
    after = asked_wait(response.headers, now)
    if status == httpx.codes.TOO_MANY_REQUESTS or (status == httpx.codes.SERVICE_UNAVAILABLE and after):
        raise Throttled(problems=_problem("unavailable"), status=status, after=after)
    if status in _TRY_AGAIN or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise Transient(problems=_problem("unavailable"), status=status)
    if status in _NO and isinstance(body.get("error"), str):
        raise _refusal(body, status)
    raise NotThePartner(problems=_problem("unreadable"), status=status)


def unreachable(failure: str) -> Transient:
    """No whole answer came; `failure` is the name of what went wrong."""
    return Transient(problems=_problem("unavailable", failure))


def _token(body: dict[str, Any]) -> tuple[str, timedelta]:
    token, kind = body.get("access_token"), body.get("token_type")
    life = _life(body.get("expires_in") or 0)
    right = isinstance(token, str) and TOKEN.fullmatch(token) and str(kind).lower() == "bearer"
    if not right or life is None:
        raise NotThePartner(problems=_problem("unreadable"), status=httpx.codes.OK)
    return str(token), life


def _life(expires_in: object) -> timedelta | None:
    """NHS England sends the seconds as text, others as a number; RFC 6749 lets them be missing."""
    whole = isinstance(expires_in, int | str) and _SECONDS.fullmatch(str(expires_in))
    return timedelta(seconds=int(str(expires_in))) if whole else None


def _refusal(body: dict[str, Any], status: int) -> DeliveryError:
    said = str(body.get("error_description", ""))
    rule = next((part for word, part in _PARTS.items() if word in said), "")
    if rule == "jti" and "Non-unique" in said:
        return unreachable("jti")  # our request came twice on its way; the next one has a new jti
    error = body["error"]
    problems = _problem("refused", rule or (error if error in _ERRORS else ""))
    return Unauthorised(problems=problems, status=status)


def _problem(what: str, rule: str = "") -> tuple[Problem, ...]:
    return (Problem(code=f"partner-token-{what}", at="token endpoint", rule=rule),)


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
