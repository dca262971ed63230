"""Canonical records as bytes, for sealed columns: JSON of the dataclasses, checked again when read."""

from pydantic import TypeAdapter

from bridge.domain.letter import Letter
from bridge.domain.outcome import Outcome
from bridge.domain.referral import Referral, ReferralEvent

referral = TypeAdapter(Referral)
referral_event = TypeAdapter(ReferralEvent)
outcome = TypeAdapter(Outcome)
letter = TypeAdapter(Letter)
