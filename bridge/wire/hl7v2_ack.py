"""Acknowledgements of HL7 v2 messages, also of those too broken to parse.

Original mode answers AA, AE or AR. Enhanced mode (MSH-15 or MSH-16 valued) answers at the accept level, CA,
CE or CR, when MSH-15 asks for it, else at the application level when MSH-16 does: one message, one answer, on
the connection it came by (HL7 v2.9 chapter 2.9).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bridge.errors import Problem, Unreadable
from bridge.errors.catalogue import CATALOGUE
from bridge.wire.hl7v2 import Message, declared_charset
from bridge.wire.hl7v2_text import Delimiters, decode, escape


class Ack(StrEnum):
    """MSA-1 in original mode: kept and used; not now, send again; never, mend it first."""

    ACCEPT = "AA"
    ERROR = "AE"
    REJECT = "AR"


# HL7 table 0357.
_CONDITIONS = {
    "0": "Message accepted",
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "204": "Unknown key identifier",
    "205": "Duplicate key identifier",
    "206": "Application record locked",
    "207": "Application internal error",
}
_BY_PROBLEM = {"hl7-event-not-supported": "201", "hl7-type-not-supported": "200", "test-in-live": "202"}
_BY_ISSUE = {
    "structure": "100",
    "required": "101",
    "invalid": "102",
    "value": "102",
    "code-invalid": "103",
    "not-supported": "200",
    "not-found": "204",
    "duplicate": "205",
    "conflict": "205",
    "lock-error": "206",
    "multiple-matches": "100",
    "incomplete": "100",
    "too-long": "102",
    "too-costly": "102",
    "forbidden": "204",
}
_INDEX = r"(?:\[(?:(\d+)|[^\]]*)\])?"
_PLACE = re.compile(rf"([A-Z][A-Z0-9]{{2}}){_INDEX}-(\d+){_INDEX}(?:\.(\d+))?")
_SEGMENT = re.compile(r"segment (\d+)")
_STANDARD = Delimiters()
_ECHO_LIMIT = 250  # characters of one echoed field; a longer one is left out rather than cut


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """What could be read of an MSH: raw fields counted as MSH-n, and how to write back."""

    fields: tuple[str, ...] = ()
    delimiters: Delimiters = _STANDARD
    charset: str = "ascii"

    def echo(self, field: int) -> str:
        raw = self.fields[field] if field < len(self.fields) else ""
        return raw if len(raw) <= _ECHO_LIMIT and raw.isprintable() else ""

    def component(self, field: int, number: int) -> str:
        parts = self.echo(field).split(self.delimiters.component)
        return parts[number - 1].strip() if number <= len(parts) else ""

    @property
    def version(self) -> tuple[int, ...]:
        return tuple(int(part) for part in re.findall(r"\d+", self.component(12, 1))[:2])


def acknowledge(
    inbound: Message | bytes,
    code: Ack,
    *,
    problems: Sequence[Problem] = (),
    now: datetime,
    control_id: str,
    receipt: str = "",
    became: str = "",
) -> bytes:
    """The answer to a message, without frame; empty when the sender asked for none (MSH-15 and MSH-16).

    `now` is aware, `control_id` is our MSH-10, `receipt` is our id of what was kept, `became` what came of it
    where that is not plain. MSH-11 is echoed: a test message is not answered as a real one.
    """
    header = _header(inbound)
    answer = _level(header, code)
    if not answer:
        return b""
    told = list(problems)
    segments = [
        _msh(header, now, control_id),
        _msa(header, answer, told, receipt, became),
        *_errors(header, inbound, code, told),
    ]
    return "".join(f"{segment}\r" for segment in segments).encode(header.charset, "replace")


def _header(inbound: Message | bytes) -> _Header:
    if isinstance(inbound, Message):
        return _Header(
            fields=inbound.segments[0].fields, delimiters=inbound.delimiters, charset=inbound.charset
        )
    found = re.search(rb"(?:^|[^A-Za-z0-9])(MSH[^A-Za-z0-9\s][^\r\n]*)", inbound[:100_000])
    if not found:
        return _Header()
    text, charset = _line(found[1])
    try:
        delimiters = Delimiters.of(text[3], text[4:10].split(text[3], 1)[0])
    except ValueError:
        return _Header()
    fields = text.split(delimiters.field)
    return _Header(fields=("MSH", delimiters.field, *fields[1:]), delimiters=delimiters, charset=charset)


def _line(raw: bytes) -> tuple[str, str]:
    """A header's text and codec; as a last resort the codec in which any byte comes back as it was."""
    try:
        line = decode(raw, declared=declared_charset(raw))
    except Unreadable:
        return raw.decode("latin-1"), "latin-1"
    return line.text, line.charset


