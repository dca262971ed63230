"""A code is whole or refused with a reason the sender can act on."""

from itertools import chain

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.domain import codes, crosswalk, instruments
from bridge.domain.codes import (
    Mark,
    SctId,
    SctKind,
    problem_of,
    verhoeff_holds,
)
from bridge.errors.catalogue import CATALOGUE

DIGITS = "0123456789"


def with_check_digit(body: str) -> str:
    """The one ending of ten that passes."""
    return next(body + digit for digit in DIGITS if verhoeff_holds(body + digit))


CONCEPTS = st.builds(
    lambda item, partition: with_check_digit(item + partition),
    st.from_regex(r"[1-9][0-9]{2,14}", fullmatch=True),
    st.sampled_from(["00", "10"]),
)


def shipped_codes() -> list[str]:
    """Every SNOMED CT code in every table of the bridge's domain."""
    rows = chain(crosswalk.REQUESTS.values(), crosswalk.OUTCOMES.values())
    return [
        *codes.SOCIAL_PRESCRIBING,
        *codes.RETIRED,
        *codes.RETIRED.values(),
        *(row.snomed for row in rows if row.snomed),
        *(row.code for row in instruments.INSTRUMENTS if row.code),
    ]


@pytest.mark.parametrize("code", shipped_codes())
def test_every_shipped_code_is_a_whole_concept_id(code: str) -> None:
    """A slip in our own tables would file a wrong meaning."""
    assert problem_of(code) is None
    assert SctId.parse(code).kind is SctKind.CONCEPT


@given(code=CONCEPTS)
def test_a_whole_concept_id_has_no_problem(code: str) -> None:
    """From 6 to 18 digits, with and without a namespace."""
    assert problem_of(code) is None


@given(code=CONCEPTS, place=st.integers(0, 17), digit=st.sampled_from(DIGITS))
def test_each_single_wrong_digit_is_found(code: str, place: int, digit: str) -> None:
    """Verhoeff's check finds all of them."""
    wrong = code[: place % len(code)] + digit + code[place % len(code) + 1 :]
    assume(wrong != code)

    assert problem_of(wrong) in {"snomed-check-digit", "snomed-spreadsheet-rounded", "snomed-leading-zero"}


@given(code=CONCEPTS, place=st.integers(0, 16))
def test_two_neighbours_that_changed_places_are_found(code: str, place: int) -> None:
    """The other slip Verhoeff's check was made for."""
    place %= len(code) - 1
    wrong = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assume(wrong != code)

    assert problem_of(wrong) in {"snomed-check-digit", "snomed-spreadsheet-rounded", "snomed-leading-zero"}


@given(
    code=st.from_regex(r"[1-9][0-9]{12}", fullmatch=True)
    .map(lambda item: with_check_digit(item + "10"))
    .filter(lambda code: code[-1] != "0")
)
def test_the_digit_a_spreadsheet_eats_is_recognised(code: str) -> None:
    """It keeps fifteen digits of a number; the sixteenth comes back as 0."""
    assert problem_of(code[:15] + "0") == "snomed-spreadsheet-rounded"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("", "snomed-not-digits"),
        (" 871731000000106", "snomed-not-digits"),
        ("871731000000106\n", "snomed-not-digits"),
        ("\u0668\u0667\u0661\u0667\u0663\u0661\u0660", "snomed-not-digits"),
        ("-871731000000106", "snomed-not-digits"),
        ("XaaEC", "snomed-not-digits"),
        ("8.71731E+14", "snomed-spreadsheet-exponent"),
        ("8,71731E+14", "snomed-spreadsheet-exponent"),
        ("9e14", "snomed-spreadsheet-exponent"),
        ("0871731000000106", "snomed-leading-zero"),
        ("11101", "snomed-length"),
        ("8717310000001060000", "snomed-length"),
        ("871731000000105", "snomed-check-digit"),
        ("717440006", "snomed-check-digit"),  # offered in public code as the GAD-7 score
        (
            "1091081000000100",
            "snomed-spreadsheet-rounded",
        ),  # these six are in published tables and specifications
        ("1037751000000100", "snomed-spreadsheet-rounded"),
        ("1777541000006110", "snomed-spreadsheet-rounded"),
        ("1777541000006100", "snomed-spreadsheet-rounded"),
        ("1776011000006110", "snomed-spreadsheet-rounded"),
        ("1659111000000100", "snomed-spreadsheet-rounded"),
        ("871731000000000", "snomed-spreadsheet-rounded"),  # saved as 8.71731E+14 and read again
        ("871731000000", "snomed-spreadsheet-rounded"),  # from twelve digits on
        ("87173100000", "snomed-check-digit"),
        ("999007691000230000", "snomed-spreadsheet-rounded"),  # eighteen digits lose three
        ("238451000006117", "snomed-description-as-concept"),
        ("284596015", "snomed-description-as-concept"),
        (with_check_digit("12345602"), "snomed-relationship-as-concept"),
        (with_check_digit("123456100000012"), "snomed-relationship-as-concept"),
        (with_check_digit("12345603"), "snomed-partition"),
        (with_check_digit("12345620"), "snomed-partition"),
    ],
)
def test_each_damage_has_its_name(code: str, problem: str) -> None:
    """The sender learns what to mend; nothing is mended here."""
    assert problem_of(code) == problem
    assert problem in CATALOGUE


