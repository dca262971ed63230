"""What nobody caught: an honest 500 with the ids of its request, and nothing of what went wrong."""

import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from bridge.intake import answers

SECRET = "999 000 0018"
IDS = {"X-Request-ID": "a-request", "X-Correlation-ID": "a-conversation"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """An application with two faulty routes."""
    app = FastAPI()
    answers.install(app)

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError(SECRET)

    @app.get("/cut")
    async def cut() -> StreamingResponse:
        async def half() -> AsyncIterator[bytes]:
            yield b"half of "
            raise ValueError(SECRET)

        return StreamingResponse(half())

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bridge.test") as made:
        yield made


async def test_a_fault_of_ours_is_a_plain_500(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the kind of the error and our line; the answer says only that it is ours."""
    answer = await client.get("/broken", headers=IDS)

    assert answer.status_code == 500
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert {name: answer.headers[name] for name in IDS} == IDS
    assert answer.headers["Cache-Control"] == "no-store"
    assert [r.__dict__["event"] for r in caplog.records if r.levelno >= logging.WARNING] == ["worker_failed"]
    assert SECRET not in answer.text + caplog.text


async def test_an_answer_that_has_begun_is_broken_off(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A second answer behind half a first one would read as its end."""
    with pytest.raises(ValueError, match=SECRET):
        await client.get("/cut", headers=IDS)

    assert [r.__dict__["event"] for r in caplog.records if r.levelno >= logging.WARNING] == ["worker_failed"]
