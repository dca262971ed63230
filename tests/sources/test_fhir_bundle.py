"""FHIR is read in code; its mapping holds spellings and codes."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConfigError, Unreadable
from bridge.errors.catalogue import CATALOGUE
from bridge.sources import Reading, Source, load
from bridge.sources.fhir_bundle import parse_path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(__file__).resolve().parents[2].parent / "shared"
ARRIVED = datetime(2026, 11, 21, 12, tzinfo=UTC)
SHIPPED = load(ROOT / "mappings" / "sources")


def example(system: str, case: str) -> dict[str, Any]:
    body = (ROOT / "fixtures" / system / case / "message.json").read_text(encoding="utf-8")
    return json.loads(body)  # type: ignore[no-any-return]


BUNDLE = example("fhir-r4", "bundle-with-patient-and-requester")
NOWHERE = example("fhir-r4", "what-goes-nowhere-is-named")


def read(source: Source, resource: object) -> Reading:
    (reading,) = source.read(json.dumps(resource).encode(), arrived=ARRIVED)
    return reading


def mapped(folder: Path, text: str, overlay: str = "") -> Source:
    (folder / "vendor.toml").write_text(f'version = 1\nformat = "fhir"\n{text}', encoding="utf-8")
    if overlay:
        (folder / "leeds.toml").write_text(overlay, encoding="utf-8")
    return load(folder)["vendor"]


def local_code(bundle: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = json.loads(json.dumps(bundle))
    code = {"coding": [{"system": "https://vendor.example/codes", "code": "SP1"}]}
    changed["entry"][0]["resource"]["code"] = code
    return changed


MEANING = '"https://vendor.example/codes|SP1" = "http://snomed.info/sct|871731000000106"\n'


def test_a_vendors_own_code_gets_our_meaning_and_stays(tmp_path: Path) -> None:
    """The mapped coding comes first, the source's own after it."""
    reading = read(mapped(tmp_path, f"[codes.meanings]\n{MEANING}"), local_code(BUNDLE))

    assert reading.event is not None
    assert reading.event.referral is not None
    assert [c.code for c in reading.event.referral.requested.codings] == ["871731000000106", "SP1"]


def test_a_practices_own_code_counts_for_that_practice_only(tmp_path: Path) -> None:
    """The practice is known once the message is read; then its overlay is used."""
    overlay = f'version = 4\nextends = "vendor"\npractices = ["A99999"]\n[codes.meanings]\n{MEANING}'
    source = mapped(tmp_path, '[codes.meanings]\n"a|1" = "b|2"\n', overlay)
    elsewhere = json.loads(json.dumps(local_code(BUNDLE)).replace("A99999", "B99999"))

    ours, others = read(source, local_code(BUNDLE)), read(source, elsewhere)

    assert (ours.mapping, others.mapping) == ("vendor@1+leeds@4", "vendor@1")
    assert ours.event is not None
    assert others.event is not None
    assert ours.event.content != others.event.content


def test_the_system_of_the_source_key_can_be_named(tmp_path: Path) -> None:
    """Of two identifiers the mapping says which one is the referral's."""
    two = example("fhir-r4", "two-business-identifiers")

    reading = read(mapped(tmp_path, '[codes.key]\nsystem = "https://b.example/Id"\n'), two)

    assert reading.event is not None
    assert (reading.event.key.owner, reading.event.key.record) == ("https://b.example/Id", "2")


def test_what_the_mapping_ignores_is_not_reported(tmp_path: Path) -> None:
    """A path covers all below it; an extension may be chosen by its url."""
    source = mapped(
        tmp_path,
        '[ignored]\n"ServiceRequest.locationCode" = "x"\n"Patient.maritalStatus" = "x"\n'
        '"Patient.extension[url=https://vendor.example/pets]" = "x"\n',
    )
    pets = json.loads(json.dumps(NOWHERE))
    pets["entry"][1]["resource"]["extension"] = [
        {"url": "https://vendor.example/pets", "valueString": "a dog"},
        {"url": "https://vendor.example/fish", "valueString": "a carp"},
    ]

    assert read(source, pets).unmapped == ("ServiceRequest.orderDetail", "Patient.photo", "Patient.extension")


@pytest.mark.parametrize(
    "text",
    [
        '[codes.aliases]\n"a" = "b"\n',
        '[codes.key]\nowner = "https://b.example/Id"\n',
        '[codes.meanings]\n"SP1" = "http://snomed.info/sct|871731000000106"\n',
        '[codes.meanings]\n"a|SP1" = "http://snomed.info/sct|1776011000006110"\n',
        '[fields]\npatient.family = { at = "Patient.name" }\n',
        '[ignored]\n"$.patient" = "x"\n',
    ],
)
def test_a_mapping_for_fhir_holds_what_its_reader_uses(tmp_path: Path, text: str) -> None:
    """A table or a field that nobody reads would be believed to work."""
    with pytest.raises(ConfigError) as refusal:
        mapped(tmp_path, text)

    assert [p.at.rpartition(":")[2] for p in refusal.value.problems] in (["4"], ["3"])


