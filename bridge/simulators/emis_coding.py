"""The Coding_ClinicalCode rows of the simulated extracts.

CodeId is a description-level id there, so each code gets one of an invented namespace (9999999) with a right
check digit; concepts and terms are those of `bridge.domain.codes` and common findings of primary care.
"""

from dataclasses import dataclass

from bridge.domain import codes
from bridge.domain.consents import OBJECTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalCode:
    """One coding row. `code_id` is the CodeId."""

    code_id: str
    concept: str
    term: str
    category: str

    def row(self) -> dict[str, str]:
        """Its columns."""
        return {
            "CodeId": self.code_id,
            "Term": self.term,
            "SnomedCTConceptId": self.concept,
            "SnomedCTDescriptionId": self.code_id,
            "EmisCodeCategoryDescription": self.category,
        }


def _description(item: int) -> str:
    body = f"{item}999999911"
    return next(f"{body}{d}" for d in range(10) if codes.verhoeff_holds(f"{body}{d}"))


def _code(item: int, concept: str, term: str, category: str) -> ClinicalCode:
    return ClinicalCode(code_id=_description(item), concept=concept, term=term, category=category)


SOCIAL: dict[str, ClinicalCode] = {
    "referral": _code(1001, codes.REFERRAL, "Referral to social prescribing service", "Referral"),
    "declined": _code(1002, codes.DECLINED, "Social prescribing declined", "Administration"),
    "offered": _code(1003, codes.OFFERED, "Social prescribing offered", "Administration"),
    "seen": _code(1004, codes.SEEN, "Seen by social prescribing link worker", "Administration"),
    "closed": _code(1005, codes.CLOSED, "Social prescribing case closed", "Administration"),
    "objected": _code(1007, *next(iter(OBJECTIONS.items())), "Administration"),
    "swemwbs": _code(1006, "718466001", "SWEMWBS total score", "Observations"),
}
ORDINARY: tuple[ClinicalCode, ...] = (
    _code(2001, "267076002", "Feeling lonely", "Symptoms, Findings"),
    _code(2002, "81877007", "Housing problems", "Symptoms, Findings"),
    _code(2003, "415510005", "Sedentary lifestyle", "Symptoms, Findings"),
    _code(2004, "48694002", "Anxiety", "Symptoms, Findings"),
    _code(2005, "73438004", "Unemployed", "Person Health/Social"),
    _code(2006, "224484003", "Patient themselves providing care", "Person Health/Social"),
    _code(2007, "281399006", "Did not attend", "Administration"),
)
ELSEWHERE: tuple[ClinicalCode, ...] = (
    _code(3001, "390893007", "Referral to physical activity programme", "Referral"),
    _code(3002, "306238000", "Referral to Social Services", "Referral"),
)


def late(number: int) -> ClinicalCode:
    """A second description of the referral concept, used on day `number`, in the table one day later."""
    return _code(4000 + number, codes.REFERRAL, "Referral to social prescribing", "Referral")


def table(number: int) -> tuple[ClinicalCode, ...]:
    """The whole coding table as it stands on day `number`."""
    return (*SOCIAL.values(), *ORDINARY, *ELSEWHERE, *(late(n) for n in range(1, number)))
