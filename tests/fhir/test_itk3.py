"""What answers a letter: every published code has a meaning, and whatever arrives is read or refused."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.itk import after_working_days, of_report, of_response
from bridge.domain.letter import LetterStep
from bridge.errors import IntakeError
from bridge.errors.catalogue import CATALOGUE
from bridge.fhir import itk3_response
from bridge.fhir.itk3_response import Response

CODES = Path(__file__).resolve().parents[3] / "shared/samples/mesh-itk3/CodeSystem-ITK-ResponseCodes-1.xml"
ANSWER = {
    "resourceType": "Bundle",
    "type": "message",
    "entry": [
        {
            "resource": {
                "resourceType": "MessageHeader",
                "event": {
                    "system": "https://fhir.nhs.uk/STU3/CodeSystem/ITK-MessageEvent-2",
                    "code": "ITK008M",
                },
                "response": {"identifier": "urn:uuid:2B1F0C1E-7A55-4D6E-8A51-0D6E8F0A1B2C", "code": "ok"},
            }
        },
        {
            "resource": {
                "resourceType": "OperationOutcome",
                "issue": [
                    {
                        "severity": "information",
                        "code": "informational",
                        "details": {
                            "coding": [
                                {
                                    "system": "https://fhir.nhs.uk/STU3/CodeSystem/ITK-ResponseCodes-1",
                                    "code": "20013",
                                }
                            ]
                        },
                    }
                ],
            }
        },
    ],
}


def test_an_answer_names_its_letter_in_whatever_spelling() -> None:
    """Capitals and urn:uuid: are the same id; JSON is read as XML is."""
    assert itk3_response.read(json.dumps(ANSWER).encode()) == Response(
        "2b1f0c1e-7a55-4d6e-8a51-0d6e8f0a1b2c", "20013"
    )


def test_another_message_is_no_answer() -> None:
    """A letter of somebody else in our mailbox is not about ours."""
    other = json.dumps(ANSWER).replace("ITK008M", "ITK007C").encode()

    assert itk3_response.read(other) is None


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_what_cannot_be_read_is_refused_and_nothing_else(body: bytes) -> None:
    """Anybody with a mailbox can write to us."""
    try:
        found = itk3_response.read(body)
    except IntakeError:
        return
    assert found is None or isinstance(found, Response)


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("20013", LetterStep.RECEIVE),
        ("20007", LetterStep.RECEIVE),
        ("20008", LetterStep.RECEIVE),
        ("30001", LetterStep.KNOW),
        ("30004", LetterStep.KNOW),
        ("30003", LetterStep.REFUSE),
        ("10001", LetterStep.REFUSE),
        ("29999", LetterStep.REFUSE),
    ],
)
def test_a_code_is_the_step_it_stands_for(code: str, step: LetterStep) -> None:
    """1x and 2x answer the infrastructure request, 3x the business request; a duplicate is there already."""
    meaning = of_response(code)

    assert meaning is not None
    assert meaning.step is step


@pytest.mark.parametrize("code", ["", "30006", "30018", "99", "x2001"])
def test_a_code_that_says_nothing_of_arrival_is_a_persons(code: str) -> None:
    """The vocabulary of referrals (30005 to 30025) is published and nobody is known to send it."""
    assert of_response(code) is None


def test_every_published_code_has_a_meaning_with_words() -> None:
    """Read from the CodeSystem itself: a refusal is always explained."""
    if not CODES.exists():
        pytest.skip("the published code system is not on this machine")
    codes = re.findall(r'<code value="(\d{5})"', CODES.read_text("utf-8"))
    meanings = {code: of_response(code) for code in codes}

    assert len(codes) > 30
    assert all(meaning is not None for code, meaning in meanings.items() if code[0] in "12")
    assert {m.code for m in meanings.values() if m and m.step is LetterStep.REFUSE} <= CATALOGUE.keys()


@pytest.mark.parametrize("status", ["EPL-150", "EPL-151", "EPL-152", "EPL-153", "EPL-154", "14", "", "new"])
def test_every_report_of_mesh_is_a_refusal_with_words(status: str) -> None:
    """An error report is final, also one that is new to us."""
    meaning = of_report(status)

    assert meaning.step is LetterStep.REFUSE
    assert meaning.code in CATALOGUE


def test_working_days_leave_out_the_weekend() -> None:
    """Five from a Friday is the next Friday."""
    friday = datetime(2026, 5, 22, 9, 0, tzinfo=UTC)

    assert after_working_days(friday, 5) == datetime(2026, 5, 29, 9, 0, tzinfo=UTC)
    assert after_working_days(friday, 1).weekday() == 0
