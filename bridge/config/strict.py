"""What every table of the settings is: frozen, and without a key that nobody knows."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A table of the settings; an unknown key in it is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")
