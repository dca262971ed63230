"""BaRS headers: what they say is read once, and each way to be wrong has its pair of codes."""

import base64
import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis.strategies import dictionaries, sampled_from, text

from bridge.domain.identifiers import OdsCode
from bridge.domain.referral import Identifier, Organisation
from bridge.errors.catalogue import CATALOGUE
from bridge.wire.bars import read_headers
from bridge.wire.bars_errors import ANSWERS, ERRORS
from tests.bars_sender import write_headers

REQUEST = UUID("60e0b220-8136-4ca5-ae46-1d97ef59d068")
CASE = UUID("c867dd46-7ed3-473e-a1c6-e8cf4cd8a8b1")
TARGET = Identifier(system="https://fhir.nhs.uk/Id/dos-service-id", value="2000011147")
PRACTICE = Organisation(ods=OdsCode("A99999"), name="Riverside Surgery")


def sent(**changed: str) -> dict[str, str]:
    headers = write_headers(
        request_id=REQUEST,
        correlation_id=CASE,
        target=TARGET,
        organisation=PRACTICE,
        software="Bridge",
        software_version="1.0.0",
        version="1.4.0",
        use_context="sp1|referral|servicerequest-request|new",
    )
    return headers | {name.replace("_", "-"): value for name, value in changed.items()}


def encoded(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def pairs(headers: dict[str, str]) -> list[tuple[str, str, str]]:
    problems = read_headers(headers).problems
    return [(p.at, ANSWERS[p.code].error.code, ANSWERS[p.code].issue) for p in problems]


def test_what_a_sender_writes_is_read() -> None:
    """Sender and receiver agree on every header."""
    read = read_headers(sent())

    assert read.problems == ()
    assert (read.request_id, read.correlation_id) == (REQUEST, CASE)
    assert read.target == TARGET
    assert read.organisation == PRACTICE
    assert read.software == "Bridge 1.0.0"
    assert read.version == "1.4.0"


def test_header_names_have_no_case() -> None:
    """NHS documents write both -ID and -Id."""
    read = read_headers({name.upper(): value for name, value in sent().items()})

    assert read.problems == ()


def test_the_ids_are_echoed_as_they_came() -> None:
    """A sender compares text; an id in capitals is the same id and comes back in capitals."""
    read = read_headers(sent(X_Request_Id=str(REQUEST).upper()))

    assert read.request_id == REQUEST
    assert read.echo == (("X-Request-Id", str(REQUEST).upper()), ("X-Correlation-Id", str(CASE)))


def test_a_wrong_id_is_echoed_but_never_a_header_that_could_do_harm() -> None:
    """Every answer carries both ids, unless one would be no header value."""
    assert read_headers(sent(X_Request_Id="abc")).echo[0] == ("X-Request-Id", "abc")
    assert read_headers(sent(X_Request_Id="a\r\nb", X_Correlation_Id="x" * 200)).echo == ()


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ({"X_Request_Id": ""}, ("X-Request-Id", "REC_BAD_REQUEST", "required")),
        ({"X_Correlation_Id": "42"}, ("X-Correlation-Id", "REC_BAD_REQUEST", "invalid")),
        ({"X_Request_Id": REQUEST.hex}, ("X-Request-Id", "REC_BAD_REQUEST", "invalid")),
        ({"NHSD_Target_Identifier": ""}, ("NHSD-Target-Identifier", "REC_BAD_REQUEST", "required")),
        ({"NHSD_Target_Identifier": "%%%"}, ("NHSD-Target-Identifier", "REC_BAD_REQUEST", "structure")),
        ({"NHSD_Target_Identifier": "YWJj"}, ("NHSD-Target-Identifier", "REC_BAD_REQUEST", "structure")),
        ({"NHSD_Target_Identifier": encoded([])}, ("NHSD-Target-Identifier", "REC_BAD_REQUEST", "structure")),
        (
            {"NHSD_Target_Identifier": encoded({"value": "1"})},
            ("NHSD-Target-Identifier", "REC_BAD_REQUEST", "structure"),
        ),
        ({"NHSD_Target_Identifier": "A" * 9000}, ("NHSD-Target-Identifier", "REC_BAD_REQUEST", "structure")),
        (
            {"NHSD_End_User_Organisation": "YWJj"},
            ("NHSD-End-User-Organisation", "REC_BAD_REQUEST", "structure"),
        ),
        ({"Accept": "text/html"}, ("Accept", "REC_NOT_ACCEPTABLE", "processing")),
    ],
)
def test_each_wrong_header_has_its_pair_of_codes(
    changed: dict[str, str], answer: tuple[str, str, str]
) -> None:
    """The code and the FHIR issue type together tell the sender whether to try again."""
    assert pairs(sent(**changed)) == [answer]


