"""HL7 v2 over MLLP on real sockets: answered in order, only what is durable, whatever the network does."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.app import mllp
from bridge.config.mllp import MllpSettings
from bridge.domain.journey import EventState
from bridge.pipeline.later import translate_kept
from bridge.store.tables import event, message
from bridge.wire.hl7v2 import Message, parse
from bridge.wire.mllp import END, START, Framer, wrap
from tests.journeys.conftest import PRACTICE, Site
from tests.journeys.test_hl7v2 import REFERRAL, break_store
from tests.security.test_tls import Authority

NAME = "ward-system"


def numbered(n: int) -> bytes:
    """The n-th referral, of a person and with a key of its own."""
    return REFERRAL.replace(b"M1001", b"M%d" % (2000 + n)).replace(b"SPR-1001", b"SPR-%d" % (2000 + n))


@dataclass
class Line:
    """A sender's end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *pieces: bytes) -> None:
        """Write bytes, each piece on its own."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def answer(self) -> Message:
        """The next acknowledgement."""
        framed = await asyncio.wait_for(self.reader.readuntil(END), 20)
        (found,) = Framer().feed(framed)
        assert isinstance(found, bytes)
        return parse(found)

    async def say(self, body: bytes) -> Message:
        """Send one message and wait for its acknowledgement."""
        await self.send(wrap(body))
        return await self.answer()

    async def rest(self) -> bytes:
        """All that comes until the other side ends."""
        return await asyncio.wait_for(self.reader.read(), 20)

    def hang_up(self) -> None:
        """End at once, as a killed sender does."""
        self.writer.transport.abort()


@dataclass
class Port:
    """An open port of a site."""

    site: Site
    number: int
    stop: asyncio.Event
    serving: "asyncio.Task[None]"
    lines: AsyncExitStack

    async def call(self, tls: ssl.SSLContext | None = None) -> Line:
        """Connect."""
        name = "127.0.0.1" if tls else None
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.number, ssl=tls, server_hostname=name
        )
        self.lines.callback(writer.close)
        return Line(reader, writer)

    async def kept(self) -> list[str]:
        """The state of every event in the store."""
        return await self.site.bridge.store.read(
            lambda tx: [row.state for row in tx.run(event.select().order_by(event.c.at))]
        )


@asynccontextmanager
async def opened(site: Site, **changes: Any) -> AsyncIterator[Port]:
    """The site's one port, open."""
    stop, number = asyncio.Event(), asyncio.get_running_loop().create_future()
    (door,) = mllp.doors(site.bridge.settings, site.bridge.desk)
    serving = asyncio.create_task(replace(door, **changes).serve(stop, number.set_result))
    async with AsyncExitStack() as lines:
        yield Port(site, await number, stop, serving, lines)
    stop.set()
    await serving


OpenPort = Callable[..., Any]


@pytest.fixture
async def open_port(open_site: Callable[..., Any]) -> AsyncIterator[OpenPort]:
    """Open a site with one port; `door` changes the door, `site` the settings of the bridge."""
    async with AsyncExitStack() as stack:

        async def port(
            *, door: dict[str, Any] | None = None, site: dict[str, Any] | None = None, **entry: Any
        ) -> Port:
            said = MllpSettings(**({"name": NAME, "port": 0, "practices": (PRACTICE,)} | entry))
            found = await open_site(mllp=(said,), **(site or {}))
            return await stack.enter_async_context(opened(found, **(door or {})))

        yield port


@pytest.fixture
async def port(open_port: OpenPort) -> Port:
    """An ordinary port."""
    found: Port = await open_port()
    return found


async def test_a_referral_is_kept_answered_and_carried_on(port: Port) -> None:
    """The receipt in the answer is the message in the store."""
    answer = await (await port.call()).say(REFERRAL)
    await port.site.drain()
    receipts = await port.site.bridge.store.read(
        lambda tx: [(r.id, r.caller) for r in tx.run(message.select())]
    )

    assert (answer.get("MSA-1"), answer.get("MSA-2")) == (["CA"], ["M1001"])
    assert receipts == [(answer.first("MSA-3").removeprefix("receipt "), NAME)]
    assert [held["status"] for held in port.site.service.resources("ServiceRequest")] == ["active"]


