"""The content hash: whether two messages say the same of one referral."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from bridge.domain.identifiers import NhsNumber, OdsCode
from bridge.domain.referral import EventKind, Referral, ReferralKey


def content_hash(kind: EventKind, key: ReferralKey, referral: Referral | None) -> str:
    """SHA-256 hex over the canonical JSON of what was said; clocks, places and arrival are not content.

    A field at its default says nothing and is left out, so a field added later does not change old hashes.
    """
    said = {"kind": kind, "key": _canonical(key), "referral": _canonical(referral)}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> object:
    kind = type(value)
    if written := _WRITTEN.get(kind):
        return written(value)
    if kind is tuple:
        return [_canonical(v) for v in value]
    if not is_dataclass(kind):
        return value
    told = {}
    for name, default in _fields(kind):
        said = getattr(value, name)
        if said != default:
            told[name] = _canonical(said)
    return told


_WRITTEN: dict[type, Callable[[Any], object]] = {
    str: str,
    NhsNumber: lambda number: number.digits,
    OdsCode: lambda ods: ods.code,
    datetime: lambda at: at.astimezone(UTC).isoformat(timespec="microseconds"),
}


@cache
def _fields(kind: type) -> tuple[tuple[str, object], ...]:
    """The fields of a frozen dataclass with their defaults; MISSING where there is none."""
    return tuple(
        (f.name, f.default if f.default_factory is MISSING else f.default_factory()) for f in fields(kind)
    )
