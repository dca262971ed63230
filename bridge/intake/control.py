"""The command line's way into a running bridge: a socket in the data folder that only its own user can open.

Nothing of it is reachable over the network, whatever address and certificates the doors have.
"""

import socket
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import orjson
from fastapi import APIRouter, Body, Response

from bridge.errors import ConfigError, NotFound
from bridge.security.redact import clean
from bridge.store import audit
from bridge.store.audit import Hand

LONGEST_PATH = 107  # bytes of a Unix socket's address (unix(7))


def socket_in(folder: Path) -> Path:
    """Where the control socket of a data folder is."""
    return folder / "control.sock"


def listen(folder: Path) -> socket.socket:
    """Listen on the control socket; whatever an earlier process left there is replaced.

    The folder is private (0700) and so is the socket. ConfigError when the path is too long for a socket.
    """
    path = socket_in(folder)
    if len(bytes(path)) > LONGEST_PATH:
        raise ConfigError(f"The data folder's path is too long for a socket in it: at most {LONGEST_PATH}.")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


Verb: TypeAlias = Callable[[Hand, dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]


def routes(chain: audit.Chain, node: str, verbs: Mapping[str, Verb]) -> APIRouter:
    """What a person may have the bridge do, audited with who and why."""
    router = APIRouter(prefix="/control", include_in_schema=False)

    def hand(said: dict[str, Any]) -> Hand:
        return Hand(
            actor=said.get("actor", "")[:80], why=clean(said.get("why", "")[:500]), node=node, chain=chain
        )

    @router.post("/do/{verb}")
    async def do(verb: str, said: Annotated[dict[str, Any], Body()]) -> Response:
        if verb not in verbs:
            raise NotFound
        return _json(await verbs[verb](hand(said), said.get("with", {})))

    return router


def _json(content: dict[str, Any]) -> Response:
    return Response(orjson.dumps(content), 200, {}, "application/json")
