"""Sets up the practice site of compose.yaml in a folder, once: settings, key ring, scheme of the simulators.

Three callers may call; their keys lie in gp.key, service.key and operator.key. Synthetic people only.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge.config import shipped
from bridge.security.api_keys import new_api_key
from bridge.security.keyring import create_key_ring

SETTINGS = """\
environment = "test"
base = "https://practice.bridge.invalid"
mappings = "mappings"
"""
CALLERS = {
    "gp": 'roles = ["system"]\npractices = ["ZZ9901"]\nsources = ["json-event"]',
    "service": 'roles = ["service"]\nservice = "prescribing"',
    "operator": 'roles = ["operator"]',
}


def write(folder: Path) -> None:
    """Everything; the settings come last, as the sign that all is there."""
    schemes = folder / "mappings" / "schemes"
    schemes.mkdir(parents=True, exist_ok=True)
    (schemes / "demo.toml").write_bytes((shipped("mappings") / "schemes" / "demo.toml").read_bytes())
    create_key_ring(folder / "keys.json")
    said = SETTINGS + "".join(caller(folder, name, bound) for name, bound in CALLERS.items())
    (folder / "bridge.toml").write_text(said, "utf-8")


def caller(folder: Path, name: str, bound: str) -> str:
    """A caller with a new key, as the settings have it."""
    key = new_api_key()
    for suffix, text in (("key", key.token), ("digest", key.digest)):
        file = folder / f"{name}.{suffix}"
        file.touch(mode=0o600)
        file.write_text(text, "ascii")
    last_day = (datetime.now(UTC) + timedelta(days=365)).date()
    digest = folder.absolute() / f"{name}.digest"
    return f'\n[[callers]]\nname = "{name}"\n{bound}\nkey = "file:{digest}"\nkey_last_day = {last_day}\n'


if __name__ == "__main__":
    site = Path(sys.argv[1])
    if not (site / "bridge.toml").exists():
        write(site)
