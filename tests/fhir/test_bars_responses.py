"""A BaRS response tells by the receiver's Encounter what became of a referral."""

from pathlib import Path

import pytest

from bridge.domain.outcome import OutcomeKind
from bridge.fhir.inbound import read
from bridge.fhir.outcomes import reports_of
from tests.fhir.examples import BUNDLE_ID, NAMING, a_bars_message
from tests.fhir.reporting import ARRIVED, OURS

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


@pytest.mark.parametrize(
    ("status", "encounter", "kind"),
    [
        ("active", "cancelled", OutcomeKind.REJECTED),
        ("active", "finished", OutcomeKind.CLOSED),
        ("active", "in-progress", OutcomeKind.IN_PROGRESS),
        ("revoked", "unknown", OutcomeKind.CANCELLED),
    ],
)
def test_a_bars_response_tells_by_the_receivers_encounter(
    status: str, encounter: str, kind: OutcomeKind
) -> None:
    """Its lastUpdated is that of the message; the sender's own Encounter is older."""
    message = a_bars_message(
        event="servicerequest-response", answers=BUNDLE_ID, request={"status": status, "identifier": [OURS]}
    )
    message["entry"].append(
        {
            "resource": {
                "resourceType": "Encounter",
                "meta": {"lastUpdated": message["meta"]["lastUpdated"]},
                "status": encounter,
                "reasonCode": [{"text": "Lives out of area"}],
            }
        }
    )
    found = [
        r for r in reports_of(message, naming=NAMING, arrived=ARRIVED) if r.position.endswith("[0].resource")
    ]

    assert [(r.outcome.kind, r.outcome.reason) for r in found if r.outcome] == [(kind, "Lives out of area")]


EXAMPLES = sorted(SHARED.glob("samples/bars/REFRESP*.xml"))


@pytest.mark.skipif(not EXAMPLES, reason="the published examples are not on this machine")
def test_the_published_rejection_is_understood() -> None:
    """REFRESP02 rejects a mutual aid request; its person fails the check digit, so only with another."""
    body = EXAMPLES[0].read_bytes().replace(b"3478526985", b"9990000018")
    found = reports_of(read(body, limit=1 << 20), naming=NAMING, arrived=ARRIVED)

    assert {p.code for r in found for p in r.problems} == {"fhir-outcome-no-referral"}
