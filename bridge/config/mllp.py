"""Settings of the ports for HL7 v2 over MLLP."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from bridge.config.practices import Practice
from bridge.config.strict import Strict

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class MllpSettings(Strict):
    """A port for one sender of HL7 v2 over MLLP. Its name is that of a caller, and no other caller has it.

    Beyond loopback it needs certificates of both sides, or the plain words in `unprotected`.
    """

    name: str = Field(min_length=1, max_length=64, description="How the sender is called in logs and audit.")
    port: int = Field(ge=0, le=65535, description="Port to listen on.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    source: str = Field(default="hl7v2-ref", description="The mapping that reads its messages.")
    practices: tuple[Practice, ...] = Field(
        min_length=1, description="ODS codes of the practices it speaks for."
    )
    certificate: Path | None = Field(default=None, description="Our certificate (PEM): the port speaks TLS.")
    certificate_key: Path | None = Field(default=None, description="Private key of our certificate (PEM).")
    client_ca: Path | None = Field(default=None, description="Authority of the sender's certificate (PEM).")
    client_name: str = Field(
        default="", description="The name its certificate must show: dns:NAME, uri:URI or subject:SUBJECT."
    )
    unprotected: Literal["", "whoever reaches this port may send as this caller"] = Field(
        default="", description="Say so to listen beyond loopback without certificates of both sides."
    )
    charset: str = Field(default="", description="Python codec that overrules MSH-18.")
    zone: str = Field(default="Europe/London", description="Where its times without offset were read.")
    offset_is_a_lie: bool = Field(default=False, description="Its offsets mean nothing: times are local.")
    largest_message_mb: float = Field(default=1, gt=0, le=5, description="A larger message is rejected.")
    idle_s: float = Field(
        default=300, gt=0, le=86_400, description="A connection that ends no message for so long is closed."
    )

    @model_validator(mode="after")
    def _hangs_together(self) -> "MllpSettings":
        if (self.certificate is None) != (self.certificate_key is None):
            raise ValueError("certificate and certificate_key go together")
        if self.certificate is None and self.client_ca is not None:
            raise ValueError("client_ca needs a certificate of our own")
        if self.client_ca is None and self.client_name:
            raise ValueError("client_name needs client_ca")
        if self.host not in LOOPBACK and self.client_ca is None and not self.unprotected:
            raise ValueError("beyond loopback it needs client_ca, or the words of unprotected")
        return self
