"""Callers by client certificate: of this connection, or as a proxy we trust passes it on.

The chain was verified by whoever ended the TLS connection: our own door (`bridge.security.tls`), or that
proxy, which must refuse what it cannot verify.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import unquote

from cryptography import x509

from bridge.errors import ConfigError, Problem, Unauthenticated
from bridge.security.caller import Caller

_KINDS = ("dns:", "uri:", "subject:")
_NO_NAMES = (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError)
_LARGEST = 32 * 1024  # characters of a certificate in a header


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateCallers:
    """Which certificate is which caller, and from whom a certificate in a header is believed.

    `callers` is keyed by "dns:" or "uri:" and a subject alternative name, or "subject:" and the whole subject
    as RFC 4514 writes it. `header` holds URL-encoded PEM, or DER between colons (RFC 9440).
    """

    callers: Mapping[str, Caller]
    header: str = ""
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()

    def __post_init__(self) -> None:
        if not all(name.startswith(_KINDS) for name in self.callers):
            raise ConfigError("A certificate is named by dns:, uri: or subject: and the name in it.")
        if bool(self.header) != bool(self.proxies):
            raise ConfigError(
                "A certificate header and the addresses of its proxies are configured together."
            )

    def trusts(self, peer: str) -> bool:
        """Whether the other end of the connection is one of the proxies."""
        address = _address(peer)
        return address is not None and any(address in network for network in self.proxies)

    def caller(self, shown: str, now: datetime) -> Caller:
        """The caller of a certificate; Unauthenticated when it is unreadable, not valid now or not known."""
        certificate = _certificate(shown)
        if certificate is None:
            raise _refused("form")
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise Unauthenticated(problems=(Problem(code="credential-expired", at="client certificate"),))
        found = {
            self.callers[name].name: self.callers[name] for name in _names(certificate) & set(self.callers)
        }
        if len(found) != 1:
            raise _refused("unknown" if not found else "several callers")
        return next(iter(found.values()))


def _address(peer: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(peer)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _certificate(shown: str) -> x509.Certificate | None:
    """From PEM, URL-encoded PEM, or DER in base64 between colons."""
    if len(shown) > _LARGEST:
        return None
    try:
        if shown.startswith(":") and shown.endswith(":"):
            return x509.load_der_x509_certificate(base64.b64decode(shown[1:-1], validate=True))
        return x509.load_pem_x509_certificate(unquote(shown).encode("ascii"))
    except (ValueError, x509.InvalidVersion):
        return None


def _names(certificate: x509.Certificate) -> set[str]:
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        dns: Iterable[str] = san.get_values_for_type(x509.DNSName)
        uris: Iterable[str] = san.get_values_for_type(x509.UniformResourceIdentifier)
    except _NO_NAMES:
        dns, uris = (), ()
    names = {f"dns:{name.lower()}" for name in dns} | {f"uri:{uri}" for uri in uris}
    return names | {f"subject:{certificate.subject.rfc4514_string()}"}


def _refused(rule: str) -> Unauthenticated:
    return Unauthenticated(problems=(Problem(code="credential-refused", at="client certificate", rule=rule),))
