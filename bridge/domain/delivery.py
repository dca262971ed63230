"""One thing to be sent to one partner, and what came back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bridge.domain.journey import DeliveryState


class Kind(StrEnum):
    """What a delivery does at the partner."""

    CREATE = "create"
    CHANGE = "change"
    CANCEL = "cancel"  # cancelled, entered in error or withdrawn: never superseded once it may matter
    FILE = "file"


class Leg(StrEnum):
    """Which way it goes."""

    FORWARD = "forward"
    WRITE_BACK = "write-back"


class Effect(StrEnum):
    """What a partner can promise (promise 4)."""

    EXACTLY_ONE = "exactly-one"
    AT_MOST_ONE = "at-most-one"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Delivery:
    """A claimed delivery, opened: `body` is the FHIR JSON to send.

    Until `frozen`, the partner may still fill in what only it knows (ids at the partner); from then on the
    bytes and `request_id` never change. `epoch` is the fencing token of the claim.
    """

    id: str
    referral_id: str
    lane_id: int
    partner: str
    leg: Leg
    kind: Kind
    state: DeliveryState
    seq: int
    attempts: int
    created_at: datetime
    first_sent_at: datetime
    trying_since: datetime
    priority: str
    request_id: str
    correlation_id: str
    body: bytes
    frozen: bool
    replaces: bool  # an earlier create of this lane may have arrived: found there means update it
    epoch: int
    patient: str  # blind index of the person, for limits; never shown
    traceparent: str = ""  # of the message it comes of (W3C Trace Context)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the partner answered: its id and version for our resource, and whether it was already there."""

    reference: str = ""  # "ServiceRequest/123" at the partner
    version: str = ""  # ETag value
    already_there: bool = False
    subject: str = ""  # "Patient/45" at the partner
    level: str = "accepted"  # queued, listed, transport-accepted, acknowledged, accepted, filed
    answer_within: timedelta | None = None  # a letter: how soon its acknowledgement is due
