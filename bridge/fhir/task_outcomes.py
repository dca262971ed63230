"""What a Task says of a referral: its status, finer where the business status fits it."""

from typing import Final

from bridge.domain import systems
from bridge.domain.crosswalk import OUTCOMES
from bridge.domain.outcome import Outcome, OutcomeKind
from bridge.domain.referral import Concept
from bridge.fhir.outcome_reading import OutcomeReading, words_of
from bridge.fhir.requests import sortable
from bridge.fhir.trees import Json, text, tree_at, trees

OURS: Final = ("draft", "requested")  # our own side of the Task: nothing was reported yet
KINDS: Final = {
    "received": OutcomeKind.RECEIVED,
    "accepted": OutcomeKind.ACCEPTED,
    "ready": OutcomeKind.ACCEPTED,
    "rejected": OutcomeKind.REJECTED,
    "in-progress": OutcomeKind.IN_PROGRESS,
    "on-hold": OutcomeKind.ON_HOLD,
    "failed": OutcomeKind.FAILED,
    "completed": OutcomeKind.CLOSED,
    "cancelled": OutcomeKind.CANCELLED,
    "entered-in-error": OutcomeKind.ENTERED_IN_ERROR,
}
_NEED_REASON: Final = ("rejected", "cancelled", "on-hold", "failed")
_FINER: Final = {
    (system, code): kind
    for kind, words in OUTCOMES.items()
    for system, codes in ((systems.BUSINESS_STATUS, (words.business,)), (systems.ITK_RESPONSE, words.itk))
    for code in codes
    if code
}


def task_outcome(reading: OutcomeReading, task: Json, at: str) -> Outcome:
    """The outcome of a Task; what makes it unusable is among the findings."""
    status = text(task, "status")
    business = reading.meanings.concept(tree_at(task, "businessStatus"), f"{at}.businessStatus")
    reason = words_of(trees(task, "statusReason"))
    if status in _NEED_REASON and not reason:
        reading.findings.warn("fhir-required", f"{at}.statusReason.text")
    subject, subject_ref = reading.links.person(tree_at(task, "for"), task, f"{at}.for")
    modified = text(task, "lastModified")
    clock = text(task, "meta", "lastUpdated") or modified
    return Outcome(
        kind=_kind(reading, status, business, at),
        identifier=reading.identity(task),
        version=sortable(clock, reading.arrived),
        clock=sortable(clock, reading.arrived) if clock else "",
        status=status,
        referral_ref=reading.links.referral([tree_at(task, "focus")], task, trees(task, "identifier")),
        subject=subject,
        subject_ref=subject_ref,
        effective=reading.date(modified, f"{at}.lastModified"),
        performer=reading.links.performer([tree_at(task, "owner")], task, at),
        reason=reason,
        business_status=business,
        position=at,
    )


def _kind(reading: OutcomeReading, status: str, business: Concept, at: str) -> OutcomeKind:
    """The kind of the business status where it fits the status, else of the status alone."""
    if status not in KINDS:
        reading.findings.refuse("fhir-code", f"{at}.status", value=status)
        return OutcomeKind.RECEIVED
    finer = (_FINER.get((c.system, c.code)) for c in business.codings)
    fitting = (kind for kind in finer if kind and (not OUTCOMES[kind].task or status in OUTCOMES[kind].task))
    return next(fitting, KINDS[status])
