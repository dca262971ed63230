"""What an answer to a letter means: ITK3 response codes and MESH error reports.

Source: CodeSystem ITK-ResponseCodes-1 1.5.0 (2022-02-01); ITK3 Messaging Distribution, response codes (1x and
2x answer the infrastructure request, 3x the business request, every negative is final); MESH error codes EPL.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.domain.letter import LetterStep

RESPONSE_EVENT = "ITK008M"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Mail:
    """One message of the mailbox. `linked` and `local` name what it is about; `status` is a report's code."""

    id: str
    report: bool
    workflow: str
    sender: str
    linked: str
    local: str
    status: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Meaning:
    """The step of the letter, and why when it is refused: a key of the problem catalogue."""

    step: LetterStep
    code: str = ""


_THERE, _KNOWN = Meaning(LetterStep.RECEIVE), Meaning(LetterStep.KNOW)


def _no(code: str) -> Meaning:
    return Meaning(LetterStep.REFUSE, code)


RESPONSES: Mapping[str, Meaning] = {
    "20013": _THERE,
    "20007": _THERE,  # duplicate message: it is there already
    "20008": _THERE,  # duplicate document
    "30001": _KNOWN,
    "30004": _KNOWN,  # recently deceased
    "30002": _no("letter-person-not-there"),
    "30003": _no("letter-person-not-there"),
    "20010": _no("letter-not-enabled"),
    "20011": _no("letter-person-not-there"),
    "20001": _no("letter-person-not-there"),
    "20002": _no("letter-not-enabled"),
    "20003": _no("letter-sender-unknown"),
    "20012": _no("letter-sender-unknown"),
    "20014": _no("letter-replacement-refused"),
    "20015": _no("letter-too-large"),
}
REPORTS: Mapping[str, Meaning] = {
    "EPL-150": _no("mesh-several-mailboxes"),
    "EPL-151": _no("mesh-no-mailbox"),
    "EPL-152": _no("mesh-number-wrong"),
    "EPL-153": _no("mesh-person-not-found"),
    "EPL-154": _no("mesh-person-differs"),
    "14": _no("mesh-not-collected"),
    "EPL-014": _no("mesh-not-collected"),
}


def of_response(code: str) -> Meaning | None:
    """What an ITK response code says of a letter; None for one that says nothing of its arrival."""
    if code in RESPONSES:
        return RESPONSES[code]
    negative = len(code) == 5 and code.isdigit() and code[0] in "12"
    return _no("letter-refused") if negative else None


def of_report(status: str) -> Meaning:
    """What a MESH error report says; every one of them means that the letter did not arrive."""
    return REPORTS.get(status.strip().upper(), _no("mesh-report"))


def after_working_days(moment: datetime, days: int) -> datetime:
    """The same time of day so many working days later, Saturdays and Sundays not counted."""
    for _ in range(days):
        moment += timedelta(days=1)
        while moment.weekday() >= 5:
            moment += timedelta(days=1)
    return moment
