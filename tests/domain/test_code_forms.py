"""Each code in the one form it is kept in, or the name of what is wrong with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain import systems
from bridge.domain.code_forms import coding_of, is_tpp_local, is_unmapped
from bridge.domain.referral import Coding, Concept
from bridge.errors.catalogue import CATALOGUE

SYSTEMS = (systems.SNOMED, systems.READ_V2, systems.CTV3, systems.EMIS_LOCAL)


def kept(system: str, code: str) -> str:
    """The code as it is kept."""
    return coding_of(system, code).code


@pytest.mark.parametrize(
    ("system", "code", "form"),
    [
        (systems.READ_V2, "8T09.00", "8T09."),  # seven characters: the last two are the term's
        (systems.READ_V2, "8H61.00", "8H61."),
        (systems.READ_V2, "E290011", "E2900"),
        (systems.READ_V2, "8T09.", "8T09."),
        (systems.READ_V2, "13D..", "13D.."),
        (systems.READ_V2, "12E34", "12E34"),  # no number: there is no sign in it
        (systems.READ_V2, "918a.00", "918a."),
        (systems.READ_V2, "918A.00", "918A."),
        (systems.CTV3, "XaaEC", "XaaEC"),
        (systems.CTV3, "XM0Ct", "XM0Ct"),
        (systems.CTV3, "13D..", "13D.."),
        (systems.EMIS_LOCAL, "EMISNQRE582", "EMISNQRE582"),
        (systems.EMIS_LOCAL, "^ESCTRE651604", "^ESCTRE651604"),
        (systems.SNOMED, "871731000000106", "871731000000106"),
        ("https://greenfield.example/codes", "whatever 1", "whatever 1"),
        ("", "whatever 1", "whatever 1"),
    ],
)
def test_a_code_is_kept_in_one_form(system: str, code: str, form: str) -> None:
    """Its case stays: 918A. is a carer, 918a. is not."""
    assert coding_of(system, code, display="words") == Coding(system=system, code=form, display="words")


@pytest.mark.parametrize(
    ("system", "code", "problem"),
    [
        (systems.READ_V2, "8T09", "read-code-cut"),  # dots trimmed; or a code of the four-byte set
        (systems.READ_V2, "1371", "read-code-cut"),  # 1371. read as a number
        (systems.READ_V2, "311", "read-code-cut"),  # 0311. read as a number
        (systems.READ_V2, "1E+10", "read-code-exponent"),  # 1E10. read as a number
        (systems.READ_V2, "1.2E+35", "read-code-exponent"),
        (systems.READ_V2, "1,2E+35", "read-code-exponent"),
        (systems.READ_V2, "8T0900", "read-code-shape"),
        (systems.READ_V2, "8T.9.", "read-code-shape"),
        (systems.READ_V2, "8T09..", "read-code-shape"),
        (systems.READ_V2, "8T09. ", "read-code-shape"),
        (systems.READ_V2, "8T09.0?", "read-code-shape"),
        (systems.READ_V2, "\u0668T09.", "read-code-shape"),
        (systems.READ_V2, "", "read-code-shape"),
        (systems.READ_V2, "871731000000106", "read-code-shape"),
        (systems.READ_V2, "XaaEC", "ctv3-as-read-v2"),
        (systems.READ_V2, "Y1095", "ctv3-as-read-v2"),
        (systems.CTV3, "XaaE", "read-code-cut"),
        (systems.CTV3, "8T09.00", "read-v2-as-ctv3"),
        (systems.CTV3, "Y10951", "read-code-shape"),
        (systems.CTV3, "1.0E+04", "read-code-exponent"),
        (systems.EMIS_LOCAL, "EMIS NQRE582", "emis-local-shape"),
        (systems.EMIS_LOCAL, "2.38451E+14", "emis-local-exponent"),
        (systems.SNOMED, "8.71731E+14", "snomed-spreadsheet-exponent"),
        (systems.SNOMED, "871731000000000", "snomed-spreadsheet-rounded"),
        (systems.SNOMED, "0871731000000106", "snomed-leading-zero"),
        (systems.SNOMED, "96431000000106", "snomed-check-digit"),  # lost its first digit
        (systems.SNOMED, "238451000006117", "snomed-description-as-concept"),
    ],
)
def test_each_damage_has_its_name(system: str, code: str, problem: str) -> None:
    """The sender learns what to mend; nothing is mended here."""
    with pytest.raises(ValueError, match=f"^{problem}$"):
        coding_of(system, code)
    assert problem in CATALOGUE


@given(system=st.sampled_from(SYSTEMS), code=st.text(max_size=20) | st.text("0123456789.E+-XYaz", max_size=9))
def test_whatever_is_sent_is_kept_in_its_form_or_named(system: str, code: str) -> None:
    """No input escapes as another error, and a form is its own form."""
    try:
        form = kept(system, code)
    except ValueError as error:
        assert str(error) in CATALOGUE  # noqa: PT017
    else:
        assert kept(system, form) == form
        assert code.startswith(form)


def test_a_local_code_of_tpp_is_none_of_national_ctv3() -> None:
    """No public URI names those codes: they stand under the one of the site, else under none."""
    assert is_tpp_local("Y1095")
    assert coding_of(systems.CTV3, "Y1095") == Coding(system="", code="Y1095")
    assert coding_of(systems.CTV3, "Y1095", tpp="urn:tpp").system == "urn:tpp"
    assert coding_of(systems.CTV3, "XaaEC", tpp="urn:tpp").system == systems.CTV3
    assert not is_tpp_local("y1095")
    assert not is_tpp_local("Y10951")


def a_concept(*codings: tuple[str, str]) -> Concept:
    """A meaning with these codes."""
    return Concept(codings=tuple(Coding(system=system, code=code) for system, code in codings), text="words")


LOCAL = (systems.EMIS_LOCAL, "EMISNQRE582")


@pytest.mark.parametrize(
    ("codings", "unmapped"),
    [
        ([(systems.SNOMED, "871731000000106"), LOCAL], False),
        ([], False),  # words alone
        ([("https://fhir.nhs.uk/CodeSystem/flag-type-bars", "1")], False),
        ([LOCAL], True),
        ([(systems.READ_V2, "8T09.")], True),
        ([(systems.CTV3, "XaaEC")], True),
        ([("", "Y1095")], True),
        ([(systems.SNOMED, "10891000006106")], True),  # of the namespace of EMIS
    ],
)
def test_what_no_receiver_elsewhere_knows_is_unmapped(codings: list[tuple[str, str]], unmapped: bool) -> None:  # noqa: FBT001
    """A local code beside its national one is fine, and words without a code are no code."""
    assert is_unmapped(a_concept(*codings)) is unmapped