def test_all_wrong_headers_are_told_at_once() -> None:
    """Whoever builds a sender mends them in one go."""
    assert [at for at, _, _ in pairs({})] == ["X-Request-Id", "X-Correlation-Id", "NHSD-Target-Identifier"]


def test_the_metadata_needs_no_target() -> None:
    """It is asked before the sender knows one."""
    headers = {name: value for name, value in sent().items() if name != "NHSD-Target-Identifier"}

    assert read_headers(headers, target_needed=False).problems == ()


def test_an_organisation_code_of_the_wrong_shape_names_no_organisation() -> None:
    """The problem says which rule, never the value."""
    wrong = encoded(
        {"identifier": [{"system": "https://fhir.nhs.uk/id/ods-organization-code", "value": "A 1"}]}
    )

    read = read_headers(sent(NHSD_End_User_Organisation=wrong))

    assert read.organisation == Organisation()
    assert [(p.code, p.rule) for p in read.problems] == [("bars-header-content", "ods-code-shape")]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "%%%",
        encoded([]),
        encoded({"deviceName": 7}),
        encoded({"deviceName": [{"name": ["x"]}]}),
        "A" * 9000,
    ],
)
def test_software_that_cannot_be_read_is_no_problem(value: str) -> None:
    """Nobody relies on it."""
    read = read_headers(sent(NHSD_Requesting_Software=value))

    assert (read.software, read.problems) == ("", ())


def test_the_name_of_the_software_is_short_and_printable() -> None:
    """It is shown to people and was written by a stranger."""
    software = encoded({"deviceName": [{"name": "a\x1b[31m" + "b" * 200}]})

    read = read_headers(sent(NHSD_Requesting_Software=software))

    assert len(read.software) == 100
    assert read.software.isprintable()


@pytest.mark.parametrize(
    ("accept", "version"),
    [
        ("application/fhir+json", "1.0.0"),
        ("application/fhir+json; version=1.1.0, application/fhir+json;VERSION=1.10.0", "1.10.0"),
        ('application/fhir+json; version="1.2.0"', "1.2.0"),
        ("application/fhir+json; version=latest", "1.0.0"),
        ("*/*", "1.0.0"),
    ],
)
def test_the_highest_version_asked_for_counts(accept: str, version: str) -> None:
    """As the NHS proxy reads it; 1.0.0 where none is named."""
    read = read_headers(sent(Accept=accept))

    assert (read.version, read.problems) == (version, ())


def test_base64_may_be_unpadded_or_url_safe() -> None:
    """Both are seen where libraries differ."""
    value = base64.urlsafe_b64encode(b'{"value":"\xc3\xbf\xc3\xbe?","system":"s"}').decode().rstrip("=")

    assert read_headers(sent(NHSD_Target_Identifier=value)).target == Identifier(system="s", value="ÿþ?")


def test_every_answer_is_a_pair_the_standard_knows() -> None:
    """And every problem of a header has its words in the catalogue."""
    assert all(answer.issue in answer.error.issues for answer in ANSWERS.values())
    assert ANSWERS.keys() <= CATALOGUE.keys()
    assert ERRORS["REC_CONFLICT"].display == "409 - REC_CONFLICT"


NAMES = [*sent(), "NHSD-Requesting-Practitioner"]


@given(
    dictionaries(sampled_from(NAMES), text(max_size=60) | sampled_from([encoded({"a": {}}), "W10=", "e30="]))
)
def test_any_headers_are_read_or_refused(headers: dict[str, str]) -> None:
    """Nothing a stranger sends raises."""
    assert all(p.code in ANSWERS for p in read_headers(headers).problems)
