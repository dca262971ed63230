"""Any bytes are rows or located problems; a row that is not what it seems is never looked into."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.errors import Problem
from bridge.errors.catalogue import CATALOGUE
from bridge.sources import emis_rows
from bridge.sources.emis_rows import Header, Rows, header_of, values_of
from bridge.sources.emis_tables import PATIENT, Need, Table

TABLE = Table(
    name="Test_Table",
    need=Need.NEEDED,
    key=("Guid",),
    needed=("Guid", "Text"),
    other=("Flag", "ProcessingId"),
    flags=("Flag",),
)
HEADER = Header(at={"Guid": 0, "Text": 1}, width=2)
GUID = "{45E7CD20-EE37-41AB-90D6-DC9D4B03D102}"


def rows_of(path: Path, content: bytes, *, after: int = 0) -> tuple[list[list[str] | str], Rows]:
    """Rows, with a problem as its text."""
    path.write_bytes(content)
    rows = Rows(path, TABLE, HEADER)
    return [str(row) if isinstance(row, Problem) else row for row in rows.after(after)], rows


def test_rows_are_read_as_the_standard_says(tmp_path: Path) -> None:
    """RFC 4180: quotes, doubled quotes, commas and line breaks inside, a blank line, no last line end."""
    found, rows = rows_of(tmp_path / "t", b'Guid,Text\r\na,"b, ""c""\r\nd"\r\n\r\ne,f')

    assert found == [["a", 'b, "c"\r\nd'], ["e", "f"]]
    assert (rows.row, rows.bytes_read) == (2, 33)


def test_a_row_of_another_width_is_a_problem_in_its_place(tmp_path: Path) -> None:
    """In shifted columns one person's details stand under another name."""
    found, _ = rows_of(tmp_path / "t", b"Guid,Text\na,b\nMrs,Test,Person\nshort\nc,d\n")

    assert found == [
        ["a", "b"],
        "emis-row-columns at Test_Table row 3",
        "emis-row-columns at Test_Table row 4",
        ["c", "d"],
    ]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"a,caf\xe9", "emis-row-bytes"),
        (b"a,\xc0\x80", "emis-row-bytes"),
        (b"a,b\0", "emis-row-nul"),
        (b'a,"b"c', "emis-row-syntax"),
        (b'a,"b\r\nc\xff"', "emis-row-bytes"),
    ],
)
def test_a_bad_row_costs_itself_only(tmp_path: Path, bad: bytes, code: str) -> None:
    """The rest of the table goes on."""
    found, _ = rows_of(tmp_path / "t", b"Guid,Text\r\n1,2\r\n" + bad + b"\r\n3,4\r\n")

    assert found == [["1", "2"], f"{code} at Test_Table row 3", ["3", "4"]]


