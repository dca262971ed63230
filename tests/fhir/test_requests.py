"""A ServiceRequest becomes an event, or says why it cannot; a cancellation always gets through."""

import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain import systems
from bridge.domain.referral import (
    Coding,
    Consent,
    EventKind,
    Identifier,
    Referral,
    ReferralEvent,
)
from bridge.errors.catalogue import CATALOGUE
from bridge.fhir.bundles import create_bundle
from bridge.fhir.meanings import FhirAliases
from bridge.fhir.released import ALL_FIELDS
from bridge.fhir.requests import Request, requests_of, sortable
from bridge.fhir.trees import Json
from tests.fhir.examples import NAMING, SERVICE, a_referral, a_uk_core_bundle

ARRIVED = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def read(resource: Json, aliases: FhirAliases | None = None) -> Request:
    (request,) = requests_of(resource, source="greenfield", arrived=ARRIVED, aliases=aliases or FhirAliases())
    return request


def event_of(resource: Json, aliases: FhirAliases | None = None) -> ReferralEvent:
    request = read(resource, aliases)
    assert request.event is not None, request.problems
    return request.event


def referral_of(resource: Json, aliases: FhirAliases | None = None) -> Referral:
    referral = event_of(resource, aliases).referral
    assert referral is not None
    return referral


def problem_of(resource: Json) -> tuple[str, str]:
    request = read(resource)
    assert request.event is None
    return request.problems[0].code, request.problems[0].at


def test_a_request_becomes_a_referral() -> None:
    """The key is the business identifier and belongs to its system; the clock is lastUpdated in UTC."""
    event = event_of(a_uk_core_bundle())

    assert (event.key.owner, event.key.record) == ("https://greenfield.test.nhs.uk/Id/referral", "R-17")
    assert event.clock == "2026-03-01T10:15:00.1234567"
    assert event.kind is EventKind.REFERRED
    assert event.position == "Bundle.entry[1].resource"
    assert event.referral is not None
    assert event.referral.requested.code_in(systems.SNOMED) == "871731000000106"
    assert str(event.referral.practice.ods) == "A99968"


def test_what_we_build_we_can_read() -> None:
    """Our own create bundle is read back to the same referral, as far as FHIR carries it."""
    ours = a_referral()
    bundle = create_bundle(ours, service=SERVICE, released=ALL_FIELDS, naming=NAMING)

    read_back = referral_of(bundle)

    assert read_back.reasons == ours.reasons
    assert (read_back.reason_text, read_back.note) == (ours.reason_text, ours.note)
    assert (read_back.priority, read_back.priority_text) == (ours.priority, ours.priority_text)
    assert read_back.risks == ours.risks
    assert read_back.consent is Consent.GIVEN
    assert read_back.requester == ours.requester
    assert (
        replace(read_back.patient, local_key="7D0A", safe_contact=ours.patient.safe_contact) == ours.patient
    )


def test_the_same_content_has_the_same_hash_whatever_the_clock() -> None:
    """A re-send is a repeat; a change of what we map is not."""
    first = event_of(a_uk_core_bundle())
    later = event_of(a_uk_core_bundle({"meta": {"lastUpdated": "2026-03-09T00:00:00Z"}}))
    other = event_of(a_uk_core_bundle({"priority": "urgent"}))

    assert first.content == later.content != other.content
    assert first.clock < later.clock


@pytest.mark.parametrize(
    ("status", "kind"),
    [("revoked", EventKind.CANCELLED), ("entered-in-error", EventKind.ENTERED_IN_ERROR)],
)
def test_a_cancellation_needs_its_key_only(status: str, kind: EventKind) -> None:
    """Whatever is wrong with the person, the referral is taken back."""
    event = event_of(a_uk_core_bundle({"status": status, "subject": None}, {"birthDate": "1951-02-30"}))

    assert (event.kind, event.referral) == (kind, None)
    assert event.key == event_of(a_uk_core_bundle()).key


AT = "Bundle.entry[1].resource"
NUMBER = {"system": systems.NHS_NUMBER}
LABEL = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}


