"""Reading HL7 v2: whatever a sender does to the text, it means one thing or is refused in its place."""

import time

import pytest
from hypothesis import given
from hypothesis.strategies import binary, characters, integers, lists, sampled_from, text

from bridge.errors import Problem, Unreadable
from bridge.errors.catalogue import CATALOGUE
from bridge.wire.hl7v2 import DELETE, Limits, Message, parse

HEADER = "MSH|^~\\&|GPSYS|A99999|BRIDGE|SP1|20260701093000||REF^I12|M1|P|2.4"
PID = "PID|1||9990000018^^^NHS^NH~77^^^A99999^MR||Zebedee^Ann^^^Ms||19800229|2"


def message(*segments: str, end: str = "\r", charset: str = "utf-8") -> bytes:
    return (end.join((HEADER, *segments)) + end).encode(charset)


def refusal(raw: bytes, limits: Limits | None = None) -> Problem:
    with pytest.raises(Unreadable) as caught:
        parse(raw, limits=limits or Limits())
    return caught.value.problems[0]


def codes(parsed: Message) -> list[str]:
    return [problem.code for problem in parsed.warnings]


def test_fields_components_and_repetitions_are_found_by_place() -> None:
    """The notation is HL7's own."""
    parsed = parse(message(PID))

    assert parsed.get("PID-5.1") == ["Zebedee"]
    assert parsed.get("PID-3.1") == ["9990000018", "77"]
    assert parsed.get("PID-3[5=NH].1") == ["9990000018"]
    assert parsed.get("MSH-1") == ["|"]
    assert parsed.get("MSH-2") == ["^~\\&"]
    assert parsed.get("MSH-9.2") == ["I12"]


def test_a_segment_is_chosen_by_one_of_its_fields() -> None:
    """Referring and receiving provider are the same segment in two roles."""
    parsed = parse(message("PRD|RT^To|Service^Sam", "PRD|RP^From^HL70286~PP|Doctor^Dee||||| G9^^^GMP"))

    assert parsed.get("PRD[1=RP]-2.1") == ["Doctor"]
    assert parsed.get("PRD[1=PP]-7.1") == [" G9"]
    assert parsed.first("PRD[1=PP]-7.1") == "G9"
    assert parsed.get("PRD[1=XX]-2.1") == []


def test_a_repetition_is_chosen_by_its_number() -> None:
    """The first of several addresses is the primary one; parts of two must never be mixed."""
    parsed = parse(message("PID|1||||||||||1 High St^^Leeds~2 Low St^^^^LS1 1AA", "NTE|1||a", "NTE|2||b"))

    assert parsed.get("PID-11[1].5") == []
    assert parsed.get("PID-11[2].5") == ["LS1 1AA"]
    assert parsed.get("NTE[2]-3") == ["b"]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r\n", "\n\n"])
def test_any_line_end_ends_a_segment(end: str) -> None:
    """Libraries silently read one segment where line ends are not the standard's."""
    assert [s.id for s in parse(message(PID, "NTE|1||x", end=end)).segments] == ["MSH", "PID", "NTE"]


@pytest.mark.parametrize("lead", [b"\xef\xbb\xbf", b"\x0b", b"\r\n", b"\xef\xbb\xbf\x0b"])
def test_what_stands_before_the_header_by_habit_is_dropped(lead: bytes) -> None:
    """Byte order marks and frame bytes are not the message."""
    assert parse(lead + message(PID) + b"\x1c\r").get("PID-7") == ["19800229"]


def test_a_text_cut_by_a_line_end_is_put_together_again() -> None:
    """A raw line end inside a note must not lose the rest of the note, nor make a segment of it."""
    parsed = parse(message("NTE|1||lives alone", "AND housebound", "no phone|RE"))

    assert parsed.get("NTE-3") == ["lives alone\nAND housebound\nno phone"]
    assert parsed.get("NTE-4") == ["RE"]
    assert parsed.warnings == (Problem(code="hl7-line-end-in-field", at="segment 2"),)


def test_a_text_after_a_segment_without_fields_is_kept() -> None:
    """It has no field before it to belong to."""
    assert parse(message("PV1", "lives alone")).get("PV1-1") == ["lives alone"]


def test_a_local_segment_is_a_segment_and_an_unknown_one_is_text() -> None:
    """Only ids of the standard and Z ids start a segment."""
    parsed = parse(message("ZSP|1|x", "NTE|1||a", "ABC|1"))

    assert [s.id for s in parsed.segments] == ["MSH", "ZSP", "NTE"]
    assert parsed.get("NTE-3") == ["a\nABC"]


def test_a_bare_delimiter_in_a_text_does_not_cut_it() -> None:
    """Senders forget to escape: the whole field is given when no component is asked for."""
    assert parse(message("NTE|1||heating & food ^ debt")).get("NTE-3") == ["heating & food ^ debt"]


def test_delete_is_told_apart_from_no_change() -> None:
    """Two quotes say that a value is no more; nothing says nothing."""
    parsed = parse(message('PID|1||1^^^NHS^NH|||||||||||""|""^PRN'))

    assert parsed.get("PID-14.1") == [DELETE]
    assert parsed.get("PID-13") == []
    assert parsed.first("PID-14") == ""


