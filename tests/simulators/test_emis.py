"""The extract generator writes what EMIS writes, and its truth agrees with its files."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from bridge.domain import codes
from bridge.domain.identifiers import NhsNumber
from bridge.simulators.emis import Plan, Truth, day
from bridge.simulators.emis_cases import Becomes, Case

Row = dict[str, str]


def rows(truth: Truth, table: str) -> list[Row]:
    with truth.files[table].open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if None not in row]


@pytest.fixture
def truth(tmp_path: Path) -> Truth:
    return day(tmp_path, Plan(seed=1, referrals=4))


def test_file_names_have_five_parts(truth: Truth) -> None:
    """Processing id, schema, table, time stamp, sharing agreement."""
    for table, path in truth.files.items():
        number, schema, name, stamp, agreement = path.name.removesuffix(".csv").split("_")
        assert (number, f"{schema}_{name}", stamp) == ("1", table, "20260302021500")
        assert len(agreement) == 36


def test_lines_end_as_on_windows_and_guids_stand_in_braces(truth: Truth) -> None:
    """CRLF everywhere outside of cells; GUIDs upper case, 38 characters."""
    for path in truth.files.values():
        assert path.read_bytes().endswith(b"\r\n")
    for row in rows(truth, "CareRecord_Observation"):
        assert len(row["ObservationGuid"]) == 38
        assert row["ObservationGuid"] == row["ObservationGuid"].upper()


def test_every_case_has_one_fate_and_its_row(truth: Truth) -> None:
    """The row number of a fate leads to the row with its key."""
    counted = Counter(fate.case for fate in truth.fates)
    assert counted == Counter(dict.fromkeys(Case, 1)) + Counter({Case.RECORD: 2, Case.BARE_CODE: 2})

    with truth.files["CareRecord_Observation"].open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    for fate in truth.fates:
        if fate.row:
            assert fate.observation in lines[fate.row - 1]


def test_only_the_broken_row_has_another_number_of_cells(truth: Truth) -> None:
    """One cell too many, and the truth says unreadable."""
    with truth.files["CareRecord_Observation"].open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    odd = [n for n, line in enumerate(lines, start=1) if len(line) != len(lines[0])]

    assert odd == [fate.row for fate in truth.of(Becomes.UNREADABLE)]


def test_every_forwarded_referral_has_a_patient_and_the_trigger_code(truth: Truth) -> None:
    """What the bridge needs is in the files, keyed by organisation and GUID."""
    patients = {row["PatientGuid"]: row for row in rows(truth, "Admin_Patient")}
    concepts = {row["CodeId"]: row["SnomedCTConceptId"] for row in rows(truth, "Coding_ClinicalCode")}
    observations = {row["ObservationGuid"]: row for row in rows(truth, "CareRecord_Observation")}
    for fate in truth.of(Becomes.FORWARDED):
        row = observations[fate.observation]
        assert concepts[row["CodeId"]] == codes.REFERRAL
        assert row["OrganisationGuid"] == fate.organisation
        assert NhsNumber.parse(patients[fate.patient]["NhsNumber"]).is_test


def test_every_synthetic_description_id_is_well_formed(truth: Truth) -> None:
    """A CodeId is a description id with a right check digit, not a concept."""
    for row in rows(truth, "Coding_ClinicalCode"):
        assert codes.SctId.parse(row["CodeId"]).kind is codes.SctKind.DESCRIPTION
        assert codes.problem_of(row["SnomedCTConceptId"]) is None


def test_the_noise_never_triggers(tmp_path: Path) -> None:
    """No other row carries a code of social prescribing."""
    truth = day(tmp_path, Plan(seed=1, cases={}, noise_rows=1000))
    concepts = {row["CodeId"]: row["SnomedCTConceptId"] for row in rows(truth, "Coding_ClinicalCode")}
    written = rows(truth, "CareRecord_Observation")

    assert len(written) >= 1000
    assert not {concepts[row["CodeId"]] for row in written} & set(codes.SOCIAL_PRESCRIBING)
    assert rows(truth, "CareRecord_ObservationReferral")
    assert len({row["ObservationGuid"] for row in written}) == len(written)


def test_the_second_day_continues_the_first(tmp_path: Path) -> None:
    """Changed, deleted, sent again, moved, completed: under the keys of the first day."""
    plan = Plan(seed=1)
    first, second = (day(tmp_path, plan, number) for number in (1, 2))
    before = {fate.case: fate for fate in first.fates}
    after = [fate for fate in second.fates if fate.observation in {f.observation for f in first.fates}]
    kept = {fate.case: fate.becomes for fate in after}

    assert kept == {
        Case.CHANGED: Becomes.CHANGED,
        Case.DELETED: Becomes.CLOSED,
        Case.REBULK: Becomes.SAME,
        Case.MOVED: Becomes.PARKED,
        Case.REFERRAL_HALF_FIRST: Becomes.FORWARDED,
        Case.CODE_HALF_FIRST: Becomes.CHANGED,
        Case.LATE_CODE: Becomes.FORWARDED,
    }
    moved = next(fate for fate in after if fate.case is Case.MOVED)
    assert moved.patient != before[Case.MOVED].patient
    assert {fate.becomes for fate in first.fates if fate.case is Case.LATE_CODE} == {Becomes.WAITING}


def test_a_row_sent_again_differs_in_its_processing_id_only(tmp_path: Path) -> None:
    """Nothing else may make it look new."""
    plan = Plan(seed=1, cases={Case.REBULK: 1}, noise_rows=0)
    first, second = (day(tmp_path, plan, number) for number in (1, 2))
    key = first.fates[0].observation
    for table in ("CareRecord_Observation", "CareRecord_ObservationReferral"):
        one, two = (
            next(r for r in rows(truth, table) if r["ObservationGuid"] == key) for truth in (first, second)
        )
        assert one.pop("ProcessingId") != two.pop("ProcessingId")
        assert one == two


def test_a_deleted_row_has_keys_only(tmp_path: Path) -> None:
    """Who and when stand in the audit file."""
    plan = Plan(seed=1, cases={Case.DELETED: 1}, noise_rows=0)
    day(tmp_path, plan)
    second = day(tmp_path, plan, 2)
    fate = second.of(Becomes.CLOSED)[0]
    row = next(r for r in rows(second, "CareRecord_Observation") if r["ObservationGuid"] == fate.observation)
    audit = rows(second, "Audit_PatientAudit")[0]

    kept = {name for name, value in row.items() if value}
    assert kept == {"ObservationGuid", "PatientGuid", "OrganisationGuid", "Deleted", "ProcessingId"}
    assert (audit["ItemGuid"], audit["ModeType"]) == (fate.observation, "Delete")


def test_the_late_code_comes_a_day_later(tmp_path: Path) -> None:
    """The coding table of day 1 lacks it, that of day 2 has it."""
    plan = Plan(seed=1, cases={Case.LATE_CODE: 1}, noise_rows=0)
    first, second = (day(tmp_path, plan, number) for number in (1, 2))
    used = next(row["CodeId"] for row in rows(first, "CareRecord_Observation"))

    assert used not in {row["CodeId"] for row in rows(first, "Coding_ClinicalCode")}
    assert used in {row["CodeId"] for row in rows(second, "Coding_ClinicalCode")}


def test_nobody_is_two_people(tmp_path: Path) -> None:
    """NHS numbers are not shared between cases, days or the practice's other patients."""
    plan = Plan(seed=4, cases={Case.RECORD: 5, Case.MOVED: 3})
    seen = Counter(
        row["NhsNumber"] for n in (1, 2, 3) for row in rows(day(tmp_path, plan, n), "Admin_Patient")
    )

    assert set(seen.values()) == {1}


def test_the_old_version_has_its_own_headers(tmp_path: Path) -> None:
    """5.1: fewer columns, misspelt ones, another order."""
    truth = day(tmp_path, Plan(seed=1, version="5.1"))
    patient = rows(truth, "Admin_Patient")[0]
    observation = list(rows(truth, "CareRecord_Observation")[0])

    assert "ExternalUsusalGP" in patient
    assert patient["PersonGUID"].startswith("{")
    assert observation.index("AssociatedText") < observation.index("ConsultationGuid")
    assert "Qualifiers" not in observation
    assert "Deleted" not in rows(truth, "CareRecord_Problem")[0]


def test_the_same_plan_writes_the_same_bytes(tmp_path: Path) -> None:
    """A failure can be repeated."""
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        day(folder, Plan(seed=9, noise_rows=50), 2)

    assert {p.name: p.read_bytes() for p in one.iterdir()} == {p.name: p.read_bytes() for p in two.iterdir()}


def test_everything_can_be_quoted(tmp_path: Path) -> None:
    """Some senders quote every cell."""
    truth = day(tmp_path, Plan(seed=1, quote_all=True))

    assert truth.files["Admin_Organisation"].read_text("utf-8").startswith('"OrganisationGuid","CDB"')
