"""Places in the joined record, and what only several columns together say."""

import re
from pathlib import Path

import pytest

import bridge.sources
from bridge.domain.dates import Said
from bridge.errors.catalogue.emis import ENTRIES
from bridge.sources.emis import TRANSFORMS, parse_path
from bridge.sources.emis_record import JoinedRecord, joined
from bridge.sources.emis_shelf import kept_columns
from bridge.sources.record import Found
from tests.sources.emis_site import MAPPING

ROOM = Path(bridge.sources.__path__[0])
MODULES = [*sorted(ROOM.glob("emis*.py")), ROOM.parent / "pipeline" / "importing.py"]


def a_record(**parts: dict[str, str]) -> JoinedRecord:
    rows = {"Observation": {}} | parts
    return joined(rows, kind="referred", shape_is="bare-code", extracted_at="", position="row 2", clock="1")


@pytest.mark.parametrize("text", ["Observation.CodeId", "Author.ODSCode", "Joined.AuthoredOn", "Target"])
def test_a_place_is_a_column_of_a_joined_row(text: str) -> None:
    """Or what several columns say together, or a whole row to be ignored."""
    assert ".".join(part for part in parse_path(text) if part) == text


@pytest.mark.parametrize(
    "text", ["", "CodeId", "Observation.codeid", "Joined", "Joined.Nothing", "Nowhere.CodeId", "Observation."]
)
def test_a_place_that_is_none_is_refused_when_the_mapping_is_loaded(text: str) -> None:
    """A slip of the pen must not become a field that is always empty."""
    with pytest.raises(ValueError, match="not a column"):
        parse_path(text)


def test_a_column_has_one_value_and_a_row_none() -> None:
    """What is empty is not there."""
    record = a_record(Patient={"Surname": "Testperson"})

    assert record.get(("Patient", "Surname")) == [Found(value="Testperson", at="Patient.Surname")]
    assert record.get(("Patient", "Title")) == []
    assert record.get(("Patient", "")) == [Found(value=None, at="Patient")]
    assert record.get(("Practice", "")) == []


def test_several_columns_are_several_values_without_stray_spaces() -> None:
    """Names and addresses come with spaces in front and inside."""
    record = a_record(
        Patient={"GivenName": " Bea  Jo ", "Village": "Pretence", "NumberAndStreet": "1 Mill View"},
        Clinician={"Title": "Dr", "Surname": " Lindqvist"},
    )

    assert [f.value for f in record.get(("Joined", "GivenNames"))] == ["Bea Jo"]
    assert [f.value for f in record.get(("Joined", "AddressLines"))] == ["1 Mill View", "Pretence"]
    assert [f.value for f in record.get(("Joined", "ClinicianName"))] == ["Dr Lindqvist"]


def test_a_date_that_cannot_be_is_left_out_with_a_warning() -> None:
    """The referral goes on without it; the warning shows the shape of what stood there."""
    record = a_record(Observation={"EnteredDate": "31/12/2025", "EnteredTime": "10:00:00"})

    assert record.get(("Joined", "RecordedAt")) == []
    assert [(w.code, w.at, w.shape) for w in record.warnings] == [
        ("emis-date-shape", "Observation.EnteredDate", "99/99/9999")
    ]


@pytest.mark.parametrize(
    ("transform", "text", "said"),
    [
        ("emis_day", "1948-05-17", Said(text="1948-05-17")),
        ("emis_day", "1899-12-31", Said()),
        ("ods_if_one", " zz9901 ", Said(text="ZZ9901")),
        ("ods_if_one", "the hub, ask Jo", Said(warning="ods-code-shape")),
    ],
)
def test_what_only_emis_writes_so(transform: str, text: str, said: Said) -> None:
    """Null dates say nothing; a name in the place of an ODS code is left out, with a warning."""
    assert TRANSFORMS[transform](text) == said


def test_only_mapped_columns_are_held() -> None:
    """A bulk feed knows far more of a practice than a referral needs."""
    kept = kept_columns(MAPPING)

    assert {"Surname", "MiddleNames", "Village", "NhsNumber"} <= kept["Admin_Patient"]
    assert not kept["Admin_Patient"] & {"CarerName", "ContactComments", "PatientNumber", "PersonGuid"}
    assert not kept["CareRecord_Observation"] & {"Value", "Qualifiers", "DocumentGuid", "ProcessingId"}


def test_every_code_of_the_reader_is_explained_and_used() -> None:
    """A code without a next step helps nobody, and one that never comes misleads."""
    text = "".join(module.read_text(encoding="utf-8") for module in MODULES)
    used = set(re.findall(r'"(emis-[a-z0-9-]+)"', text))

    assert used == {code for code in ENTRIES if code.startswith("emis-")} - {"emis-date-shape"}
