"""Which rows refer, which change or end a referral, which wait, and which may not be kept at all."""

from pathlib import Path

import pytest

from bridge.domain import systems
from bridge.domain.referral import EventKind, Shape
from bridge.simulators import emis_coding
from bridge.sources.emis import Context
from bridge.store import Store
from bridge.store.held import get
from tests.sources.emis_site import (
    BACKGROUND,
    CODES,
    ELSEWHERE,
    GP,
    LONELY,
    OTHER_GP,
    PLACES,
    PRACTICE,
    SOCIAL,
    STAFF,
    agreement,
    consultation,
    deleted,
    file_of,
    guid,
    half,
    key,
    observation,
    patient,
    read,
    user,
    write,
)


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    return sqlite_store


async def test_a_record_with_both_halves_is_one_referral(store: Store, tmp_path: Path) -> None:
    """The code, date, author and text are in one table, urgency and recipient in the other."""
    came = await read(store, write(tmp_path / "1", patient(), observation(), half()))

    (reading,) = came.readings
    assert reading.event is not None
    referral = reading.event.referral
    assert referral is not None
    assert reading.position == "CareRecord_Observation row 2"
    assert (reading.event.kind, referral.shape, referral.priority) == (
        EventKind.REFERRED,
        Shape.RECORD,
        "routine",
    )
    assert referral.requested.code_in(systems.SNOMED) == "871731000000106"
    assert (referral.practice.name, referral.author.name) == ("Mockford Surgery", "Mockford Surgery")
    assert (referral.recipient.name, referral.recipient.ods) == ("Mockford Community Connectors", None)
    assert (referral.authored_on, str(referral.recorded_at)) == ("2026-03-01", "2026-03-01 10:15:00+00:00")
    assert referral.patient.given == ("Bea", "Ann")
    assert referral.patient.address is not None
    assert referral.patient.address.lines == ("Rose Cottage", "1 Mill View")
    assert referral.requester.name == "Dr Ada Lindqvist"
    assert referral.note == "Lives alone, would like company"
    assert reading.unmapped == ()


async def test_the_key_is_guid_and_organisation_in_one_spelling(store: Store, tmp_path: Path) -> None:
    """Some columns come without braces or in lower case; the same row must stay the same referral."""
    plain = guid("entry")[1:-1].lower()
    came = await read(store, write(tmp_path / "1", patient(), observation(ObservationGuid=plain), half()))

    event = came.readings[0].event
    assert event is not None
    assert (event.key.owner, event.key.record) == (key("practice"), key("entry"))
    assert event.referral is not None
    assert event.referral.shape is Shape.RECORD


async def test_a_bare_code_is_a_referral_without_half(store: Store, tmp_path: Path) -> None:
    """National counts are built on codes alone, so many practices write no referral record."""
    came = await read(store, write(tmp_path / "1", patient(), observation()))

    assert came.readings[0].event is not None
    assert came.readings[0].event.referral is not None
    assert came.readings[0].event.referral.shape is Shape.CODE


@pytest.mark.parametrize("code", ["offered", "seen", "closed"])
async def test_other_codes_of_social_prescribing_refer_nobody(
    store: Store, tmp_path: Path, code: str
) -> None:
    """Offered, seen and closed never trigger."""
    came = await read(store, write(tmp_path / "1", patient(), observation(code=code), half()))

    assert came.readings == []
    assert await store.read(lambda tx: get(tx, "emis.half", key("practice"), key("entry"))) is None


async def test_a_practice_may_add_a_trigger_of_its_own(store: Store, tmp_path: Path) -> None:
    """And no other practice has it then."""
    here = Context(by_practice={"ZZ9901": frozenset({LONELY.concept})})
    there = Context(by_practice={"ZZ9902": frozenset({LONELY.concept})})
    folder = write(tmp_path / "1", patient(), observation(code=LONELY.code_id))

    assert (await read(store, folder, context=there)).kinds == []
    assert (await read(store, folder, context=here)).kinds == ["referred"]