def test_a_text_that_never_ends_ends_the_table(tmp_path: Path) -> None:
    """What stands inside an endless quoted text could pass for rows."""
    endless = b'a,"' + b"b,c\n" * (emis_rows.RECORD_LIMIT // 4)
    found, rows = rows_of(tmp_path / "t", b"Guid,Text\n1,2\n" + endless + b'"\n3,4\n')

    assert found == [["1", "2"], "emis-row-too-large at Test_Table row 3"]
    assert rows.broken


def test_one_long_line_is_not_read_whole(tmp_path: Path) -> None:
    """Nor kept in memory."""
    found, rows = rows_of(tmp_path / "t", b"Guid,Text\n" + b"x" * (emis_rows.RECORD_LIMIT + 1))

    assert found == ["emis-row-too-large at Test_Table row 2"]
    assert rows.broken


def test_a_quoted_text_that_is_cut_off_is_a_problem(tmp_path: Path) -> None:
    """As after a broken transfer."""
    found, rows = rows_of(tmp_path / "t", b'Guid,Text\na,"b\n')

    assert found == ["emis-row-syntax at Test_Table row 2"]
    assert not rows.broken


def test_a_quotation_mark_nobody_meant_costs_its_own_line(tmp_path: Path) -> None:
    """It seems to quote everything up to the next one, and the rows between must not be lost with it."""
    content = b'Guid,Text\r\n1,"oops\r\n2,b\r\n3,c\r\n4,"d, d"\r\n5,"e\r\ne"\r\n6,"oops\r\n7,f\r\n'
    found, rows = rows_of(tmp_path / "t", content)

    assert found == [
        "emis-row-syntax at Test_Table row 2",
        ["2", "b"],
        ["3", "c"],
        ["4", "d, d"],
        ["5", "e\r\ne"],
        "emis-row-syntax at Test_Table row 7",
        ["7", "f"],
    ]
    assert (rows.bytes_read, rows.cut) == (len(content), False)
    assert rows_of(tmp_path / "t", content, after=3)[0] == found[3:]


def test_reading_goes_on_after_any_row(tmp_path: Path) -> None:
    """Bad rows count too, so that the resume point means the same each time."""
    content = b"Guid,Text\n1,2\nbad\n3,4\n5,6\n"

    assert rows_of(tmp_path / "t", content, after=2)[0] == [["3", "4"], ["5", "6"]]
    assert rows_of(tmp_path / "t", content, after=9)[0] == []


@given(st.binary(max_size=400))
@example(b'Guid,Text\n"')
@example(b"Guid,Text\r\ra,b\r")
@example(b'Guid,Text\n"a"\x0b"b",c\n')
def test_any_bytes_are_rows_or_located_problems(tmp_path: Path, content: bytes) -> None:
    """And never another exception; no row has another width than the header."""
    path = tmp_path / "t"
    path.write_bytes(b"Guid,Text\n" + content)

    for row in Rows(path, TABLE, HEADER):
        if isinstance(row, Problem):
            assert row.code in CATALOGUE
            assert row.at.startswith("Test_Table row ")
            assert row.shape == ""
        else:
            assert len(row) == 2


@given(st.binary(max_size=400))
def test_any_bytes_are_a_header_or_refused(tmp_path: Path, content: bytes) -> None:
    """What is wrong is told by our own column names and by place."""
    path = tmp_path / "t"
    path.write_bytes(content)

    header, wrong, odd = header_of(path, PATIENT)

    assert wrong or set(PATIENT.needed) <= set(header.at)
    assert {problem.code for problem in (*wrong, *odd)} <= CATALOGUE.keys()


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=6), st.data())
def test_what_a_spreadsheet_writes_is_what_is_read(
    tmp_path: Path, pairs: list[tuple[str, str]], data: st.DataObject
) -> None:
    """Every text that can stand in a cell comes back as it was, quoted or not, whatever the line end."""
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    cells = [["".join(c for c in text if c != "\0" and c.isprintable()) for text in pair] for pair in pairs]
    quoted = [",".join('"' + text.replace('"', '""') + '"' for text in pair) for pair in cells]
    found, _ = rows_of(tmp_path / "t", end.join(["Guid,Text", *quoted, ""]).encode())

    assert found == cells


def test_values_are_told_by_name_and_guids_in_one_spelling() -> None:
    """Empty cells are not values; the all-zero GUID is none."""
    header = Header(at={"Guid": 2, "Text": 0, "Flag": 1}, width=3)

    values = values_of([" text ", "FALSE", GUID.lower()], 7, TABLE, header)

    assert values == {"Guid": GUID[1:-1], "Text": "text", "Flag": "FALSE"}


@pytest.mark.parametrize(
    ("record", "column", "looks"),
    [
        (["Testperson", "text", "false", "1"], "Guid", "AAAAAAAAAA"),
        (["", "text", "false", "1"], "Guid", ""),
        ([GUID, "text", "1948-05-17", "1"], "Flag", "9999-99-99"),
        ([GUID, "text", "true", "9990000018 x"], "ProcessingId", "9999999999 A"),
    ],
)
def test_a_row_whose_columns_slipped_is_not_used(record: list[str], column: str, looks: str) -> None:
    """Even when their number is right: a key that is no key, a flag that is no flag. No value is told."""
    header = Header(at={"Guid": 0, "Text": 1, "Flag": 2, "ProcessingId": 3}, width=4)

    wrong = values_of(record, 4, TABLE, header)

    assert wrong == Problem(code="emis-row-value", at=f"Test_Table row 5, {column}", shape=looks)
