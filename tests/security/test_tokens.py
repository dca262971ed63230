"""A token is believed only when every part of it is right."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import assume, given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from bridge.errors import ConfigError, Forbidden, IntakeError, Unauthenticated, Unavailable
from bridge.security.caller import Caller, Role
from bridge.security.public_keys import PublicKeys
from bridge.security.tokens import ALGORITHMS, TokenIssuer, issuer_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ISSUER, AUDIENCE = "https://login.example.org", "https://bridge.example.org"
EMIS = Caller(name="emis", roles=frozenset({Role.SYSTEM}))

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHORT = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused
P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
KEYS: dict[str, Any] = {"rsa": RSA, "p256": P256, "p384": P384, "short": SHORT}
KEY_OF = dict.fromkeys(ALGORITHMS, "rsa") | {"ES256": "p256", "ES384": "p384"}


def jwk_of(kid: str) -> dict[str, Any]:
    algorithm = RSAAlgorithm if isinstance(KEYS[kid], rsa.RSAPrivateKey) else ECAlgorithm
    return {**algorithm.to_jwk(KEYS[kid].public_key(), as_dict=True), "kid": kid, "use": "sig"}


JWKS = json.dumps({"keys": [jwk_of(kid) for kid in KEYS] + [jwk_of("rsa") | {"kid": "only", "alg": "RS512"}]})


def an_issuer(**more: Any) -> TokenIssuer:
    return TokenIssuer(
        **{
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "keys": PublicKeys(JWKS.encode),
            "callers": {"app-1": EMIS},
            "scopes": frozenset({"referrals.write"}),
        }
        | more
    )


def claims(**more: Any) -> dict[str, Any]:
    given = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "app-1",
        "scope": "openid referrals.write",
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 300,
    } | more
    return {name: value for name, value in given.items() if value is not None}


def a_token(
    payload: Mapping[str, Any] | None = None,
    *,
    algorithm: str = "RS256",
    kid: str | None = "rsa",
    **header: Any,
) -> str:
    key = KEYS["rsa" if kid in (None, "only", "nobody") else kid]
    headers = header if kid is None else {"kid": kid} | header
    return jwt.encode(
        dict(claims() if payload is None else payload), key, algorithm=algorithm, headers=headers
    )


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_a_good_token_is_its_caller(algorithm: str) -> None:
    """With each algorithm we take."""
    token = a_token(algorithm=algorithm, kid=KEY_OF[algorithm])

    assert an_issuer().caller(token, NOW) is EMIS
    assert issuer_of(token) == ISSUER


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"iss": "https://other.example.org"}, "signature, iss or aud"),
        ({"iss": None}, "signature, iss or aud"),
        ({"aud": "https://other.example.org"}, "signature, iss or aud"),
        ({"aud": None}, "signature, iss or aud"),
        ({"exp": None}, "signature, iss or aud"),
        ({"exp": "soon"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": float("inf")}, "exp"),
        ({"exp": 10**400}, "exp"),
        ({"nbf": int(NOW.timestamp()) + 31}, "nbf"),
        ({"nbf": [1]}, "nbf"),
        ({"iat": int(NOW.timestamp()) + 31}, "iat"),
        ({"iat": None, "nbf": None, "exp": {}}, "exp"),
    ],
)
def test_a_token_with_one_wrong_claim_is_refused(wrong: dict[str, Any], rule: str) -> None:
    """The rule is named; the claim's value is not."""
    with pytest.raises(Unauthenticated) as caught:
        an_issuer().caller(a_token(claims(**wrong)), NOW)

    assert caught.value.problems[0].rule == rule
    assert caught.value.__context__ is None


def test_an_expired_token_is_told_apart() -> None:
    """Its holder fetches a new one; half a minute of clock difference is allowed."""
    token = a_token()
    end = NOW + timedelta(seconds=300)

    assert an_issuer().caller(token, end + timedelta(seconds=29)) is EMIS
    with pytest.raises(Unauthenticated, match="credential-expired"):
        an_issuer().caller(token, end + timedelta(seconds=30))


def test_one_audience_among_several_is_enough() -> None:
    """RFC 7519, 4.1.3."""
    assert an_issuer().caller(a_token(claims(aud=["x", AUDIENCE])), NOW) is EMIS


@pytest.mark.parametrize(
    "scope", [{"scope": None, "scp": ["referrals.write"]}, {"scope": None, "scp": "referrals.write"}]
)
def test_scopes_are_read_as_issuers_send_them(scope: dict[str, Any]) -> None:
    """Words in `scope`, or `scp` as words or as a list."""
    assert an_issuer().caller(a_token(claims(**scope)), NOW) is EMIS


