"""Codes by each format: kept in one form beside the SNOMED CT code, or named with their place."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.domain import systems
from bridge.domain.referral import Concept
from bridge.errors import ConfigError
from bridge.sources import Reading, Source, load
from bridge.sources.apply import apply
from bridge.sources.emis_record import emis_local, emis_read, joined

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
ARRIVED = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONELY = "267076002"
HL7 = (ROOT / "mappings" / "sources" / "hl7v2-ref.toml").read_text(encoding="utf-8")
HL7_CODES = """referral.reasons.read2 = { at = "DG1-3[3=READ2].1" }
referral.reasons.ctv3 = { at = "DG1-3[3=CTV3].1" }
referral.reasons.emis = { at = "DG1-3[3=EMIS].1" }
"""
NAMES = {"read2": systems.READ_V2, "ctv3": systems.CTV3, "emis": systems.EMIS_LOCAL, "snomed": systems.SNOMED}
HL7_NAMES = {"read2": "READ2", "ctv3": "CTV3", "emis": "EMIS", "snomed": "SCT"}


def read(source: Source, body: bytes) -> Reading:
    """The one reading of a message."""
    (reading,) = source.read(body, arrived=ARRIVED)
    return reading


def by_json(_: Path, kind: str, code: str) -> Reading:
    """Our own event with that reason."""
    event = json.loads((FIXTURES / "json-event/only-what-is-needed/message.json").read_bytes())
    event["referral"]["reasons"] = [{kind: code, "text": "in words"}]
    return read(load(ROOT / "mappings" / "sources")["json-event"], json.dumps(event).encode())


def by_hl7v2(folder: Path, kind: str, code: str) -> Reading:
    """A sender whose copy of the mapping says how it names Read, CTV3 and EMIS codes."""
    text = HL7.replace("referral.reasons.text = {", HL7_CODES + "referral.reasons.text = {")
    (folder / "elm.toml").write_text(text, encoding="utf-8")
    message = (FIXTURES / "hl7v2-ref/referral-in-full/message.hl7").read_bytes()
    said = f"{code}^in words^{HL7_NAMES[kind]}"
    return read(load(folder)["elm"], message.replace(b"422650009^Social isolation^SCT", said.encode()))


def by_fhir(_: Path, kind: str, code: str) -> Reading:
    """A ServiceRequest with that reason."""
    name = FIXTURES / "fhir-r4/request-with-contained-patient/message.json"
    request: dict[str, Any] = json.loads(name.read_bytes())
    coding = {"system": NAMES[kind], "code": code}
    request["reasonCode"] = [{"coding": [coding], "text": "in words"}]
    return read(load(ROOT / "mappings" / "sources")["fhir-r4"], json.dumps(request).encode())


By = Callable[[Path, str, str], Reading]
FORMATS = [by_json, by_hl7v2, by_fhir]
PLACES = {
    by_json: "$.referral.reasons[0].{kind}",
    by_hl7v2: "DG1-3.1",
    by_fhir: "ServiceRequest.reasonCode[0].coding[0].code",
}


def reason_of(reading: Reading) -> tuple[list[tuple[str, str]], str]:
    """System and code of each coding of the first reason, and its words."""
    assert reading.event is not None, reading.problems
    assert reading.event.referral is not None
    referral = reading.event.referral
    reason = referral.reasons[0] if referral.reasons else Concept(text=referral.reason_text)
    return [(c.system, c.code) for c in reason.codings], reason.text


@pytest.mark.parametrize("by", FORMATS)
@pytest.mark.parametrize(
    ("kind", "code", "system", "form"),
    [
        ("snomed", LONELY, systems.SNOMED, LONELY),
        ("read2", "918a.00", systems.READ_V2, "918a."),
        ("read2", "918A.", systems.READ_V2, "918A."),
        ("ctv3", "XaaEC", systems.CTV3, "XaaEC"),
        ("ctv3", "Y1095", "", "Y1095"),
        ("emis", "EMISNQRE582", systems.EMIS_LOCAL, "EMISNQRE582"),
    ],
)
def test_a_code_is_kept_in_its_form(
    tmp_path: Path, by: By, kind: str, code: str, system: str, form: str
) -> None:
    """The same code of two senders is the same; its words stay beside it."""
    reading = by(tmp_path, kind, code)

    assert reason_of(reading) == ([(system, form)], "in words")
    told = [] if kind == "snomed" else [("code-unmapped", "referral.reasons[0]")]
    assert [(warning.code, warning.target) for warning in reading.warnings] == told


@pytest.mark.parametrize("by", FORMATS)
@pytest.mark.parametrize(
    ("kind", "code", "problem"),
    [
        ("read2", "8T09", "read-code-cut"),
        ("read2", "1E+10", "read-code-exponent"),
        ("read2", "8T.9.", "read-code-shape"),
        ("read2", "XaaEC", "ctv3-as-read-v2"),
        ("ctv3", "8T09.00", "read-v2-as-ctv3"),
        ("emis", "2.38451E+14", "emis-local-exponent"),
    ],
)
def test_a_damaged_code_of_the_source_is_named_and_left_out(
    tmp_path: Path, by: By, kind: str, code: str, problem: str
) -> None:
    """The referral goes on with the words; the warning has the place and never the code."""
    reading = by(tmp_path, kind, code)

    assert reason_of(reading) == ([], "in words")
    (warning,) = reading.warnings
    assert (warning.code, warning.at) == (problem, PLACES[by].format(kind=kind))  # type: ignore[index]
    assert code not in str(warning)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("8.71731E+14", "snomed-spreadsheet-exponent"),
        ("1362931000000100", "snomed-spreadsheet-rounded"),
        ("0871731000000106", "snomed-leading-zero"),
        ("96431000000106", "snomed-check-digit"),
        ("284596015", "snomed-description-as-concept"),
    ],
)
@pytest.mark.parametrize("by", FORMATS)
def test_a_damaged_snomed_code_is_named(tmp_path: Path, by: By, code: str, problem: str) -> None:
    """It stops an event that says what it is; FHIR has words beside every code and goes on with those."""
    reading = by(tmp_path, "snomed", code)

    named = reading.problems or reading.warnings
    assert [(p.code, p.at) for p in named] == [(problem, PLACES[by].format(kind="snomed"))]  # type: ignore[index]
    assert (reading.event is None) == (by is not by_fhir)


# Local codes of TPP, under the URI of a site


SYSTMONE = """version = 1
format = "json"
[systems]
tpp = "https://site.example/tpp-codes"
[fields]
event.kind = { at = "$.type" }
event.record = { at = "$.id" }
practice.ods = { at = "$.practice" }
referral.reasons.snomed = { at = "$.codes.ctv3", codes = "ours" }
referral.reasons.ctv3 = { at = "$.codes.ctv3" }
referral.reasons.text = { at = "$.codes.text" }
[codes.ours]
"Y1095" = "306238000"
"XM0Ct" = ""
"""


def test_a_local_code_of_tpp_stays_beside_the_code_it_is_mapped_to(tmp_path: Path) -> None:
    """Under the system that the mapping names; a national one of the same column under its own."""
    (tmp_path / "systmone.toml").write_text(SYSTMONE, encoding="utf-8")
    codes = [{"ctv3": "Y1095", "text": "Service involved"}, {"ctv3": "XM0Ct", "text": "Lives alone"}]
    message = {"type": "referred", "id": "1", "practice": "A99999", "codes": codes}

    reading = read(load(tmp_path)["systmone"], json.dumps(message).encode())

    assert reading.event is not None
    assert reading.event.referral is not None
    local, national = reading.event.referral.reasons
    assert [(c.system, c.code) for c in local.codings] == [
        (systems.SNOMED, "306238000"),
        ("https://site.example/tpp-codes", "Y1095"),
    ]
    assert [(c.system, c.code) for c in national.codings] == [(systems.CTV3, "XM0Ct")]


def test_fhir_puts_local_codes_of_tpp_under_the_same_system(tmp_path: Path) -> None:
    """What a sender calls CTV3 and is none; a meaning is found by the code in either spelling."""
    text = (ROOT / "mappings" / "sources" / "fhir-r4.toml").read_text(encoding="utf-8")
    text += """
