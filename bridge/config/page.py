"""Settings of the page for people, /ops."""

from pydantic import Field, model_validator

from bridge.config.strict import Strict


class PageSettings(Strict):
    """The page at /ops. Who may sign in is said by `bridge accounts`; there is no account to begin with."""

    shown: bool = Field(default=True, description="Whether this node shows the page.")
    idle_minutes: int = Field(
        default=30, ge=1, le=720, description="Who does nothing for so long has to sign in again."
    )
    longest_hours: int = Field(
        default=12, ge=1, le=24, description="After so long everybody has to sign in again."
    )

    @model_validator(mode="after")
    def _hangs_together(self) -> "PageSettings":
        if self.idle_minutes > self.longest_hours * 60:
            raise ValueError("idle_minutes is longer than longest_hours")
        return self
