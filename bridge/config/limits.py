"""Settings of back-pressure."""

from pydantic import Field

from bridge.config.strict import Strict


class Limits(Strict):
    """When the doors take nothing more. Looked at every `every_s`, never for a request; 0 means no limit."""

    most_unsettled: int = Field(
        default=200_000, ge=0, description="So many deliveries wait: the doors answer 429."
    )
    oldest_hours: float = Field(
        default=96, ge=0, description="A delivery that is neither parked nor held back is so old: 429."
    )
    least_free_mb: int = Field(
        default=500, ge=0, description="Less disk is free where the data folder is: 503, and not ready."
    )
    every_s: float = Field(default=2, gt=0, le=60, description="How often it is looked at, in seconds.")