@pytest.mark.parametrize("code", ["1091071000000100", "1091081000000103", "1037751000000109"])
def test_zeros_at_the_end_are_no_damage_where_the_check_digit_holds(code: str) -> None:
    """One id in ten truly ends in 0."""
    assert problem_of(code) is None


@given(text=st.text(max_size=30) | st.text(DIGITS + ".eE+-", max_size=30))
def test_whatever_is_sent_is_a_concept_or_a_known_problem(text: str) -> None:
    """No input escapes as an error or as an unnamed problem."""
    problem = problem_of(text)

    assert problem is None or problem in CATALOGUE
    assert problem is not None or verhoeff_holds(text)


@pytest.mark.parametrize(
    ("code", "kind", "namespace"),
    [
        ("718466001", SctKind.CONCEPT, ""),
        ("871731000000106", SctKind.CONCEPT, "1000000"),
        ("284596015", SctKind.DESCRIPTION, ""),
        ("238451000006117", SctKind.DESCRIPTION, "1000006"),
        (with_check_digit("12345602"), SctKind.RELATIONSHIP, ""),
        (with_check_digit("1234561000000" + "12"), SctKind.RELATIONSHIP, "1000000"),
    ],
)
def test_an_identifier_says_what_it_names_and_whose_it_is(code: str, kind: SctKind, namespace: str) -> None:
    """Partition and namespace are read from the digits."""
    assert (SctId.parse(code).kind, SctId.parse(code).namespace) == (kind, namespace)


def test_a_damaged_identifier_cannot_be_made() -> None:
    """Inside, the type is the proof."""
    with pytest.raises(ValueError, match=r"^snomed-check-digit$"):
        SctId("871731000000105")


def test_a_retired_code_leads_to_the_one_in_use() -> None:
    """Senders go on using old ids for years."""
    assert codes.current_code("960481000000107") == "718466001"
    assert codes.current_code("718466001") == "718466001"
    assert not set(codes.RETIRED) & set(codes.RETIRED.values())


def test_only_confirmed_meanings_are_marked_so() -> None:
    """What may be filed rests on these marks."""
    confirmed = {row.code for row in codes.SOCIAL_PRESCRIBING.values() if row.mark is Mark.A}

    assert confirmed == {codes.REFERRAL, codes.DECLINED, codes.OFFERED, codes.CLOSED}
    assert all(row.source and row.event for row in codes.SOCIAL_PRESCRIBING.values())


def test_every_attendance_code_of_the_dictionary_counts_one_way() -> None:
    """2 and 4 are cancellations, not failures to attend."""
    assert set(codes.ATTENDANCE) == set("0234567")
    assert {code for code, way in codes.ATTENDANCE.items() if way is codes.Attendance.ATTENDED} == {"5", "6"}
    assert {code for code, way in codes.ATTENDANCE.items() if way is codes.Attendance.CANCELLED} == {"2", "4"}
