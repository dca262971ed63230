"""The form of a log line, and that none of it can name a person."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.events import Event, Trace, emit, observed_by, traced
from bridge.ops.logging import configure, formatter

IDS = Trace(
    request_id="60e0b220-8136-4ca5-ae46-1d97ef59d068",
    correlation_id="11c46f5f-cdef-4865-94b2-0ee0edcc26da",
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What goes to standard error, in JSON."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter("json"))
    root = logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.INFO)
    yield stream
    root.setLevel(level)
    root.removeHandler(handler)


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_says_when_how_bad_what_whose_and_with_what(written: io.StringIO) -> None:
    """In that order, so that people can read it too."""
    with traced(IDS):
        emit(
            Event.DELIVERY_PARKED, delivery="d1", partner="prescribing", kind="create", code="partner-refused"
        )
    line = lines(written)[0]

    assert list(line) == [
        *("timestamp", "level", "action", "words", "request_id", "correlation_id", "traceparent"),
        *("delivery", "partner", "kind", "code"),
    ]
    assert (line["level"], line["action"]) == ("error", "delivery_parked")
    assert line["words"] == "delivery parked for a person"
    assert line["timestamp"].endswith("Z")
    assert (line["request_id"], line["traceparent"]) == (IDS.request_id, IDS.traceparent)


def test_outside_of_a_conversation_a_line_has_no_ids(written: io.StringIO) -> None:
    """An empty id would look like one that was lost."""
    emit(Event.STOPPED, node="n1")

    assert list(lines(written)[0]) == ["timestamp", "level", "action", "words", "node"]


def test_a_field_may_be_called_as_a_part_of_the_line_is(written: io.StringIO) -> None:
    """`event_parked` has an event, which is not its words."""
    emit(Event.EVENT_PARKED, event="e1", source="emis", code="under-age")
    line = lines(written)[0]

    assert (line["words"], line["event"]) == ("event parked for a person", "e1")


def test_what_a_library_says_is_masked_and_has_no_stack(written: io.StringIO) -> None:
    """An exception of a library can quote whatever it was given."""
    try:
        int("999 000 0018")
    except ValueError:
        logging.getLogger("somewhere").exception("no good: 999 000 0018")
    line = lines(written)[0]

    assert line["action"] == "somewhere"
    assert "0018" not in written.getvalue()
    assert "Traceback" not in written.getvalue()


def test_a_field_of_ours_is_masked_all_the_same(written: io.StringIO) -> None:
    """The last belt holds for values that should never have been there."""
    emit(Event.MESSAGE_REFUSED, message="m1", code="999 000 0018")

    assert "0018" not in written.getvalue()


def test_a_field_that_the_catalogue_does_not_list_is_a_mistake() -> None:
    """Fields are opt-in, so that none is there by accident."""
    with pytest.raises(ValueError, match="STOPPED has no field"):
        emit(Event.STOPPED, patient="p1")


def test_an_observer_hears_of_every_event_while_it_listens() -> None:
    """Also of those below the level of the log."""
    heard: list[str] = []
    with observed_by(lambda event, fields: heard.append(f"{event.name} {fields['partner']}")):
        emit(Event.POLLED, partner="sp")
    emit(Event.POLLED, partner="other")

    assert heard == ["POLLED sp"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_both_forms_go_to_standard_error(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Where whatever runs the bridge collects it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure(form)
    emit(Event.STARTED, version="1", node="n1", database="sqlite")
    root.handlers[:] = handlers
    root.setLevel(level)
    told = capsys.readouterr()

    assert told.out == ""
    assert "bridge started" in told.err
    assert ("action=started" in told.err) is (form == "text")
