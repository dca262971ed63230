"""An extract is used only when it is whole, of one moment, in the clear, and has the columns we need."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.errors import Unacceptable, Unreadable
from bridge.sources.emis import Dropped, extracts_in, open_extract
from bridge.sources.emis_files import read_name
from bridge.sources.emis_tables import TABLES, Need
from tests.sources.emis_site import AGREEMENT, file_of, patient, write


def refused(folder: Path, **options: datetime) -> list[tuple[str, str]]:
    """Codes and places of a refusal."""
    with pytest.raises(Unacceptable) as caught:
        open_extract(folder, **options)
    return [(problem.code, problem.at) for problem in caught.value.problems]


def edited_header(folder: Path, table: str, old: str, new: str) -> None:
    """Change the header of one table."""
    file = file_of(folder, table)
    header, *rows = file.read_text().splitlines(keepends=True)
    file.write_text("".join([header.replace(old, new), *rows]), newline="")


GUID = "45E7CD20-EE37-41AB-90D6-DC9D4B03D102"


@pytest.mark.parametrize("ids", ["291", "291-300"])
@pytest.mark.parametrize("agreement", [GUID, GUID.lower(), f"{{{GUID}}}"])
def test_a_name_says_table_time_and_agreement(ids: str, agreement: str) -> None:
    """Five parts; the processing id may be a range."""
    name = read_name(f"{ids}_CareRecord_ObservationReferral_20260302021500_{agreement}.csv")

    assert name is not None
    assert (name.table, name.stamp, name.agreement, name.encrypted) == (
        "CareRecord_ObservationReferral",
        "20260302021500",
        GUID,
        False,
    )


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        f"291_CareRecord_Observation_20260302021500_{GUID}.csv.part",
        f"291_CareRecord_Observation_20261302021500_{GUID}.csv",
        f"291_CareRecord_Observation_2026030202150_{GUID}.csv",
        f"291_Observation_20260302021500_{GUID}.csv",
        f"../291_CareRecord_Observation_20260302021500_{GUID}.csv",
        f"291_CareRecord_Observation_20260302021500_{GUID}.csv\n",
        f"291_Care/Record_Observation_20260302021500_{GUID}.csv",
        f"٢٩١_CareRecord_Observation_20260302021500_{GUID}.csv",
        f"291_CareRecord_Observation_20260302021500_{GUID[:-1]}.csv",
    ],
)
def test_other_names_are_none_of_ours(name: str) -> None:
    """Also not those that would lead out of the folder."""
    assert read_name(name) is None


def test_tables_are_told_apart_by_their_whole_name(tmp_path: Path) -> None:
    """One table's name is the beginning of another's, and that one must not stand in for it."""
    folder = write(tmp_path / "1")
    file_of(folder, "CareRecord_Observation").unlink()

    assert refused(folder) == [("emis-table-missing", "CareRecord_Observation")]


def test_every_needed_table_must_be_there(tmp_path: Path) -> None:
    """All that is missing is said at once; a wanted table is a warning."""
    folder = write(tmp_path / "1")
    file_of(folder, "Agreements_SharingOrganisation").unlink()
    warned = open_extract(folder).warnings
    for table in TABLES.values():
        if table.need is Need.NEEDED:
            file_of(folder, table.name).unlink()

    assert [(p.code, p.at) for p in warned] == [("emis-table-missing", "Agreements_SharingOrganisation")]
    assert {code for code, _ in refused(folder)} == {"emis-table-missing"}
    assert len(refused(folder)) == 7


def test_an_empty_or_missing_folder_is_no_extract(tmp_path: Path) -> None:
    """Neither of them is taken for an extract without news."""
    assert len(refused(tmp_path)) == 7
    with pytest.raises(Unreadable):
        open_extract(tmp_path / "nowhere")


def test_files_of_two_extracts_are_refused(tmp_path: Path) -> None:
    """Rows of two moments joined would be rows of neither."""
    folder = write(tmp_path / "1")
    file = file_of(folder, "Admin_Patient")
    file.rename(folder / file.name.replace("20260302021500", "20260303021500"))

    assert refused(folder) == [("emis-batch-mixed", "")]


def test_two_files_of_a_table_are_refused(tmp_path: Path) -> None:
    """Nobody says which one is meant."""
    folder = write(tmp_path / "1")
    file = file_of(folder, "Admin_Patient")
    (folder / f"9{file.name}").write_bytes(file.read_bytes())

    assert refused(folder) == [("emis-table-twice", "Admin_Patient")]


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    """Decrypting is the work of whoever delivers the files; the bridge holds no key for it."""
    folder = write(tmp_path / "1")
    file = file_of(folder, "Admin_Patient")
    file.rename(folder / f"{file.name}.gpg")

    assert ("emis-encrypted", "file 4") in refused(folder)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """A name in a drop folder must not open a file elsewhere."""
    folder = write(tmp_path / "1")
    file = file_of(folder, "Admin_Patient")
    elsewhere = file.rename(tmp_path / "elsewhere.csv")
    (folder / file.name).symlink_to(elsewhere)

    assert ("emis-file-kind", "Admin_Patient") in refused(folder)


def test_what_does_not_belong_is_left_alone_and_told_by_place(tmp_path: Path) -> None:
    """A file name can hold a person's name, so it is never shown."""
    folder = write(tmp_path / "1")
    (folder / "Testperson letter.doc").write_text("")
    known = file_of(folder, "Admin_Patient").name
    (folder / known.replace("Admin_Patient", "Admin_Testperson")).write_text("")

    assert [(p.code, p.at, p.shape) for p in open_extract(folder).warnings] == [
        ("emis-file-name", "file 15", "AAAAAAAAAA AAAAAA.AAA"),
        ("emis-table-unknown", "file 5", ""),
    ]