def test_the_sender_chooses_the_delimiters() -> None:
    """MSH-1 and MSH-2 are data, not a custom."""
    parsed = parse(b"MSH#*!?%#GP#A99999#B#S#20260701##REF*I12#1#P#2.4\rPID#1##1***NHS*NH!2###O?T?Hara%x*B#")

    assert parsed.get("PID-3[5=NH].1") == ["1"]
    assert parsed.get("PID-6.1.1") == ["O%Hara"]


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        (r"a\F\b\S\c\T\d\R\e\E\f", "a|b^c&d~e\\f"),
        (r"one\.br\\.br\two", "one\n\ntwo"),
        (r"caf\XC3A9\ open", "café open"),
        (r"caf\XC3\\XA9\ open", "café open"),
        (r"a\X0D0A\b", "a\nb"),
    ],
)
def test_escapes_are_read_once_from_left_to_right(raw: str, meant: str) -> None:
    """A second pass would read an escaped backslash as the start of an escape."""
    parsed = parse(message(f"NTE|1||{raw}"))

    assert parsed.get("NTE-3") == [meant]
    assert parsed.warnings == ()


@pytest.mark.parametrize(
    "raw",
    ["a\\b", "\\\\server", r"\Zab\ x", r"\C4242\x", r"\H\loud\N", r"\XC3\x", r"\X1\x", r"\X00\x", "end\\"],
)
def test_an_escape_we_cannot_be_sure_of_stays_as_it_stood(raw: str) -> None:
    """Losing a path or a dose is worse than an odd mark in a text."""
    parsed = parse(message(f"NTE|1||{raw}"))

    assert parsed.get("NTE-3") == [raw]
    assert parsed.warnings == (Problem(code="hl7-escape-kept", at="NTE-3"),)


def test_a_known_escape_after_a_lone_backslash_is_still_read() -> None:
    """A lone backslash must not swallow the text up to the next one."""
    assert parse(message(r"NTE|1||c:\dir\.br\end")).get("NTE-3") == ["c:\\dir\nend"]


@pytest.mark.parametrize(
    ("declared", "sent", "used", "warned"),
    [
        ("UNICODE UTF-8", "utf-8", "utf-8", []),
        ("UNICODE", "utf-8", "utf-8", []),
        ("8859/1", "latin-1", "iso8859-1", []),
        ("", "utf-8", "utf-8", []),
        ("", "cp1252", "cp1252", ["hl7-charset-guessed"]),
        ("UNICODE UTF-8", "cp1252", "cp1252", ["hl7-charset-mismatch"]),
        ("ASCII", "utf-8", "utf-8", ["hl7-charset-mismatch"]),
        ("KLINGON", "utf-8", "utf-8", ["hl7-charset-unknown"]),
    ],
)
def test_the_charset_is_declared_or_found(declared: str, sent: str, used: str, warned: list[str]) -> None:
    """Declared, else UTF-8, else Windows-1252; which one was used is remembered."""
    raw = f"{HEADER}||||||{declared}\rPID|1||||Zoë\r".encode(sent)

    parsed = parse(raw)

    assert parsed.get("PID-5") == ["Zoë"]
    assert parsed.charset == used
    assert codes(parsed) == warned


def test_windows_quotes_under_the_name_of_latin_1_are_read_as_meant() -> None:
    """ISO 8859 has no printable character at 0x92, so the name is wrong."""
    parsed = parse(f"{HEADER}||||||8859/1\rNTE|1||doesn\u2019t drive\r".encode("cp1252"))

    assert parsed.get("NTE-3") == ["doesn\u2019t drive"]
    assert codes(parsed) == ["hl7-charset-mismatch"]


def test_utf_8_under_the_name_of_latin_1_is_warned_of() -> None:
    """It reads as two wrong letters; the sender's profile can settle it, we do not guess."""
    raw = f"{HEADER}||||||8859/1\rPID|1||||Zoë\r".encode()

    assert codes(parse(raw)) == ["hl7-charset-mismatch"]
    assert parse(raw, charset="utf-8").get("PID-5") == ["Zoë"]


def test_bytes_of_no_charset_are_refused() -> None:
    """0x81 is nothing in Windows-1252."""
    assert refusal(message("NTE|1||x") + b"\x81").code == "hl7-charset"


def test_a_control_character_shows_instead_of_vanishing() -> None:
    """No FHIR text may hold one."""
    parsed = parse(message("NTE|1||a\x07b"))

    assert parsed.get("NTE-3") == ["a\ufffdb"]
    assert parsed.warnings == (Problem(code="hl7-control-character", at="line 2"),)


@pytest.mark.parametrize("between", ["", "\r", "\x1c\r\x0b", "\ufeff", "\r\n\r\n "])
def test_two_messages_in_one_are_refused(between: str) -> None:
    """Read as one, the second person's data would stand in the first person's referral."""
    two = message(PID).decode().rstrip() + between + message(PID).decode()

    assert refusal(two.encode()).code == "hl7-several-messages"