async def test_many_messages_at_once_are_answered_in_order(port: Port) -> None:
    """However the network puts them together."""
    line = await port.call()
    await line.send(b"".join(wrap(numbered(n)) for n in range(20)))
    answers = [await line.answer() for _ in range(20)]

    assert [answer.first("MSA-2") for answer in answers] == [f"M{2000 + n}" for n in range(20)]


async def test_a_message_in_single_bytes_is_one_message(port: Port) -> None:
    """And however it cuts them."""
    line = await port.call()
    await line.send(*(bytes([byte]) for byte in wrap(REFERRAL)))

    assert (await line.answer()).get("MSA-1") == ["CA"]


async def test_a_repeat_after_a_lost_answer_changes_nothing(port: Port) -> None:
    """The sender was killed before it wrote the answer down, and sends again."""
    lost = await port.call()
    await lost.send(wrap(REFERRAL))
    await lost.answer()
    lost.hang_up()
    answer = await (await port.call()).say(REFERRAL)

    assert answer.first("MSA-3").startswith("duplicate repeated; receipt")
    assert await port.kept() == ["applied", "duplicate"]


async def test_half_a_message_is_nothing(port: Port) -> None:
    """A sender that dies in the middle has sent nothing, and others go on."""
    dying, going_on = await port.call(), await port.call()
    await dying.send(wrap(REFERRAL)[:400])
    dying.hang_up()

    assert (await going_on.say(numbered(1))).get("MSA-1") == ["CA"]
    assert await port.kept() == ["applied"]


async def test_a_cut_message_goes_unanswered_and_the_next_does_not(port: Port) -> None:
    """It began again on the same connection; the answer to a cut one would be taken for that."""
    line = await port.call()
    await line.send(wrap(REFERRAL)[:400], wrap(numbered(2)))

    assert (await line.answer()).get("MSA-2") == ["M2002"]
    assert await port.kept() == ["applied"]


async def test_a_sender_without_frames_is_told_so(port: Port) -> None:
    """By its own header, and the connection ends."""
    line = await port.call()
    await line.send(REFERRAL + b"\r")
    told = await line.answer()

    assert (told.get("MSA-2"), told.get("ERR-5")) == (["M1001"], ["mllp-no-start-byte"])
    assert await line.rest() == b""
    assert await port.kept() == []


async def test_what_is_no_hl7_at_all_is_left_standing(port: Port) -> None:
    """Such as a browser, or TLS where none is spoken."""
    line = await port.call()
    await line.send(b"GET / HTTP/1.1\r\n\r\n")

    assert await line.rest() == b""


async def test_a_message_beyond_the_limit_is_rejected(open_port: OpenPort) -> None:
    """Without waiting for its end."""
    port = await open_port(largest_message_mb=0.002)
    line = await port.call()
    await line.send(START + REFERRAL + b"NTE|1||" + b"A" * 100_000)
    told = await line.answer()

    assert (told.get("MSA-1"), told.get("MSA-2")) == (["CR"], ["M1001"])
    assert told.get("ERR-5") == ["mllp-too-large"]
    assert await line.rest() == b""


@pytest.mark.parametrize("begun", [b"", wrap(REFERRAL)[:300]], ids=["silent", "half a message"])
async def test_a_connection_that_ends_no_message_is_closed(open_port: OpenPort, begun: bytes) -> None:
    """Nobody holds a connection by doing nothing."""
    port = await open_port(idle_s=0.2)
    line = await port.call()
    await line.send(begun)

    assert await line.rest() == b""
    assert await port.kept() == []


