"""The command line's way into a running bridge: loopback only, behind a token only its own user can read."""

import hmac
import secrets
from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Request, Response

from bridge.errors import Forbidden
from bridge.intake.desk import Desk
from bridge.pipeline import mend
from bridge.pipeline.mend import Hand
from bridge.store import audit

TOKEN_FILE = "control.token"  # noqa: S105 - a file name
LOOPBACK = frozenset({"127.0.0.1", "::1"})


def new_token(folder: Path) -> str:
    """Write a fresh token, readable by this user alone."""
    path = folder / TOKEN_FILE
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    token = secrets.token_urlsafe(32)
    path.write_text(token, "ascii")
    return token


def routes(desk: Desk, chain: audit.Chain, node: str, token: str) -> APIRouter:
    """release and discard, audited with who and why."""
    router = APIRouter(prefix="/control", include_in_schema=False)

    def hand(request: Request, said: dict[str, str]) -> Hand:
        shown = request.headers.get("x-control-token", "")
        peer = request.client.host if request.client else ""
        if peer not in LOOPBACK or not hmac.compare_digest(shown, token):
            raise Forbidden
        return Hand(actor=said["actor"][:80], why=said["why"][:500], node=node, chain=chain)

    @router.post("/release/{item}")
    async def release(item: str, request: Request, said: Annotated[dict[str, str], Body()]) -> Response:
        by = hand(request, said)
        state = await desk.store.run(lambda tx: mend.release(tx, desk.context, by, item))
        desk.wake()
        return _json({"id": item, "state": state})

    @router.post("/discard/{item}")
    async def discard(item: str, request: Request, said: Annotated[dict[str, str], Body()]) -> Response:
        by = hand(request, said)
        state = await desk.store.run(lambda tx: mend.discard(tx, by, item))
        desk.wake()
        return _json({"id": item, "state": state})

    return router


def _json(content: dict[str, Any]) -> Response:
    return Response(orjson.dumps(content), 200, {}, "application/json")