async def test_a_decline_carries_who_declined(store: Store, tmp_path: Path) -> None:
    """It withdraws what is open for the person, whatever its key."""
    came = await read(store, write(tmp_path / "1", patient(), observation(code="declined")))

    event = came.readings[0].event
    assert event is not None
    assert event.kind is EventKind.DECLINED
    assert event.referral is not None
    assert event.referral.patient.local_key == key("Bea")


# Halves, codes, patients and practices that come days apart


async def test_a_half_that_comes_first_waits_for_its_entry(store: Store, tmp_path: Path) -> None:
    """Each table is compared with yesterday's on its own, so the halves of one referral may come apart."""
    first = await read(store, write(tmp_path / "1", patient(), half(ReferralUrgency="Urgent")))
    second = await read(store, write(tmp_path / "2", observation(), day=3))

    assert first.kinds == []
    (reading,) = second.readings
    assert reading.event is not None
    assert reading.event.referral is not None
    assert (reading.event.kind, reading.event.referral.priority) == (EventKind.REFERRED, "urgent")


async def test_a_half_that_comes_later_changes_the_referral(store: Store, tmp_path: Path) -> None:
    """The key is the same, the version newer, the content other."""
    first = await read(store, write(tmp_path / "1", patient(), observation()))
    second = await read(store, write(tmp_path / "2", half(), day=3))

    before, after = first.readings[0].event, second.readings[0].event
    assert before is not None
    assert after is not None
    assert after.kind is EventKind.CHANGED
    assert (after.key, after.clock > before.clock, after.content != before.content) == (
        before.key,
        True,
        True,
    )
    assert after.referral is not None
    assert (after.referral.shape, after.referral.note) == (Shape.RECORD, "Lives alone, would like company")
    assert after.position == "CareRecord_ObservationReferral row 2"


async def test_a_change_of_the_entry_keeps_the_half_of_before(store: Store, tmp_path: Path) -> None:
    """A change of one table does not send the other again."""
    await read(store, write(tmp_path / "1", patient(), observation(), half()))
    came = await read(store, write(tmp_path / "2", observation(AssociatedText="New text"), day=3))

    event = came.readings[0].event
    assert event is not None
    assert event.referral is not None
    assert (event.kind, event.referral.note, event.referral.priority) == (
        EventKind.CHANGED,
        "New text",
        "routine",
    )


async def test_a_change_of_both_halves_is_told_once(store: Store, tmp_path: Path) -> None:
    """Else the service would get two changes for one."""
    await read(store, write(tmp_path / "1", patient(), observation(), half()))
    changed = (observation(AssociatedText="New text"), half(ReferralUrgency="Urgent"))
    came = await read(store, write(tmp_path / "2", *changed, day=3))

    assert came.kinds == ["changed"]


async def test_a_row_sent_again_says_the_same(store: Store, tmp_path: Path) -> None:
    """A re-bulk has new processing ids; its content must hash as the first time."""
    rows = (patient(), observation(), half())
    first = await read(store, write(tmp_path / "1", *rows))
    again = await read(store, write(tmp_path / "2", *rows, day=3))
    third = await read(store, write(tmp_path / "3", *rows, day=4))

    told = [came.readings[0].event for came in (first, again, third)]
    assert [event.kind.value for event in told if event] == ["referred", "changed", "changed"]
    assert len({event.content for event in told if event}) == 1


async def test_an_entry_waits_for_the_row_of_its_code_and_then_has_its_half(
    store: Store, tmp_path: Path
) -> None:
    """A code can be used before it is in the coding table; both halves wait until it is explained."""
    late = emis_coding.late(1)
    first = await read(store, write(tmp_path / "1", patient(), observation(code=late.code_id), half()))
    second = await read(store, write(tmp_path / "2", ("Coding_ClinicalCode", late.row()), day=3))

    assert (first.kinds, first.counts["waiting: emis-code-unknown"]) == ([], 1)
    (reading,) = second.readings
    assert reading.event is not None
    assert reading.event.referral is not None
    assert (reading.event.kind, reading.event.referral.shape) == (EventKind.REFERRED, Shape.RECORD)
    assert reading.position == "CareRecord_Observation row 2, extract 20260302021500"