def test_an_extract_never_goes_behind_the_last_one(tmp_path: Path) -> None:
    """An older extract would undo what a newer one said; the same one may be read again."""
    folder = write(tmp_path / "1", day=3)

    assert refused(folder, after=datetime(2026, 3, 4, tzinfo=UTC)) == [("emis-batch-old", "")]
    assert open_extract(folder, after=datetime(2026, 3, 3, tzinfo=UTC)).size > 0


def test_what_an_extract_knows_ends_at_midnight_in_london(tmp_path: Path) -> None:
    """Not when it was written: what was typed in between is in the next one. In summer that is 23:00 UTC."""
    winter, summer = write(tmp_path / "1"), write(tmp_path / "2")
    for file in list(summer.iterdir()):
        file.rename(summer / file.name.replace("20260302", "20260702"))

    assert open_extract(winter).extracted_at == datetime(2026, 3, 2, tzinfo=UTC)
    assert open_extract(summer).extracted_at == datetime(2026, 7, 1, 23, tzinfo=UTC)


def test_the_same_extract_has_the_same_id(tmp_path: Path) -> None:
    """It is known again by the names of its files, wherever they lie."""
    first, again, next_day = (write(tmp_path / n, day=day) for n, day in (("1", 2), ("2", 2), ("3", 3)))

    ids = [open_extract(folder).id for folder in (first, again, next_day)]
    assert ids[0] == ids[1] != ids[2]
    assert len(ids[0]) == 64


def test_a_header_without_a_needed_column_refuses_the_batch(tmp_path: Path) -> None:
    """Before any row of any table is looked into."""
    folder = write(tmp_path / "1", patient())
    edited_header(folder, "Admin_Patient", "SpineSensitive", "Other")
    edited_header(folder, "CareRecord_Observation", "CodeId", "Code")

    assert refused(folder) == [
        ("emis-column-missing", "Admin_Patient.SpineSensitive"),
        ("emis-column-missing", "CareRecord_Observation.CodeId"),
    ]


def test_a_column_that_is_there_twice_refuses_the_batch(tmp_path: Path) -> None:
    """A row would say two things."""
    folder = write(tmp_path / "1")
    edited_header(folder, "Admin_Patient", "CarerName", "NhsNumber")

    assert refused(folder) == [("emis-column-twice", "Admin_Patient column 24")]


def test_an_unknown_column_is_told_by_its_place(tmp_path: Path) -> None:
    """Its name is data too: a shifted header line may hold a person."""
    folder = write(tmp_path / "1")
    edited_header(folder, "Admin_Patient", "ContactComments", "Mrs Testperson")

    assert [str(p) for p in open_extract(folder).warnings] == [
        "emis-column-unknown at Admin_Patient column 37 of 38"
    ]


@pytest.mark.parametrize("version", ["8.2", "5.1"])
@pytest.mark.parametrize("quote_all", [False, True])
def test_every_version_opens(tmp_path: Path, version: str, quote_all: bool) -> None:  # noqa: FBT001
    """Version 5 misspells columns and lacks some."""
    folder = write(tmp_path / "1", patient(), version=version, quote_all=quote_all)  # type: ignore[arg-type]

    assert open_extract(folder).warnings == ()


def test_case_and_a_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    """Documents of the supplier disagree on the case of headers."""
    folder = write(tmp_path / "1")
    file = file_of(folder, "Admin_Patient")
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().upper())

    assert open_extract(folder).warnings == ()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b'"', b"Pat\0ientGuid\r\n", b"\n\n"])
def test_a_file_without_a_readable_header_refuses_the_batch(tmp_path: Path, content: bytes) -> None:
    """An empty file is a broken transfer, not a table without rows."""
    folder = write(tmp_path / "1")
    file_of(folder, "Admin_Patient").write_bytes(content)

    assert {at.partition(".")[0] for _, at in refused(folder)} == {"Admin_Patient"}


def test_the_extracts_of_a_drop_folder_are_told_apart(tmp_path: Path) -> None:
    """Several may lie there, and the newest may still be arriving."""
    write(tmp_path, day=3)
    write(tmp_path, day=2)
    late = file_of_day(tmp_path, "Admin_Patient", "20260303")
    late.rename(tmp_path / f"{late.name}.part")

    first, second = extracts_in(tmp_path)
    assert isinstance(first, Dropped)
    assert (first.stamp, first.agreement, first.missing) == ("20260302021500", AGREEMENT.upper(), ())
    assert (second.stamp, second.missing) == ("20260303021500", ("Admin_Patient",))
    assert len(first.files) == len(second.files) + 1


def file_of_day(folder: Path, table: str, day: str) -> Path:
    """The file of one table of one day."""
    (found,) = folder.glob(f"*_{table}_{day}*")
    return found


def test_every_ignored_table_has_its_reason() -> None:
    """Nothing is left out in silence."""
    for table in TABLES.values():
        assert (table.need is Need.IGNORED) == bool(table.reason), table.name
