"""The content hash: whether two messages say the same of one referral."""

import hashlib
import json
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, datetime
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
    if isinstance(value, NhsNumber):
        return value.digits
    if isinstance(value, OdsCode):
        return value.code
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, tuple):
        return [_canonical(v) for v in value]
    if is_dataclass(value):
        told = (
            (f.name, getattr(value, f.name)) for f in fields(value) if getattr(value, f.name) != _default(f)
        )
        return {name: _canonical(said) for name, said in told}
    return value


def _default(field: Field[Any]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()
