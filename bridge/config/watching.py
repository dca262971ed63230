"""Settings of whoever watches the bridge: bounds of health, alerts, and what this release is called."""

from datetime import date
from pathlib import Path

from pydantic import Field, model_validator

from bridge.config.strict import Strict


class ReleaseSettings(Strict):
    """What runs here, as whoever deploys it calls it; `/_ping` and `/_status` say so."""

    revision: str = Field(default="", max_length=80, description="Revision of the deployment.")
    id: str = Field(default="", max_length=80, description="Release, `releaseId` there.")
    commit: str = Field(default="", max_length=80, description="Commit it was built from, `commitId` there.")


class WatchSettings(Strict):
    """From where on health warns. It fails by itself when a node cannot do its work."""

    status_key: str = Field(
        default="",
        description="Where the SHA-256 of the monitoring key lies, which opens /_status and /metrics only.",
    )
    queue_minutes: float = Field(default=60, gt=0, le=10_080, description="A delivery under way is so old.")
    urgent_minutes: float = Field(
        default=15, gt=0, le=10_080, description="An urgent delivery under way is so old."
    )
    expiry_days: int = Field(
        default=30, ge=0, le=365, description="A certificate or a caller's key expires in so many days."
    )
    clock_s: float = Field(
        default=5, gt=0, le=3600, description="The clocks of node and database are so far apart, in seconds."
    )
    slow_ms: int = Field(
        default=1000, ge=1, le=60_000, description="A write or a look at the database takes so long."
    )
    holidays: tuple[date, ...] = Field(
        default=(), description="Days that are no working days for `expected`, such as bank holidays."
    )


class ExpectedSettings(Strict):
    """A source, or a service that reports, that is missed when nothing is heard of it for too long."""

    source: str = Field(description="Name of the source, or of the service.")
    every_hours: float = Field(gt=0, le=8760, description="It is heard of at least so often.")
    working_days: bool = Field(
        default=True, description="Count only hours on Monday to Friday, in London, without `watch.holidays`."
    )


class AlertSettings(Strict):
    """Who is told when something begins and when it is over: a webhook, people by e-mail, or both."""

    webhook: str = Field(
        default="",
        description="Where the address of the webhook lies, since it may hold a secret.",
    )
    proxy: str = Field(default="", description="Outbound HTTP proxy for the webhook.")
    ca_bundle: Path | None = Field(
        default=None,
        description="CA certificates trusted for webhook and mail server instead of the system's.",
    )
    mail_server: str = Field(default="", description="Host of the SMTP server.")
    mail_port: int = Field(default=587, ge=1, le=65_535, description="Port of the SMTP server.")
    mail_security: str = Field(
        default="starttls", pattern="^(starttls|tls|none)$", description="`starttls`, `tls` or `none`."
    )
    mail_user: str = Field(default="", description="Who logs in there; empty: nobody does.")
    mail_password: str = Field(default="", description="Where the password lies.")
    mail_from: str = Field(default="", description="Address the mail comes from.")
    mail_to: tuple[str, ...] = Field(default=(), description="Addresses it goes to.")
    after_s: float = Field(
        default=60,
        ge=0,
        le=86_400,
        description="Something lasts for so long before anybody is told; what fails is told at once.",
    )
    every_s: float = Field(default=10, gt=0, le=3600, description="How often it is looked at, in seconds.")

    @model_validator(mode="after")
    def _hangs_together(self) -> "AlertSettings":
        if self.mail_server and not (self.mail_from and self.mail_to):
            raise ValueError("mail_server needs mail_from and mail_to")
        if bool(self.mail_user) != bool(self.mail_password):
            raise ValueError("mail_user and mail_password go together")
        if self.mail_user and self.mail_security == "none":
            raise ValueError("a password is not sent without TLS")
        return self
