"""A tolerant reader of HL7 v2: bytes to segments, with every liberty a sender took told as a warning.

Strategy: normalise first (byte order mark, line ends, charset), cut into segments, and split fields only;
what lies below a field is split when it is asked for. One frame is one message: anything else is refused,
because two messages read as one give one person the other's referral.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from bridge.errors import Problem, Unreadable
from bridge.wire.hl7v2_path import Path, Selector, parse_path
from bridge.wire.hl7v2_segments import starts_segment
from bridge.wire.hl7v2_text import Delimiters, decode, unescape

DELETE = '""'  # the sender says: this value is no more; an empty field says nothing

WARNINGS = 50  # told of one message; enough to mend it, too few to drown in

_BATCH = frozenset({"FHS", "BHS", "BTS", "FTS"})
_LEAD = b"\xef\xbb\xbf\x0b\r\n \t"
_TRAIL = b"\x1c\r\n \t\x00"

cached_path = lru_cache(maxsize=1024)(parse_path)


T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one message may cost: bytes, segments, fields of one segment."""

    size: int = 5_000_000
    segments: int = 10_000
    fields: int = 500


DEFAULT_LIMITS = Limits()


class Repetition(NamedTuple):
    """One repetition of one field, raw; `number` counts from 1, `components` are raw too."""

    segment: "Segment"
    field: int
    number: int
    raw: str
    components: list[str]

    def __repr__(self) -> str:
        return f"Repetition({self.place()})"

    def part(self, component: int = 0, subcomponent: int = 0) -> str:
        """The unescaped text of one part, the whole by default; what is only delimiters is empty."""
        if component > len(self.components):
            return ""
        text = self.components[component - 1] if component else self.raw
        delimiters = self.segment.delimiters
        if subcomponent:
            text = _nth(text, delimiters.subcomponent, subcomponent)
        if text.isalnum():  # as most are; neither delimiters nor escapes ever are
            return text
        if not text.strip(delimiters.component + delimiters.subcomponent):  # also when there is none
            return ""
        return unescape(text, delimiters, self.segment.charset)[0]

    def place(self, component: int = 0) -> str:
        """Where it is, in the notation of paths: `PID-3[2].1`; a first one is not numbered."""
        which = f"[{self.number}]" if self.number > 1 else ""
        return f"{self.segment.place(self.field)}{which}" + (f".{component}" if component else "")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Segment:
    """One segment. `fields[n]` is the raw text of field n; `fields[0]` is the id.

    `number` counts from 1 in the message, `occurrence` among the segments of the same id.
    """

    id: str
    number: int
    occurrence: int
    fields: tuple[str, ...]
    delimiters: Delimiters
    charset: str
    _split: dict[int, list[Repetition]] = field(default_factory=dict, compare=False)

    def raw(self, field: int) -> str:
        """The field as it stood, or ""."""
        return self.fields[field] if field < len(self.fields) else ""

    def repetitions(self, field: int) -> list[Repetition]:
        """The repetitions of a field; MSH-1 and MSH-2 are never split."""
        found = self._split.get(field)
        if found is None:
            found = self._split[field] = self._repetitions(field)
        return found

    def _repetitions(self, field: int) -> list[Repetition]:
        raw, d = self.raw(field), self.delimiters
        if self.id == "MSH" and field <= 2:
            return [Repetition(segment=self, field=field, number=1, raw=raw, components=[raw])]
        return [
            Repetition(segment=self, field=field, number=n, raw=part, components=part.split(d.component))
            for n, part in enumerate(raw.split(d.repetition), 1)
        ]

    def place(self, field: int) -> str:
        """Where a field is, in the notation of paths: `OBX[3]-5`; a first segment is not numbered."""
        which = f"[{self.occurrence}]" if self.occurrence > 1 else ""
        return f"{self.id}{which}-{field}"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Message:
    """One message. `charset` is the Python codec it was read with."""

    segments: tuple[Segment, ...]
    delimiters: Delimiters
    charset: str
    warnings: tuple[Problem, ...] = ()
    _by_id: dict[str, list[Segment]] = field(default_factory=dict, compare=False)
    _asked: dict[Any, Any] = field(default_factory=dict, compare=False)

    def every(self, segment: str) -> list[Segment]:
        """The segments of that id, in order."""
        if not self._by_id:
            for found in self.segments:
                self._by_id.setdefault(found.id, []).append(found)
        return self._by_id.get(segment, [])

    def once(self, question: Callable[["Message"], T]) -> T:
        """The answer to a question about this message, which several ask."""
        if question not in self._asked:
            self._asked[question] = question(self)
        answer: T = self._asked[question]
        return answer

    def find(self, path: Path) -> Iterator[Repetition]:
        """The repetitions that the path chooses, of fields that are not empty."""
        field, occurrence, number = path.field, path.occurrence, path.repetition
        for segment in self.every(path.segment):
            if field >= len(segment.fields) or not segment.fields[field]:
                continue
            if occurrence not in (0, segment.occurrence):
                continue
            if path.which_segment is not None and not _has(segment, path.which_segment):
                continue
            for repetition in segment.repetitions(field):
                if number not in (0, repetition.number):
                    continue
                if path.which_repetition is None or _is(repetition, path.which_repetition):
                    yield repetition

    def get(self, path: str | Path) -> list[str]:
        """Every value at the place, in order, without the empty ones; DELETE stands for `""`.

        A place without component is the whole repetition: a text with a bare `^` or `&` in it is never cut.
        """
        place = cached_path(path) if isinstance(path, str) else path
        found = (repetition.part(place.component, place.subcomponent) for repetition in self.find(place))
        return [value for value in found if value]

    def first(self, path: str | Path) -> str:
        """The first value at the place that is not deleted, trimmed, or ""."""
        return next((v.strip() for v in self.get(path) if v != DELETE), "")


