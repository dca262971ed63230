"""Tells people: by a webhook, by e-mail. What is told holds names of the site and words, never a patient.

Whether anybody is told again is decided elsewhere; here one try either works or raises NotTold, soon.
"""

import asyncio
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any, Protocol

import httpx
import orjson

from bridge.errors import ConfigError, NotTold
from bridge.security.secrets import Secret

PATIENCE_S = 10.0  # for each step of a try
WHOLE_S = 30.0  # for a try


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is told: a line, a text and the same as data. `id` is the same when it is told again."""

    id: str
    subject: str
    text: str
    loud: bool
    body: Mapping[str, Any]


class Teller(Protocol):
    """A way to tell people; NotTold when it did not work."""

    @property
    def name(self) -> str: ...
    async def tell(self, message: Message) -> None: ...


def webhook_address(secret: Secret) -> str:
    """Where to post to; ConfigError unless it is https, or on this machine."""
    address = httpx.URL(secret.text().strip())
    here = address.host in ("127.0.0.1", "localhost", "::1")
    if not (address.scheme == "https" and address.host) and not (address.scheme == "http" and here):
        raise ConfigError(f"{secret.reference} holds no https:// address of a webhook.")
    return str(address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Posts JSON to one address; any 2xx is an answer."""

    address: Secret
    context: ssl.SSLContext
    proxy: str = ""
    name: str = "webhook"

    async def tell(self, message: Message) -> None:
        """Post once; no redirect is followed."""
        try:
            async with asyncio.timeout(WHOLE_S), self._client() as client:
                answer = await client.post(
                    webhook_address(self.address),
                    content=orjson.dumps({"id": message.id, "text": message.text, **message.body}),
                    headers={"Content-Type": "application/json", "Idempotency-Key": message.id},
                )
        except ConfigError:
            raise NotTold("its address cannot be read") from None
        except (httpx.TimeoutException, TimeoutError):
            raise NotTold("no answer in time") from None
        except httpx.HTTPError:
            raise NotTold("not reached") from None
        if not answer.is_success:
            raise NotTold(f"answered {answer.status_code}")

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            verify=self.context, timeout=PATIENCE_S, proxy=self.proxy or None, trust_env=False
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """Sends one e-mail by SMTP. `security` is starttls, tls or none."""

    host: str
    port: int
    security: str
    context: ssl.SSLContext
    sender: str
    to: tuple[str, ...]
    user: str = ""
    password: Secret | None = None
    name: str = "mail"

    async def tell(self, message: Message) -> None:
        """Hand it to the server; every address has to be accepted."""
        try:
            async with asyncio.timeout(WHOLE_S):
                await asyncio.to_thread(self._send, self._mail(message))
        except TimeoutError:
            raise NotTold("no answer in time") from None
        except ConfigError:
            raise NotTold("its password cannot be read") from None
        except smtplib.SMTPAuthenticationError:
            raise NotTold("the login was refused") from None
        except smtplib.SMTPNotSupportedError:
            raise NotTold("the server does not offer what the settings ask for") from None
        except smtplib.SMTPResponseException as error:
            raise NotTold(f"answered {error.smtp_code}") from None
        except smtplib.SMTPRecipientsRefused:
            raise NotTold("an address was refused") from None
        except (smtplib.SMTPException, OSError):
            raise NotTold("not reached") from None

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = message.subject
        mail["From"] = self.sender
        mail["To"] = ", ".join(self.to)
        mail["Date"] = formatdate()
        mail["Message-ID"] = f"<{message.id}@{self.sender.rpartition('@')[2].rstrip('>')}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence note answers this
        if message.loud:
            mail["Importance"] = "high"
            mail["X-Priority"] = "1"
        mail.set_content(message.text)
        return mail

    def _send(self, mail: EmailMessage) -> None:
        with self._connection() as server:
            if self.security == "starttls":
                server.starttls(context=self.context)
            if self.user and self.password is not None:
                server.login(self.user, self.password.text())
            if server.send_message(mail):
                raise NotTold("an address was refused")

    def _connection(self) -> smtplib.SMTP:
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=PATIENCE_S, context=self.context)
        return smtplib.SMTP(self.host, self.port, timeout=PATIENCE_S)