@pytest.mark.parametrize(
    ("request_", "code", "at"),
    [
        ({"status": "draft"}, "fhir-status-not-sendable", f"{AT}.status"),
        ({"status": "completed"}, "fhir-status-not-sendable", f"{AT}.status"),
        ({"intent": "proposal"}, "fhir-intent", f"{AT}.intent"),
        ({"doNotPerform": True}, "fhir-do-not-perform", f"{AT}.doNotPerform"),
        ({"modifierExtension": [{"url": "u", "valueBoolean": True}]}, "fhir-modifier", "Bundle"),
        ({"implicitRules": "https://x.test"}, "fhir-modifier", f"{AT}.implicitRules"),
        ({"meta": {"security": [LABEL]}}, "fhir-confidential", f"{AT}.meta.security"),
        ({"identifier": None}, "fhir-no-business-identifier", f"{AT}.identifier"),
        ({"identifier": [{"value": "R-17"}]}, "fhir-no-business-identifier", f"{AT}.identifier"),
        ({"subject": {"reference": "Patient/9"}}, "fhir-no-patient", f"{AT}.subject"),
        (
            {"subject": {"reference": "urn:uuid:11111111-1111-4111-8111-111111111111",
                         "identifier": {"system": systems.NHS_NUMBER, "value": "9990000026"}}},
            "fhir-patient-differs", f"{AT}.subject",
        ),
        (
            {"code": {"coding": [{"system": systems.SNOMED, "code": "1362931000000100"}], "text": "x"}},
            "snomed-spreadsheet-rounded", f"{AT}.code.coding[0].code",
        ),
    ],
)  # fmt: skip
def test_what_must_be_understood_stops_the_event(request_: Json, code: str, at: str) -> None:
    """Each would send a person somewhere nobody wanted, or nobody could answer for."""
    assert problem_of(a_uk_core_bundle(request_)) == (code, at)


@pytest.mark.parametrize(
    ("person", "code", "at"),
    [
        ({"identifier": [NUMBER | {"value": "9990000019"}]}, "nhs-number-check-digit", "identifier[0].value"),
        ({"identifier": [NUMBER | {"value": "9999999999"}]}, "nhs-number-placeholder", "identifier[0].value"),
        ({"birthDate": "1951-02-30"}, "date-impossible", "birthDate"),
    ],
)  # fmt: skip
def test_a_doubtful_person_stops_the_event(person: Json, code: str, at: str) -> None:
    """Wrong patient is worse than no patient."""
    assert problem_of(a_uk_core_bundle(person=person)) == (code, f"Bundle.entry[0].resource.{at}")


def test_a_restricted_patient_stops_the_event() -> None:
    """Nothing of a sensitive record may be kept."""
    assert problem_of(a_uk_core_bundle(person={"meta": {"security": [LABEL]}}))[0] == "fhir-confidential"


PLACER = {"coding": [{"system": systems.IDENTIFIER_TYPE, "code": "PLAC"}]}
FILLER = {"coding": [{"system": systems.IDENTIFIER_TYPE, "code": "FILL"}]}


@pytest.mark.parametrize(
    ("identifiers", "key"),
    [
        ([{"system": "a", "value": "1"}, {"system": "b", "value": "2", "type": PLACER}], "2"),
        ([{"system": "a", "value": "1"}, {"system": "b", "value": "2", "use": "official"}], "2"),
        ([{"system": "a", "value": "1", "type": FILLER}, {"system": "b", "value": "2"}], "2"),
        ([{"system": "a", "value": "1", "type": PLACER}, {"system": "key", "value": "2"}], "2"),
        ([{"system": "a", "value": "1"}, {"system": "a", "value": "1"}], "1"),
    ],
)
def test_the_identifier_that_names_it_is_chosen_by_rule(identifiers: list[Json], key: str) -> None:
    """By the mapping, PLAC, official, or as the only one; never by its place in the list."""
    aliases = FhirAliases(key_system="key")

    for order in (identifiers, identifiers[::-1]):
        assert event_of(a_uk_core_bundle({"identifier": order}), aliases).key.record == key


