"""Whatever a token endpoint answers has one meaning, and none of its words are repeated."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import DeliveryError, NotThePartner, Throttled, Transient, Unauthorised
from bridge.errors.catalogue import CATALOGUE
from bridge.partners.token_answer import answered

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
GOOD = {"access_token": "abc.def", "expires_in": "599", "token_type": "Bearer"}


def meaning(status: int, body: Any = None, **headers: str) -> DeliveryError:
    response = httpx.Response(status, json=body, headers=headers)
    with pytest.raises(DeliveryError) as caught:
        answered(response, NOW)
    assert caught.value.code in CATALOGUE
    assert caught.value.__context__ is None
    return caught.value


@pytest.mark.parametrize(("life", "seconds"), [("599", 599), (3600, 3600), (None, 0), (0, 0)])
def test_a_token_has_a_life(life: object, seconds: int) -> None:
    """NHS England sends its seconds as text; one that says nothing is good for one request."""
    token = answered(httpx.Response(200, json=GOOD | {"expires_in": life}), NOW)

    assert token == ("abc.def", timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"access_token": ""},
        {"access_token": "two words"},
        {"access_token": "a\r\nX-Evil: 1"},
        {"access_token": 5},
        {"token_type": "mac"},
        {"token_type": None},
        {"expires_in": "soon"},
        {"expires_in": -1},
        {"expires_in": True},
        {"expires_in": 1e300},
    ],
)
def test_a_success_without_a_usable_token_is_not_the_endpoint_speaking(body: Any) -> None:
    """Nothing that cannot stand in a header is put into one."""
    wrong = GOOD | body if body else body

    assert type(meaning(200, wrong)) is NotThePartner


NHS_REFUSALS = [
    ("unsupported_grant_type", "grant_type is invalid", "grant_type"),
    ("invalid_request", "grant_type is missing", "grant_type"),
    ("invalid_request", "Missing client_assertion", "client_assertion"),
    ("invalid_request", "Malformed JWT in client_assertion", "client_assertion"),
    ("invalid_request", "Invalid 'alg' header in JWT - must be 'RS512'", "alg"),
    ("invalid_request", "Missing 'kid' header in JWT", "kid"),
    ("invalid_request", "Invalid 'kid' header in JWT - no matching public key", "kid"),
    ("invalid_request", "Invalid 'typ' header in JWT - must be 'JWT'", "typ"),
    ("invalid_request", "Missing or non-matching 'iss'/'sub' claims in JWT", "iss"),
    ("invalid_request", "Invalid 'iss'/'sub' claims in JWT", "iss"),
    ("invalid_request", "Missing or invalid 'aud' claim in JWT", "aud"),
    ("invalid_request", "Missing 'jti' claim in JWT", "jti"),
    ("invalid_request", "Invalid 'jti' claim in JWT", "jti"),
    ("invalid_request", "Missing 'exp' claim in JWT", "exp"),
    ("invalid_request", "Invalid 'exp' claim in JWT - must be an integer", "exp"),
    ("invalid_request", "Invalid 'exp' claim in JWT - JWT has expired", "exp"),
    ("invalid_request", "Invalid 'exp' claim in JWT - more than 5 minutes in future", "exp"),
    ("public_key error", "You need to register a public key to use this method", "public key"),
    ("public_key error", "The JWKS endpoint for your client_id can't be reached", "JWKS"),
    ("public_key error", "JWT signature verification failed", "signature"),
    ("invalid_client", "", "invalid_client"),
    ("invalid_client", "Client secret 5ecret for Jane is wrong", "invalid_client"),
    ("something", "else", ""),
]


@pytest.mark.parametrize(("error", "said", "rule"), NHS_REFUSALS)
@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refusal_names_the_part_that_was_refused(error: str, said: str, rule: str, status: int) -> None:
    """From a closed list: an operator knows what to mend, and nothing foreign is shown."""
    refusal = meaning(status, {"error": error, "error_description": said, "message_id": "m"})

    assert type(refusal) is Unauthorised
    assert refusal.problems[0].rule.lower() == rule.lower()
    assert not said or said not in str(refusal)


def test_a_request_that_came_twice_on_its_way_is_tried_again() -> None:
    """The next one has a jti of its own."""
    body = {"error": "invalid_request", "error_description": "Non-unique 'jti' claim in JWT"}

    assert type(meaning(400, body)) is Transient


@pytest.mark.parametrize(
    ("status", "headers", "kind", "after"),
    [
        (429, {"retry-after": "7"}, Throttled, 7),
        (429, {}, Throttled, None),
        (503, {"retry-after": "Sat, 21 Nov 2026 12:00:30 GMT"}, Throttled, 30),
        (503, {}, Transient, None),
        (500, {}, Transient, None),
        (502, {}, Transient, None),
        (408, {}, Transient, None),
        (302, {"location": "https://login.example.org"}, NotThePartner, None),
        (404, {}, NotThePartner, None),
        (400, {}, NotThePartner, None),
        (403, {}, NotThePartner, None),
    ],
)
def test_other_answers_have_their_class(
    status: int, headers: dict[str, str], kind: type[DeliveryError], after: int | None
) -> None:
    """A portal's page is not a refusal, and a wait that was asked for is kept."""
    error = meaning(status, "<html>", **headers)

    assert type(error) is kind
    assert error.status == status
    assert error.after == (None if after is None else timedelta(seconds=after))


@given(status=st.integers(200, 599), body=st.binary(max_size=40))
def test_any_other_bytes_are_a_delivery_error(status: int, body: bytes) -> None:
    """Never another exception, whatever a proxy sends."""
    with pytest.raises(DeliveryError):
        answered(httpx.Response(status, content=body), NOW)
