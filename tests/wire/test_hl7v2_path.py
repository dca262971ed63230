"""Places are parsed once, when a mapping is loaded, and bad ones are refused there."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis.strategies import text

from bridge.wire.hl7v2_path import Path, Selector, parse_path


@pytest.mark.parametrize(
    ("notation", "path"),
    [
        ("PID-7", Path(segment="PID", field=7)),
        ("PID-5.1.2", Path(segment="PID", field=5, component=1, subcomponent=2)),
        (
            "PID-3[5=NH].1",
            Path(
                segment="PID", field=3, component=1, which_repetition=Selector(major=5, minor=1, value="NH")
            ),
        ),
        ("PID-11[2].5", Path(segment="PID", field=11, repetition=2, component=5)),
        ("OBX[3]-5", Path(segment="OBX", occurrence=3, field=5)),
        (
            "PRD[1=RP]-7[3.2=1.2.3].1",
            Path(
                segment="PRD",
                which_segment=Selector(major=1, minor=1, value="RP"),
                field=7,
                which_repetition=Selector(major=3, minor=2, value="1.2.3"),
                component=1,
            ),
        ),
    ],
)
def test_the_notation_names_one_place(notation: str, path: Path) -> None:
    """Segment, field, component, subcomponent; one equality on the segment and one on the repetition."""
    assert parse_path(notation) == path


@pytest.mark.parametrize(
    "notation",
    [
        "",
        "PID",
        "PID.5",
        "pid-5",
        "PID-0",
        "PID-5.0",
        "PID-5.1.1.1",
        "PID-3[5=NH][4=NHS].1",
        "PID-3[5>1]",
        "PID-3[NH]",
        "PID-3[0].1",
        "PID-3[1][5=NH].1",
        "PID-3[5=].1",
        "PID-*",
        "PID-5 ",
        "PID-3[5=N]H].1",
        "PID-999999",
        "MSH-٣",
    ],
)
def test_anything_else_is_refused(notation: str) -> None:
    """A typing slip in a mapping must stop the start, not lose a field."""
    with pytest.raises(ValueError, match="HL7"):
        parse_path(notation)


@given(notation=text(max_size=20))
def test_no_text_breaks_the_parser(notation: str) -> None:
    """It gives a place or a ValueError."""
    with suppress(ValueError):
        assert parse_path(notation).field > 0
