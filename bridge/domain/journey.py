"""The states of event, referral, delivery and outcome, as tables. An illegal move is a missing key.

Diagrams in docs/reference/states.md are drawn from the tables.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar


class EventState(StrEnum):
    """What became of one thing a message said."""

    KEPT = "kept"  # durable, not yet translated
    WAITING = "waiting"  # needs something the source has not sent yet (another half, a coding row)
    APPLIED = "applied"  # made, changed or closed a referral
    ATTACHED = "attached"  # joined to a referral that is already open
    DUPLICATE = "duplicate"  # same content again
    STALE = "stale"  # older than what we hold
    OWN_ECHO = "own-echo"  # we filed this ourselves
    NOT_SENT = "not-sent"  # not for the service; the reason is on the practice's list
    REFUSED = "refused"  # the sender was told no, and why
    PARKED = "parked"  # a person must look
    DISCARDED = "discarded"  # a person closed it, or the source told it anew


class EventStep(StrEnum):
    """What can happen to an event."""

    APPLY = "apply"
    ATTACH = "attach"
    REPEAT = "repeat"
    OVERTAKE = "overtake"
    ECHO = "echo"
    DECLINE = "decline"
    WAIT = "wait"
    REFUSE = "refuse"
    PARK = "park"
    RELEASE = "release"
    DISCARD = "discard"


_TRANSLATED: dict[EventStep, EventState] = {
    EventStep.APPLY: EventState.APPLIED,
    EventStep.ATTACH: EventState.ATTACHED,
    EventStep.REPEAT: EventState.DUPLICATE,
    EventStep.OVERTAKE: EventState.STALE,
    EventStep.ECHO: EventState.OWN_ECHO,
    EventStep.DECLINE: EventState.NOT_SENT,
    EventStep.WAIT: EventState.WAITING,
    EventStep.REFUSE: EventState.REFUSED,
    EventStep.PARK: EventState.PARKED,
}

EVENT_MOVES: dict[EventState, dict[EventStep, EventState]] = {
    EventState.KEPT: _TRANSLATED,
    EventState.WAITING: {s: t for s, t in _TRANSLATED.items() if s is not EventStep.WAIT},
    EventState.NOT_SENT: {EventStep.RELEASE: EventState.KEPT},
    EventState.PARKED: {EventStep.RELEASE: EventState.KEPT, EventStep.DISCARD: EventState.DISCARDED},
}


class ReferralState(StrEnum):
    """Where one episode stands, for the GP, who owns it (ServiceRequest.status is a view of this)."""

    OPEN = "open"  # under way
    PARKED = "parked"  # not forwarded; a person must look
    REJECTED = "rejected"  # the service said no
    COMPLETED = "completed"  # the service closed it
    CANCELLED = "cancelled"  # the GP no longer wants it
    ENTERED_IN_ERROR = "entered-in-error"  # the GP says it never was
    WITHDRAWN = "withdrawn"  # the person withdrew, died or left: we took it back
    DISCARDED = "discarded"  # a person closed it while it was parked


class ReferralStep(StrEnum):
    """What can happen to a referral."""

    CHANGE = "change"
    PARK = "park"
    RELEASE = "release"
    DISCARD = "discard"
    REJECT = "reject"
    COMPLETE = "complete"
    REOPEN = "reopen"
    CANCEL = "cancel"
    ERROR = "error"
    WITHDRAW = "withdraw"


REFERRAL_MOVES: dict[ReferralState, dict[ReferralStep, ReferralState]] = {
    ReferralState.OPEN: {
        ReferralStep.CHANGE: ReferralState.OPEN,
        ReferralStep.PARK: ReferralState.PARKED,
        ReferralStep.REJECT: ReferralState.REJECTED,
        ReferralStep.COMPLETE: ReferralState.COMPLETED,
        ReferralStep.CANCEL: ReferralState.CANCELLED,
        ReferralStep.ERROR: ReferralState.ENTERED_IN_ERROR,
        ReferralStep.WITHDRAW: ReferralState.WITHDRAWN,
    },
    ReferralState.PARKED: {
        ReferralStep.CHANGE: ReferralState.PARKED,
        ReferralStep.RELEASE: ReferralState.OPEN,
        ReferralStep.DISCARD: ReferralState.DISCARDED,
        ReferralStep.CANCEL: ReferralState.CANCELLED,
        ReferralStep.ERROR: ReferralState.ENTERED_IN_ERROR,
        ReferralStep.WITHDRAW: ReferralState.WITHDRAWN,
    },
    ReferralState.REJECTED: {
        ReferralStep.REOPEN: ReferralState.OPEN,
        ReferralStep.CANCEL: ReferralState.CANCELLED,
        ReferralStep.ERROR: ReferralState.ENTERED_IN_ERROR,
    },
    ReferralState.COMPLETED: {
        ReferralStep.REOPEN: ReferralState.OPEN,
        ReferralStep.ERROR: ReferralState.ENTERED_IN_ERROR,
    },
    ReferralState.CANCELLED: {
        ReferralStep.REOPEN: ReferralState.OPEN,
        ReferralStep.ERROR: ReferralState.ENTERED_IN_ERROR,
    },
    ReferralState.WITHDRAWN: {
        ReferralStep.REOPEN: ReferralState.OPEN,
        ReferralStep.ERROR: ReferralState.ENTERED_IN_ERROR,
    },
}

LIVING = frozenset({ReferralState.OPEN, ReferralState.PARKED})


class DeliveryState(StrEnum):
    """Where one thing to be sent to one partner stands."""

    QUEUED = "queued"  # waits for its turn or its time
    SENDING = "sending"  # body frozen, attempt under way
    IN_DOUBT = "in-doubt"  # may have arrived: look before anything else
    PARKED = "parked"  # a person must look
    DELIVERED = "delivered"  # the partner has it
    SUPERSEDED = "superseded"  # a later delivery of the lane made it needless
    WITHHELD = "withheld"  # the last look said no
    SHADOW = "shadow"  # computed and checked, never to be sent
    DISCARDED = "discarded"  # a person closed it


class DeliveryStep(StrEnum):
    """What can happen to a delivery."""

    CLAIM = "claim"
    ACCEPT = "accept"
    POSTPONE = "postpone"
    DOUBT = "doubt"
    PARK = "park"
    SUPERSEDE = "supersede"
    WITHHOLD = "withhold"
    RELEASE = "release"
    DISCARD = "discard"
    PROVE = "prove"  # an outcome for the referral shows it arrived


DELIVERY_MOVES: dict[DeliveryState, dict[DeliveryStep, DeliveryState]] = {
    DeliveryState.QUEUED: {
        DeliveryStep.CLAIM: DeliveryState.SENDING,
        DeliveryStep.SUPERSEDE: DeliveryState.SUPERSEDED,
        DeliveryStep.PARK: DeliveryState.PARKED,
        DeliveryStep.DISCARD: DeliveryState.DISCARDED,
    },
    DeliveryState.SENDING: {
        DeliveryStep.CLAIM: DeliveryState.IN_DOUBT,  # whoever sent it died: look first
        DeliveryStep.ACCEPT: DeliveryState.DELIVERED,
        DeliveryStep.POSTPONE: DeliveryState.QUEUED,
        DeliveryStep.DOUBT: DeliveryState.IN_DOUBT,
        DeliveryStep.PARK: DeliveryState.PARKED,
        DeliveryStep.WITHHOLD: DeliveryState.WITHHELD,
        DeliveryStep.SUPERSEDE: DeliveryState.SUPERSEDED,
        DeliveryStep.PROVE: DeliveryState.DELIVERED,
    },
    DeliveryState.IN_DOUBT: {
        DeliveryStep.CLAIM: DeliveryState.IN_DOUBT,
        DeliveryStep.ACCEPT: DeliveryState.DELIVERED,
        DeliveryStep.DOUBT: DeliveryState.IN_DOUBT,
        DeliveryStep.PARK: DeliveryState.PARKED,
        DeliveryStep.WITHHOLD: DeliveryState.WITHHELD,  # looked up, and it has not arrived
        DeliveryStep.PROVE: DeliveryState.DELIVERED,
    },
    DeliveryState.PARKED: {
        DeliveryStep.RELEASE: DeliveryState.QUEUED,
        DeliveryStep.DISCARD: DeliveryState.DISCARDED,
        DeliveryStep.SUPERSEDE: DeliveryState.SUPERSEDED,
        DeliveryStep.PROVE: DeliveryState.DELIVERED,
    },
}


class OutcomeState(StrEnum):
    """What one version of an outcome counts for."""

    RECEIVED = "received"  # read; not yet compared with what is known. Never stored
    CURRENT = "current"  # what the service says now
    SUPERSEDED = "superseded"  # a later version of it is known
    WITHDRAWN = "withdrawn"  # this version says that it never was
    QUARANTINED = "quarantined"  # cannot be right: shown, never filed, nor told in a letter
    CONFLICT = "conflict"  # contradicts another version and nobody can tell which is later


class OutcomeStep(StrEnum):
    """What can happen to a version of an outcome."""

    TAKE = "take"
    OVERTAKE = "overtake"
    WITHDRAW = "withdraw"
    QUARANTINE = "quarantine"
    CONTRADICT = "contradict"
    RELEASE = "release"


OUTCOME_MOVES: dict[OutcomeState, dict[OutcomeStep, OutcomeState]] = {
    OutcomeState.RECEIVED: {
        OutcomeStep.TAKE: OutcomeState.CURRENT,
        OutcomeStep.OVERTAKE: OutcomeState.SUPERSEDED,
        OutcomeStep.WITHDRAW: OutcomeState.WITHDRAWN,
        OutcomeStep.QUARANTINE: OutcomeState.QUARANTINED,
        OutcomeStep.CONTRADICT: OutcomeState.CONFLICT,
    },
    OutcomeState.CURRENT: {OutcomeStep.OVERTAKE: OutcomeState.SUPERSEDED},
    OutcomeState.WITHDRAWN: {OutcomeStep.OVERTAKE: OutcomeState.SUPERSEDED},
    OutcomeState.QUARANTINED: {
        OutcomeStep.RELEASE: OutcomeState.CURRENT,
        OutcomeStep.OVERTAKE: OutcomeState.SUPERSEDED,
    },
    OutcomeState.CONFLICT: {
        OutcomeStep.RELEASE: OutcomeState.CURRENT,
        OutcomeStep.OVERTAKE: OutcomeState.SUPERSEDED,
    },
}


class IllegalMove(ValueError):
    """The table has no such move."""


S = TypeVar("S", bound=StrEnum)
T = TypeVar("T", bound=StrEnum)


def move(table: Mapping[S, Mapping[T, S]], state: S, step: T) -> S:
    """The state after `step`, or IllegalMove."""
    try:
        return table[state][step]
    except KeyError:
        raise IllegalMove(f"{state} has no move {step}") from None