async def test_an_entry_whose_code_turns_out_to_be_another_is_dropped(store: Store, tmp_path: Path) -> None:
    """Nothing of an entry that refers nobody stays here."""
    late = emis_coding.ClinicalCode(code_id="4099999999119", concept="73438004", term="x", category="x")
    await read(store, write(tmp_path / "1", patient(), observation(code=late.code_id)))
    came = await read(store, write(tmp_path / "2", ("Coding_ClinicalCode", late.row()), day=3))

    assert came.kinds == []
    assert await store.read(lambda tx: get(tx, "emis.waiting", key("practice"), key("entry"))) is None


async def test_an_entry_waits_for_its_patient(store: Store, tmp_path: Path) -> None:
    """A referral without a person cannot be sent, and must not be lost."""
    first = await read(store, write(tmp_path / "1", observation(), half()))
    second = await read(store, write(tmp_path / "2", patient(), day=3))

    assert first.counts["waiting: emis-patient-unknown"] == 1
    assert second.kinds == ["referred"]


async def test_an_entry_waits_for_its_practice(store: Store, tmp_path: Path) -> None:
    """Which codes refer is the practice's choice, so nothing can be said before it is known."""
    nowhere = (agreement(), *PLACES[1:], *STAFF, *CODES)
    first = await read(store, write(tmp_path / "1", patient(), observation(), background=nowhere))
    second = await read(store, write(tmp_path / "2", day=3))

    assert first.counts["waiting: emis-practice-unknown"] == 1
    assert second.kinds == ["referred"]


# Deletes


async def test_a_deleted_row_of_keys_alone_cancels(store: Store, tmp_path: Path) -> None:
    """What it was is known from before."""
    await read(store, write(tmp_path / "1", patient(), observation(), half()))
    came = await read(store, write(tmp_path / "2", deleted(), day=3))

    event = came.readings[0].event
    assert event is not None
    assert (event.kind, event.referral, came.would_cancel) == (EventKind.CANCELLED, None, 1)
    assert await store.read(lambda tx: get(tx, "emis.observation", key("practice"), key("entry"))) is None


async def test_a_delete_is_told_once(store: Store, tmp_path: Path) -> None:
    """A re-bulk may repeat it."""
    await read(store, write(tmp_path / "1", patient(), observation()))
    await read(store, write(tmp_path / "2", deleted(), day=3))
    came = await read(store, write(tmp_path / "3", deleted(), day=4))

    assert (came.kinds, came.counts["deleted-again"]) == ([], 1)


async def test_a_delete_of_something_never_seen_is_normal(store: Store, tmp_path: Path) -> None:
    """Most deleted rows never concerned anybody here."""
    came = await read(store, write(tmp_path / "1", patient(), deleted("never seen")))

    assert (came.kinds, came.counts["deleted-unknown"]) == ([], 1)


async def test_a_delete_while_it_waits_ends_the_waiting(store: Store, tmp_path: Path) -> None:
    """A referral taken back before it could be told must never be told."""
    await read(store, write(tmp_path / "1", observation(), half()))
    second = await read(store, write(tmp_path / "2", deleted(), day=3))
    third = await read(store, write(tmp_path / "3", patient(), day=4))

    assert second.counts["deleted-before-it-was-told"] == 1
    assert (second.kinds, third.kinds) == ([], [])


@pytest.mark.parametrize(
    "leaving",
    [
        {"Deleted": "true"},
        {"DateOfDeactivation": "2026-03-02"},
        {"DateOfDeath": "2026-03-02"},
    ],
)
async def test_a_delete_of_someone_who_left_is_no_cancellation(
    store: Store, tmp_path: Path, leaving: dict[str, str]
) -> None:
    """Rolling deletes follow a year after leaving or death: out of scope, not taken back."""
    await read(store, write(tmp_path / "1", patient(), observation()))
    left = await read(store, write(tmp_path / "2", patient(**leaving), day=3))
    came = await read(store, write(tmp_path / "3", deleted(), day=4))

    assert [left.kinds, came.kinds] == [[], []]
    assert (came.counts["out-of-scope"], came.would_cancel) == (1, 0)


