"""An extract that somebody opened in a spreadsheet: nothing of it may pass for news."""

from pathlib import Path

import pytest

from bridge.errors import Unacceptable
from bridge.store import Store
from tests.sources.emis_site import BACKGROUND, SOCIAL, Row, observation, patient, read, write

REFERRAL = SOCIAL["referral"]


def coding(concept: str, code_id: str = REFERRAL.code_id) -> Row:
    """A coding row with that concept."""
    return "Coding_ClinicalCode", REFERRAL.row() | {"SnomedCTConceptId": concept, "CodeId": code_id}


def behind(*rows: Row) -> tuple[Row, ...]:
    """The usual background, and these rows after it."""
    return (*BACKGROUND, *rows)


@pytest.mark.parametrize(
    ("concept", "problem"),
    [
        ("8.71731E+14", "snomed-spreadsheet-exponent"),
        ("871731000000000", "snomed-spreadsheet-rounded"),
    ],
)
async def test_a_damaged_trigger_refuses_the_extract(
    sqlite_store: Store, tmp_path: Path, concept: str, problem: str
) -> None:
    """Else every referral under it would look recoded, and be cancelled."""
    await read(sqlite_store, write(tmp_path / "1", patient(), observation()))

    with pytest.raises(Unacceptable) as refused:
        await read(sqlite_store, write(tmp_path / "2", day=3, background=behind(coding(concept))))

    (told,) = refused.value.problems
    row = len([1 for table, _ in BACKGROUND if table == "Coding_ClinicalCode"]) + 2
    assert (told.code, told.at) == (problem, f"Coding_ClinicalCode row {row}, SnomedCTConceptId")


async def test_a_damaged_trigger_that_was_never_met_refuses_the_extract_too(
    sqlite_store: Store, tmp_path: Path
) -> None:
    """A referral under it would be passed over in silence."""
    folder = write(tmp_path / "1", background=behind(coding("871731000000000", "1")))

    with pytest.raises(Unacceptable):
        await read(sqlite_store, folder)


async def test_an_exponent_anywhere_refuses_the_extract(sqlite_store: Store, tmp_path: Path) -> None:
    """No database writes one: the other long numbers of the table are not to be trusted either."""
    folder = write(tmp_path / "1", background=behind(coding("3.06238E+8", "1")))

    with pytest.raises(Unacceptable):
        await read(sqlite_store, folder)


async def test_zeros_in_a_code_of_no_interest_are_told_once(sqlite_store: Store, tmp_path: Path) -> None:
    """One slip among a million rows stops nobody's referral."""
    odd = (coding("1091081000000100", "1"), coding("1037751000000100", "2"))
    came = await read(sqlite_store, write(tmp_path / "1", patient(), observation(), background=behind(*odd)))

    assert [p.code for p in came.survey.problems] == ["snomed-spreadsheet-rounded"]
    assert came.kinds == ["referred"]


async def test_an_exponent_as_the_code_of_an_entry_refuses_the_extract(
    sqlite_store: Store, tmp_path: Path
) -> None:
    """It stands for many codes, and nobody can say for which."""
    folder = write(tmp_path / "1", patient(), observation(code="1.00100E+12"))

    with pytest.raises(Unacceptable) as refused:
        await read(sqlite_store, folder)
    assert [str(p) for p in refused.value.problems] == [
        "snomed-spreadsheet-exponent at CareRecord_Observation.CodeId"
    ]


async def test_zeros_in_the_code_of_an_entry_are_named_while_it_waits(
    sqlite_store: Store, tmp_path: Path
) -> None:
    """The entry is held as one whose code nobody explains; the name says why nobody ever will."""
    came = await read(sqlite_store, write(tmp_path / "1", patient(), observation(code="1777541000006110")))

    assert [str(p) for p in came.survey.problems] == [
        "snomed-spreadsheet-rounded at CareRecord_Observation.CodeId"
    ]
    assert came.counts["waiting: emis-code-unknown"] == 1
