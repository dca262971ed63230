"""Frames come out whole and in order, however the network cuts the bytes."""

import pytest
from hypothesis import given
from hypothesis.strategies import binary, integers, lists, sampled_from

from bridge.errors import Problem
from bridge.wire.mllp import END, START, Framer, wrap

frames = binary(max_size=40).filter(lambda b: END not in b and b"\x0bMSH" not in b)


def fed_in_pieces(framer: Framer, stream: bytes, step: int) -> list[bytes | Problem]:
    pieces = [stream[i : i + step] for i in range(0, len(stream), step)]
    return [event for piece in pieces for event in framer.feed(piece)]


@given(messages=lists(frames), step=integers(1, 7), gap=sampled_from([b"", b"\r", b"\r\n"]))
def test_framing_ignores_how_bytes_arrive(messages: list[bytes], step: int, gap: bytes) -> None:
    """Many frames in one read, one frame in many reads: the messages are the same."""
    stream = gap.join(map(wrap, messages))

    assert fed_in_pieces(Framer(), stream, step) == messages


@given(stream=binary(max_size=120), step=integers(1, 9))
def test_any_bytes_give_the_same_events_in_pieces_as_at_once(stream: bytes, step: int) -> None:
    """A fault, too, depends on the bytes alone."""
    assert fed_in_pieces(Framer(limit=20), stream, step) == Framer(limit=20).feed(stream)


@given(
    stream=lists(sampled_from([START, b"\x1c", b"\r", b"MSH|", b"a", b"\n"]), max_size=40),
    step=integers(1, 5),
)
def test_framing_bytes_in_odd_places_are_cut_the_same_way(stream: list[bytes], step: int) -> None:
    """Streams made of nothing but framing bytes are where a scanner loses its place."""
    whole = b"".join(stream)

    assert fed_in_pieces(Framer(limit=6), whole, step) == Framer(limit=6).feed(whole)


def test_a_wrong_first_byte_is_a_fault_and_closes_the_framer() -> None:
    """Bytes without a frame have no end: the connection must be closed and the sender sends again."""
    framer = Framer()

    assert framer.feed(b"GET / HTTP/1.1\r\n") == [Problem(code="mllp-no-start-byte")]
    assert framer.closed
    assert framer.feed(wrap(b"MSH|")) == []


def test_frames_before_a_fault_are_kept() -> None:
    """What arrived whole was sent whole."""
    assert Framer().feed(wrap(b"one") + b"junk") == [b"one", Problem(code="mllp-no-start-byte")]


@pytest.mark.parametrize("step", [1, 3, 100])
def test_a_frame_over_the_limit_is_a_fault_even_before_its_end(step: int) -> None:
    """Memory is spent on no more than one message of the agreed size."""
    assert fed_in_pieces(Framer(limit=10), START + b"x" * 12, step) == [Problem(code="mllp-too-large")]


def test_a_frame_of_exactly_the_limit_is_taken() -> None:
    """The limit is the size of the message, not of the frame."""
    assert fed_in_pieces(Framer(limit=10), wrap(b"x" * 10), 1) == [b"x" * 10]


def test_a_message_begun_again_on_the_same_connection_gives_up_the_cut_one() -> None:
    """Otherwise half of one person's message would be read together with another's."""
    stream = START + b"MSH|half of o" + wrap(b"MSH|whole")

    assert Framer().feed(stream) == [Problem(code="mllp-cut"), b"MSH|whole"]


def test_a_vertical_tab_pasted_into_a_note_is_not_a_new_message() -> None:
    """Word processors write 0x0B for a soft line break."""
    stream = START + b"MSH|a\x0bb" + END

    assert Framer().feed(stream) == [b"MSH|a\x0bb"]


def test_an_unfinished_message_shows() -> None:
    """The door times out a sender that stops half-way."""
    framer = Framer()
    framer.feed(START + b"MSH")

    assert framer.unfinished
    framer.feed(END)
    assert not framer.unfinished


def test_a_message_with_framing_bytes_cannot_be_wrapped() -> None:
    """It would arrive as two."""
    with pytest.raises(ValueError, match="framing"):
        wrap(b"a" + END + b"b")


def test_a_large_read_of_small_frames_is_linear() -> None:
    """Ten times the frames take about ten times as long, not a hundred times."""
    assert len(Framer().feed(wrap(b"MSH|" + b"x" * 500) * 10_000)) == 10_000