[systems]
tpp = "https://site.example/tpp-codes"
[codes.meanings]
"http://read.info/readctv3|Y1095" = "http://snomed.info/sct|306238000"
"http://read.info/readv2|8HHB.00" = "http://snomed.info/sct|306238000"
"""
    (tmp_path / "vendor.toml").write_text(text, encoding="utf-8")
    request = json.loads((FIXTURES / "fhir-r4/request-with-contained-patient/message.json").read_bytes())
    request["reasonCode"] = [
        {"coding": [{"system": system, "code": code}]}
        for system, code in ((systems.CTV3, "Y1095"), (systems.READ_V2, "8HHB."))
    ]

    reading = read(load(tmp_path)["vendor"], json.dumps(request).encode())

    assert reading.event is not None
    assert reading.event.referral is not None
    assert [[(c.system, c.code) for c in r.codings] for r in reading.event.referral.reasons] == [
        [(systems.SNOMED, "306238000"), ("https://site.example/tpp-codes", "Y1095")],
        [(systems.SNOMED, "306238000"), (systems.READ_V2, "8HHB.")],
    ]


@pytest.mark.parametrize(
    "text",
    [
        SYSTMONE.replace("https://site.example/tpp-codes", "tpp codes"),
        SYSTMONE.replace("tpp =", "tbb ="),
        SYSTMONE.replace('"Y1095" = "306238000"', '"Y1095" = "30623800"'),
    ],
    ids=["no URI", "unknown", "damaged meaning"],
)
def test_what_a_mapping_says_of_codes_is_checked(tmp_path: Path, text: str) -> None:
    """At load, with its line."""
    (tmp_path / "systmone.toml").write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError) as refusal:
        load(tmp_path)
    assert all(":" in problem.at for problem in refusal.value.problems)


@pytest.mark.parametrize("token", ["http://read.info/readv2|8HHB", "http://read.info/readctv3|8HHB.00"])
def test_a_damaged_code_in_a_fhir_mapping_is_refused(tmp_path: Path, token: str) -> None:
    """No message could ever match it."""
    text = f'version = 1\nformat = "fhir"\n[codes.meanings]\n"{token}" = "http://snomed.info/sct|306238000"\n'
    (tmp_path / "vendor.toml").write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError) as refusal:
        load(tmp_path)
    assert [p.code for p in refusal.value.problems] == ["mapping-code"]


# EMIS


@pytest.mark.parametrize(
    ("term", "read_v2", "local"),
    [
        ("8T09", "8T09.", ""),  # the column has no dots
        ("8T09-1", "8T09.", ""),  # the first synonym
        ("A2", "A2...", ""),
        ("918a", "918a.", ""),
        ("EMISNQRE582", "", "EMISNQRE582"),
        ("^ESCTRE651604", "", "^ESCTRE651604"),
        ("EMIS1", "", "EMIS1"),
    ],
)
def test_the_read_column_of_emis_holds_two_kinds_of_code(term: str, read_v2: str, local: str) -> None:
    """Each says nothing of the other's."""
    assert (emis_read(term).text, emis_local(term).text) == (read_v2, local)


