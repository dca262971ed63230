"""What our doors ask of a connection before any request of it is looked at.

uvicorn waits for ever for headers and bodies, tells the application nothing of a client certificate, and
lets anybody connect. Here a caller has so long for its headers and so long for its body, the application
learns the certificate by the ASGI TLS extension (asgiref, specs/tls), and who may not connect is cut off.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import h11
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How long headers and body may take, in seconds, and which peers may connect at all."""

    header_s: float = 10
    body_s: float = 60
    admits: Callable[[str], bool] = field(default=lambda _peer: True)


def protocol(manners: Manners) -> type[H11Protocol]:
    """The protocol class of one door."""

    class Door(_Door):
        terms = manners

    return Door


class _Door(H11Protocol):
    terms: Manners

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._owed = ""
        self._clock: asyncio.TimerHandle | None = None
        if not self.terms.admits(self.client[0] if self.client else ""):
            transport.abort()
            return
        shown = _certificate_of(transport)
        if shown:
            self.app = _telling(self.app, shown)
        self._owes("headers")

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self._owes("")
        super().connection_lost(exc)

    def _look(self) -> None:
        """What the caller owes us now: the rest of its headers, of its body, or nothing."""
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            self._owes("body")
        elif state is h11.IDLE and self.conn.trailing_data[0]:
            self._owes("headers")
        else:
            self._owes("")

    def _owes(self, what: str) -> None:
        """The clock runs from when it began to owe it, however slowly the bytes trickle in."""
        if what == self._owed:
            return
        self._owed = what
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
        seconds = {"headers": self.terms.header_s, "body": self.terms.body_s}.get(what)
        if seconds is not None:
            self._clock = self.loop.call_later(seconds, self.transport.close)


def _certificate_of(transport: asyncio.Transport) -> str:
    """The client certificate of this connection as PEM, verified in the handshake; "" for none."""
    tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    der = tls.getpeercert(binary_form=True) if tls is not None else None
    return ssl.DER_cert_to_PEM_cert(der) if der else ""


def _telling(app: Any, shown: str) -> ASGIApp:
    """The application, told in each request of this connection which certificate came with it."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        extensions = {**scope.get("extensions", {}), "tls": {"client_cert_chain": [shown]}}
        await app({**scope, "extensions": extensions}, receive, send)

    return told
