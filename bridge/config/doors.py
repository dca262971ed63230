"""Settings of the HTTP doors: where they listen, under which certificate, and who stands in front of them."""

from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from bridge.config.strict import Strict

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Http(Strict):
    """The HTTP doors. Beyond loopback they need a certificate, a proxy that has one, or plain words."""

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; loopback until callers are configured."
    )
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on.")
    largest_body_mb: int = Field(default=5, ge=1, le=100, description="A larger request is refused with 413.")
    certificate: Path | None = Field(
        default=None, description="Our certificate with its chain (PEM): the doors speak TLS."
    )
    certificate_key: Path | None = Field(default=None, description="Private key of our certificate (PEM).")
    certificate_passphrase: str = Field(
        default="", description="Reference of that key's passphrase, where it has one."
    )
    client_ca: Path | None = Field(
        default=None, description="Authority of callers' certificates (PEM): nobody comes in without one."
    )
    proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses or networks of proxies that end TLS in front of the doors. Without a "
        "certificate of our own nobody else, and nobody beyond this machine, is let in.",
    )
    certificate_header: str = Field(
        default="", description="Header in which those proxies pass a caller's verified certificate on."
    )
    open_without_tls: Literal["", "I understand that patient data crosses the network unencrypted"] = Field(
        default="", description="Say so to listen beyond loopback without certificate and without proxy."
    )
    header_s: float = Field(
        default=10, gt=0, le=120, description="How long a caller may take to send its headers, in seconds."
    )
    body_s: float = Field(
        default=60, gt=0, le=600, description="How long a caller may take to send a body, in seconds."
    )
    requests_per_s: float = Field(
        default=200,
        ge=0,
        description="Requests a second one caller may go on sending, else 429; 0: no limit.",
    )
    burst: int = Field(
        default=2000, ge=1, description="Requests one caller may send at once before that rate counts."
    )

    @model_validator(mode="after")
    def _hangs_together(self) -> "Http":
        if (self.certificate is None) != (self.certificate_key is None):
            raise ValueError("certificate and certificate_key go together")
        if self.certificate is None and (self.client_ca is not None or self.certificate_passphrase):
            raise ValueError("client_ca and certificate_passphrase need a certificate of our own")
        if self.certificate_header and not self.proxies:
            raise ValueError("certificate_header needs the proxies it is believed from")
        for proxy in self.proxies:
            ip_network(proxy)
        if not (self.host in LOOPBACK or self.certificate or self.proxies or self.open_without_tls):
            raise ValueError(
                "beyond loopback it needs a certificate, proxies, or the words of open_without_tls"
            )
        return self