def emis(term: str) -> Reading:
    """An entry whose coding row has that ReadTermId."""
    parts: dict[str, dict[str, str]] = {
        "Observation": {
            "ObservationGuid": "8F9B0C1D-0000-0000-0000-000000000001",
            "OrganisationGuid": "8F9B0C1D-0000-0000-0000-00000000000A",
            "PatientGuid": "8F9B0C1D-0000-0000-0000-0000000000AA",
            "EffectiveDate": "2026-11-20",
            "EffectiveDatePrecision": "YMD",
        },
        "Patient": {"Surname": "Testfamily", "DateOfBirth": "1950-06-15", "Sex": "F"},
        "Practice": {"ODSCode": "A99999"},
        "Code": {"SnomedCTConceptId": "871731000000106", "Term": "Referral", "ReadTermId": term},
    }
    record = joined(
        parts,
        kind="referred",
        shape_is="bare-code",
        extracted_at="2026-11-21T00:00:00+00:00",
        position="CareRecord_Observation row 2",
        clock="1",
    )
    return apply(record, load(ROOT / "mappings" / "sources")["emis"].mapping, arrived=ARRIVED)


@pytest.mark.parametrize(
    ("term", "system", "form"),
    [("8T09-1", systems.READ_V2, "8T09."), ("EMISNQRE582", systems.EMIS_LOCAL, "EMISNQRE582")],
)
def test_the_codes_of_emis_stay_beside_the_snomed_code(term: str, system: str, form: str) -> None:
    """As a practice sees them in its own system."""
    reading = emis(term)

    assert reading.event is not None, reading.problems
    assert reading.event.referral is not None
    codings = reading.event.referral.requested.codings
    assert [(c.system, c.code) for c in codings] == [(systems.SNOMED, "871731000000106"), (system, form)]


def test_a_damaged_code_of_emis_is_named_and_the_referral_goes_on() -> None:
    """The SNOMED CT code is what counts."""
    reading = emis("8.0E+12")

    assert reading.event is not None
    (warning,) = reading.warnings
    assert (warning.code, warning.at) == (
        "emis-local-exponent",
        "CareRecord_Observation row 2, Code.ReadTermId",
    )
