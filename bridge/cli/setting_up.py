"""`bridge init`: a new site."""

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli import output
from bridge.config import shipped
from bridge.security.keyring import create_key_ring

CONFIG = """\
# Settings of this bridge. `bridge check` reads this file, mappings and schemes, and names every problem.
# Every setting is on the reference page "settings"; each can also be set as BRIDGE_<NAME>.

environment = "test"   # "live" refuses test patients
base = "{base}"   # the URL our identifiers live under, for ever; choose it before the first referral
data = "var"           # database, keys and control socket: keep it private and backed up
mappings = "mappings"  # your own sources/ and schemes/; they come before those that ship with the bridge

[http]
host = "127.0.0.1"     # loopback until callers are configured
port = 8080

# Who may call, each bound to its practices or its service. `bridge keys new` makes a key and its digest.
# [[callers]]
# name = "greenfield-gp"
# roles = ["system"]
# practices = ["A99999"]
# sources = ["json-event"]
# key = "file:/etc/bridge/secrets/greenfield-gp.digest"
# key_last_day = 2027-12-31

# A drop folder for EMIS IM1 bulk extracts, decrypted by what puts them there.
# [[folders]]
# source = "emis"
# path = "drop/emis"

# How to talk to a partner that a scheme names.
# [partners.prescribing]
# identity = "api-key"
# api_key = "file:/etc/bridge/secrets/prescribing.key"
"""


def add_to(app: typer.Typer) -> None:
    """Put the commands of this file on the main command."""
    app.command()(init)


def init(
    folder: Annotated[Path, typer.Argument(help="Where to set up the site.")] = Path(),
    base: Annotated[
        str, typer.Option(help="URL your identifiers live under; must be yours and never change.")
    ] = "https://bridge.invalid",
) -> None:
    """Write a commented bridge.toml, a key ring and a scheme to start from."""
    config = folder / "bridge.toml"
    if config.exists():
        output.err.print(f"{config} is already there; nothing was changed.")
        raise typer.Exit(2)
    (folder / "mappings" / "sources").mkdir(parents=True, exist_ok=True)
    schemes = folder / "mappings" / "schemes"
    schemes.mkdir(exist_ok=True)
    data = folder / "var"
    data.mkdir(mode=0o700, exist_ok=True)
    create_key_ring(data / "keys.json")
    config.write_text(CONFIG.format(base=base), "utf-8")
    example = shipped("mappings") / "schemes" / "example.toml"
    (schemes / "example.toml").write_bytes(example.read_bytes())
    output.out.print(f"Wrote {config}, {data / 'keys.json'} and {schemes / 'example.toml'}.")
    output.out.print("Back the key ring up apart from the database: without it nothing kept can be read.")
