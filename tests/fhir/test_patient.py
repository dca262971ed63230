"""The Patient holds what is released, and nothing else."""

import json
from typing import Any

import pytest

from bridge.domain import systems
from bridge.domain.referral import Patient, SafeContact
from bridge.fhir.patient import known_by, patient
from bridge.fhir.released import ALL_FIELDS
from tests.fhir.examples import NAMING, a_patient, a_referral


def made(released: frozenset[str] = ALL_FIELDS, **changes: Any) -> dict[str, Any]:
    referral = a_referral(patient=a_patient(**changes))
    return patient(referral, released=released, naming=NAMING)


def test_a_verified_number_says_so_in_the_current_code_system() -> None:
    """01 in UKCore-NHSNumberVerificationStatusEngland, as the HL7 validator demands."""
    (identifier,) = made()["identifier"]
    (extension,) = identifier["extension"]

    assert (identifier["system"], identifier["value"]) == (systems.NHS_NUMBER, "9990000018")
    assert extension["valueCodeableConcept"]["coding"] == [
        {"system": systems.NHS_NUMBER_STATUS, "code": "01", "display": "Number present and verified"}
    ]


def test_a_status_nobody_gave_is_not_invented() -> None:
    """No extension without a source status."""
    assert "extension" not in made(nhs_number_status="")["identifier"][0]


@pytest.mark.parametrize("doubt", ["03", "04", "05", "06", "07", "08"])
def test_a_doubted_number_stays_here(doubt: str) -> None:
    """A traced-with-conflict number would join two people at the partner."""
    (identifier,) = made(nhs_number_status=doubt)["identifier"]

    assert identifier["system"] == NAMING.patient


def test_without_a_number_our_own_identifier_names_the_person() -> None:
    """The same person of the same practice gets the same one; another person another."""
    ada, again, bo = (
        known_by(
            a_referral(patient=Patient(local_key=key)), released=ALL_FIELDS, naming=NAMING
        )
        for key in ("7D0A", "7D0A", "7D0B")
    )  # fmt: skip

    assert ada == again
    assert ada.system == NAMING.patient
    assert ada != bo


GROUPS = {
    "name": "Specimen",
    "preferred-name": "Addie",
    "birth-date": "1951-03-04",
    "address": "LS1 1ZZ",
    "phone": "01632 960001",
    "email": "ada@example.com",
    "nhs-number": "9990000018",
    "gender": "female",
    "ethnicity": "EthnicCategory",
    "language": "interpreterRequired",
    "practice": "Elm Surgery",
}


@pytest.mark.parametrize(("group", "trace"), GROUPS.items())
def test_each_group_leaves_only_when_released(group: str, trace: str) -> None:
    """A disclosure table that lists one group discloses one group."""
    alone = json.dumps(made(frozenset({group}), safe_contact=SafeContact()))

    assert {name for name, text in GROUPS.items() if text in alone} == {group}
    assert trace not in json.dumps(made(ALL_FIELDS - {group}))


@pytest.mark.parametrize(
    ("unsafe", "lost"),
    [
        (SafeContact(call=False), "telecom"),
        (SafeContact(leave_message=False), "telecom"),
        (SafeContact(post=False), "address"),
    ],
)
def test_an_unsafe_way_never_leaves_without_its_warning(unsafe: SafeContact, lost: str) -> None:
    """A number somebody else may answer goes only beside the words that say so."""
    released = frozenset({"phone", "address"})

    assert lost not in made(released, safe_contact=unsafe)
    assert lost in made(released | {"safe-contact"}, safe_contact=unsafe)


def test_nearly_nothing_known_is_nearly_nothing_said() -> None:
    """No empty elements, no defaults."""
    bare = patient(a_referral(patient=Patient()), released=ALL_FIELDS - {"practice"}, naming=NAMING)

    assert set(bare) == {"resourceType", "meta", "identifier"}
