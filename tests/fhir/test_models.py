"""The walk refuses whatever the R4B models of fhir.resources refuse: no object need be made to know."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.domain.outcome import Component, Value
from bridge.domain.referral import Concept
from bridge.fhir.bundles import filing_bundle
from bridge.fhir.checks import check
from bridge.fhir.observation import observation
from bridge.fhir.trees import Json
from tests.fhir.examples import NAMING, PRACTICE, a_bars_message, a_referral, an_outcome
from tests.fhir.spoiling import anything, places, spoilt

GOLDENS = sorted((Path(__file__).parents[2] / "fixtures").glob("*/*/servicerequest.json"))
LEFT_OUT = object()
ODD = (
    LEFT_OUT, None, True, -1, 2**40, 1.5, "", " ", "a b", " a", "x\n", "0000", "2026", "2026-02-30",
    "2026-01-01T00:00:00Z", "http://[::", "urn:uuid:1", [], [None], [{}], {}, {"extension": []},
)  # fmt: skip


def filings() -> list[Json]:
    """What goes into a record, once for each form of a value."""
    values = (
        Value(quantity="21.50", unit="score", unit_code="{score}", comparator=">="),
        Value(integer=0),
        Value(concept=Concept(text="seen")),
        Value(text="often"),
        Value(boolean=False),
        Value(absent="asked-declined"),
    )
    components = (Component(code=Concept(text="raw"), value=Value(integer=24)),)
    return [
        observation(
            an_outcome(value=value, components=components),
            referral=a_referral(),
            service=PRACTICE,
            naming=NAMING,
        )
        for value in values
    ]


def sent() -> list[Json]:
    """One body of each make-up that the goldens and the filings hold: every set of elements once."""
    goldens = [json.loads(file.read_text()) for file in GOLDENS]
    told = [body for held in goldens for body in (held if isinstance(held, list) else [held])]
    bodies = [*told, filing_bundle(filings()), a_bars_message()]
    return list({frozenset(p for p in places(body) if p): body for body in bodies}.values())


SENT = sent()


def refused(body: Json) -> bool:
    """Whether the models refuse a body; they ask some values for methods before their type."""
    try:
        get_fhir_model_class(body["resourceType"]).model_validate(copy.deepcopy(body))
    except (ValidationError, AttributeError, KeyError, TypeError):
        return True
    return False


def without(body: Json, path: tuple[Any, ...]) -> Json:
    """A copy that lacks what stands at a path."""
    made = copy.deepcopy(body)
    holder: Any = made
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    return made


def test_what_the_goldens_send_suits_both() -> None:
    """The models take what the check lets pass."""
    right = [body for body in SENT if not check(body)]

    assert len(right) > 20
    assert not [body for body in right if refused(body)]


spots = st.sampled_from(SENT).flatmap(
    lambda body: st.tuples(
        st.just(body), st.sampled_from([p for p in places(body) if p and p[-1] != "resourceType"])
    )
)


@given(spots, st.sampled_from(ODD) | anything)
def test_nothing_passes_that_the_models_refuse(spot: tuple[Json, tuple[Any, ...]], value: Any) -> None:
    """One element is taken away, or something odd put in its place."""
    body, path = spot
    made = without(body, path) if value is LEFT_OUT else spoilt(body, path, value)

    assert check(made) or not refused(made)


@pytest.mark.parametrize(
    "kind", ["Observation", "Bundle", "Task", "Consent", "MessageHeader", "AuditEvent", "Communication"]
)
def test_what_a_type_cannot_lack_is_what_the_models_ask(kind: str) -> None:
    """Every mandatory element of an empty resource is told, and by its place."""
    with pytest.raises(ValidationError) as found:
        get_fhir_model_class(kind).model_validate({"resourceType": kind})
    asked = {f"{kind}.{'.'.join(map(str, e['loc']))}" for e in found.value.errors() if e["loc"]}

    assert asked <= {p.at for p in check({"resourceType": kind})}
