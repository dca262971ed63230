"""Adding a system is adding a file."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.domain.referral import EventKind
from bridge.errors import ConfigError
from bridge.sources import load
from bridge.sources.apply import Origin

SHIPPED = Path(__file__).resolve().parents[2] / "mappings" / "sources"
ARRIVED = datetime(2026, 11, 21, 12, tzinfo=UTC)

BLUEBELL = """version = 1
format = "json"
[fields]
event.kind = { at = "$.messageType", codes = "kind" }
event.record = { at = "$.payload.referralGuid" }
event.time = { at = "$.sentAt", transform = "uk_local_time" }
practice.ods = { at = "$.payload.org[kind=practice].code" }
patient.nhs_number = { at = "$.payload.person.ids[scheme=NHS].value", required = true }
patient.local_key = { at = "$.payload.person.ids[scheme=BLUEBELL].value" }
patient.family = { at = "$.payload.person.surname", required = true }
patient.given = { at = "$.payload.person.forenames" }
patient.birth_date = { at = "$.payload.person.dob", transform = "uk_date", required = true }
patient.gender = { at = "$.payload.person.sex", transform = "gender" }
patient.interpreter_required = { at = "$.payload.person.interpreter", transform = "yes_no" }
patient.phone_mobile = { at = "$.payload.person.contact[type=M].number" }
referral.requested.snomed = { at = "$.payload.request.code", codes = "request" }
referral.requested.text = { at = "$.payload.request.term" }
referral.priority = { at = ["$.payload.request.triage", "$.payload.request.urgency"], codes = "urgency" }
referral.priority_text = { at = "$.payload.request.urgency" }
referral.reasons.text = { at = "$.payload.request.reasons" }
referral.note = { at = "$.payload.request.notes.text" }
requester.name = { at = "$.payload.request.by.name" }
requester.organisation.ods = { at = "$.payload.org[kind=practice].code" }
[codes.kind]
"REF.NEW" = "referred"
"REF.AMEND" = "changed"
"REF.VOID" = "entered-in-error"
[codes.request]
"SP1" = "871731000000106"
[codes.urgency]
"1" = "urgent"
"9" = "routine"
[ignored]
"$.audit" = "who looked is not part of the referral"
"""

MESSAGE = {
    "messageType": "REF.NEW",
    "sentAt": "2026-07-05 09:30:00",
    "audit": {"viewedBy": "someone"},
    "payload": {
        "referralGuid": "{AA-17}",
        "org": [{"kind": "practice", "code": "a99999"}, {"kind": "pcn", "code": "U99999"}],
        "person": {
            "ids": [{"scheme": "BLUEBELL", "value": 4711}, {"scheme": "NHS", "value": "999 000 0018"}],
            "surname": "Quillfeather",
            "forenames": ["Ada", "Maud"],
            "dob": "09-Apr-1951",
            "sex": "F",
            "interpreter": "N",
            "contact": [{"type": "H", "number": "01632 960001"}, {"type": "M", "number": "07700 900001"}],
            "shoeSize": 5,
        },
        "request": {
            "code": "SP1",
            "term": "Social prescribing",
            "urgency": 1,
            "reasons": ["Lonely", "Housing"],
            "notes": [{"text": "first"}, {"text": "second"}],
            "by": {"name": "Dr Hartley"},
        },
    },
}


def test_a_system_nobody_has_seen_needs_one_file_and_no_python(tmp_path: Path) -> None:
    """Paths, named transforms and code tables are enough for any JSON that speaks of one referral."""
    (tmp_path / "bluebell.toml").write_text(BLUEBELL, encoding="utf-8")
    source = load(tmp_path, SHIPPED)["bluebell"]

    (reading,) = source.read(json.dumps(MESSAGE).encode(), arrived=ARRIVED)

    assert reading.problems == ()
    assert reading.event is not None
    assert reading.event.kind is EventKind.REFERRED
    assert (reading.event.key.source, reading.event.key.owner, reading.event.key.record) == (
        "bluebell",
        "A99999",
        "{AA-17}",
    )
    assert reading.event.clock == "t2026-07-05T08:30:00.000000"
    referral = reading.event.referral
    assert referral is not None
    assert referral.patient.nhs_number is not None
    assert referral.patient.nhs_number.digits == "9990000018"
    assert referral.patient.local_key == "4711"
    assert referral.patient.given == ("Ada", "Maud")
    assert referral.patient.birth_date == "1951-04-09"
    assert referral.patient.gender == "female"
    assert referral.patient.interpreter_required is False
    assert [t.value for t in referral.patient.telecoms] == ["07700 900001"]
    assert referral.requested.codings[0].code == "871731000000106"
    assert (referral.priority, referral.priority_text) == ("urgent", "1")
    assert [reason.text for reason in referral.reasons] == ["Lonely", "Housing"]
    assert referral.note == "first\nsecond"
    assert referral.requester.name == "Dr Hartley"


def test_what_it_sends_and_the_mapping_forgets_is_reported(tmp_path: Path) -> None:
    """Neither a field nor a person disappears silently, and no value is told."""
    (tmp_path / "bluebell.toml").write_text(BLUEBELL, encoding="utf-8")

    (reading,) = load(tmp_path)["bluebell"].read(json.dumps(MESSAGE).encode(), arrived=ARRIVED)

    assert reading.unmapped == (
        "$.payload.org.kind",
        "$.payload.org.code",
        "$.payload.person.contact.type",
        "$.payload.person.contact.number",
        "$.payload.person.{8: AAAAAAAA}",
    )


def test_each_value_can_be_traced_to_its_rule_and_place(tmp_path: Path) -> None:
    """An engineer sees which of several paths was used, without a value on the screen."""
    (tmp_path / "bluebell.toml").write_text(BLUEBELL, encoding="utf-8")

    (origins,) = load(tmp_path)["bluebell"].explain(json.dumps(MESSAGE).encode(), arrived=ARRIVED)

    assert (
        Origin(
            target="referral.priority",
            path="$.payload.request.urgency",
            at="$.payload.request.urgency",
        )
        in origins
    )
    assert (
        Origin(
            target="patient.phone_mobile",
            path="$.payload.person.contact[type=M].number",
            at="$.payload.person.contact[1].number",
        )
        in origins
    )


def test_the_site_has_the_last_word_on_a_shipped_system(tmp_path: Path) -> None:
    """Of two files with one name the first folder's counts."""
    own = (SHIPPED / "json-event.toml").read_text(encoding="utf-8").replace("version = 1", "version = 7")
    (tmp_path / "json-event.toml").write_text(own, encoding="utf-8")

    assert load(tmp_path, SHIPPED)["json-event"].version == "json-event@7"
    assert load(SHIPPED, tmp_path)["json-event"].version == "json-event@1"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A misspelt setting must not look like a site without systems."""
    with pytest.raises(ConfigError, match="mapping-no-folder"):
        load(tmp_path / "mapings")


def test_a_reader_of_another_package_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site with an odd envelope installs one module and edits nothing here."""
    (tmp_path / "odd_reader.py").write_text(
        "from bridge.sources.json_record import JsonRecord, parse_path\n"
        "TRANSFORMS = {'unbracket': lambda text: text.strip('{}')}\n"
        "def records(body):\n"
        "    yield JsonRecord(root={'id': body.decode(), 'kind': 'cancelled', 'practice': 'A99999'})\n",
        encoding="utf-8",
    )
    package = tmp_path / "odd-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1\n", encoding="utf-8")
    (package / "entry_points.txt").write_text("[bridge.sources]\nodd = odd_reader\n", encoding="utf-8")
    (tmp_path / "odd.toml").write_text(
        'version = 1\nformat = "odd"\n[fields]\n'
        'event.kind = { at = "$.kind" }\n'
        'event.record = { at = "$.id", transform = "unbracket" }\n'
        'practice.ods = { at = "$.practice" }\n',
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    (reading,) = load(tmp_path)["odd"].read(b"{AA-17}", arrived=ARRIVED)

    assert reading.event is not None
    assert reading.event.key.record == "AA-17"
    assert reading.event.clock == "t2026-11-21T12:00:00.000000"
