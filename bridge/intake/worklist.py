"""`GET /practices/{ods}/worklist`: letters that a practice puts into the record itself, to print."""

import orjson
from fastapi import APIRouter, Request, Response

from bridge import letters
from bridge.errors import NotFound
from bridge.intake.desk import Desk
from bridge.intake.http import Ods, Uuid
from bridge.pipeline import worklist
from bridge.pipeline.worklist import Item
from bridge.security.caller import Caller, Role
from bridge.store.audit import Hand

PRIVATE = {"Cache-Control": "no-store"}


def routes(desk: Desk) -> APIRouter:
    """The practice's own list, as data, as a page and as a file; and the word that a letter is filed."""
    router = APIRouter(prefix="/practices/{practice}/worklist")

    async def hand(request: Request, practice: str, why: str) -> Hand:
        caller = await desk.caller(request)
        if not may_read(caller, practice):
            raise NotFound
        return desk.hand(caller, why)

    async def shown(request: Request, practice: str, why: str) -> list[Item]:
        by = await hand(request, practice, why)
        return await desk.store.run(lambda tx: worklist.shown(tx, by, practice))

    @router.get("")
    async def listed(practice: Ods, request: Request) -> Response:
        """What waits to be filed, oldest first; no patient data."""
        await hand(request, practice, "")
        items = await desk.store.read(lambda tx: worklist.of_practice(tx, practice))
        body = {"practice": practice, "letters": [item.plain() for item in items]}
        return Response(orjson.dumps(body), 200, PRIVATE, "application/json")

    @router.get("/letters.html")
    async def page(practice: Ods, request: Request) -> Response:
        """Every letter on the list, one to a page, for the screen and the printer."""
        items = await shown(request, practice, "worklist, as a page")
        return Response(printed(items), 200, PRIVATE | letters.PAGE_HEADERS, "text/html; charset=utf-8")

    @router.get("/letters.pdf")
    async def file(practice: Ods, request: Request) -> Response:
        """The same as a tagged PDF; 204 when the list is empty."""
        items = await shown(request, practice, "worklist, as a PDF")
        found = [item.letter for item in items if item.letter]
        if not found:
            return Response(status_code=204)
        content = await letters.pdf_aside(found, title=letters.WORKLIST if len(found) > 1 else "")
        name = {"Content-Disposition": f'attachment; filename="worklist-{practice}.pdf"'}
        return Response(content, 200, PRIVATE | name, "application/pdf")

    @router.post("/{letter_id}/filed")
    async def filed(practice: Ods, letter_id: Uuid, request: Request) -> Response:
        """Say that a letter is in the record: it leaves the list."""
        by = await hand(request, practice, "in the record")
        state = await desk.store.run(lambda tx: worklist.filed(tx, by, practice, letter_id))
        desk.wake()
        return Response(orjson.dumps({"id": letter_id, "state": state}), 200, PRIVATE, "application/json")

    return router


def printed(items: list[Item]) -> str:
    """The letters as one page of HTML."""
    return letters.html([item.letter for item in items if item.letter], title=letters.WORKLIST)


def may_read(caller: Caller, practice: str) -> bool:
    """People at the practice and its data officer."""
    return bool(caller.roles & {Role.PRACTICE, Role.DATA_OFFICER}) and practice in caller.practices