async def test_dripping_bytes_does_not_keep_a_connection(open_port: OpenPort) -> None:
    """The time is for a whole message, not for a byte."""
    port = await open_port(idle_s=0.3)
    line = await port.call()
    ended = asyncio.create_task(line.rest())
    dripped = 0
    while not ended.done():
        await line.send(bytes([wrap(REFERRAL)[dripped]]))
        await asyncio.wait({ended}, timeout=0.02)
        dripped += 1

    assert dripped < 100


async def test_connections_that_say_nothing_keep_no_sender_out(port: Port) -> None:
    """Three times as many as a port takes, half of them in the middle of a message."""
    for n in range(300):
        line = await port.call()
        await line.send(wrap(REFERRAL)[: 100 * (n % 2)])
    sender = await port.call()

    assert (await sender.say(REFERRAL)).get("MSA-1") == ["CA"]


async def test_stopping_finishes_what_has_begun(port: Port) -> None:
    """Half a message is awaited and answered; who has begun nothing is let go, and nobody comes in."""
    busy, idle = await port.call(), await port.call()
    whole = wrap(REFERRAL)
    await busy.send(whole[:400])
    await asyncio.sleep(0.1)
    port.stop.set()
    await asyncio.sleep(0.1)
    await busy.send(whole[400:])

    assert await idle.rest() == b""
    assert (await busy.answer()).get("MSA-1") == ["CA"]
    assert await busy.rest() == b""
    await port.serving
    with pytest.raises(OSError):
        await port.call()


async def test_stopping_does_not_wait_for_ever(open_port: OpenPort) -> None:
    """A message that never ends is given up."""
    port = await open_port(door={"grace_s": 0.2})
    line = await port.call()
    await line.send(wrap(REFERRAL)[:400])
    await asyncio.sleep(0.05)
    port.stop.set()

    await asyncio.wait_for(port.serving, 5)
    assert await port.kept() == []


async def test_a_failure_of_ours_asks_the_sender_to_try_again(port: Port) -> None:
    """Nothing was kept; the connection stays, for the next try."""
    break_store(port.site)
    line = await port.call()
    first, second = await line.say(REFERRAL), await line.say(REFERRAL)

    assert [answer.get("MSA-1") for answer in (first, second)] == [["CE"], ["CE"]]
    assert first.get("ERR-5") == ["unavailable"]


async def test_a_full_bridge_asks_the_sender_to_wait(open_port: OpenPort) -> None:
    """Before anything of it is kept."""
    port = await open_port(site={"limits": {"least_free_mb": 10**9}})
    answer = await (await port.call()).say(REFERRAL)

    assert (answer.get("MSA-1"), answer.get("ERR-5")) == (["CE"], ["disk-nearly-full"])
    assert await port.kept() == []


async def test_a_port_speaks_for_its_practices_only(open_port: OpenPort) -> None:
    """The message is kept as refused."""
    port = await open_port(practices=("B88888",))
    answer = await (await port.call()).say(REFERRAL)

    assert (answer.get("MSA-1"), answer.get("ERR-5")) == (["CR"], ["practice-not-yours"])
    assert await port.kept() == ["refused"]


async def test_a_sender_that_wants_no_answer_gets_none(port: Port) -> None:
    """And the next one is not taken for it."""
    line = await port.call()
    await line.send(wrap(numbered(1).replace(b"|AL|NE|", b"|NE|NE|")))

    assert (await line.say(numbered(2))).get("MSA-2") == ["M2002"]


@pytest.mark.parametrize("translate", ["now", "later"])
async def test_a_sender_is_read_as_it_means_its_times(open_port: OpenPort, translate: str) -> None:
    """Its offset is decoration on local time, also for what is translated later."""
    port = await open_port(offset_is_a_lie=True, site={"translate": translate})
    summer = REFERRAL.replace(b"|20261120093000+0000|", b"|20260705093000+0000|").replace(
        b"20261119", b"202607050910+0000"
    )
    await (await port.call()).say(summer)
    await translate_kept(port.site.bridge.translator)
    await port.site.drain()

    (held,) = port.site.service.resources("ServiceRequest")
    assert held["authoredOn"] == "2026-07-05T09:10:00+01:00"


