"""The cases an EMIS extract can hold: what each writes on its first and second day, and its fate.

The tables below are the known truth of `bridge.simulators.emis`. Ids and texts are invented; SNOMED CT codes
are those of `bridge.domain.codes`.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Case(StrEnum):
    """One thing that happens in a practice."""

    RECORD = "referral-record"
    BARE_CODE = "bare-code"
    CHANGED = "changed-next-day"
    DELETED = "deleted-next-day"
    REBULK = "sent-again-next-day"
    DECLINED = "declined-next-day"
    MOVED = "moved-to-another-patient-next-day"
    OWN_ECHO = "our-closure-comes-back"
    REFERRAL_HALF_FIRST = "referral-half-a-day-early"
    CODE_HALF_FIRST = "referral-half-a-day-late"
    LATE_CODE = "code-row-a-day-late"
    HISTORY = "entered-years-ago"
    UNDER_AGE = "under-age"
    DECEASED = "deceased"
    OTHER_AUTHOR = "author-elsewhere"
    NO_NUMBER = "no-nhs-number"
    PLACEHOLDER = "placeholder-nhs-number"
    CHECK_DIGIT = "nhs-number-check-digit"
    CONFIDENTIAL_ROW = "confidential-row"
    CONFIDENTIAL_CONSULTATION = "confidential-consultation"
    CONFIDENTIAL_PATIENT = "confidential-patient"
    S_FLAG = "s-flag-patient"
    DUMMY = "dummy-patient"
    UNREADABLE = "wrong-column-count"
    OFFERED = "offered-only"
    DELETE_OF_UNKNOWN = "delete-of-unknown"


class Becomes(StrEnum):
    """What must become of it on that day."""

    FORWARDED = "forwarded"
    CHANGED = "changed"  # a new version of a referral that was forwarded
    CLOSED = "closed"  # the source takes it back: cancelled, entered in error or declined
    SAME = "same"  # nothing new, nothing sent
    ECHO = "own-echo"
    WAITING = "waiting"  # for the other half or for the code row
    NOT_SENT = "not-sent"  # with a reason on the practice's list
    PARKED = "parked"
    WITHHELD = "withheld"  # counted, nothing else kept
    UNREADABLE = "unreadable"  # reported by row
    IGNORED = "ignored"  # no event


Code = Literal["", "referral", "late", "declined", "offered", "closed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What one case writes on one day, and its fate on that day; `reason` is a code of the problem catalogue.

    `code` names the clinical code of the Observation row, "" writes none. `patient`, `consultation` and
    `observation` change columns of those rows; `{names}` in them are filled in by the generator. Second acts
    write no patient unless `patient` is given, and keep the record's key unless `second_record` is set.
    """

    becomes: Becomes
    reason: str = ""
    code: Code = "referral"
    referral: bool = False  # a CareRecord_ObservationReferral row
    patient: dict[str, str] | None = None
    consultation: dict[str, str] = field(default_factory=dict)
    observation: dict[str, str] = field(default_factory=dict)
    keys_only: bool = False  # a deleted row: keys and Deleted, all else empty
    second_record: bool = False
    other_patient: bool = False
    extra_cells: int = 0


FIRST: dict[Case, Act] = {
    Case.RECORD: Act(becomes=Becomes.FORWARDED, referral=True),
    Case.BARE_CODE: Act(becomes=Becomes.FORWARDED),
    Case.CHANGED: Act(becomes=Becomes.FORWARDED, referral=True),
    Case.DELETED: Act(becomes=Becomes.FORWARDED, referral=True),
    Case.REBULK: Act(becomes=Becomes.FORWARDED, referral=True),
    Case.DECLINED: Act(becomes=Becomes.FORWARDED),
    Case.MOVED: Act(becomes=Becomes.FORWARDED, referral=True),
    Case.OWN_ECHO: Act(becomes=Becomes.FORWARDED, referral=True),
    Case.REFERRAL_HALF_FIRST: Act(becomes=Becomes.WAITING, code="", referral=True),
    Case.CODE_HALF_FIRST: Act(becomes=Becomes.FORWARDED),
    Case.LATE_CODE: Act(becomes=Becomes.WAITING, code="late", referral=True),
    Case.HISTORY: Act(
        becomes=Becomes.NOT_SENT,
        reason="too-old",
        referral=True,
        observation={"EffectiveDate": "{years_ago}", "EnteredDate": "{years_ago}"},
    ),
    Case.UNDER_AGE: Act(
        becomes=Becomes.NOT_SENT, reason="under-age", patient={"DateOfBirth": "{child_birth}"}
    ),
    Case.DECEASED: Act(
        becomes=Becomes.NOT_SENT, reason="patient-deceased", patient={"DateOfDeath": "{entered}"}
    ),
    Case.OTHER_AUTHOR: Act(
        becomes=Becomes.NOT_SENT,
        reason="author-elsewhere",
        observation={"ClinicianUserInRoleGuid": "{other_gp}", "EnteredByUserInRoleGuid": "{other_gp}"},
    ),
    Case.NO_NUMBER: Act(becomes=Becomes.PARKED, reason="nhs-number-missing", patient={"NhsNumber": ""}),
    Case.PLACEHOLDER: Act(
        becomes=Becomes.PARKED, reason="nhs-number-placeholder", patient={"NhsNumber": "9999999999"}
    ),
    Case.CHECK_DIGIT: Act(
        becomes=Becomes.PARKED, reason="nhs-number-check-digit", patient={"NhsNumber": "{wrong_number}"}
    ),
    Case.CONFIDENTIAL_ROW: Act(
        becomes=Becomes.WITHHELD, referral=True, observation={"IsConfidential": "true"}
    ),
    Case.CONFIDENTIAL_CONSULTATION: Act(becomes=Becomes.WITHHELD, consultation={"IsConfidential": "true"}),
    Case.CONFIDENTIAL_PATIENT: Act(becomes=Becomes.WITHHELD, patient={"IsConfidential": "true"}),
    Case.S_FLAG: Act(becomes=Becomes.WITHHELD, referral=True, patient={"SpineSensitive": "true"}),
    Case.DUMMY: Act(becomes=Becomes.WITHHELD, patient={"DummyType": "true"}),
    Case.UNREADABLE: Act(becomes=Becomes.UNREADABLE, extra_cells=1),
    Case.OFFERED: Act(becomes=Becomes.IGNORED, code="offered"),
    Case.DELETE_OF_UNKNOWN: Act(becomes=Becomes.IGNORED, keys_only=True),
}

SECOND: dict[Case, Act] = {
    Case.CHANGED: Act(
        becomes=Becomes.CHANGED, observation={"AssociatedText": "Now also asks for benefits advice"}
    ),
    Case.DELETED: Act(becomes=Becomes.CLOSED, keys_only=True),
    Case.REBULK: Act(becomes=Becomes.SAME, referral=True, patient={}),
    Case.DECLINED: Act(becomes=Becomes.CLOSED, code="declined", second_record=True),
    Case.MOVED: Act(becomes=Becomes.PARKED, patient={}, other_patient=True),
    Case.OWN_ECHO: Act(
        becomes=Becomes.ECHO,
        code="closed",
        second_record=True,
        observation={"AssociatedText": "{own_text}"},
    ),
    Case.REFERRAL_HALF_FIRST: Act(becomes=Becomes.FORWARDED),
    Case.CODE_HALF_FIRST: Act(becomes=Becomes.CHANGED, code="", referral=True),
    Case.LATE_CODE: Act(becomes=Becomes.FORWARDED, code=""),
}
