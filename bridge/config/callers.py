"""Settings of who may call, and of who vouches for callers by signed token."""

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from bridge.config.practices import Practice
from bridge.config.strict import Strict

ROLES = Literal["system", "service", "practice", "operator", "data-officer"]


class CallerSettings(Strict):
    """Someone who may call, bound to practices or to a service, by an API key, a token or a certificate."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9_.:@-]{1,64}$",
        description="How the caller is called in logs and audit; no spaces.",
    )
    roles: tuple[ROLES, ...] = Field(description="What kind of caller it is.")
    practices: tuple[Practice, ...] = Field(
        default=(), description="ODS codes of the practices it speaks for."
    )
    sources: tuple[str, ...] = Field(default=(), description="Source systems it may send from.")
    service: str = Field(default="", description="The social prescribing service it reports for.")
    key: str = Field(default="", description="Where the SHA-256 of its API key lies: env:NAME or file:/path.")
    key_last_day: date | None = Field(default=None, description="The last day its key is accepted.")
    next_key: str = Field(
        default="", description="The same of the key that follows it; both are good meanwhile."
    )
    next_key_last_day: date | None = Field(default=None, description="The last day that one is accepted.")
    issuer: str = Field(default="", description="Name of the token issuer that vouches for it.")
    client: str = Field(default="", description="What that issuer's tokens call it.")
    certificates: tuple[str, ...] = Field(
        default=(), description="Names of its client certificates: dns:NAME, uri:URI or subject:SUBJECT."
    )

    @model_validator(mode="after")
    def _hangs_together(self) -> "CallerSettings":
        for key, last_day in ((self.key, self.key_last_day), (self.next_key, self.next_key_last_day)):
            if bool(key) != bool(last_day):
                raise ValueError("an API key and its last day go together")
        if bool(self.issuer) != bool(self.client):
            raise ValueError("issuer and client go together")
        if not (self.key or self.issuer or self.certificates):
            raise ValueError("a caller needs a key, an issuer with a client, or a certificate")
        return self


class IssuerSettings(Strict):
    """Someone whose signed tokens (JWT) say who a caller is; what it may do stands with the caller."""

    name: str = Field(min_length=1, description="How callers name it.")
    issuer: str = Field(min_length=1, description="The iss of its tokens.")
    audience: str = Field(min_length=1, description="The aud its tokens must have to be meant for us.")
    keys: str = Field(description="Its public keys (JWKS): https://… or file:/path.")
    claim: str = Field(default="sub", description="The claim that names its client: sub, client_id, azp.")
    scopes: tuple[str, ...] = Field(default=(), description="Scopes a token must have, all of them.")
    ca_bundle: Path | None = Field(
        default=None, description="CA certificates trusted for its address instead of the system's."
    )