@pytest.mark.parametrize("scope", [None, "", "referrals.writer", "referrals", ["referrals.read"], 5, {}])
def test_a_token_without_the_scope_is_forbidden(scope: Any) -> None:
    """It is good, but not for this."""
    with pytest.raises(Forbidden) as caught:
        an_issuer().caller(a_token(claims(scope=scope)), NOW)

    assert caught.value.problems[0].rule == "scope"


@pytest.mark.parametrize("client", ["app-2", "", None, 5, ["app-1"]])
def test_a_client_that_is_not_configured_is_forbidden(client: Any) -> None:
    """What it says of itself beyond its name counts for nothing."""
    payload = claims(client_id=client, roles=["system"], practices=["A81001"])

    with pytest.raises(Forbidden):
        an_issuer(claim="client_id").caller(a_token(payload), NOW)


def critical() -> str:
    """Signed right, with an extension that must be understood; PyJWT understands this one, we need none."""
    header = {"alg": "RS256", "kid": "rsa", "crit": ["b64"], "b64": True}
    signed = b".".join(
        urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims())
    )
    signature = RSAAlgorithm(RSAAlgorithm.SHA256).sign(signed, RSA)
    return b".".join((signed, urlsafe_b64encode(signature).rstrip(b"="))).decode()


def unsigned(header: dict[str, Any]) -> str:
    return jwt.encode(claims(), "", algorithm="none", headers=header)


@pytest.mark.parametrize(
    ("token", "rule"),
    [
        (unsigned({"kid": "rsa"}), "alg"),
        (jwt.encode(claims(), "x" * 64, algorithm="HS256", headers={"kid": "rsa"}), "alg"),
        (jwt.encode(claims(), RSA, algorithm="PS512", headers={"kid": "rsa"}), "alg"),
        (a_token(kid=None), "kid"),
        (a_token(kid="nobody"), "kid"),
        (a_token(kid="only"), "kid"),
        (a_token(crit=["x"], x=1), "form"),
        (critical(), "crit"),
        (jwt.encode(claims(), P256, algorithm="ES256", headers={"kid": "rsa"}), "signature, iss or aud"),
        (jwt.encode(claims(), P256, algorithm="ES256", headers={"kid": "p384"}), "signature, iss or aud"),
        (a_token(kid="p256", algorithm="ES256").rsplit(".", 1)[0] + ".", "signature, iss or aud"),
    ],
)
def test_a_token_not_signed_as_it_must_be_is_refused(token: str, rule: str) -> None:
    """No algorithm of the token's choosing, no key for another algorithm, no extension we do not know."""
    with pytest.raises(Unauthenticated) as caught:
        an_issuer().caller(token, NOW)

    assert caught.value.problems[0].rule == rule


def test_a_short_key_is_refused() -> None:
    """1024 bits of RSA prove nothing."""
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = a_token(kid="short")

    with pytest.raises(Unauthenticated):
        an_issuer().caller(token, NOW)


def test_an_issuer_without_an_audience_is_refused() -> None:
    """Its tokens for others would be tokens for us."""
    with pytest.raises(ConfigError):
        an_issuer(audience="")


GOOD = a_token()


@given(where=st.integers(0, len(GOOD) - 2), character=st.sampled_from("Aa0_-.=\u00e9\ud800"))
def test_a_token_changed_anywhere_is_refused(where: int, character: str) -> None:
    """Except in the last character, some of whose bits are padding."""
    assume(GOOD[where] != character)

    with pytest.raises(IntakeError):
        an_issuer().caller(GOOD[:where] + character + GOOD[where + 1 :], NOW)


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda b: b.decode("latin-1")))
def test_what_is_no_token_is_refused(text: str) -> None:
    """Any text, and never said again."""
    with pytest.raises(Unauthenticated) as caught:
        issuer_of(text)
    with pytest.raises(Unauthenticated):
        an_issuer().caller(text, NOW)

    assert caught.value.__context__ is None


def test_a_huge_or_deep_token_is_refused() -> None:
    """Before anyone parses it, or without harm."""
    deep = urlsafe_b64encode(b'{"alg":"RS256","kid":"rsa","x":' + b"[" * 9_000).decode()
    for token in ("A" * 20_000, f"{deep}.e30.AA"):
        with pytest.raises(Unauthenticated):
            issuer_of(token)


def test_when_the_keys_cannot_be_had_the_caller_is_asked_to_try_again() -> None:
    """A failure of ours is never the sender's loss."""

    def away() -> bytes:
        raise OSError

    with pytest.raises(Unavailable):
        an_issuer(keys=PublicKeys(away)).caller(a_token(), NOW)
