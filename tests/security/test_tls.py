"""Lines are made with whoever proves itself, both ways, and with nobody else."""

import inspect
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from bridge.errors import ConfigError
from bridge.security.secrets import Secret
from bridge.security.tls import Certificate, door_context, outbound_context

NOW = datetime.now(UTC)


class Authority:
    """A certificate authority of the test; its bundle and what it issues are PEM files in `folder`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._folder = folder
        self.bundle = folder / f"{name}.pem"
        certificate = self._builder(self._name, self._key, ca=True).sign(self._key, hashes.SHA256())
        self.bundle.write_bytes(certificate.public_bytes(Encoding.PEM))

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, ca: bool
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder(issuer_name=self._name, subject_name=subject, public_key=key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=1))
            .not_valid_after(NOW + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )

    def issue(self, host: str, encryption: KeySerializationEncryption | None = None) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        builder = self._builder(subject, key, ca=False).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host), x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        chain, secret = self._folder / f"{host}.crt", self._folder / f"{host}.key"
        chain.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()))
        secret.chmod(0o600)
        return Certificate(chain=chain, key=secret)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "stranger")


def shake_hands(
    client: ssl.SSLContext, server: ssl.SSLContext, host: str = "bridge.example.org"
) -> ssl.SSLObject:
    """Both ends in memory, until both are content or one raises ssl.SSLError; gives the server's end."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    calling = client.wrap_bio(down, up, server_hostname="bridge.example.org")
    called = server.wrap_bio(up, down, server_side=True)
    for _ in range(8):
        _step(calling.do_handshake)
        _step(called.do_handshake)
    called.write(b"hello")
    assert calling.read(5) == b"hello"
    return called


def _step(handshake: Callable[[], None]) -> None:
    try:
        handshake()
    except ssl.SSLWantReadError:
        return


def test_a_partner_of_our_authority_is_called_and_may_know_us(authority: Authority) -> None:
    """Both certificates verified, TLS 1.3."""
    door = door_context(certificate=authority.issue("bridge.example.org"), client_ca=authority.bundle)
    client = outbound_context(ca=authority.bundle, certificate=authority.issue("emis.example.org"))
    line = shake_hands(client, door)

    shown = line.getpeercert() or {}
    assert ("DNS", "emis.example.org") in shown["subjectAltName"]
    assert line.version() == "TLSv1.3"


def test_a_partner_of_another_authority_is_not_called(authority: Authority, stranger: Authority) -> None:
    """Whoever sits between us has a certificate too, only not from ours."""
    door = door_context(certificate=stranger.issue("bridge.example.org"))

    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(outbound_context(ca=authority.bundle), door)


def test_a_partner_of_another_name_is_not_called(authority: Authority) -> None:
    """The right authority is not enough."""
    door = door_context(certificate=authority.issue("other.example.org"))

    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(outbound_context(ca=authority.bundle), door)


def test_without_a_bundle_the_system_decides(authority: Authority) -> None:
    """And the system does not know our test authority."""
    door = door_context(certificate=authority.issue("bridge.example.org"))

    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(outbound_context(), door)


def test_a_door_for_known_clients_opens_to_nobody_else(authority: Authority, stranger: Authority) -> None:
    """Neither without a certificate nor with somebody else's."""
    door = door_context(certificate=authority.issue("bridge.example.org"), client_ca=authority.bundle)
    for client in (
        outbound_context(ca=authority.bundle),
        outbound_context(ca=authority.bundle, certificate=stranger.issue("emis.example.org")),
    ):
        with pytest.raises(ssl.SSLError):
            shake_hands(client, door)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_protocols_are_not_spoken(authority: Authority, version: ssl.TLSVersion) -> None:
    """TLS 1.2 at least, at both ends."""
    door = door_context(certificate=authority.issue("bridge.example.org"))
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.minimum_version = old.maximum_version = version
    old.load_verify_locations(authority.bundle)

    assert outbound_context().minimum_version == ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        shake_hands(old, door)


def test_tls_1_2_is_spoken_with_forward_secrecy_only(authority: Authority) -> None:
    """For partners that know no 1.3."""
    door = door_context(certificate=authority.issue("bridge.example.org"))
    client = outbound_context(ca=authority.bundle)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    cipher = shake_hands(client, door).cipher()

    assert cipher is not None
    assert cipher[0].startswith("ECDHE-")
    assert cipher[1] == "TLSv1.2"


def test_verification_has_no_switch() -> None:
    """No argument turns it off."""
    assert set(inspect.signature(outbound_context).parameters) == {"ca", "certificate"}
    assert outbound_context().verify_mode is ssl.CERT_REQUIRED
    assert outbound_context().check_hostname


def test_a_key_open_to_others_is_refused(authority: Authority) -> None:
    """As every secret file."""
    certificate = authority.issue("bridge.example.org")
    certificate.key.chmod(0o644)

    with pytest.raises(ConfigError, match="chmod 600"):
        door_context(certificate=certificate)


def test_a_locked_key_opens_with_its_passphrase_and_never_asks(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that waits at a terminal nobody watches is down."""
    locked = authority.issue("bridge.example.org", BestAvailableEncryption(b"synthetic"))
    monkeypatch.setenv("BRIDGE_TEST_PASSPHRASE", "synthetic")
    monkeypatch.setenv("BRIDGE_TEST_WRONG", "wrong")
    door_context(certificate=replace(locked, passphrase=Secret.parse("env:BRIDGE_TEST_PASSPHRASE")))

    for passphrase in (None, Secret.parse("env:BRIDGE_TEST_WRONG")):
        with pytest.raises(ConfigError, match="cannot be used"):
            door_context(certificate=replace(locked, passphrase=passphrase))


def test_files_that_cannot_be_used_are_named(authority: Authority, tmp_path: Path) -> None:
    """Missing, not PEM, a certificate that is no authority, a key of another certificate."""
    good, other = authority.issue("bridge.example.org"), authority.issue("other.example.org")
    text = tmp_path / "text.pem"
    text.write_text("no certificate")

    with pytest.raises(ConfigError, match=r"nothing.pem cannot be used: no such file"):
        outbound_context(ca=tmp_path / "nothing.pem")
    with pytest.raises(ConfigError, match=r"text.pem cannot be used"):
        outbound_context(ca=text)
    with pytest.raises(ConfigError, match="holds no certificate authority"):
        outbound_context(ca=good.chain)
    with pytest.raises(ConfigError, match="key values mismatch"):
        door_context(certificate=replace(good, key=other.key))
    with pytest.raises(ConfigError, match="cannot be used: no such file"):
        door_context(certificate=replace(good, chain=tmp_path / "nothing.crt"))
