"""What a person sees can be taken into the next command."""

import pytest

from bridge.cli import output

ID = "923c3410-1420-4ec8-9360-b8a751358a0c"


def test_an_id_stays_in_one_piece_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is copied from there; so is a code, which is looked up."""
    monkeypatch.setattr(output.out, "_width", 60)
    row = {"id": ID, "practice": "A99999", "code": "recorded-date-missing", "opened_at": 1_795_310_097_931}
    output.table(("id", "practice", "code", "opened_at"), [row], "none")
    shown = capsys.readouterr().out.splitlines()

    assert len(shown) == 2
    assert ID in shown[1]
    assert "recorded-date-missing" in shown[1]
    assert "2026-11-22 01:14:57 GMT" in shown[1]


def test_a_time_is_that_of_the_clock_on_the_wall() -> None:
    """As on the page; whoever compares it with a log sees which of the two it is."""
    assert output.when(1_784_700_000_000) == "2026-07-22 07:00:00 BST"


def test_what_goes_on_begins_in_its_own_column(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list can be run over by eye: numbers stand alone on the left."""
    monkeypatch.setattr(output.out, "_width", 40)
    output.hanging("    2", "words " * 12)
    first, *rest = capsys.readouterr().out.splitlines()

    assert first.startswith("    2  words")
    assert {line[:7] for line in rest} == {" " * 7}


def test_text_is_folded_into_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence needs no line of its own length."""
    output.table(("id", "words"), [{"id": ID, "words": "word " * 60}], "none")

    assert max(map(len, capsys.readouterr().out.splitlines())) <= output.WIDEST