async def test_leaving_and_delete_in_one_extract_is_no_cancellation(store: Store, tmp_path: Path) -> None:
    """Nor is it counted as one beforehand."""
    await read(store, write(tmp_path / "1", patient(), observation()))
    came = await read(store, write(tmp_path / "2", patient(Deleted="true"), deleted(), day=3))

    assert (came.kinds, came.would_cancel) == ([], 0)


async def test_an_entry_given_another_code_cancels(store: Store, tmp_path: Path) -> None:
    """The clinician corrected it: the record no longer says that it refers."""
    await read(store, write(tmp_path / "1", patient(), observation()))
    came = await read(store, write(tmp_path / "2", observation(code=LONELY.code_id), day=3))

    assert (came.kinds, came.would_cancel) == (["cancelled"], 1)


async def test_an_entry_turned_into_a_decline_declines(store: Store, tmp_path: Path) -> None:
    """Under the same key."""
    await read(store, write(tmp_path / "1", patient(), observation()))
    came = await read(store, write(tmp_path / "2", observation(code="declined"), day=3))

    assert (came.kinds, came.would_cancel) == (["declined"], 0)


async def test_a_decline_that_is_removed_is_shown_to_a_person(store: Store, tmp_path: Path) -> None:
    """The referral it withdrew may have to stand again; nobody can tell automatically."""
    await read(store, write(tmp_path / "1", patient(), observation(code="declined")))
    came = await read(store, write(tmp_path / "2", deleted(), day=3))

    assert came.kinds == ["emis-decline-removed"]


async def test_an_objection_is_told_and_told_back_when_it_is_taken_out(store: Store, tmp_path: Path) -> None:
    """It stands while its entry does."""
    first = await read(store, write(tmp_path / "1", patient(), observation(code="objected")))
    came = await read(store, write(tmp_path / "2", deleted(), day=3))

    assert (first.kinds, came.kinds) == (["objected"], ["cancelled"])


async def test_an_older_row_in_the_same_table_is_ignored(store: Store, tmp_path: Path) -> None:
    """ProcessingId says in which order rows are meant, whatever their order in the file."""
    folder = write(
        tmp_path / "1", patient(), observation(AssociatedText="one"), observation(AssociatedText="two")
    )
    file = file_of(folder, "CareRecord_Observation")
    header, one, two = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(header + two + one)

    came = await read(store, folder)

    (reading,) = came.readings
    assert reading.event is not None
    assert reading.event.referral is not None
    assert (reading.event.referral.note, came.counts["older-row"]) == ("two", 1)


# Confidentiality


@pytest.mark.parametrize(
    ("flag", "reason"),
    [
        ("IsConfidential", "confidential-patient"),
        ("SpineSensitive", "s-flag"),
        ("DummyType", "dummy-patient"),
    ],
)
async def test_nothing_is_kept_of_a_flagged_patient(
    store: Store, tmp_path: Path, flag: str, reason: str
) -> None:
    """Counted, and only the mark stays that makes later rows stop too."""
    first = await read(
        store, write(tmp_path / "1", patient(**{flag: "true"}), observation("one"), half("one"))
    )
    later = await read(store, write(tmp_path / "2", observation("two"), half("two"), day=3))

    kept = await store.read(lambda tx: get(tx, "emis.patient", key("practice"), key("Bea")))
    assert kept is not None
    assert kept.fields == {"Withheld": reason}
    assert (first.kinds, later.kinds) == ([], [])
    assert [facts.withheld for facts in first.people] == [True]
    assert (first.counts[reason], later.counts[reason]) == (2, 1)
    for record in ("one", "two"):
        for kind in ("emis.observation", "emis.half", "emis.waiting"):
            name = key(record)
            assert await store.read(lambda tx, k=kind, n=name: get(tx, k, key("practice"), n)) is None


