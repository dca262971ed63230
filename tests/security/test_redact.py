"""What looks personal or secret does not pass; what an operator needs does."""

import re
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.domain.identifiers import NhsNumber
from bridge.errors import Problem, shape
from bridge.security.api_keys import new_api_key
from bridge.security.redact import clean

# What a value may stand between in a message; letters and digits only where a value cannot run on.
BEFORE = st.sampled_from(
    ["", " ", "=", ":", '"', "'", "(", "<", "^", "|", ",", "\n", "\t", "%20", "\\n", "\\xa0"]
)
AFTER = st.sampled_from(["", " ", ".", ",", '"', "'", ")", ">", "^", "|", ";", "\n", "%20", "\\n", "\\xa0"])
WORDS = st.sampled_from(["", "patient", "row 12", "Größe", "PID-3", "attempt 2 of 5", "{}", "NHS number"])


def is_number(nine: int) -> str:
    digits = f"999{nine:06d}"
    check = (11 - sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=True)) % 11) % 11
    return f"{digits}{check}"


NUMBERS = st.integers(0, 999_999).map(is_number).filter(lambda n: len(n) == 10 and set(n) != {"9"})
GAPS = st.sampled_from(
    ["", " ", "-", "\u00a0", "\u2011", "  ", "\u200b", ".", "%20", "\\xa0", "\\u00a0", "+", "\n"]
)
AREAS = st.sampled_from(["LS", "M", "SW", "EC", "CF", "LL", "B", "W"])
LETTERS = st.text("BDEFGHJLNPQRSTUWXYZ", min_size=2, max_size=2)
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September")
MONTHS += ("October", "November", "December")


def around(before: str, after: str, left: str, right: str, value: str) -> str:
    return f"{left}{before}{value}{after}{right}"


def digits_of(text: str) -> str:
    return re.sub(r"\D", "", text)


@given(number=NUMBERS, gap=GAPS, before=BEFORE, after=AFTER, left=WORDS, right=WORDS)
def test_no_nhs_number_passes(number: str, gap: str, before: str, after: str, left: str, right: str) -> None:
    """Solid, grouped, encoded or escaped, wherever it stands."""
    NhsNumber.parse(number)
    assume(not (before == "" and left[-1:].isdigit()) and not (after == "" and right[:1].isdigit()))
    value = f"{number[:3]}{gap}{number[3:6]}{gap}{number[6:]}"
    text = around(before, after, left, right, value)

    assert value not in clean(text)
    assert number not in digits_of(clean(text))


@given(digits=st.text("0123456789", min_size=10, max_size=10), gap=st.sampled_from(["", " ", "-"]))
def test_ten_digits_are_masked_even_when_they_are_no_nhs_number(digits: str, gap: str) -> None:
    """One typed wrongly still leads to the person."""
    assume(set(digits) != {"9"})

    assert digits[6:] not in clean(f"number {digits[:3]}{gap}{digits[3:6]}{gap}{digits[6:]} refused")


@given(
    area=AREAS,
    district=st.integers(1, 99),
    sector=st.integers(0, 9),
    unit=LETTERS,
    gap=st.sampled_from(["", " ", "  ", "\u00a0", "-", "%20", "+", "\\xa0"]),
    case=st.sampled_from([str.upper, str.lower]),
    before=BEFORE,
    after=AFTER,
)
def test_no_postcode_passes(
    area: str,
    district: int,
    sector: int,
    unit: str,
    gap: str,
    case: Callable[[str], str],
    before: str,
    after: str,
) -> None:
    """With or without its space, in either case."""
    code = case(f"{area}{district}") + gap + case(f"{sector}{unit}")

    assert code not in clean(f"lives at{before or ' '}{code}{after or ' '}today")


@pytest.mark.parametrize("code", ["EC1A 1BB", "W1A 0AX", "SW1A 2AA", "BFPO 801", "m1 1ae"])
def test_postcodes_of_every_form_are_masked(code: str) -> None:
    """The forms that differ from the usual one."""
    assert clean(f"at {code}.") == "at [postcode]."


def dates(day: date) -> list[str]:
    d, m, y = day.day, day.month, day.year
    name = MONTHS[m - 1]
    return [
        f"{day:%Y-%m-%d}",
        f"{day:%Y%m%d}",
        f"{day:%d/%m/%Y}",
        f"{day:%d%m%Y}",
        f"{day:%d-%m-%y}",
        f"{day:%d.%m.%y}",
        f"{d}/{m}/{y}",
        f"{d}.{m}.{y}",
        f"{d} {name} {y}",
        f"{d}th of {name}, {y}",
        f"{name} {d}, {y}",
        f"{d:02d}-{name[:3].upper()}-{y}",
        f"{y}/{m}/{d}",
        f"{y} {m:02d} {d:02d}",
        f"{d:02d}%2F{m:02d}%2F{y}",
        f"{day:%Y%m%d}000000",
        f"{day:%Y%m%d}2300",
    ]


@given(
    day=st.dates(date(1900, 1, 1), date(2040, 12, 31)), form=st.integers(0, 16), before=BEFORE, after=AFTER
)
def test_no_date_of_birth_passes(day: date, form: int, before: str, after: str) -> None:
    """In the forms GP systems, people and programs write."""
    text = dates(day)[form]

    assert text not in clean(f"born{before or ' '}{text}{after}")


