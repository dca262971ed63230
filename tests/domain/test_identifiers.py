"""NHS numbers and organisation codes are proven at the door and never shown."""

import copy
import pickle

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.domain.identifiers import NhsNumber, OdsCode
from bridge.errors.catalogue import CATALOGUE


def check_digit(nine: str) -> int | None:
    """Modulus 11 said another way: the digit that makes the weighted sum of all ten divisible by 11."""
    weighted = sum(int(digit) * (10 - place) for place, digit in enumerate(nine))
    return next((digit for digit in range(10) if (weighted + digit) % 11 == 0), None)


@st.composite
def nhs_numbers(draw: st.DrawFn, prefix: str = "999") -> str:
    """Ten digits with a right check digit; synthetic, in the range that is never issued."""
    nine = draw(
        st.text("0123456789", min_size=9 - len(prefix), max_size=9 - len(prefix))
        .map(lambda rest: prefix + rest)
        .filter(lambda nine: check_digit(nine) is not None)
    )
    return f"{nine}{check_digit(nine)}"


@given(number=nhs_numbers().filter(lambda number: len(set(number)) > 1))
def test_every_number_with_a_right_check_digit_is_taken(number: str) -> None:
    """No real person is refused by arithmetic."""
    assert NhsNumber.parse(number).digits == number


@given(number=nhs_numbers(), place=st.integers(0, 9), digit=st.sampled_from("0123456789"))
def test_each_single_wrong_digit_is_found(number: str, place: int, digit: str) -> None:
    """One slip of a finger must never point at another person."""
    wrong = number[:place] + digit + number[place + 1 :]

    assume(wrong != number)

    with pytest.raises(ValueError, match=r"^nhs-number-(check-digit|placeholder)$"):
        NhsNumber.parse(wrong)


@given(number=nhs_numbers(), place=st.integers(0, 8))
def test_two_neighbours_that_changed_places_are_found(number: str, place: int) -> None:
    """The other common slip of a typist."""
    wrong = number[:place] + number[place + 1] + number[place] + number[place + 2 :]

    assume(wrong != number)

    with pytest.raises(ValueError, match=r"^nhs-number-(check-digit|placeholder)$"):
        NhsNumber.parse(wrong)


@pytest.mark.parametrize("digit", "0123456789")
def test_one_digit_ten_times_is_a_placeholder(digit: str) -> None:
    """All ten pass Modulus 11, and have merged patients in real systems."""
    with pytest.raises(ValueError, match=r"^nhs-number-placeholder$"):
        NhsNumber.parse(digit * 10)
    with pytest.raises(ValueError, match=r"^nhs-number-placeholder$"):
        NhsNumber(digit * 10)


@pytest.mark.parametrize(
    "written",
    ["999 000 0018", "999-000-0018", " 9990000018 ", "999\u00a0000\u00a00018", "999\u2011000\u20130018"],
)
def test_spaces_and_hyphens_are_only_typography(written: str) -> None:
    """People and forms group the digits."""
    assert NhsNumber.parse(written).digits == "9990000018"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "nhs-number-not-digits"),
        ("999000001A", "nhs-number-not-digits"),
        ("999\n0000018", "nhs-number-not-digits"),
        ("٩٩٩٠٠٠٠٠١٨", "nhs-number-not-digits"),
        ("999000001²", "nhs-number-not-digits"),
        ("999000001", "nhs-number-length"),
        ("99900000180", "nhs-number-length"),
        ("9990000019", "nhs-number-check-digit"),
    ],
)
def test_each_way_to_be_wrong_has_its_code(text: str, problem: str) -> None:
    """The sender learns which rule, never the value."""
    with pytest.raises(ValueError) as caught:
        NhsNumber.parse(text)

    assert str(caught.value) == problem
    assert problem in CATALOGUE


@given(eight=st.text("0123456789", min_size=8, max_size=8))
def test_a_number_that_would_need_ten_as_check_digit_does_not_exist(eight: str) -> None:
    """None of its ten endings is taken."""
    nine = next((eight + digit for digit in "0123456789" if check_digit(eight + digit) is None), "")
    assume(nine)

    for digit in "0123456789":
        with pytest.raises(ValueError, match=r"^nhs-number-(check-digit|placeholder)$"):
            NhsNumber(nine + digit)


@given(number=nhs_numbers().filter(lambda number: len(set(number)) > 1))
def test_no_way_to_print_a_number_shows_it(number: str) -> None:
    """repr, str, format, % and the errors of the type itself are all silent."""
    proven = NhsNumber.parse(number)
    printed = [
        repr(proven),
        str(proven),
        f"{proven}",
        f"{proven!a}",
        "{0} {0!r}".format(proven),  # noqa: UP032  this way to print is the point
        str([proven]),
    ]
    for misuse in (lambda: int(proven), lambda: format(proven, ">20"), lambda: proven + 1):  # type: ignore[call-overload,operator]
        with pytest.raises(TypeError) as caught:
            misuse()
        printed.append(str(caught.value))
    with pytest.raises(AttributeError) as frozen:
        proven.digits = "0"  # type: ignore[misc]
    printed.append(str(frozen.value))

    assert not [text for text in printed if number in text or number[3:] in text]


@given(text=st.text(max_size=40).filter(lambda text: sum(map(str.isdigit, text)) != 10))
def test_whatever_else_is_sent_is_refused_by_a_known_code(text: str) -> None:
    """No input escapes as another error, and no error holds the input."""
    with pytest.raises(ValueError) as caught:
        NhsNumber.parse(text)

    assert str(caught.value) in CATALOGUE


def test_a_number_can_be_compared_copied_and_kept() -> None:
    """It is a plain value."""
    number = NhsNumber.parse("999 000 0018")

    assert {number, NhsNumber("9990000018")} == {number}
    assert copy.copy(number) == pickle.loads(pickle.dumps(number)) == number  # noqa: S301  our own bytes


def test_the_synthetic_range_is_known() -> None:
    """Live refuses test numbers, so it must know them."""
    assert NhsNumber.parse("9990000018").is_test
    assert not NhsNumber.parse("0000000051").is_test


@pytest.mark.parametrize(
    "text", ["A81001", " a81001 ", "X26", "RX1", "8HK18", "Y00001", "U12345", "ABCDEFGHIJ12"]
)
def test_organisation_codes_are_trimmed_and_upper_case(text: str) -> None:
    """Practices, trusts, networks and sites, as people type them."""
    assert OdsCode.parse(text).code == text.strip().upper()


@pytest.mark.parametrize(
    "text", ["", "A8", "A81 001", "A81001\n2", "A-81001", "ABCDEFGHIJ123", "Ⅷ81001", "ß81", "A8100é"]
)
def test_what_is_no_organisation_code_is_refused(text: str) -> None:
    """A name or a phone number in the column must not route a referral."""
    with pytest.raises(ValueError, match=r"^ods-code-shape$"):
        OdsCode.parse(text)


def test_an_organisation_code_is_proven_however_it_is_made() -> None:
    """Inside, the type is the proof."""
    with pytest.raises(ValueError, match=r"^ods-code-shape$"):
        OdsCode("a81001")
    assert str(OdsCode("A81001")) == "A81001"
    assert "ods-code-shape" in CATALOGUE