async def test_a_patient_flagged_later_is_forgotten(store: Store, tmp_path: Path) -> None:
    """What was held goes, and whoever sends is told in the person's facts."""
    await read(store, write(tmp_path / "1", patient(), observation(), half()))
    came = await read(store, write(tmp_path / "2", patient(SpineSensitive="true"), day=3))

    (facts,) = came.people
    assert (facts.local_key, facts.withheld, facts.nhs_number) == (key("Bea"), True, None)
    assert await store.read(lambda tx: get(tx, "emis.observation", key("practice"), key("entry"))) is None


async def test_a_delete_keeps_the_mark_of_a_flagged_patient(store: Store, tmp_path: Path) -> None:
    """A row of keys says nothing of flags; the mark must not be lost by it."""
    keys = {"PatientGuid": guid("Bea"), "OrganisationGuid": PRACTICE, "Deleted": "true"}
    await read(store, write(tmp_path / "1", patient(IsConfidential="true")))
    await read(store, write(tmp_path / "2", ("Admin_Patient", keys), day=3))
    came = await read(store, write(tmp_path / "3", observation(), day=4))

    assert (came.kinds, came.counts["confidential-patient"]) == ([], 1)


async def test_a_confidential_entry_is_counted_only(store: Store, tmp_path: Path) -> None:
    """With its half."""
    came = await read(store, write(tmp_path / "1", patient(), observation(IsConfidential="TRUE"), half()))

    assert (came.kinds, came.counts["confidential-entry"]) == ([], 1)
    assert await store.read(lambda tx: get(tx, "emis.half", key("practice"), key("entry"))) is None


async def test_a_confidential_consultation_covers_entries_of_later_days(store: Store, tmp_path: Path) -> None:
    """The consultation is not sent again with an entry that is added to it."""
    visit = {"ConsultationGuid": guid("visit")}
    await read(store, write(tmp_path / "1", patient(), consultation(IsConfidential="true")))
    came = await read(store, write(tmp_path / "2", observation(**visit), day=3))
    await read(store, write(tmp_path / "3", consultation(), day=4))
    opened = await read(store, write(tmp_path / "4", observation(**visit), day=5))

    assert (came.kinds, came.counts["confidential-consultation"]) == ([], 1)
    assert opened.kinds == ["referred"]


async def test_an_entry_made_confidential_later_is_forgotten_and_shown(store: Store, tmp_path: Path) -> None:
    """The service may hold it already: a person decides, by place and never by name."""
    await read(store, write(tmp_path / "1", patient(), observation()))
    came = await read(store, write(tmp_path / "2", observation(IsConfidential="true"), day=3))
    again = await read(store, write(tmp_path / "3", observation(IsConfidential="true"), day=4))

    assert (came.kinds, again.kinds) == (["emis-became-confidential"], [])
    assert came.readings[0].position == "CareRecord_Observation row 2"


async def test_a_consultation_made_confidential_later_covers_its_entries(
    store: Store, tmp_path: Path
) -> None:
    """The entry itself is not sent again."""
    visit = {"ConsultationGuid": guid("visit")}
    await read(store, write(tmp_path / "1", patient(), consultation(), observation(**visit)))
    came = await read(store, write(tmp_path / "2", consultation(IsConfidential="true"), day=3))

    assert came.kinds == ["emis-became-confidential"]


# Agreements, authors, dates


async def test_rows_of_a_practice_whose_agreement_is_off_are_left_alone(store: Store, tmp_path: Path) -> None:
    """Its extract then deletes everything: an outage, never a mass delete."""
    off = (agreement(Disabled="true"), *BACKGROUND[1:])
    await read(store, write(tmp_path / "1", patient(), observation(), half()))
    gone = {"PatientGuid": guid("Bea"), "OrganisationGuid": PRACTICE, "Deleted": "true"}
    rows = (("Admin_Patient", gone), deleted(), half(), consultation(IsConfidential="true"))
    came = await read(store, write(tmp_path / "2", *rows, background=off, day=3))

    assert (came.kinds, came.people, came.would_cancel) == ([], [], 0)
    assert came.counts["agreement-off"] == 4
    assert [p.code for p in came.survey.problems] == ["emis-agreement-off"]
    assert came.survey.off == {key("practice")}


