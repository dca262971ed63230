"""What is left of a record when its time is over: first its content goes, then whose it was.

What stays is what a late word still needs: a referral that turns out to be entered in error has to be taken
back at its service under the same identifiers, for the person it was made for.
"""

from dataclasses import replace

from bridge.domain.outcome import Outcome
from bridge.domain.referral import Concept, Organisation, Patient, Referral, Requester

WHOLE, WITHOUT_CONTENT, WITHOUT_PERSON = 0, 1, 2


def pare(referral: Referral, level: int) -> Referral:
    """The referral without reasons, notes, risks and contact details; at level 2 without the person."""
    return replace(
        referral,
        patient=_known_by(referral.patient) if level < WITHOUT_PERSON else Patient(),
        reasons=(),
        reason_text="",
        note="",
        priority_text="",
        requester=Requester(),
        recipient=Organisation(),
        risks=(),
        identifiers=(),
    )


def _known_by(person: Patient) -> Patient:
    """What tells one person from another, and nothing else."""
    return Patient(
        nhs_number=person.nhs_number,
        nhs_number_status=person.nhs_number_status,
        local_key=person.local_key,
        family=person.family,
        birth_date=person.birth_date,
        registered=person.registered,
        deceased=person.deceased,
    )


def pare_outcome(outcome: Outcome) -> Outcome:
    """What kind of thing was said and when, without what it was or of whom."""
    return replace(
        outcome,
        referral_ref="",
        subject=None,
        subject_ref="",
        code=Concept(),
        value=None,
        components=(),
        performer="",
        reason="",
        business_status=Concept(),
        answers=(),
        words="",
    )


def is_pared(outcome: Outcome) -> bool:
    """Whether its content is gone: nothing is kept that named no referral when it came."""
    return not outcome.referral_ref