@pytest.mark.parametrize(
    "wrapped", ["FHS|^~\\&|a\rBHS|^~\\&|a\r{}BTS|1\rFTS|1", "BHS|^~\\&\r{}", "{}BTS|1\r"]
)
def test_a_batch_is_refused_as_a_batch(wrapped: str) -> None:
    """One frame is one message; a batch would be answered as one."""
    assert refusal(wrapped.format(message(PID).decode()).encode()).code == "hl7-batch"


def test_a_message_continued_elsewhere_is_refused() -> None:
    """Half of a referral must not pass for a whole one."""
    assert refusal(message(PID, "DSC|more|F")) == Problem(code="hl7-continued", at="DSC-1")


@pytest.mark.parametrize(
    "raw", [b"", b"\r\r", b"PID|1\rMSH|^~\\&|", b"{}", b"MSH", b"MSHX", b"hello MSH|^~\\&|"]
)
def test_the_header_comes_first(raw: bytes) -> None:
    """Without it nothing is known of the rest."""
    assert refusal(raw) == Problem(code="hl7-no-msh", at="segment 1")


@pytest.mark.parametrize(
    "raw", [b"MSH||||||||", b"MSH|^^^^|a|b", b"MSH|^~\\|aaaaa||||||||\r"[:5] * 2, b"MSHA^~\\&Ab"]
)
def test_delimiters_that_cannot_divide_are_refused(raw: bytes) -> None:
    """Two equal delimiters give every text two readings."""
    assert refusal(raw) == Problem(code="hl7-delimiters", at="MSH-2")


def test_a_header_broken_over_two_lines_is_read() -> None:
    """Seen in a Welsh hub's published sample."""
    raw = message(PID).replace(b"|BRIDGE|", b"|\rBRIDGE|")

    assert parse(raw).first("MSH-5") == "BRIDGE"
    assert parse(raw).first("MSH-10") == "M1"


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (Limits(size=20), Problem(code="hl7-too-large", at="byte 20")),
        (Limits(segments=1), Problem(code="hl7-too-many-segments", at="segment 2")),
        (Limits(fields=7), Problem(code="hl7-too-many-fields", at="segment 1")),
    ],
)
def test_a_message_costs_no_more_than_agreed(limits: Limits, problem: Problem) -> None:
    """The size of what a stranger sends is not the stranger's choice."""
    assert refusal(message(PID), limits) == problem


def test_warnings_of_one_message_are_bounded() -> None:
    """A thousand odd lines are one problem to mend."""
    assert len(parse(message(*[r"NTE|1||a\b"] * 1000)).warnings) == 50


def test_a_message_never_shows_its_content() -> None:
    """A repr ends in logs."""
    parsed = parse(message(PID))

    assert "Zebedee" not in repr(parsed) + repr(parsed.segments)


def test_a_large_message_takes_time_in_proportion() -> None:
    """Four times the text may not take sixteen times as long (a wide margin for a busy machine)."""
    small, large = (_seconds(message(*[r"OBX|1|FT|x||" + r"pain\.br\\X41\ \ " * 500] * n)) for n in (30, 120))

    assert large < 12 * max(small, 0.001)


def _seconds(raw: bytes) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        parse(raw).get("OBX-5")
        times.append(time.perf_counter() - start)
    return min(times)


marks = sampled_from(
    ["MSH|^~\\&|", "\r", "\n", "|", "^", "~", "\\", "&", "PID|", "NTE|", "\\.br\\", "\\X", "é", '""']
)


@given(raw=binary(max_size=200))
def test_any_bytes_are_a_message_or_a_located_refusal(raw: bytes) -> None:
    """A door that falls over on bad bytes is a door anyone can shut."""
    assert_read_or_refused(raw)


@given(parts=lists(marks | text(max_size=5), max_size=60), codec=sampled_from(["utf-8", "cp1252"]))
def test_anything_that_looks_like_hl7_is_a_message_or_a_located_refusal(parts: list[str], codec: str) -> None:
    """Most bad messages are almost right."""
    assert_read_or_refused(b"MSH|^~\\&|" + "".join(parts).encode(codec, "replace"))


def assert_read_or_refused(raw: bytes) -> None:
    try:
        parsed = parse(raw)
    except Unreadable as refused:
        problems = refused.problems
        assert problems
    else:
        problems = parsed.warnings
        places = [f"{s.id}-{n}" for s in parsed.segments for n in range(1, len(s.fields))]
        assert all(isinstance(value, str) for place in places for value in parsed.get(place))
    assert all(p.code in CATALOGUE for p in problems)


@given(
    parts=lists(
        text(characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8), max_size=4
    ),
    number=integers(1, 30),
)
def test_a_written_field_reads_back(parts: list[str], number: int) -> None:
    """Escape and unescape are each other's inverse, whatever the text."""
    from bridge.wire.hl7v2_text import Delimiters, escape

    wanted = "\n".join(parts)
    parsed = parse(message(f"ZZZ{'|' * number}{escape(wanted, Delimiters())}|end"))

    assert parsed.get(f"ZZZ-{number}") == ([wanted] if wanted else [])
    assert parsed.warnings == ()