async def test_the_author_is_where_the_clinician_works(store: Store, tmp_path: Path) -> None:
    """A record that came with the patient was written elsewhere, and is not this practice's referral."""
    came = await read(store, write(tmp_path / "1", patient(), observation(ClinicianUserInRoleGuid=OTHER_GP)))

    event = came.readings[0].event
    assert event is not None
    assert event.referral is not None
    assert (str(event.referral.author.ods), str(event.referral.practice.ods)) == ("ZZ9902", "ZZ9901")


async def test_a_clinician_of_two_organisations_is_left_out(store: Store, tmp_path: Path) -> None:
    """Staff keys are not unique across organisations: no author is better than the wrong one."""
    third = guid("third")
    twice = (user(third, PLACES[1][1]["OrganisationGuid"], "One"), user(third, guid("far away"), "Two"))
    row = observation(ClinicianUserInRoleGuid=third)
    came = await read(store, write(tmp_path / "1", *twice, patient(), row))

    (reading,) = came.readings
    assert reading.event is not None
    assert reading.event.referral is not None
    assert (reading.event.referral.requester.name, reading.event.referral.author.name) == ("", "")
    assert [w.code for w in reading.warnings] == ["emis-staff-ambiguous"]


async def test_a_clinician_key_used_twice_means_the_entrys_own_organisation(
    store: Store, tmp_path: Path
) -> None:
    """GUIDs are unique inside an organisation."""
    came = await read(
        store,
        write(tmp_path / "1", user(GP, PLACES[1][1]["OrganisationGuid"], "Other"), patient(), observation()),
    )

    event = came.readings[0].event
    assert event is not None
    assert event.referral is not None
    assert event.referral.requester.name == "Dr Ada Lindqvist"


@pytest.mark.parametrize(
    ("day", "precision", "said"),
    [
        ("2026-03-01", "YMD", "2026-03-01"),
        ("2026-03-01", "YM", "2026-03"),
        ("2026-01-01", "Y", "2026"),
        ("2026-03-01", "U", ""),
        ("1899-12-31", "YMD", ""),
        ("2025-07-01 09:30:00", "YMDT", "2025-07-01T09:30:00+01:00"),
        ("2026-02-30", "YMD", ""),
        ("", "", ""),
    ],
)
async def test_a_date_says_no_more_than_its_precision(
    store: Store, tmp_path: Path, day: str, precision: str, said: str
) -> None:
    """The day is padded: without the precision the first of January would be invented."""
    row = observation(EffectiveDate=day, EffectiveDatePrecision=precision)
    came = await read(store, write(tmp_path / "1", patient(), row))

    event = came.readings[0].event
    assert event is not None
    assert event.referral is not None
    assert event.referral.authored_on == said


async def test_a_patient_who_left_is_told_and_keeps_no_details(store: Store, tmp_path: Path) -> None:
    """Out of scope: not registered any more, which the last look before sending must know."""
    await read(store, write(tmp_path / "1", patient()))
    keys = {"PatientGuid": guid("Bea"), "OrganisationGuid": PRACTICE, "Deleted": "true"}
    came = await read(store, write(tmp_path / "2", ("Admin_Patient", keys), day=3))

    (facts,) = came.people
    assert (facts.registered, facts.deceased, facts.practice) == (False, False, "ZZ9901")
    assert facts.nhs_number is not None
    assert facts.nhs_number.digits == "9990000018"
    kept = await store.read(lambda tx: get(tx, "emis.patient", key("practice"), key("Bea")))
    assert kept is not None
    assert set(kept.fields) == {"PatientGuid", "OrganisationGuid", "Deleted"}


