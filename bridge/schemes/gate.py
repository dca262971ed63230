"""Who is eligible: the checks between an event and a referral that goes out, in order, as one table.

Each check answers with a code of the problem catalogue or "". The first answer decides; the table says
whether the event is left on the practice's not-sent list or parked for a person.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from bridge.domain import systems
from bridge.domain.dates import LONDON, age_on, beginning
from bridge.domain.referral import Consent, ConsentScope, EventKind, Referral, ReferralEvent, Shape
from bridge.schemes.scheme import Mode, PracticeRule, Scheme

FORWARDABLE_STATUS = frozenset({"", "01", "02"})  # 03 to 08 need a trace first


class Verdict(StrEnum):
    """What the gate says of an event."""

    PASS = "pass"  # noqa: S105 - a word, not a secret
    NOT_SENT = "not-sent"
    PARK = "park"


class Decision(NamedTuple):
    """The verdict and the code of the check that gave it."""

    verdict: Verdict
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that the gate looks at; `stance` is what the person last said of sharing (objected, agreed).

    `now` is when the message came, however late it is looked at.
    """

    event: ReferralEvent
    record: Referral
    scheme: Scheme
    practice: PracticeRule
    now: datetime
    environment: str  # live or test
    stance: str = ""

    @property
    def recorded_at(self) -> datetime | None:
        """When it was recorded; a message that says nothing else was written when it was sent.

        One that does not say that either was written after the decision to refer, which is enough when
        that is recent. When the decision is old, its sender may be telling what it holds from years ago:
        neither then says when it was recorded.
        """
        if self.record.recorded_at is not None or self.record.shape is not Shape.MESSAGE:
            return self.record.recorded_at
        said = self.record.authored_on
        decided = beginning(said) if len(said) >= len("2026-03-01") else None
        sent = self.event.extracted_at
        if decided is None or (sent is not None and self.is_history(sent)):
            return sent
        return None if self.is_history(decided) else sent or decided

    def is_history(self, recorded: datetime) -> bool:
        """Whether that is longer ago than the scheme looks back, from the extract's time or the arrival.

        In live, a single message is not believed about its own time: all of a queue that is played again a
        year later would pass. Examples for tests are old.
        """
        believed = self.record.shape is not Shape.MESSAGE or self.environment != "live"
        own = self.event.extracted_at if believed else None
        return (own or self.now) - recorded > timedelta(days=self.scheme.history_days)


def _off(case: Case) -> str:
    return "practice-off" if case.practice.mode is Mode.OFF else ""


def _test_patient(case: Case) -> str:
    number = case.record.patient.nhs_number
    test = case.record.patient.test or (number is not None and number.is_test)
    return "test-patient" if test and (case.environment == "live" or case.record.patient.test) else ""


def _not_a_trigger(case: Case) -> str:
    code = case.record.requested.code_in(systems.SNOMED)
    return "" if code in case.scheme.triggers_of(case.practice) else "not-a-trigger"


def withdrawal(record: Referral) -> str:
    """Why what was referred before must be taken back, whatever its practice's mode; "" when it need not."""
    if record.consent in (Consent.REFUSED, Consent.WITHDRAWN):
        return "consent-refused"
    if record.patient.deceased:
        return "patient-deceased"
    return "patient-not-registered" if record.patient.registered is False else ""


def forbidden(case: Case) -> str:
    """The same with what the person said of all sharing, and what its service may be told; or ""."""
    if case.stance == EventKind.OBJECTED:
        return "person-objected"
    return withdrawal(case.record) or ("" if _may_be_told(case) else "consent-needed")


def _may_be_told(case: Case) -> bool:
    """A service outside health and care gets nothing unless the person agreed to just that (PRSB, ICO)."""
    if case.scheme.service.kind != "broader" or case.stance == EventKind.AGREED:
        return True
    record, service = case.record, case.scheme.service
    given = record.consent is Consent.GIVEN and record.consent_scope is ConsentScope.BROADER
    named = record.consent_recipients
    ours = {service.ods, service.identifier} - {""}
    return given and (not named or not ours.isdisjoint(named))


def _author(case: Case) -> str:
    allowed = {case.practice.ods, *case.practice.authors}
    author = case.record.author.ods
    if author is None:  # whoever sends a message is bound to its practice
        return "" if case.record.shape is Shape.MESSAGE else "author-unknown"
    return "" if author.code in allowed else "author-elsewhere"


def _recorded(case: Case) -> str:
    return "recorded-date-missing" if case.recorded_at is None else ""


def _history(case: Case) -> str:
    recorded = case.recorded_at
    return "too-old" if recorded is not None and case.is_history(recorded) else ""


def _before_live(case: Case) -> str:
    recorded, start = case.recorded_at, case.practice.live_from
    if recorded is None or start is None:
        return ""
    return "before-live" if recorded.astimezone(LONDON).date() < start else ""


def _number(case: Case) -> str:
    return "nhs-number-missing" if case.record.patient.nhs_number is None else ""


def _number_status(case: Case) -> str:
    status = case.record.patient.nhs_number_status
    return "" if status in FORWARDABLE_STATUS else "nhs-number-not-verified"


def _age(case: Case) -> str:
    born, recorded = case.record.patient.birth_date, case.recorded_at or case.now
    age = age_on(born, recorded) if len(born) == 10 else None
    if age is None:
        return "age-unknown" if case.scheme.minimum_age else ""
    return "under-age" if age < case.scheme.minimum_age else ""


_CHECKS: tuple[tuple[Callable[[Case], str], Verdict], ...] = (
    (_off, Verdict.NOT_SENT),
    (_test_patient, Verdict.NOT_SENT),
    (_not_a_trigger, Verdict.NOT_SENT),
    (forbidden, Verdict.NOT_SENT),
    (_recorded, Verdict.PARK),
    (_before_live, Verdict.NOT_SENT),
    (_history, Verdict.NOT_SENT),
    (_author, Verdict.NOT_SENT),
    (_age, Verdict.NOT_SENT),
    (_number, Verdict.PARK),
    (_number_status, Verdict.PARK),
)


def decide(case: Case, *, released: bool = False) -> Decision:
    """The first check that says no, or PASS; who released it has answered those that ask for a person."""
    for check, otherwise in _CHECKS:
        code = check(case)
        verdict = Verdict.PARK if code.endswith("-unknown") else otherwise
        if code and not (released and verdict is Verdict.PARK):
            return Decision(verdict, code)
    return Decision(Verdict.PASS)