def test_two_that_could_name_it_are_refused() -> None:
    """A guess could change with the next version and refer the person twice."""
    two = [{"system": "a", "value": "1"}, {"system": "b", "value": "2"}]

    assert problem_of(a_uk_core_bundle({"identifier": two}))[0] == "fhir-business-identifier-unclear"


def test_other_identifiers_are_kept() -> None:
    """The UBRN and the service's own number travel on."""
    key = {"system": "k", "value": "1", "type": PLACER}
    held = [key, {"system": systems.UBRN, "value": "000000000001"}]

    assert referral_of(a_uk_core_bundle({"identifier": held})).identifiers == (
        Identifier(system=systems.UBRN, value="000000000001"),
    )


def test_aliases_put_the_mapped_code_first() -> None:
    """The sender's own code stays behind it."""
    aliases = FhirAliases(
        systems={"urn:local": "https://greenfield.test.nhs.uk/codes"},
        codes={
            ("https://greenfield.test.nhs.uk/codes", "SP1"): Coding(
                system=systems.SNOMED, code="871731000000106"
            )
        },
    )
    code = {"coding": [{"system": "urn:local", "code": "SP1", "display": "Link worker"}]}

    requested = referral_of(a_uk_core_bundle({"code": code}), aliases).requested

    assert [c.code for c in requested.codings] == ["871731000000106", "SP1"]


def test_a_person_named_by_number_alone_is_enough() -> None:
    """The Patient need not travel when the NHS number does."""
    subject = {"identifier": {"system": systems.NHS_NUMBER, "value": "9990000018"}}
    bundle = a_uk_core_bundle({"subject": subject})

    number = referral_of(bundle["entry"][1]["resource"]).patient.nhs_number

    assert number is not None
    assert number.digits == "9990000018"


def test_a_practice_taken_from_the_requester_is_warned_of() -> None:
    """It decides where the outcome goes, so it is not taken silently."""
    requester = {
        "type": "Organization",
        "identifier": {"system": systems.ODS_ORGANISATION, "value": "A99968"},
    }
    request = read(a_uk_core_bundle({"requester": requester}, {"generalPractitioner": None}))

    assert request.event is not None
    assert [p.code for p in request.warnings] == ["fhir-practice-from-requester"]


def test_what_went_nowhere_is_named_by_place() -> None:
    """Known elements by name, strangers by shape, other resources as a whole."""
    bundle = a_uk_core_bundle(
        {"bodySite": [{"text": "x"}], "Ada": 1, "occurrenceDateTime": "2026-04-01"},
        {"maritalStatus": {"text": "x"}, "extension": [{"url": "https://x.test", "valueString": "x"}],
         "telecom": [{"system": "phone", "value": "01632 960001", "period": {"start": "2020"}}]},
    )  # fmt: skip
    bundle["entry"].append({"resource": {"resourceType": "Procedure", "status": "completed"}})

    assert set(read(bundle).unmapped) == {
        "Bundle.entry[0].resource.maritalStatus",
        "Bundle.entry[0].resource.extension[0]",
        "Bundle.entry[0].resource.telecom[0].period",
        "Bundle.entry[1].resource.bodySite",
        "Bundle.entry[1].resource.(AAA)",
        "Bundle.entry[1].resource.occurrenceDateTime",
        "Bundle.entry[2].resource",
    }


@pytest.mark.parametrize(
    ("consent", "said"),
    [
        ({"status": "active", "policyRule": {"coding": [{"code": "OPTIN"}]}}, Consent.GIVEN),
        ({"status": "active", "policyRule": {"coding": [{"code": "IMPLIED"}]}}, Consent.NOT_SAID),
        ({"status": "active", "provision": {"type": "deny"}}, Consent.REFUSED),
        ({"status": "rejected"}, Consent.REFUSED),
        ({"status": "inactive"}, Consent.WITHDRAWN),
        ({"status": "entered-in-error"}, Consent.NOT_SAID),
    ],
)
def test_consent_is_read_with_care(consent: Json, said: Consent) -> None:
    """Implied consent is lawful for direct care, but nobody said anything."""
    bundle = a_uk_core_bundle()
    bundle["entry"].append({"resource": {"resourceType": "Consent", **consent}})

    assert referral_of(bundle).consent is said