async def test_every_patient_row_gives_the_facts_for_the_last_look(store: Store, tmp_path: Path) -> None:
    """Also of people nobody refers: they may be referred tomorrow."""
    came = await read(
        store,
        write(tmp_path / "1", patient("Ada"), patient("Bob", DateOfDeath="2026-02-01", NhsNumber="12345")),
    )

    assert [(f.local_key, f.registered, f.deceased, f.nhs_number is None) for f in came.people] == [
        (key("Ada"), True, False, False),
        (key("Bob"), True, True, True),
    ]
    assert {f.known_at.isoformat() for f in came.people} == {"2026-03-02T00:00:00+00:00"}


async def test_an_urgency_nobody_explained_stops_the_referral(store: Store, tmp_path: Path) -> None:
    """A word we do not know may mean at once: a person says what it means, in the mapping."""
    came = await read(store, write(tmp_path / "1", patient(), observation(), half(ReferralUrgency="Crash")))

    (reading,) = came.readings
    assert [(p.code, p.target, p.shape) for p in reading.problems] == [
        ("code-not-in-table", "referral.priority", "AAAAA")
    ]
    assert SOCIAL["referral"].concept == "871731000000106"


# What nothing came of yet


async def test_a_corrected_number_brings_the_referral_without_a_new_entry(
    store: Store, tmp_path: Path
) -> None:
    """The fix is made in the patient's row, and the entry is not sent again for it."""
    first = await read(store, write(tmp_path / "1", patient(NhsNumber="9990000019"), observation(), half()))
    same = await read(store, write(tmp_path / "2", patient(NhsNumber="9990000019"), observation(), day=3))
    mended = await read(store, write(tmp_path / "3", patient(), day=4))
    after = await read(store, write(tmp_path / "4", patient(), day=5))

    assert [came.kinds for came in (first, same, mended, after)] == [
        ["nhs-number-check-digit"],
        [],
        ["referred"],
        [],
    ]
    assert mended.readings[0].position == "CareRecord_Observation row 2, extract 20260303021500"


async def test_what_a_person_has_to_look_at_is_told_again_only_when_it_says_else(
    store: Store, tmp_path: Path
) -> None:
    """The pipeline parked it and remembers no key; a list that doubles every night is read by nobody."""
    rows = (patient(NhsNumber=""), observation())
    first = await read(store, write(tmp_path / "1", *rows), remember=False)
    again = await read(store, write(tmp_path / "2", *rows, day=3), remember=False)
    mended = await read(store, write(tmp_path / "3", patient(), day=4), remember=False)

    assert [came.kinds for came in (first, again, mended)] == [["referred"], [], ["referred"]]


async def test_a_change_that_could_not_be_told_is_told_once_it_can(store: Store, tmp_path: Path) -> None:
    """The correction stands in the patient's row, and the entry is not sent again for it either."""
    first = await read(store, write(tmp_path / "1", patient(), observation(), half()))
    wrong = (patient(NhsNumber="9990000019"), observation(AssociatedText="Now urgent"))
    told = await read(store, write(tmp_path / "2", *wrong, day=3))
    same = await read(store, write(tmp_path / "3", *wrong, day=4))
    mended = await read(store, write(tmp_path / "4", patient(), day=5))
    after = await read(store, write(tmp_path / "5", patient(), day=6))

    assert [came.kinds for came in (first, told, same, mended, after)] == [
        ["referred"],
        ["nhs-number-check-digit"],
        [],
        ["changed"],
        [],
    ]
    event = mended.readings[0].event
    assert event is not None
    assert event.referral is not None
    assert event.referral.note == "Now urgent"


async def test_patients_of_an_unknown_practice_are_told_as_a_problem(store: Store, tmp_path: Path) -> None:
    """Without its ODS code nobody can say whose facts they are."""
    nowhere = (agreement(), *PLACES[1:], *STAFF, *CODES)
    came = await read(store, write(tmp_path / "1", patient("Ada"), patient("Bob"), background=nowhere))

    assert came.people == []
    assert [str(p) for p in came.problems] == ["emis-practice-unknown at Admin_Patient row 2"]


