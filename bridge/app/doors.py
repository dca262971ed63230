"""The HTTP door as its settings want it: certificate, proxies, patience; what it refuses to start with."""

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

from bridge.config import Settings
from bridge.config.doors import LOOPBACK, Http
from bridge.errors import ConfigError
from bridge.intake.protocol import Manners, protocol
from bridge.security.rates import Rates
from bridge.security.secrets import Secret
from bridge.security.tls import Certificate, door_context

STRANGERS, STRANGERS_PER_S = 200, 2.0  # requests of one address without a good credential
MOST_CONNECTIONS = 2000  # of one node; uvicorn answers 503 beyond


def refuse_open_doors(settings: Settings) -> None:
    """ConfigError for a door beyond this machine with nobody configured to come through it."""
    if settings.http.host not in LOOPBACK and not settings.callers:
        raise ConfigError(
            "http.host is not a loopback address and there are no callers: nobody could be known"
        )


def options(http: Http) -> dict[str, Any]:
    """What uvicorn.Config is told of the door; ConfigError when a certificate cannot be used."""
    manners = Manners(header_s=http.header_s, body_s=http.body_s, admits=_Gate(http))
    told: dict[str, Any] = {
        "host": http.host,
        "port": http.port,
        "http": protocol(manners),
        "limit_concurrency": MOST_CONNECTIONS,
    }
    if http.certificate is None or http.certificate_key is None:
        return told
    passphrase = Secret.parse(http.certificate_passphrase) if http.certificate_passphrase else None
    certificate = Certificate(chain=http.certificate, key=http.certificate_key, passphrase=passphrase)
    context = door_context(certificate=certificate, client_ca=http.client_ca)
    return told | {"ssl_context_factory": lambda *_: context}


def address(http: Http) -> str:
    """Where the HTTP door is, as a browser is told."""
    host = f"[{http.host}]" if ":" in http.host else http.host
    return f"{'https' if http.certificate else 'http'}://{host}:{http.port}"


def strangers(http: Http) -> Rates:
    """How often callers whom nobody knows may try from one address; behind proxies their own limits count.

    All callers share a proxy's address there, so that one of them could keep everybody else out.
    """
    return Rates() if http.proxies else Rates(per_second=STRANGERS_PER_S, burst=STRANGERS)


class _Gate:
    """Which peers may connect: without a certificate of our own, the named proxies and this machine."""

    def __init__(self, http: Http) -> None:
        self._open = bool(http.certificate or http.open_without_tls or not http.proxies)
        self._near = near(http)

    def __call__(self, peer: str) -> bool:
        return self._open or self._near(peer)


def near(http: Http) -> Callable[[str], bool]:
    """Whether a peer is this machine or one of the named proxies, which end TLS."""
    proxies = tuple(map(ip_network, http.proxies))

    def is_near(peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None) or address
        return mapped.is_loopback or any(mapped in network for network in proxies)

    return is_near