@pytest.mark.parametrize("path", ["Patient", "Patient.name.family", "Patient.extension[url=https://a.b/c]"])
def test_an_element_path_is_understood(path: str) -> None:
    """It is its own parsed form."""
    assert parse_path(path) == path


def test_two_requests_of_one_bundle_are_two_readings() -> None:
    """Each has its own place and its own key."""
    two = json.loads(json.dumps(BUNDLE))
    second = json.loads(json.dumps(two["entry"][0]))
    second["fullUrl"] = "urn:uuid:11111111-1111-4111-8111-000000000099"
    second["resource"]["identifier"][0]["value"] = "GF-78"
    two["entry"].append(second)

    readings = list(SHIPPED["fhir-r4"].read(json.dumps(two).encode(), arrived=ARRIVED))

    assert [r.position for r in readings] == ["Bundle.entry[0].resource", "Bundle.entry[5].resource"]
    assert [r.event.key.record if r.event else "" for r in readings] == ["GF-77", "GF-78"]


@given(st.sampled_from(["fhir-r4", "bars"]), st.data())
def test_a_damaged_message_is_read_or_refused_without_its_values(system: str, data: st.DataObject) -> None:
    """Whatever is cut out or put in, no other error reaches the door and no value is told."""
    case = {"fhir-r4": "bundle-with-patient-and-requester", "bars": "new-referral"}[system]
    damaged = example(system, case)
    node: Any = damaged
    for _ in range(data.draw(st.integers(0, 6))):
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(node[key], (dict, list)) or not node[key]:
            break
        node = node[key]
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    node[data.draw(st.sampled_from(keys))] = data.draw(
        st.sampled_from(["Zebedee", {"Zebedee": "Zebedee"}, ["Zebedee"], 7, True, {}, [None]])
    )
    try:
        readings = list(SHIPPED[system].read(json.dumps(damaged).encode(), arrived=ARRIVED))
    except Unreadable as refusal:
        told = list(refusal.problems)
    else:
        told = [p for r in readings for p in (*r.problems, *r.warnings)]
        assert "Zebedee" not in str([r.unmapped for r in readings])

    assert "Zebedee" not in str(told)
    assert {p.code for p in told} <= CATALOGUE.keys()


@pytest.mark.parametrize("name", ["REFREQ03", "REFREQ07", "SERVREQ01", "REFREQ8A", "VALRESP01"])
def test_a_published_message_is_read_or_refused_in_words_of_the_catalogue(name: str) -> None:
    """Messages that nobody here wrote find no unknown corner."""
    if not SHARED.exists():
        pytest.skip("the published BaRS messages are not on this machine")
    (file,) = (SHARED / "samples" / "bars").glob(f"{name}*.xml")

    (reading,) = SHIPPED["bars"].read(file.read_bytes(), arrived=ARRIVED)

    assert {p.code for p in (*reading.problems, *reading.warnings)} <= CATALOGUE.keys()


def test_the_published_referral_to_a_community_service_is_understood() -> None:
    """With an NHS number that holds, the nearest public kin of our message becomes a referral."""
    if not SHARED.exists():
        pytest.skip("the published BaRS messages are not on this machine")
    (file,) = (SHARED / "samples" / "bars").glob("REFREQ03*.xml")
    body = file.read_bytes().replace(b"3478526985", b"9990000018").replace(b"1.0.0-beta", b"1.1.0")

    (reading,) = SHIPPED["bars"].read(body, arrived=ARRIVED)

    assert reading.problems == ()
    assert reading.event is not None
    assert reading.event.referral is not None
    assert reading.event.referral.practice.ods is not None
    assert reading.event.referral.requested.codings[0].code == "2140231000000104"


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
def test_a_condition_the_sender_denies_is_no_reason(status: str) -> None:
    """It was looked into and is not so, or was noted by mistake: nobody is referred because of it."""
    said = json.dumps(example("bars", "new-referral"))
    before, after = (
        next(SHIPPED["bars"].read(body.encode(), arrived=ARRIVED)).event
        for body in (said, said.replace('"unconfirmed"', f'"{status}"'))
    )

    assert before is not None
    assert before.referral is not None
    assert before.referral.reason_text == "Lonely since her husband died"
    assert after is not None
    assert after.referral is not None
    assert after.referral.reason_text == ""