# Two practices, and extracts in another order


async def test_one_guid_at_two_practices_is_two_entries(store: Store, tmp_path: Path) -> None:
    """GUIDs are unique inside an organisation only: neither may hide that the other waits."""
    there = {"OrganisationGuid": ELSEWHERE}
    entries = (observation(), observation(**there, ClinicianUserInRoleGuid=OTHER_GP))
    waits = await read(store, write(tmp_path / "1", *entries, half(), half(**there)))
    told = await read(store, write(tmp_path / "2", patient(), patient(**there), day=3))
    ended = await read(store, write(tmp_path / "3", deleted(), patient(**there, Deleted="true"), day=4))

    assert (waits.kinds, waits.counts["waiting: emis-patient-unknown"]) == ([], 2)
    assert told.kinds == ["referred", "referred"]
    assert {r.event.key.owner for r in told.readings if r.event} == {key("practice"), key("elsewhere")}
    assert (ended.kinds, ended.would_cancel) == (["cancelled"], 1)


async def test_a_private_consultation_covers_its_own_practices_entry(store: Store, tmp_path: Path) -> None:
    """Where both practices hold it under one GUID, each says for itself whether it is confidential."""
    there = {"OrganisationGuid": ELSEWHERE}
    visit = {"ConsultationGuid": guid("visit")}
    entries = (observation(**visit), observation(**visit, **there, ClinicianUserInRoleGuid=OTHER_GP))
    await read(store, write(tmp_path / "1", patient(), patient(**there), *entries))
    came = await read(store, write(tmp_path / "2", consultation(IsConfidential="true"), day=3))

    assert came.kinds == ["emis-became-confidential"]
    assert await store.read(lambda tx: get(tx, "emis.observation", key("practice"), key("entry"))) is None
    assert await store.read(lambda tx: get(tx, "emis.observation", key("elsewhere"), key("entry")))


@pytest.mark.parametrize(
    "older", [{"DateOfDeactivation": "2026-02-01"}, {"Deleted": "true"}, {"IsConfidential": "true"}]
)
async def test_an_extract_let_through_late_says_nothing_of_people(
    store: Store, tmp_path: Path, older: dict[str, str]
) -> None:
    """Who came back since has not left: an older word would take their referral back."""
    await read(store, write(tmp_path / "1", patient(), observation(), day=3))
    came = await read(store, write(tmp_path / "2", patient(**older), day=2))

    assert (came.people, came.counts["older-row"]) == ([], 1)
    assert await store.read(lambda tx: get(tx, "emis.observation", key("practice"), key("entry")))


async def test_of_two_rows_of_a_patient_in_one_extract_the_later_counts(store: Store, tmp_path: Path) -> None:
    """ProcessingId orders rows, not their place in the file."""
    folder = write(tmp_path / "1", patient(DateOfDeactivation="2026-02-01"), patient())
    file = file_of(folder, "Admin_Patient")
    header, left, back = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(header + back + left)
    came = await read(store, folder)

    assert [who.registered for who in came.people] == [True]


async def test_an_extract_let_through_late_makes_no_consultation_public(store: Store, tmp_path: Path) -> None:
    """It was not confidential yet on that day."""
    await read(store, write(tmp_path / "1", consultation(IsConfidential="true"), day=3))
    await read(store, write(tmp_path / "2", consultation(), day=2))
    visit = observation(ConsultationGuid=guid("visit"))
    came = await read(store, write(tmp_path / "3", patient(), visit, day=4))

    assert (came.kinds, came.counts["confidential-consultation"]) == ([], 1)


async def test_a_day_in_the_year_9999_is_none(store: Store, tmp_path: Path) -> None:
    """It is written where an end is not known; nobody has died or left by it."""
    never = {"DateOfDeath": "9999-12-31", "DateOfDeactivation": "9999-12-31"}
    came = await read(store, write(tmp_path / "1", patient(**never), observation()))

    assert [(who.registered, who.deceased) for who in came.people] == [(True, False)]
    assert came.kinds == ["referred"]
