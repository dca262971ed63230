"""A caller may do what is its own, and nothing is everyone's."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConfigError
from bridge.security.caller import Caller, Role

PRACTICES = ("A81001", "A81002")
SOURCES = ("emis", "hl7")
SERVICES = ("harbour", "orchard")


def callers() -> st.SearchStrategy[Caller]:
    """Every kind of caller that can be configured over two practices, sources and services."""

    def build(roles: set[Role], practices: set[str], sources: set[str], service: str) -> Caller:
        return Caller(
            name="x",
            roles=frozenset(roles),
            practices=frozenset(practices),
            sources=frozenset(sources),
            service=service if Role.SERVICE in roles else "",
        )

    return st.builds(
        build,
        st.sets(st.sampled_from(list(Role)), min_size=1),
        st.sets(st.sampled_from(PRACTICES)),
        st.sets(st.sampled_from(SOURCES)),
        st.sampled_from(SERVICES),
    )


@given(caller=callers(), service=st.sampled_from((*SERVICES, "")))
def test_only_a_service_reports_and_only_as_itself(caller: Caller, service: str) -> None:
    """Not even an operator reports for a service."""
    assert caller.may_report(service) == (Role.SERVICE in caller.roles and caller.service == service)


READERS = {
    Role.SYSTEM: "practice",
    Role.PRACTICE: "practice",
    Role.DATA_OFFICER: "practice",
    Role.SERVICE: "service",
    Role.OPERATOR: "nothing",
}


@pytest.mark.parametrize(
    ("role", "practice", "service"), list(product(Role, (*PRACTICES, ""), (*SERVICES, "")))
)
def test_who_reads_a_referral(role: Role, practice: str, service: str) -> None:
    """The whole matrix for a caller of the first practice and, if it is a service, of the first service."""
    caller = Caller(
        name="x",
        roles=frozenset({role}),
        practices=frozenset(PRACTICES[:1]),
        sources=frozenset(SOURCES),
        service=SERVICES[0] if role is Role.SERVICE else "",
    )
    expected = {
        "practice": practice == PRACTICES[0],
        "service": service == SERVICES[0],
        "nothing": False,
    }

    assert caller.may_read(practice, service) == expected[READERS[role]]


def test_a_service_with_practices_still_reads_only_its_own_referrals() -> None:
    """Being listed with a practice does not open the referrals it made to others."""
    caller = Caller(
        name="x", roles=frozenset({Role.SERVICE}), practices=frozenset(PRACTICES), service="harbour"
    )

    assert not caller.may_read("A81001", "orchard")


@pytest.mark.parametrize(
    "entry",
    [
        {"name": ""},
        {"roles": frozenset()},
        {"roles": frozenset({"admin"})},
        {"roles": frozenset({Role.SERVICE})},
        {"service": "harbour"},
        {"practices": frozenset({"a81001"})},
        {"practices": frozenset({"*"})},
        {"practices": frozenset({""})},
        {"sources": frozenset({""})},
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(entry: dict[str, Any]) -> None:
    """At start, not at the first request; there is no wildcard."""
    good: dict[str, Any] = {"name": "emis", "roles": frozenset({Role.SYSTEM})}

    with pytest.raises(ConfigError, match="cannot be used"):
        Caller(**(good | entry))
