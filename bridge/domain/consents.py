"""Codes by which a practice records that a person objects to their data going to others, or agrees to it.

Both stand in DocumentConsentSnCT (NHS, SNOMED CT UK subset 43961000000137), versions 1.0 and 2.0.
"""

from typing import Final

from bridge.domain.referral import EventKind

OBJECTIONS: Final[dict[str, str]] = {
    "320011000000108": "Declined consent to share patient data with specified third party",
}
AGREEMENTS: Final[dict[str, str]] = {
    "319951000000105": "Consent given to share patient data with specified third party",
}

# What a person says of all that is shared about them, not of one referral.
STANCES: Final = frozenset({EventKind.OBJECTED, EventKind.AGREED})
