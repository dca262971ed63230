"""`bridge audit`: whether anybody changed it, its heads, and its rows as FHIR AuditEvents."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.cli import output
from bridge.cli.access import read, settings
from bridge.cli.options import Json
from bridge.fhir.audit_event import audit_event
from bridge.fhir.writing import to_json
from bridge.ops import audit as heads
from bridge.security.audit import AuditChain
from bridge.security.keyring import load_key_ring
from bridge.store import audit
from bridge.store.unit import Tx

app = typer.Typer(help="The audit of what people did and saw: verify it, export it.", no_args_is_help=True)
Since = Annotated[str, typer.Option(help="Only rows of this day (YYYY-MM-DD, UTC) and later.")]


@app.command()
def verify(
    kept: Annotated[
        Path | None, typer.Option("--heads", help="Heads kept elsewhere; else those here.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find a row that was altered or taken out, also at the end. Exits 1 when there is one."""
    site = settings()
    chain, told = AuditChain(load_key_ring(site.key_ring)), heads.read_heads(kept or site.data / heads.FILE)
    broken, nodes = read(lambda tx: (heads.verify(tx, chain, told), heads.heads(tx)))
    rows = {node: head.length for node, (head,) in nodes.items()}
    if as_json:
        output.as_json({"rows": rows, "broken": {each.node: each.row for each in broken}})
    else:
        for node in sorted({*rows, *told}):
            row = next((each.row for each in broken if each.node == node), None)
            said = "holds" if row is None else f"does not hold from row {row} on"
            against = f", compared with {len(told.get(node, ()))} heads"
            output.out.print(f"{node}: {rows.get(node, 0)} rows, {said}{against}", highlight=False)
        if not rows:
            output.out.print("Nobody has done anything yet.")
    raise typer.Exit(1 if broken else 0)


@app.command()
def head() -> None:
    """Print the newest head of each node's chain; keep it where the bridge cannot write."""
    for node, (found,) in read(heads.heads).items():
        output.as_line({"node": node, "rows": found.length, "link": heads.written(found.link)})


@app.command("list")
def list_(since: Since = "", as_json: Json = False) -> None:
    """Who did what, when, to what, and why."""
    rows = read(lambda tx: _since(tx, since))
    if as_json:
        output.as_json(rows)
    else:
        output.table(("at", "node", "n", "actor", "action", "subject", "why"), rows, "Nothing is on it.")


@app.command()
def export(since: Since = "") -> None:
    """Print the rows as FHIR R4 AuditEvents, one on each line."""
    base = settings().base
    for row in read(lambda tx: _since(tx, since)):
        typer.echo(to_json(audit_event(row, base=base)).decode())


def _since(tx: Tx, since: str) -> list[dict[str, Any]]:
    start = 0
    if since:
        try:
            day = date.fromisoformat(since)
        except ValueError:
            raise typer.BadParameter("a day is YYYY-MM-DD") from None
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
    found = (row for node in audit.nodes(tx) for row, _ in audit.rows(tx, node))
    return sorted((row for row in found if row["at"] >= start), key=lambda row: row["at"])
