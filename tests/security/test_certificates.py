"""A client certificate is one caller, and is believed from a header only when a proxy of ours sends it."""

import base64
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConfigError, Unauthenticated
from bridge.security.caller import Caller, Role
from bridge.security.certificates import CertificateCallers

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EMIS = Caller(name="emis", roles=frozenset({Role.SYSTEM}))
HARBOUR = Caller(name="harbour", roles=frozenset({Role.SERVICE}), service="harbour")
KEY = ec.generate_private_key(ec.SECP256R1())


def a_certificate(
    *names: x509.GeneralName,
    common: str = "client",
    since: datetime = NOW - timedelta(days=1),
    until: datetime = NOW + timedelta(days=1),
) -> x509.Certificate:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )
    builder = (
        x509.CertificateBuilder(issuer_name=subject, subject_name=subject, public_key=KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(KEY, hashes.SHA256())


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


CALLERS = CertificateCallers(
    callers={
        "dns:emis.example.org": EMIS,
        "uri:spiffe://example.org/harbour": HARBOUR,
        "subject:CN=named,O=Example": HARBOUR,
    },
    header="X-Client-Cert",
    proxies=(ip_network("10.1.0.0/16"), ip_network("::1/128")),
)
EMIS_NAME = x509.DNSName("emis.example.org")


@pytest.mark.parametrize(
    ("certificate", "caller"),
    [
        (a_certificate(EMIS_NAME), EMIS),
        (a_certificate(x509.DNSName("EMIS.Example.org")), EMIS),
        (a_certificate(x509.DNSName("other.example.org"), EMIS_NAME), EMIS),
        (a_certificate(x509.UniformResourceIdentifier("spiffe://example.org/harbour")), HARBOUR),
        (a_certificate(common="named"), HARBOUR),
    ],
)
def test_a_certificate_is_the_caller_it_names(certificate: x509.Certificate, caller: Caller) -> None:
    """By alternative name or by its whole subject."""
    assert CALLERS.caller(pem(certificate), NOW) is caller


@pytest.mark.parametrize(
    "form",
    [
        pem,
        lambda c: quote(pem(c)),
        lambda c: quote(pem(c), safe="+=/"),
        lambda c: f":{base64.b64encode(c.public_bytes(Encoding.DER)).decode()}:",
    ],
    ids=["pem", "url-encoded", "url-encoded-in-part", "rfc-9440"],
)
def test_proxies_may_send_it_in_their_own_form(form: object) -> None:
    """The forms of the usual proxies, and the standard one."""
    assert callable(form)
    assert CALLERS.caller(form(a_certificate(EMIS_NAME)), NOW) is EMIS


@pytest.mark.parametrize(
    "certificate",
    [
        a_certificate(common="emis.example.org"),
        a_certificate(x509.DNSName("emis.example.org.evil.example")),
        a_certificate(x509.DNSName("*.example.org")),
        a_certificate(x509.UniformResourceIdentifier("emis.example.org")),
        a_certificate(x509.RFC822Name("x@emis.example.org")),
        a_certificate(x509.DNSName("CN=named,O=Example")),
    ],
)
def test_a_name_in_another_place_is_nobody(certificate: x509.Certificate) -> None:
    """A common name is no host name, and no wildcard covers a caller."""
    with pytest.raises(Unauthenticated) as caught:
        CALLERS.caller(pem(certificate), NOW)

    assert caught.value.problems[0].rule == "unknown"


def test_a_certificate_of_two_callers_is_nobody() -> None:
    """We do not choose whose rights it gets."""
    both = a_certificate(EMIS_NAME, x509.UniformResourceIdentifier("spiffe://example.org/harbour"))

    with pytest.raises(Unauthenticated) as caught:
        CALLERS.caller(pem(both), NOW)

    assert caught.value.problems[0].rule == "several callers"


@pytest.mark.parametrize("now", [NOW - timedelta(days=1, seconds=1), NOW + timedelta(days=1, seconds=1)])
def test_a_certificate_works_in_its_time_only(now: datetime) -> None:
    """A proxy may have looked at it long ago."""
    with pytest.raises(Unauthenticated, match="credential-expired"):
        CALLERS.caller(pem(a_certificate(EMIS_NAME)), now)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: f":{base64.b64encode(b).decode()}:"))
def test_what_is_no_certificate_is_refused(text: str) -> None:
    """Whatever stands in the header."""
    with pytest.raises(Unauthenticated) as caught:
        CALLERS.caller(text, NOW)

    assert caught.value.problems[0].rule == "form"


def test_a_huge_header_is_refused() -> None:
    """Before it is parsed."""
    with pytest.raises(Unauthenticated):
        CALLERS.caller(pem(a_certificate(EMIS_NAME)) + " " * 40_000, NOW)


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("::1", True),
        ("10.2.0.1", False),
        ("127.0.0.1", False),
        ("", False),
        ("unix:", False),
        ("10.1.2.3, 10.2.0.1", False),
    ],
)
def test_a_proxy_is_known_by_its_address(peer: str, trusted: bool) -> None:  # noqa: FBT001 - a case of a table
    """The address at the other end of the connection, not one in a header."""
    assert CALLERS.trusts(peer) == trusted


def test_a_configuration_that_would_trust_anyone_is_refused() -> None:
    """A header needs its proxies; a name says what kind it is."""
    with pytest.raises(ConfigError):
        CertificateCallers(callers={}, header="x-client-cert")
    with pytest.raises(ConfigError):
        CertificateCallers(callers={}, proxies=(ip_network("10.0.0.0/8"),))
    with pytest.raises(ConfigError):
        CertificateCallers(callers={"emis.example.org": EMIS})
