"""The closed list of what a mapping may fill."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.referral import (
    Address,
    Organisation,
    Patient,
    Referral,
    Requester,
    SafeContact,
)
from bridge.errors.catalogue import CATALOGUE
from bridge.sources.targets import ADDRESS_LINES, CODE_SYSTEMS, PERSON_SYSTEMS, PHONE_USES, TARGETS

RECORDS = {
    "patient": Patient,
    "patient.address": Address,
    "patient.safe_contact": SafeContact,
    "referral": Referral,
    "requester": Requester,
    "requester.organisation": Organisation,
    "practice": Organisation,
    "author": Organisation,
    "recipient": Organisation,
}
PUT_TOGETHER = {
    *CODE_SYSTEMS,
    "display",
    "text",
    *PERSON_SYSTEMS,
    *PHONE_USES,
    "email",
    "ubrn",
    "middle_names",
} | {name.rpartition(".")[2] for name in ADDRESS_LINES}


def test_every_plain_target_fills_a_field_of_its_name() -> None:
    """A renamed field of the referral must not silently lose its target."""
    for name in TARGETS:
        prefix, _, last = name.rpartition(".")
        if prefix == "event" or last in PUT_TOGETHER:
            continue
        assert last in {f.name for f in fields(RECORDS[prefix])}, name


UNUSABLE = {
    "patient.nhs_number": ("0000000000", "nhs-number-placeholder"),
    "patient.birth_date": ("1951-04-09T10:00:00Z", "date-not-fhir"),
    "patient.gender": ("F", "word-unknown"),
    "patient.phone": ("none", "phone-shape"),
    "patient.email": ("ask the daughter", "email-shape"),
    "patient.language": ("Polish!", "language-shape"),
    "patient.deceased": ("yes", "word-unknown"),
    "patient.family": ("Quill\x07", "text-control-character"),
    "patient.ethnicity": ("White", "word-unknown"),
    "patient.nhs_number_status": ("1", "word-unknown"),
    "practice.ods": ("A 9", "ods-code-shape"),
    "referral.requested.snomed": ("1776011000006110", "snomed-spreadsheet-rounded"),
    "referral.priority": ("soon", "word-unknown"),
    "referral.consent": ("yes", "word-unknown"),
    "referral.shape": ("letter", "word-unknown"),
    "event.kind": ("new", "word-unknown"),
    "event.version": ("1.5", "version-shape"),
    "event.time": ("2026-11-20", "date-not-fhir"),
}


@pytest.mark.parametrize(("target", "value", "code"), [(t, v, c) for t, (v, c) in UNUSABLE.items()])
def test_a_target_accepts_our_notation_only(target: str, value: str, code: str) -> None:
    """The parser is the proof, whatever stood before it."""
    with pytest.raises(ValueError, match=f"^{code}$"):
        TARGETS[target].parse(value)


@given(st.integers(0, 10**18 - 1), st.integers(0, 10**18 - 1))
def test_versions_sort_as_text_as_they_do_as_numbers(left: int, right: int) -> None:
    """Version 10 is newer than version 9."""
    parse = TARGETS["event.version"].parse

    assert (str(parse(str(left))) < str(parse(str(right)))) == (left < right)


@given(st.sampled_from(sorted(TARGETS)), st.text(max_size=20))
def test_no_target_tells_a_value(target: str, value: str) -> None:
    """A parser answers, or raises a code of the catalogue and nothing else."""
    try:
        TARGETS[target].parse(value)
    except ValueError as error:
        assert str(error) in CATALOGUE  # noqa: PT017
