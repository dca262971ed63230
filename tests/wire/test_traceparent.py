"""W3C Trace Context: what is believed of a sender's header, and what goes on to partners."""

import pytest
from hypothesis import given
from hypothesis.strategies import from_regex, text

from bridge.wire.traceparent import accepted, onward

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{PARENT}-00"
SPAN = "b7ad6b7169203331"
CORRELATION = "0af76519-16cd-43dd-8448-eb211c80319c"


@given(said=from_regex(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", fullmatch=True))
def test_what_the_standard_allows_is_kept_as_it_is(said: str) -> None:
    """Only ids of zeros mean nothing."""
    _, trace, parent, _ = said.split("-")

    assert accepted(said) == (said if int(trace, 16) and int(parent, 16) else "")


@given(said=text(max_size=80))
def test_anything_else_is_dropped(said: str) -> None:
    """Whatever a sender puts there, nothing of it but a trace is kept."""
    assert accepted(said) in ("", said.strip())


@pytest.mark.parametrize(
    "said",
    [
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}",
    ],
    ids=["no trace", "no parent", "version ff", "more than version 00 has", "capitals", "no flags"],
)
def test_what_the_standard_forbids_is_no_trace(said: str) -> None:
    """A participant that cannot read it starts a trace of its own."""
    assert accepted(said) == ""


def test_of_a_later_version_the_known_part_is_read() -> None:
    """The standard keeps the first four fields where they are."""
    assert accepted(f"01-{TRACE}-{PARENT}-01-later") == f"00-{TRACE}-{PARENT}-01"


def test_the_trace_goes_on_under_our_own_span() -> None:
    """With what the sender said of sampling."""
    assert onward(GOOD, correlation_id=CORRELATION, span=SPAN) == f"00-{TRACE}-{SPAN}-00"


def test_without_a_trace_the_conversation_is_one() -> None:
    """Both legs of a referral share its correlation id, so they share the trace."""
    assert onward("", correlation_id=CORRELATION, span=SPAN) == f"00-{CORRELATION.replace('-', '')}-{SPAN}-01"


@given(correlation=text(max_size=64))
def test_whatever_the_correlation_id_a_partner_gets_a_good_header(correlation: str) -> None:
    """Even when it is no UUID, or the one of zeros."""
    assert accepted(onward("", correlation_id=correlation, span=SPAN))
    assert accepted(onward("", correlation_id="00000000-0000-0000-0000-000000000000", span=SPAN))
