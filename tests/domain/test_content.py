"""The content hash tells a repeat from a change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from bridge.domain.content import content_hash
from bridge.domain.identifiers import NhsNumber, OdsCode
from bridge.domain.referral import (
    Concept,
    EventKind,
    Organisation,
    Patient,
    Referral,
    ReferralKey,
    SafeContact,
)

KEY = ReferralKey(source="json-event", owner="A99999", record="7")
REFERRAL = Referral(
    key=KEY,
    practice=Organisation(ods=OdsCode("A99999")),
    patient=Patient(nhs_number=NhsNumber("9990000018"), family="Zebedee"),
    requested=Concept(text="Social prescribing"),
)


def test_the_hash_of_a_known_referral_never_changes() -> None:
    """It is stored: another value for the same content would make every repeat a conflict."""
    known = content_hash(EventKind.REFERRED, KEY, REFERRAL)

    assert known == "168b4781dbadc9edc241c25e78bda5e68ce7313f9b8005f65e1f9f19e3c8369a"


def test_saying_no_is_not_the_same_as_saying_nothing() -> None:
    """`False` for a safe way to call is content; nobody having said is not."""
    unsafe = replace(REFERRAL.patient, safe_contact=SafeContact(call=False))

    assert content_hash(EventKind.REFERRED, KEY, REFERRAL) != content_hash(
        EventKind.REFERRED, KEY, replace(REFERRAL, patient=unsafe)
    )


def test_one_instant_written_with_two_offsets_is_the_same_content() -> None:
    """A sender may move from winter time to UTC between two sends."""
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    local = noon.astimezone(timezone(timedelta(hours=1)))

    assert content_hash(EventKind.REFERRED, KEY, replace(REFERRAL, recorded_at=noon)) == content_hash(
        EventKind.REFERRED, KEY, replace(REFERRAL, recorded_at=local)
    )


def test_a_cancel_is_other_content_than_the_referral_it_ends() -> None:
    """The same clock with both would be a conflict the sender is told of."""
    assert content_hash(EventKind.CANCELLED, KEY, REFERRAL) != content_hash(EventKind.REFERRED, KEY, REFERRAL)
