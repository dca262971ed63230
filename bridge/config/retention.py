"""Settings of retention."""

from pydantic import Field, model_validator

from bridge.config.strict import Strict


class Retention(Strict):
    """How long what is kept stays, in days. What waits for a person, a partner or a row stays.

    docs/how-to/retention.md says what each covers, and why.
    """

    bodies: int = Field(
        default=30,
        ge=1,
        description="Bytes of messages and deliveries, after all that came of a message was settled.",
    )
    requests: int = Field(
        default=30, ge=1, description="Request ids with our answers, which a repeated request gets again."
    )
    records: int = Field(
        default=365,
        ge=1,
        description="Content of a referral and of its outcomes, sealed, after the referral was closed.",
    )
    attempts: int = Field(default=365, ge=1, description="Attempts to send: times, results and codes.")
    journey: int = Field(
        default=1096,
        ge=1,
        description="Events, messages and settled deliveries without content; and whose they were.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> "Retention":
        if not self.bodies <= self.records <= self.journey:
            raise ValueError("bodies may not stay longer than records, nor records longer than the journey")
        return self
