"""The HL7 v2 reader: what one place means is golden; here is how it searches, and that nothing breaks it."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import binary, lists, sampled_from

from bridge.domain.dates import Said
from bridge.domain.referral import EventKind
from bridge.errors import Unreadable
from bridge.errors.catalogue import CATALOGUE
from bridge.sources import Reading, Source, load
from bridge.sources.apply import apply
from bridge.sources.guessing import guess
from bridge.sources.hl7v2 import TRANSFORMS, Hl7Record, Profile, parse_path, reader, records
from bridge.sources.hl7v2_places import PLACES
from bridge.sources.mapping import Mapping
from bridge.sources.told import told

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
REFERRALS = sorted(SHARED.glob("samples/hl7v2-ref/*.hl7"))
OTHERS = sorted(SHARED.glob("samples/hl7v2-other/*.txt"))
NO_SAMPLES = "the public samples lie beside the project on development machines only"
ARRIVED = datetime(2026, 11, 21, 12, tzinfo=UTC)

HEADER = "MSH|^~\\&|GPSYS|A99999|BRIDGE|SPL01|20260701093000||REF^I12|M1|P|2.4"
REFERRAL = "RF1|A|R||||SPR-7"
PERSON = "PID|1||9990000018^^^NHS^NH||Quillfeather^Ada||19510409|2"


@pytest.fixture(scope="module")
def source() -> Source:
    return load(ROOT / "mappings" / "sources")["hl7v2-ref"]


def message(*segments: str, header: str = HEADER) -> bytes:
    return ("\r".join((header, *segments)) + "\r").encode()


def record_of(*segments: str, profile: Profile | None = None, header: str = HEADER) -> Hl7Record:
    read = reader(profile).records if profile else records
    return next(read(message(*segments, header=header)))


def values(record: Hl7Record, place: str) -> list[str | None]:
    return [found.value for found in record.get(parse_path(place))]


def places(record: Hl7Record, place: str) -> list[str]:
    return [found.at for found in record.get(parse_path(place))]


def read(source: Source, body: bytes) -> Reading:
    return next(source.read(body, arrived=ARRIVED))


def test_a_path_gives_values_with_their_concrete_places() -> None:
    """Who mends the message is told which repetition of which segment."""
    record = record_of(REFERRAL, PERSON, "DG1|1||1^One^SCT", "DG1|2||2^Two^SCT")

    assert values(record, "DG1-3[3=SCT].2") == ["One", "Two"]
    assert places(record, "DG1-3[3=SCT].2") == ["DG1-3.2", "DG1[2]-3.2"]
    assert [found.group for found in record.get(parse_path("DG1-3.1"))] == ["DG1-3", "DG1[2]-3"]


def test_a_deleted_value_is_no_value() -> None:
    """Two quotes are an order to forget, not a text to send."""
    assert values(record_of(REFERRAL, 'PID|||||""^Ada'), "PID-5.1") == []


@pytest.mark.parametrize("notation", ["", "PID", "nhs-number", "PID-3[5=NH].1"])
def test_a_path_is_a_place_a_segment_or_a_name(notation: str) -> None:
    """Anything else stops the start of the service."""
    if notation:
        parse_path(notation)
    else:
        with pytest.raises(ValueError, match="HL7"):
            parse_path(notation)


def test_a_whole_segment_can_only_be_ignored() -> None:
    """It has no value of its own."""
    assert values(record_of(REFERRAL, PERSON), "PID") == []


@pytest.mark.parametrize("name", sorted(PLACES))
def test_every_search_survives_a_message_that_holds_nothing(name: str) -> None:
    """A sender may send a header and nothing else."""
    assert len(values(record_of(), name)) == (name == "event")


def test_the_event_is_over_where_the_referral_says_so() -> None:
    """Status and action code of RF1 outrank the trigger; the place that decided is told."""
    assert places(record_of("RF1|E"), "event") == ["RF1-1.1"]
    assert values(record_of("RF1|c^cancelled"), "event") == ["I14"]
    assert values(record_of("RF1|A" + "|" * 24 + "D"), "event") == ["I14"]
    assert values(record_of("RF1|A"), "event") == ["I12"]


@pytest.mark.parametrize(
    ("flag", "told"), [("Y", True), ("y", True), ("n", False), ("", False), ("1", "word-unknown")]
)
def test_a_death_is_heard_however_it_is_flagged(source: Source, flag: str, told: bool | str) -> None:  # noqa: FBT001
    """What is neither a yes nor a no is told: a referral of somebody who has died must not go on."""
    reading = read(source, message(REFERRAL, PERSON + "|" * 22 + flag))
    referral = reading.event.referral if reading.event else None

    assert (referral.patient.deceased if referral else reading.problems[0].code) == told


@pytest.mark.parametrize(
    "kind", ["ADT^A01", "ADT^A04", "ADT^A47", "ADT", "REF^I15", "RRI^I12", "ORU^R01", "REF", ""]
)
def test_whatever_is_no_referral_event_is_refused_in_its_place(kind: str) -> None:
    """Politely: the sender is told that this is not spoken here, and nothing else."""
    with pytest.raises(Unreadable) as refused:
        list(records(message(PERSON, header=HEADER.replace("REF^I12", kind))))

    assert [(p.code, p.at) for p in refused.value.problems] == [("hl7-event-not-supported", "MSH-9")]


def test_a_sender_may_name_its_referrals_in_a_place_of_its_own(tmp_path: Path) -> None:
    """A line of the mapping is enough; where it asks for the usual search, nothing to find is a problem."""
    usual = (ROOT / "mappings/sources/hl7v2-ref.toml").read_text("utf-8")
    own = usual.replace('event.record = { at = "referral-id" }', 'event.record = { at = "ZSP-2" }')
    (tmp_path / "norvic.toml").write_text(own, "utf-8")
    (tmp_path / "other.toml").write_text(usual, "utf-8")
    systems = load(tmp_path)
    body = message("RF1|A|R||||20260701", PERSON, "ZSP|1|NV-88213", "OBR|1|||^Social prescribing")
    norvic, other = read(systems["norvic"], body), read(systems["other"], body)

    assert norvic.event is not None
    assert (norvic.event.key.record, norvic.problems, norvic.warnings) == ("NV-88213", (), ())
    assert [problem.code for problem in other.problems] == ["hl7-no-referral-id"]
    assert [warning.code for warning in other.warnings] == ["hl7-date-as-id"]


def test_a_sender_may_have_triggers_of_its_own() -> None:
    """Its profile says which of the three they mean."""
    profile = Profile(triggers={"Z12": "I12", "O01": "I13"})

    assert values(record_of(profile=profile, header=HEADER.replace("REF^I12", "REF^Z12")), "event") == ["I12"]
    assert values(record_of(profile=profile, header=HEADER.replace("REF^I12", "ORM^O01")), "event") == ["I13"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"charset": "klingon"},
        {"zone": "Europe/Narnia"},
        {"nhs_numbers_at": ("PID",)},
        {"triggers": {"Z1": "A08"}},
    ],
)
def test_a_profile_with_a_wrong_name_in_it_stops_the_start(wrong: dict[str, Any]) -> None:
    """Not the first message of a sender that nobody watches."""
    with pytest.raises((LookupError, ValueError)):
        Profile(**wrong)


def test_a_profile_may_name_places_of_nhs_numbers_without_a_type() -> None:
    """Ten digits alone are never taken for an NHS number."""
    person = "PID|1||77^^^A99999^PI" + "|" * 16 + "9990000018"

    assert values(record_of(person), "nhs-number") == []
    assert values(record_of(person, profile=Profile(nhs_numbers_at=("PID-19",))), "nhs-number") == [
        "9990000018"
    ]


def test_a_profile_may_know_the_charset_better_than_the_header() -> None:
    """Some senders declare what they do not send."""
    raw = message(REFERRAL, "PID|||||Zoë", header=HEADER + "||||||8859/1")

    assert [
        f.value for r in reader(Profile(charset="utf-8")).records(raw) for f in r.get(parse_path("PID-5"))
    ] == ["Zoë"]


@pytest.mark.parametrize(
    ("profile", "sent", "meant"),
    [
        (Profile(), "20260701093000", "2026-07-01T09:30:00+01:00"),
        (Profile(), "20260701093000+0000", "2026-07-01T09:30:00+00:00"),
        (Profile(offset_is_a_lie=True), "20260701093000+0000", "2026-07-01T09:30:00+01:00"),
        (Profile(zone="UTC"), "20260701093000", "2026-07-01T09:30:00+00:00"),
        (Profile(zone="Europe/Paris"), "202607010930", "2026-07-01T09:30:00+02:00"),
        (Profile(zone="UTC"), "20260701093000.25^S", "2026-07-01T09:30:00.25+00:00"),
        (Profile(zone="UTC"), "20260701", "2026-07-01"),
    ],
)
def test_a_time_means_what_its_sender_means(profile: Profile, sent: str, meant: str) -> None:
    """An hour wrong is a missed call; an offset that is decoration is dropped only where a person said so."""
    assert reader(profile).transforms["hl7_time"](sent) == Said(text=meant)


@pytest.mark.parametrize(
    ("sent", "code"),
    [("2026-07-01", "hl7-time-shape"), ("20260701", "hl7-time-no-clock"), ("", "hl7-time-no-clock")],
)
def test_a_message_time_that_is_no_moment_gives_way_to_arrival(source: Source, sent: str, code: str) -> None:
    """A cancellation must not be lost for a clock; the doubt is told."""
    reading = read(source, message(REFERRAL, PERSON, header=HEADER.replace("20260701093000", sent)))

    assert reading.event is not None
    assert reading.event.clock == "t2026-11-21T12:00:00.000000"
    assert [(p.code, p.at) for p in reading.warnings] == [(code, "MSH-7")]


def test_two_sends_of_the_same_content_have_the_same_content_hash(source: Source) -> None:
    """A retransmission has a new MSH-7 and MSH-10 and must still be seen as a repeat."""
    again = HEADER.replace("20260701093000", "20260701094500").replace("|M1|", "|M2|")

    first, second = (read(source, message(REFERRAL, PERSON, header=h)).event for h in (HEADER, again))

    assert first is not None
    assert second is not None
    assert first.content == second.content
    assert first.clock < second.clock


def test_an_identifier_with_its_authority_is_not_the_same_without() -> None:
    """Two systems of one practice may count alike."""
    assert values(record_of("RF1||||||7^LEEDS"), "referral-id") == ["7^LEEDS"]
    assert values(record_of("RF1||||||7"), "referral-id") == ["7"]


def test_what_is_left_is_told_by_place_never_by_value() -> None:
    """A local segment's name is the sender's own word, so its position stands for it."""
    record = record_of(REFERRAL, PERSON, "ZAB|secret", "PV1|1|O", 'NTE|""')
    known = [parse_path(p) for p in ("MSH", "referral-id", "PID-5.1", "PID-3[5=NH].1", "NTE-3")]

    assert record.unused(known) == [
        "RF1-1",
        "RF1-2",
        "PID-1",
        "PID-3.4",
        "PID-5.2",
        "PID-7",
        "PID-8",
        "segment 4",
        "PV1",
    ]


def test_a_record_never_shows_its_content() -> None:
    """A repr ends in logs."""
    assert "Quillfeather" not in repr(record_of(REFERRAL, PERSON))


def test_a_cancellation_needs_its_key_and_nothing_else(source: Source) -> None:
    """A wrong birth date must not keep a withdrawn referral alive."""
    header = HEADER.replace("I12", "I14")

    reading = read(source, message(REFERRAL, PERSON.replace("19510409", "19651331"), header=header))

    assert reading.event is not None
    assert reading.event.kind is EventKind.CANCELLED
    assert [p.code for p in reading.warnings] == ["date-impossible"]


def test_a_large_message_is_read_in_one_go(source: Source) -> None:
    """Nine thousand comments are joined, none is cut, and the ledger does not compare each with each."""
    reading = read(source, message(REFERRAL, PERSON, *["NTE|1||word word word"] * 9000))

    assert reading.event is not None
    assert reading.event.referral is not None
    assert reading.event.referral.note.count("\n") == 8999


@pytest.mark.skipif(not REFERRALS, reason=NO_SAMPLES)
@pytest.mark.parametrize("sample", REFERRALS, ids=lambda path: path.stem)
def test_a_real_referral_is_read_right(sample: Path, source: Source) -> None:
    """Messages of version 2.8 that nobody on this project wrote."""
    reading = read(source, sample.read_bytes())

    assert reading.event is not None
    assert reading.event.referral is not None
    assert reading.event.kind is (EventKind.CANCELLED if "I14" in sample.stem else EventKind.REFERRED)
    assert reading.event.key.record == "226839^EPIC"
    assert reading.event.clock == "t2022-01-25T16:20:00.000000"
    assert reading.event.referral.patient.family == "EVERYMAN"
    assert reading.event.referral.patient.nhs_number is None
    assert reading.event.referral.requester.name == "DR ROBERT POWELL"
    assert reading.event.referral.priority == "routine"


@pytest.mark.skipif(not REFERRALS, reason=NO_SAMPLES)
@pytest.mark.parametrize("sample", REFERRALS, ids=lambda path: path.stem)
def test_nothing_of_a_real_referral_is_half_read(sample: Path, source: Source) -> None:
    """Held against what a person reads in it; what no rule takes is named."""
    reading = read(source, sample.read_bytes())
    assert reading.event is not None
    said = told(reading.event.referral)
    person = said["patient"]

    assert (person["given"], person["birth_date"], person["gender"]) == (["ADAM", "A"], "1961-06-15", "male")
    assert person["address"] == {
        "lines": ["115 MAINSTREET"],
        "town": "GOODTOWN",
        "county": "KY",
        "postcode": "42010",
    }
    assert [(each["use"], each["value"]) for each in person["telecoms"]] == [("home", "270 6009800")]
    assert (said["authored_on"], said["reason_text"]) == ("2022-01-25", "Provider Ordered")
    assert said["reasons"] == [{"text": "Ulcer of Intestine"}]
    assert said["note"].split("\n")[0] == "Referral to Specialist"
    assert [each["value"] for each in said["requester"]["telecoms"]] == ["(626)555-1234", "(626)555-7889"]
    assert (said["practice"]["name"], said["recipient"]["name"]) == (
        "GOOD HEALTH HOSPITAL",
        "RADIANT HEALTH HOSPITAL",
    )
    assert {"RF1-8", "PID-10", "OBX-5", "AL1"} <= set(reading.unmapped)


def test_a_message_is_what_its_header_says_whatever_its_file_is_called(tmp_path: Path) -> None:
    """Public collections hold an ADT in a file called ORU, and a 2.4 in one called 2.8."""
    systems = load(ROOT / "mappings" / "sources")
    named = tmp_path / "hl7-v2.8-oru-r01-1.json"
    named.write_bytes(message(REFERRAL, PERSON))

    assert guess(named, systems) == "hl7v2-ref"
    assert read(systems["hl7v2-ref"], named.read_bytes()).event is not None


@pytest.mark.skipif(not OTHERS, reason=NO_SAMPLES)
@pytest.mark.parametrize("sample", OTHERS, ids=lambda path: path.stem)
def test_a_real_message_of_another_kind_is_refused_in_its_place(sample: Path, source: Source) -> None:
    """It is no referral, and its sender learns so."""
    with pytest.raises(Unreadable, match="hl7-event-not-supported at MSH-9"):
        read(source, sample.read_bytes())


@cache
def _mapping() -> Mapping:
    return load(ROOT / "mappings" / "sources")["hl7v2-ref"].mapping


SEGMENTS = ["RF1", "PID", "PRD", "OBR", "OBX", "NTE", "ZZZ"]
MARKS = ["|", "||||", "^", "~", "&", "\\", "\r", '""']
WORDS = ["RP", "NH", "GMC", "FT", "9990000018", "20260701", "RESURREC", "@", "PRN", "W", "D", "C"]
hostile = lists(sampled_from(SEGMENTS + MARKS + WORDS), max_size=60).map(
    lambda parts: message("".join(parts))
)


@given(body=hostile | binary(max_size=80))
def test_any_message_becomes_readings_or_a_located_refusal(body: bytes) -> None:
    """Whatever stands where, the reader answers in problems."""
    try:
        found = [apply(record, _mapping(), arrived=ARRIVED) for record in records(body)]
    except Unreadable as refused:
        found = [Reading(problems=refused.problems)]

    told = [p for reading in found for p in (*reading.problems, *reading.warnings)]
    assert all((reading.event is None) == bool(reading.problems) for reading in found)
    assert all(p.code in CATALOGUE and p.at for p in told)


def test_every_name_of_the_format_is_documented() -> None:
    """Whoever writes a mapping finds each search and each transform on one page."""
    page = (ROOT / "docs" / "reference" / "hl7v2.md").read_text(encoding="utf-8")

    assert {name for name in (*PLACES, *TRANSFORMS) if f"`{name}`" not in page} == set()
