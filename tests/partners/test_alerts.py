"""How people are told: real HTTP, real SMTP, and every way that it can fail says so in words."""

import asyncio
from collections.abc import AsyncIterator, Callable
from email.message import Message as Mailed
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response

from bridge.errors import ConfigError, NotTold
from bridge.partners import alerts
from bridge.partners.alerts import Mail, Message, Webhook, webhook_address
from bridge.security.secrets import Secret
from bridge.security.tls import door_context, outbound_context
from bridge.simulators.loopback import running
from tests.partners.mail_server import MailServer
from tests.security.test_tls import Authority, authority

__all__ = ["authority"]

SAID = Message(
    id="11c46f5f-cdef-4865-94b2-0ee0edcc26da",
    subject="Referral bridge: URGENT",
    text="Telephone the service now.\n",
    loud=True,
    body={"version": 1, "alerts": []},
)


class Hook:
    """Whoever listens at the webhook: what it was told, and what it answers."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.app = FastAPI()
        self.app.post("/hook")(self._told)

    async def _told(self, request: Request) -> Response:
        self.told.append(await request.json())
        self.headers.append(dict(request.headers))
        return Response(status_code=self.status, headers={"Location": "/hook"})


def a_secret(folder: Path, text: str) -> Secret:
    """A reference to a file that holds this."""
    file = folder / "secret"
    file.touch(mode=0o600)
    file.write_text(text, "utf-8")
    return Secret.parse(f"file:{file}")


@pytest.fixture
async def mail_server() -> AsyncIterator[Callable[..., Any]]:
    """Start a mail server with these habits."""
    started: list[MailServer] = []

    async def start(*, implicit: bool = False, **habits: Any) -> tuple[MailServer, int]:
        server = MailServer(**habits)
        started.append(server)
        return server, await server.start(implicit=implicit)

    yield start
    for server in started:
        await server.stop()


def a_mail(port: int, **changes: Any) -> Mail:
    """Two people by a server on this machine."""
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "context": outbound_context(),
        "sender": "bridge@trust.test",
        "to": ("it@trust.test", "duty@trust.test"),
    }
    return Mail(**(values | changes))


async def test_a_webhook_gets_words_and_data(tmp_path: Path) -> None:
    """The same id again when it is told again."""
    hook = Hook()
    async with running(hook.app) as url:
        teller = Webhook(address=a_secret(tmp_path, f"{url}/hook\n"), context=outbound_context())
        await teller.tell(SAID)
        await teller.tell(SAID)

    assert [told["id"] for told in hook.told] == [SAID.id, SAID.id]
    assert hook.told[0] == {"id": SAID.id, "text": SAID.text, "version": 1, "alerts": []}
    assert hook.headers[0]["idempotency-key"] == SAID.id


@pytest.mark.parametrize(
    ("status", "reason"), [(500, "answered 500"), (404, "answered 404"), (302, "answered 302")]
)
async def test_a_webhook_that_says_no_has_told_nobody(tmp_path: Path, status: int, reason: str) -> None:
    """A redirect is not followed either: the address may hold a secret."""
    hook = Hook()
    hook.status = status
    async with running(hook.app) as url:
        teller = Webhook(address=a_secret(tmp_path, f"{url}/hook"), context=outbound_context())
        with pytest.raises(NotTold, match=reason):
            await teller.tell(SAID)

    assert len(hook.told) == 1


async def test_a_webhook_that_is_not_there_has_told_nobody(tmp_path: Path) -> None:
    """And the error does not repeat the address."""
    address = a_secret(tmp_path, "http://127.0.0.1:1/token")
    with pytest.raises(NotTold, match=r"^not reached$"):
        await Webhook(address=address, context=outbound_context()).tell(SAID)


async def test_a_webhook_that_does_not_answer_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mail_server: Any
) -> None:
    """Nobody waits for it for ever."""
    monkeypatch.setattr(alerts, "PATIENCE_S", 0.3)
    _, port = await mail_server(silent=True)
    address = a_secret(tmp_path, f"http://127.0.0.1:{port}/")
    with pytest.raises(NotTold, match="no answer in time"):
        await Webhook(address=address, context=outbound_context()).tell(SAID)


@pytest.mark.parametrize(
    "address", ["http://hooks.example/x", "hooks.example", "https://", "ftp://127.0.0.1/"]
)
def test_a_webhook_beyond_this_machine_is_https(tmp_path: Path, address: str) -> None:
    """Said when the bridge starts, without repeating the address."""
    with pytest.raises(ConfigError, match="holds no https") as refused:
        webhook_address(a_secret(tmp_path, address))

    assert "hooks.example" not in str(refused.value)


async def test_a_mail_reaches_everybody_and_is_marked_as_urgent(mail_server: Any) -> None:
    """By headers that mail programs understand; and no absence note answers it."""
    server, port = await mail_server()
    await a_mail(port).tell(SAID)
    mail: Mailed = server.mails[0]

    assert (mail["Subject"], mail["To"]) == (SAID.subject, "it@trust.test, duty@trust.test")
    assert (mail["Importance"], mail["Auto-Submitted"]) == ("high", "auto-generated")
    assert mail["Message-ID"] == f"<{SAID.id}@trust.test>"
    assert mail.get_payload().strip() == SAID.text.strip()


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_password_goes_over_tls_only(
    mail_server: Any, tmp_path: Path, authority: Authority, security: str
) -> None:
    """The server's certificate is verified against the site's authority."""
    tls = door_context(certificate=authority.issue("localhost"))
    server, port = await mail_server(tls=tls, login=("bridge", "s3cret"), implicit=security == "tls")
    await a_mail(
        port,
        host="localhost",
        security=security,
        context=outbound_context(ca=authority.bundle),
        user="bridge",
        password=a_secret(tmp_path, "s3cret"),
    ).tell(SAID)

    assert server.secured == [True]


async def test_a_server_nobody_vouches_for_gets_no_mail(mail_server: Any, authority: Authority) -> None:
    """Nor a password."""
    server, port = await mail_server(tls=door_context(certificate=authority.issue("localhost")))
    with pytest.raises(NotTold, match=r"^not reached$"):
        await a_mail(port, host="localhost", security="starttls").tell(SAID)

    assert server.mails == []


@pytest.mark.parametrize(
    ("habits", "changes", "reason"),
    [
        ({"refuse": "550 nobody of that name"}, {}, "an address was refused"),
        ({}, {"security": "starttls"}, "does not offer"),
        ({"login": ("bridge", "other")}, {"user": "bridge"}, "the login was refused"),
        ({"silent": True}, {}, "not reached|no answer in time"),
    ],
    ids=["address refused", "no STARTTLS", "wrong password", "silent"],
)
async def test_a_mail_that_was_not_taken_says_why(
    mail_server: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    habits: dict[str, Any],
    changes: dict[str, Any],
    reason: str,
) -> None:
    """In our words: what a server says may quote an address."""
    monkeypatch.setattr(alerts, "PATIENCE_S", 0.3 if "silent" in habits else 10)
    server, port = await mail_server(**habits)
    password = a_secret(tmp_path, "s3cret") if "user" in changes else None
    with pytest.raises(NotTold, match=reason):
        await a_mail(port, password=password, **changes).tell(SAID)

    assert server.mails == []


async def test_a_mail_server_that_is_not_there_has_told_nobody() -> None:
    """The loop goes on meanwhile: SMTP has a thread of its own."""
    trying = asyncio.create_task(a_mail(1).tell(SAID))
    with pytest.raises(NotTold, match="not reached"):
        await trying
