"""A ServiceRequest becomes an event, or says why it cannot; a cancellation always gets through."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain import systems
from bridge.domain.referral import Coding, Consent, EventKind, Identifier
from bridge.errors.catalogue import CATALOGUE
from bridge.fhir.bundles import create_bundle
from bridge.fhir.meanings import FhirAliases
from bridge.fhir.released import ALL_FIELDS
from bridge.fhir.requests import requests_of
from bridge.fhir.trees import Json
from tests.fhir.examples import NAMING, SERVICE, a_referral, a_uk_core_bundle
from tests.fhir.requesting import ARRIVED, event_of, read, referral_of
from tests.fhir.spoiling import anything, places, spoilt


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


def test_dates_that_lie_ahead_are_not_believed() -> None:
    """The clock counts as not said, the decision is left out, and both are told."""
    bundle = a_uk_core_bundle()
    bundle["entry"][1]["resource"] |= {
        "authoredOn": "2062-03-01",
        "meta": {"lastUpdated": "2050-01-01T00:00:00Z"},
    }
    request = read(bundle)

    assert request.event is not None
    assert request.event.referral is not None
    assert request.event.clock == "2026-03-02T09:30:00"
    assert request.event.referral.authored_on == ""
    told = {w.at for w in request.warnings if w.code == "date-ahead"}
    assert told == {f"Bundle.entry[1].resource.{name}" for name in ("authoredOn", "meta.lastUpdated")}


def test_a_time_without_an_offset_is_londons() -> None:
    """FHIR forbids it and GP systems write it; the time is kept and the sender is told."""
    request = read(
        a_uk_core_bundle({"authoredOn": "2025-07-01T10:38:00"}, {"deceasedDateTime": "2025-12-01T09:00:00"})
    )

    assert request.event is not None
    assert request.event.referral is not None
    assert request.event.referral.authored_on == "2025-07-01T10:38:00+01:00"
    assert request.event.referral.patient.deceased_on == "2025-12-01T09:00:00+00:00"
    assert [(w.code, w.at.rpartition(".")[2]) for w in request.warnings] == [
        ("date-time-no-offset", "deceasedDateTime"),
        ("date-time-no-offset", "authoredOn"),
    ]


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
        ({"status": "active", "provision": {"provision": [{"type": "deny"}]}}, Consent.REFUSED),
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


PRIVACY = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]
}
DIRECT_CARE = [
    {"coding": [{"system": "https://fhir.nhs.uk/CodeSystem/consent-categories-bars", "code": "DRC"}]}
]
ACTOR = {"role": {"coding": [{"code": "IRCP"}]}, "reference": {"identifier": {"value": "Z9999"}}}


@pytest.mark.parametrize(
    ("consent", "scope", "recipients"),
    [
        ({"scope": PRIVACY}, "broader", ()),
        ({"scope": PRIVACY, "provision": {"actor": [ACTOR]}}, "broader", ("Z9999",)),
        ({"scope": PRIVACY, "category": DIRECT_CARE}, "direct-care", ()),
        ({}, "", ()),
        ({"scope": PRIVACY, "status": "inactive"}, "", ()),
        ({"scope": PRIVACY, "policyRule": {"coding": [{"code": "IMPLIED"}]}}, "", ()),
    ],
)
def test_how_far_a_consent_reaches(consent: Json, scope: str, recipients: tuple[str, ...]) -> None:
    """Nothing is taken for more than it says: implied, or for direct care alone, opens no other door."""
    bundle = a_uk_core_bundle()
    bundle["entry"].append({"resource": {"resourceType": "Consent", "status": "active", **consent}})
    read = referral_of(bundle)

    assert (read.consent_scope, read.consent_recipients) == (scope, recipients)


@pytest.mark.parametrize(
    ("reference", "recipients"),
    [("urn:uuid:debt-advice", ("Z9999",)), ("urn:uuid:elsewhere", ("unnamed",))],
)
def test_a_recipient_that_stands_in_the_message_is_known_by_its_identifier(
    reference: str, recipients: tuple[str, ...]
) -> None:
    """One that is not there is nobody we send to, and keeps its place: else everybody would be meant."""
    own = {"system": "https://example.test/Id/own", "value": "17"}
    ods = {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "Z9999"}
    actor = ACTOR | {"reference": {"reference": reference}}
    bundle = a_uk_core_bundle()
    bundle["entry"] += [
        {
            "fullUrl": "urn:uuid:debt-advice",
            "resource": {"resourceType": "Organization", "identifier": [own, ods]},
        },
        {
            "resource": {
                "resourceType": "Consent",
                "status": "active",
                "scope": PRIVACY,
                "provision": {"provision": [{"type": "permit", "actor": [actor]}]},
            }
        },
    ]

    assert referral_of(bundle).consent_recipients == recipients


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


WHOLE = create_bundle(a_referral(), service=SERVICE, released=ALL_FIELDS, naming=NAMING)


@given(st.sampled_from([p for p in places(WHOLE) if len(p) > 1]), anything)
def test_one_odd_value_anywhere_never_breaks_the_reading(path: tuple[Any, ...], value: Any) -> None:
    """It is an event or a problem, and the problem has a place and a meaning."""
    for request in requests_of(
        spoilt(WHOLE, path, value), source="greenfield", arrived=ARRIVED, aliases=FhirAliases()
    ):
        assert (request.event is None) == bool(request.problems)
        assert all(p.code in CATALOGUE for p in (*request.problems, *request.warnings))
