"""The cross-walk speaks each vocabulary without mistakes."""

from collections.abc import Iterator

from bridge.domain import codes
from bridge.domain.crosswalk import OUTCOMES, REQUESTS, Words
from bridge.domain.outcome import OutcomeKind
from bridge.domain.referral import EventKind

REQUEST_STATUS = {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"}
TASK_STATUS = {
    *("draft", "requested", "received", "accepted", "rejected", "ready", "cancelled"),
    *("in-progress", "on-hold", "failed", "completed", "entered-in-error"),
}
BSER = {"2.0", "3.0", "4.0", "5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.2", "6.0", "7.0"}
ITK = {str(code) for code in range(30005, 30019)}


def rows() -> Iterator[Words]:
    """Every row of both tables."""
    yield from REQUESTS.values()
    yield from OUTCOMES.values()


def test_every_word_is_one_of_its_vocabulary() -> None:
    """A misspelt status is stored by real servers without a murmur."""
    assert {row.request for row in rows()} <= REQUEST_STATUS | {""}
    assert {status for row in rows() for status in row.task} <= TASK_STATUS
    assert {row.business for row in rows()} <= BSER | {""}
    assert {code for row in rows() for code in row.itk} <= ITK
    assert {row.snomed for row in rows()} <= set(codes.SOCIAL_PRESCRIBING) | {""}


def test_every_outcome_has_its_row() -> None:
    """No service can say something the table does not know."""
    assert set(OUTCOMES) == set(OutcomeKind)


def test_an_ended_task_ends_the_request_and_no_other_does() -> None:
    """A referral shown as active for ever, or closed while the service works, misleads the GP."""
    ended = {"rejected", "cancelled", "failed", "completed"}

    for row in rows():
        assert (row.request in {"revoked", "completed"}) == bool(ended & set(row.task))


def test_refusal_and_absence_carry_no_code_into_the_record() -> None:
    """Only what truly happened has a code; a signpost by a service is not one to a service."""
    silent = {kind for kind, row in OUTCOMES.items() if not row.snomed}

    assert set(OutcomeKind) - silent == {OutcomeKind.ATTENDED, OutcomeKind.CLOSED}
    assert {kind for kind, row in REQUESTS.items() if row.snomed} == {EventKind.REFERRED, EventKind.DECLINED}
