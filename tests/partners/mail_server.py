"""An SMTP server on loopback: it takes mail, offers STARTTLS and a login, and can be told to misbehave."""

import asyncio
import base64
import ssl
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default


@dataclass
class MailServer:
    """What it took, in `mails`; `refuse` is answered to every RCPT, `silent` says nothing at all."""

    tls: ssl.SSLContext | None = None
    login: tuple[str, str] | None = None
    refuse: str = ""
    silent: bool = False
    mails: list[Message] = field(default_factory=list)
    secured: list[bool] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _lines: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self, *, implicit: bool = False) -> int:
        """Listen; the port."""
        context = self.tls if implicit else None
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=context)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Hang up and listen no more."""
        assert self._server is not None
        self._server.close()
        for line in list(self._lines):
            line.close()
        await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer)
        try:
            if self.silent:
                await reader.read()
                return
            await self._say(writer, "220 mail.test ESMTP")
            await self._answers(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            self._lines.discard(writer)
            writer.close()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        secured = writer.get_extra_info("ssl_object") is not None
        known = self.login is None
        while line := (await reader.readline()).decode().strip():
            verb = line.split(":")[0].split(" ")[0].upper()
            if verb == "EHLO":
                offers = ["250-mail.test"] + ["250-STARTTLS"] * bool(self.tls and not secured)
                offers += ["250-AUTH PLAIN"] * bool(self.login)
                await self._say(writer, *offers, "250 8BITMIME")
            elif verb == "STARTTLS":
                assert self.tls is not None
                await self._say(writer, "220 go ahead")
                await writer.start_tls(self.tls)
                secured = True
            elif verb == "AUTH":
                given = base64.b64decode(line.split(" ")[-1]).decode().split("\0")[1:]
                known = tuple(given) == self.login
                await self._say(writer, "235 welcome" if known else "535 no")
            elif verb == "RCPT":
                await self._say(writer, self.refuse or ("250 ok" if known else "530 who are you"))
            elif verb == "DATA":
                await self._say(writer, "354 go on")
                content = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(message_from_bytes(content[:-3], policy=default))
                self.secured.append(secured)
                await self._say(writer, "250 taken")
            elif verb == "QUIT":
                await self._say(writer, "221 bye")
                return
            else:
                await self._say(writer, "250 ok")

    async def _say(self, writer: asyncio.StreamWriter, *lines: str) -> None:
        writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await writer.drain()
