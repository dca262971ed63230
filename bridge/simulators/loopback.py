"""Runs a simulator on 127.0.0.1 and nowhere else: in a thread for tests, blocking for the command line.

Each request's `state.transport` is the connection it came on, so that a scripted answer can cut the line.
"""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

HOST = "127.0.0.1"


class _OpenLine(H11Protocol):
    """Hands the application the transport of its connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {**self.app_state, "transport": transport}


def _server(app: FastAPI) -> uvicorn.Server:
    # Logging stays as the process has it: the bridge may serve beside us.
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=_OpenLine,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )


def _listener(port: int) -> socket.socket:
    # With the protocol named, asyncio turns Nagle's delay off; otherwise each answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


@asynccontextmanager
async def running(app: FastAPI, port: int = 0) -> AsyncIterator[str]:
    """Serve `app` in a thread until the block ends; gives the base URL (`http://127.0.0.1:PORT`, no slash).

    Port 0 takes any free one. OSError when the port is taken.
    """
    listener = _listener(port)
    base_url = f"http://{HOST}:{listener.getsockname()[1]}"
    server = _server(app)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield base_url  # the socket listens already: early callers wait in its queue
    finally:
        server.should_exit = True
        await asyncio.to_thread(thread.join)


def serve(app: FastAPI, port: int) -> None:
    """Serve `app` on 127.0.0.1 until interrupted. OSError when the port is taken."""
    with _listener(port) as listener:
        _server(app).run([listener])
