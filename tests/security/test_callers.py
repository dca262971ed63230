"""One way in: whatever is shown becomes one configured caller or a refusal without a value."""

import json
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_network
from itertools import product
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from bridge.errors import ConfigError, Unauthenticated
from bridge.security.api_keys import ApiKey, ApiKeys, new_api_key
from bridge.security.callers import Caller, Callers, RequestFacts, Role
from bridge.security.certificates import CertificateCallers
from bridge.security.public_keys import PublicKeys
from bridge.security.secrets import Secret
from bridge.security.tokens import TokenIssuer

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ISSUER = "https://login.example.org"
SIGNING = rsa.generate_private_key(public_exponent=65537, key_size=2048)
API_KEY = new_api_key()
BY_KEY, BY_TOKEN, BY_CERTIFICATE = (
    Caller(name=name, roles=frozenset({Role.SYSTEM})) for name in ("by-key", "by-token", "by-certificate")
)


def a_token(**more: Any) -> str:
    claims = {"iss": ISSUER, "aud": "bridge", "sub": "app", "exp": int(NOW.timestamp()) + 60} | more
    return jwt.encode(claims, SIGNING, algorithm="RS256", headers={"kid": "k"})


def a_certificate() -> str:
    name = x509.Name([])
    return (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=SIGNING.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("emis.example.org")]), critical=False)
        .sign(SIGNING, hashes.SHA256())
        .public_bytes(Encoding.PEM)
        .decode()
    )


TOKEN, CERTIFICATE = a_token(), a_certificate()
HEADER_CERTIFICATE = CERTIFICATE.replace("\n", "%0A").replace(" ", "%20")


def an_issuer() -> TokenIssuer:
    jwk = RSAAlgorithm.to_jwk(SIGNING.public_key(), as_dict=True) | {"kid": "k"}
    keys = PublicKeys(json.dumps({"keys": [jwk]}).encode)
    return TokenIssuer(issuer=ISSUER, audience="bridge", keys=keys, callers={"app": BY_TOKEN})


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Callers:
    path: Path = tmp_path_factory.mktemp("keys") / "digest"
    path.write_text(API_KEY.digest)
    path.chmod(0o600)
    key = ApiKey(caller=BY_KEY, digest=Secret.parse(f"file:{path}"), last_day=date(2026, 12, 31))
    return Callers(
        keys=ApiKeys([key]),
        issuers=[an_issuer()],
        certificates=CertificateCallers(
            callers={"dns:emis.example.org": BY_CERTIFICATE},
            header="X-Client-Cert",
            proxies=(ip_network("10.1.0.0/16"),),
        ),
        now=lambda: NOW,
    )


def facts(*headers: tuple[str, str], peer: str = "192.0.2.1", certificate: str = "") -> RequestFacts:
    return RequestFacts(headers=headers, peer=peer, certificate=certificate)


@pytest.mark.parametrize(
    ("request_facts", "caller"),
    [
        (facts(("x-api-key", API_KEY.token)), BY_KEY),
        (facts(("apikey", f" {API_KEY.token} ")), BY_KEY),
        (facts(("authorization", f"Bearer {API_KEY.token}")), BY_KEY),
        (facts(("authorization", f"bearer  {TOKEN}")), BY_TOKEN),
        (facts(certificate=CERTIFICATE), BY_CERTIFICATE),
        (facts(("x-client-cert", HEADER_CERTIFICATE), peer="10.1.0.9"), BY_CERTIFICATE),
        (facts(("authorization", f"Bearer {TOKEN}"), certificate=CERTIFICATE), BY_TOKEN),
    ],
)
def test_each_way_to_show_who_one_is(callers: Callers, request_facts: RequestFacts, caller: Caller) -> None:
    """A key in three headers, a token, a certificate of the line or of a trusted proxy."""
    assert callers.identify(request_facts) is caller


def test_only_a_token_may_have_to_wait_for_its_issuer(callers: Callers) -> None:
    """The other ways are looked up on the event loop, which a fetch would hold up."""
    shown = [*(facts(item) for item in GOOD.items()), facts(certificate=CERTIFICATE)]

    assert [callers.may_fetch(each) for each in shown] == [True, False, False, False]
    assert not any(Callers().may_fetch(each) for each in shown)