def test_a_flag_that_is_not_passed_on_is_warned_of() -> None:
    """A safeguarding flag must not vanish without a word."""
    category = [{"coding": [{"system": "https://fhir.nhs.uk/CodeSystem/flag-categories-bars", "code": "SG"}]}]
    bundle = a_uk_core_bundle()
    bundle["entry"].append({"resource": {"resourceType": "Flag", "status": "active", "category": category}})

    assert [(p.code, p.at) for p in read(bundle).warnings] == [
        ("fhir-flag-not-carried", "Bundle.entry[2].resource")
    ]


def test_two_requests_are_two_events() -> None:
    """Each with its own patient, and without what belongs to neither surely."""
    bundle = a_uk_core_bundle()
    second = copy.deepcopy(bundle["entry"][1])
    second["fullUrl"] = "urn:uuid:33333333-1111-4111-8111-111111111111"
    second["resource"]["identifier"][0]["value"] = "R-18"
    bundle["entry"] += [second, {"resource": {"resourceType": "Consent", "status": "rejected"}}]

    found = requests_of(bundle, source="greenfield", arrived=ARRIVED, aliases=FhirAliases())

    assert [r.event.key.record for r in found if r.event] == ["R-17", "R-18"]
    assert all(r.event and r.event.referral and r.event.referral.consent is Consent.NOT_SAID for r in found)


def test_a_message_without_a_request_says_so() -> None:
    """The sender learns what is missing."""
    assert problem_of({"resourceType": "Patient"}) == ("fhir-no-request", "Patient")


@given(st.lists(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2090, 1, 1)), min_size=2),
       st.integers(-12, 12))  # fmt: skip
def test_clocks_sort_as_text_as_they_do_in_time(moments: list[datetime], hours: int) -> None:
    """Whatever the offset and however many digits the fraction has."""
    offset = timedelta(hours=hours)
    aware = [m.replace(tzinfo=UTC) for m in moments]
    sign, wall = "-" if hours < 0 else "+", abs(hours)
    written = [f"{(m + offset).replace(tzinfo=None).isoformat()}{sign}{wall:02}:00" for m in aware]

    by_text = sorted(range(len(aware)), key=lambda n: (sortable(written[n], ARRIVED), n))

    assert by_text == sorted(range(len(aware)), key=lambda n: (aware[n], n))


def test_more_digits_sort_after_their_own_beginning() -> None:
    """BaRS writes seven."""
    clocks = [
        "10:00:00Z",
        "10:00:00.1Z",
        "10:00:00.1234567Z",
        "10:00:00.12345678Z",
        "10:00:00.2Z",
        "10:00:01Z",
    ]

    told = [sortable(f"2026-03-01T{c}", ARRIVED) for c in clocks]

    assert told == sorted(told)
    assert sortable("2026-03-01T10:00:00.100Z", ARRIVED) == sortable("2026-03-01T10:00:00.1Z", ARRIVED)
    assert sortable("", ARRIVED) == "2026-03-02T09:30:00"


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path of a tree."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(p for key, held in inner for p in places(held, (*path, key)))]


def spoilt(tree: Json, path: tuple[Any, ...], value: Any) -> Json:
    """A copy with something else at one path."""
    made = copy.deepcopy(tree)
    holder: Any = made
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return made


WHOLE = create_bundle(a_referral(), service=SERVICE, released=ALL_FIELDS, naming=NAMING)
odd = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.lists(st.none() | st.just({}), max_size=2)
)


@given(
    st.sampled_from([p for p in places(WHOLE) if len(p) > 1]), odd | st.dictionaries(st.text(max_size=3), odd)
)
def test_one_odd_value_anywhere_never_breaks_the_reading(path: tuple[Any, ...], value: Any) -> None:
    """It is an event or a problem, and the problem has a place and a meaning."""
    for request in requests_of(
        spoilt(WHOLE, path, value), source="greenfield", arrived=ARRIVED, aliases=FhirAliases()
    ):
        assert (request.event is None) == bool(request.problems)
        assert all(p.code in CATALOGUE for p in (*request.problems, *request.warnings))
