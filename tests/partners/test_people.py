"""The same person is recognised, another one too, and newer details displace what they replace."""

from typing import Any

import pytest

from bridge.partners.people import is_closed, is_person, same_person, updated


def someone(born: str = "1951-03-04", family: str = "Specimen", **more: Any) -> dict[str, Any]:
    person = {"resourceType": "Patient", "birthDate": born, "name": [{"use": "official", "family": family}]}
    return person | more


@pytest.mark.parametrize(
    ("held", "same"),
    [
        (someone(), True),
        (someone(family="Specimen-Lee"), True),  # married
        (someone(born="1951-04-03"), True),  # mended
        (someone(born="1951"), True),
        (someone(born="1988-01-01", family="Other"), False),
        (someone(born="1988", family="Other"), False),
        (someone(born="1951", family="Other"), True),
        ({"resourceType": "Patient"}, True),  # says nothing else
        (someone(born="", family="Other"), True),
        (
            someone(born="1988-01-01", name=[{"use": "old", "family": "Specimen"}, {"family": "Other"}]),
            False,
        ),
    ],
)
def test_somebody_else_differs_in_birth_and_name(held: dict[str, Any], same: bool) -> None:  # noqa: FBT001
    """One difference has innocent reasons; two under one number have not."""
    assert same_person(held, someone()) is same


def test_a_record_must_say_both_exactly() -> None:
    """For filing, what is missing is not equal."""
    assert is_person(someone(), born="1951-03-04", family="specimen")
    assert is_person(someone(family="O\u2019Shaughan"), born="1951-03-04", family="O'SHAUGHAN")
    assert not is_person(someone(born=""), born="", family="Specimen")
    assert not is_person(someone(family=""), born="1951-03-04", family="")
    assert not is_person({"name": "odd", "birthDate": 7}, born="1951-03-04", family="Specimen")


def test_someone_alive_and_registered_is_open() -> None:
    """`deceasedBoolean` false and `active` true say so."""
    assert not is_closed(someone(active=True, deceasedBoolean=False, link=[{"type": "seealso"}]))


def test_what_is_held_already_is_not_written() -> None:
    """A fuller record needs nothing from us."""
    held = someone(
        id="7",
        gender="female",
        telecom=[{"system": "phone", "use": "home", "value": "01632 960001", "rank": 1}],
        name=[{"use": "official", "family": "Specimen", "given": ["Ada"], "prefix": ["Mrs"]}],
    )
    ours = someone(
        born="1951-03",
        meta={"profile": ["https://fhir.hl7.org.uk/StructureDefinition/UKCore-Patient"]},
        telecom=[{"system": "phone", "use": "home", "value": "01632 960001"}],
    )

    assert updated(held, ours) is None


def test_newer_details_take_the_place_of_the_same_use() -> None:
    """A number someone no longer has must not be rung; one we know nothing of stays."""
    held = someone(
        id="7",
        text={"status": "generated", "div": "<div>01632 960999</div>"},
        telecom=[
            {"system": "phone", "use": "home", "value": "01632 960999"},
            {"system": "phone", "use": "mobile", "value": "07700 900123"},
        ],
        communication=[{"language": {"text": "Welsh"}}],
    )
    ours = someone(
        family="Specimen-Lee",
        telecom=[{"system": "phone", "use": "home", "value": "01632 960001"}],
    )
    newer = updated(held, ours)

    assert newer is not None
    assert [t["value"] for t in newer["telecom"]] == ["01632 960001", "07700 900123"]
    assert newer["name"] == [{"use": "official", "family": "Specimen-Lee"}]
    assert newer["communication"] == held["communication"]
    assert (newer["id"], "text" in newer) == ("7", False)
    assert updated(newer, ours) is None


@pytest.mark.parametrize("held", ["phone", {"value": "1"}, [7, None], None])
def test_what_a_partner_holds_in_another_shape_is_replaced(held: object) -> None:
    """And never an error of ours."""
    ours = someone(telecom=[{"system": "phone", "value": "01632 960001"}])
    newer = updated(someone(telecom=held), ours)

    assert newer is not None
    assert ours["telecom"][0] in newer["telecom"]
