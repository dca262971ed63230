"""The ServiceRequest says what the referral says, and everything it leans on travels inside."""

import json
from typing import Any

import pytest

from bridge.domain import systems
from bridge.domain.referral import (
    UNNAMED,
    Concept,
    Consent,
    ConsentScope,
    Identifier,
    Organisation,
    Referral,
    Requester,
)
from bridge.fhir.checks import check
from bridge.fhir.consent_reader import consent_of
from bridge.fhir.released import ALL_FIELDS
from bridge.fhir.service_request import Service, service_request
from tests.fhir.examples import NAMING, PRACTICE, SERVICE, a_patient, a_referral

SUBJECT = {"reference": "Patient/1"}


def made(referral: Referral | None = None, released: frozenset[str] = ALL_FIELDS) -> dict[str, Any]:
    held = referral or a_referral()
    return service_request(held, subject=SUBJECT, service=SERVICE, released=released, naming=NAMING)


def contained(request: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [r for r in request.get("contained", []) if r["resourceType"] == kind]


def test_our_id_is_the_placer_identifier() -> None:
    """The partner recognises a referral by it for ever."""
    first = made()["identifier"][0]

    assert first["type"]["coding"][0]["code"] == "PLAC"
    assert (first["system"], first["value"]) == (NAMING.referral, str(a_referral().key.id))


def test_the_source_record_is_named_once() -> None:
    """Where the record id is a business identifier already, it is not told twice."""
    key = a_referral().key
    known = Identifier(system="https://greenfield.test.nhs.uk/Id/referral", value=key.record)

    told = [i["system"] for i in made()["identifier"]]
    told_once = [i["value"] for i in made(a_referral(identifiers=(known,)))["identifier"]]

    assert told == [NAMING.referral, systems.UBRN, NAMING.record("greenfield")]
    assert told_once == [str(key.id), key.record]


def test_who_asked_is_contained() -> None:
    """No Practitioner of ours is left behind at a partner."""
    request = made()
    (role,), (person,) = contained(request, "PractitionerRole"), contained(request, "Practitioner")

    assert request["requester"] == {"reference": "#requester"}
    assert role["practitioner"] == {"reference": f"#{person['id']}"}
    assert role["organization"]["identifier"]["value"] == "A99968"


def test_an_organisation_alone_needs_nothing_contained() -> None:
    """A logical reference says enough."""
    request = made(a_referral(requester=Requester(organisation=PRACTICE)))

    assert request["requester"]["identifier"]["value"] == "A99968"
    assert not contained(request, "PractitionerRole")


def test_nobody_known_is_nobody_said() -> None:
    """A requester is not invented from the practice."""
    assert "requester" not in made(a_referral(requester=Requester()))


def test_a_service_of_the_directory_is_a_healthcare_service() -> None:
    """By its identifier system we know what it is."""
    service = Service(identifier=Identifier(system=systems.DOS_SERVICE, value="1000000001"))

    assert service.reference["type"] == "HealthcareService"


def test_what_was_withheld_is_labelled_and_never_told() -> None:
    """The service learns that there is more, not what."""
    (label,) = made(a_referral(withheld=True))["meta"]["security"]

    assert label["code"] == "REDACTED"
    assert "security" not in made()["meta"]


def test_words_of_the_priority_stand_beside_it() -> None:
    """As they were said."""
    request = made()

    assert request["priority"] == "urgent"
    assert request["_priority"]["extension"][0]["valueString"] == "2 weeks"


def test_words_that_no_priority_stands_for_are_a_note() -> None:
    """A code is never guessed from the words, and a required one cannot be an extension alone."""
    request = made(a_referral(priority=""))

    assert {"priority", "_priority"} & request.keys() == set()
    assert {"text": "Priority: 2 weeks"} in request["note"]
    assert check(request) == []


@pytest.mark.parametrize(
    ("said", "status", "rule"),
    [
        (Consent.GIVEN, "active", "OPTIN"),
        (Consent.REFUSED, "rejected", "OPTOUT"),
        (Consent.WITHDRAWN, "inactive", "OPTOUT"),
    ],
)
def test_consent_is_carried_as_it_was_said(said: Consent, status: str, rule: str) -> None:
    """And silence is not consent: then there is no Consent at all."""
    (consent,) = contained(made(a_referral(consent=said)), "Consent")

    assert (consent["status"], consent["policyRule"]["coding"][0]["code"]) == (status, rule)
    assert not contained(made(a_referral(consent=Consent.NOT_SAID)), "Consent")


SCOPES = (ConsentScope.NOT_SAID, ConsentScope.DIRECT_CARE, ConsentScope.BROADER)


def actors(consent: dict[str, Any]) -> list[str]:
    """Whom a Consent names."""
    named = [actor["reference"] for actor in consent.get("provision", {}).get("actor", [])]
    return [each.get("identifier", {}).get("value", "nobody we know") for each in named]


@pytest.mark.parametrize(
    ("scope", "recipients", "categories", "named"),
    [
        (SCOPES[0], (), ["IDSCL"], ["A1B2C"]),
        (SCOPES[0], ("A1B2C",), ["IDSCL"], ["A1B2C"]),
        (SCOPES[1], (), ["IDSCL", "DRC"], []),
        (SCOPES[2], (), ["IDSCL"], []),
        (SCOPES[2], ("A1B2C", "Z9999"), ["IDSCL"], ["A1B2C", "Z9999"]),
        (SCOPES[2], ("an-id-of-theirs", UNNAMED), ["IDSCL"], ["an-id-of-theirs", "nobody we know"]),
    ],
)
def test_how_far_a_consent_reaches_is_carried(
    scope: ConsentScope, recipients: tuple[str, ...], categories: list[str], named: list[str]
) -> None:
    """A scope nobody said, without a name, opens no other door than that of the service itself."""
    referral = a_referral(consent=Consent.GIVEN, consent_scope=scope, consent_recipients=recipients)
    request = made(referral)
    (consent,) = contained(request, "Consent")

    assert [category["coding"][0]["code"] for category in consent["category"]] == categories
    assert actors(consent) == named
    assert check(request) == []


@pytest.mark.parametrize("said", [Consent.REFUSED, Consent.WITHDRAWN])
def test_a_consent_that_is_not_given_reaches_nobody(said: Consent) -> None:
    """Whatever was said before of how far it goes."""
    referral = a_referral(consent=said, consent_scope=SCOPES[1], consent_recipients=("Z9999",))
    (consent,) = contained(made(referral), "Consent")

    assert actors(consent) == []
    assert [category["coding"][0]["code"] for category in consent["category"]] == ["IDSCL"]


@pytest.mark.parametrize("scope", SCOPES[1:])
@pytest.mark.parametrize("recipients", [(), ("A1B2C", "an-id-of-theirs"), (UNNAMED,)])
def test_what_is_said_of_consent_is_read_back_the_same(
    scope: ConsentScope, recipients: tuple[str, ...]
) -> None:
    """Another bridge at the receiving end decides by the same words."""
    referral = a_referral(consent=Consent.GIVEN, consent_scope=scope, consent_recipients=recipients)
    held = contained(made(referral), "Consent")

    assert consent_of(held, lambda _: {}) == (Consent.GIVEN, scope, tuple(sorted(recipients)))


def test_flags_tell_risks_requirements_and_safe_contact() -> None:
    """Each is referred to from supportingInfo; an empty meaning makes no flag."""
    patient = a_patient(requirements=(Concept(), Concept(text="Large print")))
    request = made(a_referral(patient=patient))

    told = [flag["code"]["text"] for flag in contained(request, "Flag")]

    assert told == ["No known risks", "Large print", "Safe to telephone", "Not safe to leave a message"]
    assert len(request["supportingInfo"]) == 5
    assert all(flag["subject"] == SUBJECT for flag in contained(request, "Flag"))


GROUPS = {
    "identifiers": "000000000001",
    "note": "Prefers mornings",
    "priority": "2 weeks",
    "reason": "Feeling lonely",
    "reason-text": "Lost her husband",
    "requester": "Dr B Example",
    "requirements": "Large print",
    "risks": "No known risks",
    "safe-contact": "Not safe to leave a message",
    "consent": "OPTIN",
}


@pytest.mark.parametrize(("group", "trace"), GROUPS.items())
def test_each_group_leaves_only_when_released(group: str, trace: str) -> None:
    """A disclosure table that lists one group discloses one group."""
    shown = {name for name, text in GROUPS.items() if text in json.dumps(made(released=frozenset({group})))}

    assert shown == {group}
    assert trace not in json.dumps(made(released=ALL_FIELDS - {group}))


@pytest.mark.parametrize("released", [frozenset[str](), ALL_FIELDS])
@pytest.mark.parametrize(
    "referral",
    [
        a_referral(),
        a_referral(practice=Organisation(), requester=Requester(name="Dr B Example")),
        a_referral(requester=Requester(telecoms=a_referral().requester.telecoms)),
        a_referral(reasons=(), reason_text="", note="", priority_text="", authored_on="", risks=()),
    ],
)
def test_whatever_is_released_is_valid(referral: Referral, released: frozenset[str]) -> None:
    """Leaving a group out never breaks the rest."""
    assert check(made(referral, released)) == []