def test_nothing_shown_is_told_apart(callers: Callers) -> None:
    """The door answers it with how to say who one is."""
    with pytest.raises(Unauthenticated, match="credential-missing"):
        callers.identify(facts(("accept", "application/fhir+json")))


@pytest.mark.parametrize("peer", ["10.2.0.9", "", "127.0.0.1"])
def test_a_certificate_header_from_a_stranger_counts_for_nothing(callers: Callers, peer: str) -> None:
    """Anyone can write a header."""
    with pytest.raises(Unauthenticated, match="credential-missing"):
        callers.identify(facts(("x-client-cert", HEADER_CERTIFICATE), peer=peer))


BAD = {
    "authorization": ("Bearer nonsense", f"Basic {API_KEY.token}", "Bearer", f"Bearer {a_token(iss='x')}"),
    "x-api-key": ("rbk_nonsense", TOKEN),
    "apikey": ("rbk_nonsense",),
}


@pytest.mark.parametrize(
    ("header", "value"), [(header, value) for header, values in BAD.items() for value in values]
)
def test_a_bad_credential_is_not_excused_by_a_good_certificate(
    callers: Callers, header: str, value: str
) -> None:
    """What is shown decides."""
    with pytest.raises(Unauthenticated):
        callers.identify(facts((header, value), certificate=CERTIFICATE))


GOOD = {
    "authorization": f"Bearer {TOKEN}",
    "x-api-key": API_KEY.token,
    "apikey": API_KEY.token,
}


@pytest.mark.parametrize(("one", "other"), list(product(GOOD, GOOD)))
def test_two_credentials_are_refused(callers: Callers, one: str, other: str) -> None:
    """Two headers or one header twice: a proxy and we might each believe another one."""
    with pytest.raises(Unauthenticated):
        callers.identify(facts((one, GOOD[one]), (other, GOOD[other])))


@given(
    header=st.sampled_from(["authorization", "x-api-key", "apikey", "x-client-cert"]),
    value=st.text(st.characters(min_codepoint=33, max_codepoint=255), min_size=1, max_size=60),
    scheme=st.sampled_from(["", "Bearer "]),
)
def test_no_refusal_repeats_what_was_shown(callers: Callers, header: str, value: str, scheme: str) -> None:
    """Nor carries it in an exception behind it."""
    with pytest.raises(Unauthenticated) as caught:
        callers.identify(facts((header, scheme + value + "#"), peer="10.1.0.9"))

    assert value + "#" not in str(caught.value)
    assert caught.value.__context__ is None


def test_without_any_configured_caller_everyone_is_refused() -> None:
    """Safe by default."""
    nobody = Callers()
    for shown in (facts(certificate=CERTIFICATE), *(facts(item) for item in GOOD.items())):
        with pytest.raises(Unauthenticated):
            nobody.identify(shown)


def test_two_issuers_of_one_name_are_refused() -> None:
    """The second would never be asked."""
    with pytest.raises(ConfigError, match="same name"):
        Callers(issuers=[an_issuer(), an_issuer()])


def a_scope(**tls: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "headers": [(b"X-Api-Key", API_KEY.token.encode()), (b"x-\xe9", b"\xff")],
        "client": ("192.0.2.7", 4711),
        "extensions": {"tls": tls},
    }


def test_facts_come_from_an_asgi_scope() -> None:
    """Header names in lower case, the peer's address, the first certificate of the chain."""
    read = RequestFacts.from_scope(a_scope(client_cert_chain=[CERTIFICATE, "issuer"]))

    assert read.header("x-api-key") == API_KEY.token
    assert read.peer == "192.0.2.7"
    assert read.certificate == CERTIFICATE
    assert API_KEY.token not in repr(read)


def test_a_scope_may_tell_little() -> None:
    """A server without the TLS extension, a Unix socket, a certificate that did not verify."""
    bare = RequestFacts.from_scope({"type": "http", "headers": [], "client": None})
    failed = RequestFacts.from_scope(a_scope(client_cert_chain=[CERTIFICATE], client_cert_error="expired"))

    assert (bare.peer, bare.certificate, failed.certificate) == ("", "", "")
