"""A resource to bytes: keys as built, numbers with the digits they came with."""

from decimal import Decimal
from typing import Any, Final

import orjson

from bridge.fhir.trees import Json

_WIDEST: Final = 2**63


def to_json(resource: Json) -> bytes:
    """The UTF-8 JSON of a tree; the same tree gives the same bytes."""
    try:
        return orjson.dumps(resource, default=_number)
    except orjson.JSONEncodeError:
        return orjson.dumps(_with_wide_integers(resource), default=_number)


def _number(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value).encode())
    raise TypeError("not a JSON value")


def _with_wide_integers(value: Any) -> Any:
    """The same tree with integers of more than 64 bits as Decimals, for an echo of what someone sent."""
    if isinstance(value, dict):
        return {k: _with_wide_integers(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_wide_integers(v) for v in value]
    wide = isinstance(value, int) and not -_WIDEST <= value < _WIDEST
    return Decimal(value) if wide else value
