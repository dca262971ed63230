"""The floor of the intake figures: a bare FastAPI endpoint with one durable SQLite commit for each request.

python benchmarks/floor_intake.py PORT FOLDER
"""

import sqlite3
import sys
import uuid
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response

app = FastAPI()
db = sqlite3.connect(Path(sys.argv[2]) / "floor.sqlite", check_same_thread=False, isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute("PRAGMA synchronous=FULL")
db.execute("CREATE TABLE IF NOT EXISTS kept (id TEXT PRIMARY KEY, body BLOB)")


@app.post("/events/{source}", status_code=202)
async def keep(source: str, request: Request) -> Response:
    """Keep the body, durably, and say so."""
    kept = str(uuid.uuid4())
    db.execute("INSERT INTO kept VALUES (?, ?)", (kept, await request.body()))
    return Response(status_code=202, headers={"Location": f"/messages/{kept}"})


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
