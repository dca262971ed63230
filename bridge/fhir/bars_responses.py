"""What a BaRS `servicerequest-response` message says besides its Observations.

The receiver's own Encounter is the one changed with the message (unchanged resources keep their lastUpdated);
without one, a revoked ServiceRequest means that the service no longer holds the referral.
"""

from typing import Final

from bridge.domain.outcome import Outcome, OutcomeKind
from bridge.fhir.outcome_reading import OutcomeReading, words_of
from bridge.fhir.requests import sortable
from bridge.fhir.trees import EMPTY, Json, text, tree_at, trees

_KINDS: Final = {
    "planned": OutcomeKind.BOOKED,
    "arrived": OutcomeKind.IN_PROGRESS,
    "triaged": OutcomeKind.IN_PROGRESS,
    "in-progress": OutcomeKind.IN_PROGRESS,
    "onleave": OutcomeKind.ON_HOLD,
    "finished": OutcomeKind.CLOSED,
    "cancelled": OutcomeKind.REJECTED,
    "entered-in-error": OutcomeKind.ENTERED_IN_ERROR,
}


def is_response(header: Json) -> bool:
    """Whether a MessageHeader announces a response to a referral."""
    return text(header, "eventCoding", "code") == "servicerequest-response"


def response_outcome(reading: OutcomeReading, header: Json, at: str) -> Outcome:
    """The status a response message reports."""
    message = reading.message
    updated = text(message.whole, "meta", "lastUpdated") or text(message.whole, "timestamp")
    changed = [
        e.resource for e in message.all("Encounter") if text(e.resource, "meta", "lastUpdated") == updated
    ]
    encounter = changed[-1] if changed else EMPTY
    request = next((e.resource for e in message.all("ServiceRequest")), EMPTY)
    status = text(encounter, "status")
    kind = OutcomeKind.CANCELLED if text(request, "status") == "revoked" else OutcomeKind.RECEIVED
    subject, subject_ref = reading.links.person(tree_at(request, "subject"), request, f"{at}.focus")
    identity = text(message.whole, "id")
    return Outcome(
        kind=_KINDS.get(status, kind),
        identifier=f"Bundle/{identity}" if identity else "",
        version=sortable(updated, reading.arrived),
        clock=sortable(updated, reading.arrived) if updated else "",
        status=status or text(request, "status"),
        referral_ref=reading.links.referral(trees(header, "focus"), header),
        subject=subject,
        subject_ref=subject_ref,
        effective=reading.date(text(message.whole, "timestamp"), "Bundle.timestamp"),
        performer=reading.links.performer([tree_at(header, "sender")], header, at),
        reason=words_of([*trees(encounter, "reasonCode"), *trees(request, "reasonCode")]),
        position=at,
    )
