"""The practices that a caller or a port speaks for, as the settings name them."""

from typing import Annotated

from pydantic import AfterValidator

from bridge.domain.identifiers import OdsCode


def _known_by(code: str) -> str:
    return OdsCode.parse(code).code


# Compared with the codes of messages letter by letter: one in small letters would turn each of them away.
Practice = Annotated[str, AfterValidator(_known_by)]
