"""The line itself: what leaves, how long it may take, and what a broken answer means. Over real sockets."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx

from bridge.errors import (
    Ambiguous,
    ConfigError,
    DeliveryError,
    Doubtful,
    NotThePartner,
    Refused,
    Transient,
    Unauthorised,
)
from bridge.partners.answers import Key
from bridge.partners.http import FhirClient

Make = Callable[..., Any]
NHS = Key("https://fhir.nhs.uk/Id/nhs-number", "9990000018")
EMPTY_SET = b'{"resourceType":"Bundle","type":"searchset","total":0}'
STORED = b'{"resourceType":"Bundle","type":"transaction-response"}'
TINY = timedelta(seconds=0.3)


def answer(
    body: bytes, *, status: str = "200 OK", media: str = "application/fhir+json", extra: str = ""
) -> bytes:
    """An HTTP answer as bytes on the wire."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


class Wire:
    """A server that meets each request with the next of `answers`: bytes it sends and seconds it waits."""

    def __init__(self, *answers: tuple[bytes | float, ...]) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.serving: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.create_task(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(h[15:]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")), 0
            )
            self.requests.append(head + await reader.readexactly(length))
            for piece in self.answers.pop(0) if self.answers else ():
                if isinstance(piece, bytes):
                    writer.write(piece)
                    await writer.drain()
                else:
                    await asyncio.sleep(piece)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(wire: Wire) -> AsyncIterator[str]:
    """The base address of a wire on loopback."""
    server = await asyncio.start_server(wire.accept, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir"
        for task in wire.serving:
            task.cancel()
        await asyncio.gather(*wire.serving, return_exceptions=True)


async def submitted(client: FhirClient) -> object:
    return await client.submit(b'{"a":1}', request_id="r-1", correlation_id="c-1")


async def searched(client: FhirClient) -> object:
    return await client.search("Patient", NHS, correlation_id="c-1")


async def test_a_request_says_who_it_is_and_nothing_about_the_person_in_its_url(client_of: Make) -> None:
    """Identifiers go in the body of a search, which no cache may answer."""
    wire = Wire((answer(EMPTY_SET),), (answer(STORED),))
    async with listening(wire) as base, client_of(base, headers={"X-Extra": "yes"}) as client:
        await searched(client)
        await submitted(client)

    search, submit = (request.decode() for request in wire.requests)
    assert search.startswith("POST /fhir/Patient/_search HTTP/1.1")
    assert "cache-control: no-cache" in search.lower()
    assert search.endswith("identifier=https%3A%2F%2Ffhir.nhs.uk%2FId%2Fnhs-number%7C9990000018&_count=11")
    assert submit.startswith("POST /fhir HTTP/1.1")
    for line in (
        "Accept: application/fhir+json",
        "Content-Type: application/fhir+json",
        "X-Request-ID: r-1",
        "X-Correlation-ID: c-1",
        "X-Extra: yes",
    ):
        assert f"{line}\r\n" in submit
    assert submit.endswith('\r\n\r\n{"a":1}')


@pytest.mark.parametrize(
    "pieces",
    [
        (),  # closed without a word
        (b"HTTP/1.1 200 OK\r\nContent-Le",),
        (answer(STORED)[:-9],),  # shorter than it said
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n" + STORED[:20],),
        (b"HTTP/1.1 200 OK\r\n\r\n" + STORED[:30],),  # no length: cut is the end
        (b"\x16\x03\x01 not http",),
        (answer(b"not gzip", extra="Content-Encoding: gzip\r\n"),),
        (answer(b'{"resourceType": "Bundle", "resourceType": "Bundle"}'),),
        (answer(b'{"resourceType": "Bundle", "id": "\xff\xfe"}'),),
    ],
)
async def test_half_an_answer_to_a_write_is_ambiguous_and_to_a_read_is_not(
    client_of: Make, pieces: tuple[bytes, ...]
) -> None:
    """What was sent may have been stored; what was asked can be asked again."""
    for ask, error in ((submitted, Ambiguous), (searched, Transient)):
        async with listening(Wire(pieces, pieces)) as base, client_of(base) as client:
            with pytest.raises(DeliveryError) as caught:
                await ask(client)
        assert type(caught.value) is error


async def test_an_answer_that_drips_ends_at_the_deadline(client_of: Make) -> None:
    """Each byte comes in time, the whole does not: the deadline is over all of it."""
    drip: tuple[bytes | float, ...] = tuple(
        piece for letter in answer(STORED) for piece in (bytes([letter]), 0.05)
    )
    async with listening(Wire(drip)) as base, client_of(base, deadline=TINY) as client:
        started = asyncio.get_running_loop().time()
        with pytest.raises(Ambiguous) as caught:
            await submitted(client)

    assert caught.value.code == "partner-late"
    assert asyncio.get_running_loop().time() - started < 0.8


class NoToken(httpx.Auth):
    """An identity whose token does not come."""

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        await asyncio.sleep(5)
        yield request


async def test_a_deadline_before_anything_left_is_not_ambiguous(client_of: Make) -> None:
    """Waiting for a token or for a free connection is not sending."""
    wire = Wire((answer(STORED),))
    async with listening(wire) as base, client_of(base, deadline=TINY, auth=NoToken()) as client:
        with pytest.raises(Transient) as caught:
            await submitted(client)

    assert caught.value.code == "partner-unreached"
    assert wire.requests == []


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_line_that_cannot_be_made_is_not_ambiguous(client_of: Make, scheme: str) -> None:
    """Nobody listens, or who listens speaks no TLS: nothing of the referral has left."""
    wire = Wire((answer(STORED),))
    async with listening(wire) as base:
        nowhere = "http://127.0.0.1:1/fhir" if scheme == "http" else base.replace("http:", "https:")
        async with client_of(nowhere) as client:
            with pytest.raises(Transient) as caught:
                await submitted(client)

    assert caught.value.code == "partner-unreached"
    assert not any(b"r-1" in request for request in wire.requests)


async def test_an_unknown_name_is_not_ambiguous(client_of: Make) -> None:
    """`.invalid` never resolves (RFC 6761)."""
    async with client_of("http://elm.invalid/fhir") as client:
        with pytest.raises(Transient) as caught:
            await submitted(client)

    assert caught.value.code == "partner-unreached"


async def test_a_huge_answer_is_cut_off(client_of: Make) -> None:
    """Neither its length nor a small file that unpacks to a large one fills the memory."""
    huge = b'{"resourceType":"Bundle","x":"' + b"x" * 3_000_000 + b'"}'
    packed = answer(gzip.compress(huge), extra="Content-Encoding: gzip\r\n")
    for whole in (answer(huge), packed):
        async with listening(Wire((whole,))) as base, client_of(base, largest=10_000) as client:
            with pytest.raises(Ambiguous) as caught:
                await submitted(client)
        assert caught.value.code == "partner-answer-half"


async def test_the_body_counts_and_not_its_label(client_of: Make) -> None:
    """FHIR under the wrong content type is FHIR; a web page under the right one is not."""
    async with listening(Wire((answer(STORED, media="text/plain"),))) as base, client_of(base) as client:
        assert await submitted(client)
    page = answer(b"<html>welcome</html>")
    async with listening(Wire((page,))) as base, client_of(base) as client:
        with pytest.raises(NotThePartner):
            await submitted(client)


async def test_a_byte_order_mark_is_no_reason_to_doubt(client_of: Make) -> None:
    """Some servers send one."""
    async with listening(Wire((answer(b"\xef\xbb\xbf" + STORED),))) as base, client_of(base) as client:
        assert await submitted(client)


async def test_a_redirect_is_not_followed(client_of: Make) -> None:
    """It would carry the referral, and our credentials, to somebody else."""
    elsewhere = Wire((answer(STORED),))
    async with listening(elsewhere) as target:
        wire = Wire((answer(b"", status="307 Temporary Redirect", extra=f"Location: {target}\r\n"),))
        async with listening(wire) as base, client_of(base) as client:
            with pytest.raises(NotThePartner):
                await submitted(client)

    assert elsewhere.requests == []


async def test_the_environment_chooses_no_proxy(client_of: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the configuration does."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with listening(Wire((answer(STORED),))) as base, client_of(base) as client:
        assert await submitted(client)


async def test_a_blip_of_a_read_is_ridden_out(client_of: Make) -> None:
    """Once, within the same deadline."""
    wire = Wire((), (answer(EMPTY_SET),))
    async with listening(wire) as base, client_of(base) as client:
        assert await searched(client)

    assert len(wire.requests) == 2


async def test_a_blip_does_not_prolong_the_deadline(client_of: Make) -> None:
    """The second try has what the first left."""
    wire = Wire((), (2.0,))
    async with listening(wire) as base, client_of(base, deadline=timedelta(seconds=0.5)) as client:
        started = asyncio.get_running_loop().time()
        with pytest.raises(Transient) as caught:
            await searched(client)

    assert caught.value.code == "partner-late"
    assert asyncio.get_running_loop().time() - started < 0.8


async def test_a_write_is_never_repeated_by_itself(client_of: Make) -> None:
    """Delivery decides, after a look."""
    wire = Wire((), (answer(STORED),))
    async with listening(wire) as base, client_of(base) as client:
        with pytest.raises(Ambiguous):
            await submitted(client)

    assert len(wire.requests) == 1


async def test_an_answer_is_not_a_blip(client_of: Make) -> None:
    """A server that fails a read is asked again by the schedule, not at once."""
    wire = Wire((answer(b"", status="500 Oops"),), (answer(EMPTY_SET),))
    async with listening(wire) as base, client_of(base) as client:
        with pytest.raises(Transient):
            await searched(client)

    assert len(wire.requests) == 1


@pytest.mark.parametrize("bad", ["r\r\nX-Evil: 1", "r\u2028", "Zoë\ud800"])
async def test_an_id_that_no_header_can_carry_never_leaves(client_of: Make, bad: str) -> None:
    """One refusal, and nothing on the wire that we did not mean."""
    wire = Wire((answer(STORED),))
    async with listening(wire) as base, client_of(base) as client:
        with pytest.raises(Refused) as caught:
            await client.submit(b"{}", request_id=bad, correlation_id="c-1")

    assert caught.value.code == "delivery-unsendable"
    assert wire.requests == []


class OneRefresh(httpx.Auth):
    """A token that is fetched at first and once more after 401, from `token_url`."""

    def __init__(self, token_url: str) -> None:
        self.token_url = token_url

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        for _ in range(2):
            token = yield httpx.Request("POST", self.token_url)
            await token.aread()
            request.headers["Authorization"] = f"Bearer {token.text}"
            response = yield request
            if response.status_code != httpx.codes.UNAUTHORIZED:
                return


async def test_a_token_that_cannot_be_had_is_not_ambiguous(client_of: Make) -> None:
    """The line to the token endpoint broke; the referral never left."""
    tokens = Wire(())
    wire = Wire((answer(STORED),))
    async with (
        listening(tokens) as token_url,
        listening(wire) as base,
        client_of(base, auth=OneRefresh(token_url)) as client,
    ):
        with pytest.raises(Transient) as caught:
            await submitted(client)

    assert caught.value.code == "partner-unreached"
    assert wire.requests == []


async def test_after_401_the_same_bytes_go_once_more_with_a_new_token(client_of: Make) -> None:
    """And only once: a second 401 is told."""
    no = answer(b"", status="401 Unauthorized")
    for answers in ((no, answer(STORED)), (no, no)):
        tokens, wire = Wire((answer(b"old"),), (answer(b"new"),)), Wire(*((a,) for a in answers))
        async with (
            listening(tokens) as token_url,
            listening(wire) as base,
            client_of(base, auth=OneRefresh(token_url)) as client,
        ):
            if answers[1] == no:
                with pytest.raises(Unauthorised):
                    await submitted(client)
            else:
                await submitted(client)
        first, second = wire.requests
        assert first.replace(b"Bearer old", b"Bearer new") == second


@pytest.mark.parametrize(
    "base",
    [
        "ftp://elm.test/fhir",
        "elm.test/fhir",
        "http://",
        "http://me:secret@elm.test/fhir",
        "http://elm.test/?a=1",
        "http://[::",
    ],
)
def test_an_address_that_is_none_is_told_at_the_start(base: str) -> None:
    """Without repeating it: it may hold a password."""
    with pytest.raises(ConfigError) as caught:
        FhirClient(base, tls=ssl.create_default_context())

    assert "secret" not in str(caught.value)


def matched(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A searchset of these matches."""
    entries = [{"resource": r} for r in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **more}


def a_person(id_: str = "1", value: str = NHS.value) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id_, "identifier": [{"system": NHS.system, "value": value}]}


MORE = [{"relation": "next", "url": "http://elm.test/fhir?page=2"}]
WARNING = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "incomplete"}]}
FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "incomplete"}]}


@pytest.mark.parametrize(
    ("bundle", "expected"),
    [
        (matched(a_person()), 1),
        (matched(a_person(), total=1), 1),
        (matched(), 0),
        (matched(total=0), 0),
        (matched(a_person(), WARNING), 1),
        (matched({"resourceType": "Practitioner", "id": "7"}), 0),
        (matched(a_person(value="9990000026")), Doubtful),  # the parameter was ignored
        (matched({"resourceType": "Patient", "identifier": a_person()["identifier"]}), Doubtful),
        (matched(a_person(), a_person("2")), Doubtful),
        (matched(a_person(), total=2), Doubtful),
        (matched(a_person(), link=MORE), Doubtful),
        (matched(total=1), NotThePartner),  # one, and none to be seen
        (matched(FAILED), Transient),
        ({"resourceType": "Bundle", "type": "batch-response"}, NotThePartner),
        (a_person(), NotThePartner),
    ],
)
async def test_a_search_is_believed_only_as_far_as_it_answers(
    client_of: Make, bundle: dict[str, Any], expected: int | type[DeliveryError]
) -> None:
    """Nothing found must be said plainly; what was found must carry the identifier."""
    with respx.mock() as mock:
        mock.route().respond(200, json=bundle)
        async with client_of("http://elm.test/fhir") as client:
            if isinstance(expected, int):
                found = await client.search("Patient", NHS, correlation_id="c")
                assert (found.only("partner-several-persons") is not None) == bool(expected)
            else:
                with pytest.raises(expected):
                    (await client.search("Patient", NHS, correlation_id="c")).only("partner-several-persons")
