"""One happening in five vocabularies: both FHIR statuses, BSeR, ITK and SNOMED CT.

Sources: FHIR R4 request-status and task-status; HL7/bser 2.0.0-ballot, TaskBusinessStatusCS; ITK3 response
codes 1.5.0 (30005 to 30018 are published, but no GP supplier is known to send or require them);
`bridge.domain.codes`. An empty entry means that vocabulary has no word for it, or is not changed by it.

Who owns what (https://hl7.org/fhir/R4/request.html): the requester sets ServiceRequest.status, the service
Task.status; so `request` is ours to set on hearing of it, and `task` is what the service's Task will say.
"""

from dataclasses import dataclass

from bridge.domain import codes
from bridge.domain.outcome import OutcomeKind
from bridge.domain.referral import EventKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What each vocabulary calls one happening; where there are several words, the usual one first."""

    request: str = ""  # ServiceRequest.status
    task: tuple[str, ...] = ()  # Task.status
    business: str = ""  # Task.businessStatus, BSeR
    itk: tuple[str, ...] = ()  # ITK response
    snomed: str = ""  # its mark in `codes.SOCIAL_PRESCRIBING` says whether it may be filed


REQUESTS: dict[EventKind, Words] = {
    EventKind.REFERRED: Words(
        request="active", task=("requested",), business="2.0", itk=("30005",), snomed=codes.REFERRAL
    ),
    EventKind.DECLINED: Words(
        request="revoked", task=("cancelled",), business="6.0", itk=("30014",), snomed=codes.DECLINED
    ),
    EventKind.CANCELLED: Words(request="revoked", task=("cancelled",), business="6.0", itk=("30013",)),
}

OUTCOMES: dict[OutcomeKind, Words] = {
    OutcomeKind.RECEIVED: Words(request="active", task=("received",)),
    OutcomeKind.ACCEPTED: Words(request="active", task=("accepted",), business="3.0", itk=("30016",)),
    OutcomeKind.REJECTED: Words(
        request="revoked", task=("rejected",), business="4.0", itk=("30017", "30014", "30015")
    ),
    # Nobody could be reached yet; when the service gives up, FAILED follows.
    OutcomeKind.UNREACHABLE: Words(request="active", task=("on-hold",), itk=("30012",)),
    OutcomeKind.FAILED: Words(request="revoked", task=("failed",)),
    OutcomeKind.BOOKED: Words(request="active", business="5.1.1"),
    OutcomeKind.ATTENDED: Words(
        request="active", task=("in-progress",), business="5.1.4", itk=("30005",), snomed=codes.SEEN
    ),
    OutcomeKind.NOT_ATTENDED: Words(
        request="active", task=("on-hold", "in-progress"), business="5.1.2", itk=("30018",)
    ),
    OutcomeKind.CONTACT_CANCELLED: Words(request="active"),
    OutcomeKind.IN_PROGRESS: Words(request="active", task=("in-progress",)),
    OutcomeKind.ON_HOLD: Words(request="active", task=("on-hold",)),
    OutcomeKind.MEASURE: Words(),
    OutcomeKind.GOAL: Words(),
    OutcomeKind.SUPPORT: Words(),
    OutcomeKind.ONWARD: Words(),
    OutcomeKind.UNMET_NEED: Words(),
    OutcomeKind.ACTION: Words(),
    OutcomeKind.RISK: Words(),
    OutcomeKind.CONSENT: Words(),
    # A service signposts to a community group; 1084281000000109 means signposting to the service itself.
    OutcomeKind.SIGNPOST: Words(request="active", task=("in-progress",), itk=("30011",)),
    OutcomeKind.CLOSED: Words(
        request="completed", task=("completed",), business="7.0", itk=("30006",), snomed=codes.CLOSED
    ),
    OutcomeKind.CANCELLED: Words(request="revoked", task=("cancelled",), business="6.0", itk=("30013",)),
    OutcomeKind.REOPENED: Words(request="active"),
    OutcomeKind.ENTERED_IN_ERROR: Words(task=("entered-in-error",)),
}
