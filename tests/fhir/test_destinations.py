"""The table of where things go says what the code does: found by exchanging each value of a full event."""

import json
import re
from collections import defaultdict
from typing import Any

import pytest

from bridge.fhir.compare import plain_path
from bridge.fhir.destinations import DESTINATIONS, targets_of
from bridge.pipeline.goldens import ARRIVED
from bridge.pipeline.rehearsal import bundle_of
from bridge.pipeline.tracing import rules_of, trace
from bridge.sources import Reading, load
from bridge.sources.targets import ADDRESS_LINES, TARGETS
from tests.golden.test_golden import ROOT

# What follows from the key, and links that follow from what is there.
FOLLOWS = re.compile(r"Bundle\..*|.*\.reference")
# Our own event says these in other ways, or not at all.
UNSAID = {"event.owner", "referral.shape", "patient.middle_names", *ADDRESS_LINES}
CODES = {"read2": "8T09.", "ctv3": "XaX1b", "emis": "EMISNQSO1", "display": "A term", "text": "In words"}


def a_full_event(**requester: str) -> bytes:
    """A golden event with everything in it that it lacks."""
    event: dict[str, Any] = json.loads(
        (ROOT / "fixtures/json-event/everything-said/message.json").read_text("utf-8")
    )
    patient, referral = event["patient"], event["referral"]
    patient |= {"phone": "01632 960010", "phone_work": "01632 960012", "deceased_on": "2026-11-01"}
    patient["safe_contact"]["post"] = True
    patient["requirements"] = [{"snomed": "1108111000000107", **CODES}]
    referral["requested"] |= CODES
    referral["reasons"] = [{"snomed": "422650009", **CODES}]
    referral["risks"] = [{"snomed": "225915006", **CODES}]
    referral["recipient"] = {"ods_code": "Z9999", "name": "A service"}
    referral["requester"] |= {
        "phone": "01632 960020",
        "phone_home": "01632 960021",
        "phone_mobile": "07700 900021",
    }
    if requester:  # words of a priority stand elsewhere where no code does
        del referral["requester"]["gmc"], referral["priority"]
        referral["requester"] |= requester
    return json.dumps(event).encode()


@pytest.fixture(scope="module")
def found() -> dict[str, set[str]]:
    """For each target the elements that change with it."""
    source = load(ROOT / "mappings" / "sources")["json-event"]

    def bundle(reading: Reading) -> dict[str, Any] | None:
        return bundle_of(reading.event.referral) if reading.event and reading.event.referral else None

    paths: dict[str, set[str]] = defaultdict(set)
    for body in (a_full_event(), *(a_full_event(**{name: "9999991"}) for name in ("sds_user", "gmp", "nmc"))):
        (origins,) = source.explain(body, arrived=ARRIVED)
        for each in trace(source, body, arrived=ARRIVED, bundle=bundle):
            for origin in rules_of(origins, each.leaf.place):
                changed = {plain_path(path) for path in each.bundle}
                paths[origin.target] |= {path for path in changed if not FOLLOWS.fullmatch(path)}
    return paths


def test_the_table_names_every_target() -> None:
    """A new target says where it goes, or that it stays."""
    assert DESTINATIONS.keys() == TARGETS.keys()


@pytest.mark.parametrize("target", sorted(TARGETS.keys() - UNSAID))
def test_a_value_goes_where_the_table_says_and_nowhere_else(found: dict[str, set[str]], target: str) -> None:
    """Who asks where a value goes is told by the table; a stale one would mislead."""
    said = DESTINATIONS[target]
    outside = {path for path in found[target] if not f"{path}.".startswith(tuple(f"{p}." for p in said))}
    empty = {p for p in said if not any(f"{path}.".startswith(f"{p}.") for path in found[target])}

    assert (outside, empty) == (set(), set())


def test_an_element_has_the_targets_that_can_make_it() -> None:
    """By its own path, one above or one below."""
    assert targets_of("Patient.birthDate") == ["patient.birth_date"]
    assert "patient.address.town" in targets_of("Patient.address")
    assert targets_of("Patient.address.city") == ["patient.address.town", "patient.address.use"]
    assert targets_of("Patient.birth") == []
