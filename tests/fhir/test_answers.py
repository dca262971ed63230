"""What the doors say is valid FHIR, tells where and what next, and quotes nothing."""

from datetime import UTC, datetime

from bridge.domain.identifiers import NhsNumber
from bridge.domain.referral import Coding, Identifier
from bridge.errors import Problem
from bridge.fhir.answers import (
    EntryAnswer,
    known_request,
    message_receipt,
    operation_outcome,
    searchset,
    success,
    transaction_response,
)
from bridge.fhir.capabilities import Capability, capability_statement
from bridge.fhir.checks import check
from tests.fhir.examples import BUNDLE_ID, NAMING, a_bars_message, a_referral

PROBLEM = Problem(
    code="nhs-number-check-digit", at="Bundle.entry[0].resource.identifier[0].value", shape="9999999999"
)


def test_a_problem_becomes_an_issue() -> None:
    """Type and words from the catalogue, the place as FHIRPath."""
    outcome = operation_outcome([PROBLEM])
    (issue,) = outcome["issue"]

    assert (issue["severity"], issue["code"]) == ("error", "value")
    assert issue["expression"] == [PROBLEM.at]
    assert "looks like: 9999999999" in issue["diagnostics"]
    assert check(outcome) == []


def test_a_place_that_is_no_fhirpath_is_told_in_words() -> None:
    """Lines and columns belong to the diagnostics."""
    (issue,) = operation_outcome([Problem(code="json-syntax", at="line 3, column 5")])["issue"]

    assert "expression" not in issue
    assert "at: line 3, column 5" in issue["diagnostics"]


def test_bars_asks_for_its_own_code_and_issue_type() -> None:
    """In details.coding of each issue."""
    code = Coding(
        system="https://fhir.nhs.uk/Codesystem/http-error-codes",
        code="REC_CONFLICT",
        display="409 - REC_CONFLICT",
    )
    outcome = operation_outcome([PROBLEM], code=code, issue="duplicate")
    (issue,) = outcome["issue"]

    assert issue["code"] == "duplicate"
    assert issue["details"]["coding"][0]["code"] == "REC_CONFLICT"
    assert check(outcome) == []


def test_a_code_the_catalogue_lacks_still_answers() -> None:
    """An error answer never fails itself."""
    outcome = operation_outcome([Problem(code="not-in-the-catalogue")])

    assert outcome["issue"][0]["code"] == "processing"
    assert check(outcome) == []


def test_success_is_an_outcome_too() -> None:
    """Information, not an error."""
    assert check(success("The referral was kept.")) == []


def test_a_transaction_is_answered_entry_by_entry() -> None:
    """In the order of its entries, with an outcome where one failed."""
    answer = transaction_response(
        [
            EntryAnswer(status="201 Created", location="ServiceRequest/1/_history/1"),
            EntryAnswer(status="422 Unprocessable Entity", outcome=operation_outcome([PROBLEM])),
        ]
    )

    assert [e["response"]["status"][:3] for e in answer["entry"]] == ["201", "422"]
    assert check(answer) == []


def test_a_request_can_be_read_back_without_more_than_it_needs() -> None:
    """Name, address and reasons are not in it."""
    number = Identifier(system="https://fhir.nhs.uk/Id/nhs-number", value=NhsNumber("9990000018").digits)
    request = known_request(
        a_referral(),
        identity=BUNDLE_ID,
        status="active",
        version="2",
        updated="2026-03-01T10:15:00Z",
        subject=number,
        naming=NAMING,
    )
    found = searchset(
        [request], base="https://bridge.test.nhs.uk/fhir", self_url="ServiceRequest?identifier=x"
    )

    assert found["total"] == 1
    assert found["entry"][0]["fullUrl"] == f"https://bridge.test.nhs.uk/fhir/ServiceRequest/{BUNDLE_ID}"
    assert not {"reasonCode", "note", "contained", "requester"} & set(request)
    assert check(found) == []


def test_an_empty_search_is_an_answer() -> None:
    """Total nought, no entries."""
    found = searchset([], base="https://bridge.test.nhs.uk/fhir", self_url="ServiceRequest?identifier=x")

    assert found["total"] == 0
    assert "entry" not in found


def test_a_bars_receipt_is_the_message_with_our_ids() -> None:
    """Same event, no response element, same links; the same message always gets the same ids."""
    message = a_bars_message()
    updated = datetime(2026, 3, 1, 10, 16, tzinfo=UTC)
    receipt = message_receipt(message, identity=BUNDLE_ID, updated=updated)
    again = message_receipt(message, identity=BUNDLE_ID, updated=updated)

    ids = {e["resource"]["resourceType"]: e["resource"]["id"] for e in receipt["entry"]}
    assert ids["ServiceRequest"] == BUNDLE_ID
    assert len(set(ids.values())) == len(ids)
    assert receipt == again
    assert "response" not in receipt["entry"][0]["resource"]
    assert [e["fullUrl"] for e in receipt["entry"]] == [e["fullUrl"] for e in message["entry"]]
    assert "id" not in message["entry"][1]["resource"]


def test_the_capability_statement_says_what_is_answered() -> None:
    """And nothing else: one resource with two interactions is one resource with two interactions."""
    statement = capability_statement(
        [
            Capability(interactions=("transaction",), operations=(("process-message", "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message"),)),
            Capability(
                resource="ServiceRequest",
                interactions=("create", "read", "search-type"),
                searches=(("identifier", "token"),),
                conditional_create=True,
            ),
        ],
        base="https://bridge.test.nhs.uk/fhir",
        software="bridge",
        version="1.0.0",
        date="2026-11-21",
        formats=("application/fhir+json", "application/fhir+xml"),
    )  # fmt: skip
    (rest,) = statement["rest"]

    assert statement["format"] == ["application/fhir+json", "application/fhir+xml"]
    assert statement["fhirVersion"] == "4.0.1"
    assert [r["type"] for r in rest["resource"]] == ["ServiceRequest"]
    assert [i["code"] for i in rest["resource"][0]["interaction"]] == ["create", "read", "search-type"]
    assert check(statement) == []