@pytest.mark.parametrize(
    "born", ["1950-03-01T00:00:00Z", "1950-05-31T23:00:00+00:00", "1950-03-01 00:00:00", "195003010000"]
)
def test_a_date_of_birth_written_as_an_instant_is_masked(born: str) -> None:
    """Midnight, or 23:00 UTC for a summer's child."""
    assert "1950" not in clean(f"birth {born}")


@given(
    local=st.from_regex(r"[A-Za-z0-9!#$&'*+^_`{|}~.-]{1,40}", fullmatch=True),
    domain=st.from_regex(r"[a-z0-9][a-z0-9-]{0,11}(\.[a-z]{2,6}){0,2}", fullmatch=True),
    at=st.sampled_from(["@", "%40"]),
)
def test_no_e_mail_address_passes(local: str, domain: str, at: str) -> None:
    """Also without a dot, and encoded."""
    assert f"{local}{at}{domain}" not in clean(f"mail <{local}{at}{domain}> or email={local}{at}{domain}")


@given(
    start=st.sampled_from(["+44 ", "+44 (0)", "0", "(0", "0044 ", "+44", "44", "%2B44"]),
    body=st.sampled_from(
        ["113 496 0{}", "1134960{}", "7700 900{}", "7700900{}", "20-7946-0{}", "1632 960{}"]
    ),
    tail=st.integers(0, 999).map("{:03d}".format),
)
def test_no_phone_number_passes(start: str, body: str, tail: str) -> None:
    """Numbers of Ofcom's ranges for drama, as people write them."""
    number = start + body.format(tail)
    kept = digits_of(clean(f"call {number}, please"))

    assert len(kept) < 5


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer {}",
        "authorization=Basic {}",
        "{{'authorization': 'Bearer {}'}}",
        "(b'authorization', b'Bearer {}')",
        "('x-api-key', '{}')",
        "apikey: {}",
        "https://example.org/token?client_assertion={}&x=1",
        "client_secret={}",
        '"access_token": "{}"',
        "password={}",
        "Bearer {}",
        "NHSMESH {}",
    ],
)
@given(secret=st.from_regex(r"[A-Za-z0-9_.~-]{8,60}", fullmatch=True))
def test_no_credential_passes(text: str, secret: str) -> None:
    """Headers, forms and JSON, as they stand in messages and as `repr` shows them."""
    assume(secret not in text)

    assert secret not in clean(text.format(secret))


def test_our_keys_and_any_jwt_are_known_by_themselves() -> None:
    """Without a word before them."""
    key = new_api_key().token

    assert clean(f"got {key} here") == "got [key] here"
    assert clean("got eyJhbGciOiJSUzUxMiJ9.eyJzdWIiOiJ4In0.c2ln here") == "got [token] here"
    assert clean("key Aa0" + "bB1" * 10) == "key [key]"


@given(value=st.from_regex(r"[A-Z]{2}\d \d[A-Z]{2}|\d{3} \d{3} \d{4}|\+\d\d \d{4} \d{6}", fullmatch=True))
def test_drawn_shapes_pass(value: str) -> None:
    """They are how a value-free message says what it saw."""
    problem = str(Problem(code="nhs-number-length", at="row 12, NhsNumber", shape=shape(value)))

    assert clean(problem) == problem


@given(st.uuids())
def test_ids_pass(key: object) -> None:
    """An operator follows a message by its id."""
    assert clean(f"message {key} parked") == f"message {key} parked"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T21:47:03.123456+00:00 delivery parked for a person",
        "at 2026-11-21T21:47:03Z, attempt 3 of 12 in 0.0123456789 s",
        "MSH-7 20261121214703",
        "http://127.0.0.1:8104/fhir/R4 answered 503",
        "file 291_Admin_Patient_20231116132546_D5D6B2F3-E6AD-4F1F-8AC4-08A4F1A1DBD5.csv",
        "sha256 " + "0123456789abcdef" * 4,
        "SNOMED 871731000000106, practice A81001, version 2.3.31, 10.1.20.5",
        "The secret file /etc/bridge/ring.json is open to other users; run: chmod 600 /etc/bridge/ring.json",
    ],
)
def test_what_an_operator_needs_passes(text: str) -> None:
    """Instants, addresses, digests, codes and sentences."""
    assert clean(text) == text


@given(st.text(max_size=80))
def test_any_text_is_taken(text: str) -> None:
    """No exception on the way to a log, whatever the characters."""
    assert isinstance(clean(text), str)


@pytest.mark.parametrize(
    "piece",
    ["a", "1", "1 ", "0 ", "-", "a@", "eyJ", "%20", "token", "\\x", "jan", "(+", "aB1", "bearer ", "["],
)
def test_a_long_text_takes_time_in_proportion(piece: str) -> None:
    """No pattern may make a log line a way to stop the service."""
    short, long = (_seconds(piece * (length // len(piece))) for length in (4_000, 32_000))

    assert long < 40 * short + 0.05


def _seconds(text: str) -> float:
    from time import process_time

    start = process_time()
    clean(text)
    return process_time() - start