async def test_later_means_kept_first(open_port: OpenPort) -> None:
    """The answer says that it is safe, and no more."""
    port = await open_port(site={"translate": "later"})
    answer = await (await port.call()).say(REFERRAL)

    assert answer.get("MSA-1") == ["CA"]
    assert await port.kept() == [EventState.KEPT.value]


def client(authority: Authority, name: str = "") -> ssl.SSLContext:
    """A sender that trusts the authority, with a certificate of that name or none."""
    context = ssl.create_default_context(cafile=authority.bundle)
    if name:
        shown = authority.issue(name)
        context.load_cert_chain(shown.chain, shown.key)
    return context


async def secured(open_port: OpenPort, authority: Authority) -> Port:
    """A port that knows its sender by the certificate."""
    ours = authority.issue("bridge.example.org")
    port: Port = await open_port(
        certificate=ours.chain,
        certificate_key=ours.key,
        client_ca=authority.bundle,
        client_name="dns:ward.example.org",
    )
    return port


async def test_a_sender_is_known_by_its_certificate(open_port: OpenPort, tmp_path: Path) -> None:
    """Both sides prove who they are."""
    authority = Authority(tmp_path, "ours")
    port = await secured(open_port, authority)
    line = await port.call(client(authority, "ward.example.org"))

    assert (await line.say(REFERRAL)).get("MSA-1") == ["CA"]


@pytest.mark.parametrize("name", ["", "other.example.org"], ids=["no certificate", "another's"])
async def test_nobody_else_gets_in(open_port: OpenPort, tmp_path: Path, name: str) -> None:
    """The certificate of another sender of the same authority is not this sender's."""
    authority = Authority(tmp_path, "ours")
    port = await secured(open_port, authority)
    try:
        line = await port.call(client(authority, name))
        await line.send(wrap(REFERRAL))
        said = await line.rest()
    except OSError:
        said = b""

    assert said == b""
    assert await port.kept() == []


@settings(max_examples=25)
@given(
    noise=st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.sampled_from(
                [START, END, b"\r\n", START + b"MSH|^~\\&|", REFERRAL[:90], wrap(REFERRAL[:200])]
            ),
        ),
        max_size=8,
    )
)
async def test_no_bytes_stop_the_port(shared_port: Port, noise: list[bytes]) -> None:
    """After any noise on one connection a message on another is answered."""
    noisy = await shared_port.call()
    with suppress(OSError):
        await noisy.send(*noise)
    noisy.hang_up()

    assert (await (await shared_port.call()).say(REFERRAL)).get("MSA-2") == ["M1001"]


@pytest.fixture
async def shared_port(open_port: OpenPort) -> Port:
    """One port for all the noise."""
    found: Port = await open_port()
    return found


@pytest.mark.parametrize(
    ("said", "allowed"),
    [
        ({}, "opened"),
        ({"host": "0.0.0.0"}, "refused"),  # noqa: S104 - the point of the test
        ({"host": "0.0.0.0", "unprotected": "whoever reaches this port may send as this caller"}, "opened"),  # noqa: S104
        ({"certificate": "/c", "certificate_key": "/k", "host": "0.0.0.0"}, "refused"),  # noqa: S104
        ({"certificate": "/c", "certificate_key": "/k", "client_ca": "/a", "host": "0.0.0.0"}, "opened"),  # noqa: S104
        ({"certificate": "/c"}, "refused"),
        ({"client_ca": "/a"}, "refused"),
        ({"client_name": "dns:a"}, "refused"),
    ],
)
def test_a_port_is_open_to_others_only_with_proof_or_in_words(said: dict[str, Any], allowed: str) -> None:
    """Whoever reaches a port without certificates may send as its caller."""
    try:
        MllpSettings(name=NAME, port=1, practices=(PRACTICE,), **said)
    except ValueError:
        became = "refused"
    else:
        became = "opened"

    assert became == allowed
