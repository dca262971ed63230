"""Acknowledgements: the sender learns what became of its message, whatever state the message was in."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis.strategies import binary

from bridge.errors import Problem
from bridge.wire.hl7v2 import Message, parse
from bridge.wire.hl7v2_ack import Ack, acknowledge

NOW = datetime(2026, 7, 1, 8, 30, tzinfo=UTC)
MISSING = Problem(code="hl7-no-referral-id", at="referral-id", rule="RF1-6, else OBR-2")


def inbound(
    version: str = "2.4", modes: str = "||", processing: str = "P", charset: str = "UNICODE UTF-8"
) -> bytes:
    start = "MSH|^~\\&|GPSYS^1|A99999^Zoë|BRIDGE|SP1|20260701||REF^I12|M1"
    return f"{start}|{processing}|{version}||{modes}||{charset}\rPRD|RP\rPRD|RT\r".encode()


def answered(raw: bytes | Message, code: Ack = Ack.ACCEPT, *problems: Problem) -> Message:
    return parse(acknowledge(raw, code, problems=problems, now=NOW, control_id="A1", receipt="r-7"))


def test_the_header_answers_the_sender_in_its_own_terms() -> None:
    """Sender and receiver change places; processing id, version and charset are the sender's."""
    answer = answered(parse(inbound(processing="T")))

    assert answer.get("MSH-3") == ["BRIDGE"]
    assert answer.get("MSH-5.1") == ["GPSYS"]
    assert answer.get("MSH-6.2") == ["Zoë"]
    assert answer.get("MSH-7") == ["20260701083000+0000"]
    assert answer.get("MSH-9") == ["ACK^I12^ACK"]
    assert answer.get("MSH-10") == ["A1"]
    assert answer.get("MSH-11") == ["T"]
    assert answer.get("MSH-12") == ["2.4"]
    assert answer.get("MSH-18") == ["UNICODE UTF-8"]
    assert answer.get("MSA-1") == ["AA"]
    assert answer.get("MSA-2") == ["M1"]
    assert answer.get("MSA-3") == ["receipt r-7"]
    assert answer.get("ERR-1") == []


def test_the_answer_is_in_the_charset_of_the_message() -> None:
    """A sender in Windows-1252 cannot read UTF-8."""
    raw = inbound(charset="").decode().encode("cp1252")

    assert "Zoë".encode("cp1252") in acknowledge(parse(raw), Ack.ACCEPT, now=NOW, control_id="A1")


@pytest.mark.parametrize(
    ("modes", "code", "answer"),
    [
        ("||", Ack.ACCEPT, "AA"),
        ("|AL|NE", Ack.ACCEPT, "CA"),
        ("|AL|NE", Ack.ERROR, "CE"),
        ("|AL|AL", Ack.REJECT, "CR"),
        ("|NE|AL", Ack.ACCEPT, "AA"),
        ("|ER|AL", Ack.ACCEPT, "AA"),
        ("|ER|NE", Ack.REJECT, "CR"),
        ("|SU|ER", Ack.REJECT, "AR"),
        ("||AL", Ack.ERROR, "AE"),
    ],
)
def test_the_sender_chooses_the_mode(modes: str, code: Ack, answer: str) -> None:
    """MSH-15 and MSH-16 ask for the accept level, the application level or both."""
    assert answered(inbound(modes=modes), code).get("MSA-1") == [answer]


@pytest.mark.parametrize("modes", ["|NE|NE", "|ER|NE", "|ER|ER"])
def test_a_sender_that_wants_no_answer_gets_none(modes: str) -> None:
    """An answer nobody reads would be taken for the answer to the next message."""
    assert acknowledge(inbound(modes=modes), Ack.ACCEPT, now=NOW, control_id="A1") == b""


@pytest.mark.parametrize("version", ["2.3", "2.3.1", "2.4", "2.4^NZL^1.0"])
def test_up_to_2_4_the_errors_are_repetitions_of_err_1(version: str) -> None:
    """Segment, occurrence, field and the table 0357 code."""
    other = Problem(code="hl7-escape-kept", at="PRD[2]-2")
    answer = answered(parse(inbound(version)), Ack.REJECT, MISSING, other)

    assert answer.get("ERR-1.1") == ["RF1", "PRD"]
    assert answer.get("ERR-1.2") == ["1", "2"]
    assert answer.get("ERR-1.3") == ["6", "2"]
    assert answer.get("ERR-1.4.1") == ["101", "102"]
    assert answer.get("ERR-1.4.3") == ["HL70357", "HL70357"]
    assert answer.get("MSA-3") == ["hl7-no-referral-id at referral-id; receipt r-7"]


def test_from_2_5_on_each_error_is_a_segment() -> None:
    """Place in ERR-2, table 0357 in ERR-3, severity in ERR-4, our code and words beside."""
    answer = answered(parse(inbound("2.5.1")), Ack.REJECT, MISSING, Problem(code="x", at="PID-3[5=NH].1"))

    assert answer.get("ERR-2") == ["RF1^1^6^1", "PID^1^3^1^1"]
    assert answer.get("ERR-3.1") == ["101", "207"]
    assert answer.get("ERR-4") == ["E", "E"]
    assert answer.get("ERR-5") == ["hl7-no-referral-id", "x"]
    assert answer.get("ERR-1") == []


def test_an_accepted_message_may_carry_warnings() -> None:
    """What was odd is told without refusing."""
    assert answered(inbound("2.8"), Ack.ACCEPT, MISSING).get("ERR-4") == ["W"]


@pytest.mark.parametrize(
    "raw",
    [
        inbound() + inbound(),
        b"FHS|^~\\&|x\r" + inbound(),
        b"\x0bjunk " + inbound() + b"\x81",
        b"\x00\x0b" + inbound().replace(b"A99999", b"\x81"),
    ],
)
def test_a_message_too_broken_to_parse_is_still_answered_by_its_header(raw: bytes) -> None:
    """Without an answer the sender repeats it for ever."""
    answer = acknowledge(raw, Ack.REJECT, problems=[MISSING], now=NOW, control_id="A1")

    assert b"MSA|AR|M1|" in answer
    assert b"ERR|RF1^1^6^101&" in answer


def test_bytes_without_any_header_are_answered_all_the_same() -> None:
    """The answer names no message, because none was named."""
    answer = answered(b"not hl7 at all", Ack.REJECT)

    assert answer.get("MSA-1") == ["AR"]
    assert answer.get("MSA-2") == []
    assert answer.get("MSH-9") == ["ACK"]


def test_a_control_id_too_long_to_echo_is_left_out_not_cut() -> None:
    """A cut id could be another message's."""
    raw = inbound().replace(b"|M1|", b"|" + b"M" * 300 + b"|")

    assert answered(raw).get("MSA-2") == []


@given(raw=binary(max_size=300))
def test_any_bytes_can_be_answered(raw: bytes) -> None:
    """The answer itself is always a message."""
    assert answered(b"MSH|^~\\&|" + raw if len(raw) % 2 else raw, Ack.REJECT, MISSING).get("MSA-1")