def _level(header: _Header, code: Ack) -> str:
    accept, application = header.component(15, 1), header.component(16, 1)
    if not (accept or application):
        return code.value
    if _wanted(accept, code):
        return f"C{code.value[1]}"
    return code.value if _wanted(application, code) else ""


def _wanted(condition: str, code: Ack) -> bool:
    """HL7 table 0155."""
    if condition == "ER":
        return code is not Ack.ACCEPT
    if condition == "SU":
        return code is Ack.ACCEPT
    return condition not in {"", "NE"}


def _msh(header: _Header, now: datetime, control_id: str) -> str:
    d = header.delimiters
    event = header.component(9, 2)
    kind = ["ACK", *([event] if re.fullmatch(r"[A-Z][A-Z0-9]{2}", event) else [])]
    if header.version >= (2, 4) and len(kind) == 2:
        kind.append("ACK")
    fields = [
        "MSH",
        d.component + d.repetition + d.escape + d.subcomponent,
        *(header.echo(field) for field in (5, 6, 3, 4)),
        now.strftime("%Y%m%d%H%M%S%z"),
        "",
        d.component.join(kind),
        escape(control_id, d),
        header.echo(11),
        header.echo(12) or "2.4",
        *[""] * 5,
        header.echo(18),
    ]
    return d.field.join(fields).rstrip(d.field)


def _msa(header: _Header, answer: str, problems: list[Problem], receipt: str, became: str) -> str:
    told = [
        *map(str, problems[:1]),
        *([became] if became else []),
        *([f"receipt {receipt}"] if receipt else []),
    ]
    text = escape("; ".join(told), header.delimiters)
    return header.delimiters.field.join(["MSA", answer, header.echo(10), text]).rstrip(
        header.delimiters.field
    )


def _errors(header: _Header, inbound: Message | bytes, code: Ack, problems: list[Problem]) -> list[str]:
    """ERR-1 up to version 2.4, one ERR of numbered fields for each problem from 2.5 on."""
    if not problems:
        return []
    d = header.delimiters
    if header.version >= (2, 5):
        severity = "W" if code is Ack.ACCEPT else "E"
        return [_err_2_5(d, inbound, problem, severity) for problem in problems]
    return [d.field.join(["ERR", d.repetition.join(_err_1(d, inbound, problem) for problem in problems)])]


def _err_1(d: Delimiters, inbound: Message | bytes, problem: Problem) -> str:
    segment, occurrence, field, *_ = _place(inbound, problem)
    return d.component.join([segment, occurrence, field, _condition(d.subcomponent, problem)])


def _err_2_5(d: Delimiters, inbound: Message | bytes, problem: Problem, severity: str) -> str:
    meaning = CATALOGUE[problem.code].meaning if problem.code in CATALOGUE else problem.code
    fields = [
        "ERR",
        "",
        d.component.join(_place(inbound, problem)).rstrip(d.component),
        _condition(d.component, problem),
        severity,
        escape(problem.code, d),
        "",
        "",
        escape(meaning, d),
    ]
    return d.field.join(fields)


def _condition(divider: str, problem: Problem) -> str:
    """The table 0357 entry of a problem, by its code or by the FHIR issue type of its catalogue entry."""
    issue = CATALOGUE[problem.code].fhir if problem.code in CATALOGUE else ""
    code = _BY_PROBLEM.get(problem.code) or _BY_ISSUE.get(issue, "207")
    return divider.join([code, _CONDITIONS[code], "HL70357"])


def _place(inbound: Message | bytes, problem: Problem) -> tuple[str, str, str, str, str]:
    """Segment id, occurrence, field, repetition and component of a problem; "" where it does not say."""
    named = _PLACE.search(problem.at) or _PLACE.search(problem.rule)
    if named:
        segment, occurrence, field, repetition, component = (part or "" for part in named.groups())
        return segment, occurrence or "1", field, repetition or "1", component
    number = _SEGMENT.search(problem.at)
    if number and isinstance(inbound, Message) and int(number[1]) <= len(inbound.segments):
        here = inbound.segments[int(number[1]) - 1]
        return here.id, str(here.occurrence), "", "", ""
    return "", "", "", "", ""