def _has(segment: Segment, wanted: Selector) -> bool:
    """Whether some repetition of the selected field has the wanted value."""
    found = segment.repetitions(wanted.major)
    return any(r.part(wanted.minor, 1).strip() == wanted.value for r in found)


def _is(repetition: Repetition, wanted: Selector) -> bool:
    return repetition.part(wanted.major, wanted.minor).strip() == wanted.value


def _nth(text: str, delimiter: str, number: int) -> str:
    parts = text.split(delimiter, number)
    return parts[number - 1] if number <= len(parts) else ""


def parse(raw: bytes, *, charset: str = "", limits: Limits = DEFAULT_LIMITS) -> Message:
    """Read one message; Unreadable says what is wrong and where.

    `charset` is a Python codec that overrules MSH-18 (a sender's profile).
    """
    if len(raw) > limits.size:
        raise _unreadable("hl7-too-large", f"byte {limits.size}")
    body = raw.lstrip(_LEAD).rstrip(_TRAIL)
    _check_start(body)
    decoded = decode(body, declared=declared_charset(body), forced=charset)
    delimiters = _delimiters(decoded.text)
    _check_single(decoded.text)
    lines, glued = _segment_lines(decoded.text, delimiters, limits)
    segments = tuple(_segments(lines, delimiters, decoded.charset, limits))
    _check_whole(segments)
    warnings = (*decoded.warnings, *glued, *islice(_odd_escapes(segments), WARNINGS))
    return Message(
        segments=segments, delimiters=delimiters, charset=decoded.charset, warnings=warnings[:WARNINGS]
    )


def declared_charset(body: bytes) -> str:
    """MSH-18 of bytes that start with MSH, first repetition, before anything is decoded."""
    line = body.replace(b"\n", b"\r").split(b"\r", 1)[0]
    fields = line.split(body[3:4])
    return fields[17].split(b"~")[0].decode("ascii", "replace").strip() if len(fields) > 17 else ""


def _check_start(body: bytes) -> None:
    start = body[:3].decode("ascii", "replace")
    if start in _BATCH:
        raise _unreadable("hl7-batch", "segment 1")
    if start != "MSH" or len(body) < 8:
        raise _unreadable("hl7-no-msh", "segment 1")


def _delimiters(text: str) -> Delimiters:
    if not text.startswith("MSH") or len(text) < 8:  # only under a wrongly forced charset
        raise _unreadable("hl7-no-msh", "segment 1")
    try:
        return Delimiters.of(text[3], text[4:10].split(text[3], 1)[0])
    except ValueError:
        raise _unreadable("hl7-delimiters", "MSH-2") from None


def _check_single(text: str) -> None:
    """Refuse a second header anywhere, even one glued to a cut message or behind a stray frame byte."""
    header = text[: text.index(text[3], 4) + 1] if text[3] in text[4:12] else text[:8]
    if header in text[3:]:
        raise _unreadable("hl7-several-messages", "segment 1")


def _segment_lines(text: str, delimiters: Delimiters, limits: Limits) -> tuple[list[str], list[Problem]]:
    """One line per segment. A line that starts no known segment belongs to the text before it."""
    segments: list[list[str]] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line.strip():
            continue
        if not starts_segment(line, delimiters.field):
            segments[-1].append(line)
            continue
        if len(segments) >= limits.segments:
            raise _unreadable("hl7-too-many-segments", f"segment {limits.segments + 1}")
        segments.append([line])
    joined = ["\n".join(lines) for lines in segments]
    glued = [number for number, lines in enumerate(segments, 1) if len(lines) > 1]
    return joined, [Problem(code="hl7-line-end-in-field", at=f"segment {n}") for n in glued[:WARNINGS]]


def _segments(lines: list[str], delimiters: Delimiters, charset: str, limits: Limits) -> Iterator[Segment]:
    seen: Counter[str] = Counter()
    for number, line in enumerate(lines, 1):
        if line.count(delimiters.field) > limits.fields:
            raise _unreadable("hl7-too-many-fields", f"segment {number}")
        start, *fields = line.split(delimiters.field)
        name, rest = start[:3], start[3:].strip()
        if number == 1 or rest:  # MSH-1 is a field; a text joined to a bare segment id must not vanish
            fields.insert(0, rest or delimiters.field)
        seen[name] += 1
        yield Segment(
            id=name,
            number=number,
            occurrence=seen[name],
            fields=(name, *fields),
            delimiters=delimiters,
            charset=charset,
        )


def _check_whole(segments: tuple[Segment, ...]) -> None:
    for segment in segments[1:]:
        if segment.id == "MSH":
            raise _unreadable("hl7-several-messages", f"segment {segment.number}")
        if segment.id in _BATCH:
            raise _unreadable("hl7-batch", f"segment {segment.number}")
        if segment.id == "DSC" and segment.raw(1):
            raise _unreadable("hl7-continued", "DSC-1")


def _odd_escapes(segments: tuple[Segment, ...]) -> Iterator[Problem]:
    for segment in segments:
        mark = segment.delimiters.escape
        for number, raw in enumerate(segment.fields):
            if mark not in raw or (segment.id == "MSH" and number <= 2):
                continue
            if unescape(raw, segment.delimiters, segment.charset)[1]:
                yield Problem(code="hl7-escape-kept", at=segment.place(number))


def _unreadable(code: str, at: str) -> Unreadable:
    return Unreadable(problems=(Problem(code=code, at=at),))
