"""Settings of how to talk to a partner that a scheme names."""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from bridge.config.strict import Strict

Identity = Literal["none", "api-key", "client-credentials", "nhs-signed-jwt"]

_NEEDS: dict[str, tuple[str, ...]] = {
    "none": (),
    "api-key": ("api_key",),
    "client-credentials": ("token_url", "client_id", "client_secret"),
    "nhs-signed-jwt": ("token_url", "api_key", "private_key", "key_id"),
}


class PdsSettings(Strict):
    """The Personal Demographics Service; how we show who we are stands under `partners.pds`."""

    endpoint: str = Field(
        default="",
        description="Base address of PDS FHIR R4; empty: nobody is looked up. Needs NHS England's approval.",
    )
    environment: Literal["", "test", "live"] = Field(
        default="", description="Whether real people are there; beyond this machine the same as the bridge's."
    )
    per_second: int = Field(default=5, ge=1, le=100, description="Requests a second that PDS allows us.")


class PartnerSettings(Strict):
    """How to talk to one partner named by a scheme; its endpoint is in the scheme.

    That its certificate is verified is no setting: there is no way to turn it off.
    """

    identity: Identity = Field(default="none", description="How the bridge shows who it is.")
    api_key: str = Field(
        default="", description="Reference of the API key: sent to the partner, or of our application at NHS."
    )
    api_key_header: str = Field(default="X-API-Key", description="Header the API key goes in.")
    token_url: str = Field(default="", description="Where access tokens come from.")
    client_id: str = Field(default="", description="OAuth2 client id.")
    client_secret: str = Field(default="", description="Reference of the client secret.")
    secret_in_body: bool = Field(
        default=False, description="Whether the token address wants id and secret in the form."
    )
    private_key: str = Field(default="", description="Reference of the private key that signs the NHS JWT.")
    key_id: str = Field(default="", description="kid of that key as registered.")
    scope: str = Field(default="", description="OAuth2 scopes, separated by spaces.")
    ca_bundle: Path | None = Field(
        default=None, description="CA certificates trusted instead of the system's."
    )
    certificate: Path | None = Field(default=None, description="Client certificate (PEM) for mutual TLS.")
    certificate_key: Path | None = Field(
        default=None, description="Private key of the client certificate (PEM)."
    )
    certificate_passphrase: str = Field(
        default="", description="Reference of that key's passphrase, where it has one."
    )
    mailbox_password: str = Field(default="", description="Reference of a MESH mailbox's password.")
    shared_key: str = Field(default="", description="Reference of the MESH environment's shared key.")
    look_by_local_id: bool = Field(
        default=True,
        description="Whether MESH tells by our own id if a letter arrived (a deprecated call). Without it a "
        "letter in doubt is parked.",
    )
    mail_every_s: float = Field(
        default=300, ge=1, le=3600, description="How often a MESH mailbox is read, in seconds."
    )
    proxy: str = Field(default="", description="Outbound HTTP proxy.")
    deadline_s: float = Field(
        default=10, gt=0, le=60, description="Total time one request may take, in seconds."
    )
    concurrency: int = Field(
        default=16, ge=1, le=256, description="Attempts in flight at once from this node."
    )

    first_retry_s: float = Field(
        default=2, gt=0, le=3600, description="Longest wait before the second attempt; it doubles from there."
    )
    longest_retry_s: float = Field(
        default=600, gt=0, le=3600, description="Longest wait between two attempts, in seconds."
    )

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        missing = [name for name in _NEEDS[self.identity] if not getattr(self, name)]
        if missing:
            raise ValueError(f"identity {self.identity} needs {', '.join(missing)}")
        if (self.certificate is None) != (self.certificate_key is None):
            raise ValueError("certificate and certificate_key go together")
        if "@" in urlsplit(self.proxy).netloc:
            raise ValueError("a proxy's password does not belong here")
        return self
